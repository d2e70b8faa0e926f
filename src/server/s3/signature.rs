//! Whether a request for objects is from whom it says it is. Who has credentials may use every bucket: policies on S3 are
//! not enforced.

use crate::server::{auth::Claim, http::Shared};
use http::{header, request::Parts};
use s3s::{S3Error, S3ErrorCode};
use timebrook_protocol::sigv4::{Rules, SignatureError};

/// What begins the name of a coding whose pieces are signed one by one. # guide of S3: sigv4-streaming.html
const SIGNED_PIECES: &str = "STREAMING-AWS4-";

/// Verifies the signature of a request, as far as that is asked. The body is compared with the hash in it as it arrives.
///
/// # Errors
/// Those of S3.
pub(crate) fn verify(shared: &Shared, claim: &Claim, parts: &Parts) -> Result<(), S3Error> {
    let verified = shared.auth.verify(claim, parts, Rules::S3, Some("s3"), shared.machine.now_ns());
    let is_presigned = !parts.headers.contains_key(header::AUTHORIZATION);
    verified.map_err(|error| match error {
        SignatureError::Missing | SignatureError::Incomplete(_) if is_of_version_2(parts) => old_version(),
        error => refusal(&error, is_presigned),
    })?;
    let payload = parts.headers.get("x-amz-content-sha256").and_then(|value| value.to_str().ok()).unwrap_or_default();
    if shared.auth.is_verified() && payload.starts_with(SIGNED_PIECES) {
        let text = format!(
            "Verifying bodies in pieces that are signed one by one ({payload}) is not implemented by Timebrook yet."
        );
        return Err(S3Error::with_message(S3ErrorCode::NotImplemented, text));
    }
    Ok(())
}

/// Whether the signature is of the version before this one. # guide of S3: RESTAuthentication.html
fn is_of_version_2(parts: &Parts) -> bool {
    let header = parts.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    match header {
        Some(header) => header.starts_with("AWS "),
        None => parts.uri.query().is_some_and(|query| query.split('&').any(|pair| pair.starts_with("AWSAccessKeyId="))),
    }
}

/// # observed: S3, where it takes only the newer version
fn old_version() -> S3Error {
    let text = "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.";
    S3Error::with_message(S3ErrorCode::InvalidRequest, text)
}

/// # guide of S3: ErrorResponses.html, the codes and texts
fn refusal(error: &SignatureError, is_presigned: bool) -> S3Error {
    let own = error.to_string();
    let (code, text) = match error {
        SignatureError::Missing => (S3ErrorCode::AccessDenied, "Access Denied"),
        SignatureError::Incomplete(_) | SignatureError::Scope(_) if is_presigned => {
            (S3ErrorCode::AuthorizationQueryParametersError, own.as_str())
        }
        SignatureError::Incomplete(_) | SignatureError::Scope(_) => {
            (S3ErrorCode::AuthorizationHeaderMalformed, own.as_str())
        }
        SignatureError::UnknownCredential => {
            (S3ErrorCode::InvalidAccessKeyId, "The AWS Access Key Id you provided does not exist in our records.")
        }
        SignatureError::NotSigned(_) => {
            (S3ErrorCode::AccessDenied, "There were headers present in the request which were not signed")
        }
        SignatureError::Expired(_) if is_presigned => (S3ErrorCode::AccessDenied, "Request has expired"),
        SignatureError::Expired(_) | SignatureError::NotYetCurrent(_) => (
            S3ErrorCode::RequestTimeTooSkewed,
            "The difference between the request time and the server's time is too large.",
        ),
        SignatureError::Mismatch => (
            S3ErrorCode::SignatureDoesNotMatch,
            "The request signature we calculated does not match the signature you provided. Check your key and signing \
             method.",
        ),
    };
    S3Error::with_message(code, text.to_owned())
}
