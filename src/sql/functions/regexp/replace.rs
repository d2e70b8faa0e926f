//! `regexp_replace(text, pattern[, replacement])`, `regexp_replace(text, pattern, groups -> text)`.

use super::{
    extract::TextLists,
    pattern::{Captures, Pattern, Patterns},
};
use crate::sql::{
    error::invalid,
    functions::{
        Class, Definition, Family, Function,
        call::{self, Call, TextBuilder, check_text_bytes},
        conversion::cast::convert,
        lambda::function::{Argument, HigherOrder, LambdaCall, Parameters},
        lists::check_entries,
        scalar::scalar,
    },
    types,
};
use datafusion::{
    arrow::{
        array::{Array, ArrayRef, UInt32Array},
        datatypes::DataType,
    },
    error::{DataFusionError, Result},
};
use std::{ops::Range, sync::Arc};

pub(super) fn functions() -> Vec<Function> {
    let texts = scalar("regexp_replace", Family::Regexp, Class::Documented, "Replaces, or removes, every match.")
        .form("regexp_replace(varchar, varchar) -> varchar", replace)
        .form("regexp_replace(varchar, varchar, varchar) -> varchar", replace)
        .build();
    let with_lambda = HigherOrder {
        name: "regexp_replace",
        family: Family::Regexp,
        class: Class::Documented,
        signatures: &[WITH_LAMBDA],
        summary: "Replaces every match by what the lambda makes of its groups.",
        parameters: |_, arguments| match arguments {
            [Argument::Value(text), Argument::Value(pattern), Argument::Lambda(_)]
                if is_text(text) && is_text(pattern) =>
            {
                Some(Parameters::Complete(vec![vec![types::array(DataType::Utf8)]]))
            }
            _ => None,
        },
        returns: |arguments| match arguments {
            [_, _, Argument::Lambda(Some(result))] if is_text(result) => Some(DataType::Utf8),
            _ => None,
        },
        kernel: replace_with_lambda,
    }
    .build();
    texts.into_iter().zip(with_lambda).map(|(texts, with_lambda)| joined(texts, with_lambda)).collect()
}

const WITH_LAMBDA: &str = "regexp_replace(varchar, varchar, function(array(varchar),varchar)) -> varchar";

/// One function with both kinds of arguments.
fn joined(mut texts: Function, with_lambda: Function) -> Function {
    texts.entry.signatures.push(WITH_LAMBDA);
    texts.definition = match (texts.definition, with_lambda.definition) {
        (Definition::Scalar(scalar), Definition::HigherOrder(lambda)) => Definition::ScalarOrLambda(scalar, lambda),
        (other, _) => other,
    };
    texts
}

fn is_text(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Utf8 | DataType::Null)
}

fn replace(call: &Call) -> Result<ArrayRef> {
    let (texts, patterns) = (call.texts(0)?, call.texts(1)?);
    let replacements = if call.columns.len() == 3 { Some(call.texts(2)?) } else { None };
    let compiled = Patterns::default();
    call.collect_texts(|row| {
        let replacement = replacements.as_ref().map_or(Some(""), |replacements| replacements.get(row));
        let (Some(text), Some(pattern), Some(replacement)) = (texts.get(row), patterns.get(row), replacement) else {
            return Ok(None);
        };
        let pattern = compiled.get(pattern)?;
        replaced(&pattern, text, replacement).map(Some)
    })
}

fn replaced(pattern: &Pattern, text: &str, replacement: &str) -> Result<String> {
    let mut out = String::new();
    let mut last_end = 0;
    if replacement.contains(['$', '\\']) {
        pattern.each_captures(text, |whole, captures| {
            out.push_str(&text[last_end..whole.start]);
            last_end = whole.end;
            expand(pattern, text, captures, replacement, &mut out)?;
            check_text_bytes(out.len())
        })?;
    } else {
        pattern.each_match(text, |found| {
            out.push_str(&text[last_end..found.start]);
            out.push_str(replacement);
            last_end = found.end;
            check_text_bytes(out.len()).map(|()| true)
        })?;
    }
    out.push_str(&text[last_end..]);
    Ok(out)
}

