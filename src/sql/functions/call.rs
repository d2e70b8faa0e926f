//! The arguments of one call of a scalar function, column by column, and the loops over them.

use super::random::Generator;
use crate::{
    model::limits::{BATCH_TEXT_BYTES_MAX, TEXT_BYTES_MAX},
    sql::{error::invalid, interrupt},
};
use datafusion::{
    arrow::{
        array::{
            Array, ArrayRef, ArrowPrimitiveType, AsArray, BooleanArray, ListArray, PrimitiveArray, StringArray,
            StringBuilder, UInt32Array,
        },
        buffer::NullBuffer,
        compute,
        datatypes::DataType,
    },
    common::internal_datafusion_err,
    error::Result,
};
use std::sync::Arc;

/// A column of values: one for each row, or one that holds for all of them.
#[derive(Clone, Debug)]
pub struct Column {
    /// The values; exactly one when `constant`.
    pub array: ArrayRef,
    /// Whether the one value holds for every row.
    pub constant: bool,
}

impl Column {
    /// The index of a row's value.
    #[must_use]
    pub fn index(&self, row: usize) -> usize {
        if self.constant { 0 } else { row }
    }

    /// The column with one value for each of `rows` rows.
    ///
    /// # Errors
    /// When the value, so often repeated, is too large.
    pub fn expand(&self, rows: usize) -> Result<ArrayRef> {
        if !self.constant || rows == 1 {
            return Ok(Arc::clone(&self.array));
        }
        check_batch_bytes(value_bytes(&self.array, 0).saturating_mul(rows))?;
        let zeros = UInt32Array::from(vec![0; rows]);
        Ok(compute::take(&self.array, &zeros, None)?)
    }
}

/// One call: its arguments, already of the types its signature asks for.
#[derive(Debug)]
pub struct Call<'a> {
    /// The arguments.
    pub columns: Vec<Column>,
    /// How many rows the result has.
    pub rows: usize,
    /// The type of the result.
    pub returns: &'a DataType,
    /// Where a function whose results differ from call to call takes them from.
    pub(crate) generator: Option<&'a Generator>,
}

/// What a scalar function does: `call.rows` values of type `call.returns`.
pub type Kernel = fn(&Call) -> Result<ArrayRef>;

/// The numbers (or times, as numbers) of a column.
#[derive(Clone, Copy, Debug)]
pub struct Numbers<'a, T: ArrowPrimitiveType> {
    array: &'a PrimitiveArray<T>,
    constant: bool,
}

impl<T: ArrowPrimitiveType> Numbers<'_, T> {
    /// The row's value, `None` for NULL.
    #[must_use]
    pub fn get(&self, row: usize) -> Option<T::Native> {
        let index = if self.constant { 0 } else { row };
        self.array.is_valid(index).then(|| self.array.value(index))
    }
}

/// The texts of a column.
#[derive(Clone, Copy, Debug)]
pub struct Texts<'a> {
    array: &'a StringArray,
    constant: bool,
}

impl<'a> Texts<'a> {
    /// The row's value, `None` for NULL.
    #[must_use]
    pub fn get(&self, row: usize) -> Option<&'a str> {
        let index = if self.constant { 0 } else { row };
        self.array.is_valid(index).then(|| self.array.value(index))
    }
}

impl<'a> Call<'a> {
    /// The argument at `index`.
    ///
    /// # Errors
    /// Internal: signatures see to it that it is there.
    pub fn column(&self, index: usize) -> Result<&Column> {
        self.columns.get(index).ok_or_else(|| internal_datafusion_err!("argument {index} is missing"))
    }

