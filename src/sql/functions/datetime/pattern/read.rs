//! Reading a moment by a pattern. What the pattern does not mention is 1970-01-01 00:00:00 UTC; of a day without a year
//! the year is 2000. # inferred: Joda-Time

use super::{Field, Part, Style, names};
use crate::sql::{
    error::invalid,
    types::calendar::{DAY_NS, HOUR_NS, MINUTE_NS, SECOND_NS, date_of_days, days_in_month, days_of_date},
};
use datafusion::error::{DataFusionError, Result};

/// Nanoseconds since the epoch of a text.
///
/// # Errors
/// Joda-Time's `Invalid format: …` and `Cannot parse …: Value … must be in the range …`.
pub fn read(parts: &[Part], text: &str) -> Result<i64> {
    let mut rest = text;
    let mut fields = Vec::new();
    let mut offset_ns = 0;
    for part in parts {
        let at = text.len() - rest.len();
        let length = match part {
            Part::Literal(literal) => starts_with_ignoring_case(rest, literal).then_some(literal.len()),
            Part::Number { field, read, .. } => number(rest, *read).map(|(value, length)| {
                fields.push((*field, value));
                length
            }),
            Part::TwoDigitYear { first } => number(rest, (2, 2)).map(|(value, length)| {
                fields.push((Field::Year, first + (value - first).rem_euclid(100)));
                length
            }),
            Part::Fraction { read, .. } => number(rest, *read).map(|(value, length)| {
                let scale = (length..9).fold(1, |scale, _| scale * 10);
                fields.push((Field::Nanosecond, value * scale));
                length
            }),
            Part::Text { field, .. } => name(rest, *field).map(|(value, length)| {
                fields.push((*field, value));
                length
            }),
            Part::Era(style) => {
                let era = if *style == Style::Full { "Anno Domini" } else { "AD" };
                starts_with_ignoring_case(rest, era).then_some(era.len())
            }
            Part::Zone(_) => zone(rest).map(|(ns, length)| {
                offset_ns = ns;
                length
            }),
            Part::Offset(style) => offset(rest, style.zero).map(|(ns, length)| {
                offset_ns = ns;
                length
            }),
        };
        rest = &rest[length.ok_or_else(|| malformed(text, at))?..];
    }
    if !rest.is_empty() {
        return Err(malformed(text, text.len() - rest.len()));
    }
    let cannot_parse = |message: String| invalid(format!("Cannot parse \"{text}\": {message}"));
    let days = resolve_day(&mut fields).map_err(cannot_parse)?;
    let time_ns = resolve_time(&fields).map_err(cannot_parse)?;
    let ns = i128::from(days) * i128::from(DAY_NS) + i128::from(time_ns) - i128::from(offset_ns);
    i64::try_from(ns).map_err(|_| invalid("timestamp is out of range"))
}

/// The error for a text that does not fit, at a byte of it.
pub fn malformed(text: &str, at: usize) -> DataFusionError {
    invalid(match at {
        0 => format!("Invalid format: \"{text}\""),
        at if at >= text.len() => format!("Invalid format: \"{text}\" is too short"),
        at => format!("Invalid format: \"{text}\" is malformed at \"{}\"", &text[at..]),
    })
}

/// The message for a field's value.
#[must_use]
pub fn out_of_range(value: i64, name: &str, least: i64, most: i64) -> String {
    format!("Value {value} for {name} must be in the range [{least},{most}]")
}

fn starts_with_ignoring_case(text: &str, prefix: &str) -> bool {
    text.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
}

/// A number at the text's beginning, and how many bytes it takes.
fn number(text: &str, (least, most): (usize, usize)) -> Option<(i64, usize)> {
    let length = text.bytes().take(most).take_while(u8::is_ascii_digit).count();
    if length < least { None } else { Some((text[..length].parse().ok()?, length)) }
}

