//! `trim(text)`, `ltrim(text)`, `rtrim(text)`: without the white space around it. `trim(BOTH x FROM text)` takes the
//! characters of `x` away instead; the planner makes it `trim(text, x)`. # trino

use crate::sql::functions::{Class, Family, Function, call::Call, scalar::scalar};
use datafusion::{arrow::array::ArrayRef, error::Result};

pub(super) fn functions() -> Vec<Function> {
    let function = |name, summary| scalar(name, Family::String, Class::Documented, summary);
    [
        function("trim", "The text without white space at either end.")
            .form("trim(varchar) -> varchar", |call| trimmed(call, |text| text.trim_matches(is_white_space)))
            .form("trim(varchar, varchar) -> varchar", |call| {
                trimmed_of(call, |text, characters| text.trim_matches(|c| characters.contains(c)))
            })
            .build(),
        function("ltrim", "The text without white space at its beginning.")
            .form("ltrim(varchar) -> varchar", |call| trimmed(call, |text| text.trim_start_matches(is_white_space)))
            .form("ltrim(varchar, varchar) -> varchar", |call| {
                trimmed_of(call, |text, characters| text.trim_start_matches(|c| characters.contains(c)))
            })
            .build(),
        function("rtrim", "The text without white space at its end.")
            .form("rtrim(varchar) -> varchar", |call| trimmed(call, |text| text.trim_end_matches(is_white_space)))
            .form("rtrim(varchar, varchar) -> varchar", |call| {
                trimmed_of(call, |text, characters| text.trim_end_matches(|c| characters.contains(c)))
            })
            .build(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn trimmed(call: &Call, trim: for<'t> fn(&'t str) -> &'t str) -> Result<ArrayRef> {
    let texts = call.texts(0)?;
    call.collect_texts(|row| Ok(texts.get(row).map(trim)))
}

fn trimmed_of(call: &Call, trim: for<'t> fn(&'t str, &str) -> &'t str) -> Result<ArrayRef> {
    let (texts, characters) = (call.texts(0)?, call.texts(1)?);
    call.collect_texts(|row| match (texts.get(row), characters.get(row)) {
        (Some(text), Some(characters)) => Ok(Some(trim(text, characters))),
        _ => Ok(None),
    })
}

/// White space as Java's `Character.isWhitespace` has it: no-break spaces are none, the separators of files, groups,
/// records and units are. # inferred
fn is_white_space(character: char) -> bool {
    match character {
        '\u{1c}'..='\u{1f}' => true,
        '\u{85}' | '\u{a0}' | '\u{2007}' | '\u{202f}' => false,
        _ => character.is_whitespace(),
    }
}

#[cfg(test)]
mod tests {
    use super::is_white_space;

    #[test]
    fn white_space_is_javas() {
        assert!(
            [' ', '\t', '\n', '\u{b}', '\r', '\u{1c}', '\u{1f}', '\u{2003}', '\u{3000}']
                .into_iter()
                .all(is_white_space)
        );
        assert!(!['a', '\u{a0}', '\u{85}', '\u{2007}', '\u{202f}', '\u{200b}'].into_iter().any(is_white_space));
    }
}
