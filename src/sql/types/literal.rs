//! Texts of timestamps, dates, times and intervals.

use super::calendar::{DAY_NS, HOUR_NS, MINUTE_NS, SECOND_NS, days_in_month, days_of_date};

/// Nanoseconds since the epoch of `YYYY-MM-DD`, `YYYY-MM-DD HH:MM` or `YYYY-MM-DD HH:MM:SS`, the latter with up to
/// nine fraction digits; a trailing `+0000` or `+00:00` is accepted, and no other zone. `None` for any other text and
/// outside the type's range.
/// # guide: supported-data-types.html and its examples · the zones: seen from clients
#[must_use]
pub fn parse_timestamp(text: &str) -> Option<i64> {
    let text = text.trim();
    let text = ["+0000", "+00:00"].iter().find_map(|zone| text.strip_suffix(zone)).map_or(text, str::trim_end);
    let (date, time) = match text.split_once(' ') {
        Some((date, time)) => (date, parse_time(time)?),
        None => (text, 0),
    };
    let ns = i128::from(parse_date(date)?) * i128::from(DAY_NS) + i128::from(time);
    i64::try_from(ns).ok()
}

/// Days since the epoch of `YYYY-MM-DD`; month and day may have one digit.
#[must_use]
pub fn parse_date(text: &str) -> Option<i32> {
    let mut parts = text.trim().split('-');
    let year = digits(parts.next()?, 4, 4)?;
    let month = u32::try_from(digits(parts.next()?, 1, 2)?).ok()?;
    let day = u32::try_from(digits(parts.next()?, 1, 2)?).ok()?;
    let exists = (1..=12).contains(&month) && day >= 1 && day <= days_in_month(year, month);
    if !exists || parts.next().is_some() {
        return None;
    }
    i32::try_from(days_of_date(year, month, day)).ok()
}

/// Nanoseconds since midnight of `HH:MM` or `HH:MM:SS`, the latter with up to nine fraction digits; each number may
/// have one digit.
#[must_use]
pub fn parse_time(text: &str) -> Option<i64> {
    let mut parts = text.trim().split(':');
    let hour = digits(parts.next()?, 1, 2)?;
    let minute = digits(parts.next()?, 1, 2)?;
    let (second, fraction_ns) = match parts.next() {
        None => (0, 0),
        Some(second) => match second.split_once('.') {
            None => (digits(second, 1, 2)?, 0),
            Some((second, fraction)) => (digits(second, 1, 2)?, fraction_ns(fraction)?),
        },
    };
    if hour > 23 || minute > 59 || second > 59 || parts.next().is_some() {
        return None;
    }
    Some(hour * HOUR_NS + minute * MINUTE_NS + second * SECOND_NS + fraction_ns)
}

/// A number of `least` to `most` digits and nothing else.
fn digits(text: &str, least: usize, most: usize) -> Option<i64> {
    let fits = (least..=most).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    if fits { text.parse().ok() } else { None }
}

/// Nanoseconds of a second's fraction digits, one to nine of them.
fn fraction_ns(text: &str) -> Option<i64> {
    let missing = u32::try_from(9usize.checked_sub(text.len())?).ok()?;
    Some(digits(text, 1, 9)? * 10i64.pow(missing))
}

/// The value of an interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IntervalValue {
    /// interval day to second, in nanoseconds.
    DayToSecond(i64),
    /// interval year to month, in months.
    YearToMonth(i32),
}

/// The interval of a duration text: a number, optional space, a unit. `5m`, `42.8ms`, `3.81 d`, `1year`.
///
/// Units: ns nanosecond us microsecond ms millisecond s second m minute h hour d day; y year month (whole numbers
/// only). A fraction below a nanosecond is rounded, half up.
/// # guide: date-time-functions.html (parse_duration), supported-data-types.html
///
/// # Errors
/// What is wrong with the text.
pub fn parse_duration(text: &str) -> Result<IntervalValue, String> {
    let trimmed = text.trim();
    let unit_start = trimmed.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(trimmed.len());
    let (number, unit) = (&trimmed[..unit_start], trimmed[unit_start..].trim_start());
    let invalid = || format!("duration is not a valid data duration string: {text}");
    if unit.is_empty() {
        return Err(invalid());
    }
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let digits_only = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !digits_only(fraction) || number.ends_with('.') {
        return Err(invalid());
    }
    let too_large = || format!("duration is too large: {text}");
    let months_per_unit = match unit {
        "y" | "year" => Some(12),
        "month" => Some(1),
        _ => None,
    };
    if let Some(months_per_unit) = months_per_unit {
        if !fraction.is_empty() {
            return Err(invalid());
        }
        let count: i32 = whole.parse().map_err(|_| too_large())?;
        return count.checked_mul(months_per_unit).map(IntervalValue::YearToMonth).ok_or_else(too_large);
    }
    let unit_ns = duration_unit_ns(unit).ok_or_else(|| format!("Unknown time unit: {unit}"))?;
    scaled(whole, fraction, unit_ns).map(IntervalValue::DayToSecond).ok_or_else(too_large)
}

