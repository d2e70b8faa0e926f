//! Functions of lambda expressions.

pub mod attempt;
pub mod filter;
pub mod function;
pub mod matches;
pub mod reduce;
pub mod sort;
pub mod transform;
pub mod zip_with;

use super::Function;

pub(super) fn functions() -> Vec<Function> {
    [
        attempt::functions(),
        filter::functions(),
        matches::functions(),
        reduce::functions(),
        sort::functions(),
        transform::functions(),
        zip_with::functions(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
