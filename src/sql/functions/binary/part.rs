//! What `length`, `substr`, `concat` and `reverse` make of varbinary: they count bytes. # trino

use super::bytes::{Bytes, collect};
use crate::sql::functions::call::{Call, check_text_bytes};
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