    /// The numbers of an argument.
    ///
    /// # Errors
    /// Internal: signatures see to it that it has this type.
    pub fn numbers<T: ArrowPrimitiveType>(&self, index: usize) -> Result<Numbers<'_, T>> {
        let Column { array, constant } = self.column(index)?;
        Ok(Numbers { array: primitive(array)?, constant: *constant })
    }

    /// The texts of an argument.
    ///
    /// # Errors
    /// Internal: signatures see to it that it has this type.
    pub fn texts(&self, index: usize) -> Result<Texts<'_>> {
        let Column { array, constant } = self.column(index)?;
        Ok(Texts { array: string(array)?, constant: *constant })
    }

    /// The arrays (or time series) of an argument, with the column to ask for a row's index.
    ///
    /// # Errors
    /// Internal: signatures see to it that it has this type.
    pub fn lists(&self, index: usize) -> Result<(&ListArray, &Column)> {
        let column = self.column(index)?;
        Ok((list(&column.array)?, column))
    }

    /// Where random numbers come from.
    ///
    /// # Errors
    /// Internal: the function was not declared with one.
    pub(crate) fn generator(&self) -> Result<&Generator> {
        self.generator.ok_or_else(|| internal_datafusion_err!("the function has no generator"))
    }

    /// One number from one number; NULL from NULL.
    ///
    /// # Errors
    /// What `map` returns, for the first row it fails at.
    pub fn map<A: ArrowPrimitiveType, R: ArrowPrimitiveType>(
        &self,
        map: impl Fn(A::Native) -> Result<R::Native>,
    ) -> Result<ArrayRef> {
        let input = primitive::<A>(&self.column(0)?.array)?;
        let mut values = Vec::with_capacity(input.len());
        for (row, value) in input.values().iter().enumerate() {
            values.push(if input.is_valid(row) { map(*value)? } else { R::Native::default() });
        }
        let mapped = Arc::new(PrimitiveArray::<R>::new(values.into(), input.nulls().cloned()));
        Column { array: mapped, constant: self.column(0)?.constant }.expand(self.rows)
    }

    /// One number from two; NULL when either is.
    ///
    /// # Errors
    /// What `map` returns, for the first row it fails at.
    pub fn map2<A: ArrowPrimitiveType, B: ArrowPrimitiveType, R: ArrowPrimitiveType>(
        &self,
        map: impl Fn(A::Native, B::Native) -> Result<R::Native>,
    ) -> Result<ArrayRef> {
        zip::<A, B, R>(self.column(0)?, self.column(1)?, self.rows, map)
    }

    /// A number for each row.
    ///
    /// # Errors
    /// What `value` returns, for the first row it fails at.
    pub fn collect<R: ArrowPrimitiveType>(
        &self,
        value: impl Fn(usize) -> Result<Option<R::Native>>,
    ) -> Result<ArrayRef> {
        let values = (0..self.rows).map(|row| interrupt::tick().and_then(|()| value(row)));
        let values = values.collect::<Result<PrimitiveArray<R>>>()?;
        Ok(Arc::new(values))
    }

    /// A boolean for each row.
    ///
    /// # Errors
    /// What `value` returns, for the first row it fails at.
    pub fn collect_booleans(&self, value: impl Fn(usize) -> Result<Option<bool>>) -> Result<ArrayRef> {
        let values = (0..self.rows).map(|row| interrupt::tick().and_then(|()| value(row)));
        Ok(Arc::new(values.collect::<Result<BooleanArray>>()?))
    }

    /// A text for each row.
    ///
    /// # Errors
    /// What `value` returns, for the first row it fails at; when the texts are too long.
    pub fn collect_texts<S: AsRef<str>>(&self, value: impl Fn(usize) -> Result<Option<S>>) -> Result<ArrayRef> {
        let mut texts = TextBuilder::new(self.rows);
        for row in 0..self.rows {
            texts.append(value(row)?.as_ref().map(AsRef::as_ref))?;
        }
        Ok(texts.finish())
    }
}

/// Collects texts, and refuses them where they grow beyond bounds: a query can double a text again and again.
#[derive(Debug)]
pub struct TextBuilder {
    builder: StringBuilder,
    bytes: usize,
}

impl TextBuilder {
    /// No texts yet; `rows` are expected.
    #[must_use]
    pub fn new(rows: usize) -> Self {
        Self { builder: StringBuilder::with_capacity(rows, rows * 8), bytes: 0 }
    }

    /// Adds a text, or NULL.
    ///
    /// # Errors
    /// When the text, or all of them together, are too long.
    pub fn append(&mut self, text: Option<&str>) -> Result<()> {
        interrupt::tick()?;
        let length = text.map_or(0, str::len);
        check_text_bytes(length)?;
        self.bytes += length;
        check_batch_bytes(self.bytes)?;
        self.builder.append_option(text);
        Ok(())
    }

    /// The texts.
    #[must_use]
    pub fn finish(mut self) -> ArrayRef {
        Arc::new(self.builder.finish())
    }
}

