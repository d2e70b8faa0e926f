//! `substr(text, start[, length])`: positions count from 1, negative ones from the end.

use crate::sql::functions::{Class, Family, Function, binary, call::Call, scalar::scalar};
use datafusion::{
    arrow::{array::ArrayRef, datatypes::Int64Type},
    error::Result,
};

pub(super) fn functions() -> Vec<Function> {
    let documented = scalar("substr", Family::String, Class::Documented, "The part of a text from a position on.")
        .form("substr(varchar, bigint) -> varchar", substr)
        .form("substr(varchar, bigint, bigint) -> varchar", substr)
        .form("substr(varbinary, bigint) -> varbinary", binary::part::substr)
        .form("substr(varbinary, bigint, bigint) -> varbinary", binary::part::substr)
        .build();
    let inherited = scalar("substring", Family::String, Class::Inherited, "The part of a text from a position on.")
        .form("substring(varchar, bigint) -> varchar", substr)
        .form("substring(varchar, bigint, bigint) -> varchar", substr)
        .build();
    documented.into_iter().chain(inherited).collect()
}

fn substr(call: &Call) -> Result<ArrayRef> {
    let (texts, starts) = (call.texts(0)?, call.numbers::<Int64Type>(1)?);
    let lengths = if call.columns.len() == 3 { Some(call.numbers::<Int64Type>(2)?) } else { None };
    call.collect_texts(|row| {
        let length = lengths.as_ref().map_or(Some(i64::MAX), |lengths| lengths.get(row));
        match (texts.get(row), starts.get(row), length) {
            (Some(text), Some(start), Some(length)) => Ok(Some(part(text, start, length))),
            _ => Ok(None),
        }
    })
}

/// The part of a text; empty when the start lies outside, or is 0.
fn part(text: &str, start: i64, length: i64) -> &str {
    let Ok(length) = usize::try_from(length) else { return "" };
    let first = match usize::try_from(start) {
        Ok(0) => return "",
        Ok(start) => start - 1,
        Err(_) => {
            let from_end = usize::try_from(start.unsigned_abs()).unwrap_or(usize::MAX);
            match text.chars().count().checked_sub(from_end) {
                Some(first) => first,
                None => return "",
            }
        }
    };
    let mut boundaries = text.char_indices().map(|(at, _)| at).chain([text.len()]);
    let Some(begin) = boundaries.nth(first) else { return "" };
    let end = match length {
        0 => begin,
        length => boundaries.nth(length - 1).unwrap_or(text.len()),
    };
    &text[begin..end]
}

#[cfg(test)]
mod tests {
    use super::part;

    #[test]
    fn parts() {
        let check = |start, length, expect: &str| assert_eq!(part("héllo", start, length), expect, "{start} {length}");
        check(1, i64::MAX, "héllo");
        check(2, 2, "él");
        check(-3, i64::MAX, "llo");
        check(-5, 1, "h");
        check(-6, 1, "");
        check(0, 3, "");
        check(6, 1, "");
        check(5, 9, "o");
        check(1, 0, "");
        check(1, -1, "");
        check(i64::MIN, 1, "");
    }
}
