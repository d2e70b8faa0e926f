//! Dates and times. All in UTC.

pub mod bin;
pub mod date;
pub mod date_add;
pub mod date_diff;
pub mod date_format;
pub mod date_trunc;
pub mod extract;
pub mod format_datetime;
pub mod from_number;
pub mod human_readable_seconds;
pub mod iso8601;
pub mod now;
pub mod parse_duration;
pub mod pattern;
pub mod to_number;
pub mod unit;

use super::Function;

pub(super) fn functions() -> Vec<Function> {
    [
        bin::functions(),
        date::functions(),
        date_add::functions(),
        date_diff::functions(),
        date_format::functions(),
        date_trunc::functions(),
        extract::functions(),
        format_datetime::functions(),
        from_number::functions(),
        human_readable_seconds::functions(),
        iso8601::functions(),
        now::functions(),
        parse_duration::functions(),
        to_number::functions(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
