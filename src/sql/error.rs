//! What a query can fail with.

use crate::model::access::AccessDenied;
use datafusion::{arrow::error::ArrowError, error::DataFusionError};

/// Why a query failed, worded for the client.
#[derive(Debug, Clone, thiserror::Error)]
pub enum SqlError {
    /// # observed: the text and the 1-based position
    #[error("The query syntax is invalid at line {line}:{column}")]
    Syntax {
        /// 1-based line.
        line: u64,
        /// 1-based column.
        column: u64,
    },
    /// A semantic error at a place: `line L:C: …`.
    #[error("line {line}:{column}: {message}")]
    Semantic {
        /// 1-based line.
        line: u64,
        /// 1-based column.
        column: u64,
        /// What is wrong, in Presto's words.
        message: String,
    },
    /// A mistake in the query or its arguments, found while planning or running it; the whole text.
    #[error("{0}")]
    Invalid(String),
    /// A failure while running that a retry or other data may not show. # inferred
    #[error("{0}")]
    Execution(String),
    /// The query took longer than it may.
    #[error("The query timed out after {0} seconds.")]
    Timeout(u64),
    /// The query needs more memory than it may use; what asked for it is for the log only.
    #[error("The query needs more memory than a query may use.")]
    Memory(String),
    /// The caller may not do what the query does.
    #[error(transparent)]
    AccessDenied(#[from] AccessDenied),
    /// CancelQuery stopped it.
    #[error("The query was cancelled.")]
    Cancelled,
    /// Our bug; the text is for the log only.
    #[error("internal: {0}")]
    Internal(String),
}

impl SqlError {
    /// The form in which functions and planners hand this error through DataFusion.
    #[must_use]
    pub fn into_datafusion(self) -> DataFusionError {
        DataFusionError::External(Box::new(self))
    }
}

/// A mistake in a function's arguments, as the error a function returns: a ValidationException with this bare text.
/// # observed: `Cannot interpolate outside of timeseries defined time range.` came so
#[must_use]
pub fn invalid(message: impl Into<String>) -> DataFusionError {
    SqlError::Invalid(message.into()).into_datafusion()
}

/// What an error of the engine means to the client.
pub(super) fn error_of(error: DataFusionError) -> SqlError {
    match error.find_root() {
        DataFusionError::External(inner) => external(inner.as_ref()),
        DataFusionError::ArrowError(arrow, _) => match arrow.as_ref() {
            ArrowError::DivideByZero => SqlError::Invalid("Division by zero".to_owned()),
            ArrowError::ExternalError(inner) => external(inner.as_ref()),
            // The pattern of LIKE is compiled to a regular expression, of bounded size.
            ArrowError::InvalidArgumentError(text) if text.contains("from LIKE pattern") => {
                SqlError::Invalid("The pattern of LIKE is too large".to_owned())
            }
            other => SqlError::Internal(other.to_string()),
        },
        DataFusionError::ResourcesExhausted(text) => SqlError::Memory(text.clone()),
        DataFusionError::NotImplemented(text) => SqlError::Invalid(format!("This query is not supported: {text}")),
        DataFusionError::Execution(text) if text.contains("Scalar subquery has returned multiple rows") => {
            // # inferred: Presto's words
            SqlError::Invalid("Scalar sub-query has returned multiple rows".to_owned())
        }
        DataFusionError::Plan(text) if text.contains("Physical plan does not support logical expression") => {
            SqlError::Invalid("A subquery in this place is not supported".to_owned())
        }
        other => SqlError::Internal(other.to_string()),
    }
}

fn external(error: &(dyn std::error::Error + Send + Sync + 'static)) -> SqlError {
    if let Some(ours) = error.downcast_ref::<SqlError>() {
        return ours.clone();
    }
    match error.downcast_ref::<DataFusionError>() {
        Some(DataFusionError::External(inner)) => external(inner.as_ref()),
        _ => SqlError::Internal(error.to_string()),
    }
}
