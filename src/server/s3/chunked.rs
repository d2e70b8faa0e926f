//! Bodies in the coding `aws-chunked`: pieces with their length and signature, then headers that the client knew only at
//! the end. # guide of S3: sigv4-streaming.html, sigv4-streaming-trailers.html

use bytes::{Buf, Bytes};

/// Bytes of the longest line between pieces: a length with its signature, or a header.
const LINE_BYTES_MAX: usize = 4_096;
/// The headers that may stand at the end.
const TRAILERS_MAX: usize = 32;

/// The body is not in the coding that its headers announce.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the body is not well-formed aws-chunked")]
pub(super) struct Malformed;

/// Takes the coding off, piece by piece.
#[derive(Debug, Default)]
pub(super) struct Decoder {
    state: State,
    line: Vec<u8>,
    trailers: Vec<(String, String)>,
}

#[derive(Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Length,
    Piece(u64),
    PieceEnd,
    Trailers,
    Done,
}

impl Decoder {
    /// Takes all of `input`; appends the data in it to `output`.
    pub(super) fn decode(&mut self, mut input: Bytes, output: &mut Vec<Bytes>) -> Result<(), Malformed> {
        while !input.is_empty() {
            match &mut self.state {
                State::Piece(left) => {
                    let length = usize::try_from(*left).unwrap_or(usize::MAX).min(input.len());
                    output.push(input.split_to(length));
                    *left -= length as u64;
                    if *left == 0 {
                        self.state = State::PieceEnd;
                    }
                }
                State::Done => return Err(Malformed),
                State::Length | State::PieceEnd | State::Trailers => {
                    if let Some(line) = self.take_line(&mut input)? {
                        self.line_read(&line)?;
                    }
                }
            }
        }
        Ok(())
    }

    /// The headers at the end, once all is read.
    pub(super) fn finish(self) -> Result<Vec<(String, String)>, Malformed> {
        // Clients that send no headers at the end may leave out the empty line after them.
        if matches!(self.state, State::Done | State::Trailers) && self.line.is_empty() {
            Ok(self.trailers)
        } else {
            Err(Malformed)
        }
    }

    fn take_line(&mut self, input: &mut Bytes) -> Result<Option<String>, Malformed> {
        let end = input.iter().position(|byte| *byte == b'\n');
        let part = input.split_to(end.unwrap_or(input.len()));
        if self.line.len() + part.len() > LINE_BYTES_MAX {
            return Err(Malformed);
        }
        self.line.extend_from_slice(&part);
        if end.is_none() {
            return Ok(None);
        }
        input.advance(1);
        let line = std::mem::take(&mut self.line);
        let line = String::from_utf8(line).map_err(|_| Malformed)?;
        Ok(Some(line.strip_suffix('\r').map(str::to_owned).unwrap_or(line)))
    }

    fn line_read(&mut self, line: &str) -> Result<(), Malformed> {
        self.state = match self.state {
            State::Length => {
                let digits = line.split(';').next().unwrap_or_default().trim();
                match u64::from_str_radix(digits, 16).map_err(|_| Malformed)? {
                    0 => State::Trailers,
                    length => State::Piece(length),
                }
            }
            State::PieceEnd if line.is_empty() => State::Length,
            State::Trailers if line.is_empty() => State::Done,
            State::Trailers if self.trailers.len() < TRAILERS_MAX => {
                let (name, value) = line.split_once(':').ok_or(Malformed)?;
                self.trailers.push((name.trim().to_ascii_lowercase(), value.trim().to_owned()));
                State::Trailers
            }
            _ => return Err(Malformed),
        };
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(coded: &str, expect: Result<(&str, &[(&str, &str)]), Malformed>) {
        // However the network cuts it, it means the same.
        for size in [1, 3, coded.len().max(1)] {
            let mut decoder = Decoder::default();
            let mut output = Vec::new();
            let mut pieces = coded.as_bytes().chunks(size);
            let fed = pieces.try_for_each(|piece| decoder.decode(Bytes::copy_from_slice(piece), &mut output));
            let outcome = fed.and_then(|()| decoder.finish()).map(|trailers| (output.concat(), trailers));
            let expect = expect.map(|(text, trailers)| {
                let owned = trailers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
                (text.as_bytes().to_vec(), owned.collect::<Vec<_>>())
            });
            assert_eq!(outcome, expect, "{coded:?} in pieces of {size}");
        }
    }

    #[test]
    fn the_coding_is_taken_off() {
        check("5\r\nhello\r\n0\r\n\r\n", Ok(("hello", &[])));
        check(
            "5;chunk-signature=ab\r\nhello\r\nA\r\n, numbers!\r\n0;chunk-signature=cd\r\n\r\n",
            Ok(("hello, numbers!", &[])),
        );
        check("0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n", Ok(("", &[("x-amz-checksum-crc32", "AAAAAA==")])));
        check("1\r\n\r\r\n0\r\n", Ok(("\r", &[])));
    }

    #[test]
    fn what_is_not_in_the_coding_is_refused() {
        for coded in ["", "5\r\nhel", "zz\r\n", "5\r\nhelloX\r\n0\r\n\r\n", "0\r\nno header\r\n\r\n", "0\r\n\r\nmore"] {
            check(coded, Err(Malformed));
        }
        check(&"1".repeat(5_000), Err(Malformed));
    }
}
