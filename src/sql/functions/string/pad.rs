//! `lpad(text, size, pad)`, `rpad(text, size, pad)`: fills a text, or varbinary, to a size, or cuts it.

use crate::sql::{
    error::invalid,
    functions::{
        Class, Family, Function,
        binary::part,
        call::{Call, check_text_bytes},
        scalar::scalar,
    },
};
use datafusion::{
    arrow::{array::ArrayRef, datatypes::Int64Type},
    error::Result,
};

pub(super) fn functions() -> Vec<Function> {
    let function = |name, summary| scalar(name, Family::String, Class::Documented, summary);
    [
        function("lpad", "Fills or cuts a text to a size, padding at its beginning.")
            .form("lpad(varchar, bigint, varchar) -> varchar", |call| padded(call, |padding, text| padding + text))
            .form("lpad(varbinary, bigint, varbinary) -> varbinary", |call| part::pad(call, true))
            .build(),
        function("rpad", "Fills or cuts a text to a size, padding at its end.")
            .form("rpad(varchar, bigint, varchar) -> varchar", |call| {
                padded(call, |padding, text| text.to_owned() + &padding)
            })
            .form("rpad(varbinary, bigint, varbinary) -> varbinary", |call| part::pad(call, false))
            .build(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn padded(call: &Call, join: fn(String, &str) -> String) -> Result<ArrayRef> {
    let (texts, sizes, pads) = (call.texts(0)?, call.numbers::<Int64Type>(1)?, call.texts(2)?);
    call.collect_texts(|row| match (texts.get(row), sizes.get(row), pads.get(row)) {
        (Some(text), Some(size), Some(pad)) => {
            // # inferred: Presto's words
            if !(0..=i64::from(i32::MAX)).contains(&size) {
                return Err(invalid("Target length must be in the range [0..2147483647]"));
            }
            if pad.is_empty() {
                return Err(invalid("Padding string must not be empty"));
            }
            let size = usize::try_from(size).unwrap_or(usize::MAX);
            check_text_bytes(size)?;
            let length = text.chars().count();
            if length >= size {
                return Ok(Some(text.chars().take(size).collect()));
            }
            let padding: String = pad.chars().cycle().take(size - length).collect();
            Ok(Some(join(padding, text)))
        }
        _ => Ok(None),
    })
}
