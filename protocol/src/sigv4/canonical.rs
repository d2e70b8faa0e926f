//! The canonical request: the one text that client and server make of a request, and that the signature is of.
//! # guide: IAM, reference_sigv-create-signed-request.html

use http::{
    HeaderMap,
    header::{HOST, HeaderName},
};
use sha2::{Digest, Sha256};
use std::fmt::Write as _;

/// The query parameter that holds a signature, which cannot be signed itself.
pub(super) const SIGNATURE_PARAMETER: &str = "X-Amz-Signature";
/// What clients say the body's hash is.
pub(super) const CONTENT_SHA256: HeaderName = HeaderName::from_static("x-amz-content-sha256");
/// In place of the body's hash, where the body is not signed. # guide of S3: sigv4-query-string-auth.html
const UNSIGNED_PAYLOAD: &str = "UNSIGNED-PAYLOAD";

/// A request as it was received, as far as a signature may be of it.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// The method, in capitals.
    pub method: &'a str,
    /// The path, with its escapes.
    pub path: &'a str,
    /// What follows the `?`, with its escapes.
    pub query: Option<&'a str>,
    /// The headers.
    pub headers: &'a HeaderMap,
    /// What stands in the place of the header Host in HTTP/2.
    pub authority: Option<&'a str>,
}

/// What a service makes of path and body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rules<'a> {
    /// All services but S3: the path without dots and empty segments and with its escapes escaped; the hash of this body.
    Common(&'a [u8]),
    /// S3: the path as it is; the hash that the client names, which is to be compared with the body as that arrives.
    S3,
}

/// The canonical request with these headers signed, by name in lower case and in order. `None` when a header is not there.
pub(super) fn canonical_request(
    request: &Request<'_>,
    signed_headers: &[String],
    rules: Rules<'_>,
    is_presigned: bool,
) -> Option<Vec<u8>> {
    let (path, payload) = match rules {
        Rules::Common(body) => (escaped_path(&normalized_path(request.path)), hex_sha256(body)),
        Rules::S3 => (escaped_path(&unescaped(request.path)), declared_payload(request, is_presigned)?),
    };
    assemble(request, &path, signed_headers, &payload, is_presigned)
}

fn assemble(
    request: &Request<'_>,
    path: &str,
    signed_headers: &[String],
    payload: &str,
    is_presigned: bool,
) -> Option<Vec<u8>> {
    let mut text = format!("{}\n{path}\n", request.method).into_bytes();
    text.extend_from_slice(canonical_query(request.query.unwrap_or_default(), is_presigned).as_bytes());
    text.push(b'\n');
    for name in signed_headers {
        text.extend_from_slice(name.as_bytes());
        text.push(b':');
        header_value(request, name, &mut text)?;
        text.push(b'\n');
    }
    text.extend_from_slice(format!("\n{}\n{payload}", signed_headers.join(";")).as_bytes());
    Some(text)
}

/// The hash that the client names; a presigned URL need not name one.
fn declared_payload(request: &Request<'_>, is_presigned: bool) -> Option<String> {
    match request.headers.get(CONTENT_SHA256) {
        Some(declared) => declared.to_str().ok().map(str::to_owned),
        None => is_presigned.then(|| UNSIGNED_PAYLOAD.to_owned()),
    }
}

/// The lower-case hexadecimal digits of a SHA-256 hash.
pub(super) fn hex_sha256(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(64);
    for byte in Sha256::digest(bytes) {
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// Appends the values of a header: trimmed, spaces in a row as one, several values with commas between them.
fn header_value(request: &Request<'_>, name: &str, text: &mut Vec<u8>) -> Option<()> {
    let mut values = request.headers.get_all(name).iter().map(http::HeaderValue::as_bytes).peekable();
    let authority = (name == HOST.as_str()).then_some(request.authority).flatten();
    if values.peek().is_none() {
        text.extend_from_slice(authority?.as_bytes());
        return Some(());
    }
    for (i, value) in values.enumerate() {
        if i > 0 {
            text.push(b',');
        }
        let words = value.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
        for (i, word) in words.enumerate() {
            if i > 0 {
                text.push(b' ');
            }
            text.extend_from_slice(word);
        }
    }
    Some(())
}

/// The parameters, escaped in one way only, in the order of their escaped names and values.
fn canonical_query(query: &str, is_presigned: bool) -> String {
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    let mut pairs: Vec<(String, String)> = pairs
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (escaped(&unescaped_form(name), false), escaped(&unescaped_form(value), false))
        })
        .filter(|(name, _)| !(is_presigned && name == SIGNATURE_PARAMETER))
        .collect();
    pairs.sort();
    let pairs: Vec<_> = pairs.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
    pairs.join("&")
}

