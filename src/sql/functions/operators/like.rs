//! `__like_pattern(pattern, escape)`: what LIKE compares with where the pattern differs from row to row.

use crate::sql::{
    error::invalid,
    functions::{Class, Family, Function, scalar::scalar},
};

/// # presto: its words
const NO_CHARACTER: &str = "Escape string must be a single character";
/// # trino: its words
pub const MISPLACED_ESCAPE: &str = "Escape character must be followed by '%', '_' or the escape character itself";

pub(super) fn functions() -> Vec<Function> {
    scalar("__like_pattern", Family::Operator, Class::Internal, "The pattern of LIKE in the engine's form.")
        .form("__like_pattern(varchar) -> varchar", |call| {
            let patterns = call.texts(0)?;
            call.collect_texts(|row| Ok(patterns.get(row).and_then(|pattern| engine_pattern(pattern, None))))
        })
        .form("__like_pattern(varchar, varchar) -> varchar", |call| {
            let (patterns, escapes) = (call.texts(0)?, call.texts(1)?);
            call.collect_texts(|row| {
                let (Some(pattern), Some(escape)) = (patterns.get(row), escapes.get(row)) else { return Ok(None) };
                let mut characters = escape.chars();
                let (Some(escape), None) = (characters.next(), characters.next()) else {
                    return Err(invalid(NO_CHARACTER));
                };
                engine_pattern(pattern, Some(escape)).map(Some).ok_or_else(|| invalid(MISPLACED_ESCAPE))
            })
        })
        .build()
}

/// A LIKE pattern with `escape` (or none) as one with the backslash, which always escapes in the engine; `None` when the
/// escape character stands before an ordinary character.
#[must_use]
pub fn engine_pattern(pattern: &str, escape: Option<char>) -> Option<String> {
    let mut rewritten = String::with_capacity(pattern.len());
    let mut chars = pattern.chars();
    while let Some(c) = chars.next() {
        if Some(c) == escape {
            let next = chars.next()?;
            if !(matches!(next, '%' | '_') || Some(next) == escape) {
                return None;
            }
            if matches!(next, '%' | '_' | '\\') {
                rewritten.push('\\');
            }
            rewritten.push(next);
        } else {
            if c == '\\' {
                rewritten.push('\\');
            }
            rewritten.push(c);
        }
    }
    Some(rewritten)
}
