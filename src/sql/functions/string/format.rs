//! `format(pattern, a, b, …)`: the pattern's conversions (`%d`, `%,.2f`, `%-7s`, `%2$s`, `%tY`, …) as Java's `Formatter` has
//! them; NULL as a value is written `null`. # trino

use crate::sql::{
    error::invalid,
    functions::{
        Class, Family, Function,
        call::{Call, check_text_bytes, primitive, string},
        datetime::pattern::{Field, Part, Style, write::write},
        scalar::{Resolved, scalar},
        signature::{Arguments, unexpected_parameters},
    },
    types::{TIME, TIMESTAMP, calendar::DAY_NS, text, type_name},
};
use datafusion::{
    arrow::{
        array::{Array, ArrayRef, AsArray},
        datatypes::{
            DataType, Date32Type, Float64Type, Int32Type, Int64Type, Time64NanosecondType, TimestampNanosecondType,
        },
    },
    common::internal_datafusion_err,
    error::Result,
};

pub(super) fn functions() -> Vec<Function> {
    scalar("format", Family::String, Class::Inherited, "A text by a pattern such as %05d or %,.2f, as in Java.")
        .custom("format(varchar, T...) -> varchar", resolve)
        .build()
}

fn resolve(arguments: &Arguments) -> Result<Resolved> {
    let [DataType::Utf8 | DataType::Null, _, ..] = arguments.types else {
        return Err(unexpected_parameters(arguments, "format(varchar, T...)"));
    };
    let known = |data_type: &DataType| {
        matches!(
            data_type,
            DataType::Utf8
                | DataType::Boolean
                | DataType::Int32
                | DataType::Int64
                | DataType::Float64
                | DataType::Date32
                | DataType::Null
        ) || *data_type == TIMESTAMP
            || *data_type == TIME
    };
    if let Some(other) = arguments.types.iter().find(|data_type| !known(data_type)) {
        return Err(invalid(format!("Type not supported for formatting: {}", type_name(other))));
    }
    let mut parameters = arguments.types.to_vec();
    parameters[0] = DataType::Utf8;
    Ok(Resolved { parameters, returns: DataType::Utf8, kernel: format_rows })
}

fn format_rows(call: &Call) -> Result<ArrayRef> {
    let patterns = call.texts(0)?;
    call.collect_texts(|row| {
        let Some(pattern) = patterns.get(row) else { return Ok(None) };
        let value = |index: usize| match call.columns.get(index) {
            Some(column) => Value::of(&column.array, column.index(row)).map(Some),
            None => Ok(None),
        };
        formatted(pattern, value).map(Some)
    })
}

/// A value as Java holds it.
#[derive(Clone, Debug, PartialEq)]
enum Value {
    Null,
    Boolean(bool),
    Integer(i64),
    Double(f64),
    Text(String),
    /// A date, time or timestamp in nanoseconds, and its text.
    Moment(i64, String),
}

impl Value {
    fn of(array: &ArrayRef, row: usize) -> Result<Self> {
        if array.is_null(row) || *array.data_type() == DataType::Null {
            return Ok(Self::Null);
        }
        Ok(match array.data_type() {
            DataType::Boolean => Self::Boolean(array.as_boolean().value(row)),
            DataType::Int32 => Self::Integer(i64::from(primitive::<Int32Type>(array)?.value(row))),
            DataType::Int64 => Self::Integer(primitive::<Int64Type>(array)?.value(row)),
            DataType::Float64 => Self::Double(primitive::<Float64Type>(array)?.value(row)),
            DataType::Utf8 => Self::Text(string(array)?.value(row).to_owned()),
            DataType::Date32 => {
                let days = primitive::<Date32Type>(array)?.value(row);
                let mut written = String::new();
                text::write_date(days, &mut written);
                Self::Moment(i64::from(days).saturating_mul(DAY_NS), written)
            }
            DataType::Time64(_) => {
                let ns = primitive::<Time64NanosecondType>(array)?.value(row);
                let mut written = String::new();
                text::write_time(ns, &mut written);
                Self::Moment(ns, shortened(&written).to_owned())
            }
            DataType::Timestamp(..) => {
                let ns = primitive::<TimestampNanosecondType>(array)?.value(row);
                let mut written = String::new();
                text::write_timestamp(ns, &mut written);
                Self::Moment(ns, shortened(&written).replacen(' ', "T", 1))
            }
            other => return Err(internal_datafusion_err!("format of {other}")),
        })
    }

