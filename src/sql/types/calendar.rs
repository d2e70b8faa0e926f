//! Days since the Unix epoch and dates of the proleptic Gregorian calendar.
//!
//! The arithmetic counts in years that begin on 1 March, so that the leap day is a year's last day.

/// Nanoseconds of a second, minute, hour and day.
pub const SECOND_NS: i64 = 1_000_000_000;
/// Nanoseconds of a minute.
pub const MINUTE_NS: i64 = 60 * SECOND_NS;
/// Nanoseconds of an hour.
pub const HOUR_NS: i64 = 60 * MINUTE_NS;
/// Nanoseconds of a day.
pub const DAY_NS: i64 = 24 * HOUR_NS;

const DAYS_PER_400_YEARS: i64 = 146_097;
/// Days from 1 March of the year 0 to 1 January 1970.
const EPOCH_OFFSET_DAYS: i64 = 719_468;

/// Year, month (1 to 12) and day of month (1 to 31) of a day counted from 1970-01-01.
#[must_use]
pub fn date_of_days(days: i64) -> (i64, u32, u32) {
    let shifted = days + EPOCH_OFFSET_DAYS;
    let era = shifted.div_euclid(DAYS_PER_400_YEARS);
    let day_of_era = shifted.rem_euclid(DAYS_PER_400_YEARS);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = era * 400 + year_of_era + i64::from(month <= 2);
    (year, u32::try_from(month).unwrap_or(1), u32::try_from(day).unwrap_or(1))
}

/// Days from 1970-01-01 to a date. The date must exist; see [`days_in_month`].
#[must_use]
pub fn days_of_date(year: i64, month: u32, day: u32) -> i64 {
    let year = year - i64::from(month <= 2);
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let month_from_march = (i64::from(month) + 9) % 12;
    let day_of_year = (153 * month_from_march + 2) / 5 + i64::from(day) - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * DAYS_PER_400_YEARS + day_of_era - EPOCH_OFFSET_DAYS
}

/// How many days a month (1 to 12) has.
#[must_use]
pub fn days_in_month(year: i64, month: u32) -> u32 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 31,
    }
}

/// Moves a day by whole months; a day the month does not have becomes its last. `None` beyond any calendar.
#[must_use]
pub fn add_months(days: i64, months: i64) -> Option<i64> {
    let (year, month, day) = date_of_days(days);
    let total = year.checked_mul(12)?.checked_add(i64::from(month) - 1)?.checked_add(months)?;
    let (year, month) = (total.div_euclid(12), u32::try_from(total.rem_euclid(12)).ok()? + 1);
    if year.unsigned_abs() > 1_000_000 {
        return None;
    }
    Some(days_of_date(year, month, day.min(days_in_month(year, month))))
}

/// Moves a timestamp (nanoseconds since the epoch) by whole months, keeping the time of day.
#[must_use]
pub fn add_months_ns(timestamp_ns: i64, months: i64) -> Option<i64> {
    let days = add_months(timestamp_ns.div_euclid(DAY_NS), months)?;
    days.checked_mul(DAY_NS).and_then(|ns| ns.checked_add(timestamp_ns.rem_euclid(DAY_NS))).or_else(|| {
        // The day's midnight may lie before the first timestamp although the moment itself does not.
        let exact = i128::from(days) * i128::from(DAY_NS) + i128::from(timestamp_ns.rem_euclid(DAY_NS));
        i64::try_from(exact).ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_dates() {
        let check = |days: i64, date: (i64, u32, u32)| {
            assert_eq!(date_of_days(days), date);
            assert_eq!(days_of_date(date.0, date.1, date.2), days);
        };
        check(0, (1970, 1, 1));
        check(-1, (1969, 12, 31));
        check(11_016, (2000, 2, 29));
        check(11_017, (2000, 3, 1));
        check(-106_752, (1677, 9, 21));
        check(106_751, (2262, 4, 11));
        for days in -150_000..150_000 {
            let (year, month, day) = date_of_days(days);
            assert_eq!(days_of_date(year, month, day), days);
            assert!(day >= 1 && day <= days_in_month(year, month));
        }
    }

    #[test]
    fn months_clip_to_the_end_of_the_month() {
        let check = |from: (i64, u32, u32), months: i64, to: (i64, u32, u32)| {
            let moved = add_months(days_of_date(from.0, from.1, from.2), months).unwrap();
            assert_eq!(date_of_days(moved), to);
        };
        check((2012, 10, 31), 1, (2012, 11, 30));
        check((2020, 1, 31), 1, (2020, 2, 29));
        check((2020, 3, 31), -1, (2020, 2, 29));
        check((2020, 1, 15), -13, (2018, 12, 15));
        assert_eq!(add_months(0, i64::MAX), None);
        assert_eq!(add_months_ns(i64::MIN, 0), Some(i64::MIN));
        assert_eq!(add_months_ns(i64::MIN, -1), None);
    }
}
