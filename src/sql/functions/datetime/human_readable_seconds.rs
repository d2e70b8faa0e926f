//! `human_readable_seconds(seconds)`: a length of time in words; `current_timezone()`.

use crate::sql::{
    error::invalid,
    functions::{Class, Family, Function, scalar::scalar},
    types::write_double,
};
use datafusion::{arrow::datatypes::Float64Type, error::Result};

pub(super) fn functions() -> Vec<Function> {
    [
        scalar("human_readable_seconds", Family::DateTime, Class::Inherited, "A number of seconds in words.")
            .form("human_readable_seconds(double) -> varchar", |call| {
                let seconds = call.numbers::<Float64Type>(0)?;
                call.collect_texts(|row| seconds.get(row).map(in_words).transpose())
            })
            .build(),
        scalar("current_timezone", Family::DateTime, Class::Documented, "UTC.")
            .form("current_timezone() -> varchar", |call| call.collect_texts(|_| Ok(Some("UTC"))))
            .build(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// # trino
fn in_words(seconds: f64) -> Result<String> {
    const UNITS: [(&str, u64); 5] =
        [("week", 604_800), ("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1)];
    if !seconds.is_finite() {
        let mut text = String::new();
        write_double(seconds, &mut text);
        return Err(invalid(format!("Invalid argument found: {text}")));
    }
    // As many seconds as fit; what lies beyond is no time anybody reads.
    let mut rest = seconds.abs().round() as u64;
    let mut words = Vec::new();
    for (unit, length) in UNITS {
        let count = rest / length;
        rest %= length;
        match count {
            0 => {}
            1 => words.push(format!("1 {unit}")),
            count => words.push(format!("{count} {unit}s")),
        }
    }
    if words.is_empty() { Ok("0 seconds".to_owned()) } else { Ok(words.join(", ")) }
}