    fn text(&self) -> String {
        match self {
            Self::Null => "null".to_owned(),
            Self::Boolean(value) => value.to_string(),
            Self::Integer(value) => value.to_string(),
            Self::Double(value) => {
                let mut written = String::new();
                text::write_double(*value, &mut written);
                written
            }
            Self::Text(text) | Self::Moment(_, text) => text.clone(),
        }
    }

    /// What Java's errors call its type.
    fn class(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Boolean(_) => "java.lang.Boolean",
            Self::Integer(_) => "java.lang.Long",
            Self::Double(_) => "java.lang.Double",
            Self::Text(_) => "java.lang.String",
            Self::Moment(..) => "java.time.LocalDateTime",
        }
    }
}

/// Java leaves out what is zero at a time's end: seconds, and groups of three digits of their fraction.
fn shortened(time: &str) -> &str {
    let time = time.strip_suffix("000").unwrap_or(time);
    let time = time.strip_suffix("000").unwrap_or(time);
    match time.strip_suffix(".000") {
        Some(time) => time.strip_suffix(":00").unwrap_or(time),
        None => time,
    }
}

/// `%[index$][flags][width][.precision]conversion`
#[derive(Clone, Debug, Default)]
struct Conversion {
    /// As written, for messages.
    written: String,
    index: Option<usize>,
    /// The value of the conversion before.
    same: bool,
    left: bool,
    plus: bool,
    space: bool,
    zeros: bool,
    groups: bool,
    parentheses: bool,
    alternate: bool,
    width: usize,
    precision: Option<usize>,
    /// The letter; of a date's `tY` the `Y`.
    letter: char,
    upper: bool,
    of_date: bool,
}

fn refused(pattern: &str, why: &str) -> datafusion::error::DataFusionError {
    // # trino: its words
    invalid(format!("Invalid format string: {pattern} ({why})"))
}

fn formatted(pattern: &str, value: impl Fn(usize) -> Result<Option<Value>>) -> Result<String> {
    let mut text = String::new();
    let mut rest = pattern;
    let (mut ordinary, mut last) = (0, 0);
    while let Some((before, after)) = rest.split_once('%') {
        text.push_str(before);
        let (conversion, after) = parse(after).ok_or_else(|| {
            refused(
                pattern,
                &format!("UnknownFormatConversion: Conversion = '{}'", after.chars().next().unwrap_or('%')),
            )
        })?;
        rest = after;
        let written = match (conversion.letter, conversion.of_date) {
            ('n', false) => "\n".to_owned(),
            ('%', false) => padded("%".to_owned(), &conversion),
            _ => {
                let index = match conversion.index {
                    Some(index) => index,
                    None if conversion.same => last,
                    None => {
                        ordinary += 1;
                        ordinary
                    }
                };
                last = index;
                let found = if index == 0 { None } else { value(index)? };
                let found = found.ok_or_else(|| {
                    refused(pattern, &format!("MissingFormatArgument: Format specifier '{}'", conversion.written))
                })?;
                convert(&found, &conversion).map_err(|why| refused(pattern, &why))?
            }
        };
        text.push_str(&written);
        check_text_bytes(text.len())?;
    }
    text.push_str(rest);
    Ok(text)
}

