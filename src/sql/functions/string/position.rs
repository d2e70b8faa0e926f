//! `strpos(text, part[, n])`, `strrpos(text, part[, n])`: where a part occurs for the n-th time, counted from the
//! beginning or the end; 0 where it does not. `position(part IN text)` becomes `strpos(text, part)`.

use crate::sql::{
    error::invalid,
    functions::{Class, Family, Function, call::Call, scalar::scalar},
};
use datafusion::{
    arrow::{array::ArrayRef, datatypes::Int64Type},
    error::Result,
};

pub(super) fn functions() -> Vec<Function> {
    let function = |name, summary| scalar(name, Family::String, Class::Documented, summary);
    [
        function("strpos", "The position of a part's first or n-th occurrence; 0 when there is none.")
            .form("strpos(varchar, varchar) -> bigint", |call| positions(call, from_start))
            .form("strpos(varchar, varchar, bigint) -> bigint", |call| positions(call, from_start))
            .build(),
        function("strrpos", "The position of a part's last or n-th last occurrence; 0 when there is none.")
            .form("strrpos(varchar, varchar) -> bigint", |call| positions(call, from_end))
            .form("strrpos(varchar, varchar, bigint) -> bigint", |call| positions(call, from_end))
            .build(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn positions(call: &Call, find: fn(&str, &str, usize) -> Option<usize>) -> Result<ArrayRef> {
    let (texts, parts) = (call.texts(0)?, call.texts(1)?);
    let instances = if call.columns.len() == 3 { Some(call.numbers::<Int64Type>(2)?) } else { None };
    call.collect::<Int64Type>(|row| {
        let instance = instances.as_ref().map_or(Some(1), |instances| instances.get(row));
        let (Some(text), Some(part), Some(instance)) = (texts.get(row), parts.get(row), instance) else {
            return Ok(None);
        };
        let instance = match usize::try_from(instance) {
            Ok(instance @ 1..) => instance,
            // # inferred: Presto's words
            _ => return Err(invalid("'instance' must be a positive number.")),
        };
        if part.is_empty() {
            return Ok(Some(1));
        }
        let position = find(text, part, instance).map_or(0, |at| text[..at].chars().count() + 1);
        Ok(i64::try_from(position).ok())
    })
}

/// The byte at which a part occurs for the n-th time; occurrences may overlap.
fn from_start(text: &str, part: &str, instance: usize) -> Option<usize> {
    let mut from = 0;
    for found in 1.. {
        let at = from + text[from..].find(part)?;
        if found == instance {
            return Some(at);
        }
        from = at + text[at..].chars().next().map_or(1, char::len_utf8);
    }
    None
}

fn from_end(text: &str, part: &str, instance: usize) -> Option<usize> {
    let mut until = text.len();
    for found in 1.. {
        let at = text[..until].rfind(part)?;
        if found == instance {
            return Some(at);
        }
        // The next one from the end begins before this one does.
        let last = text[at..].char_indices().nth(part.chars().count() - 1).map_or(0, |(offset, _)| offset);
        until = at + last;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn occurrences_may_overlap() {
        assert_eq!(from_start("aaaa", "aa", 3), Some(2));
        assert_eq!(from_start("aaaa", "aa", 4), None);
        assert_eq!(from_end("aaaa", "aa", 1), Some(2));
        assert_eq!(from_end("aaaa", "aa", 3), Some(0));
        assert_eq!(from_end("aaaa", "aa", 4), None);
        assert_eq!(from_end("éaéa", "éa", 2), Some(0));
        assert_eq!(from_start("x", "xyz", 1), None);
    }
}
