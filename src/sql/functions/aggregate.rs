//! Aggregates. Each may also be used with OVER. NULLs are ignored and no rows give NULL, unless said otherwise.

pub mod approx_distinct;
pub mod approx_percentile;
pub mod average;
pub mod by;
pub mod checksum;
pub mod count_if;
mod distinct;
pub mod function;
pub(super) mod gathered;
mod held;
mod keys;
pub mod largest;
pub mod moments;
pub mod recount;
pub mod regression;
pub mod simple;
mod statistic;
pub mod sum;

use super::Function;

pub(super) fn functions() -> Vec<Function> {
    [
        approx_distinct::functions(),
        approx_percentile::functions(),
        average::functions(),
        by::functions(),
        checksum::functions(),
        count_if::functions(),
        largest::functions(),
        moments::functions(),
        regression::functions(),
        simple::functions(),
        sum::functions(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
