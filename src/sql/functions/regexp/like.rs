//! `regexp_like(text, pattern)`: whether a part of the text matches.

use super::pattern::Patterns;
use crate::sql::functions::{Class, Family, Function, scalar::scalar};

pub(super) fn functions() -> Vec<Function> {
    scalar("regexp_like", Family::Regexp, Class::Documented, "Whether a part of the text matches the pattern.")
        .form("regexp_like(varchar, varchar) -> boolean", |call| {
            let (texts, patterns) = (call.texts(0)?, call.texts(1)?);
            let compiled = Patterns::default();
            call.collect_booleans(|row| match (texts.get(row), patterns.get(row)) {
                (Some(text), Some(pattern)) => Ok(Some(compiled.get(pattern)?.find(text, 0)?.is_some())),
                _ => Ok(None),
            })
        })
        .build()
}
