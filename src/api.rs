//! Wire to use case and back.

pub mod write_records;
