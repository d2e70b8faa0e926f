//! `to_utf8(text)`, `from_utf8(bytes[, replacement])`. # trino

use super::bytes::{Bytes, collect};
use crate::sql::{
    error::invalid,
    functions::{Class, Family, Function, scalar::scalar},
};
use datafusion::error::Result;

pub(super) fn functions() -> Vec<Function> {
    let function = |name, summary| scalar(name, Family::Binary, Class::Inherited, summary);
    [
        function("to_utf8", "The bytes of a text.")
            .form("to_utf8(varchar) -> varbinary", |call| {
                let texts = call.texts(0)?;
                collect(call, |row| Ok(texts.get(row)))
            })
            .build(),
        function("from_utf8", "The text of bytes; what is no text is replaced.")
            .form("from_utf8(varbinary) -> varchar", |call| {
                let values = Bytes::of(call, 0)?;
                call.collect_texts(|row| Ok(values.get(row).map(|bytes| text(bytes, "\u{fffd}"))))
            })
            .form("from_utf8(varbinary, varchar) -> varchar", |call| {
                let (values, replacements) = (Bytes::of(call, 0)?, call.texts(1)?);
                call.collect_texts(|row| match (values.get(row), replacements.get(row)) {
                    (Some(bytes), Some(replacement)) => {
                        check_replacement(replacement)?;
                        Ok(Some(text(bytes, replacement)))
                    }
                    _ => Ok(None),
                })
            })
            .build(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn check_replacement(replacement: &str) -> Result<()> {
    if replacement.chars().nth(1).is_some() {
        return Err(invalid("Replacement string must be empty or a single character"));
    }
    Ok(())
}

fn text(bytes: &[u8], replacement: &str) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        if !chunk.invalid().is_empty() {
            text.push_str(replacement);
        }
    }
    text
}
