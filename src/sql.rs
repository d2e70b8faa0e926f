//! The query language: text to plan to pages, on DataFusion.

pub mod error;
pub mod functions;
pub mod types;
