//! `percent_rank()`, `cume_dist()`: places of rows as fractions of their partition. The guide's table says bigint for
//! cume_dist, its text describes a fraction. # inferred: double

use super::{super::Function, function::window};
use datafusion::{
    arrow::array::{ArrayRef, Float64Array},
    error::Result,
    logical_expr::PartitionEvaluator,
};
use std::{ops::Range, sync::Arc};

pub(super) fn functions() -> Vec<Function> {
    [
        window("percent_rank", "(rank - 1) / (rows - 1); 0 for one row.", &["percent_rank() -> double"], |_| {
            Box::new(PercentRank)
        }),
        window("cume_dist", "The fraction of rows up to the row's last peer.", &["cume_dist() -> double"], |_| {
            Box::new(CumulativeDistribution)
        }),
    ]
    .into_iter()
    .flatten()
    .collect()
}

#[derive(Debug)]
struct PercentRank;

impl PartitionEvaluator for PercentRank {
    fn include_rank(&self) -> bool {
        true
    }

    fn evaluate_all_with_rank(&self, rows: usize, peers: &[Range<usize>]) -> Result<ArrayRef> {
        let others = rows.saturating_sub(1).max(1) as f64;
        let fractions = peers.iter().flat_map(|peers| peers.clone().map(move |_| peers.start as f64 / others));
        Ok(Arc::new(Float64Array::from_iter_values(fractions)))
    }
}

#[derive(Debug)]
struct CumulativeDistribution;

impl PartitionEvaluator for CumulativeDistribution {
    fn include_rank(&self) -> bool {
        true
    }

    fn evaluate_all_with_rank(&self, rows: usize, peers: &[Range<usize>]) -> Result<ArrayRef> {
        let fractions = peers.iter().flat_map(|peers| peers.clone().map(move |_| peers.end as f64 / rows as f64));
        Ok(Arc::new(Float64Array::from_iter_values(fractions)))
    }
}
