//! What `length`, `substr`, `concat`, `reverse`, `lpad` and `rpad` make of varbinary: they count bytes. # trino

use super::bytes::{Bytes, collect};
use crate::sql::{
    error::invalid,
    functions::call::{Call, check_text_bytes},
};
use datafusion::{
    arrow::{array::ArrayRef, datatypes::Int64Type},
    error::Result,
};

/// How many bytes there are.
///
/// # Errors
/// Internal ones only.
pub fn length(call: &Call) -> Result<ArrayRef> {
    let values = Bytes::of(call, 0)?;
    call.collect::<Int64Type>(|row| Ok(values.get(row).and_then(|bytes| i64::try_from(bytes.len()).ok())))
}

/// The bytes from a position on, counted from 1, or from the end.
///
/// # Errors
/// Internal ones only.
pub fn substr(call: &Call) -> Result<ArrayRef> {
    let (values, starts) = (Bytes::of(call, 0)?, call.numbers::<Int64Type>(1)?);
    let lengths = if call.columns.len() == 3 { Some(call.numbers::<Int64Type>(2)?) } else { None };
    collect(call, |row| {
        let length = lengths.as_ref().map_or(Some(i64::MAX), |lengths| lengths.get(row));
        match (values.get(row), starts.get(row), length) {
            (Some(bytes), Some(start), Some(length)) => Ok(Some(part(bytes, start, length))),
            _ => Ok(None),
        }
    })
}

/// Empty when the start lies outside, or is 0.
fn part(bytes: &[u8], start: i64, length: i64) -> &[u8] {
    let size = i64::try_from(bytes.len()).unwrap_or(i64::MAX);
    let first = if start < 0 { size.saturating_add(start) } else { start - 1 };
    let end = first.saturating_add(length).min(size);
    match (usize::try_from(first), usize::try_from(end)) {
        (Ok(first), Ok(end)) if start != 0 => bytes.get(first..end).unwrap_or_default(),
        _ => &[],
    }
}

/// The bytes one after the other; NULL when one is.
///
/// # Errors
/// When they are too many.
pub fn concat(call: &Call) -> Result<ArrayRef> {
    let parts = (0..call.columns.len()).map(|index| Bytes::of(call, index)).collect::<Result<Vec<_>>>()?;
    collect(call, |row| {
        let mut joined = Vec::new();
        for part in &parts {
            let Some(bytes) = part.get(row) else { return Ok(None) };
            check_text_bytes(joined.len() + bytes.len())?;
            joined.extend_from_slice(bytes);
        }
        Ok(Some(joined))
    })
}

/// The bytes in reverse order.
///
/// # Errors
/// Internal ones only.
pub fn reverse(call: &Call) -> Result<ArrayRef> {
    let values = Bytes::of(call, 0)?;
    collect(call, |row| Ok(values.get(row).map(|bytes| bytes.iter().rev().copied().collect::<Vec<u8>>())))
}

/// Bytes filled to a size at their beginning or end, or cut.
///
/// # Errors
/// When the size is not one, or there is nothing to fill with.
pub fn pad(call: &Call, at_beginning: bool) -> Result<ArrayRef> {
    let (values, sizes, pads) = (Bytes::of(call, 0)?, call.numbers::<Int64Type>(1)?, Bytes::of(call, 2)?);
    collect(call, |row| {
        let (Some(bytes), Some(size), Some(pad)) = (values.get(row), sizes.get(row), pads.get(row)) else {
            return Ok(None);
        };
        let size = match i32::try_from(size).map(usize::try_from) {
            Ok(Ok(size)) => size,
            _ => return Err(invalid("Target length must be in the range [0..2147483647]")),
        };
        if pad.is_empty() {
            return Err(invalid("Padding bytes must not be empty"));
        }
        check_text_bytes(size)?;
        let padding = pad.iter().cycle().take(size.saturating_sub(bytes.len()));
        let kept = bytes.iter().take(size);
        Ok(Some(match at_beginning {
            true => padding.chain(kept).copied().collect::<Vec<u8>>(),
            false => kept.chain(padding).copied().collect(),
        }))
    })
}
