//! A request's signature: taken apart, and held against what it must be.
//!
//! Texts are those that other services on the same framework answer with (# sister services), unless marked.

use super::{
    ALGORITHM, Credential, SCOPE_END,
    canonical::{CONTENT_SHA256, Request, Rules, SIGNATURE_PARAMETER, canonical_request, hex_sha256, unescaped_form},
};
use crate::ErrorCode;
use aws_sigv4::sign::v4::{calculate_signature, generate_signing_key};
use aws_smithy_types::{DateTime, date_time::Format};
use http::{
    HeaderMap,
    header::{AUTHORIZATION, DATE, HOST},
};
use std::{
    fmt,
    time::{Duration, UNIX_EPOCH},
};
use subtle::ConstantTimeEq;

/// When the request was signed.
const AMZ_DATE: &str = "x-amz-date";
/// The token of temporary credentials.
const SECURITY_TOKEN: &str = "x-amz-security-token";
/// What begins the names of headers that must be signed. # guide: IAM, reference_sigv-create-signed-request.html
const AMZ_PREFIX: &str = "x-amz-";
/// Headers with such a name that need not be: some SDKs leave the one out, and some services want the other left out. A
/// false token is found out without a signature. # inferred
const UNSIGNED_ALLOWED: [&str; 2] = ["x-amz-user-agent", SECURITY_TOKEN];
/// Seconds that the clocks of client and server may differ.
const SKEW_SECONDS: u64 = 5 * 60;
/// The same for S3. # guide of S3: ErrorResponses.html, RequestTimeTooSkewed
const S3_SKEW_SECONDS: u64 = 15 * 60;
/// Seconds that a presigned URL may be good for. # guide of S3: sigv4-query-string-auth.html
const EXPIRES_SECONDS_MAX: u64 = 604_800;
/// Bytes of the longest region name.
const REGION_BYTES_MAX: usize = 32;
/// The last second of the year 9999.
const LAST_SECOND: u64 = 253_402_300_799;

/// Why a request is not from whom it says it is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// There is no signature.
    #[error("Missing Authentication Token")]
    Missing,
    /// Parts of the signature are not there, or are not what they must be; the whole text.
    #[error("{0}")]
    Incomplete(String),
    /// The access key is not known, or its session token is another one.
    #[error("The security token included in the request is invalid.")]
    UnknownCredential,
    /// The credential is for another region, service or day; the whole text.
    #[error("{0}")]
    Scope(String),
    /// A header that must be signed is not.
    #[error("{0} must be a 'SignedHeader' in the AWS Authorization.")]
    NotSigned(String),
    /// It was signed too long ago; the whole text.
    #[error("{0}")]
    Expired(String),
    /// It will be signed; the whole text.
    #[error("{0}")]
    NotYetCurrent(String),
    /// The signature is not that of this request with this key.
    #[error(
        "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key \
         and signing method. Consult the service documentation for details."
    )]
    Mismatch,
}

impl SignatureError {
    /// The error's name in the service's answer.
    #[must_use]
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::Missing => ErrorCode::MissingAuthenticationTokenException,
            Self::Incomplete(_) => ErrorCode::IncompleteSignatureException,
            Self::UnknownCredential => ErrorCode::UnrecognizedClientException,
            Self::Scope(_) | Self::NotSigned(_) | Self::Expired(_) | Self::NotYetCurrent(_) | Self::Mismatch => {
                ErrorCode::InvalidSignatureException
            }
        }
    }
}

/// The parts of a request's signature.
#[derive(Clone, PartialEq, Eq)]
pub struct Signature {
    credential: Credential<'static>,
    /// In lower case and in order.
    signed_headers: Vec<String>,
    digits: String,
    /// Seconds since the epoch.
    signed_at_s: u64,
    /// Seconds that a presigned URL is good for; `None` for a signature in a header.
    expires_s: Option<u64>,
    token: Option<String>,
}

/// Without the token, which is a secret.
impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signature").field("credential", &self.credential).finish_non_exhaustive()
    }
}

