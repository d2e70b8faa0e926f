//! `from_iso8601_timestamp(text)`, `from_iso8601_date(text)`, `to_iso8601(x)`.
//!
//! A date is `2020-03-05`, `2020-03`, `2020`, `2020-065` (day of the year), `2020-W10` or `2020-W10-4`; a time of day
//! follows a `T` and may lack its smaller parts, the smallest may have a fraction; a zone is `Z`, `+05`, `+05:30`.
//! # trino

use super::pattern::{self, Field};
use crate::sql::{
    error::invalid,
    functions::{Class, Family, Function, scalar::scalar},
    types::{
        calendar::{DAY_NS, HOUR_NS, MINUTE_NS, SECOND_NS},
        write_date, write_time,
    },
};
use datafusion::{
    arrow::datatypes::{Date32Type, TimestampNanosecondType},
    error::Result,
};

pub(super) fn functions() -> Vec<Function> {
    let function = |name, summary| scalar(name, Family::DateTime, Class::Documented, summary);
    [
        function("from_iso8601_timestamp", "The moment an ISO 8601 text names.")
            .form("from_iso8601_timestamp(varchar) -> timestamp", |call| {
                let texts = call.texts(0)?;
                call.collect::<TimestampNanosecondType>(|row| texts.get(row).map(timestamp).transpose())
            })
            .build(),
        function("from_iso8601_date", "The date an ISO 8601 text names.")
            .form("from_iso8601_date(varchar) -> date", |call| {
                let texts = call.texts(0)?;
                call.collect::<Date32Type>(|row| texts.get(row).map(date).transpose())
            })
            .build(),
        function("to_iso8601", "The date or moment in ISO 8601.")
            .form("to_iso8601(timestamp) -> varchar", |call| {
                let moments = call.numbers::<TimestampNanosecondType>(0)?;
                call.collect_texts(|row| Ok(moments.get(row).map(timestamp_text)))
            })
            .form("to_iso8601(date) -> varchar", |call| {
                let dates = call.numbers::<Date32Type>(0)?;
                call.collect_texts(|row| {
                    Ok(dates.get(row).map(|days| {
                        let mut text = String::new();
                        write_date(days, &mut text);
                        text
                    }))
                })
            })
            .build(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// With all nine digits, as the service writes timestamps, and the Z of UTC, as Presto. # inferred
fn timestamp_text(timestamp_ns: i64) -> String {
    let mut text = String::new();
    // 2^63 nanoseconds are about 106,752 days.
    write_date(i32::try_from(timestamp_ns.div_euclid(DAY_NS)).unwrap_or_default(), &mut text);
    text.push('T');
    write_time(timestamp_ns.rem_euclid(DAY_NS), &mut text);
    text.push('Z');
    text
}

fn timestamp(text: &str) -> Result<i64> {
    let mut reader = Reader { text, at: 0 };
    let mut fields = Vec::new();
    if !text.starts_with('T') {
        reader.date(&mut fields)?;
    }
    let (mut time_ns, mut offset_ns) = (0, 0);
    if reader.take("T") {
        if reader.rest().starts_with(|next: char| next.is_ascii_digit()) {
            time_ns = reader.time()?;
        }
        offset_ns = reader.offset()?;
    }
    reader.end()?;
    let days = pattern::resolve_day(&mut fields).map_err(|message| cannot_parse(text, &message))?;
    let ns = i128::from(days) * i128::from(DAY_NS) + i128::from(time_ns) - i128::from(offset_ns);
    i64::try_from(ns).map_err(|_| invalid("timestamp is out of range"))
}

fn date(text: &str) -> Result<i32> {
    let mut reader = Reader { text, at: 0 };
    let mut fields = Vec::new();
    reader.date(&mut fields)?;
    reader.end()?;
    let days = pattern::resolve_day(&mut fields).map_err(|message| cannot_parse(text, &message))?;
    i32::try_from(days).map_err(|_| invalid("date is out of range"))
}

fn cannot_parse(text: &str, message: &str) -> datafusion::error::DataFusionError {
    invalid(format!("Cannot parse \"{text}\": {message}"))
}

/// Reads a text from left to right.
struct Reader<'a> {
    text: &'a str,
    /// The next byte.
    at: usize,
}

impl<'a> Reader<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn take(&mut self, expect: &str) -> bool {
        let found = self.rest().starts_with(expect);
        self.at += if found { expect.len() } else { 0 };
        found
    }

    fn malformed(&self) -> datafusion::error::DataFusionError {
        pattern::malformed(self.text, self.at)
    }

    fn end(&self) -> Result<()> {
        if self.rest().is_empty() { Ok(()) } else { Err(self.malformed()) }
    }

    /// How many digits come next.
    fn digits(&self) -> usize {
        self.rest().bytes().take_while(u8::is_ascii_digit).count()
    }

    /// A number of one to `most` digits.
    fn number(&mut self, most: usize) -> Result<i64> {
        let count = self.digits().min(most);
        let number = self.rest()[..count].parse().map_err(|_| self.malformed())?;
        self.at += count;
        Ok(number)
    }

    fn date(&mut self, fields: &mut Vec<(Field, i64)>) -> Result<()> {
        let negative = self.take("-");
        let year = self.number(9)? * if negative { -1 } else { 1 };
        if !self.take("-") {
            fields.push((Field::Year, year));
        } else if self.take("W") {
            fields.extend([(Field::WeekYear, year), (Field::Week, self.number(2)?)]);
            if self.take("-") {
                fields.push((Field::DayOfWeek, self.number(1)?));
            }
        } else if self.digits() == 3 {
            fields.extend([(Field::Year, year), (Field::DayOfYear, self.number(3)?)]);
        } else {
            fields.extend([(Field::Year, year), (Field::Month, self.number(2)?)]);
            if self.take("-") {
                fields.push((Field::DayOfMonth, self.number(2)?));
            }
        }
        Ok(())
    }

    /// Hour, minute and second in nanoseconds, as many as there are.
    fn time(&mut self) -> Result<i64> {
        let mut time_ns = 0;
        for (unit_ns, most, name) in
            [(HOUR_NS, 23, "hourOfDay"), (MINUTE_NS, 59, "minuteOfHour"), (SECOND_NS, 59, "secondOfMinute")]
        {
            let value = self.number(2)?;
            if value > most {
                return Err(cannot_parse(self.text, &pattern::out_of_range(value, name, 0, most)));
            }
            time_ns += value * unit_ns;
            if self.take(".") || self.take(",") {
                return Ok(time_ns + self.fraction(unit_ns)?);
            }
            if unit_ns == SECOND_NS || !self.take(":") {
                break;
            }
        }
        Ok(time_ns)
    }

    /// The digits of a fraction of a unit; those finer than a nanosecond are dropped.
    fn fraction(&mut self, unit_ns: i64) -> Result<i64> {
        let count = self.digits();
        if count == 0 {
            return Err(self.malformed());
        }
        // Eighteen digits are finer than a nanosecond of any unit.
        let digits = &self.rest()[..count.min(18)];
        let scale = digits.bytes().fold(1i128, |scale, _| scale * 10);
        let value: i128 = digits.parse().map_err(|_| self.malformed())?;
        self.at += count;
        i64::try_from(value * i128::from(unit_ns) / scale).map_err(|_| self.malformed())
    }

    /// A zone's distance from UTC in nanoseconds; none is UTC.
    fn offset(&mut self) -> Result<i64> {
        if self.rest().is_empty() || self.take("Z") {
            return Ok(0);
        }
        let (offset_ns, length) = pattern::read_offset(self.rest()).ok_or_else(|| self.malformed())?;
        self.at += length;
        Ok(offset_ns)
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::scalar::tests::call;

    fn check(name: &str, text: &str, expect: &str) {
        assert_eq!(call(name, &[text.into()]), expect, "{name} {text}");
    }

    #[test]
    fn timestamps() {
        let check = |text: &str, expect: &str| check("from_iso8601_timestamp", text, expect);
        check("2022-06-17T08:04:05.000000000+05:00", "2022-06-17 03:04:05.000000000"); // # guide: date-time-functions.html
        check("2020-05-11T11:15:05", "2020-05-11 11:15:05.000000000");
        check("2020-05-11T11:15:05.055Z", "2020-05-11 11:15:05.055000000");
        check("2020-05-11T11:15:05,123456789999Z", "2020-05-11 11:15:05.123456789");
        check("2020-05-11T11:15:05-0130", "2020-05-11 12:45:05.000000000");
        check("2020-05-11T11:15", "2020-05-11 11:15:00.000000000");
        check("2020-05-11T11.5", "2020-05-11 11:30:00.000000000");
        check("2020-05-11T11+01", "2020-05-11 10:00:00.000000000");
        check("2020-05-11T", "2020-05-11 00:00:00.000000000");
        check("2020-05-11", "2020-05-11 00:00:00.000000000");
        check("2020-05", "2020-05-01 00:00:00.000000000");
        check("2020", "2020-01-01 00:00:00.000000000");
        check("2020-060T01:00Z", "2020-02-29 01:00:00.000000000");
        check("2020-W10-4T00:00", "2020-03-05 00:00:00.000000000");
        check("T10:00", "1970-01-01 10:00:00.000000000");
        check("2262-04-11T23:47:16.854775807", "2262-04-11 23:47:16.854775807");
        check("2262-04-11T23:47:16.854775808", "error: timestamp is out of range");
        check("2020-05-11 11:15", "error: Invalid format: \"2020-05-11 11:15\" is malformed at \" 11:15\"");
        check("", "error: Invalid format: \"\"");
        check("x", "error: Invalid format: \"x\"");
        check("2020-05-", "error: Invalid format: \"2020-05-\" is too short");
        check("2020-02-30", "error: Cannot parse \"2020-02-30\": Value 30 for dayOfMonth must be in the range [1,29]");
        check(
            "2020-01-01T24:00",
            "error: Cannot parse \"2020-01-01T24:00\": Value 24 for hourOfDay must be in the range [0,23]",
        );
        check("2020-01-01T10:00+25:00", "error: Invalid format: \"2020-01-01T10:00+25:00\" is malformed at \"+25:00\"");
    }

    #[test]
    fn dates() {
        let check = |text: &str, expect: &str| check("from_iso8601_date", text, expect);
        check("2022-07-17", "2022-07-17"); // # guide: date-time-functions.html
        check("2020-W10", "2020-03-02");
        check("2020-123", "2020-05-02");
        check("2021-366", "error: Cannot parse \"2021-366\": Value 366 for dayOfYear must be in the range [1,365]");
        check("2021-W53", "error: Cannot parse \"2021-W53\": Value 53 for weekOfWeekyear must be in the range [1,52]");
        check("2020-05-11T", "error: Invalid format: \"2020-05-11T\" is malformed at \"T\"");
    }
}
