//! The body of a request for objects: read as it comes, in whichever coding, and compared with its checksums.

use super::chunked::{Decoder, Malformed};
use crate::{clock::Clock, model::limits::REQUEST_BODY_SECONDS};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use bytes::Bytes;
use futures::{
    Stream,
    future::{Either, select},
    stream,
};
use http::{HeaderMap, HeaderValue, header, request::Parts};
use http_body_util::{BodyExt, StreamBody};
use hyper::body::{Body, Frame};
use s3s::{
    S3Error, S3ErrorCode,
    checksum::ChecksumHasher,
    crypto::{Checksum as _, Crc32, Crc32c, Crc64Nvme, Md5, Sha1, Sha256},
    dto::Checksum,
};
use std::{
    collections::VecDeque,
    fmt::Display,
    pin::{Pin, pin},
};

/// What names the length without the coding.
const DECODED_LENGTH: &str = "x-amz-decoded-content-length";
const CONTENT_SHA256: &str = "x-amz-content-sha256";
const CHECKSUM_PREFIX: &str = "x-amz-checksum-";

/// Why a body cannot be taken.
#[derive(Debug, thiserror::Error)]
pub(super) enum BodyError {
    #[error("The request did not arrive in time.")]
    TooSlow,
    #[error("The request broke off: {0}")]
    Broken(String),
    #[error(transparent)]
    Malformed(#[from] Malformed),
    #[error("You did not provide the number of bytes specified by the Content-Length HTTP header.")]
    Incomplete,
    #[error("The {0} you specified did not match the calculated checksum.")]
    Digest(String),
}

impl BodyError {
    /// What the client is told.
    pub(super) fn code(&self) -> S3ErrorCode {
        match self {
            Self::TooSlow => S3ErrorCode::RequestTimeout,
            Self::Broken(_) | Self::Malformed(_) | Self::Incomplete => S3ErrorCode::IncompleteBody,
            Self::Digest(_) => S3ErrorCode::BadDigest,
        }
    }
}

/// The error of a request whose body gave `error`.
pub(super) fn refused(error: &(dyn std::error::Error + Send + Sync + 'static)) -> S3Error {
    match error.downcast_ref::<BodyError>() {
        Some(error) => S3Error::with_message(error.code(), error.to_string()),
        None => S3Error::with_message(S3ErrorCode::InternalError, error.to_string()),
    }
}

/// The body without its coding; the headers are changed to say what it is then.
pub(super) fn read<B>(parts: &mut Parts, body: B, clock: Clock) -> s3s::Body
where
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Display,
{
    let sums = Sums::of(&parts.headers);
    let decoder = take_coding(&mut parts.headers).then(Decoder::default);
    let length = parts.headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    let reading = Reading {
        body: Box::pin(body),
        clock,
        decoder,
        ready: VecDeque::new(),
        expected_bytes: length,
        bytes: 0,
        sums: Some(sums),
    };
    let pieces = stream::try_unfold(reading, |mut reading| async move {
        let next = reading.next().await?;
        Ok::<_, BodyError>(next.map(|bytes| (Frame::data(bytes), reading)))
    });
    s3s::Body::http_body_unsync(StreamBody::new(Fused(Box::pin(pieces))))
}

/// Takes the coding out of the headers; whether there was one.
fn take_coding(headers: &mut HeaderMap) -> bool {
    let text = |headers: &HeaderMap, name: &str| {
        headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
    };
    let coding = text(headers, "content-encoding");
    let is_chunked = coding.split(',').any(|part| part.trim() == "aws-chunked")
        || text(headers, CONTENT_SHA256).starts_with("STREAMING-");
    headers.remove(CONTENT_SHA256);
    if !is_chunked {
        return false;
    }
    let rest: Vec<_> =
        coding.split(',').map(str::trim).filter(|part| !part.is_empty() && *part != "aws-chunked").collect();
    headers.remove(header::CONTENT_ENCODING);
    if let Ok(rest) = HeaderValue::from_str(&rest.join(","))
        && !rest.is_empty()
    {
        headers.insert(header::CONTENT_ENCODING, rest);
    }
    headers.remove(header::CONTENT_LENGTH);
    if let Some(length) = headers.remove(DECODED_LENGTH) {
        headers.insert(header::CONTENT_LENGTH, length);
    }
    true
}

/// A stream that stays at its end.
struct Fused<S>(Pin<Box<S>>);

impl<S: Stream> Stream for Fused<S> {
    type Item = S::Item;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut std::task::Context<'_>) -> std::task::Poll<Option<Self::Item>> {
        self.0.as_mut().poll_next(cx)
    }
}

struct Reading<B> {
    body: Pin<Box<B>>,
    clock: Clock,
    decoder: Option<Decoder>,
    ready: VecDeque<Bytes>,
    expected_bytes: Option<u64>,
    bytes: u64,
    /// `None` at the end.
    sums: Option<Sums>,
}

impl<B> Reading<B>
where
    B: Body<Data = Bytes>,
    B::Error: Display,
{
    async fn next(&mut self) -> Result<Option<Bytes>, BodyError> {
        loop {
            if let Some(bytes) = self.ready.pop_front() {
                self.bytes += bytes.len() as u64;
                if let Some(sums) = &mut self.sums {
                    sums.update(&bytes);
                }
                return Ok(Some(bytes));
            }
            let Some(data) = self.next_data().await? else { return self.end().map(|()| None) };
            match &mut self.decoder {
                Some(decoder) => {
                    let mut pieces = Vec::new();
                    decoder.decode(data, &mut pieces)?;
                    self.ready.extend(pieces.into_iter().filter(|piece| !piece.is_empty()));
                }
                None => self.ready.push_back(data),
            }
        }
    }

    /// The next piece as it came.
    async fn next_data(&mut self) -> Result<Option<Bytes>, BodyError> {
        let deadline_ns = self.clock.now_ns().saturating_add(REQUEST_BODY_SECONDS as i64 * 1_000_000_000);
        loop {
            let frame = match select(pin!(self.body.frame()), pin!(self.clock.sleep_until(deadline_ns))).await {
                Either::Left((frame, _)) => frame,
                Either::Right(_) => return Err(BodyError::TooSlow),
            };
            match frame {
                None => return Ok(None),
                Some(Err(error)) => return Err(BodyError::Broken(error.to_string())),
                Some(Ok(frame)) => {
                    if let Ok(data) = frame.into_data() {
                        return Ok(Some(data));
                    }
                }
            }
        }
    }

    fn end(&mut self) -> Result<(), BodyError> {
        let trailers = match self.decoder.take() {
            Some(decoder) => decoder.finish()?,
            None => Vec::new(),
        };
        if self.expected_bytes.is_some_and(|expected| expected != self.bytes) {
            return Err(BodyError::Incomplete);
        }
        match self.sums.take() {
            Some(sums) => sums.compare(trailers),
            None => Ok(()),
        }
    }
}

/// The checksums that a client gives or announces, and those of what came.
#[derive(Default)]
struct Sums {
    given: Vec<(String, String)>,
    hasher: ChecksumHasher,
    md5: Option<Md5>,
}

impl Sums {
    fn of(headers: &HeaderMap) -> Self {
        let mut sums = Self::default();
        for (name, value) in headers {
            let value = value.to_str().unwrap_or_default();
            match name.as_str() {
                "content-md5" => {
                    sums.md5 = Some(Md5::new());
                    sums.given.push(("content-md5".to_owned(), value.to_owned()));
                }
                // A hash of the body, or a word instead of one.
                CONTENT_SHA256 => {
                    if let Some(digest) = base64_of_hex(value) {
                        sums.hasher.sha256 = Some(Sha256::new());
                        sums.given.push((CONTENT_SHA256.to_owned(), digest));
                    }
                }
                "x-amz-trailer" => value.split(',').for_each(|name| sums.begin(name.trim())),
                name if name.starts_with(CHECKSUM_PREFIX) => {
                    sums.begin(name);
                    sums.given.push((name.to_owned(), value.to_owned()));
                }
                _ => {}
            }
        }
        sums
    }