impl Signature {
    /// Takes a request's signature from its header or, when that is not there, from its query.
    ///
    /// # Errors
    /// [`SignatureError::Missing`], [`SignatureError::Incomplete`], and [`SignatureError::Scope`] for a credential that no
    /// service could take.
    pub fn of(request: &Request<'_>) -> Result<Self, SignatureError> {
        if let Some(header) = request.headers.get(AUTHORIZATION) {
            return Self::of_header(header.to_str().unwrap_or_default(), request.headers);
        }
        match request.query.filter(|query| parameter(query, SIGNATURE_PARAMETER).is_some()) {
            Some(query) => Self::of_query(query),
            None => Err(SignatureError::Missing),
        }
    }

    fn of_header(header: &str, headers: &HeaderMap) -> Result<Self, SignatureError> {
        let (algorithm, parameters) = header.trim().split_once([' ', '\t']).unwrap_or((header.trim(), ""));
        check_algorithm(algorithm)?;
        let parameter = |name: &str| {
            let mut pairs = parameters.split(',').filter_map(|pair| pair.trim().split_once('='));
            pairs.find_map(|(key, value)| (key == name).then_some(value.trim()))
        };
        let date = headers.get(AMZ_DATE).or_else(|| headers.get(DATE)).and_then(|value| value.to_str().ok());
        let mut missing = Vec::new();
        for name in ["Credential", "Signature", "SignedHeaders"] {
            if parameter(name).is_none_or(str::is_empty) {
                missing.push(format!("Authorization header requires '{name}' parameter."));
            }
        }
        if date.is_none() {
            let text = "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.";
            missing.push(text.to_owned());
        }
        let (Some(credential), Some(digits), Some(signed_headers), Some(date), []) =
            (parameter("Credential"), parameter("Signature"), parameter("SignedHeaders"), date, &missing[..])
        else {
            return Err(SignatureError::Incomplete(missing.join(" ")));
        };
        Ok(Self {
            credential: checked_credential(credential)?,
            signed_headers: header_names(signed_headers),
            digits: digits.to_owned(),
            signed_at_s: checked_moment(date)?,
            expires_s: None,
            token: headers.get(SECURITY_TOKEN).and_then(|value| value.to_str().ok()).map(str::to_owned),
        })
    }

    fn of_query(query: &str) -> Result<Self, SignatureError> {
        let required = |name: &str| {
            parameter(query, name).filter(|value| !value.is_empty()).ok_or_else(|| {
                // # inferred: in the words for the header
                SignatureError::Incomplete(format!("AWS query-string parameters must include '{name}'."))
            })
        };
        check_algorithm(&required("X-Amz-Algorithm")?)?;
        let expires = required("X-Amz-Expires")?;
        // # guide of S3: sigv4-query-string-auth.html gives the range; # inferred: the text
        let expires = expires.parse().ok().filter(|seconds| (1..=EXPIRES_SECONDS_MAX).contains(seconds));
        let expires = expires.ok_or_else(|| {
            SignatureError::Incomplete(format!("X-Amz-Expires must be a number from 1 to {EXPIRES_SECONDS_MAX}."))
        })?;
        Ok(Self {
            credential: checked_credential(&required("X-Amz-Credential")?)?,
            signed_headers: header_names(&required("X-Amz-SignedHeaders")?),
            digits: required(SIGNATURE_PARAMETER)?,
            signed_at_s: checked_moment(&required("X-Amz-Date")?)?,
            expires_s: Some(expires),
            token: parameter(query, "X-Amz-Security-Token"),
        })
    }

