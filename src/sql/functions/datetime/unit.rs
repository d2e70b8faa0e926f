//! The units of date_trunc, date_add and date_diff.

use crate::sql::{
    error::invalid,
    types::calendar::{DAY_NS, HOUR_NS, MINUTE_NS, SECOND_NS},
};
use datafusion::error::Result;

/// A unit of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// A whole number of nanoseconds: second, minute, hour, day, week.
    Fixed(i64),
    /// A whole number of months: month, quarter, year.
    Months(i64),
}

/// Nanoseconds of a week.
pub const WEEK_NS: i64 = 7 * DAY_NS;

impl Unit {
    /// The unit of that name, in any case. `kind` is the type it is applied to, for the message.
    /// # guide: date-time-functions.html lists second to year; Presto has millisecond as well
    ///
    /// # Errors
    /// Presto's `'…' is not a valid … field`.
    pub fn parse(name: &str, kind: &str) -> Result<Self> {
        const UNITS: [(&str, Unit); 9] = [
            ("millisecond", Unit::Fixed(1_000_000)),
            ("second", Unit::Fixed(SECOND_NS)),
            ("minute", Unit::Fixed(MINUTE_NS)),
            ("hour", Unit::Fixed(HOUR_NS)),
            ("day", Unit::Fixed(DAY_NS)),
            ("week", Unit::Fixed(WEEK_NS)),
            ("month", Unit::Months(1)),
            ("quarter", Unit::Months(3)),
            ("year", Unit::Months(12)),
        ];
        let found = UNITS.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, unit)| *unit).ok_or_else(|| invalid(format!("'{name}' is not a valid {kind} field")))
    }
}
