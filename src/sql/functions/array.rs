//! Functions of arrays. Positions count from 1. A NULL array gives NULL.

pub mod cardinality;
pub mod combinations;
pub mod element_at;
pub mod extremes;
pub mod flatten;
pub mod join;
pub mod ngrams;
pub mod repeat;
pub mod search;
pub mod sequence;
pub mod sets;
pub mod slice;
pub mod sort;
pub mod trim;
pub mod zip;

use super::Function;

pub(super) fn functions() -> Vec<Function> {
    [
        cardinality::functions(),
        combinations::functions(),
        element_at::functions(),
        extremes::functions(),
        flatten::functions(),
        join::functions(),
        ngrams::functions(),
        repeat::functions(),
        search::functions(),
        sequence::functions(),
        sets::functions(),
        slice::functions(),
        sort::functions(),
        trim::functions(),
        zip::functions(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
