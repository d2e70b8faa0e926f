//! `regexp_extract(text, pattern[, group])`, `regexp_extract_all(text, pattern[, group])`.

use super::pattern::Patterns;
use crate::sql::functions::{
    Class, Family, Function,
    call::{Call, check_batch_bytes},
    lists::check_entries,
    scalar::scalar,
};
use crate::sql::types;
use datafusion::{
    arrow::{
        array::{ArrayRef, ListBuilder, StringBuilder},
        datatypes::{DataType, Field, Int64Type},
    },
    error::Result,
};
use std::sync::Arc;

pub(super) fn functions() -> Vec<Function> {
    let function = |name, summary| scalar(name, Family::Regexp, Class::Documented, summary);
    [
        function("regexp_extract", "The first match of a pattern, or a group of it.")
            .form("regexp_extract(varchar, varchar) -> varchar", extract)
            .form("regexp_extract(varchar, varchar, bigint) -> varchar", extract)
            .build(),
        function("regexp_extract_all", "All matches of a pattern, or a group of each.")
            .form("regexp_extract_all(varchar, varchar) -> array(varchar)", extract_all)
            .form("regexp_extract_all(varchar, varchar, bigint) -> array(varchar)", extract_all)
            .build(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn extract(call: &Call) -> Result<ArrayRef> {
    let (texts, patterns) = (call.texts(0)?, call.texts(1)?);
    let groups = if call.columns.len() == 3 { Some(call.numbers::<Int64Type>(2)?) } else { None };
    let compiled = Patterns::default();
    call.collect_texts(|row| {
        let group = groups.as_ref().map_or(Some(0), |groups| groups.get(row));
        let (Some(text), Some(pattern), Some(group)) = (texts.get(row), patterns.get(row), group) else {
            return Ok(None);
        };
        let pattern = compiled.get(pattern)?;
        let group = pattern.check_group(group)?;
        if group == 0 {
            return Ok(pattern.find(text, 0)?.map(|found| &text[found]));
        }
        let captures = pattern.captures(text, 0)?;
        Ok(captures.and_then(|captures| captures.get(group).cloned().flatten()).map(|range| &text[range]))
    })
}

fn extract_all(call: &Call) -> Result<ArrayRef> {
    let (texts, patterns) = (call.texts(0)?, call.texts(1)?);
    let groups = if call.columns.len() == 3 { Some(call.numbers::<Int64Type>(2)?) } else { None };
    let compiled = Patterns::default();
    let mut parts = TextLists::new();
    for row in 0..call.rows {
        let group = groups.as_ref().map_or(Some(0), |groups| groups.get(row));
        let (Some(text), Some(pattern), Some(group)) = (texts.get(row), patterns.get(row), group) else {
            parts.end_null_row();
            continue;
        };
        let pattern = compiled.get(pattern)?;
        let group = pattern.check_group(group)?;
        if group == 0 {
            pattern.each_match(text, |found| parts.push(Some(&text[found])).map(|()| true))?;
        } else {
            pattern.each_captures(text, |_, captures| {
                parts.push(captures.get(group).cloned().flatten().map(|range| &text[range]))
            })?;
        }
        parts.end_row();
    }
    Ok(parts.finish())
}

/// Arrays of texts, built row by row, within bounds.
pub(super) struct TextLists {
    builder: ListBuilder<StringBuilder>,
    row_entries: usize,
    bytes: usize,
}

impl TextLists {
    pub(super) fn new() -> Self {
        let item = Field::new(types::ARRAY_ITEM, DataType::Utf8, true);
        let builder = ListBuilder::new(StringBuilder::new()).with_field(Arc::new(item));
        Self { builder, row_entries: 0, bytes: 0 }
    }

    /// Adds a text to the current row's array.
    pub(super) fn push(&mut self, text: Option<&str>) -> Result<()> {
        self.row_entries += 1;
        check_entries(self.row_entries)?;
        // An entry takes room even when its text is empty.
        self.bytes += 8 + text.map_or(0, str::len);
        check_batch_bytes(self.bytes)?;
        self.builder.values().append_option(text);
        Ok(())
    }

    pub(super) fn end_row(&mut self) {
        self.builder.append(true);
        self.row_entries = 0;
    }

    pub(super) fn end_null_row(&mut self) {
        self.builder.append_null();
        self.row_entries = 0;
    }

    pub(super) fn finish(mut self) -> ArrayRef {
        Arc::new(self.builder.finish())
    }
}
