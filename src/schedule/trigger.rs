//! Why a run begins, and what that makes of its query's parameters.

use crate::{catalog::scheduled_query::ScheduledQuery, sql::Parameters};
use std::collections::BTreeMap;

/// Why a run begins.
#[derive(Clone, Copy, Debug)]
pub(super) struct Trigger {
    /// The time it is for, nanoseconds since the epoch.
    pub(super) invocation_ns: i64,
    /// Whether somebody asked for it.
    pub(super) is_manual: bool,
    /// Whether to tell what the query read.
    pub(super) wants_insights: bool,
}

/// The values of parameters in a run for `invocation_ns`.
pub(super) fn parameters(query: &ScheduledQuery, invocation_ns: i64, is_documented_only: bool) -> Parameters {
    let mut values = BTreeMap::from([("scheduled_runtime", invocation_ns)]);
    if !is_documented_only {
        // # guide: third-party guides have these two; the service documents neither
        values.insert("scheduled_query_execution_time", invocation_ns);
        let previous_ns = query.previous_invocation_ns.unwrap_or(query.created_ns);
        values.insert("scheduled_query_last_invocation_time", previous_ns);
    }
    Parameters::Bound(values)
}
