//! What requests may ask for beside their operation, and what of it is not done here: that is refused by name rather than
//! taken and forgotten.

use http::{Method, request::Parts};
use s3s::{S3Error, S3ErrorCode, dto::ETagCondition};

/// Headers that are not supported, whatever they say.
const HEADERS: [&str; 15] = [
    "if-modified-since",
    "if-unmodified-since",
    "x-amz-bypass-governance-retention",
    "x-amz-copy-source-if-match",
    "x-amz-copy-source-if-modified-since",
    "x-amz-copy-source-if-none-match",
    "x-amz-copy-source-if-unmodified-since",
    "x-amz-copy-source-range",
    "x-amz-expected-bucket-owner",
    "x-amz-mfa",
    "x-amz-server-side-encryption-aws-kms-key-id",
    "x-amz-tagging",
    "x-amz-tagging-directive",
    "x-amz-website-redirect-location",
    "x-amz-write-offset-bytes",
];
/// Beginnings of headers that are not supported.
const HEADER_PREFIXES: [&str; 3] = ["x-amz-grant-", "x-amz-object-lock-", "x-amz-server-side-encryption-customer-"];
/// Headers that may say one thing only: what is the case anyway.
const DEFAULTS: [(&str, &[&str]); 3] = [
    ("x-amz-acl", &["private", "bucket-owner-full-control"]),
    ("x-amz-storage-class", &["STANDARD"]),
    ("x-amz-server-side-encryption", &["AES256"]),
];
/// Parameters that are not supported.
const PARAMETERS: [&str; 2] = ["versionId", "partNumber"];

/// The error of a request that asks for what is not done; `None` when there is nothing of the kind.
pub(super) fn refuse(parts: &Parts) -> Option<S3Error> {
    let is_read = matches!(parts.method, Method::GET | Method::HEAD);
    for (name, value) in &parts.headers {
        let name = name.as_str();
        let is_refused = HEADERS.contains(&name)
            || HEADER_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
            || (!is_read && matches!(name, "if-match" | "if-none-match"));
        let is_other = DEFAULTS
            .iter()
            .any(|(default, values)| *default == name && !values.contains(&value.to_str().unwrap_or_default()));
        if is_refused || is_other {
            return Some(unsupported(&format!("the header {name}")));
        }
    }
    let query = parts.uri.query().unwrap_or_default();
    let mut names = query.split('&').map(|pair| pair.split('=').next().unwrap_or_default());
    // Parts have numbers when they are put.
    names
        .find(|name| PARAMETERS.contains(name) && (is_read || *name != "partNumber"))
        .map(|name| unsupported(&format!("the parameter {name}")))
}

/// What the embedded endpoint does not do.
pub(super) fn unsupported(what: &str) -> S3Error {
    S3Error::with_message(S3ErrorCode::NotImplemented, format!("Timebrook's S3 endpoint does not support {what}."))
}

/// Holds the conditions of a read against the object.
pub(super) fn check(
    etag: &str,
    if_match: Option<&ETagCondition>,
    if_none_match: Option<&ETagCondition>,
) -> Result<(), S3Error> {
    let matches = |condition: &ETagCondition| condition.as_etag().is_none_or(|given| given.value() == etag);
    if if_match.is_some_and(|condition| !matches(condition)) {
        return Err(S3ErrorCode::PreconditionFailed.into());
    }
    if if_none_match.is_some_and(matches) {
        return Err(S3ErrorCode::NotModified.into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::Request;

    fn check(method: &str, uri: &str, name: &str, value: &str, expect: Option<&str>) {
        let request = Request::builder().method(method).uri(uri).header(name, value).body(()).unwrap();
        let refused = refuse(&request.into_parts().0);
        let text = refused.as_ref().map(|error| error.message().unwrap_or_default());
        let expect = expect.map(|what| format!("Timebrook's S3 endpoint does not support {what}."));
        assert_eq!(text, expect.as_deref(), "{method} {uri} {name}: {value}");
    }

    #[test]
    fn what_is_not_done_is_refused() {
        check("PUT", "/b/k", "x-amz-tagging", "a=b", Some("the header x-amz-tagging"));
        check("PUT", "/b/k", "x-amz-acl", "public-read", Some("the header x-amz-acl"));
        check("PUT", "/b/k", "x-amz-acl", "private", None);
        check(
            "PUT",
            "/b/k",
            "x-amz-server-side-encryption",
            "aws:kms",
            Some("the header x-amz-server-side-encryption"),
        );
        check("PUT", "/b/k", "x-amz-server-side-encryption", "AES256", None);
        check("PUT", "/b/k", "if-none-match", "*", Some("the header if-none-match"));
        check("GET", "/b/k", "if-none-match", "\"x\"", None);
        check("GET", "/b/k?versionId=1", "accept", "*/*", Some("the parameter versionId"));
        check("PUT", "/b/k?partNumber=1&uploadId=2", "accept", "*/*", None);
    }
}
