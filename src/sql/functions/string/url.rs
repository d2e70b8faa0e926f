//! `url_extract_protocol`, `url_extract_host`, `url_extract_port`, `url_extract_path`, `url_extract_query`,
//! `url_extract_fragment`, `url_extract_parameter`, `url_encode`, `url_decode`. # trino
//!
//! What is no URL, as RFC 2396 has it, has no parts: NULL. A part that a URL does not have is empty, its port NULL.

use crate::sql::{
    error::invalid,
    functions::{
        Class, Family, Function,
        call::{Call, Kernel},
        scalar::scalar,
    },
};
use datafusion::{
    arrow::{array::ArrayRef, datatypes::Int64Type},
    error::Result,
};
use std::{borrow::Cow, fmt::Write};

pub(super) fn functions() -> Vec<Function> {
    let function = |name, signature, summary, kernel: Kernel| {
        scalar(name, Family::String, Class::Inherited, summary).form(signature, kernel).build()
    };
    [
        function(
            "url_extract_protocol",
            "url_extract_protocol(varchar) -> varchar",
            "The protocol of a URL.",
            |call| part(call, |url| Cow::Borrowed(url.scheme)),
        ),
        function("url_extract_host", "url_extract_host(varchar) -> varchar", "The host of a URL.", |call| {
            part(call, |url| Cow::Borrowed(url.host))
        }),
        function("url_extract_path", "url_extract_path(varchar) -> varchar", "The path of a URL.", |call| {
            part(call, |url| unescaped(url.path, false))
        }),
        function("url_extract_query", "url_extract_query(varchar) -> varchar", "The query string of a URL.", |call| {
            part(call, |url| unescaped(url.query.unwrap_or_default(), false))
        }),
        function(
            "url_extract_fragment",
            "url_extract_fragment(varchar) -> varchar",
            "The fragment of a URL.",
            |call| part(call, |url| unescaped(url.fragment, false)),
        ),
        function("url_extract_port", "url_extract_port(varchar) -> bigint", "The port of a URL.", |call| {
            let texts = call.texts(0)?;
            call.collect::<Int64Type>(|row| Ok(texts.get(row).and_then(Url::read).and_then(|url| url.port)))
        }),
        function(
            "url_extract_parameter",
            "url_extract_parameter(varchar, varchar) -> varchar",
            "The first value of a parameter in a URL's query string.",
            parameter,
        ),
        function("url_encode", "url_encode(varchar) -> varchar", "A text as it may stand in a query string.", |call| {
            let texts = call.texts(0)?;
            call.collect_texts(|row| Ok(texts.get(row).map(encode)))
        }),
        function("url_decode", "url_decode(varchar) -> varchar", "The text that url_encode makes this of.", |call| {
            let texts = call.texts(0)?;
            call.collect_texts(|row| texts.get(row).map(decode).transpose())
        }),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn part(call: &Call, part: for<'u> fn(&Url<'u>) -> Cow<'u, str>) -> Result<ArrayRef> {
    let texts = call.texts(0)?;
    call.collect_texts(|row| Ok(texts.get(row).and_then(Url::read).map(|url| part(&url))))
}

fn parameter(call: &Call) -> Result<ArrayRef> {
    let (texts, names) = (call.texts(0)?, call.texts(1)?);
    call.collect_texts(|row| {
        let (Some(text), Some(name)) = (texts.get(row), names.get(row)) else { return Ok(None) };
        let Some(query) = Url::read(text).and_then(|url| url.query) else { return Ok(None) };
        let named = query.split('&').find_map(|pair| match pair.split_once('=') {
            Some((key, value)) => (key == name).then_some(value),
            None => (pair == name).then_some(""),
        });
        named.map(decode).transpose()
    })
}

/// The parts of a URL, escapes left as they are.
struct Url<'u> {
    scheme: &'u str,
    host: &'u str,
    port: Option<i64>,
    path: &'u str,
    query: Option<&'u str>,
    fragment: &'u str,
}