    fn begin(&mut self, name: &str) {
        match name.to_ascii_lowercase().strip_prefix(CHECKSUM_PREFIX) {
            Some("crc32") => self.hasher.crc32 = Some(Crc32::new()),
            Some("crc32c") => self.hasher.crc32c = Some(Crc32c::new()),
            Some("crc64nvme") => self.hasher.crc64nvme = Some(Crc64Nvme::new()),
            Some("sha1") => self.hasher.sha1 = Some(Sha1::new()),
            Some("sha256") => self.hasher.sha256 = Some(Sha256::new()),
            _ => {}
        }
    }

    fn update(&mut self, bytes: &[u8]) {
        self.hasher.update(bytes);
        if let Some(md5) = &mut self.md5 {
            md5.update(bytes);
        }
    }

    fn compare(self, trailers: Vec<(String, String)>) -> Result<(), BodyError> {
        let sums: Checksum = self.hasher.finalize();
        let md5 = self.md5.map(|md5| BASE64_STANDARD.encode(md5.finalize()));
        for (name, given) in self.given.into_iter().chain(trailers) {
            let computed = match name.as_str() {
                "content-md5" => &md5,
                "x-amz-checksum-crc32" => &sums.checksum_crc32,
                "x-amz-checksum-crc32c" => &sums.checksum_crc32c,
                "x-amz-checksum-crc64nvme" => &sums.checksum_crc64nvme,
                "x-amz-checksum-sha1" => &sums.checksum_sha1,
                CONTENT_SHA256 | "x-amz-checksum-sha256" => &sums.checksum_sha256,
                _ => &None,
            };
            if computed.as_ref().is_some_and(|computed| *computed != given) {
                return Err(BodyError::Digest(name));
            }
        }
        Ok(())
    }
}

/// The Base64 form of the sixty-four hexadecimal digits of a hash.
fn base64_of_hex(digits: &str) -> Option<String> {
    let nibbles: Option<Vec<u32>> = digits.chars().map(|digit| digit.to_digit(16)).collect();
    let bytes: Vec<u8> =
        nibbles?.chunks(2).map(|pair| pair.iter().fold(0, |byte, nibble| byte * 16 + *nibble as u8)).collect();
    (digits.len() == 64).then(|| BASE64_STANDARD.encode(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::Request;
    use http_body_util::Full;

    async fn check(headers: &[(&str, &str)], body: &str, expect: Result<&str, S3ErrorCode>) {
        let mut request = Request::put("/b/k");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (mut parts, ()) = request.body(()).unwrap().into_parts();
        let body = read(&mut parts, Full::from(body.to_owned()), Clock::manual(0));
        let read = body.collect().await.map(|body| body.to_bytes());
        let read = read.map_err(|error| refused(&*error).code().clone());
        assert_eq!(read.as_deref(), expect.map(str::as_bytes).as_ref().map(|bytes| *bytes), "{headers:?}");
        assert!(!parts.headers.contains_key(CONTENT_SHA256));
    }

    #[tokio::test]
    async fn checksums_are_compared() {
        // crc32, md5 and sha256 of "hello", as any tool computes them
        check(&[("content-length", "5"), ("x-amz-checksum-crc32", "NhCmhg==")], "hello", Ok("hello")).await;
        check(&[("x-amz-checksum-crc32", "AAAAAA==")], "hello", Err(S3ErrorCode::BadDigest)).await;
        check(&[("content-md5", "XUFAKrxLKna5cZ2REBfFkg==")], "hello", Ok("hello")).await;
        check(&[("content-md5", "XUFAKrxLKna5cZ2REBfFkg==")], "hell0", Err(S3ErrorCode::BadDigest)).await;
        let sha = "LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=";
        check(&[("x-amz-checksum-sha256", sha)], "hello", Ok("hello")).await;
        let hex = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
        check(&[("x-amz-content-sha256", hex)], "hello", Ok("hello")).await;
        check(&[("x-amz-content-sha256", hex)], "hell0", Err(S3ErrorCode::BadDigest)).await;
        check(&[("x-amz-content-sha256", "UNSIGNED-PAYLOAD")], "hell0", Ok("hell0")).await;
    }

    #[tokio::test]
    async fn codings_are_taken_off_and_their_checksums_compared() {
        let headers = [
            ("content-length", "58"),
            ("content-encoding", "aws-chunked"),
            ("x-amz-content-sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER"),
            ("x-amz-decoded-content-length", "5"),
            ("x-amz-trailer", "x-amz-checksum-crc32"),
        ];
        check(&headers, "5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n", Ok("hello")).await;
        check(&headers, "5\r\nhello\r\n0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n", Err(S3ErrorCode::BadDigest)).await;
        check(&headers, "4\r\nhell\r\n0\r\n\r\n", Err(S3ErrorCode::IncompleteBody)).await;
        check(&headers, "hello", Err(S3ErrorCode::IncompleteBody)).await;
    }
}
