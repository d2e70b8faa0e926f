//! Answers that are errors.

use std::{error::Error, fmt};

use serde::{Serialize, Serializer, ser::SerializeMap};

/// The name of an error, as clients test for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ErrorCode {
    /// The caller may not do this.
    AccessDeniedException,
    /// The resource exists already, or is not in a state for this.
    ConflictException,
    /// The server failed.
    InternalServerException,
    /// The endpoint is not valid for the request: SDKs discover it anew.
    InvalidEndpointException,
    /// The query failed while it ran.
    QueryExecutionException,
    /// Some records were not written.
    RejectedRecordsException,
    /// The resource does not exist.
    ResourceNotFoundException,
    /// A quota of the account is exhausted.
    ServiceQuotaExceededException,
    /// Too many requests.
    ThrottlingException,
    /// The request is not valid, as the service's own logic finds.
    ValidationException,
    /// The request violates a constraint of the model. The same name as [`Self::ValidationException`], but thrown by the
    /// framework in front of the service.
    CoralValidation,
    /// The target names no operation.
    UnknownOperationException,
    /// The body cannot be decoded.
    SerializationException,
    /// The request is not signed.
    MissingAuthenticationTokenException,
    /// The access key is not known.
    UnrecognizedClientException,
    /// The signature is not the right one.
    InvalidSignatureException,
    /// The session's credentials have expired.
    ExpiredTokenException,
    /// The authorization header lacks a part.
    IncompleteSignatureException,
}

/// Namespace of the service's own exceptions. # guide: APITimestreamSpecificErrors, # observed
const SERVICE_NAMESPACE: &str = "com.amazonaws.timestream.v20181101";
/// Namespace of what the framework in front of the service throws. # observed
const FRAMEWORK_NAMESPACE: &str = "com.amazon.coral.service";
/// Namespace of constraint violations. # observed
const VALIDATION_NAMESPACE: &str = "com.amazon.coral.validate";

impl ErrorCode {
    /// Every code.
    pub const ALL: [Self; 18] = [
        Self::AccessDeniedException,
        Self::ConflictException,
        Self::InternalServerException,
        Self::InvalidEndpointException,
        Self::QueryExecutionException,
        Self::RejectedRecordsException,
        Self::ResourceNotFoundException,
        Self::ServiceQuotaExceededException,
        Self::ThrottlingException,
        Self::ValidationException,
        Self::CoralValidation,
        Self::UnknownOperationException,
        Self::SerializationException,
        Self::MissingAuthenticationTokenException,
        Self::UnrecognizedClientException,
        Self::InvalidSignatureException,
        Self::ExpiredTokenException,
        Self::IncompleteSignatureException,
    ];

    /// The name on the wire, without its namespace.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::AccessDeniedException => "AccessDeniedException",
            Self::ConflictException => "ConflictException",
            Self::InternalServerException => "InternalServerException",
            Self::InvalidEndpointException => "InvalidEndpointException",
            Self::QueryExecutionException => "QueryExecutionException",
            Self::RejectedRecordsException => "RejectedRecordsException",
            Self::ResourceNotFoundException => "ResourceNotFoundException",
            Self::ServiceQuotaExceededException => "ServiceQuotaExceededException",
            Self::ThrottlingException => "ThrottlingException",
            Self::ValidationException | Self::CoralValidation => "ValidationException",
            Self::UnknownOperationException => "UnknownOperationException",
            Self::SerializationException => "SerializationException",
            Self::MissingAuthenticationTokenException => "MissingAuthenticationTokenException",
            Self::UnrecognizedClientException => "UnrecognizedClientException",
            Self::InvalidSignatureException => "InvalidSignatureException",
            Self::ExpiredTokenException => "ExpiredTokenException",
            Self::IncompleteSignatureException => "IncompleteSignatureException",
        }
    }

    /// The HTTP status.
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            // # guide: APITimestreamSpecificErrors (the pages of the operations print 400 for all); 404, 419 and 429
            // are # observed
            Self::ServiceQuotaExceededException => 402,
            Self::AccessDeniedException => 403,
            Self::ResourceNotFoundException => 404,
            Self::ConflictException => 409,
            Self::RejectedRecordsException => 419,
            Self::InvalidEndpointException => 421,
            Self::ThrottlingException => 429,
            Self::InternalServerException => 500,
            Self::QueryExecutionException | Self::ValidationException => 400,
            // # observed
            Self::CoralValidation => 400,
            Self::UnknownOperationException => 404,
            Self::InvalidSignatureException => 403,
            // # sister services
            Self::SerializationException
            | Self::MissingAuthenticationTokenException
            | Self::UnrecognizedClientException
            | Self::ExpiredTokenException
            | Self::IncompleteSignatureException => 400,
        }
    }

    /// The namespace that precedes the name in `__type`.
    #[must_use]
    pub const fn namespace(self) -> &'static str {
        match self {
            Self::CoralValidation => VALIDATION_NAMESPACE,
            Self::UnknownOperationException
            | Self::SerializationException
            | Self::MissingAuthenticationTokenException
            | Self::UnrecognizedClientException
            | Self::InvalidSignatureException
            | Self::ExpiredTokenException
            | Self::IncompleteSignatureException => FRAMEWORK_NAMESPACE,
            _ => SERVICE_NAMESPACE,
        }
    }

    /// The key of the message, as this error is seen to spell it.
    const fn message_key(self) -> &'static str {
        match self {
            // # observed: an SDK that read only `Message` printed nothing for it. # sister services for the others
            Self::CoralValidation
            | Self::MissingAuthenticationTokenException
            | Self::UnrecognizedClientException
            | Self::InvalidSignatureException
            | Self::ExpiredTokenException
            | Self::IncompleteSignatureException => "message",
            // # model for the service's exceptions, # sister services for SerializationException
            _ => "Message",
        }
    }

    /// Whether the error leaves out its message when it has none, as the framework does. # observed
    const fn omits_empty_message(self) -> bool {
        matches!(self, Self::UnknownOperationException | Self::SerializationException)
    }
}

