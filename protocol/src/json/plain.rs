//! A reader for JSON as clients write it.
//!
//! A write is hundreds of short strings under well-known names, and most of what it costs is reading them. This reader
//! knows objects, arrays, strings, `null` and integers, looks at eight bytes of a string at a time, and leaves the rest to
//! serde_json: where it meets anything else, or anything wrong, it gives up, and the body is read anew by that.

use std::fmt;

use serde::{
    Deserializer,
    de::{self, DeserializeSeed, MapAccess, SeqAccess, Visitor},
    forward_to_deserialize_any,
};

/// There is something in the text that [`PlainReader`] does not read. It may be JSON nevertheless.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not plain")]
pub(super) struct NotPlain;

impl de::Error for NotPlain {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self
    }

    // Their texts would be made for nothing.
    fn invalid_type(_: de::Unexpected<'_>, _: &dyn de::Expected) -> Self {
        Self
    }

    fn missing_field(_: &'static str) -> Self {
        Self
    }
}

/// Reads one value.
///
/// # Errors
/// [`NotPlain`] also when the value is not what `T` takes.
pub(super) fn read<'de, T: de::Deserialize<'de>>(text: &'de str) -> Result<T, NotPlain> {
    let mut reader = PlainReader { text, at: 0 };
    let value = T::deserialize(&mut reader)?;
    match reader.peek() {
        None => Ok(value),
        Some(_) => Err(NotPlain),
    }
}

/// Where reading has come to.
struct PlainReader<'de> {
    text: &'de str,
    at: usize,
}

impl<'de> PlainReader<'de> {
    /// The next byte that is not white space.
    #[inline]
    fn peek(&mut self) -> Option<u8> {
        loop {
            let byte = *self.text.as_bytes().get(self.at)?;
            if !matches!(byte, b' ' | b'\n' | b'\r' | b'\t') {
                return Some(byte);
            }
            self.at += 1;
        }
    }

    /// Steps over the next byte that is not white space, which must be this one.
    #[inline]
    fn expect(&mut self, byte: u8) -> Result<(), NotPlain> {
        if self.peek() != Some(byte) {
            return Err(NotPlain);
        }
        self.at += 1;
        Ok(())
    }

    /// Steps over the `,` before the next element, which the first has none of; false at the end of the list.
    #[inline]
    fn next_element(&mut self, is_first: &mut bool, end: u8) -> Result<bool, NotPlain> {
        match self.peek() {
            Some(byte) if byte == end => {
                self.at += 1;
                Ok(false)
            }
            Some(b',') if !*is_first => {
                self.at += 1;
                // There is nothing between a comma and the end.
                if self.peek() == Some(end) { Err(NotPlain) } else { Ok(true) }
            }
            Some(_) if *is_first => {
                *is_first = false;
                Ok(true)
            }
            _ => Err(NotPlain),
        }
    }

    /// A string without an escape; `None`, with nothing read, when it has one.
    #[inline]
    fn string(&mut self) -> Result<Option<&'de str>, NotPlain> {
        if self.peek() != Some(b'"') {
            return Err(NotPlain);
        }
        let start = self.at + 1;
        let end = start + plain_length(&self.text.as_bytes()[start..]);
        match self.text.as_bytes().get(end) {
            Some(b'"') => {
                self.at = end + 1;
                self.text.get(start..end).map(Some).ok_or(NotPlain)
            }
            Some(b'\\') => Ok(None),
            _ => Err(NotPlain),
        }
    }

    /// A string with escapes.
    #[cold]
    fn escaped_string(&mut self) -> Result<String, NotPlain> {
        let mut values = serde_json::Deserializer::from_str(&self.text[self.at..]).into_iter();
        let Some(Ok(text)) = values.next() else { return Err(NotPlain) };
        self.at += values.byte_offset();
        Ok(text)
    }

    /// An integer of a few digits.
    fn integer(&mut self) -> Result<i64, NotPlain> {
        self.peek();
        let rest = &self.text[self.at..];
        let length = rest.bytes().take_while(|byte| matches!(byte, b'0'..=b'9' | b'-')).count();
        let (digits, after) = rest.split_at(length);
        let is_padded = digits.trim_start_matches('-').starts_with('0') && length > 1;
        let ends = matches!(after.bytes().next(), None | Some(b',' | b'}' | b']' | b' ' | b'\n' | b'\r' | b'\t'));
        if is_padded || !ends {
            return Err(NotPlain);
        }
        self.at += length;
        digits.parse().map_err(|_| NotPlain)
    }
}