impl<'u> Url<'u> {
    fn read(text: &'u str) -> Option<Self> {
        if !is_well_formed(text) {
            return None;
        }
        let (rest, fragment) = text.split_once('#').unwrap_or((text, ""));
        let (scheme, rest) = match rest.find([':', '/', '?']) {
            Some(at) if rest[at..].starts_with(':') => {
                let (scheme, rest) = (&rest[..at], &rest[at + 1..]);
                if !is_scheme(scheme) || rest.is_empty() {
                    return None;
                }
                (scheme, rest)
            }
            _ => ("", rest),
        };
        if !scheme.is_empty() && !rest.starts_with('/') {
            // `mailto:someone`: nothing but its scheme is told of it.
            return Some(Self { scheme, host: "", port: None, path: "", query: None, fragment });
        }
        let (rest, query) = match rest.split_once('?') {
            Some((rest, query)) => (rest, Some(query)),
            None => (rest, None),
        };
        let (authority, path) = match rest.strip_prefix("//") {
            Some(rest) => rest.split_at(rest.find('/').unwrap_or(rest.len())),
            None => ("", rest),
        };
        let (host, port) = server(authority).unwrap_or(("", None));
        Some(Self { scheme, host, port, path, query, fragment })
    }
}

fn is_scheme(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'))
}

/// Whether all characters may stand in a URL.
fn is_well_formed(text: &str) -> bool {
    let allowed = |c: char| match c.is_ascii() {
        true => c.is_ascii_alphanumeric() || "-_.!~*'();/?:@&=+$,[]%#".contains(c),
        false => !c.is_control() && !c.is_whitespace(),
    };
    text.chars().all(allowed) && has_whole_escapes(text) && text.matches('#').count() <= 1
}

/// Whether every `%` stands before two hexadecimal digits.
fn has_whole_escapes(text: &str) -> bool {
    let hexadecimal = |rest: &str| rest.len() >= 2 && rest.bytes().take(2).all(|byte| byte.is_ascii_hexdigit());
    text.split('%').skip(1).all(hexadecimal)
}

/// Host and port of `user@host:port`; `None` for any other kind of authority.
fn server(authority: &str) -> Option<(&str, Option<i64>)> {
    let place = authority.rsplit_once('@').map_or(authority, |(_, place)| place);
    let (host, port) = match place.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, port),
        _ => (place, ""),
    };
    let port = match port {
        "" => None,
        digits if digits.bytes().all(|byte| byte.is_ascii_digit()) => Some(digits.parse::<i32>().ok()?),
        _ => return None,
    };
    let is_name = |label: &str| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
    };
    let literal = host.starts_with('[') && host.ends_with(']');
    let named = host.strip_suffix('.').unwrap_or(host).split('.').all(is_name);
    (literal || named).then_some((host, port.map(i64::from)))
}

/// Escapes replaced by what they stand for; what is no UTF-8 by U+FFFD. With `plus`, a plus sign is a space.
fn unescaped(text: &str, plus: bool) -> Cow<'_, str> {
    let escaped = text.contains('%') || plus && text.contains('+');
    if !escaped {
        return Cow::Borrowed(text);
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = tail;
        match (first, tail) {
            (b'%', [high, low, tail @ ..]) if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                let digit = |byte: &u8| char::from(*byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
                bytes.push(digit(high).unwrap_or_default() * 16 + digit(low).unwrap_or_default());
                rest = tail;
            }
            (b'+', _) if plus => bytes.push(b' '),
            _ => bytes.push(*first),
        }
    }
    Cow::Owned(String::from_utf8_lossy(&bytes).into_owned())
}

fn decode(text: &str) -> Result<String> {
    if !has_whole_escapes(text) {
        return Err(invalid("URLDecoder: Incomplete or illegal escape (%) pattern"));
    }
    Ok(unescaped(text, true).into_owned())
}

fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b' ' => encoded.push('+'),
            b'-' | b'_' | b'.' | b'*' => encoded.push(char::from(byte)),
            _ if byte.is_ascii_alphanumeric() => encoded.push(char::from(byte)),
            // Writing to a string cannot fail.
            _ => drop(write!(encoded, "%{byte:02X}")),
        }
    }
    encoded
}
