//! `regexp_count(text, pattern)`, `regexp_position(text, pattern[, start[, occurrence]])`. # trino

use super::pattern::{Pattern, Patterns};
use crate::sql::{
    error::invalid,
    functions::{Class, Family, Function, call::Call, scalar::scalar},
};
use datafusion::{
    arrow::{array::ArrayRef, datatypes::Int64Type},
    error::Result,
};

pub(super) fn functions() -> Vec<Function> {
    let function = |name, summary| scalar(name, Family::Regexp, Class::Inherited, summary);
    [
        function("regexp_count", "How often a pattern matches.")
            .form("regexp_count(varchar, varchar) -> bigint", count)
            .build(),
        function("regexp_position", "The position of the first or n-th match; -1 when there is none.")
            .form("regexp_position(varchar, varchar) -> bigint", position)
            .form("regexp_position(varchar, varchar, bigint) -> bigint", position)
            .form("regexp_position(varchar, varchar, bigint, bigint) -> bigint", position)
            .build(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn count(call: &Call) -> Result<ArrayRef> {
    let (texts, patterns) = (call.texts(0)?, call.texts(1)?);
    let compiled = Patterns::default();
    call.collect::<Int64Type>(|row| {
        let (Some(text), Some(pattern)) = (texts.get(row), patterns.get(row)) else { return Ok(None) };
        let mut count = 0;
        compiled.get(pattern)?.each_match(text, |_| {
            count += 1;
            Ok(true)
        })?;
        Ok(Some(count))
    })
}

fn position(call: &Call) -> Result<ArrayRef> {
    let (texts, patterns) = (call.texts(0)?, call.texts(1)?);
    let numbers = |index: usize| match call.columns.len() > index {
        true => call.numbers::<Int64Type>(index).map(Some),
        false => Ok(None),
    };
    let (starts, occurrences) = (numbers(2)?, numbers(3)?);
    let compiled = Patterns::default();
    call.collect::<Int64Type>(|row| {
        let start = starts.as_ref().map_or(Some(1), |starts| starts.get(row));
        let occurrence = occurrences.as_ref().map_or(Some(1), |occurrences| occurrences.get(row));
        match (texts.get(row), patterns.get(row), start, occurrence) {
            (Some(text), Some(pattern), Some(start), Some(occurrence)) => {
                let Ok(skipped) = usize::try_from(start.saturating_sub(1)) else {
                    return Err(invalid("start position cannot be smaller than 1"));
                };
                if occurrence < 1 {
                    return Err(invalid("occurrence cannot be smaller than 1"));
                }
                let Some((from, _)) = text.char_indices().nth(skipped) else { return Ok(Some(-1)) };
                let pattern = compiled.get(pattern)?;
                nth_match(&pattern, text, from, occurrence).map(Some)
            }
            _ => Ok(None),
        }
    })
}

/// The position of the n-th match from a byte on, in characters, counted from 1.
fn nth_match(pattern: &Pattern, text: &str, from: usize, occurrence: i64) -> Result<i64> {
    let mut found = -1;
    let mut count = 0;
    pattern.each_match_from(text, from, |range| {
        count += 1;
        if count == occurrence {
            found = i64::try_from(text[..range.start].chars().count() + 1).unwrap_or(i64::MAX);
        }
        Ok(count < occurrence)
    })?;
    Ok(found)
}
