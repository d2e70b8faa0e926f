//! The embedded S3 endpoint: the buckets that UNLOAD, batch load and reports use, on the same port.
//!
//! The protocol is the crate s3s's; what stands behind it is [`Objects`]. Requests are in path style. Signatures are
//! verified before a request comes here ([`signature`]), where they are verified at all; checksums always are. What is not supported is refused by name.

mod body;
mod chunked;
mod conditions;
mod listing;
mod operations;
mod signature;

pub(crate) use signature::verify;

use super::{auth::Identity, http_body::AnyBody};
use crate::{api::Ctx, clock::Clock, outbound::objects::Objects};
use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, header, request::Parts};
use hyper::body::Body;
use s3s::{S3Error, S3ErrorCode, service::S3Service, service::S3ServiceBuilder, validation::NameValidation};
use std::{fmt::Display, sync::Arc};

/// Answers requests for objects.
pub(crate) struct S3 {
    service: S3Service,
    objects: Arc<Objects>,
    clock: Clock,
}

/// The region that a request is for.
#[derive(Clone, Debug)]
struct Region(Arc<str>);

impl S3 {
    pub(crate) fn new(objects: Arc<Objects>, clock: Clock) -> Self {
        let mut builder = S3ServiceBuilder::new(operations::Operations::new(objects.clone(), clock.clone()));
        builder.set_validation(AnyName);
        Self { service: builder.build(), objects, clock }
    }

    /// Answers a request.
    pub(crate) async fn answer<B>(&self, mut parts: Parts, body: B, ctx: &Ctx) -> Response<AnyBody>
    where
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Display,
    {
        let refused = match self.objects.endpoint() {
            Some(endpoint) => Some(elsewhere(endpoint)),
            None => conditions::refuse(&parts),
        };
        if let Some(error) = refused {
            return error_response(error);
        }
        let body = body::read(&mut parts, body, self.clock.clone());
        without_signature(&mut parts);
        parts.extensions.insert(Region(ctx.scope.region.clone()));
        match self.service.call(Request::from_parts(parts, body)).await {
            Ok(response) => response.map(AnyBody::pieces),
            Err(error) => {
                let source: Box<dyn std::error::Error + Send + Sync> = error.into();
                error_response(S3Error::with_source(S3ErrorCode::InternalError, source))
            }
        }
    }
}

/// Whether a request is for objects: it is signed for S3, or not signed at all and has the form of one.
pub(crate) fn is_for(parts: &Parts, identity: &Identity) -> bool {
    match identity.service.as_deref() {
        Some(service) => service == "s3",
        None => {
            let methods = [Method::GET, Method::HEAD, Method::PUT, Method::DELETE];
            let path = parts.uri.path();
            !parts.headers.contains_key("x-amz-target") && methods.contains(&parts.method) && names_bucket(path)
        }
    }
}

/// Whether a path begins with the name of a bucket, and not with one of the server's own addresses.
fn names_bucket(path: &str) -> bool {
    let first = path.trim_start_matches('/').split('/').next().unwrap_or_default();
    let is_name = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'.' | b'_');
    first.len() >= 3 && !first.starts_with(['_', '.']) && first.bytes().all(is_name) && path != "/health"
}

/// Names of buckets are judged where they are used, for every caller alike.
struct AnyName;

impl NameValidation for AnyName {
    fn validate_bucket_name(&self, _: &str) -> bool {
        true
    }
}

/// The request as one that nobody signed: what is signed would be verified, with a secret that is not known here.
fn without_signature(parts: &mut Parts) {
    parts.headers.remove(header::AUTHORIZATION);
    let Some(query) = parts.uri.query() else { return };
    let is_signature = |pair: &&str| {
        let name = pair.split('=').next().unwrap_or_default();
        ["AWSAccessKeyId", "Signature", "Expires"].contains(&name)
            || name.get(..6).is_some_and(|start| start.eq_ignore_ascii_case("X-Amz-"))
    };
    let kept: Vec<_> = query.split('&').filter(|pair| !is_signature(pair)).collect();
    let path = parts.uri.path();
    let changed = if kept.is_empty() { path.to_owned() } else { format!("{path}?{}", kept.join("&")) };
    if let Ok(uri) = changed.parse() {
        parts.uri = uri;
    }
}

fn elsewhere(endpoint: &str) -> S3Error {
    let text = format!(
        "This server keeps no objects: they are at {endpoint} (--s3-endpoint). Set AWS_ENDPOINT_URL_S3={endpoint} for \
         clients of S3."
    );
    S3Error::with_message(S3ErrorCode::NotImplemented, text)
}

/// The answer that an error is.
pub(crate) fn error_response(error: S3Error) -> Response<AnyBody> {
    let response = error.to_http_response().map(|response| response.map(AnyBody::pieces));
    response.unwrap_or_else(|_| {
        let mut response = Response::new(AnyBody::whole(Bytes::new()));
        *response.status_mut() = http::StatusCode::INTERNAL_SERVER_ERROR;
        response
    })
}

/// Puts the id of the request where clients of S3 look for it.
pub(crate) fn name_request(response: &mut Response<AnyBody>, id: &str) {
    if let Ok(id) = HeaderValue::from_str(id) {
        response.headers_mut().insert("x-amz-request-id", id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(method: &str, uri: &str, service: Option<&str>, expect: bool) {
        let (parts, ()) = Request::builder().method(method).uri(uri).body(()).unwrap().into_parts();
        let identity = Identity { scope: Default::default(), service: service.map(str::to_owned) };
        assert_eq!(is_for(&parts, &identity), expect, "{method} {uri} {service:?}");
    }

    #[test]
    fn requests_for_objects() {
        check("GET", "/", Some("s3"), true);
        check("POST", "/bucket?uploads", Some("s3"), true);
        check("GET", "/bucket/key", Some("timestream"), false);
        check("GET", "/bucket/key", None, true);
        check("GET", "/", None, false);
        check("POST", "/bucket", None, false);
        check("GET", "/_timebrook/state", None, false);
        check("GET", "/_localstack/health", None, false);
        check("GET", "/health", None, false);
    }

    #[test]
    fn signatures_are_taken_off() {
        let uri = "/b/k?versions&X-Amz-Signature=00&x-amz-date=1&prefix=a%20b&Signature=x";
        let request = Request::get(uri).header("authorization", "AWS4-HMAC-SHA256 …").body(()).unwrap();
        let (mut parts, ()) = request.into_parts();
        without_signature(&mut parts);
        assert_eq!(parts.uri, "/b/k?versions&prefix=a%20b");
        assert!(parts.headers.is_empty());
    }
}
