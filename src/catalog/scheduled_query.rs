//! Scheduled queries: their definitions and what became of their runs.

use super::Tags;
use crate::model::mapping::Mapping;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Failed runs that are remembered. # model: RecentlyFailedRuns
pub const FAILED_RUNS_MAX: usize = 5;

/// A scheduled query.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScheduledQuery {
    /// Its name and a suffix of its own: what its ARN ends in.
    pub id: String,
    /// Its name.
    pub name: String,
    /// What it runs.
    pub sql: String,
    /// `cron(…)` or `rate(…)`.
    pub schedule: String,
    /// Where it notifies.
    pub topic_arn: String,
    /// The role it runs as.
    pub role_arn: String,
    /// Where rows that failed are reported.
    pub report: ReportConfiguration,
    /// Where its rows go.
    pub target: Option<Target>,
    /// The key as given.
    pub kms_key_id: Option<String>,
    /// The token that it was created with, so that a repeated request creates nothing new.
    pub client_token: Option<String>,
    /// Its tags.
    pub tags: Tags,
    /// Whether its schedule counts.
    pub is_enabled: bool,
    /// Nanoseconds since the epoch; what rates are counted from.
    pub created_ns: i64,
    /// The next run is the first that is due after this, nanoseconds since the epoch.
    pub counted_from_ns: i64,
    /// The time that the last run was for, nanoseconds since the epoch.
    pub previous_invocation_ns: Option<i64>,
    /// The version of the records of the last run; every run's is higher than all before.
    pub last_version: i64,
    /// The last run.
    pub last_run: Option<Run>,
    /// The last runs that failed, the newest first.
    pub failed_runs: Vec<Run>,
}

/// Where reports go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportConfiguration {
    /// S3 bucket.
    pub bucket: String,
    /// Key prefix.
    pub prefix: Option<String>,
    /// `SSE_S3` or `SSE_KMS`, as given.
    pub encryption: Option<String>,
}

/// The table that rows go to, and how.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// Its database.
    pub database: String,
    /// Its name.
    pub table: String,
    /// How rows become records.
    pub mapping: Mapping,
}

/// A run that has ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// The time it was for, nanoseconds since the epoch.
    pub invocation_ns: i64,
    /// When it began, nanoseconds since the epoch.
    pub trigger_ns: i64,
    /// Whether ExecuteScheduledQuery started it.
    pub is_manual: bool,
    /// Why it failed; `None`: it did not.
    pub failure: Option<String>,
    /// What it did.
    pub stats: RunStats,
    /// What its query read, when that was asked for.
    pub insights: Option<RunInsights>,
    /// Bucket and key of its error report.
    pub report: Option<(String, String)>,
}

/// What a run did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunStats {
    /// Milliseconds it took.
    pub execution_ms: i64,
    /// Bytes written, as they are metered.
    pub data_writes: i64,
    /// Bytes that its query read.
    pub bytes_scanned: i64,
    /// Records written.
    pub records_ingested: i64,
    /// Rows of its query.
    pub rows: i64,
}

/// What a run's query read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunInsights {
    /// The table of which most partitions were read: database, name, partition key, and the share, 0 to 1, as text.
    pub widest: Option<(String, String, String, String)>,
    /// The table that was read over the longest time: database, name, and nanoseconds.
    pub longest: Option<(String, String, i64)>,
    /// Tables read.
    pub tables: i64,
    /// Rows of the result.
    pub output_rows: i64,
    /// Bytes of the result.
    pub output_bytes: i64,
}

impl Run {
    /// How it was started and how it ended. # model: ScheduledQueryRunStatus
    #[must_use]
    pub fn status(&self) -> &'static str {
        match (self.is_manual, self.failure.is_some()) {
            (false, false) => "AUTO_TRIGGER_SUCCESS",
            (false, true) => "AUTO_TRIGGER_FAILURE",
            (true, false) => "MANUAL_TRIGGER_SUCCESS",
            (true, true) => "MANUAL_TRIGGER_FAILURE",
        }
    }
}

impl ScheduledQuery {
    /// Whether a request for `other` asks for the same, its names of its own and its times aside.
    #[must_use]
    pub fn is_asked_for_again_by(&self, other: &Self) -> bool {
        let asked_for = |query: &Self| {
            let Self { name, sql, schedule, topic_arn, role_arn, report, target, kms_key_id, tags, .. } = query.clone();
            (name, sql, schedule, topic_arn, role_arn, report, (target, kms_key_id, tags))
        };
        asked_for(self) == asked_for(other)
    }

    /// The query with a run that has ended.
    #[must_use]
    pub fn with_run(&self, run: Run, version: i64) -> Self {
        let mut query = self.clone();
        query.last_version = self.last_version.max(version);
        query.previous_invocation_ns = Some(run.invocation_ns);
        if !run.is_manual {
            query.counted_from_ns = self.counted_from_ns.max(run.invocation_ns);
        }
        if run.failure.is_some() {
            query.failed_runs.insert(0, run.clone());
            query.failed_runs.truncate(FAILED_RUNS_MAX);
        }
        query.last_run = Some(run);
        query
    }
}

/// Shared, as it is read far more often than changed.
pub type SharedQuery = Arc<ScheduledQuery>;