fn duration_unit_ns(unit: &str) -> Option<i64> {
    Some(match unit {
        "ns" | "nanosecond" => 1,
        "us" | "microsecond" => 1_000,
        "ms" | "millisecond" => 1_000_000,
        "s" | "second" => SECOND_NS,
        "m" | "minute" => MINUTE_NS,
        "h" | "hour" => HOUR_NS,
        "d" | "day" => DAY_NS,
        _ => return None,
    })
}

/// `whole.fraction` times a unit, rounded half up to whole nanoseconds.
fn scaled(whole: &str, fraction: &str, unit_ns: i64) -> Option<i64> {
    let whole: i64 = whole.parse().ok()?;
    // Eighteen digits are finer than a nanosecond of any unit.
    let fraction = &fraction[..fraction.len().min(18)];
    let scale = 10i128.pow(u32::try_from(fraction.len()).ok()?);
    let numerator: i128 = if fraction.is_empty() { 0 } else { fraction.parse().ok()? };
    let fraction_ns = (numerator * i128::from(unit_ns) * 2 + scale) / (scale * 2);
    i64::try_from(i128::from(whole) * i128::from(unit_ns) + fraction_ns).ok()
}

/// The interval of `INTERVAL '<text>' <unit>`: `'2' day`, `'-3' month`, `'1-2' year to month`,
/// `'1 02:03:04.5' day to second`, `'10:30' hour to minute`. The unit is matched in any case.
/// # guide: supported-data-types.html, operators page (week) · ranges of units: Presto
///
/// # Errors
/// What is wrong with the text or the unit.
pub fn parse_interval(text: &str, unit: &str) -> Result<IntervalValue, String> {
    let unit = unit.trim().to_ascii_lowercase();
    let invalid = || format!("Invalid INTERVAL {} value: {text}", unit.to_ascii_uppercase());
    let trimmed = text.trim();
    let (negative, magnitude) = match trimmed.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, trimmed.strip_prefix('+').unwrap_or(trimmed)),
    };
    let value = match unit.as_str() {
        "year" => whole_months(magnitude, 12),
        "month" => whole_months(magnitude, 1),
        "year to month" => magnitude
            .split_once('-')
            .and_then(|(years, months)| whole_months(years, 12)?.checked_add(whole_months(months, 1)?)),
        _ => {
            let ns = match unit.as_str() {
                "second" => seconds_ns(magnitude),
                "minute" => count_ns(magnitude, MINUTE_NS),
                "hour" => count_ns(magnitude, HOUR_NS),
                "day" => count_ns(magnitude, DAY_NS),
                "week" => count_ns(magnitude, 7 * DAY_NS),
                _ => {
                    let (first, last) = unit.split_once(" to ").ok_or_else(|| format!("Invalid interval: {unit}"))?;
                    clock_ns(magnitude, first, last)
                }
            };
            let ns = ns.ok_or_else(invalid)?;
            return Ok(IntervalValue::DayToSecond(if negative { -ns } else { ns }));
        }
    };
    let months = value.ok_or_else(invalid)?;
    Ok(IntervalValue::YearToMonth(if negative { -months } else { months }))
}

fn whole_months(text: &str, months_per_unit: i32) -> Option<i32> {
    i32::try_from(digits(text, 1, 10)?).ok()?.checked_mul(months_per_unit)
}

fn count_ns(text: &str, unit_ns: i64) -> Option<i64> {
    digits(text, 1, 18)?.checked_mul(unit_ns)
}

fn seconds_ns(text: &str) -> Option<i64> {
    match text.split_once('.') {
        Some((whole, fraction)) => count_ns(whole, SECOND_NS)?.checked_add(fraction_ns(fraction)?),
        None => count_ns(text, SECOND_NS),
    }
}

/// `D HH:MM:SS.fffffffff`, or the part of it that lies between two units.
fn clock_ns(text: &str, first: &str, last: &str) -> Option<i64> {
    const UNITS: [(&str, i64); 4] = [("day", DAY_NS), ("hour", HOUR_NS), ("minute", MINUTE_NS), ("second", SECOND_NS)];
    let place = |name: &str| UNITS.iter().position(|(unit, _)| *unit == name);
    let (first, last) = (place(first)?, place(last)?);
    let mut rest = text;
    let mut total = 0i64;
    for (index, (_, unit_ns)) in UNITS.iter().enumerate().take(last + 1).skip(first) {
        let (part, after) =
            if index == last { (rest, "") } else { rest.split_once(if index == 0 { ' ' } else { ':' })? };
        let ns = if index == 3 { seconds_ns(part)? } else { count_ns(part, *unit_ns)? };
        total = total.checked_add(ns)?;
        rest = after;
    }
    (first < last).then_some(total)
}

