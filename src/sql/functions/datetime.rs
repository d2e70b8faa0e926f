//! Dates and times. All in UTC.

pub mod bin;
pub mod now;

use super::Function;

pub(super) fn functions() -> Vec<Function> {
    [bin::functions(), now::functions()].into_iter().flatten().collect()
}
