//! The `name=value&…` encoding of query strings and of the older AWS protocols.

/// The decoded value of the first parameter called `name`.
pub(crate) fn parameter(form: &str, name: &str) -> Option<String> {
    form.split('&').find_map(|pair| {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        (decode(key) == name).then(|| decode(value))
    })
}

/// Undoes percent encoding; what is no valid escape stays as it is, and what is no UTF-8 is replaced.
fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        match byte {
            b'+' => bytes.push(b' '),
            b'%' => match after {
                [high, low, after_escape @ ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                    bytes.push(hex_digit(*high) * 16 + hex_digit(*low));
                    rest = after_escape;
                }
                _ => bytes.push(b'%'),
            },
            _ => bytes.push(byte),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The value of an ASCII hexadecimal digit.
fn hex_digit(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit - b'0',
        _ => (digit | 0x20) - b'a' + 10,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_found_and_decoded() {
        let check = |form, name, expect: Option<&str>| assert_eq!(parameter(form, name).as_deref(), expect, "{form}");
        check("Action=GetCallerIdentity&Version=2011-06-15", "Action", Some("GetCallerIdentity"));
        check("Action=GetCallerIdentity&Version=2011-06-15", "Version", Some("2011-06-15"));
        check("X-Amz-Credential=a%2Fb%2fc", "X-Amz-Credential", Some("a/b/c"));
        check("a=1&a=2", "a", Some("1"));
        check("a", "a", Some(""));
        check("a=%4&b=%zz+%", "b", Some("%zz %"));
        check("a=%ff", "a", Some("\u{fffd}"));
        check("", "a", None);
    }
}
