//! What a request is answered with, before it becomes an HTTP response.

use bytes::Bytes;
use http::StatusCode;
use serde_json::json;
use std::error::Error;
use timebrook_protocol::ServiceError;

pub(crate) const AWS_JSON: &str = "application/x-amz-json-1.0";
pub(crate) const JSON: &str = "application/json";
pub(crate) const XML: &str = "text/xml";
pub(crate) const TEXT: &str = "text/plain; charset=utf-8";
pub(crate) const PEM: &str = "application/x-pem-file";

/// An answer and what the log says about it.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) content_type: &'static str,
    pub(crate) body: Bytes,
    /// The connection is in no state to carry another request.
    pub(crate) close: bool,
    /// It is not given at all: the connection ends instead.
    pub(crate) is_lost: bool,
    /// The error's name, for the log.
    pub(crate) error: Option<String>,
    /// What was behind it, for the log only.
    pub(crate) cause: Option<String>,
}

impl Reply {
    /// Status 200.
    pub(crate) fn ok(content_type: &'static str, body: impl Into<Bytes>) -> Self {
        Self {
            status: StatusCode::OK,
            content_type,
            body: body.into(),
            close: false,
            is_lost: false,
            error: None,
            cause: None,
        }
    }

    /// An error that is no modelled error of the service: one of HTTP, or one about another service.
    pub(crate) fn refusal(status: StatusCode, name: &str, message: &str) -> Self {
        let body = json!({"__type": name, "message": message}).to_string();
        Self::error(status, AWS_JSON, name, body)
    }

    /// An error with a body of its own.
    pub(crate) fn error(status: StatusCode, content_type: &'static str, name: &str, body: impl Into<Bytes>) -> Self {
        Self { status, error: Some(name.to_owned()), ..Self::ok(content_type, body) }
    }

    /// No answer: the connection ends. In process, where there is none, the answer is an error that says so.
    pub(crate) fn lost() -> Self {
        let name = "ConnectionDropped";
        let text = "A fault that was asked for drops the connection here.";
        Self { is_lost: true, ..Self::refusal(StatusCode::SERVICE_UNAVAILABLE, name, text) }
    }

    /// The same, and the connection is closed after it.
    pub(crate) fn closing(self) -> Self {
        Self { close: true, ..self }
    }
}

impl From<ServiceError> for Reply {
    fn from(error: ServiceError) -> Self {
        let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let reply = Self::error(status, AWS_JSON, error.code.name(), error.body());
        Self { cause: error.source.as_deref().map(|cause| causes(cause)), ..reply }
    }
}

/// An error and everything behind it, in one line.
fn causes(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        next = cause.source();
    }
    text
}
