//! Reading and building columns of varbinary.

use crate::sql::functions::call::{Call, check_batch_bytes, check_text_bytes};
use datafusion::{
    arrow::array::{Array, ArrayRef, AsArray, BinaryArray, BinaryBuilder},
    common::internal_datafusion_err,
    error::Result,
};
use std::sync::Arc;

/// The values of a column of varbinary.
#[derive(Clone, Copy, Debug)]
pub struct Bytes<'a> {
    array: &'a BinaryArray,
    constant: bool,
}

impl<'a> Bytes<'a> {
    /// Those of a call's argument.
    ///
    /// # Errors
    /// Internal: signatures see to it that it has this type.
    pub fn of(call: &'a Call, index: usize) -> Result<Self> {
        let column = call.column(index)?;
        let array = column.array.as_binary_opt().ok_or_else(|| internal_datafusion_err!("argument is not Binary"))?;
        Ok(Self { array, constant: column.constant })
    }

    /// The row's value, `None` for NULL.
    #[must_use]
    pub fn get(&self, row: usize) -> Option<&'a [u8]> {
        let index = if self.constant { 0 } else { row };
        self.array.is_valid(index).then(|| self.array.value(index))
    }
}

/// A varbinary for each row.
///
/// # Errors
/// What `value` returns, for the first row it fails at; when the values are too large.
pub fn collect<B: AsRef<[u8]>>(call: &Call, value: impl Fn(usize) -> Result<Option<B>>) -> Result<ArrayRef> {
    let mut builder = BinaryBuilder::with_capacity(call.rows, call.rows * 8);
    let mut total = 0;
    for row in 0..call.rows {
        let value = value(row)?;
        let bytes = value.as_ref().map(AsRef::as_ref);
        let length = bytes.map_or(0, <[u8]>::len);
        check_text_bytes(length)?;
        total += length;
        check_batch_bytes(total)?;
        builder.append_option(bytes);
    }
    Ok(Arc::new(builder.finish()))
}
