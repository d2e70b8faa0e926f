//! `from_base(text, radix)`, `to_base(x, radix)`: whole numbers in other bases, digits in lower case.

use crate::sql::{
    error::invalid,
    functions::{Class, Family, Function, scalar::scalar},
};
use datafusion::{arrow::datatypes::Int64Type, error::Result};

pub(super) fn functions() -> Vec<Function> {
    [
        scalar("from_base", Family::Math, Class::Documented, "The number a text names in a base.")
            .form("from_base(varchar, bigint) -> bigint", |call| {
                let (texts, radixes) = (call.texts(0)?, call.numbers::<Int64Type>(1)?);
                call.collect::<Int64Type>(|row| match (texts.get(row), radixes.get(row)) {
                    (Some(text), Some(radix)) => from_base(text, radix).map(Some),
                    _ => Ok(None),
                })
            })
            .build(),
        scalar("to_base", Family::Math, Class::Documented, "The text of a number in a base.")
            .form("to_base(bigint, bigint) -> varchar", |call| {
                let (numbers, radixes) = (call.numbers::<Int64Type>(0)?, call.numbers::<Int64Type>(1)?);
                call.collect_texts(|row| match (numbers.get(row), radixes.get(row)) {
                    (Some(number), Some(radix)) => to_base(number, radix).map(Some),
                    _ => Ok(None),
                })
            })
            .build(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn checked_radix(radix: i64) -> Result<u32> {
    match u32::try_from(radix) {
        Ok(radix @ 2..=36) => Ok(radix),
        _ => Err(invalid("Radix must be between 2 and 36")),
    }
}

fn from_base(text: &str, radix: i64) -> Result<i64> {
    let checked = checked_radix(radix)?;
    i64::from_str_radix(text, checked).map_err(|_| invalid(format!("Not a valid base-{radix} number: {text}")))
}

fn to_base(number: i64, radix: i64) -> Result<String> {
    let radix = checked_radix(radix)?;
    let mut digits = Vec::new();
    let mut rest = number.unsigned_abs();
    loop {
        let digit = u32::try_from(rest % u64::from(radix)).unwrap_or_default();
        digits.push(char::from_digit(digit, radix).unwrap_or('0'));
        rest /= u64::from(radix);
        if rest == 0 {
            break;
        }
    }
    if number < 0 {
        digits.push('-');
    }
    Ok(digits.into_iter().rev().collect())
}
