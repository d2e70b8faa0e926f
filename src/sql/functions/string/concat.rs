//! `concat(a, b, …)`: of texts, of arrays, or of varbinary; NULL when one is. `concat_ws(separator, a, b, …)`.

use crate::sql::functions::{
    Class, Family, Function,
    binary::part,
    call::{Call, check_text_bytes, string},
    lists::range,
    operators::concatenation::{concat_arrays, concat_texts},
    scalar::scalar,
};
use datafusion::{
    arrow::array::{Array, ArrayRef},
    error::Result,
};

pub(super) fn functions() -> Vec<Function> {
    let concat = scalar("concat", Family::String, Class::Documented, "Texts or arrays one after the other.")
        .form("concat(varchar, varchar, varchar...) -> varchar", concat_texts)
        .form("concat(varbinary, varbinary, varbinary...) -> varbinary", part::concat)
        .form("concat(array(T), array(T)...) -> array(T)", concat_arrays)
        .build();
    let with_separator =
        scalar("concat_ws", Family::String, Class::Inherited, "Texts with a separator between them, NULLs left out.")
            .form("concat_ws(varchar, varchar, varchar...) -> varchar", separated)
            .form("concat_ws(varchar, array(varchar)) -> varchar", separated_elements)
            .build();
    concat.into_iter().chain(with_separator).collect()
}

fn separated(call: &Call) -> Result<ArrayRef> {
    let texts = (0..call.columns.len()).map(|index| call.texts(index)).collect::<Result<Vec<_>>>()?;
    call.collect_texts(|row| {
        let Some(separator) = texts[0].get(row) else { return Ok(None) };
        join(separator, texts[1..].iter().filter_map(|texts| texts.get(row))).map(Some)
    })
}

fn separated_elements(call: &Call) -> Result<ArrayRef> {
    let separators = call.texts(0)?;
    let (list, column) = call.lists(1)?;
    let elements = string(list.values())?;
    call.collect_texts(|row| {
        let Some(separator) = separators.get(row) else { return Ok(None) };
        let at = column.index(row);
        let indexes = if list.is_valid(at) { range(list, at) } else { 0..0 };
        let texts = indexes.filter(|index| elements.is_valid(*index)).map(|index| elements.value(index));
        join(separator, texts).map(Some)
    })
}

fn join<'a>(separator: &str, texts: impl Iterator<Item = &'a str>) -> Result<String> {
    let mut joined = String::new();
    for (count, text) in texts.enumerate() {
        if count > 0 {
            joined.push_str(separator);
        }
        joined.push_str(text);
        check_text_bytes(joined.len())?;
    }
    Ok(joined)
}
