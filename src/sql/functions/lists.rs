//! Building arrays (and time series) of any element type, row by row, out of values that lie in other arrays.

use crate::{
    model::limits::{ARRAY_ENTRIES_MAX, BATCH_ARRAY_ENTRIES_MAX},
    sql::{
        error::invalid,
        functions::call::{check_batch_bytes, has_variable_size, value_bytes},
        interrupt, types,
    },
};
use datafusion::{
    arrow::{
        array::{ArrayRef, ListArray, new_empty_array, new_null_array},
        buffer::{NullBuffer, OffsetBuffer},
        compute,
        datatypes::DataType,
    },
    common::internal_datafusion_err,
    error::Result,
};
use std::{ops::Range, sync::Arc};

/// Picks values for each row's array.
#[derive(Debug)]
pub struct Lists {
    element: DataType,
    sources: Vec<ArrayRef>,
    picks: Vec<(usize, usize)>,
    lengths: Vec<usize>,
    valid: Vec<bool>,
    row_start: usize,
}

/// The source that holds one NULL.
const NULLS: usize = 0;

impl Lists {
    /// Arrays of `element`, whose values are picked from `sources`, all of that type.
    #[must_use]
    pub fn new(element: &DataType, sources: impl IntoIterator<Item = ArrayRef>) -> Self {
        let nulls = new_null_array(element, 1);
        Self {
            element: element.clone(),
            sources: std::iter::once(nulls).chain(sources).collect(),
            picks: Vec::new(),
            lengths: Vec::new(),
            valid: Vec::new(),
            row_start: 0,
        }
    }

    /// Adds a value of a source to the current row.
    pub fn push(&mut self, source: usize, index: usize) {
        self.picks.push((source + 1, index));
    }

    /// Adds values of a source to the current row.
    pub fn extend(&mut self, source: usize, indexes: Range<usize>) {
        self.picks.extend(indexes.map(|index| (source + 1, index)));
    }

    /// Adds NULL to the current row.
    pub fn push_null(&mut self) {
        self.picks.push((NULLS, 0));
    }

    /// How many values the current row has.
    #[must_use]
    pub fn row_len(&self) -> usize {
        self.picks.len() - self.row_start
    }

    /// Ends the current row.
    ///
    /// # Errors
    /// When its array, or all of them together, are too long.
    pub fn end_row(&mut self) -> Result<()> {
        interrupt::tick()?;
        check_entries(self.row_len())?;
        if self.picks.len() > BATCH_ARRAY_ENTRIES_MAX {
            return Err(invalid(format!("Results of a function have more than {BATCH_ARRAY_ENTRIES_MAX} entries")));
        }
        self.end(true);
        Ok(())
    }

    /// Ends the current row as NULL; its values are dropped.
    pub fn end_null_row(&mut self) {
        self.picks.truncate(self.row_start);
        self.end(false);
    }

    fn end(&mut self, valid: bool) {
        self.lengths.push(self.row_len());
        self.valid.push(valid);
        self.row_start = self.picks.len();
    }

    /// The arrays, of type `returns`: array or time series.
    ///
    /// # Errors
    /// When a source has another type.
    pub fn finish(self, returns: &DataType) -> Result<ArrayRef> {
        let DataType::List(item) = returns else { return Err(internal_datafusion_err!("{returns} is not a List")) };
        if has_variable_size(&self.element) {
            let bytes = |(source, index): &(usize, usize)| value_bytes(&self.sources[*source], *index);
            check_batch_bytes(self.picks.iter().map(bytes).sum())?;
        }
        let sources: Vec<_> = self.sources.iter().map(AsRef::as_ref).collect();
        let values = match self.element {
            DataType::Null => new_null_array(&DataType::Null, self.picks.len()),
            _ if self.picks.is_empty() => new_empty_array(&self.element),
            _ => compute::interleave(&sources, &self.picks)?,
        };
        let nulls = NullBuffer::from(self.valid);
        let nulls = (nulls.null_count() > 0).then_some(nulls);
        let offsets = OffsetBuffer::from_lengths(self.lengths);
        Ok(Arc::new(ListArray::try_new(Arc::clone(item), offsets, values, nulls)?))
    }
}

/// Checks the length of an array before it is built.
///
/// # Errors
/// When it is too long.
pub fn check_entries(entries: usize) -> Result<()> {
    if entries > ARRAY_ENTRIES_MAX {
        return Err(invalid(format!("Result of a function has more than {ARRAY_ENTRIES_MAX} entries")));
    }
    Ok(())
}

/// The element type of an array or time series.
///
/// # Errors
/// Internal: it is neither.
pub fn element_type(data_type: &DataType) -> Result<&DataType> {
    match data_type {
        DataType::List(item) => Ok(item.data_type()),
        other => Err(internal_datafusion_err!("{} is not an array", types::type_name(other))),
    }
}

/// Where a row's values lie among the values of all rows.
#[must_use]
pub fn range(list: &ListArray, index: usize) -> Range<usize> {
    let offsets = list.value_offsets();
    // Offsets are never negative.
    let at = |index: usize| usize::try_from(offsets[index]).unwrap_or_default();
    at(index)..at(index + 1)
}
