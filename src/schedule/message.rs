//! The bodies of notifications. # guide: scheduledqueries-notification.html, API_query_ExecuteScheduledQuery.html

use super::run::run_status;
use crate::{
    catalog::scheduled_query::{Run, RunInsights, ScheduledQuery},
    model::{arn, scope::Scope},
    outbound::notifications::Notification,
};
use serde::Serialize;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Changed<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    arn: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<&'static str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Ran<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    arn: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_invocation_epoch_second: Option<i64>,
    scheduled_query_run_summary: Summary<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Summary<'a> {
    invocation_epoch_second: i64,
    trigger_time_millis: i64,
    run_status: &'a str,
    execution_stats: Stats,
    #[serde(skip_serializing_if = "Option::is_none")]
    query_insights_response: Option<Insights<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_report_location: Option<ReportLocation<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    failure_reason: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Stats {
    execution_time_in_millis: i64,
    data_writes: i64,
    bytes_metered: i64,
    cumulative_bytes_scanned: i64,
    records_ingested: i64,
    query_result_rows: i64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Insights<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    query_spatial_coverage: Option<Most<Coverage<'a>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    query_temporal_range: Option<Most<Range>>,
    query_table_count: i64,
    output_rows: i64,
    output_bytes: i64,
}

#[derive(Serialize)]
struct Most<T> {
    max: T,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Coverage<'a> {
    value: f64,
    table_arn: String,
    partition_key: [&'a str; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Range {
    value: i64,
    table_arn: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ReportLocation<'a> {
    s3_report_location: S3Location<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct S3Location<'a> {
    bucket_name: &'a str,
    object_key: &'a str,
}

/// A query is created or deleted.
pub(super) fn changed(scope: &Scope, query: &ScheduledQuery, kind: &str, now_ns: i64) -> Notification {
    let arn = arn::scheduled_query(scope, &query.id);
    notification(query, &arn, kind, &Changed { kind, arn: &arn, state: None }, now_ns)
}

/// A query is enabled or disabled.
pub(super) fn updated(scope: &Scope, query: &ScheduledQuery, now_ns: i64) -> Notification {
    let arn = arn::scheduled_query(scope, &query.id);
    let kind = "SCHEDULED_QUERY_UPDATE";
    let state = Some(if query.is_enabled { "ENABLED" } else { "DISABLED" });
    notification(query, &arn, kind, &Changed { kind, arn: &arn, state }, now_ns)
}

/// A run has ended; the next one is for `next_ns`.
pub(super) fn ran(scope: &Scope, query: &ScheduledQuery, run: &Run, next_ns: Option<i64>, now_ns: i64) -> Notification {
    let arn = arn::scheduled_query(scope, &query.id);
    let kind = run_status(run);
    let has_next = !run.is_manual && run.failure.is_none();
    let body = Ran {
        kind,
        arn: &arn,
        next_invocation_epoch_second: next_ns.filter(|_| has_next).map(|ns| ns.div_euclid(1_000_000_000)),
        scheduled_query_run_summary: Summary {
            invocation_epoch_second: run.invocation_ns.div_euclid(1_000_000_000),
            trigger_time_millis: run.trigger_ns.div_euclid(1_000_000),
            run_status: kind,
            execution_stats: Stats {
                execution_time_in_millis: run.stats.execution_ms,
                data_writes: run.stats.data_writes,
                // # observed: with compute units
                bytes_metered: 0,
                cumulative_bytes_scanned: run.stats.bytes_scanned,
                records_ingested: run.stats.records_ingested,
                query_result_rows: run.stats.rows,
            },
            query_insights_response: run.insights.as_ref().map(|insights| self::insights(scope, insights)),
            error_report_location: run.report.as_ref().map(|(bucket_name, object_key)| ReportLocation {
                s3_report_location: S3Location { bucket_name, object_key },
            }),
            failure_reason: run.failure.as_deref(),
        },
    };
    notification(query, &arn, kind, &body, now_ns)
}

fn insights<'a>(scope: &Scope, insights: &'a RunInsights) -> Insights<'a> {
    Insights {
        query_spatial_coverage: insights.widest.as_ref().map(|(database, table, key, value)| Most {
            max: Coverage {
                // It was written as a number's text.
                value: value.parse().unwrap_or_default(),
                table_arn: arn::table(scope, database, table),
                partition_key: [key],
            },
        }),
        query_temporal_range: insights.longest.as_ref().map(|(database, table, value)| Most {
            max: Range { value: *value, table_arn: arn::table(scope, database, table) },
        }),
        query_table_count: insights.tables,
        output_rows: insights.output_rows,
        output_bytes: insights.output_bytes,
    }
}

fn notification(query: &ScheduledQuery, arn: &str, kind: &str, body: &impl Serialize, now_ns: i64) -> Notification {
    Notification {
        topic_arn: query.topic_arn.clone(),
        // Only maps whose keys are no texts cannot be written, and there are none.
        message: serde_json::to_string(body).unwrap_or_default(),
        // # docs: samples read both
        attributes: vec![("queryArn", arn.to_owned()), ("notificationType", kind.to_owned())],
        time_ns: now_ns,
    }
}
