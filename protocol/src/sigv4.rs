//! Who signed a request, and for where; and whether they really did.
//!
//! [`parse_authorization`] and [`parse_presigned`] take a credential at its word. A [`Signature`] is verified: what it must
//! be is computed from the request ([`Request`], by the [`Rules`] of its service) and the secret.

mod canonical;
mod signature;
#[cfg(test)]
mod vectors;

pub use canonical::{Request, Rules};
pub use signature::{Signature, SignatureError};

use std::borrow::Cow;

/// The access key and the scope of a signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credential<'a> {
    /// The access key's id.
    pub access_key_id: Cow<'a, str>,
    /// The day of the signature, `YYYYMMDD`.
    pub date: Cow<'a, str>,
    /// The region signed for, such as `us-east-1`.
    pub region: Cow<'a, str>,
    /// The service signed for, such as `timestream`.
    pub service: Cow<'a, str>,
}

impl Credential<'_> {
    /// The same credential, of texts of its own.
    #[must_use]
    pub fn into_owned(self) -> Credential<'static> {
        let own = |part: Cow<'_, str>| Cow::Owned(part.into_owned());
        Credential {
            access_key_id: own(self.access_key_id),
            date: own(self.date),
            region: own(self.region),
            service: own(self.service),
        }
    }
}

/// The algorithm of a signature. # guide: IAM, reference_sigv-create-signed-request.html
const ALGORITHM: &str = "AWS4-HMAC-SHA256";
/// The last part of every scope. # guide: IAM, reference_sigv-create-signed-request.html
const SCOPE_END: &str = "aws4_request";

/// The credential in an `Authorization` header, or None when it holds none that is whole.
#[must_use]
pub fn parse_authorization(header: &str) -> Option<Credential<'_>> {
    let parameters = header.trim().strip_prefix(ALGORITHM)?.strip_prefix([' ', '\t'])?;
    let value = parameters.split(',').find_map(|parameter| parameter.trim().strip_prefix("Credential="))?;
    parse_credential(value)
}

/// The credential in the query string of a presigned URL (`X-Amz-Credential`), or None when it holds none that is whole.
#[must_use]
pub fn parse_presigned(query: &str) -> Option<Credential<'static>> {
    let value = query.split('&').find_map(|parameter| parameter.strip_prefix("X-Amz-Credential="))?;
    let decoded = percent_decode(value)?;
    parse_credential(&decoded).map(Credential::into_owned)
}

/// `<access key id>/<date>/<region>/<service>/aws4_request`. Read from its end: the id may itself hold a slash.
fn parse_credential(value: &str) -> Option<Credential<'_>> {
    let mut parts = value.rsplitn(5, '/');
    let mut next = || parts.next().filter(|part| !part.is_empty());
    if next()? != SCOPE_END {
        return None;
    }
    let (service, region, date, access_key_id) = (next()?, next()?, next()?, next()?);
    Some(Credential {
        access_key_id: access_key_id.into(),
        date: date.into(),
        region: region.into(),
        service: service.into(),
    })
}

/// The text that `%XX` escapes stand for; None for a broken escape or what is not UTF-8.
fn percent_decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let mut digit = || char::from(rest.next()?).to_digit(16);
            let (high, low) = (digit()?, digit()?);
            bytes.push((high * 16 + low) as u8);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::{Credential, parse_authorization, parse_presigned};

    fn credential(parts: [&'static str; 4]) -> Option<Credential<'static>> {
        let [access_key_id, date, region, service] = parts.map(Into::into);
        Some(Credential { access_key_id, date, region, service })
    }

    #[test]
    fn the_header_names_key_and_scope() {
        let cases = [
            (
                "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/timestream/aws4_request, \
                 SignedHeaders=content-type;host;x-amz-date, Signature=5d67",
                credential(["AKIDEXAMPLE", "20150830", "us-east-1", "timestream"]),
            ),
            (
                "AWS4-HMAC-SHA256 SignedHeaders=host,Credential=a/b/20150830/eu-west-1/timestream/aws4_request,Signature=0",
                credential(["a/b", "20150830", "eu-west-1", "timestream"]),
            ),
            ("AWS4-HMAC-SHA256 Credential=/20150830/us-east-1/timestream/aws4_request", None),
            ("AWS4-HMAC-SHA256 Credential=AKID/20150830/us-east-1/timestream", None),
            ("AWS4-HMAC-SHA256 Credential=AKID/20150830/us-east-1/timestream/aws3_request", None),
            ("AWS4-HMAC-SHA256 Signature=00", None),
            ("AWS4-HMAC-SHA256", None),
            ("Basic dXNlcjpwYXNz", None),
            ("", None),
        ];
        for (header, expect) in cases {
            assert_eq!(parse_authorization(header), expect, "{header}");
        }
    }

    #[test]
    fn a_presigned_query_names_key_and_scope() {
        let expect = credential(["AKID", "20150830", "us-east-1", "timestream"]);
        let cases = [
            (
                "X-Amz-Algorithm=A&X-Amz-Credential=AKID%2F20150830%2Fus-east-1%2ftimestream%2Faws4_request&X-Amz-Date=1",
                expect.clone(),
            ),
            ("X-Amz-Credential=AKID/20150830/us-east-1/timestream/aws4_request", expect),
            ("X-Amz-Credential=AKID%2", None),
            ("X-Amz-Credential=%FF/20150830/us-east-1/timestream/aws4_request", None),
            ("X-Amz-Credential=%ZZ", None),
            ("Action=GetCallerIdentity", None),
            ("", None),
        ];
        for (query, expect) in cases {
            assert_eq!(parse_presigned(query), expect, "{query}");
        }
    }
}
