//! `trim(text)`, `ltrim(text)`, `rtrim(text)`: without the white space around it.

use crate::sql::functions::{Class, Family, Function, call::Call, scalar::scalar};
use datafusion::{arrow::array::ArrayRef, error::Result};

pub(super) fn functions() -> Vec<Function> {
    let function = |name, summary| scalar(name, Family::String, Class::Documented, summary);
    [
        function("trim", "The text without white space at either end.")
            .form("trim(varchar) -> varchar", |call| trimmed(call, str::trim))
            .build(),
        function("ltrim", "The text without white space at its beginning.")
            .form("ltrim(varchar) -> varchar", |call| trimmed(call, str::trim_start))
            .build(),
        function("rtrim", "The text without white space at its end.")
            .form("rtrim(varchar) -> varchar", |call| trimmed(call, str::trim_end))
            .build(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn trimmed(call: &Call, trim: for<'t> fn(&'t str) -> &'t str) -> Result<ArrayRef> {
    let texts = call.texts(0)?;
    call.collect_texts(|row| Ok(texts.get(row).map(trim)))
}