/// The conversion that stands after a `%`, and what follows it.
fn parse(after: &str) -> Option<(Conversion, &str)> {
    let mut conversion = Conversion::default();
    let mut rest = after;
    let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
    let count = digits(rest);
    if count > 0 && rest[count..].starts_with('$') {
        conversion.index = Some(rest[..count].parse().ok()?);
        rest = &rest[count + 1..];
    } else if let Some(after) = rest.strip_prefix('<') {
        conversion.same = true;
        rest = after;
    }
    loop {
        match rest.as_bytes().first()? {
            b'-' => conversion.left = true,
            b'+' => conversion.plus = true,
            b' ' => conversion.space = true,
            b'0' => conversion.zeros = true,
            b',' => conversion.groups = true,
            b'(' => conversion.parentheses = true,
            b'#' => conversion.alternate = true,
            _ => break,
        }
        rest = &rest[1..];
    }
    let count = digits(rest);
    if count > 0 {
        conversion.width = rest[..count].parse().ok()?;
        rest = &rest[count..];
    }
    if let Some(after) = rest.strip_prefix('.') {
        let count = digits(after);
        conversion.precision = Some(after[..count].parse().ok()?);
        rest = &after[count..];
    }
    let mut letters = rest.chars();
    let mut letter = letters.next()?;
    if matches!(letter, 't' | 'T') {
        conversion.of_date = true;
        conversion.upper = letter == 'T';
        letter = letters.next()?;
    } else if matches!(letter, 'S' | 'B' | 'X' | 'E' | 'G') {
        conversion.upper = true;
        letter = letter.to_ascii_lowercase();
    }
    if !conversion.of_date && !matches!(letter, 's' | 'b' | 'd' | 'x' | 'o' | 'f' | 'e' | 'g' | '%' | 'n') {
        return None;
    }
    conversion.letter = letter;
    let rest = letters.as_str();
    conversion.written = format!("%{}", &after[..after.len() - rest.len()]);
    Some((conversion, rest))
}

/// The text of a value, or what is wrong with the conversion, in Java's words.
fn convert(value: &Value, conversion: &Conversion) -> Result<String, String> {
    let mismatch = || format!("IllegalFormatConversion: {} != {}", conversion.letter, value.class());
    let cut = |text: String| match conversion.precision {
        Some(most) => text.chars().take(most).collect(),
        None => text,
    };
    let text = match (conversion.letter, value) {
        (letter, Value::Moment(ns, _)) if conversion.of_date => {
            let parts =
                date_parts(letter).ok_or_else(|| format!("UnknownFormatConversion: Conversion = 't{letter}'"))?;
            let text = write(&parts, *ns);
            if letter == 'p' { text.to_lowercase() } else { text }
        }
        ('b', Value::Boolean(value)) => cut(value.to_string()),
        ('b', Value::Null) => cut("false".to_owned()),
        ('b', _) if !conversion.of_date => cut("true".to_owned()),
        (_, Value::Null) => cut("null".to_owned()),
        _ if conversion.of_date => return Err(mismatch()),
        ('s', value) => cut(value.text()),
        ('d', Value::Integer(value)) => {
            return Ok(signed(value.unsigned_abs().to_string(), *value < 0, conversion));
        }
        ('x', Value::Integer(value)) => {
            let prefix = if conversion.alternate { "0x" } else { "" };
            zero_filled(prefix, &format!("{value:x}"), conversion)
        }
        ('o', Value::Integer(value)) => {
            let prefix = if conversion.alternate { "0" } else { "" };
            zero_filled(prefix, &format!("{value:o}"), conversion)
        }
        ('f' | 'e' | 'g', Value::Double(value)) if value.is_finite() => {
            let text = real(value.abs(), conversion.letter, conversion.precision.unwrap_or(6));
            return Ok(signed(text, value.is_sign_negative(), conversion));
        }
        ('f' | 'e' | 'g', Value::Double(value)) if value.is_nan() => "NaN".to_owned(),
        ('f' | 'e' | 'g', Value::Double(value)) => {
            let conversion = Conversion { zeros: false, groups: false, ..conversion.clone() };
            return Ok(signed("Infinity".to_owned(), *value < 0.0, &conversion));
        }
        _ => return Err(mismatch()),
    };
    Ok(padded(text, conversion))
}

