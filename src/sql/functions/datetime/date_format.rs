//! `date_format(timestamp, pattern)`, `date_parse(text, pattern)`: patterns of `%` and a letter, as MySQL has them.
//! # guide: date-time-functions.html points to Trino's table of them

use super::{
    format_datetime::{formatted, parsed},
    pattern::{Field, Part, Style},
};
use crate::sql::{
    error::invalid,
    functions::{Class, Family, Function, scalar::scalar},
};
use datafusion::error::Result;

pub(super) fn functions() -> Vec<Function> {
    let function = |name, summary| scalar(name, Family::DateTime, Class::Documented, summary);
    [
        function("date_format", "The moment as a text, by a pattern such as %Y-%m-%d.")
            .form("date_format(timestamp, varchar) -> varchar", |call| formatted(call, compile))
            .build(),
        function("date_parse", "The moment of a text, by a pattern such as %Y-%m-%d.")
            .form("date_parse(varchar, varchar) -> timestamp", |call| parsed(call, compile))
            .build(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Two-digit years are 1970 to 2069. # trino
const TWO_DIGIT_YEARS_FROM: i64 = 1970;

fn compile(pattern: &str) -> Result<Vec<Part>> {
    let mut parts = Vec::new();
    let mut characters = pattern.chars();
    while let Some(character) = characters.next() {
        match character {
            // A single % at the end stands for itself. # inferred
            '%' => match characters.next() {
                Some(letter) => specifier(letter, &mut parts)?,
                None => parts.push(Part::Literal("%".to_owned())),
            },
            other => parts.push(Part::Literal(other.to_string())),
        }
    }
    Ok(parts)
}

fn specifier(letter: char, parts: &mut Vec<Part>) -> Result<()> {
    use Field::{ClockHourOfHalfDay, DayOfMonth, DayOfWeek, DayOfYear, HalfDay, HourOfDay, Minute, Month, Second};
    let number = |field, written, most| Part::Number { field, written, read: (1, most) };
    let text = |field, style| Part::Text { field, style };
    let literal = |text: &str| Part::Literal(text.to_owned());
    match letter {
        'a' => parts.push(text(DayOfWeek, Style::Short)),
        'b' => parts.push(text(Month, Style::Short)),
        'c' => parts.push(number(Month, 1, 2)),
        'd' => parts.push(number(DayOfMonth, 2, 2)),
        'e' => parts.push(number(DayOfMonth, 1, 2)),
        // Six digits when written. # trino
        'f' => parts.push(Part::Fraction { written: 6, read: (1, 9) }),
        'H' => parts.push(number(HourOfDay, 2, 2)),
        'h' | 'I' => parts.push(number(ClockHourOfHalfDay, 2, 2)),
        'i' => parts.push(number(Minute, 2, 2)),
        'j' => parts.push(number(DayOfYear, 3, 3)),
        'k' => parts.push(number(HourOfDay, 1, 2)),
        'l' => parts.push(number(ClockHourOfHalfDay, 1, 2)),
        'M' => parts.push(text(Month, Style::Full)),
        'm' => parts.push(number(Month, 2, 2)),
        'p' => parts.push(text(HalfDay, Style::Full)),
        'r' => parts.extend([
            number(ClockHourOfHalfDay, 2, 2),
            literal(":"),
            number(Minute, 2, 2),
            literal(":"),
            number(Second, 2, 2),
            literal(" "),
            text(HalfDay, Style::Full),
        ]),
        'S' | 's' => parts.push(number(Second, 2, 2)),
        'T' => parts.extend([
            number(HourOfDay, 2, 2),
            literal(":"),
            number(Minute, 2, 2),
            literal(":"),
            number(Second, 2, 2),
        ]),
        'v' => parts.push(number(Field::Week, 2, 2)),
        'W' => parts.push(text(DayOfWeek, Style::Full)),
        'x' => parts.push(number(Field::WeekYear, 4, 4)),
        'Y' => parts.push(number(Field::Year, 4, 4)),
        'y' => parts.push(Part::TwoDigitYear { first: TWO_DIGIT_YEARS_FROM }),
        // # trino: MySQL has these
        'D' | 'U' | 'u' | 'V' | 'w' | 'X' => {
            return Err(invalid(format!("%{letter} not supported in date format string")));
        }
        // Any other letter stands for itself, % too.
        other => parts.push(Part::Literal(other.to_string())),
    }
    Ok(())
}
