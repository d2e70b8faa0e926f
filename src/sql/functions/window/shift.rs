//! `lag(x[, offset[, default]])`, `lead(x[, offset[, default]])`: the value so many rows before or after. The offset may
//! be any expression; where it is NULL or leads out of the partition the default is given. # guide: window-functions.html

use super::{super::Function, function::window};
use crate::sql::{error::invalid, functions::call::primitive};
use datafusion::{
    arrow::{
        array::{Array, ArrayRef, new_null_array},
        compute,
        datatypes::Int64Type,
    },
    common::internal_datafusion_err,
    error::Result,
    logical_expr::PartitionEvaluator,
};

pub(super) fn functions() -> Vec<Function> {
    [
        window(
            "lag",
            "The value of a row before.",
            &["lag(T) -> T", "lag(T, bigint) -> T", "lag(T, bigint, T) -> T"],
            |ignore_nulls| Box::new(Shift { forward: false, ignore_nulls }),
        ),
        window(
            "lead",
            "The value of a row after.",
            &["lead(T) -> T", "lead(T, bigint) -> T", "lead(T, bigint, T) -> T"],
            |ignore_nulls| Box::new(Shift { forward: true, ignore_nulls }),
        ),
    ]
    .into_iter()
    .flatten()
    .collect()
}

#[derive(Debug)]
struct Shift {
    forward: bool,
    /// Whether rows whose value is NULL are not counted.
    ignore_nulls: bool,
}

/// Where a row's result lies: among the values, among the defaults, or nowhere.
const VALUES: usize = 0;
const DEFAULTS: usize = 1;

impl PartitionEvaluator for Shift {
    fn evaluate_all(&mut self, columns: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
        let values = columns.first().ok_or_else(|| internal_datafusion_err!("lag without an argument"))?;
        let offsets = columns.get(1).map(|offsets| primitive::<Int64Type>(offsets)).transpose()?;
        let nulls = new_null_array(values.data_type(), rows);
        let defaults = columns.get(2).unwrap_or(&nulls);
        let candidates = self.candidates(values, rows);
        let mut picks = Vec::with_capacity(rows);
        for row in 0..rows {
            let offset = match &offsets {
                None => Some(1),
                Some(offsets) => offsets.is_valid(row).then(|| offsets.value(row)),
            };
            let target = match offset {
                None => None,
                Some(offset) => {
                    // # inferred: Presto's words
                    let offset = usize::try_from(offset).map_err(|_| invalid("Offset must be at least 0"))?;
                    self.target(&candidates, row, offset)
                }
            };
            picks.push(target.map_or((DEFAULTS, row), |target| (VALUES, target)));
        }
        Ok(compute::interleave(&[values.as_ref(), defaults.as_ref()], &picks)?)
    }
}

impl Shift {
    /// The rows that are counted, in order.
    fn candidates(&self, values: &ArrayRef, rows: usize) -> Vec<usize> {
        (0..rows).filter(|row| !self.ignore_nulls || values.is_valid(*row)).collect()
    }

    fn target(&self, candidates: &[usize], row: usize, offset: usize) -> Option<usize> {
        if offset == 0 {
            return Some(row);
        }
        let place = if self.forward {
            // The first candidate after the row is one away.
            candidates.partition_point(|candidate| *candidate <= row).checked_add(offset - 1)?
        } else {
            candidates.partition_point(|candidate| *candidate < row).checked_sub(offset)?
        };
        candidates.get(place).copied()
    }
}
