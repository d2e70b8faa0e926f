//! `cron(…)` and `rate(…)`: when a scheduled query is due. All times are UTC. # guide: scheduledqueries-schedule.html

use chrono::{DateTime, Utc};
use croner::{
    Cron,
    parser::{CronParser, Seconds, Year},
};

const MINUTE_NS: i64 = 60_000_000_000;
/// The fields of `cron(…)`, the characters that each may hold beside letters, digits and `, - * /`, and its numbers.
const FIELDS: [(&str, &str, std::ops::RangeInclusive<u32>); 6] = [
    ("Minutes", "", 0..=59),
    ("Hours", "", 0..=23),
    ("Day-of-month", "?LW", 1..=31),
    ("Month", "", 1..=12),
    ("Day-of-week", "?L#", 1..=7),
    ("Year", "", 1970..=2199),
];
const MONTHS: [&str; 12] = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
const WEEKDAYS: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

/// When something is due.
#[derive(Clone, Debug)]
pub enum Schedule {
    /// At certain minutes.
    Cron(Box<Cron>),
    /// Again and again after so many nanoseconds, counted from the creation.
    Rate(i64),
}

/// Why a text is no schedule. # inferred: the words
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScheduleError {
    /// Neither `cron(…)` nor `rate(…)`.
    #[error("The schedule expression '{0}' is invalid: it must be of the form cron(fields) or rate(value unit).")]
    Form(String),
    /// Not six fields.
    #[error(
        "The schedule expression '{0}' is invalid: a cron expression has six fields (minutes, hours, day-of-month, month, \
         day-of-week, year), this one has {1}."
    )]
    FieldCount(String, usize),
    /// A field holds what it cannot hold.
    #[error("The schedule expression '{0}' is invalid: {1} cannot be '{2}'.")]
    Field(String, &'static str, String),
    /// Both or neither of the two days are `?`.
    #[error("The schedule expression '{0}' is invalid: exactly one of day-of-month and day-of-week must be '?'.")]
    Days(String),
    /// Never due.
    #[error("The schedule expression '{0}' is invalid: it has no time in the future.")]
    Never(String),
    /// Not a positive whole number, or too large.
    #[error("The schedule expression '{0}' is invalid: the value of a rate must be a positive whole number.")]
    RateValue(String),
    /// Not a unit, or singular and plural confused.
    #[error(
        "The schedule expression '{0}' is invalid: the unit of a rate must be minute, hour or day for the value 1, and \
         minutes, hours or days for larger values."
    )]
    RateUnit(String),
}

impl Schedule {
    /// Reads a schedule.
    ///
    /// # Errors
    /// [`ScheduleError`].
    pub fn parse(text: &str) -> Result<Self, ScheduleError> {
        let inner = |name: &str| text.trim().strip_prefix(name)?.strip_prefix('(')?.strip_suffix(')');
        match (inner("cron"), inner("rate")) {
            (Some(fields), _) => cron(text, fields),
            (_, Some(rate)) => self::rate(text, rate),
            _ => Err(ScheduleError::Form(text.to_owned())),
        }
    }

    /// The first time after `after_ns` that is due; `created_ns` is what rates are counted from. `None` when there is none.
    /// All in nanoseconds since the epoch.
    #[must_use]
    pub fn next_after(&self, after_ns: i64, created_ns: i64) -> Option<i64> {
        match self {
            Self::Rate(every_ns) => {
                let passed = after_ns.saturating_sub(created_ns).max(0) / every_ns;
                created_ns.checked_add((passed + 1).checked_mul(*every_ns)?)
            }
            Self::Cron(cron) => {
                let after = DateTime::<Utc>::from_timestamp_nanos(after_ns);
                cron.find_next_occurrence(&after, false).ok()?.timestamp_nanos_opt()
            }
        }
    }

    /// The last time that is due until `until_ns`, itself included; `created_ns` is what rates are counted from.
    #[must_use]
    pub fn last_until(&self, until_ns: i64, created_ns: i64) -> Option<i64> {
        match self {
            Self::Rate(every_ns) => {
                let passed = until_ns.saturating_sub(created_ns) / every_ns;
                (passed > 0).then(|| created_ns + passed * every_ns)
            }
            Self::Cron(cron) => {
                let until = DateTime::<Utc>::from_timestamp_nanos(until_ns);
                cron.find_previous_occurrence(&until, true).ok()?.timestamp_nanos_opt()
            }
        }
    }
}

fn rate(text: &str, inner: &str) -> Result<Schedule, ScheduleError> {
    let parts: Vec<&str> = inner.split_whitespace().collect();
    let [value, unit] = parts[..] else { return Err(ScheduleError::Form(text.to_owned())) };
    let value: i64 =
        value.parse().ok().filter(|value| *value > 0).ok_or_else(|| ScheduleError::RateValue(text.to_owned()))?;
    let unit_ns = match (value, unit) {
        (1, "minute") | (2.., "minutes") => MINUTE_NS,
        (1, "hour") | (2.., "hours") => 60 * MINUTE_NS,
        (1, "day") | (2.., "days") => 24 * 60 * MINUTE_NS,
        _ => return Err(ScheduleError::RateUnit(text.to_owned())),
    };
    value.checked_mul(unit_ns).map(Schedule::Rate).ok_or_else(|| ScheduleError::RateValue(text.to_owned()))
}

