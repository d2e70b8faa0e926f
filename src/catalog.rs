//! Databases, tables, their schemas and tags: a pure state machine that the engine drives.

pub mod scheduled_query;
pub mod schema;
pub mod settings;
pub mod state;

use crate::model::{retention::Retention, table::Column};
use std::{collections::BTreeMap, sync::Arc};

/// A database as its owner sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Database {
    /// Unique in its scope; case-sensitive.
    pub name: Arc<str>,
    /// As given, or the account's AWS managed key.
    pub kms_key_id: String,
    /// Milliseconds since the epoch.
    pub created_ms: i64,
    /// Milliseconds since the epoch.
    pub updated_ms: i64,
    /// Tables in it now.
    pub table_count: u64,
}

/// Where asynchronous rejections of magnetic store writes are reported; kept exactly as given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RejectedLocation {
    /// S3 bucket.
    pub bucket_name: Option<String>,
    /// Key prefix.
    pub object_key_prefix: Option<String>,
    /// `SSE_S3` or `SSE_KMS`.
    pub encryption_option: Option<String>,
    /// For `SSE_KMS`.
    pub kms_key_id: Option<String>,
}

/// Magnetic store write properties, echoed exactly as given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MagneticWrites {
    /// Whether late records go to the magnetic store instead of being rejected.
    pub enabled: bool,
    /// `MagneticStoreRejectedDataLocation`, when given; its `S3Configuration`, when given.
    pub rejected_location: Option<Option<RejectedLocation>>,
}

/// The customer-defined partition key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum PartitionKey {
    /// `{"Type":"MEASURE"}`, also of tables created without a schema.
    #[default]
    Measure,
    /// `{"Type":"DIMENSION", …}`.
    Dimension {
        /// The dimension's name.
        name: Arc<str>,
        /// `EnforcementInRecord` is `REQUIRED` rather than `OPTIONAL`.
        required: bool,
    },
}

/// A table as its owner sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// The database it is in.
    pub database: Arc<str>,
    /// Unique in its database; case-sensitive.
    pub name: Arc<str>,
    /// How long records live.
    pub retention: Retention,
    /// Whether and how late records are taken.
    pub magnetic_writes: MagneticWrites,
    /// What partitions the table.
    pub partition_key: PartitionKey,
    /// Milliseconds since the epoch.
    pub created_ms: i64,
    /// Milliseconds since the epoch.
    pub updated_ms: i64,
    /// Dimensions, `measure_name`, `time`, then measure columns: the order of `SELECT *` and DESCRIBE.
    pub columns: Arc<[Column]>,
}

/// Tags of one resource, by key.
pub type Tags = BTreeMap<String, String>;
