//! What operators, literals and constructors are rewritten to.

pub mod arithmetic;
pub mod interval;

use super::Function;

pub(super) fn functions() -> Vec<Function> {
    [arithmetic::functions(), interval::functions()].into_iter().flatten().collect()
}
