//! Functions of time series.

pub mod correlate;
pub mod create;
pub mod derivative;
pub mod integral;
pub mod interpolate;
mod points;
pub mod spline;

use super::Function;

pub(super) fn functions() -> Vec<Function> {
    [
        correlate::functions(),
        create::functions(),
        derivative::functions(),
        integral::functions(),
        interpolate::functions(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