/// How many bytes come before the first quote, backslash or control character.
#[inline]
fn plain_length(bytes: &[u8]) -> usize {
    const ONES: u64 = u64::MAX / 255;
    const HIGHS: u64 = ONES << 7;
    let mut length = 0;
    let mut rest = bytes;
    while let Some((first, after)) = rest.split_first_chunk::<8>() {
        let word = u64::from_le_bytes(*first);
        // Subtracting from all bytes at once sets the high bit of those that were less, and had it clear before. A borrow
        // may set it in others, but only above one of them, and only the lowest one counts.
        let quote = word ^ (ONES * b'"' as u64);
        let backslash = word ^ (ONES * b'\\' as u64);
        let found = (quote.wrapping_sub(ONES) & !quote)
            | (backslash.wrapping_sub(ONES) & !backslash)
            | (word.wrapping_sub(ONES * 0x20) & !word);
        if found & HIGHS != 0 {
            return length + (found & HIGHS).trailing_zeros() as usize / 8;
        }
        length += 8;
        rest = after;
    }
    let is_plain = |byte: &&u8| !matches!(byte, b'"' | b'\\' | 0..0x20);
    length + rest.iter().take_while(is_plain).count()
}

impl<'de> Deserializer<'de> for &mut PlainReader<'de> {
    type Error = NotPlain;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, NotPlain> {
        Err(NotPlain)
    }

    #[inline]
    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, NotPlain> {
        match self.string()? {
            Some(text) => visitor.visit_borrowed_str(text),
            None => visitor.visit_string(self.escaped_string()?),
        }
    }

    fn deserialize_i32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, NotPlain> {
        visitor.visit_i64(self.integer()?)
    }

    fn deserialize_i64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, NotPlain> {
        visitor.visit_i64(self.integer()?)
    }

    #[inline]
    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, NotPlain> {
        if self.peek() != Some(b'n') {
            return visitor.visit_some(self);
        }
        if !self.text[self.at..].starts_with("null") {
            return Err(NotPlain);
        }
        self.at += "null".len();
        visitor.visit_none()
    }

    #[inline]
    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, NotPlain> {
        self.expect(b'[')?;
        visitor.visit_seq(Elements { reader: self, is_first: true })
    }

    #[inline]
    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, NotPlain> {
        self.expect(b'{')?;
        visitor.visit_map(Elements { reader: self, is_first: true })
    }

    forward_to_deserialize_any! {
        bool i8 i16 i128 u8 u16 u32 u64 u128 f32 f64 char string bytes byte_buf unit unit_struct newtype_struct tuple
        tuple_struct struct enum identifier ignored_any
    }
}

/// The elements of an array or the members of an object, each of which its visitor reads to the end.
struct Elements<'a, 'de> {
    reader: &'a mut PlainReader<'de>,
    is_first: bool,
}

impl<'de> SeqAccess<'de> for Elements<'_, 'de> {
    type Error = NotPlain;

    #[inline]
    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, NotPlain> {
        if !self.reader.next_element(&mut self.is_first, b']')? {
            return Ok(None);
        }
        seed.deserialize(&mut *self.reader).map(Some)
    }
}

impl<'de> MapAccess<'de> for Elements<'_, 'de> {
    type Error = NotPlain;

    #[inline]
    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, NotPlain> {
        if !self.reader.next_element(&mut self.is_first, b'}')? {
            return Ok(None);
        }
        seed.deserialize(&mut *self.reader).map(Some)
    }

    #[inline]
    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, NotPlain> {
        self.reader.expect(b':')?;
        seed.deserialize(&mut *self.reader)
    }
}

#[cfg(test)]
mod tests {
    use super::{NotPlain, plain_length, read};
    use crate::shapes::write::{ListDatabasesRequest, WriteRecordsRequest};