#[cfg(test)]
mod tests {
    use super::{super::text, *};

    #[test]
    fn timestamps() {
        let check = |input: &str, expect: Option<&str>| {
            let written = parse_timestamp(input).map(|ns| {
                let mut out = String::new();
                text::write_timestamp(ns, &mut out);
                out
            });
            assert_eq!(written.as_deref(), expect, "{input}");
        };
        check("2023-09-19", Some("2023-09-19 00:00:00.000000000"));
        check("2022-06-17 01:00", Some("2022-06-17 01:00:00.000000000"));
        check("2024-10-01 14:00:00", Some("2024-10-01 14:00:00.000000000"));
        check("2021-09-08 19:33:33.1300000", Some("2021-09-08 19:33:33.130000000"));
        check("2022-07-07 17:42:32.939123456", Some("2022-07-07 17:42:32.939123456"));
        check("2022-07-07 17:42:32.939 +0000", Some("2022-07-07 17:42:32.939000000"));
        check("2021-05-05 10:00:00+00:00", Some("2021-05-05 10:00:00.000000000"));
        for zone in ["+09:00", "+0900", "-00:00", "+00", "+00:0", "Z", " UTC", "+00:00:00", "+00:00+00:00", "+é"] {
            check(&format!("2001-01-22 03:04:05{zone}"), None);
        }
        check("2262-04-11 23:47:16.854775807", Some("2262-04-11 23:47:16.854775807"));
        check("1677-09-21 00:12:44", Some("1677-09-21 00:12:44.000000000"));
        for bad in [
            "",
            "2023",
            "2023-02-29",
            "2023-13-01",
            "2023-00-01",
            "2023-01-01 24:00",
            "2023-01-01 00:60",
            "2023-01-01T00:00:00Z",
            "2023-01-01 00:00:00.1234567890",
            "2262-04-11 23:47:16.854775808",
            "2023-01-01 +0100",
            "2023-01-01 00:00:00.",
            "20233-01-01",
            "2023-01-01 1",
            "abc",
            "２０２３-01-01",
        ] {
            check(bad, None);
        }
    }

    #[test]
    fn durations() {
        let check = |input: &str, expect: Result<IntervalValue, &str>| {
            assert_eq!(parse_duration(input), expect.map_err(str::to_owned), "{input}");
        };
        let ns = |ns| Ok(IntervalValue::DayToSecond(ns));
        check("42.8ms", ns(42_800_000));
        check("3.81 d", ns(329_184 * SECOND_NS));
        check("5m", ns(5 * MINUTE_NS));
        check("10000ms", ns(10 * SECOND_NS));
        check("12second", ns(12 * SECOND_NS));
        check("05m", ns(5 * MINUTE_NS));
        check("1.5ns", ns(2));
        check("1year", Ok(IntervalValue::YearToMonth(12)));
        check("10y", Ok(IntervalValue::YearToMonth(120)));
        check("8month", Ok(IntervalValue::YearToMonth(8)));
        check("2hours", Err("Unknown time unit: hours"));
        check("1w", Err("Unknown time unit: w"));
        check("1quarter", Err("Unknown time unit: quarter"));
        check("-1d", Err("duration is not a valid data duration string: -1d"));
        check("1.5y", Err("duration is not a valid data duration string: 1.5y"));
        check("5", Err("duration is not a valid data duration string: 5"));
        check("d", Err("duration is not a valid data duration string: d"));
        check("1.d", Err("duration is not a valid data duration string: 1.d"));
        check("106752d", Err("duration is too large: 106752d"));
        check("99999999999999999999d", Err("duration is too large: 99999999999999999999d"));
    }

    #[test]
    fn sql_intervals() {
        let check = |input: &str, unit: &str, expect: Option<IntervalValue>| {
            assert_eq!(parse_interval(input, unit).ok(), expect, "{input} {unit}");
        };
        let ns = |ns| Some(IntervalValue::DayToSecond(ns));
        check("2", "DAY", ns(2 * DAY_NS));
        check("-2", "day", ns(-2 * DAY_NS));
        check("3", "week", ns(21 * DAY_NS));
        check("1.5", "second", ns(1_500_000_000));
        check("1 02:03:04.5", "day to second", ns(DAY_NS + 2 * HOUR_NS + 3 * MINUTE_NS + 4_500_000_000));
        check("10:30", "hour to minute", ns(10 * HOUR_NS + 30 * MINUTE_NS));
        check("-1-2", "year to month", Some(IntervalValue::YearToMonth(-14)));
        check("4", "year", Some(IntervalValue::YearToMonth(48)));
        check("1.5", "day", None);
        check("", "day", None);
        check("1", "fortnight", None);
        check("1", "second to day", None);
        check("999999999999999999", "day", None);
        check("9999999999", "year", None);
    }
}