/// Appends a replacement: `$1` and `${name}` are groups, a backslash takes what follows as it is. As many digits belong
/// to a group's number as there are groups. # guide: regex-functions.html · # trino
fn expand(pattern: &Pattern, text: &str, captures: &Captures, replacement: &str, out: &mut String) -> Result<()> {
    let illegal = || invalid(format!("Illegal replacement sequence: {replacement}"));
    let mut rest = replacement.chars();
    while let Some(character) = rest.next() {
        match character {
            '\\' => out.push(rest.next().ok_or_else(illegal)?),
            '$' => {
                let group = group(pattern, &mut rest, illegal)?;
                if let Some(Some(range)) = captures.get(group) {
                    out.push_str(&text[range.clone()]);
                }
            }
            other => out.push(other),
        }
        check_text_bytes(out.len())?;
    }
    Ok(())
}

/// The number of the group that follows a `$`.
fn group(pattern: &Pattern, rest: &mut std::str::Chars, illegal: impl Fn() -> DataFusionError) -> Result<usize> {
    let text = rest.as_str();
    if let Some(named) = text.strip_prefix('{') {
        let (name, after) = named.split_once('}').ok_or_else(illegal)?;
        *rest = after.chars();
        return pattern
            .group_named(name)
            .ok_or_else(|| invalid(format!("Illegal replacement sequence: unknown group {{ {name} }}")));
    }
    let mut digits = text.chars().map_while(|digit| digit.to_digit(10)).map(|digit| digit as usize);
    let mut number = digits.next().ok_or_else(illegal)?;
    if number > pattern.groups() {
        return Err(invalid(format!("Illegal replacement sequence: unknown group {number}")));
    }
    let mut length = 1;
    for digit in digits {
        if number * 10 + digit > pattern.groups() {
            break;
        }
        number = number * 10 + digit;
        length += 1;
    }
    *rest = text[length..].chars();
    Ok(number)
}

fn replace_with_lambda(call: &LambdaCall) -> Result<ArrayRef> {
    let texts = convert(call.value(0)?, &DataType::Utf8)?;
    let patterns = convert(call.value(1)?, &DataType::Utf8)?;
    let (texts, patterns) = (call::string(&texts)?, call::string(&patterns)?);
    let compiled = Patterns::default();
    // All matches of all rows, so that the lambda runs once.
    let mut matches: Vec<(usize, Range<usize>)> = Vec::new();
    let mut groups = TextLists::new();
    for row in 0..call.rows {
        if texts.is_null(row) || patterns.is_null(row) {
            continue;
        }
        let text = texts.value(row);
        compiled.get(patterns.value(row))?.each_captures(text, |whole, captures| {
            for group in &captures[1..] {
                groups.push(group.clone().map(|range| &text[range]))?;
            }
            groups.end_row();
            matches.push((row, whole));
            check_entries(matches.len())
        })?;
    }
    let rows = matches.iter().map(|(row, _)| u32::try_from(*row).unwrap_or_default()).collect::<UInt32Array>();
    let rows: ArrayRef = Arc::new(rows);
    let results = convert(&call.run(0, &[groups.finish()], &rows)?, &DataType::Utf8)?;
    let results = call::string(&results)?;
    let mut out = TextBuilder::new(call.rows);
    let mut next = matches.iter().zip(results).peekable();
    for row in 0..call.rows {
        if texts.is_null(row) || patterns.is_null(row) {
            out.append(None)?;
            continue;
        }
        let text = texts.value(row);
        let (mut replaced, mut last_end) = (String::new(), 0);
        while let Some(((_, found), result)) = next.next_if(|((of, _), _)| *of == row) {
            replaced.push_str(&text[last_end..found.start]);
            // NULL removes the match. # trino
            replaced.push_str(result.unwrap_or_default());
            last_end = found.end;
            check_text_bytes(replaced.len())?;
        }
        replaced.push_str(&text[last_end..]);
        out.append(Some(&replaced))?;
    }
    Ok(out.finish())
}
