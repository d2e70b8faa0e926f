//! `luhn_check(text)`: whether a text of digits has the right check digit at its end. # trino

use crate::sql::{
    error::invalid,
    functions::{Class, Family, Function, scalar::scalar},
};
use datafusion::error::Result;

pub(super) fn functions() -> Vec<Function> {
    scalar("luhn_check", Family::String, Class::Inherited, "Whether digits end with their check digit by Luhn.")
        .form("luhn_check(varchar) -> boolean", |call| {
            let texts = call.texts(0)?;
            call.collect_booleans(|row| texts.get(row).map(luhn).transpose())
        })
        .build()
}

fn luhn(text: &str) -> Result<bool> {
    if text.is_empty() {
        return Ok(false);
    }
    let mut sum = 0_u64;
    for (place, character) in text.bytes().rev().enumerate() {
        if !character.is_ascii_digit() {
            return Err(invalid("Input must not contain non-digit characters")); // # inferred: the words
        }
        let digit = u64::from(character - b'0');
        sum += if place % 2 == 0 { digit } else { digit * 2 / 10 + digit * 2 % 10 };
    }
    Ok(sum % 10 == 0)
}
