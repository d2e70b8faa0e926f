//! The text of a value in a result: what the service writes into a `ScalarValue`. Nothing here allocates beyond the
//! given string.

use super::calendar::{DAY_NS, HOUR_NS, MINUTE_NS, SECOND_NS, date_of_days};
use std::fmt::Write;

/// Appends a double as Java's `Double.toString` does: `35.0`, `1.0E10`, `1.0E-4`, `NaN`, `Infinity`; scientific from
/// 1e7 on and below 1e-3. # observed: `1.6554878837710001E9`, `35.1`
pub fn write_double(value: f64, out: &mut String) {
    if value.is_nan() {
        return out.push_str("NaN");
    }
    if value.is_infinite() {
        return out.push_str(if value > 0.0 { "Infinity" } else { "-Infinity" });
    }
    let magnitude = value.abs();
    if value == 0.0 || (1e-3..1e7).contains(&magnitude) {
        let _ = write!(out, "{value:?}");
        return;
    }
    let start = out.len();
    let _ = write!(out, "{value:e}");
    if !out[start..].contains('.') {
        // Java's has two digits at least, and those nearest to the value: `4.9E-324` where `5e-324` would do.
        out.truncate(start);
        let _ = write!(out, "{value:.1e}");
    }
    if let Some(position) = out[start..].find('e') {
        out.replace_range(start + position..=start + position, "E");
    }
}

/// Appends nanoseconds since the epoch as `2022-07-07 17:42:32.939000000`. # observed
pub fn write_timestamp(timestamp_ns: i64, out: &mut String) {
    write_days(timestamp_ns.div_euclid(DAY_NS), out);
    out.push(' ');
    write_time(timestamp_ns.rem_euclid(DAY_NS), out);
}

/// Appends days since the epoch as `2022-05-21`. # observed
pub fn write_date(days: i32, out: &mut String) {
    write_days(i64::from(days), out);
}

/// Appends nanoseconds since midnight as `17:02:07.496000000`. # observed
pub fn write_time(time_ns: i64, out: &mut String) {
    write_padded(time_ns / HOUR_NS, 2, out);
    out.push(':');
    write_padded(time_ns / MINUTE_NS % 60, 2, out);
    out.push(':');
    write_padded(time_ns / SECOND_NS % 60, 2, out);
    out.push('.');
    write_padded(time_ns % SECOND_NS, 9, out);
}

/// Appends nanoseconds as `1 21:00:00.000000000`, a negative interval with a leading `-`. # observed
pub fn write_interval_day_to_second(interval_ns: i64, out: &mut String) {
    if interval_ns < 0 {
        out.push('-');
    }
    let magnitude = interval_ns.unsigned_abs();
    let day_ns = DAY_NS.unsigned_abs();
    let _ = write!(out, "{} ", magnitude / day_ns);
    // The remainder of a day always fits.
    write_time(i64::try_from(magnitude % day_ns).unwrap_or_default(), out);
}

/// Appends months as `2-7`, a negative interval with a leading `-`. # observed: `3-11`
pub fn write_interval_year_to_month(months: i32, out: &mut String) {
    if months < 0 {
        out.push('-');
    }
    let magnitude = months.unsigned_abs();
    let _ = write!(out, "{}-{}", magnitude / 12, magnitude % 12);
}

fn write_days(days: i64, out: &mut String) {
    let (year, month, day) = date_of_days(days);
    if year < 0 {
        out.push('-');
    }
    write_padded(year.abs(), 4, out);
    out.push('-');
    write_padded(i64::from(month), 2, out);
    out.push('-');
    write_padded(i64::from(day), 2, out);
}

/// Appends a non-negative number with leading zeros up to `width` (at most 9) digits, or more when it needs them.
fn write_padded(value: i64, width: usize, out: &mut String) {
    let mut digits = [b'0'; 20];
    let mut rest = value.unsigned_abs();
    let mut start = digits.len();
    while rest > 0 || digits.len() - start < width {
        start -= 1;
        digits[start] = b'0' + u8::try_from(rest % 10).unwrap_or_default();
        rest /= 10;
    }
    out.extend(digits[start..].iter().map(|digit| char::from(*digit)));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text<T>(write: impl Fn(T, &mut String), value: T) -> String {
        let mut out = String::new();
        write(value, &mut out);
        out
    }

    #[test]
    fn doubles() {
        let check = |value: f64, expect: &str| assert_eq!(text(write_double, value), expect);
        check(35.0, "35.0");
        check(35.1, "35.1");
        check(1.655_487_883_771_000_1e9, "1.6554878837710001E9"); // # guide: date-time-functions.html
        check(1e10, "1.0E10");
        check(1e7, "1.0E7");
        check(9_999_999.0, "9999999.0");
        check(1e-3, "0.001");
        check(1e-4, "1.0E-4");
        check(-1.5e-7, "-1.5E-7");
        check(0.0, "0.0");
        check(-0.0, "-0.0");
        check(f64::NAN, "NaN");
        check(f64::INFINITY, "Infinity");
        check(f64::NEG_INFINITY, "-Infinity");
        check(5.840000000000001, "5.840000000000001");
        check(f64::MAX, "1.7976931348623157E308");
        check(f64::from_bits(1), "4.9E-324");
        check(1e23, "1.0E23");
        check(-2e-5, "-2.0E-5");
    }

    #[test]
    fn times() {
        let check = |value: i64, expect: &str| assert_eq!(text(write_timestamp, value), expect);
        check(0, "1970-01-01 00:00:00.000000000");
        check(1_657_215_752_939_000_000, "2022-07-07 17:42:32.939000000");
        check(-1, "1969-12-31 23:59:59.999999999");
        check(i64::MIN, "1677-09-21 00:12:43.145224192");
        check(i64::MAX, "2262-04-11 23:47:16.854775807");
        assert_eq!(text(write_date, 19_133), "2022-05-21");
        assert_eq!(text(write_time, 61_327_496_000_000), "17:02:07.496000000");
    }

    #[test]
    fn intervals() {
        let check = |value: i64, expect: &str| assert_eq!(text(write_interval_day_to_second, value), expect);
        check(45 * HOUR_NS, "1 21:00:00.000000000");
        check(4 * HOUR_NS, "0 04:00:00.000000000"); // # observed
        check(6 * DAY_NS, "6 00:00:00.000000000"); // # observed
        check(-SECOND_NS, "-0 00:00:01.000000000");
        check(i64::MIN, "-106751 23:47:16.854775808");
        assert_eq!(text(write_interval_year_to_month, 47), "3-11"); // # observed
        assert_eq!(text(write_interval_year_to_month, -31), "-2-7");
        assert_eq!(text(write_interval_year_to_month, i32::MIN), "-178956970-8");
    }
}
