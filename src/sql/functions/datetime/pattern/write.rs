//! Writing a moment by a pattern.

use super::{Field, Part, Style, names};
use crate::sql::functions::datetime::extract;
use crate::sql::types::calendar::{DAY_NS, SECOND_NS};
use std::fmt::Write;

/// The text of a timestamp (nanoseconds since the epoch, UTC).
#[must_use]
pub fn write(parts: &[Part], timestamp_ns: i64) -> String {
    let mut text = String::new();
    for part in parts {
        match part {
            Part::Literal(literal) => text.push_str(literal),
            Part::Number { field, written, .. } => {
                let value = value(*field, timestamp_ns);
                // Writing to a string does not fail.
                let _ = write!(text, "{value:0written$}");
            }
            Part::TwoDigitYear { .. } => {
                let _ = write!(text, "{:02}", value(Field::Year, timestamp_ns).rem_euclid(100));
            }
            Part::Fraction { written, .. } => {
                let digits = format!("{:09}", timestamp_ns.rem_euclid(SECOND_NS));
                text.push_str(&digits[..*written]);
            }
            Part::Text { field, style } => text.push_str(&name(*field, *style, value(*field, timestamp_ns))),
            Part::Era(Style::Narrow) => text.push('A'),
            Part::Era(Style::Short) => text.push_str("AD"),
            Part::Era(Style::Full) => text.push_str("Anno Domini"),
            Part::Zone(Style::Full) => text.push_str("Coordinated Universal Time"),
            Part::Zone(_) => text.push_str("UTC"),
            Part::Offset(style) => text.push_str(style.zero),
        }
    }
    text
}

fn name(field: Field, style: Style, value: i64) -> String {
    let (all, first) = names(field);
    let full = usize::try_from(value - first).ok().and_then(|index| all.get(index)).copied().unwrap_or_default();
    match (field, style) {
        (Field::HalfDay, _) | (_, Style::Full) => full.to_owned(),
        (Field::Quarter, _) => format!("Q{value}"),
        (_, Style::Short) => full.chars().take(3).collect(),
        (_, Style::Narrow) => full.chars().take(1).collect(),
    }
}

fn value(field: Field, timestamp_ns: i64) -> i64 {
    let days = timestamp_ns.div_euclid(DAY_NS);
    let time_ns = timestamp_ns.rem_euclid(DAY_NS);
    let hour = extract::Field::Hour.of_time(time_ns);
    match field {
        Field::Year => extract::Field::Year.of_day(days),
        Field::WeekYear => extract::Field::YearOfWeek.of_day(days),
        Field::Quarter => extract::Field::Quarter.of_day(days),
        Field::Month => extract::Field::Month.of_day(days),
        Field::Week => extract::Field::Week.of_day(days),
        Field::DayOfYear => extract::Field::DayOfYear.of_day(days),
        Field::DayOfMonth => extract::Field::Day.of_day(days),
        Field::DayOfWeek => extract::Field::DayOfWeek.of_day(days),
        Field::HalfDay => hour / 12,
        Field::HourOfDay => hour,
        Field::ClockHourOfDay => (hour + 23) % 24 + 1,
        Field::HourOfHalfDay => hour % 12,
        Field::ClockHourOfHalfDay => (hour + 11) % 12 + 1,
        Field::Minute => extract::Field::Minute.of_time(time_ns),
        Field::Second => extract::Field::Second.of_time(time_ns),
        Field::Nanosecond => extract::Field::Nanosecond.of_time(time_ns),
        Field::MillisecondOfDay => time_ns / 1_000_000,
        Field::NanosecondOfDay => time_ns,
    }
}