/// Checks the length of a text before it is built.
///
/// # Errors
/// When it is too long.
pub fn check_text_bytes(bytes: usize) -> Result<()> {
    if bytes > TEXT_BYTES_MAX {
        return Err(invalid(format!("Result of a function is larger than {TEXT_BYTES_MAX} bytes")));
    }
    Ok(())
}

/// Checks the length of all texts, or other values of variable size, that a function gives for one batch of rows. Arrow's
/// own bound of 2^31 bytes lies far beyond.
///
/// # Errors
/// When they are too long.
pub fn check_batch_bytes(bytes: usize) -> Result<()> {
    if bytes > BATCH_TEXT_BYTES_MAX {
        return Err(invalid(format!("Results of a function are larger than {BATCH_TEXT_BYTES_MAX} bytes")));
    }
    Ok(())
}

/// The bytes of a value as far as they differ from value to value: of texts, and of what arrays hold.
#[must_use]
pub fn value_bytes(array: &ArrayRef, index: usize) -> usize {
    match array.data_type() {
        DataType::Utf8 => array.as_string::<i32>().value(index).len(),
        DataType::Binary => array.as_binary::<i32>().value(index).len(),
        DataType::Struct(_) => array.as_struct().columns().iter().map(|column| value_bytes(column, index)).sum(),
        DataType::List(_) => {
            let elements = array.as_list::<i32>().value(index);
            match has_variable_size(elements.data_type()) {
                true => (0..elements.len()).map(|index| 8 + value_bytes(&elements, index)).sum(),
                false => elements.len() * 8,
            }
        }
        _ => 0,
    }
}

/// Whether values of a type differ in size.
#[must_use]
pub fn has_variable_size(data_type: &DataType) -> bool {
    match data_type {
        DataType::Struct(fields) => fields.iter().any(|field| has_variable_size(field.data_type())),
        other => matches!(other, DataType::Utf8 | DataType::Binary | DataType::List(_)),
    }
}

/// One number from two, row by row; NULL when either is.
///
/// # Errors
/// What `map` returns, for the first row it fails at.
pub fn zip<A: ArrowPrimitiveType, B: ArrowPrimitiveType, R: ArrowPrimitiveType>(
    left: &Column,
    right: &Column,
    rows: usize,
    map: impl Fn(A::Native, B::Native) -> Result<R::Native>,
) -> Result<ArrayRef> {
    let nulls = NullBuffer::union(nulls(left, rows).as_ref(), nulls(right, rows).as_ref());
    let (left_values, right_values) = (primitive::<A>(&left.array)?.values(), primitive::<B>(&right.array)?.values());
    let mut values = Vec::with_capacity(rows);
    for row in 0..rows {
        let valid = nulls.as_ref().is_none_or(|nulls| nulls.is_valid(row));
        values.push(match valid {
            true => map(left_values[left.index(row)], right_values[right.index(row)])?,
            false => R::Native::default(),
        });
    }
    Ok(Arc::new(PrimitiveArray::<R>::new(values.into(), nulls)))
}

/// Which rows of a column are NULL; `None` when none is.
fn nulls(column: &Column, rows: usize) -> Option<NullBuffer> {
    if !column.constant {
        return column.array.nulls().cloned();
    }
    column.array.is_null(0).then(|| NullBuffer::new_null(rows))
}

/// An array as one of numbers.
///
/// # Errors
/// Internal: it has another type.
pub fn primitive<T: ArrowPrimitiveType>(array: &dyn Array) -> Result<&PrimitiveArray<T>> {
    array.as_primitive_opt().ok_or_else(|| internal_datafusion_err!("{} is not {}", array.data_type(), T::DATA_TYPE))
}

/// An array as one of texts.
///
/// # Errors
/// Internal: it has another type.
pub fn string(array: &dyn Array) -> Result<&StringArray> {
    array.as_string_opt().ok_or_else(|| internal_datafusion_err!("{} is not Utf8", array.data_type()))
}

/// An array as one of arrays.
///
/// # Errors
/// Internal: it has another type.
pub fn list(array: &dyn Array) -> Result<&ListArray> {
    array.as_list_opt().ok_or_else(|| internal_datafusion_err!("{} is not a List", array.data_type()))
}