    /// Whose signature it claims to be, and for where.
    #[must_use]
    pub fn credential(&self) -> &Credential<'static> {
        &self.credential
    }

    /// Holds the scope against what it must be, and sees that nothing a service acts on is left unsigned. No secret is
    /// needed for this. `service` is the one that is meant, `None` for any.
    ///
    /// # Errors
    /// [`SignatureError::Scope`], [`SignatureError::NotSigned`], [`SignatureError::Incomplete`].
    pub fn check_form(&self, request: &Request<'_>, service: Option<&str>) -> Result<(), SignatureError> {
        let Credential { date, region, service: scope_service, .. } = &self.credential;
        let is_region = (1..=REGION_BYTES_MAX).contains(&region.len())
            && region.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
        if !is_region {
            return Err(SignatureError::Scope("Credential should be scoped to a valid region. ".to_owned()));
        }
        if let Some(service) = service.filter(|service| service != scope_service) {
            let text = format!("Credential should be scoped to correct service: '{service}'. ");
            return Err(SignatureError::Scope(text));
        }
        let signed_at = iso_basic(self.signed_at_s);
        if **date != signed_at[..8] {
            return Err(SignatureError::Scope(format!(
                "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '{date}' != \
                 '{}', from '{signed_at}'.",
                &signed_at[..8]
            )));
        }
        self.check_signed_headers(request)
    }

    fn check_signed_headers(&self, request: &Request<'_>) -> Result<(), SignatureError> {
        let is_signed = |name: &str| self.signed_headers.iter().any(|signed| signed == name);
        if !is_signed(HOST.as_str()) {
            return Err(SignatureError::NotSigned("'Host' or ':authority'".to_owned()));
        }
        let headers = request.headers;
        if self.expires_s.is_none() && !headers.contains_key(AMZ_DATE) && !is_signed(DATE.as_str()) {
            return Err(SignatureError::NotSigned("'Date'".to_owned()));
        }
        let names = headers.keys().map(http::HeaderName::as_str).filter(|name| name.starts_with(AMZ_PREFIX));
        match names.filter(|name| !UNSIGNED_ALLOWED.contains(name)).find(|name| !is_signed(name)) {
            Some(name) => Err(SignatureError::NotSigned(format!("'{name}'"))),
            None => Ok(()),
        }
    }

    /// Sees that the signature is neither too old nor from the future; `now_s` is in seconds since the epoch. A presigned
    /// URL is good for as long as it says, however often it is used.
    ///
    /// # Errors
    /// [`SignatureError::Expired`], [`SignatureError::NotYetCurrent`].
    pub fn check_time(&self, now_s: u64, rules: Rules<'_>) -> Result<(), SignatureError> {
        let skew_s = if rules == Rules::S3 { S3_SKEW_SECONDS } else { SKEW_SECONDS };
        let valid_s = self.expires_s.unwrap_or(skew_s);
        let (signed_at, now) = (iso_basic(self.signed_at_s), iso_basic(now_s));
        if self.signed_at_s.saturating_add(valid_s) < now_s {
            let bound = iso_basic(now_s - valid_s);
            let text =
                format!("Signature expired: {signed_at} is now earlier than {bound} ({now} - {}.)", span(valid_s));
            return Err(SignatureError::Expired(text));
        }
        if self.signed_at_s > now_s.saturating_add(skew_s) {
            let bound = iso_basic(now_s.saturating_add(skew_s));
            let text = format!(
                "Signature not yet current: {signed_at} is still later than {bound} ({now} + {}.)",
                span(skew_s)
            );
            return Err(SignatureError::NotYetCurrent(text));
        }
        Ok(())
    }

    /// Sees that the session token is the credential's own, in a time that does not depend on where they differ.
    ///
    /// # Errors
    /// [`SignatureError::UnknownCredential`].
    pub fn check_token(&self, token: Option<&str>) -> Result<(), SignatureError> {
        let is_same = match (&self.token, token) {
            (None, None) => true,
            (Some(given), Some(known)) => given.as_bytes().ct_eq(known.as_bytes()).into(),
            _ => false,
        };
        if is_same { Ok(()) } else { Err(SignatureError::UnknownCredential) }
    }

    /// Computes the signature of the request and compares, in a time that does not depend on where they differ.
    ///
    /// # Errors
    /// [`SignatureError::Mismatch`]; [`SignatureError::Incomplete`] when S3 is not told the body's hash.
    pub fn check_digits(&self, request: &Request<'_>, rules: Rules<'_>, secret: &str) -> Result<(), SignatureError> {
        let is_presigned = self.expires_s.is_some();
        if rules == Rules::S3 && !is_presigned && !request.headers.contains_key(CONTENT_SHA256) {
            let text = "Missing required header for this request: x-amz-content-sha256";
            return Err(SignatureError::Incomplete(text.to_owned()));
        }
        let canonical = canonical_request(request, &self.signed_headers, rules, is_presigned);
        let canonical = canonical.ok_or(SignatureError::Mismatch)?;
        let digits = self.digits_of(&canonical, secret);
        if digits.as_bytes().ct_eq(self.digits.as_bytes()).into() { Ok(()) } else { Err(SignatureError::Mismatch) }
    }

    fn digits_of(&self, canonical: &[u8], secret: &str) -> String {
        let Credential { date, region, service, .. } = &self.credential;
        let string_to_sign = format!(
            "{ALGORITHM}\n{}\n{date}/{region}/{service}/{SCOPE_END}\n{}",
            iso_basic(self.signed_at_s),
            hex_sha256(canonical)
        );
        // Only its day counts. The date in the scope is the same one: see `check_form`.
        let day = UNIX_EPOCH + Duration::from_secs(self.signed_at_s);
        calculate_signature(generate_signing_key(secret, day, region, service), string_to_sign.as_bytes())
    }
}