/// A path without `.`, `..` and empty segments. # guide: RFC 3986, section 5.2.4
fn normalized_path(path: &str) -> Vec<u8> {
    let mut segments: Vec<&str> = Vec::new();
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." => {
                segments.pop();
            }
            segment => segments.push(segment),
        }
    }
    let ends_open = ["/", "/.", "/.."].iter().any(|end| path.ends_with(end));
    let end = if ends_open && !segments.is_empty() { "/" } else { "" };
    format!("/{}{end}", segments.join("/")).into_bytes()
}

fn escaped_path(path: &[u8]) -> String {
    escaped(path, true)
}

/// Escapes all but unreserved characters. # guide: RFC 3986, section 2.3
fn escaped(bytes: &[u8], keeps_slashes: bool) -> String {
    let mut text = String::with_capacity(bytes.len());
    for byte in bytes {
        let is_unreserved = byte.is_ascii_alphanumeric() || b"-._~".contains(byte);
        if is_unreserved || (keeps_slashes && *byte == b'/') {
            text.push(char::from(*byte));
        } else {
            let _ = write!(text, "%{byte:02X}");
        }
    }
    text
}

/// What escapes stand for; what is no escape stays.
pub(super) fn unescaped(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        let digit = |place: usize| after.get(place).and_then(|digit| char::from(*digit).to_digit(16));
        match (byte, digit(0), digit(1)) {
            (b'%', Some(high), Some(low)) => {
                bytes.push((high * 16 + low) as u8);
                rest = &after[2..];
            }
            _ => bytes.push(byte),
        }
    }
    bytes
}

/// The same of a part of a query, where a plus is a space.
pub(super) fn unescaped_form(text: &str) -> Vec<u8> {
    unescaped(&text.replace('+', " "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_normalized() {
        // # guide: RFC 3986, section 5.2.4
        let cases = [
            ("", "/"),
            ("/", "/"),
            ("//", "/"),
            ("/a/b", "/a/b"),
            ("/a//b/", "/a/b/"),
            ("/a/./b/.", "/a/b/"),
            ("/a/../b", "/b"),
            ("/../../a", "/a"),
            ("/a/b/..", "/a/"),
            ("/..", "/"),
            ("/a.b/...", "/a.b/..."),
        ];
        for (path, expect) in cases {
            assert_eq!(String::from_utf8(normalized_path(path)).unwrap(), expect, "{path}");
        }
    }

    #[test]
    fn queries_are_escaped_in_one_way_and_sorted() {
        let cases = [
            ("", ""),
            ("b=2&a=1", "a=1&b=2"),
            ("a=2&a=1", "a=1&a=2"),
            ("a&b=", "a=&b="),
            ("a=b=c", "a=b%3Dc"),
            ("x=%7e%2f&y=a+b", "x=~%2F&y=a%20b"),
            ("x=%", "x=%25"),
            ("x=%zz&&", "x=%25zz"),
            ("X-Amz-Signature=0&X-Amz-Date=1", "X-Amz-Date=1"),
        ];
        for (query, expect) in cases {
            assert_eq!(canonical_query(query, true), expect, "{query}");
        }
        assert_eq!(canonical_query("X-Amz-Signature=0", false), "X-Amz-Signature=0", "a parameter like any other");
    }

    fn canonical(path: &str, headers: &[(&'static str, &str)], signed: &str, rules: Rules<'_>) -> Option<String> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().unwrap());
        }
        let request = Request { method: "GET", path, query: None, headers: &map, authority: Some("example.com:1") };
        let signed: Vec<String> = signed.split(';').map(str::to_owned).collect();
        canonical_request(&request, &signed, rules, false).map(|text| String::from_utf8(text).unwrap())
    }

    /// The hash of nothing. # guide: sigv4-header-based-auth.html of S3
    const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    #[test]
    fn headers_are_trimmed_folded_and_joined() {
        let headers = [("b", "  x   y "), ("b", "z"), ("a", "1")];
        let expect = format!("GET\n/\n\na:1\nb:x y,z\nhost:example.com:1\n\na;b;host\n{EMPTY}");
        assert_eq!(canonical("/", &headers, "a;b;host", Rules::Common(b"")), Some(expect));
        assert_eq!(canonical("/", &headers, "a;c", Rules::Common(b"")), None, "c is not there");
    }

    #[test]
    fn only_s3_takes_path_and_hash_as_they_come() {
        let headers = [("host", "h"), ("x-amz-content-sha256", "UNSIGNED-PAYLOAD")];
        let end = "\n\nhost:h\n\nhost\n";
        assert_eq!(
            canonical("/a//%20b", &headers, "host", Rules::S3),
            Some(format!("GET\n/a//%20b{end}UNSIGNED-PAYLOAD"))
        );
        assert_eq!(canonical("/a b", &headers, "host", Rules::S3), Some(format!("GET\n/a%20b{end}UNSIGNED-PAYLOAD")));
        let common = canonical("/a//%20b", &headers, "host", Rules::Common(b""));
        assert_eq!(common, Some(format!("GET\n/a/%2520b{end}{EMPTY}")));
        assert_eq!(canonical("/", &headers[..1], "host", Rules::S3), None, "no hash is named");
    }
}
