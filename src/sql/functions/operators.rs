//! What operators, literals and constructors are rewritten to.

pub mod arithmetic;
pub mod array;
pub mod concatenation;
pub mod interval;
pub mod like;
pub mod opaque;
pub mod rank;
pub mod row;
pub mod same;

use super::Function;

pub(super) fn functions() -> Vec<Function> {
    [
        arithmetic::functions(),
        array::functions(),
        concatenation::functions(),
        interval::functions(),
        like::functions(),
        opaque::functions(),
        rank::functions(),
        row::functions(),
        same::functions(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
