//! Aggregates. Each may also be used with OVER. NULLs are ignored and no rows give NULL, unless said otherwise.

pub mod function;
pub mod recount;
pub mod simple;
pub mod sum;

use super::Function;

pub(super) fn functions() -> Vec<Function> {
    [sum::functions(), simple::functions()].into_iter().flatten().collect()
}
