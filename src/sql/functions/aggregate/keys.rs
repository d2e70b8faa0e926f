//! The best key of each group, for max_by and min_by.

use crate::sql::functions::{
    call::primitive,
    compare::{order_doubles, same_zeros},
};
use datafusion::{
    arrow::{
        array::{Array, ArrayRef, ArrowPrimitiveType, PrimitiveArray, UInt32Array},
        compute,
        datatypes::{
            ArrowNativeTypeOp, DataType, Float64Type, Int32Type, Int64Type, TimeUnit, TimestampNanosecondType,
        },
        row::{OwnedRow, RowConverter, Rows, SortField},
    },
    error::Result,
    logical_expr::EmitTo,
};
use std::{cmp::Ordering, fmt::Debug, sync::Arc};

/// The best keys so far.
pub(super) trait Keys: Debug + Send {
    /// There are so many groups.
    fn resize(&mut self, total: usize);
    /// Offers the keys of a batch, in order, each to a group, and notes which of the rows offered became their groups'
    /// best. NULL is never offered.
    fn offer(
        &mut self,
        batch: &ArrayRef,
        rows: &mut dyn Iterator<Item = (usize, usize)>,
        better: Ordering,
        taken: &mut Vec<(usize, usize)>,
    ) -> Result<()>;
    /// The keys of the groups that are asked for, NULL for none; they are no longer held.
    fn take(&mut self, emit_to: EmitTo) -> Result<ArrayRef>;
    /// Bytes of memory.
    fn size(&self) -> usize;
}

/// An empty holder of keys of this type.
pub(super) fn keys(data_type: &DataType) -> Result<Box<dyn Keys>> {
    Ok(match data_type {
        DataType::Int32 => plain::<Int32Type>(|a, b| a.cmp(&b)),
        DataType::Int64 => plain::<Int64Type>(|a, b| a.cmp(&b)),
        DataType::Timestamp(TimeUnit::Nanosecond, None) => plain::<TimestampNanosecondType>(|a, b| a.cmp(&b)),
        DataType::Float64 => plain::<Float64Type>(order_doubles),
        other => {
            let converter = RowConverter::new(vec![SortField::new(other.clone())])?;
            Box::new(Encoded { converter, data_type: other.clone(), best: Vec::new() })
        }
    })
}

fn plain<T: ArrowPrimitiveType + Debug>(compare: fn(T::Native, T::Native) -> Ordering) -> Box<dyn Keys> {
    Box::new(Plain::<T> { compare, best: Vec::new() })
}

/// Keys that are numbers.
#[derive(Debug)]
struct Plain<T: ArrowPrimitiveType> {
    compare: fn(T::Native, T::Native) -> Ordering,
    best: Vec<Option<T::Native>>,
}

impl<T: ArrowPrimitiveType<Native: ArrowNativeTypeOp> + Debug> Keys for Plain<T> {
    fn resize(&mut self, total: usize) {
        self.best.resize(total, None);
    }

    fn offer(
        &mut self,
        batch: &ArrayRef,
        rows: &mut dyn Iterator<Item = (usize, usize)>,
        better: Ordering,
        taken: &mut Vec<(usize, usize)>,
    ) -> Result<()> {
        let keys = primitive::<T>(batch)?.values();
        for (group, row) in rows {
            let best = &mut self.best[group];
            if best.is_none_or(|best| (self.compare)(keys[row], best) == better) {
                *best = Some(keys[row]);
                taken.push((group, row));
            }
        }
        Ok(())
    }

    fn take(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        let best = emit_to.take_needed(&mut self.best);
        Ok(Arc::new(PrimitiveArray::<T>::from_iter(best)))
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.best.capacity() * size_of::<Option<T::Native>>()
    }
}

/// Keys of any other type, in a form whose bytes have their order.
#[derive(Debug)]
struct Encoded {
    converter: RowConverter,
    data_type: DataType,
    best: Vec<Option<OwnedRow>>,
}

impl Keys for Encoded {
    fn resize(&mut self, total: usize) {
        self.best.resize(total, None);
    }

    fn offer(
        &mut self,
        batch: &ArrayRef,
        rows: &mut dyn Iterator<Item = (usize, usize)>,
        better: Ordering,
        taken: &mut Vec<(usize, usize)>,
    ) -> Result<()> {
        let keys: Rows = self.converter.convert_columns(&[same_zeros(batch)?])?;
        for (group, row) in rows {
            let best = &mut self.best[group];
            if best.as_ref().is_none_or(|best| keys.row(row).cmp(&best.row()) == better) {
                *best = Some(keys.row(row).owned());
                taken.push((group, row));
            }
        }
        Ok(())
    }

    fn take(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        let best = emit_to.take_needed(&mut self.best);
        let known = self.converter.convert_rows(best.iter().flatten().map(OwnedRow::row))?;
        let Some(known) = known.first().filter(|known| !known.is_empty()) else {
            return Ok(datafusion::arrow::array::new_null_array(&self.data_type, best.len()));
        };
        let mut next = 0u32;
        let places = best.iter().map(|best| {
            best.as_ref().map(|_| {
                next += 1;
                next - 1
            })
        });
        Ok(compute::take(known, &places.collect::<UInt32Array>(), None)?)
    }

    fn size(&self) -> usize {
        let bytes: usize = self.best.iter().flatten().map(|row| row.as_ref().len()).sum();
        size_of_val(self) + self.converter.size() + bytes + self.best.capacity() * size_of::<Option<OwnedRow>>()
    }
}
