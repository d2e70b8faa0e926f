//! Dates and times. All in UTC.

pub mod bin;
pub mod date_add;
pub mod date_diff;
pub mod date_trunc;
pub mod extract;
pub mod from_number;
pub mod now;
pub mod parse_duration;
pub mod to_number;
pub mod unit;

use super::Function;

pub(super) fn functions() -> Vec<Function> {
    [
        bin::functions(),
        date_add::functions(),
        date_diff::functions(),
        date_trunc::functions(),
        extract::functions(),
        from_number::functions(),
        now::functions(),
        parse_duration::functions(),
        to_number::functions(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
