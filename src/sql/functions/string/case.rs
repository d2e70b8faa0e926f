//! `lower(text)`, `upper(text)`, `length(text)`.

use crate::sql::functions::{Class, Family, Function, call::Call, scalar::scalar};
use datafusion::{
    arrow::{array::ArrayRef, datatypes::Int64Type},
    error::Result,
};

pub(super) fn functions() -> Vec<Function> {
    let function = |name, summary| scalar(name, Family::String, Class::Documented, summary);
    [
        function("length", "How many characters a text has.")
            .form("length(varchar) -> bigint", |call| {
                let texts = call.texts(0)?;
                let length = |text: &str| i64::try_from(text.chars().count()).unwrap_or(i64::MAX);
                call.collect::<Int64Type>(|row| Ok(texts.get(row).map(length)))
            })
            .build(),
        function("lower", "The text in lower case.")
            .form("lower(varchar) -> varchar", |call| by_character(call, lower))
            .build(),
        function("upper", "The text in upper case.")
            .form("upper(varchar) -> varchar", |call| by_character(call, upper))
            .build(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn by_character(call: &Call, map: fn(char) -> char) -> Result<ArrayRef> {
    let texts = call.texts(0)?;
    call.collect_texts(|row| Ok(texts.get(row).map(|text| text.chars().map(map).collect::<String>())))
}

/// Character by character, as Presto: a character whose other case is several characters stays. # inferred
fn lower(character: char) -> char {
    single(character, character.to_lowercase())
}

fn upper(character: char) -> char {
    single(character, character.to_uppercase())
}

fn single(character: char, mut mapped: impl Iterator<Item = char>) -> char {
    match (mapped.next(), mapped.next()) {
        (Some(one), None) => one,
        _ => character,
    }
}
