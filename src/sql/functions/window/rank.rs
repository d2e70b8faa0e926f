//! `row_number()`, `rank()`, `dense_rank()`, `ntile(n)`: places of rows in the order of their partition.

use super::{super::Function, function::window};
use crate::sql::{error::invalid, functions::call::primitive};
use datafusion::{
    arrow::{
        array::{Array, ArrayRef, Int64Array},
        datatypes::Int64Type,
    },
    common::internal_datafusion_err,
    error::Result,
    logical_expr::PartitionEvaluator,
};
use std::{ops::Range, sync::Arc};

pub(super) fn functions() -> Vec<Function> {
    [
        window("row_number", "The number of the row in its partition, from 1.", &["row_number() -> bigint"], |_| {
            Box::new(RowNumber)
        }),
        window("rank", "One more than the rows before the row's peers.", &["rank() -> bigint"], |_| Box::new(Rank)),
        window("dense_rank", "The number of the row's peers in their order.", &["dense_rank() -> bigint"], |_| {
            Box::new(DenseRank)
        }),
        window(
            "ntile",
            "The bucket of the row when its partition is divided into n.",
            &["ntile(bigint) -> bigint"],
            |_| Box::new(Ntile),
        ),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// A count of rows as a BIGINT.
fn bigint(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

#[derive(Debug)]
struct RowNumber;

impl PartitionEvaluator for RowNumber {
    fn evaluate_all(&mut self, _: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
        Ok(Arc::new(Int64Array::from_iter_values((1..=rows).map(bigint))))
    }
}

#[derive(Debug)]
struct Rank;

impl PartitionEvaluator for Rank {
    fn include_rank(&self) -> bool {
        true
    }

    fn evaluate_all_with_rank(&self, _: usize, peers: &[Range<usize>]) -> Result<ArrayRef> {
        let ranks = peers.iter().flat_map(|peers| peers.clone().map(|_| bigint(peers.start + 1)));
        Ok(Arc::new(Int64Array::from_iter_values(ranks)))
    }
}

#[derive(Debug)]
struct DenseRank;

impl PartitionEvaluator for DenseRank {
    fn include_rank(&self) -> bool {
        true
    }

    fn evaluate_all_with_rank(&self, _: usize, peers: &[Range<usize>]) -> Result<ArrayRef> {
        let ranks = peers.iter().enumerate().flat_map(|(index, peers)| peers.clone().map(move |_| bigint(index + 1)));
        Ok(Arc::new(Int64Array::from_iter_values(ranks)))
    }
}

#[derive(Debug)]
struct Ntile;

impl PartitionEvaluator for Ntile {
    fn evaluate_all(&mut self, values: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
        let counts = values.first().ok_or_else(|| internal_datafusion_err!("ntile without an argument"))?;
        let counts = primitive::<Int64Type>(counts)?;
        let bucket = |row: usize| {
            if counts.is_null(row) {
                return Ok(None);
            }
            let buckets = match usize::try_from(counts.value(row)) {
                Ok(buckets @ 1..) => buckets,
                _ => return Err(invalid("Buckets must be greater than 0")), // # inferred: Presto's words
            };
            // The first buckets are larger by one while there is a remainder.
            let (size, larger) = (rows / buckets, rows % buckets);
            let in_larger = larger * (size + 1);
            let bucket = if row < in_larger { row / (size + 1) } else { larger + (row - in_larger) / size.max(1) };
            Ok(Some(bigint(bucket + 1)))
        };
        Ok(Arc::new((0..rows).map(bucket).collect::<Result<Int64Array>>()?))
    }
}