fn check_algorithm(algorithm: &str) -> Result<(), SignatureError> {
    if algorithm == ALGORITHM {
        return Ok(());
    }
    Err(SignatureError::Incomplete(format!("Unsupported AWS 'algorithm': '{}'.", shown(algorithm))))
}

fn checked_credential(text: &str) -> Result<Credential<'static>, SignatureError> {
    match super::parse_credential(text) {
        Some(credential) => Ok(credential.into_owned()),
        None => Err(SignatureError::Incomplete(format!(
            "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got '{}'.",
            shown(text)
        ))),
    }
}

/// What a client sent, as far as it is repeated to it.
fn shown(text: &str) -> &str {
    &text[..text.floor_char_boundary(120)]
}

fn header_names(list: &str) -> Vec<String> {
    let mut names: Vec<String> = list.split(';').map(|name| name.trim().to_ascii_lowercase()).collect();
    names.sort();
    names
}

/// The unescaped value of the first parameter of that name.
fn parameter(query: &str, name: &str) -> Option<String> {
    let mut pairs = query.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    let (_, value) = pairs.find(|(key, _)| unescaped_form(key) == name.as_bytes())?;
    String::from_utf8(unescaped_form(value)).ok()
}

fn checked_moment(text: &str) -> Result<u64, SignatureError> {
    moment(text).ok_or_else(|| {
        let text = shown(text);
        SignatureError::Incomplete(format!("Date must be in ISO-8601 'basic format'. Got '{text}'."))
    })
}

/// Seconds since the epoch of `20150830T123600Z` or of a date in the form of HTTP.
fn moment(text: &str) -> Option<u64> {
    let text = text.trim();
    let is_basic = text.len() == 16
        && text.bytes().enumerate().all(|(i, byte)| match i {
            8 => byte == b'T',
            15 => byte == b'Z',
            _ => byte.is_ascii_digit(),
        });
    let parsed = if is_basic {
        let part = |from: usize, to: usize| &text[from..to];
        let (day, time) = ([part(0, 4), part(4, 6), part(6, 8)].join("-"), [part(9, 11), part(11, 13), part(13, 15)]);
        DateTime::from_str(&format!("{day}T{}Z", time.join(":")), Format::DateTime)
    } else {
        DateTime::from_str(text, Format::HttpDate)
    };
    parsed.ok().and_then(|moment| u64::try_from(moment.secs()).ok()).filter(|seconds| *seconds <= LAST_SECOND)
}

/// `20150830T123600Z`.
fn iso_basic(seconds: u64) -> String {
    let moment = DateTime::from_secs(i64::try_from(seconds.min(LAST_SECOND)).unwrap_or_default());
    let text = moment.fmt(Format::DateTime).unwrap_or_default();
    text.replace(['-', ':'], "")
}

