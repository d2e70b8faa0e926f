//! Functions that exist only with OVER. Evaluators of our own: DataFusion's count with unsigned integers, take only
//! literal offsets, and name their errors after themselves.

pub mod distribution;
pub mod framed;
pub mod function;
pub mod rank;
pub mod shift;
pub mod value;

use super::Function;

pub(super) fn functions() -> Vec<Function> {
    [distribution::functions(), rank::functions(), shift::functions(), value::functions()]
        .into_iter()
        .flatten()
        .collect()
}
