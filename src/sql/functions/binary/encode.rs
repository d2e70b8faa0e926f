//! `to_hex`, `from_hex`, `to_base64`, `from_base64`, `to_base64url`, `from_base64url`. # trino

use super::bytes::{Bytes, collect};
use crate::sql::{
    error::invalid,
    functions::{Class, Family, Function, scalar::scalar},
};
use base64::{
    Engine, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use datafusion::error::Result;

/// As Java's: padding is written, and may be missing when read.
const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_padding_mode(DecodePaddingMode::Indifferent)
    .with_decode_allow_trailing_bits(true);
const BASE64: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);
const BASE64_URL: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT);

pub(super) fn functions() -> Vec<Function> {
    let function = |name, summary| scalar(name, Family::Binary, Class::Inherited, summary);
    [
        function("to_hex", "The bytes in hexadecimal.")
            .form("to_hex(varbinary) -> varchar", |call| {
                let values = Bytes::of(call, 0)?;
                call.collect_texts(|row| Ok(values.get(row).map(to_hex)))
            })
            .build(),
        function("from_hex", "The bytes of a text in hexadecimal.")
            .form("from_hex(varchar) -> varbinary", |call| {
                let texts = call.texts(0)?;
                collect(call, |row| texts.get(row).map(|text| from_hex(text.as_bytes())).transpose())
            })
            .build(),
        function("to_base64", "The bytes in base64.")
            .form("to_base64(varbinary) -> varchar", |call| {
                let values = Bytes::of(call, 0)?;
                call.collect_texts(|row| Ok(values.get(row).map(|bytes| BASE64.encode(bytes))))
            })
            .build(),
        function("from_base64", "The bytes of a text in base64.")
            .form("from_base64(varchar) -> varbinary", |call| {
                let texts = call.texts(0)?;
                collect(call, |row| texts.get(row).map(|text| from_base64(text, &BASE64)).transpose())
            })
            .build(),
        function("to_base64url", "The bytes in base64 of the alphabet safe in addresses.")
            .form("to_base64url(varbinary) -> varchar", |call| {
                let values = Bytes::of(call, 0)?;
                call.collect_texts(|row| Ok(values.get(row).map(|bytes| BASE64_URL.encode(bytes))))
            })
            .build(),
        function("from_base64url", "The bytes of a text in base64 of the alphabet safe in addresses.")
            .form("from_base64url(varchar) -> varbinary", |call| {
                let texts = call.texts(0)?;
                collect(call, |row| texts.get(row).map(|text| from_base64(text, &BASE64_URL)).transpose())
            })
            .build(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn to_hex(bytes: &[u8]) -> String {
    const DIGITS: [char; 16] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F'];
    bytes.iter().flat_map(|byte| [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]).collect()
}

fn from_hex(text: &[u8]) -> Result<Vec<u8>> {
    let bad = || invalid("invalid input: not an even number of hexadecimal digits");
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    text.chunks(2)
        .map(|pair| match pair {
            [high, low] => Some(digit(*high)? << 4 | digit(*low)?),
            _ => None,
        })
        .collect::<Option<_>>()
        .ok_or_else(bad)
}

fn from_base64(text: &str, alphabet: &GeneralPurpose) -> Result<Vec<u8>> {
    alphabet.decode(text).map_err(|error| invalid(format!("invalid base64 input: {error}")))
}
