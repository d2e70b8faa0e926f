//! Conversions between types.

pub mod cast;
pub mod type_of;

use super::Function;

pub(super) fn functions() -> Vec<Function> {
    [cast::functions(), type_of::functions()].into_iter().flatten().collect()
}