    const WRITE: &str = r#"{"DatabaseName":"bench","TableName":"größer","CommonAttributes":{"Version":-7,"Time":null},
        "Records": [{"Dimensions": [{"Name": "host-with-a-long-name", "Value": "/a\/\u00e4\n"}], "MeasureName": "cpu",
        "MeasureValueType":"MULTI","MeasureValues":[{"Name":"a","Value":"1","Type":"BIGINT"},
        {"Name":"b" , "Value" : "2.5","Type":"DOUBLE"}]}, {"MeasureValues":[] ,"Version":0}]} "#;

    #[test]
    fn what_clients_write_is_read_as_serde_json_reads_it() {
        let check = |text: &str| {
            let expect: WriteRecordsRequest<'_> = serde_json::from_str(text).unwrap();
            assert_eq!(read::<WriteRecordsRequest<'_>>(text), Ok(expect), "{text}");
        };
        check(WRITE);
        check(&WRITE.replace(['\n', ' '], ""));
        check(&WRITE.replace(' ', " \t\r\n"));
        let read: WriteRecordsRequest<'_> = read(WRITE).unwrap();
        assert!(read.records[0].dimensions.as_ref().unwrap()[0].name.is_borrowed());
    }

    #[test]
    fn the_rest_is_left_to_serde_json() {
        let check = |text: &str| assert_eq!(read::<ListDatabasesRequest<'_>>(text), Err(NotPlain), "{text}");
        check("");
        check("{");
        check("null");
        check("[]");
        check("{} {}");
        check("{,}");
        check(r#"{"MaxResults":1,}"#);
        check(r#"{"MaxResults":1 "NextToken":"a"}"#);
        check(r#"{"MaxResults" 1}"#);
        check(r#"{"MaxResults":"1"}"#);
        check(r#"{"MaxResults":01}"#);
        check(r#"{"MaxResults":-01}"#);
        check(r#"{"MaxResults":1.0}"#);
        check(r#"{"MaxResults":1e2}"#);
        check(r#"{"MaxResults":+1}"#);
        check(r#"{"MaxResults":-}"#);
        check(r#"{"MaxResults":--1}"#);
        check(r#"{"MaxResults":1-1}"#);
        check(r#"{"MaxResults":2147483648}"#);
        check(r#"{"MaxResults":nul}"#);
        check(r#"{"NextToken":5}"#);
        check(r#"{"NextToken":"a"#);
        check(r#"{"NextToken":"\x"}"#);
        check("{\"NextToken\":\"a\nb\"}");
        check(r#"{"Unknown":{}}"#);
        check("\u{feff}{}");
    }

    /// Whatever the text, what is read is what serde_json would have read.
    fn check_against_serde_json(text: &str) {
        if let Ok(request) = read::<WriteRecordsRequest<'_>>(text) {
            assert_eq!(serde_json::from_str::<WriteRecordsRequest<'_>>(text).ok(), Some(request), "{text}");
        }
    }

    #[test]
    fn no_mutation_is_read_otherwise() {
        let replacements =
            ["", "\"", "\\", "{", "}", "[", "]", ",", ":", "0", "-", "n", " ", "\t", "\0", "ä", "\u{1f600}"];
        for (at, character) in WRITE.char_indices() {
            check_against_serde_json(&WRITE[..at]);
            for replacement in replacements {
                let after = &WRITE[at + character.len_utf8()..];
                check_against_serde_json(&format!("{}{replacement}{after}", &WRITE[..at]));
                check_against_serde_json(&format!("{}{replacement}{character}{after}", &WRITE[..at]));
            }
        }
    }

    #[test]
    fn a_string_ends_where_it_ends() {
        for length in 0..40 {
            for special in [0, 1, 0x1f, b'"', b'\\'] {
                for filler in [0x20, b'!', b'#', b'[', b']', 0x7f, 0x80, 0xa2, 0xdc, 0xff] {
                    let mut bytes = vec![filler; length];
                    assert_eq!(plain_length(&bytes), length);
                    bytes.push(special);
                    bytes.extend([filler; 9]);
                    assert_eq!(plain_length(&bytes), length, "{special} after {length} times {filler}");
                }
            }
        }
    }
}
