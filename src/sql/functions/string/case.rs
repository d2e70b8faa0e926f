//! `lower(text)`, `upper(text)`, `length(text)`.

use crate::sql::functions::{Class, Family, Function, binary::part, call::Call, scalar::scalar};
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
            .form("length(varbinary) -> bigint", part::length)
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

/// Character by character, as Presto, whatever stands around it. # inferred
fn lower(character: char) -> char {
    match character {
        // Its lower case is `i` with a second dot otherwise.
        'İ' => 'i',
        _ => single(character, character.to_lowercase()),
    }
}

/// As [`lower`]: one character stays one, `ß` itself.
fn upper(character: char) -> char {
    let capital = match character {
        // Greek letters with iota below: the capital has the iota beside it and is one character too.
        '\u{1f80}'..='\u{1faf}' => char::from_u32(u32::from(character) | 8),
        '\u{1fb3}' | '\u{1fc3}' | '\u{1ff3}' => char::from_u32(u32::from(character) + 9),
        _ => None,
    };
    capital.unwrap_or_else(|| single(character, character.to_uppercase()))
}

fn single(character: char, mut mapped: impl Iterator<Item = char>) -> char {
    match (mapped.next(), mapped.next()) {
        (Some(one), None) => one,
        _ => character,
    }
}

#[cfg(test)]
mod tests {
    use super::{lower, upper};

    #[test]
    fn one_character_stays_one() {
        let check = |character: char, lower_case: char, upper_case: char| {
            assert_eq!((lower(character), upper(character)), (lower_case, upper_case), "{character}");
        };
        check('a', 'a', 'A');
        check('É', 'é', 'É');
        check('ß', 'ß', 'ß');
        check('İ', 'i', 'İ');
        check('Σ', 'σ', 'Σ');
        check('ς', 'ς', 'Σ');
        check('ᾳ', 'ᾳ', 'ᾼ');
        check('ᾀ', 'ᾀ', 'ᾈ');
        check('1', '1', '1');
    }
}