/// `5 min`, or `90 sec` where it is no number of minutes. # sister services; # inferred: the seconds
fn span(seconds: u64) -> String {
    match seconds % 60 {
        0 => format!("{} min", seconds / 60),
        _ => format!("{seconds} sec"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_credential_types::Credentials;
    use aws_sigv4::{
        http_request::{PayloadChecksumKind, SignableBody, SignableRequest, SignatureLocation, SigningSettings, sign},
        sign::v4,
    };

    /// 2015-08-30 12:36:00 UTC.
    const NOW_S: u64 = 1_440_938_160;
    const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
    const BODY: &[u8] = br#"{"DatabaseName":"db"}"#;

    type Signed = http::Request<Vec<u8>>;

    /// A request for an operation, signed by the SDKs' own signer.
    fn signed(location: SignatureLocation, token: Option<&str>) -> Signed {
        let mut request = http::Request::post("http://localhost:4566/?a=b%20c")
            .header("host", "localhost:4566")
            .header("x-amz-target", "Timestream_20181101.ListTables")
            .header("content-type", "application/x-amz-json-1.0")
            .body(BODY.to_vec())
            .unwrap();
        let identity = Credentials::new("AKIDEXAMPLE", SECRET, token.map(str::to_owned), None, "test").into();
        let mut settings = SigningSettings::default();
        settings.signature_location = location;
        settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
        settings.expires_in = (location == SignatureLocation::QueryParams).then_some(Duration::from_secs(900));
        let params = v4::SigningParams::builder()
            .identity(&identity)
            .region("eu-west-1")
            .name("timestream")
            .time(UNIX_EPOCH + Duration::from_secs(NOW_S))
            .settings(settings)
            .build()
            .unwrap();
        let headers: Vec<(String, String)> = request
            .headers()
            .iter()
            .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
            .collect();
        let signable = SignableRequest::new(
            "POST",
            request.uri().to_string(),
            headers.iter().map(|(name, value)| (name.as_str(), value.as_str())),
            SignableBody::Bytes(BODY),
        );
        let (instructions, _) = sign(signable.unwrap(), &params.into()).unwrap().into_parts();
        instructions.apply_to_request_http1x(&mut request);
        request
    }

    fn in_header() -> Signed {
        signed(SignatureLocation::Headers, None)
    }

    fn in_query() -> Signed {
        signed(SignatureLocation::QueryParams, None)
    }

    fn view(request: &Signed) -> Request<'_> {
        Request {
            method: request.method().as_str(),
            path: request.uri().path(),
            query: request.uri().query(),
            headers: request.headers(),
            authority: None,
        }
    }

    fn verify(request: &Signed, now_s: u64, token: Option<&str>) -> Result<(), SignatureError> {
        let (view, rules) = (view(request), Rules::Common(request.body()));
        let signature = Signature::of(&view)?;
        signature.check_form(&view, Some("timestream"))?;
        signature.check_time(now_s, rules)?;
        signature.check_token(token)?;
        signature.check_digits(&view, rules, SECRET)
    }

    fn check(request: Signed, expect: Result<(), &str>) {
        let outcome = verify(&request, NOW_S, None).map_err(|error| error.to_string());
        assert_eq!(outcome, expect.map_err(str::to_owned));
    }

    /// The request with its header `name` changed.
    fn with_header(mut request: Signed, name: &'static str, change: impl FnOnce(&str) -> String) -> Signed {
        let old = request.headers().get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default();
        request.headers_mut().insert(name, change(&old).parse().unwrap());
        request
    }

    fn without_header(mut request: Signed, name: &str) -> Signed {
        assert!(request.headers_mut().remove(name).is_some(), "{name}");
        request
    }

    /// The request with a part of its address changed.
    fn with_uri(mut request: Signed, from: &str, to: &str) -> Signed {
        let uri = request.uri().to_string();
        assert!(uri.contains(from), "{from} in {uri}");
        *request.uri_mut() = uri.replacen(from, to, 1).parse().unwrap();
        request
    }

    /// # observed: ODBC's troubleshooting guide
    const MISMATCH: &str = "The request signature we calculated does not match the signature you provided. Check your AWS \
                            Secret Access Key and signing method. Consult the service documentation for details.";

    #[test]
    fn what_the_sdks_sign_is_verified() {
        check(in_header(), Ok(()));
        check(in_query(), Ok(()));
        let token = "a+token/with=signs";
        for location in [SignatureLocation::Headers, SignatureLocation::QueryParams] {
            let request = signed(location, Some(token));
            assert_eq!(verify(&request, NOW_S, Some(token)), Ok(()));
            assert_eq!(verify(&request, NOW_S, Some("another")), Err(SignatureError::UnknownCredential));
            assert_eq!(verify(&request, NOW_S, None), Err(SignatureError::UnknownCredential));
        }
        assert_eq!(verify(&in_header(), NOW_S, Some(token)), Err(SignatureError::UnknownCredential));
    }

    #[test]
    fn another_secret_is_found_out() {
        let request = in_header();
        let (view, rules) = (view(&request), Rules::Common(BODY));
        let signature = Signature::of(&view).unwrap();
        assert_eq!(signature.check_digits(&view, rules, SECRET), Ok(()));
        assert_eq!(signature.check_digits(&view, rules, "another"), Err(SignatureError::Mismatch));
        assert_eq!(signature.check_digits(&view, rules, ""), Err(SignatureError::Mismatch));
    }

    #[test]
    fn whatever_is_changed_is_found_out() {
        for make in [in_header, in_query] {
            let mut body = make();
            body.body_mut()[3] ^= 1;
            check(body, Err(MISMATCH));
            let mut emptied = make();
            emptied.body_mut().clear();
            check(emptied, Err(MISMATCH));
            check(with_header(make(), "x-amz-target", |_| "Timestream_20181101.DeleteTable".to_owned()), Err(MISMATCH));
            check(with_header(make(), "content-type", |_| "application/json".to_owned()), Err(MISMATCH));
            check(with_header(make(), "host", |_| "localhost:4567".to_owned()), Err(MISMATCH));
            check(without_header(make(), "x-amz-target"), Err(MISMATCH));
            check(with_uri(make(), "/?", "/x?"), Err(MISMATCH));
            check(with_uri(make(), "b%20c", "b%20d"), Err(MISMATCH));
            let mut method = make();
            *method.method_mut() = http::Method::PUT;
            check(method, Err(MISMATCH));
            let mut twice = make();
            twice.headers_mut().append("x-amz-target", "Timestream_20181101.Query".parse().unwrap());
            check(twice, Err(MISMATCH));
        }
        let flipped = |old: &str| if old.ends_with('0') { "1" } else { "0" };
        let change = |old: &str| format!("{}{}", &old[..old.len() - 1], flipped(old));
        check(with_header(in_header(), "authorization", change), Err(MISMATCH));
        check(with_header(in_header(), "authorization", |old| old[..old.len() - 1].to_owned()), Err(MISMATCH));
        let region = |old: &str| old.replace("eu-west-1", "us-east-1");
        check(with_header(in_header(), "authorization", region), Err(MISMATCH));
        let fewer = |old: &str| old.replace("content-type;", "");
        check(with_header(in_header(), "authorization", fewer), Err(MISMATCH));
        check(with_uri(in_query(), "X-Amz-Expires=900", "X-Amz-Expires=901"), Err(MISMATCH));
        check(with_uri(in_query(), "eu-west-1", "us-east-1"), Err(MISMATCH));
    }

    #[test]
    fn headers_that_must_be_signed() {
        let unsigned = |name: &'static str| {
            with_header(in_header(), "authorization", move |old| {
                assert!(old.contains(name), "{name} in {old}");
                old.replacen(&format!(";{name}"), "", 1).replacen(&format!("{name};"), "", 1)
            })
        };
        let must = |name: &str| format!("{name} must be a 'SignedHeader' in the AWS Authorization.");
        check(unsigned("host"), Err(&must("'Host' or ':authority'")));
        check(unsigned("x-amz-date"), Err(&must("'x-amz-date'")));
        check(unsigned("x-amz-target"), Err(&must("'x-amz-target'")));
        check(unsigned("x-amz-content-sha256"), Err(&must("'x-amz-content-sha256'")));
        check(with_header(in_header(), "x-amz-new", |_| "1".to_owned()), Err(&must("'x-amz-new'")));
        check(with_header(in_query(), "x-amz-new", |_| "1".to_owned()), Err(&must("'x-amz-new'")));
        check(with_header(in_header(), "x-amz-user-agent", |_| "browser".to_owned()), Ok(()));
        check(with_header(in_header(), "x-amzn-trace-id", |_| "1".to_owned()), Ok(()));
        check(with_header(in_header(), "user-agent", |_| "proxy".to_owned()), Ok(()));
    }

    #[test]
    fn http_2_has_an_authority_instead_of_a_host() {
        let request = without_header(in_header(), "host");
        let mut view = view(&request);
        let signature = Signature::of(&view).unwrap();
        let rules = Rules::Common(BODY);
        assert_eq!(signature.check_digits(&view, rules, SECRET), Err(SignatureError::Mismatch));
        view.authority = Some("localhost:4566");
        assert_eq!(signature.check_form(&view, None), Ok(()));
        assert_eq!(signature.check_digits(&view, rules, SECRET), Ok(()));
        view.authority = Some("localhost:1");
        assert_eq!(signature.check_digits(&view, rules, SECRET), Err(SignatureError::Mismatch));
    }

    #[test]
    fn times_are_held_against_the_clock() {
        // # sister services
        let header = |now_s: u64| verify(&in_header(), now_s, None).map_err(|error| error.to_string());
        for good_s in [NOW_S - 300, NOW_S, NOW_S + 300] {
            assert_eq!(header(good_s), Ok(()));
        }
        let expect =
            "Signature expired: 20150830T123600Z is now earlier than 20150830T123601Z (20150830T124101Z - 5 min.)";
        assert_eq!(header(NOW_S + 301), Err(expect.to_owned()));
        let expect = "Signature not yet current: 20150830T123600Z is still later than 20150830T123559Z (20150830T123059Z + 5 min.)";
        assert_eq!(header(NOW_S - 301), Err(expect.to_owned()));
        assert!(header(0).is_err());
        assert!(header(u64::MAX).is_err());

        let presigned = |now_s: u64| verify(&in_query(), now_s, None).map_err(|error| error.to_string());
        assert_eq!(presigned(NOW_S + 900), Ok(()), "and however often");
        assert_eq!(presigned(NOW_S + 900), Ok(()));
        let expect =
            "Signature expired: 20150830T123600Z is now earlier than 20150830T123601Z (20150830T125101Z - 15 min.)";
        assert_eq!(presigned(NOW_S + 901), Err(expect.to_owned()));
        assert!(presigned(NOW_S - 301).is_err());
        let s3 = Signature::of(&view(&in_header())).unwrap();
        assert_eq!(s3.check_time(NOW_S + 900, Rules::S3), Ok(()));
        assert!(s3.check_time(NOW_S + 901, Rules::S3).is_err());
    }

    #[test]
    fn scopes_are_held_against_the_service() {
        let request = in_header();
        let view = view(&request);
        let signature = Signature::of(&view).unwrap();
        assert_eq!(signature.check_form(&view, None), Ok(()));
        let error = signature.check_form(&view, Some("sts")).unwrap_err();
        assert_eq!(error.to_string(), "Credential should be scoped to correct service: 'sts'. ");
        check(
            with_header(request.clone(), "authorization", |old| old.replace("eu-west-1", "Europe")),
            Err("Credential should be scoped to a valid region. "),
        );
        check(
            with_header(request, "authorization", |old| old.replace("/20150830/", "/20150831/")),
            Err(
                "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '20150831' != \
                 '20150830', from '20150830T123600Z'.",
            ),
        );
    }

    #[test]
    fn what_is_not_whole_says_what_it_lacks() {
        let authorization = |value: &str| {
            let value = value.to_owned();
            with_header(in_header(), "authorization", |_| value)
        };
        check(without_header(in_header(), "authorization"), Err("Missing Authentication Token"));
        check(with_uri(in_query(), "X-Amz-Signature", "X-Amz-Other"), Err("Missing Authentication Token"));
        check(authorization("Basic dXNlcjpwYXNz"), Err("Unsupported AWS 'algorithm': 'Basic'."));
        check(authorization(""), Err("Unsupported AWS 'algorithm': ''."));
        check(authorization("AWS4-HMAC-SHA512 Credential=a"), Err("Unsupported AWS 'algorithm': 'AWS4-HMAC-SHA512'."));
        check(
            authorization("AWS4-HMAC-SHA256 Credential=a/20150830/eu-west-1/timestream/aws4_request"),
            Err("Authorization header requires 'Signature' parameter. Authorization header requires 'SignedHeaders' \
                 parameter."),
        );
        check(
            without_header(authorization("AWS4-HMAC-SHA256"), "x-amz-date"),
            Err(
                "Authorization header requires 'Credential' parameter. Authorization header requires 'Signature' parameter. \
                 Authorization header requires 'SignedHeaders' parameter. Authorization header requires existence of either \
                 a 'X-Amz-Date' or a 'Date' header.",
            ),
        );
        check(
            authorization("AWS4-HMAC-SHA256 Credential=a/b, SignedHeaders=host, Signature=0"),
            Err(
                "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got 'a/b'.",
            ),
        );
        check(
            with_header(in_header(), "x-amz-date", |_| "2015-08-30".to_owned()),
            Err("Date must be in ISO-8601 'basic format'. Got '2015-08-30'."),
        );
        for (name, missing) in [
            ("X-Amz-Algorithm", "AWS query-string parameters must include 'X-Amz-Algorithm'."),
            ("X-Amz-Credential", "AWS query-string parameters must include 'X-Amz-Credential'."),
            ("X-Amz-Date", "AWS query-string parameters must include 'X-Amz-Date'."),
            ("X-Amz-Expires", "AWS query-string parameters must include 'X-Amz-Expires'."),
            ("X-Amz-SignedHeaders", "AWS query-string parameters must include 'X-Amz-SignedHeaders'."),
        ] {
            check(with_uri(in_query(), name, "other"), Err(missing));
        }
        for expires in ["0", "604801", "-1", "x", "99999999999999999999"] {
            let to = format!("X-Amz-Expires={expires}");
            let request = with_uri(in_query(), "X-Amz-Expires=900", &to);
            check(request, Err("X-Amz-Expires must be a number from 1 to 604800."));
        }
    }

    #[test]
    fn moments() {
        let cases = [
            ("20150830T123600Z", Some(NOW_S)),
            ("Sun, 30 Aug 2015 12:36:00 GMT", Some(NOW_S)),
            ("19700101T000000Z", Some(0)),
            ("99991231T235959Z", Some(LAST_SECOND)),
            ("19691231T235959Z", None),
            ("20150230T000000Z", None),
            ("20150830T126000Z", None),
            ("20150830T123600", None),
            ("20150830T123600+", None),
            ("2015083\u{665}T12360Z", None),
            ("", None),
        ];
        for (text, expect) in cases {
            assert_eq!(moment(text), expect, "{text}");
        }
        assert_eq!(iso_basic(NOW_S), "20150830T123600Z");
        assert_eq!(iso_basic(u64::MAX), "99991231T235959Z");
    }

    #[test]
    fn tokens_are_not_printed() {
        let request = signed(SignatureLocation::Headers, Some("very secret"));
        let text = format!("{:?}", Signature::of(&view(&request)).unwrap());
        assert!(text.contains("AKIDEXAMPLE") && !text.contains("secret"), "{text}");
    }
}
