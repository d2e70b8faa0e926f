//! `translate(text, from, to)`, `starts_with(text, part)`, `normalize(text[, form])`. # trino

use crate::sql::{
    error::invalid,
    functions::{Class, Family, Function, call::Call, scalar::scalar},
};
use datafusion::{arrow::array::ArrayRef, error::Result};
use std::collections::HashMap;
use unicode_normalization::UnicodeNormalization;

pub(super) fn functions() -> Vec<Function> {
    let function = |name, summary| scalar(name, Family::String, Class::Inherited, summary);
    [
        function("translate", "Replaces each character of one text by the one at its place in another, or removes it.")
            .form("translate(varchar, varchar, varchar) -> varchar", translate)
            .build(),
        function("starts_with", "Whether a text begins with another.")
            .form("starts_with(varchar, varchar) -> boolean", |call| {
                let (texts, parts) = (call.texts(0)?, call.texts(1)?);
                call.collect_booleans(|row| match (texts.get(row), parts.get(row)) {
                    (Some(text), Some(part)) => Ok(Some(text.starts_with(part))),
                    _ => Ok(None),
                })
            })
            .build(),
        function("normalize", "The text in a normal form of Unicode: NFC, NFD, NFKC or NFKD.")
            .form("normalize(varchar) -> varchar", |call| {
                let texts = call.texts(0)?;
                call.collect_texts(|row| Ok(texts.get(row).map(|text| text.nfc().collect::<String>())))
            })
            .form("normalize(varchar, varchar) -> varchar", |call| {
                let (texts, forms) = (call.texts(0)?, call.texts(1)?);
                call.collect_texts(|row| match (texts.get(row), forms.get(row)) {
                    (Some(text), Some(form)) => normalize(text, form).map(Some),
                    _ => Ok(None),
                })
            })
            .build(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn normalize(text: &str, form: &str) -> Result<String> {
    Ok(match form.to_ascii_uppercase().as_str() {
        "NFC" => text.nfc().collect(),
        "NFD" => text.nfd().collect(),
        "NFKC" => text.nfkc().collect(),
        "NFKD" => text.nfkd().collect(),
        _ => return Err(invalid(format!("Normalization form must be one of [NFD, NFC, NFKD, NFKC]: {form}"))),
    })
}

fn translate(call: &Call) -> Result<ArrayRef> {
    let (texts, froms, tos) = (call.texts(0)?, call.texts(1)?, call.texts(2)?);
    call.collect_texts(|row| match (texts.get(row), froms.get(row), tos.get(row)) {
        (Some(text), Some(from), Some(to)) => {
            let mut places = HashMap::new();
            let others = to.chars().map(Some).chain(std::iter::repeat(None));
            for (character, other) in from.chars().zip(others) {
                // The first place counts.
                places.entry(character).or_insert(other);
            }
            let replaced = text.chars().filter_map(|c| places.get(&c).copied().unwrap_or(Some(c)));
            Ok(Some(replaced.collect::<String>()))
        }
        _ => Ok(None),
    })
}
