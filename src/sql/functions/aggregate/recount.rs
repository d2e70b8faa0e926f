//! DISTINCT and moving frames for aggregates that know neither: the values are kept, and aggregated when the result is
//! asked for. Exact, at the price of keeping them; subtracting what leaves a frame would let rounding, NaN and infinity
//! stay behind.

use super::function::Factory;
use crate::{
    model::limits::WINDOW_ROWS_MAX,
    sql::{error::invalid, functions::call::list, interrupt, types},
};
use datafusion::{
    arrow::{
        array::{Array, ArrayRef, UInt32Array},
        compute,
        datatypes::DataType,
        row::{OwnedRow, RowConverter, SortField},
    },
    common::{ScalarValue, internal_datafusion_err, utils::SingleRowListArrayBuilder},
    error::Result,
    logical_expr::Accumulator,
};
use std::{collections::HashSet, collections::VecDeque, sync::Arc};

/// Aggregates each distinct tuple of arguments once.
#[derive(Debug)]
pub struct Distinct {
    factory: Factory,
    converter: RowConverter,
    seen: HashSet<OwnedRow>,
    /// The distinct tuples, column by column.
    chunks: Vec<Vec<ArrayRef>>,
}

impl Distinct {
    /// An empty accumulator.
    ///
    /// # Errors
    /// When values of the arguments' types cannot be compared.
    pub fn try_new(factory: Factory) -> Result<Self> {
        let fields = factory.types().parameters.iter().cloned().map(SortField::new).collect();
        Ok(Self { converter: RowConverter::new(fields)?, factory, seen: HashSet::new(), chunks: Vec::new() })
    }

    /// The types of the partial state: one array of each argument's distinct values.
    #[must_use]
    pub fn state_types(parameters: &[DataType]) -> Vec<DataType> {
        parameters.iter().cloned().map(types::array).collect()
    }
}

impl Accumulator for Distinct {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let rows = self.converter.convert_columns(values)?;
        let mut new = Vec::new();
        for (index, row) in rows.iter().enumerate() {
            if self.seen.insert(row.owned()) {
                new.push(u32::try_from(index).map_err(|_| internal_datafusion_err!("batch of {index} rows"))?);
            }
        }
        if !new.is_empty() {
            let new = UInt32Array::from(new);
            let chunk = values.iter().map(|column| compute::take(column, &new, None));
            self.chunks.push(chunk.collect::<Result<_, _>>()?);
        }
        Ok(())
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let mut inner = self.factory.plain()?;
        for chunk in &self.chunks {
            inner.update_batch(chunk)?;
        }
        inner.evaluate()
    }

    fn size(&self) -> usize {
        let row_bytes: usize = self.seen.iter().map(|row| row.as_ref().len() + size_of::<OwnedRow>()).sum();
        size_of_val(self) + row_bytes + chunk_bytes(self.chunks.iter())
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let parameters = self.factory.types().parameters.clone();
        let column = |(index, data_type): (usize, &DataType)| {
            let parts: Vec<&dyn Array> = self.chunks.iter().map(|chunk| chunk[index].as_ref()).collect();
            let values = match parts.is_empty() {
                true => datafusion::arrow::array::new_empty_array(data_type),
                false => compute::concat(&parts)?,
            };
            Ok(ScalarValue::List(Arc::new(
                SingleRowListArrayBuilder::new(values).with_nullable(true).build_list_array(),
            )))
        };
        parameters.iter().enumerate().map(column).collect()
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let states = states.iter().map(|state| list(state)).collect::<Result<Vec<_>>>()?;
        let Some(first) = states.first() else { return Ok(()) };
        for row in 0..first.len() {
            let columns: Vec<ArrayRef> = states.iter().map(|state| state.value(row)).collect();
            self.update_batch(&columns)?;
        }
        Ok(())
    }
}

/// Aggregates the rows of a frame that moves.
#[derive(Debug)]
pub struct Sliding {
    factory: Factory,
    distinct: bool,
    /// The rows of the frame, oldest first.
    chunks: VecDeque<Vec<ArrayRef>>,
    /// Rows aggregated so far, over all frames.
    rows: u64,
}

/// From so many pieces on, a frame's rows are put into one.
const CHUNKS_MAX: usize = 16;

impl Sliding {
    /// An accumulator of an empty frame.
    #[must_use]
    pub fn new(factory: Factory, distinct: bool) -> Self {
        Self { factory, distinct, chunks: VecDeque::new(), rows: 0 }
    }

    fn compact(&mut self) -> Result<()> {
        let columns = self.chunks.front().map_or(0, Vec::len);
        let column = |index: usize| {
            let parts: Vec<&dyn Array> = self.chunks.iter().map(|chunk| chunk[index].as_ref()).collect();
            compute::concat(&parts)
        };
        let whole = (0..columns).map(column).collect::<Result<Vec<_>, _>>()?;
        self.chunks = VecDeque::from([whole]);
        Ok(())
    }
}

impl Accumulator for Sliding {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        if values.first().is_some_and(|column| !column.is_empty()) {
            self.chunks.push_back(values.to_vec());
        }
        if self.chunks.len() > CHUNKS_MAX {
            self.compact()?;
        }
        Ok(())
    }

    fn retract_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let mut leaving = values.first().map_or(0, |column| column.len());
        while leaving > 0 {
            let Some(oldest) = self.chunks.front_mut() else {
                return Err(internal_datafusion_err!("{leaving} rows leave an empty frame"));
            };
            let length = oldest.first().map_or(0, |column| column.len());
            if length <= leaving {
                self.chunks.pop_front();
                leaving -= length;
            } else {
                oldest.iter_mut().for_each(|column| *column = column.slice(leaving, length - leaving));
                leaving = 0;
            }
        }
        Ok(())
    }

    fn supports_retract_batch(&self) -> bool {
        true
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let rows: usize = self.chunks.iter().filter_map(|chunk| chunk.first()).map(|column| column.len()).sum();
        self.rows = self.rows.saturating_add(u64::try_from(rows).unwrap_or(u64::MAX));
        if self.rows > WINDOW_ROWS_MAX {
            return Err(invalid("The frames of a window function are too large"));
        }
        let mut inner = self.factory.plain()?;
        if !self.distinct {
            for chunk in &self.chunks {
                interrupt::tick()?;
                inner.update_batch(chunk)?;
            }
            return inner.evaluate();
        }
        let fields = self.factory.types().parameters.iter().cloned().map(SortField::new).collect();
        let converter = RowConverter::new(fields)?;
        let mut seen = HashSet::new();
        for chunk in &self.chunks {
            interrupt::tick()?;
            let rows = converter.convert_columns(chunk)?;
            let new = rows.iter().enumerate().filter(|(_, row)| seen.insert(row.owned()));
            let new: UInt32Array = new.map(|(index, _)| u32::try_from(index).ok()).collect();
            let columns = chunk.iter().map(|column| compute::take(column, &new, None));
            inner.update_batch(&columns.collect::<Result<Vec<_>, _>>()?)?;
        }
        inner.evaluate()
    }

    fn size(&self) -> usize {
        size_of_val(self) + chunk_bytes(self.chunks.iter())
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        Err(internal_datafusion_err!("a frame has no partial state"))
    }

    fn merge_batch(&mut self, _: &[ArrayRef]) -> Result<()> {
        Err(internal_datafusion_err!("a frame has no partial state"))
    }
}

fn chunk_bytes<'a>(chunks: impl Iterator<Item = &'a Vec<ArrayRef>>) -> usize {
    chunks.flatten().map(|column| column.get_array_memory_size()).sum()
}