/// A record that was not written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct RejectedRecord {
    /// The position in the request, from 0. # observed
    pub record_index: i32,
    /// Why.
    pub reason: String,
    /// The stored version, only where it is higher than the request's. # observed
    #[serde(skip_serializing_if = "Option::is_none")]
    pub existing_version: Option<i64>,
}

/// What an error carries besides its message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Detail {
    /// Of [`ErrorCode::RejectedRecordsException`]: which records and why.
    RejectedRecords(Vec<RejectedRecord>),
    /// Of [`ErrorCode::ResourceNotFoundException`]: the scheduled query that does not exist.
    ScheduledQueryArn(String),
}

/// An answer that is an error.
#[derive(Debug)]
pub struct ServiceError {
    /// Its name.
    pub code: ErrorCode,
    /// What the client is told; may be empty where the service says nothing.
    pub message: String,
    /// What else the client is told.
    pub detail: Option<Detail>,
    /// What went wrong underneath: for the log, never for the client.
    pub source: Option<Box<dyn Error + Send + Sync>>,
}

impl ServiceError {
    /// An error with a message for the client.
    #[must_use]
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), detail: None, source: None }
    }

    /// The answer to records that could not be written.
    #[must_use]
    pub fn rejected_records(records: Vec<RejectedRecord>) -> Self {
        // # observed
        let message = "One or more records have been rejected. See RejectedRecords for details.";
        Self::new(ErrorCode::RejectedRecordsException, message).with_detail(Detail::RejectedRecords(records))
    }

    /// The error with what underlies it.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// The error with more for the client.
    #[must_use]
    pub fn with_detail(mut self, detail: Detail) -> Self {
        self.detail = Some(detail);
        self
    }

    /// The HTTP status.
    #[must_use]
    pub const fn status(&self) -> u16 {
        self.code.status()
    }

    /// The response's body.
    #[must_use]
    pub fn body(&self) -> Vec<u8> {
        crate::json::to_bytes(self)
    }
}

impl Serialize for ServiceError {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut members = serializer.serialize_map(None)?;
        members.serialize_entry("__type", &format_args!("{}#{}", self.code.namespace(), self.code.name()))?;
        if !(self.message.is_empty() && self.code.omits_empty_message()) {
            members.serialize_entry(self.code.message_key(), &self.message)?;
        }
        match &self.detail {
            Some(Detail::RejectedRecords(records)) => members.serialize_entry("RejectedRecords", records)?,
            Some(Detail::ScheduledQueryArn(arn)) => members.serialize_entry("ScheduledQueryArn", arn)?,
            None => {}
        }
        members.end()
    }
}

impl fmt::Display for ServiceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code.name(), self.message)
    }
}

impl Error for ServiceError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

