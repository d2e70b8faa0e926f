//! `format_datetime(timestamp, pattern)`, `parse_datetime(text, pattern)`: patterns of letters.
//!
//! The guide's example has letters of java.time, its link leads to Joda-Time's. Letters that mean one thing in both, or
//! exist in one only, mean that; of letters that differ, those of weeks (`Y`, `w`, `e`) are refused, since in java.time
//! they depend on a country, and `x`, `Z` are java.time's. # inferred

use super::pattern::{Field, OffsetStyle, Part, Style, read::read, write::write};
use crate::sql::{
    error::invalid,
    functions::{Class, Family, Function, call::Call, scalar::scalar},
};
use datafusion::{
    arrow::{array::ArrayRef, datatypes::TimestampNanosecondType},
    error::Result,
};

pub(super) fn functions() -> Vec<Function> {
    let function = |name, summary| scalar(name, Family::DateTime, Class::Documented, summary);
    [
        function("format_datetime", "The moment as a text, by a pattern such as yyyy-MM-dd.")
            .form("format_datetime(timestamp, varchar) -> varchar", |call| formatted(call, compile))
            .build(),
        function("parse_datetime", "The moment of a text, by a pattern such as yyyy-MM-dd.")
            .form("parse_datetime(varchar, varchar) -> timestamp", |call| parsed(call, compile_to_read))
            .build(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// What turns a pattern into its parts.
pub(super) type Compile = fn(&str) -> Result<Vec<Part>>;

/// The texts of timestamps (argument 0) by a pattern (argument 1).
pub(super) fn formatted(call: &Call, compile: Compile) -> Result<ArrayRef> {
    let moments = call.numbers::<TimestampNanosecondType>(0)?;
    let patterns = Patterns::new(call, compile)?;
    call.collect_texts(|row| {
        let Some(ns) = moments.get(row) else { return Ok(None) };
        Ok(patterns.with(row, |parts| Ok(write(parts, ns)))?)
    })
}

/// The timestamps of texts (argument 0) by a pattern (argument 1).
pub(super) fn parsed(call: &Call, compile: Compile) -> Result<ArrayRef> {
    let texts = call.texts(0)?;
    let patterns = Patterns::new(call, compile)?;
    call.collect::<TimestampNanosecondType>(|row| {
        let Some(text) = texts.get(row) else { return Ok(None) };
        patterns.with(row, |parts| read(parts, text))
    })
}

/// The patterns of a call: a constant one is compiled once.
struct Patterns<'a> {
    texts: crate::sql::functions::call::Texts<'a>,
    constant: Option<Vec<Part>>,
    compile: Compile,
}

impl<'a> Patterns<'a> {
    fn new(call: &'a Call, compile: Compile) -> Result<Self> {
        let texts = call.texts(1)?;
        let constant = match texts.get(0) {
            Some(pattern) if call.column(1)?.constant => Some(compile(pattern)?),
            _ => None,
        };
        Ok(Self { texts, constant, compile })
    }

    /// What `apply` makes of the row's pattern; `None` where that is NULL.
    fn with<T>(&self, row: usize, apply: impl Fn(&[Part]) -> Result<T>) -> Result<Option<T>> {
        match (&self.constant, self.texts.get(row)) {
            (_, None) => Ok(None),
            (Some(parts), _) => apply(parts).map(Some),
            (None, Some(pattern)) => apply(&(self.compile)(pattern)?).map(Some),
        }
    }
}

/// As [`compile`]; parts that can be written but not read are refused.
fn compile_to_read(pattern: &str) -> Result<Vec<Part>> {
    let parts = compile(pattern)?;
    let unreadable = |part: &Part| {
        matches!(
            part,
            Part::Text { style: Style::Narrow, .. }
                | Part::Text { field: Field::Quarter, .. }
                | Part::Number { field: Field::Quarter, .. }
                | Part::Era(Style::Narrow)
                | Part::Zone(Style::Full)
        )
    };
    if parts.iter().any(unreadable) {
        return Err(invalid(format!("Pattern has letters that parse_datetime does not support: {pattern}")));
    }
    Ok(parts)
}

fn compile(pattern: &str) -> Result<Vec<Part>> {
    if pattern.is_empty() {
        return Err(invalid("Invalid pattern specification"));
    }
    let mut parts = Vec::new();
    let mut rest = pattern;
    while let Some(first) = rest.chars().next() {
        let run: usize = rest.chars().take_while(|next| *next == first).map(char::len_utf8).sum();
        if first == '\'' {
            let (literal, length) = quoted(rest)
                .ok_or_else(|| invalid(format!("Pattern ends with an incomplete string literal: {pattern}")))?;
            parts.push(Part::Literal(literal));
            rest = &rest[length..];
        } else if first.is_ascii_alphabetic() {
            rest = &rest[run..];
            let digits_follow = rest.starts_with(|next| "uyMLdHhKkmsSDnNA".contains(next)) && !starts_with_text(rest);
            parts.push(letters(first, run, digits_follow)?);
        } else if "[]{}#".contains(first) {
            return Err(invalid(format!("Pattern includes reserved character: '{first}'")));
        } else {
            parts.push(Part::Literal(first.to_string()));
            rest = &rest[first.len_utf8()..];
        }
    }
    Ok(parts)
}

/// Whether three or more letters of a month begin a pattern: that is a name.
fn starts_with_text(pattern: &str) -> bool {
    pattern.starts_with("MMM") || pattern.starts_with("LLL")
}

/// The text between quotes at the pattern's beginning, and how many bytes it takes; two quotes are one.
fn quoted(pattern: &str) -> Option<(String, usize)> {
    if pattern.starts_with("''") {
        return Some(("'".to_owned(), 2));
    }
    let mut literal = String::new();
    let mut characters = pattern.char_indices().skip(1);
    while let Some((at, character)) = characters.next() {
        if character != '\'' {
            literal.push(character);
        } else if pattern[at + 1..].starts_with('\'') {
            literal.push('\'');
            characters.next();
        } else {
            return Some((literal, at + 1));
        }
    }
    None
}

/// The part that `count` times a letter stand for. Where digits follow without anything between, a number has exactly
/// as many digits as there are letters.
fn letters(letter: char, count: usize, digits_follow: bool) -> Result<Part> {
    let too_many = || invalid(format!("Too many pattern letters: {letter}"));
    let number = |field, most: usize| {
        if count > most {
            return Err(too_many());
        }
        let read =
            if digits_follow || count > 1 { (count, if digits_follow { count } else { most }) } else { (1, most) };
        Ok(Part::Number { field, written: count, read })
    };
    let style = match count {
        1..=3 => Some(Style::Short),
        4 => Some(Style::Full),
        5 => Some(Style::Narrow),
        _ => None,
    };
    let text = |field| Ok(Part::Text { field, style: style.ok_or_else(too_many)? });
    let offset = |zero| Ok(Part::Offset(OffsetStyle { zero }));
    match (letter, count) {
        ('u' | 'y', 2) => Ok(Part::TwoDigitYear { first: 2000 }),
        ('u' | 'y', _) => number(Field::Year, 9),
        ('M' | 'L', 1 | 2) => number(Field::Month, 2),
        ('M' | 'L', _) => text(Field::Month),
        ('Q' | 'q', 1 | 2) => number(Field::Quarter, 2),
        ('Q' | 'q', 3 | 4) => text(Field::Quarter),
        ('E', _) => text(Field::DayOfWeek),
        ('a', 1) => Ok(Part::Text { field: Field::HalfDay, style: Style::Full }),
        ('G', _) => Ok(Part::Era(style.ok_or_else(too_many)?)),
        ('D', _) => number(Field::DayOfYear, 3),
        ('d', _) => number(Field::DayOfMonth, 2),
        ('H', _) => number(Field::HourOfDay, 2),
        ('k', _) => number(Field::ClockHourOfDay, 2),
        ('K', _) => number(Field::HourOfHalfDay, 2),
        ('h', _) => number(Field::ClockHourOfHalfDay, 2),
        ('m', _) => number(Field::Minute, 2),
        ('s', _) => number(Field::Second, 2),
        ('S', 1..=9) => Ok(Part::Fraction { written: count, read: (count, count) }),
        ('n', _) => number(Field::Nanosecond, 9),
        ('A', _) => number(Field::MillisecondOfDay, 8),
        ('N', _) => number(Field::NanosecondOfDay, 14),
        ('z', 1..=3) | ('V', 2) => Ok(Part::Zone(Style::Short)),
        ('z', 4) => Ok(Part::Zone(Style::Full)),
        ('X', 1..=3) | ('Z', 5) => offset("Z"),
        ('x', 1) => offset("+00"),
        ('x', 2) | ('Z', 1..=3) => offset("+0000"),
        ('x', 3) => offset("+00:00"),
        ('O', 1 | 4) | ('Z', 4) => offset("GMT"),
        ('Q' | 'q' | 'a' | 'S' | 'z' | 'X' | 'x' | 'Z', _) => Err(too_many()),
        _ => Err(invalid(format!("Pattern letter is not supported: {letter}"))),
    }
}
