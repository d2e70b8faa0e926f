//! What a query can fail with.

use datafusion::error::DataFusionError;

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