#[cfg(test)]
mod tests {
    use super::{Detail, ErrorCode, RejectedRecord, ServiceError};

    fn check(error: ServiceError, status: u16, body: &str) {
        assert_eq!(error.status(), status);
        assert_eq!(String::from_utf8(error.body()).unwrap(), body);
    }

    #[test]
    fn bodies_are_those_of_the_service() {
        // # observed: no message, 63 bytes
        let unknown = ServiceError::new(ErrorCode::UnknownOperationException, "");
        assert_eq!(unknown.body().len(), 63);
        check(unknown, 404, r#"{"__type":"com.amazon.coral.service#UnknownOperationException"}"#);
        // # observed: 123 bytes
        let text = "TIMESTAMP is an invalid measure value type.";
        let invalid = ServiceError::new(ErrorCode::ValidationException, text);
        assert_eq!(invalid.body().len(), 123);
        check(
            invalid,
            400,
            r#"{"__type":"com.amazonaws.timestream.v20181101#ValidationException","Message":"TIMESTAMP is an invalid measure value type."}"#,
        );
        check(
            ServiceError::new(ErrorCode::CoralValidation, "1 validation error detected: …"),
            400,
            r#"{"__type":"com.amazon.coral.validate#ValidationException","message":"1 validation error detected: …"}"#,
        );
        check(
            ServiceError::new(ErrorCode::SerializationException, "NUMBER_VALUE cannot be converted to String"),
            400,
            r#"{"__type":"com.amazon.coral.service#SerializationException","Message":"NUMBER_VALUE cannot be converted to String"}"#,
        );
        check(
            ServiceError::new(ErrorCode::SerializationException, ""),
            400,
            r#"{"__type":"com.amazon.coral.service#SerializationException"}"#,
        );
        check(
            ServiceError::new(ErrorCode::MissingAuthenticationTokenException, "Missing Authentication Token"),
            400,
            r#"{"__type":"com.amazon.coral.service#MissingAuthenticationTokenException","message":"Missing Authentication Token"}"#,
        );
    }

    #[test]
    fn details_follow_the_message() {
        // # observed: the existing version is there only when it is known
        let rejected = |index, reason: &str, version| RejectedRecord {
            record_index: index,
            reason: reason.to_owned(),
            existing_version: version,
        };
        check(
            ServiceError::rejected_records(vec![rejected(0, "too old", None), rejected(7, "lower", Some(200))]),
            419,
            r#"{"__type":"com.amazonaws.timestream.v20181101#RejectedRecordsException","Message":"One or more records have been rejected. See RejectedRecords for details.","RejectedRecords":[{"RecordIndex":0,"Reason":"too old"},{"RecordIndex":7,"Reason":"lower","ExistingVersion":200}]}"#,
        );
        check(
            ServiceError::new(ErrorCode::ResourceNotFoundException, "gone")
                .with_detail(Detail::ScheduledQueryArn("arn:aws:x".to_owned())),
            404,
            r#"{"__type":"com.amazonaws.timestream.v20181101#ResourceNotFoundException","Message":"gone","ScheduledQueryArn":"arn:aws:x"}"#,
        );
    }

    #[test]
    fn statuses_are_those_of_the_guide() {
        // # guide: APITimestreamSpecificErrors
        let expect = [
            (ErrorCode::AccessDeniedException, 403),
            (ErrorCode::ConflictException, 409),
            (ErrorCode::InternalServerException, 500),
            (ErrorCode::InvalidEndpointException, 421),
            (ErrorCode::QueryExecutionException, 400),
            (ErrorCode::RejectedRecordsException, 419),
            (ErrorCode::ResourceNotFoundException, 404),
            (ErrorCode::ServiceQuotaExceededException, 402),
            (ErrorCode::ThrottlingException, 429),
            (ErrorCode::ValidationException, 400),
            (ErrorCode::InvalidSignatureException, 403), // # observed
        ];
        for (code, status) in expect {
            assert_eq!(code.status(), status, "{code:?}");
        }
    }

    #[test]
    fn the_source_is_for_the_log_only() {
        let error = ServiceError::new(ErrorCode::InternalServerException, "Internal error")
            .with_source(std::io::Error::other("disk /secret is full"));
        assert!(!String::from_utf8(error.body()).unwrap().contains("secret"));
        assert_eq!(std::error::Error::source(&error).unwrap().to_string(), "disk /secret is full");
    }
}