fn cron(text: &str, inner: &str) -> Result<Schedule, ScheduleError> {
    let given: Vec<String> = inner.split_whitespace().map(str::to_ascii_uppercase).collect();
    let fields: [String; 6] =
        given.try_into().map_err(|given: Vec<String>| ScheduleError::FieldCount(text.to_owned(), given.len()))?;
    if (fields[2] == "?") == (fields[4] == "?") {
        return Err(ScheduleError::Days(text.to_owned()));
    }
    for (field, (name, special, numbers)) in fields.iter().zip(FIELDS) {
        if !is_field(field, name, special, &numbers) {
            return Err(ScheduleError::Field(text.to_owned(), name, field.clone()));
        }
    }
    let [minutes, hours, day, month, weekday, year] = &fields;
    // The last day of the week is a Saturday: its number, as the library's L stands for the last one of a month.
    let weekday = if weekday == "L" { "7" } else { weekday };
    let pattern = format!("0 {minutes} {hours} {day} {month} {weekday} {year}");
    let parser = CronParser::builder()
        .seconds(Seconds::Required)
        .year(Year::Required)
        .alternative_weekdays(true)
        .sloppy_ranges(true)
        .build();
    let cron = parser.parse(&pattern).map_err(|_| ScheduleError::Form(text.to_owned()))?;
    Ok(Schedule::Cron(Box::new(cron)))
}

