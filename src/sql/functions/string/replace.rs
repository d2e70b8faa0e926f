//! `replace(text, part)`, `replace(text, part, other)`, `reverse(text)`, `reverse(array)`.

use crate::sql::functions::{
    Class, Family, Function,
    binary::part,
    call::{Call, check_text_bytes},
    lists::{Lists, element_type, range},
    scalar::scalar,
};
use datafusion::{
    arrow::array::{Array, ArrayRef},
    error::Result,
};
use std::sync::Arc;

pub(super) fn functions() -> Vec<Function> {
    let function = |name, summary| scalar(name, Family::String, Class::Documented, summary);
    [
        function("replace", "Replaces, or removes, every occurrence of a part.")
            .form("replace(varchar, varchar) -> varchar", replace)
            .form("replace(varchar, varchar, varchar) -> varchar", replace)
            .build(),
        function("reverse", "The characters of a text, or the elements of an array, in reverse order.")
            .form("reverse(varchar) -> varchar", |call| {
                let texts = call.texts(0)?;
                call.collect_texts(|row| Ok(texts.get(row).map(|text| text.chars().rev().collect::<String>())))
            })
            .form("reverse(array(T)) -> array(T)", reverse_arrays)
            .form("reverse(varbinary) -> varbinary", part::reverse)
            .build(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn replace(call: &Call) -> Result<ArrayRef> {
    let (texts, parts) = (call.texts(0)?, call.texts(1)?);
    let others = if call.columns.len() == 3 { Some(call.texts(2)?) } else { None };
    call.collect_texts(|row| {
        let other = others.as_ref().map_or(Some(""), |others| others.get(row));
        let (Some(text), Some(part), Some(other)) = (texts.get(row), parts.get(row), other) else { return Ok(None) };
        // An empty part occurs before every character and at the end.
        let grown = text.matches(part).count().saturating_mul(other.len().saturating_sub(part.len()));
        check_text_bytes(text.len().saturating_add(grown))?;
        Ok(Some(text.replace(part, other)))
    })
}

fn reverse_arrays(call: &Call) -> Result<ArrayRef> {
    let (list, column) = call.lists(0)?;
    let mut lists = Lists::new(element_type(call.returns)?, [Arc::clone(list.values())]);
    for row in 0..call.rows {
        let at = column.index(row);
        if list.is_null(at) {
            lists.end_null_row();
            continue;
        }
        range(list, at).rev().for_each(|index| lists.push(0, index));
        lists.end_row()?;
    }
    lists.finish(call.returns)
}