/// The digits of a number with its sign, as the flags ask.
fn signed(digits: String, negative: bool, conversion: &Conversion) -> String {
    let mut digits = if conversion.groups { grouped(&digits) } else { digits };
    let (before, after) = match (negative, conversion) {
        (true, Conversion { parentheses: true, .. }) => ("(", ")"),
        (true, _) => ("-", ""),
        (false, Conversion { plus: true, .. }) => ("+", ""),
        (false, Conversion { space: true, .. }) => (" ", ""),
        (false, _) => ("", ""),
    };
    if conversion.zeros {
        let missing = conversion.width.saturating_sub(before.len() + digits.len() + after.len());
        digits.insert_str(0, &"0".repeat(missing));
    }
    padded(format!("{before}{digits}{after}"), conversion)
}

fn zero_filled(prefix: &str, digits: &str, conversion: &Conversion) -> String {
    let missing = if conversion.zeros { conversion.width.saturating_sub(prefix.len() + digits.len()) } else { 0 };
    format!("{prefix}{}{digits}", "0".repeat(missing))
}

/// A comma before every third digit of the whole part, from its end.
fn grouped(digits: &str) -> String {
    let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
    let mut text = String::new();
    for (place, digit) in digits[..end].char_indices() {
        if place > 0 && (end - place) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text + &digits[end..]
}

fn padded(text: String, conversion: &Conversion) -> String {
    let text = if conversion.upper { text.to_uppercase() } else { text };
    let missing = " ".repeat(conversion.width.saturating_sub(text.chars().count()));
    if conversion.left { text + &missing } else { missing + &text }
}

/// A number that is not negative, in the form of `%f`, `%e` or `%g`.
fn real(value: f64, letter: char, precision: usize) -> String {
    match letter {
        'f' => fixed(value, precision),
        'e' => scientific(value, precision),
        _ => {
            let precision = precision.max(1);
            // Rounded as it will be written, it may reach the next power of ten.
            let rounded: f64 = scientific(value, precision - 1).parse().unwrap_or(value);
            match rounded {
                0.0 => fixed(value, precision - 1),
                small if small < 1e-4 => scientific(value, precision - 1),
                _ => {
                    let whole = fixed(rounded, 0).len();
                    match rounded < 1.0 {
                        _ if whole > precision => scientific(value, precision - 1),
                        true => fixed(value, precision + leading_zeros(rounded)),
                        false => fixed(value, precision - whole),
                    }
                }
            }
        }
    }
}

/// How many zeros follow the point of a number below one.
fn leading_zeros(value: f64) -> usize {
    let (_, exponent) = decimal(value);
    usize::try_from(-exponent - 1).unwrap_or_default()
}

/// The digits of the shortest decimal number that is this double, and the power of ten of the first.
fn decimal(value: f64) -> (Vec<u8>, i32) {
    let text = format!("{value:e}");
    let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    (
        digits.bytes().filter(u8::is_ascii_digit).map(|digit| digit - b'0').collect(),
        exponent.parse().unwrap_or_default(),
    )
}

/// The first `kept` digits, the last rounded half up; true when that makes one digit more.
fn rounded(mut digits: Vec<u8>, kept: usize) -> (Vec<u8>, bool) {
    let up = digits.get(kept).is_some_and(|next| *next >= 5);
    digits.resize(kept, 0);
    if !up {
        return (digits, false);
    }
    for digit in digits.iter_mut().rev() {
        *digit += 1;
        if *digit < 10 {
            return (digits, false);
        }
        *digit = 0;
    }
    digits.insert(0, 1);
    (digits, true)
}

fn written(digits: &[u8]) -> String {
    digits.iter().map(|digit| char::from(b'0' + digit)).collect()
}

fn fixed(value: f64, precision: usize) -> String {
    let (digits, exponent) = decimal(value);
    // Digits before the point, or zeros after it before the first digit.
    let before = i64::from(exponent) + 1;
    let mut all = vec![0; usize::try_from(-before).unwrap_or_default()];
    all.extend(digits);
    let whole = usize::try_from(before).unwrap_or_default();
    let (all, carried) = rounded(all, whole + precision);
    let text = written(&all);
    let (whole, fraction) = text.split_at(whole + usize::from(carried));
    let whole = if whole.is_empty() { "0" } else { whole };
    if precision == 0 { whole.to_owned() } else { format!("{whole}.{fraction}") }
}

fn scientific(value: f64, precision: usize) -> String {
    let (digits, mut exponent) = decimal(value);
    let (mut digits, carried) = rounded(digits, precision + 1);
    if carried {
        digits.pop();
        exponent += 1;
    }
    let text = written(&digits);
    let (first, fraction) = text.split_at(1);
    let point = if precision == 0 { "" } else { "." };
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{first}{point}{fraction}e{sign}{:02}", exponent.unsigned_abs())
}

/// What a letter after `%t` stands for.
fn date_parts(letter: char) -> Option<Vec<Part>> {
    use Field::{
        ClockHourOfHalfDay, DayOfMonth, DayOfWeek, DayOfYear, HalfDay, HourOfDay, Minute, Month, Second, Year,
    };
    let number = |field, written| Part::Number { field, written, read: (1, written) };
    let text = |field, style| Part::Text { field, style };
    let literal = |text: &str| Part::Literal(text.to_owned());
    let joined = |letters: &str, between: &str| {
        let mut parts = Vec::new();
        for (place, letter) in letters.chars().enumerate() {
            if place > 0 {
                parts.push(literal(between));
            }
            parts.extend(date_parts(letter)?);
        }
        Some(parts)
    };
    Some(vec![match letter {
        'H' => number(HourOfDay, 2),
        'I' => number(ClockHourOfHalfDay, 2),
        'k' => number(HourOfDay, 1),
        'l' => number(ClockHourOfHalfDay, 1),
        'M' => number(Minute, 2),
        'S' => number(Second, 2),
        'L' => Part::Fraction { written: 3, read: (1, 3) },
        'N' => Part::Fraction { written: 9, read: (1, 9) },
        'p' => text(HalfDay, Style::Full),
        'B' => text(Month, Style::Full),
        'b' | 'h' => text(Month, Style::Short),
        'A' => text(DayOfWeek, Style::Full),
        'a' => text(DayOfWeek, Style::Short),
        'Y' => number(Year, 4),
        'y' => Part::TwoDigitYear { first: 1970 },
        'j' => number(DayOfYear, 3),
        'm' => number(Month, 2),
        'd' => number(DayOfMonth, 2),
        'e' => number(DayOfMonth, 1),
        'R' => return joined("HM", ":"),
        'T' => return joined("HMS", ":"),
        'D' => return joined("mdy", "/"),
        'F' => return joined("Ymd", "-"),
        _ => return None,
    }])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pattern: &str, values: &[Value], expect: &str) {
        let got = formatted(pattern, |index| Ok(values.get(index - 1).cloned()));
        assert_eq!(got.unwrap_or_else(|error| error.to_string()), expect, "{pattern}");
    }

    #[test]
    fn numbers() {
        let double = |value: f64| [Value::Double(value)];
        check("%.2f", &double(1.005), "1.01");
        check("%.2f", &double(0.125), "0.13");
        check("%.0f", &double(2.5), "3");
        check("%.3f", &double(0.0004), "0.000");
        check("%.3f", &double(0.0005), "0.001");
        check("%.1f", &double(9.96), "10.0");
        check("%f", &double(1e21), "1000000000000000000000.000000");
        check("%,.2f|%<010.1f|%<+.1f|%<(.1f", &double(-1234.56), "-1,234.56|-0001234.6|-1234.6|(1234.6)");
        check("%e|%<.0e|%<E", &double(123_456.789), "1.234568e+05|1e+05|1.234568E+05");
        check("%.2e", &double(9.999e-10), "1.00e-09");
        check("%g|%<.2g", &double(123.456), "123.456|1.2e+02");
        check("%g", &double(0.000_12), "0.000120000");
        check("%8.1f|%<-8.1f|", &double(f64::INFINITY), "Infinity|Infinity|");
        check("%08.1f", &double(f64::NAN), "     NaN");
        let whole = |value: i64| [Value::Integer(value)];
        check("%,d|%<08d|%<+d|%< d", &whole(1_234_567), "1,234,567|01234567|+1234567| 1234567");
        check("%x|%<#x|%<o", &whole(255), "ff|0xff|377");
        check("%d", &whole(i64::MIN), "-9223372036854775808");
    }
}
