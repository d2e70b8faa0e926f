//! `chr(n)`, `codepoint(c)`: a character and its number.

use crate::sql::{
    error::invalid,
    functions::{Class, Family, Function, scalar::scalar},
};
use datafusion::arrow::datatypes::{Int32Type, Int64Type};

pub(super) fn functions() -> Vec<Function> {
    [
        scalar("chr", Family::String, Class::Documented, "The character of a code point.")
            .form("chr(bigint) -> varchar", |call| {
                let numbers = call.numbers::<Int64Type>(0)?;
                call.collect_texts(|row| {
                    let Some(number) = numbers.get(row) else { return Ok(None) };
                    let character = u32::try_from(number).ok().and_then(char::from_u32);
                    let character =
                        character.ok_or_else(|| invalid(format!("Not a valid Unicode code point: {number}")))?;
                    Ok(Some(character.to_string()))
                })
            })
            .build(),
        scalar("codepoint", Family::String, Class::Documented, "The code point of a text of one character.")
            .form("codepoint(varchar) -> integer", |call| {
                let texts = call.texts(0)?;
                call.collect::<Int32Type>(|row| {
                    let Some(text) = texts.get(row) else { return Ok(None) };
                    let mut characters = text.chars();
                    match (characters.next(), characters.next()) {
                        (Some(character), None) => Ok(i32::try_from(u32::from(character)).ok()),
                        _ => Err(invalid("Input string must be a single character string")),
                    }
                })
            })
            .build(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
