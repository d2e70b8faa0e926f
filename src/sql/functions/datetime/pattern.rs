//! What the patterns of dates and times are made of: date_format and format_datetime write by them, date_parse and
//! parse_datetime read by them. Each of the two dialects compiles its letters into these parts.

pub mod read;
pub mod write;

pub use read::{malformed, out_of_range, read_offset, resolve_day};

/// A field of a moment. Where they are read, they are applied in this order: the larger first. # inferred: Joda-Time
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Field {
    /// The year.
    Year,
    /// The year of the ISO week.
    WeekYear,
    /// The quarter, 1 to 4.
    Quarter,
    /// The month, 1 to 12.
    Month,
    /// The ISO week, 1 to 53.
    Week,
    /// The day of the year, 1 to 366.
    DayOfYear,
    /// The day of the month, 1 to 31.
    DayOfMonth,
    /// The day of the ISO week, 1 (Monday) to 7.
    DayOfWeek,
    /// 0 before noon, 1 after.
    HalfDay,
    /// The hour, 0 to 23.
    HourOfDay,
    /// The hour, 1 to 24; 24 is midnight at the day's beginning.
    ClockHourOfDay,
    /// The hour of the half day, 0 to 11.
    HourOfHalfDay,
    /// The hour of the half day, 1 to 12.
    ClockHourOfHalfDay,
    /// The minute of the hour.
    Minute,
    /// The second of the minute.
    Second,
    /// The nanosecond of the second.
    Nanosecond,
    /// The millisecond of the day.
    MillisecondOfDay,
    /// The nanosecond of the day.
    NanosecondOfDay,
}

/// How long the text of a field is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// `O`: written only, it cannot be told apart.
    Narrow,
    /// `Oct`
    Short,
    /// `October`
    Full,
}

/// How a distance from UTC is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OffsetStyle {
    /// What stands for UTC itself.
    pub zero: &'static str,
}

/// A part of a pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// Stands as it is.
    Literal(String),
    /// A number: written with at least `written` digits, read as `read.0` to `read.1` of them.
    Number {
        /// Of what.
        field: Field,
        /// Digits written at least.
        written: usize,
        /// Digits read at least and at most.
        read: (usize, usize),
    },
    /// The last two digits of a year that lies in the hundred years from `first` on.
    TwoDigitYear {
        /// The first year.
        first: i64,
    },
    /// The first `written` digits of a second's fraction, read as `read.0` to `read.1` of them.
    Fraction {
        /// Digits written.
        written: usize,
        /// Digits read at least and at most.
        read: (usize, usize),
    },
    /// The name of a quarter, month, day of the week or half of the day.
    Text {
        /// Of what.
        field: Field,
        /// How long.
        style: Style,
    },
    /// The era: all timestamps lie in the present one.
    Era(Style),
    /// A zone's name; written, that of UTC.
    Zone(Style),
    /// A distance from UTC; written, that of UTC itself.
    Offset(OffsetStyle),
}

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const WEEKDAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
const HALVES: [&str; 2] = ["AM", "PM"];
const QUARTERS: [&str; 4] = ["1st quarter", "2nd quarter", "3rd quarter", "4th quarter"];

/// The full names of a field's values, and the value of the first.
fn names(field: Field) -> (&'static [&'static str], i64) {
    match field {
        Field::Month => (&MONTHS, 1),
        Field::DayOfWeek => (&WEEKDAYS, 1),
        Field::Quarter => (&QUARTERS, 1),
        Field::HalfDay => (&HALVES, 0),
        _ => (&[], 0),
    }
}
