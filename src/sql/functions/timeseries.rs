//! Functions of time series.

pub mod create;
pub mod interpolate;
pub mod spline;

use super::Function;

pub(super) fn functions() -> Vec<Function> {
    [create::functions(), interpolate::functions()].into_iter().flatten().collect()
}
