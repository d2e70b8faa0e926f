//! `regexp_split(text, pattern)`: the parts of a text between matches, empty ones included.

use super::{extract::TextLists, pattern::Patterns};
use crate::sql::functions::{Class, Family, Function, call::Call, scalar::scalar};
use datafusion::{arrow::array::ArrayRef, error::Result};

pub(super) fn functions() -> Vec<Function> {
    scalar("regexp_split", Family::Regexp, Class::Documented, "The parts of a text between matches of a pattern.")
        .form("regexp_split(varchar, varchar) -> array(varchar)", split)
        .build()
}

fn split(call: &Call) -> Result<ArrayRef> {
    let (texts, patterns) = (call.texts(0)?, call.texts(1)?);
    let compiled = Patterns::default();
    let mut parts = TextLists::new();
    for row in 0..call.rows {
        let (Some(text), Some(pattern)) = (texts.get(row), patterns.get(row)) else {
            parts.end_null_row();
            continue;
        };
        let mut last_end = 0;
        compiled.get(pattern)?.each_match(text, |found| {
            parts.push(Some(&text[last_end..found.start]))?;
            last_end = found.end;
            Ok(true)
        })?;
        parts.push(Some(&text[last_end..]))?;
        parts.end_row();
    }
    Ok(parts.finish())
}