/// A name, full or short, at the text's beginning; the longest that fits.
fn name(text: &str, field: Field) -> Option<(i64, usize)> {
    let (all, first) = names(field);
    let position = |shortened: fn(&'static str) -> &'static str| {
        all.iter().position(|name| starts_with_ignoring_case(text, shortened(name)))
    };
    let short: fn(&'static str) -> &'static str = |name| &name[..name.len().min(3)];
    let (index, length) = match position(|name| name) {
        Some(index) => (index, all[index].len()),
        None => position(short).map(|index| (index, short(all[index]).len()))?,
    };
    Some((i64::try_from(index).ok()? + first, length))
}

/// A zone's name at the text's beginning: its distance from UTC in nanoseconds. The names are those that Joda-Time
/// knows; each stands for one distance. # guide: date-time-functions.html (PST) · # inferred: in summer as well
fn zone(text: &str) -> Option<(i64, usize)> {
    const ZONES: [(&str, i64); 11] = [
        ("UTC", 0),
        ("GMT", 0),
        ("EST", -5),
        ("EDT", -4),
        ("CST", -6),
        ("CDT", -5),
        ("MST", -7),
        ("MDT", -6),
        ("PST", -8),
        ("PDT", -7),
        ("UT", 0),
    ];
    let found = ZONES.iter().find(|(name, _)| starts_with_ignoring_case(text, name));
    if let Some((name, hours)) = found {
        return Some((hours * HOUR_NS, name.len()));
    }
    text.starts_with('Z').then_some((0, 1))
}

fn offset(text: &str, zero: &str) -> Option<(i64, usize)> {
    if !zero.starts_with('+') && text.starts_with(zero) {
        return Some((0, zero.len()));
    }
    read_offset(text)
}

/// A distance from UTC at the text's beginning: `+05`, `+0530`, `+05:30`, in nanoseconds, and how many bytes it takes.
#[must_use]
pub fn read_offset(text: &str) -> Option<(i64, usize)> {
    let sign = match text.bytes().next()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let (hours, _) = number(&text[1..], (2, 2))?;
    let after = &text[3..];
    let colon = usize::from(after.starts_with(':'));
    let (minutes, length) = match number(&after[colon..], (2, 2)) {
        Some((minutes, _)) => (minutes, 5 + colon),
        None => (0, 3),
    };
    if hours > 23 || minutes > 59 {
        return None;
    }
    Some((sign * (hours * HOUR_NS + minutes * MINUTE_NS), length))
}

/// The day, counted from the epoch, that fields of a day name; fields of a time of day are passed over. Sorts them.
///
/// # Errors
/// What is wrong with a field's value.
pub fn resolve_day(fields: &mut [(Field, i64)]) -> Result<i64, String> {
    fields.sort_by_key(|(field, _)| *field);
    let needs_year = fields.first().is_some_and(|(field, _)| (Field::Quarter..=Field::DayOfWeek).contains(field));
    let mut days = if needs_year { days_of_date(2000, 1, 1) } else { 0 };
    for (field, value) in fields.iter().copied() {
        days = set(days, field, value)?;
    }
    Ok(days)
}

/// Sets a field of a day; smaller fields begin anew.
fn set(days: i64, field: Field, value: i64) -> Result<i64, String> {
    let (year, month, _) = date_of_days(days);
    let check = |name: &str, most: i64| {
        if (1..=most).contains(&value) { Ok(value) } else { Err(out_of_range(value, name, 1, most)) }
    };
    Ok(match field {
        // Beyond any timestamp, but within what the calendar can compute.
        Field::Year | Field::WeekYear if value.abs() > 1_000_000 => {
            return Err(out_of_range(value, "year", -1_000_000, 1_000_000));
        }
        Field::Year => days_of_date(value, 1, 1),
        Field::WeekYear => week_year_start(value),
        Field::Quarter => days_of_date(year, u32::try_from(check("quarterOfYear", 4)? * 3 - 2).unwrap_or(1), 1),
        Field::Month => days_of_date(year, u32::try_from(check("monthOfYear", 12)?).unwrap_or(1), 1),
        Field::Week => {
            let start = week_year_start(date_of_days(days - (days + 3).rem_euclid(7) + 3).0);
            let next = week_year_start(date_of_days(start + 10).0 + 1);
            start + (check("weekOfWeekyear", (next - start) / 7)? - 1) * 7
        }
        Field::DayOfYear => {
            let start = days_of_date(year, 1, 1);
            start + check("dayOfYear", days_of_date(year + 1, 1, 1) - start)? - 1
        }
        Field::DayOfMonth => {
            days_of_date(year, month, 1) + check("dayOfMonth", i64::from(days_in_month(year, month)))? - 1
        }
        Field::DayOfWeek => days - (days + 3).rem_euclid(7) + check("dayOfWeek", 7)? - 1,
        _ => days,
    })
}

/// The Monday of a year's first ISO week, the one that 4 January lies in.
fn week_year_start(year: i64) -> i64 {
    let fourth = days_of_date(year, 1, 4);
    fourth - (fourth + 3).rem_euclid(7)
}

/// Nanoseconds since midnight that sorted fields name.
fn resolve_time(fields: &[(Field, i64)]) -> Result<i64, String> {
    let mut time_ns = 0;
    for (field, value) in fields.iter().copied() {
        let check = |name: &str, least: i64, most: i64| {
            if (least..=most).contains(&value) { Ok(value) } else { Err(out_of_range(value, name, least, most)) }
        };
        let hour = time_ns / HOUR_NS;
        let below_hour = time_ns % HOUR_NS;
        time_ns = match field {
            Field::HalfDay => value * 12 * HOUR_NS,
            Field::HourOfDay => check("hourOfDay", 0, 23)? * HOUR_NS + below_hour,
            Field::ClockHourOfDay => check("clockhourOfDay", 1, 24)? % 24 * HOUR_NS + below_hour,
            Field::HourOfHalfDay => (hour / 12 * 12 + check("hourOfHalfday", 0, 11)?) * HOUR_NS + below_hour,
            Field::ClockHourOfHalfDay => {
                (hour / 12 * 12 + check("clockhourOfHalfday", 1, 12)? % 12) * HOUR_NS + below_hour
            }
            Field::Minute => hour * HOUR_NS + check("minuteOfHour", 0, 59)? * MINUTE_NS,
            Field::Second => time_ns / MINUTE_NS * MINUTE_NS + check("secondOfMinute", 0, 59)? * SECOND_NS,
            Field::Nanosecond => time_ns / SECOND_NS * SECOND_NS + check("nanoOfSecond", 0, SECOND_NS - 1)?,
            Field::MillisecondOfDay => check("millisOfDay", 0, DAY_NS / 1_000_000 - 1)? * 1_000_000,
            Field::NanosecondOfDay => check("nanoOfDay", 0, DAY_NS - 1)?,
            _ => time_ns,
        };
    }
    Ok(time_ns)
}
