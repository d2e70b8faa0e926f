//! `soundex(text)`: how an English name sounds, a letter and three digits. # trino

use crate::sql::{
    error::invalid,
    functions::{Class, Family, Function, scalar::scalar},
};
use datafusion::error::Result;

pub(super) fn functions() -> Vec<Function> {
    scalar("soundex", Family::String, Class::Inherited, "How an English name sounds, a letter and three digits.")
        .form("soundex(varchar) -> varchar", |call| {
            let texts = call.texts(0)?;
            call.collect_texts(|row| texts.get(row).map(soundex).transpose())
        })
        .build()
}

/// The digit of each letter from A to Z; 0 for vowels, which part equal digits, and for H and W, which do not.
const DIGITS: &[u8; 26] = b"01230120022455012623010202";

fn soundex(text: &str) -> Result<String> {
    let letters = text.chars().filter(|c| c.is_alphabetic());
    let mut code = String::new();
    let mut last = b'0';
    for (index, letter) in letters.enumerate() {
        let letter = letter.to_ascii_uppercase();
        let digit = u8::try_from(letter)
            .ok()
            .and_then(|byte| byte.checked_sub(b'A'))
            .and_then(|place| DIGITS.get(usize::from(place)))
            .ok_or_else(|| invalid(format!("The character is not mapped: {letter} (index={index})")))?;
        if code.is_empty() {
            code.push(letter);
        } else if *digit != b'0' && *digit != last && code.len() < 4 {
            code.push(char::from(*digit));
        }
        if !matches!(letter, 'H' | 'W') {
            last = *digit;
        }
    }
    if !code.is_empty() {
        code.extend(std::iter::repeat_n('0', 4 - code.len()));
    }
    Ok(code)
}
