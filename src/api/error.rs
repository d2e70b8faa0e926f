//! The one place where a domain error becomes an error of the service.

use crate::{
    engine::EngineError,
    ingest::{IngestError, InvalidRecord},
    model::access::AccessDenied,
    schedule::definition::DefinitionError,
    sql::{PageError, error::SqlError},
};
use std::error::Error;
use timebrook_protocol::{Detail, ErrorCode, ServiceError, sigv4::SignatureError};

/// # model: the doc sentence of InternalServerException
const INTERNAL: &str = "Timestream was unable to fully process this request because of an internal server error.";

impl From<EngineError> for ServiceError {
    fn from(error: EngineError) -> Self {
        let code = match &error {
            EngineError::DatabaseNotFound(_) | EngineError::TableNotFound(_) => ErrorCode::ResourceNotFoundException,
            EngineError::BatchLoadTaskNotFound(_) => ErrorCode::ResourceNotFoundException,
            EngineError::NotResumable(..) => ErrorCode::ValidationException,
            EngineError::ScheduledQueryNotFound(arn) => {
                return ServiceError::new(ErrorCode::ResourceNotFoundException, error.to_string())
                    .with_detail(Detail::ScheduledQueryArn(arn.clone()));
            }
            EngineError::AlreadyExists | EngineError::TokenReused => ErrorCode::ConflictException,
            EngineError::DatabaseNotEmpty(_) | EngineError::PartitionKeyChanged | EngineError::Settings(_) => {
                ErrorCode::ValidationException
            }
            EngineError::QuotaExceeded(_) => ErrorCode::ServiceQuotaExceededException,
            EngineError::Storage(_) | EngineError::Location(_) => return internal(error),
        };
        ServiceError::new(code, error.to_string())
    }
}

impl From<IngestError> for ServiceError {
    fn from(error: IngestError) -> Self {
        match error {
            IngestError::Invalid(error) => error.into(),
            IngestError::Engine(error) => error.into(),
        }
    }
}

impl From<DefinitionError> for ServiceError {
    fn from(error: DefinitionError) -> Self {
        match error {
            DefinitionError::Engine(error) => error.into(),
            DefinitionError::Sql(error) => error.into(),
            DefinitionError::Schedule(_) | DefinitionError::Mapping(_) | DefinitionError::NoTarget => {
                invalid(error.to_string())
            }
        }
    }
}

impl From<InvalidRecord> for ServiceError {
    fn from(error: InvalidRecord) -> Self {
        invalid(error.to_string())
    }
}

impl From<SqlError> for ServiceError {
    fn from(error: SqlError) -> Self {
        let code = match &error {
            // # observed: also mistakes that show only while the query runs
            SqlError::Syntax { .. } | SqlError::Semantic { .. } | SqlError::Invalid(_) => {
                ErrorCode::ValidationException
            }
            // # inferred
            SqlError::Execution(_) | SqlError::Timeout(_) | SqlError::Memory(_) | SqlError::Cancelled => {
                ErrorCode::QueryExecutionException
            }
            SqlError::AccessDenied(_) => ErrorCode::AccessDeniedException,
            SqlError::Internal(_) => return internal(error),
        };
        ServiceError::new(code, error.to_string())
    }
}

impl From<AccessDenied> for ServiceError {
    fn from(error: AccessDenied) -> Self {
        Self::new(ErrorCode::AccessDeniedException, error.to_string())
    }
}

impl From<PageError> for ServiceError {
    fn from(error: PageError) -> Self {
        let code = match error {
            PageError::Query(error) => return error.into(),
            PageError::InvalidToken => ErrorCode::ValidationException,
            // # model: CancelQuery
            PageError::Cancelled => ErrorCode::ConflictException,
            // # inferred
            PageError::RowTooLarge => ErrorCode::QueryExecutionException,
        };
        ServiceError::new(code, error.to_string())
    }
}

/// A request whose signature is not right.
pub fn signature(error: &SignatureError) -> ServiceError {
    ServiceError::new(error.code(), error.to_string())
}

/// A request that the service's own logic refuses.
pub fn invalid(message: impl Into<String>) -> ServiceError {
    ServiceError::new(ErrorCode::ValidationException, message)
}

/// A part of an operation that this server does not have yet.
pub fn unsupported(what: &str) -> ServiceError {
    invalid(format!("{what} is not implemented by Timebrook yet."))
}

/// A bug or a failure of this machine: the client learns no more than that; `source` is for the log.
pub fn internal(source: impl Into<Box<dyn Error + Send + Sync>>) -> ServiceError {
    ServiceError::new(ErrorCode::InternalServerException, INTERNAL).with_source(source)
}

/// Too many requests. # observed: sister services
pub fn throttled() -> ServiceError {
    ServiceError::new(ErrorCode::ThrottlingException, "Rate exceeded")
}

/// No operation of the service. # observed: it has no text
pub fn unknown_operation() -> ServiceError {
    ServiceError::new(ErrorCode::UnknownOperationException, "")
}