/// Whether a field holds only what it may: lists of `*`, numbers or names, ranges of them, each with a step.
fn is_field(field: &str, name: &str, special: &str, numbers: &std::ops::RangeInclusive<u32>) -> bool {
    if field == "?" || field == "L" {
        return special.contains(field);
    }
    // # guide: "if you use a '#' character, you can define only one expression in the day-of-week field"
    if field.contains('#') && field.contains(',') {
        return false;
    }
    let value = |text: &str| -> Option<u32> {
        let names: &[&str] = match name {
            "Month" => &MONTHS,
            "Day-of-week" => &WEEKDAYS,
            _ => &[],
        };
        if let Some(place) = names.iter().position(|name| *name == text) {
            return u32::try_from(place + 1).ok();
        }
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse().ok().filter(|number| digits && numbers.contains(number))
    };
    field.split(',').all(|part| {
        let (range, step) = part.split_once('/').map_or((part, None), |(range, step)| (range, Some(step)));
        if step.is_some_and(|step| !step.parse::<u32>().is_ok_and(|step| step > 0)) {
            return false;
        }
        if range == "*" {
            return true;
        }
        if let Some((from, to)) = range.split_once('-') {
            return value(from).zip(value(to)).is_some_and(|(from, to)| from <= to);
        }
        if step.is_none() {
            if let Some((day, nth)) = range.split_once('#').filter(|_| special.contains('#')) {
                return value(day).is_some() && nth.parse().is_ok_and(|nth: u32| (1..=5).contains(&nth));
            }
            if let Some(day) = range.strip_suffix('W').filter(|_| special.contains('W')) {
                return value(day).is_some();
            }
            // The last of a weekday in the month.
            if let Some(day) = range.strip_suffix('L').filter(|_| name == "Day-of-week") {
                return value(day).is_some();
            }
        }
        value(range).is_some()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ns(text: &str) -> i64 {
        DateTime::parse_from_rfc3339(text).unwrap().timestamp_nanos_opt().unwrap()
    }

    /// The next times after a Thursday noon.
    fn check(schedule: &str, expect: &[&str]) {
        let start = ns("2026-01-01T12:00:30Z");
        let parsed = Schedule::parse(schedule).unwrap();
        let mut at = start;
        for expected in expect {
            at = parsed.next_after(at, start).unwrap_or_else(|| panic!("{schedule}: nothing after {at}"));
            assert_eq!(at, ns(expected), "{schedule}: {}", DateTime::from_timestamp_nanos(at));
        }
    }

    #[test]
    fn the_guides_examples_are_due_when_it_says() {
        check("cron(0 10 * * ? *)", &["2026-01-02T10:00:00Z", "2026-01-03T10:00:00Z"]);
        check("cron(15 12 * * ? *)", &["2026-01-01T12:15:00Z"]);
        check("cron(0 18 ? * MON-FRI *)", &["2026-01-01T18:00:00Z", "2026-01-02T18:00:00Z", "2026-01-05T18:00:00Z"]);
        check("cron(0 8 1 * ? *)", &["2026-02-01T08:00:00Z", "2026-03-01T08:00:00Z"]);
        check("cron(0/15 * * * ? *)", &["2026-01-01T12:15:00Z", "2026-01-01T12:30:00Z"]);
        check("cron(0/5 8-17 ? * MON-FRI *)", &["2026-01-01T12:05:00Z"]);
        check("cron(1/10 * * * ? *)", &["2026-01-01T12:01:00Z", "2026-01-01T12:11:00Z", "2026-01-01T12:21:00Z"]);
        check("cron(0 0/1 * * ? *)", &["2026-01-01T13:00:00Z", "2026-01-01T14:00:00Z"]);
    }

    #[test]
    fn every_wildcard_means_what_the_guide_says() {
        check("cron(0 0 ? * 3#2 *)", &["2026-01-13T00:00:00Z", "2026-02-10T00:00:00Z"]);
        check("cron(0 0 L * ? *)", &["2026-01-31T00:00:00Z", "2026-02-28T00:00:00Z"]);
        check("cron(0 0 3W * ? *)", &["2026-01-02T00:00:00Z", "2026-02-03T00:00:00Z"]);
        check("cron(0 0 ? * L *)", &["2026-01-03T00:00:00Z", "2026-01-10T00:00:00Z"]);
        check("cron(0 0 ? * 6L *)", &["2026-01-30T00:00:00Z", "2026-02-27T00:00:00Z"]);
        check("cron(0 0 1 JAN,jul ? 2027-2028)", &["2027-01-01T00:00:00Z", "2027-07-01T00:00:00Z"]);
        check("cron(0 0 ? * 1 *)", &["2026-01-04T00:00:00Z"]);
        check("cron(0 0 29 2 ? *)", &["2028-02-29T00:00:00Z"]);
    }

    #[test]
    fn rates_are_counted_from_the_creation() {
        check("rate(1 minute)", &["2026-01-01T12:01:30Z", "2026-01-01T12:02:30Z"]);
        check("rate(10 minutes)", &["2026-01-01T12:10:30Z"]);
        check("rate(1 hour)", &["2026-01-01T13:00:30Z"]);
        check("rate(7 days)", &["2026-01-08T12:00:30Z", "2026-01-15T12:00:30Z"]);
    }

    #[test]
    fn the_last_time_is_found() {
        let check = |schedule: &str, until: &str, expect: Option<&str>| {
            let created = ns("2026-01-01T12:00:30Z");
            assert_eq!(Schedule::parse(schedule).unwrap().last_until(ns(until), created), expect.map(ns), "{schedule}");
        };
        check("rate(1 hour)", "2026-01-01T15:10:00Z", Some("2026-01-01T15:00:30Z"));
        check("rate(1 hour)", "2026-01-01T15:00:30Z", Some("2026-01-01T15:00:30Z"));
        check("rate(1 hour)", "2026-01-01T12:10:00Z", None);
        check("cron(0 10 * * ? *)", "2026-01-03T09:00:00Z", Some("2026-01-02T10:00:00Z"));
        check("cron(0 10 * * ? *)", "2026-01-03T10:00:00Z", Some("2026-01-03T10:00:00Z"));
    }

    #[test]
    fn what_is_never_due_says_so() {
        let past = Schedule::parse("cron(0 0 1 1 ? 2020)").unwrap();
        assert_eq!(past.next_after(ns("2026-01-01T12:00:30Z"), 0), None);
        let never = Schedule::parse("cron(0 0 30 2 ? *)").unwrap();
        assert_eq!(never.next_after(ns("2026-01-01T12:00:30Z"), 0), None);
    }

    #[test]
    fn what_is_no_schedule_is_refused() {
        for text in [
            "",
            "every day",
            "cron()",
            "cron(* * * * *)",
            "cron(0 10 * * * *)",
            "cron(0 10 ? * ? *)",
            "cron(0/10 * * * MON-FRI *)",
            "cron(60 * * * ? *)",
            "cron(0 24 * * ? *)",
            "cron(0 0 32 * ? *)",
            "cron(0 0 0 * ? *)",
            "cron(0 0 * 13 ? *)",
            "cron(0 0 ? * 8 *)",
            "cron(0 0 ? * 0 *)",
            "cron(0 0 ? * 3#6 *)",
            "cron(0 0 ? * 3#1,6#3 *)",
            "cron(0 0 * * ? 1969)",
            "cron(0 0 * * ? 2200)",
            "cron(? 0 * * ? *)",
            "cron(L 0 * * ? *)",
            "cron(5-1 0 * * ? *)",
            "cron(0/0 0 * * ? *)",
            "cron(@daily)",
            "cron(a b c d ? f)",
            "rate(0 minutes)",
            "rate(-1 minutes)",
            "rate(1 minutes)",
            "rate(2 minute)",
            "rate(1.5 hours)",
            "rate(1 week)",
            "rate(1)",
            "rate(99999999999999999999 days)",
            "rate(9999999999999 days)",
        ] {
            assert!(Schedule::parse(text).is_err(), "{text}");
        }
    }
}
