//! `split(text, delimiter[, limit])`, `split_part(text, delimiter, index)`.

use crate::sql::{
    error::invalid,
    functions::{
        Class, Family, Function,
        call::{Call, check_batch_bytes},
        lists::check_entries,
        scalar::scalar,
    },
    types,
};
use datafusion::{
    arrow::{
        array::{ArrayRef, ListBuilder, StringBuilder},
        datatypes::{DataType, Field, Int64Type},
    },
    error::Result,
};
use std::sync::Arc;

pub(super) fn functions() -> Vec<Function> {
    let function = |name, summary| scalar(name, Family::String, Class::Documented, summary);
    [
        function("split", "The parts of a text between delimiters; with a limit the last part keeps the rest.")
            .form("split(varchar, varchar) -> array(varchar)", split)
            .form("split(varchar, varchar, bigint) -> array(varchar)", split)
            .build(),
        function("split_part", "The part of a text at an index, counted from 1; NULL beyond the last.")
            .form("split_part(varchar, varchar, bigint) -> varchar", split_part)
            .build(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn split(call: &Call) -> Result<ArrayRef> {
    let (texts, delimiters) = (call.texts(0)?, call.texts(1)?);
    let limits = if call.columns.len() == 3 { Some(call.numbers::<Int64Type>(2)?) } else { None };
    let item = Field::new(types::ARRAY_ITEM, DataType::Utf8, true);
    let mut builder = ListBuilder::new(StringBuilder::new()).with_field(Arc::new(item));
    let mut bytes = 0;
    for row in 0..call.rows {
        let limit = limits.as_ref().map_or(Some(i64::MAX), |limits| limits.get(row));
        let (Some(text), Some(delimiter), Some(limit)) = (texts.get(row), delimiters.get(row), limit) else {
            builder.append_null();
            continue;
        };
        // # inferred: Presto's words
        if delimiter.is_empty() {
            return Err(invalid("The delimiter may not be the empty string"));
        }
        let limit = match usize::try_from(limit) {
            Ok(limit @ 1..) => limit,
            _ => return Err(invalid("Limit must be positive")),
        };
        bytes += text.len();
        check_batch_bytes(bytes)?;
        for (count, part) in text.splitn(limit, delimiter).enumerate() {
            check_entries(count + 1)?;
            builder.values().append_value(part);
        }
        builder.append(true);
    }
    Ok(Arc::new(builder.finish()))
}

fn split_part(call: &Call) -> Result<ArrayRef> {
    let (texts, delimiters, indexes) = (call.texts(0)?, call.texts(1)?, call.numbers::<Int64Type>(2)?);
    call.collect_texts(|row| {
        let (Some(text), Some(delimiter), Some(index)) = (texts.get(row), delimiters.get(row), indexes.get(row)) else {
            return Ok(None);
        };
        let position = match usize::try_from(index) {
            Ok(index @ 1..) => index - 1,
            _ => return Err(invalid("Index must be greater than zero")), // # inferred: Presto's words
        };
        if delimiter.is_empty() {
            // The characters are the parts. # inferred: Presto
            return Ok(text.char_indices().nth(position).map(|(at, c)| &text[at..at + c.len_utf8()]));
        }
        Ok(text.split(delimiter).nth(position))
    })
}
