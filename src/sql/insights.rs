//! What a query did to get its answer: QueryInsights.

use std::sync::Arc;

/// How much of a table one scan had to look at.
#[derive(Clone, Debug, PartialEq)]
pub struct ScanInsight {
    /// The table's database.
    pub database: Arc<str>,
    /// The table's name.
    pub table: Arc<str>,
    /// What partitions the table: `measure_name`, or the dimension that its schema names.
    pub partition_key: Arc<str>,
    /// The share of the partition key's values that was read, 0 to 1.
    pub spatial_coverage: f64,
    /// Nanoseconds from the first to the last instant that was looked at.
    pub temporal_range_ns: i64,
}

/// What an UNLOAD wrote.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UnloadInsight {
    /// Different values of the columns that it was partitioned by.
    pub partitions: u64,
    /// Rows in its files.
    pub rows: u64,
    /// Bytes of its files.
    pub bytes: u64,
}

/// What is told of a query; of its result what has been computed so far.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Insights {
    /// One for every time that a table is read.
    pub scans: Vec<ScanInsight>,
    /// Different tables read.
    pub tables: usize,
    /// Rows of the result.
    pub output_rows: u64,
    /// Logical bytes of the result.
    pub output_bytes: u64,
    /// What was written, once an UNLOAD is done.
    pub unload: Option<UnloadInsight>,
}

impl Insights {
    /// The scan that covers most of its table's partitions.
    #[must_use]
    pub fn widest(&self) -> Option<&ScanInsight> {
        self.scans.iter().max_by(|a, b| a.spatial_coverage.total_cmp(&b.spatial_coverage))
    }

    /// The scan over the longest time.
    #[must_use]
    pub fn longest(&self) -> Option<&ScanInsight> {
        self.scans.iter().max_by_key(|scan| scan.temporal_range_ns)
    }
}
