//! Query, CancelQuery, PrepareQuery.

use super::{Api, Ctx, convert, error};
use crate::{
    model::{
        access::{Action, Resource},
        arn,
        scope::Scope,
    },
    sql::{
        CancelOutcome, Page, PageError, Parameters, Prepared, QueryRequest,
        insights::{Insights, ScanInsight},
    },
};
use datafusion::arrow::datatypes::DataType;
use std::io::Write as _;
use timebrook_protocol::{ServiceError, decode, query_id, shapes::query};

/// A page of a query.
///
/// The client token is not compared: SDKs send a fresh one with every page, and a query started twice is two queries.
pub(super) async fn query(api: &Api, ctx: &Ctx, body: &[u8]) -> Result<Vec<u8>, ServiceError> {
    let request: query::QueryRequest<'_> = decode(body)?;
    let clock = api.sql.clock();
    let random = clock.random_bytes();
    let id_bytes = [clock.random_bytes(), clock.random_bytes(), random].concat();
    let page = api
        .sql
        .query(
            QueryRequest {
                scope: &ctx.scope,
                access: &ctx.access,
                sql: &request.query_string,
                next_token: request.next_token.as_deref(),
                rows_max: request.max_rows.and_then(|n| usize::try_from(n).ok()),
                now_ns: ctx.now_ns,
                row_writer: convert::ROW_WRITER,
                random,
                query_id: query_id(&id_bytes),
                objects: &api.objects,
                write_column_info: convert::write_column_info,
            },
            || api.engine.snapshot(&ctx.scope),
        )
        .await?;
    // The service may throttle queries with insights beyond one a second; this server does not. # guide: ts-limits.html
    let wants_insights = request.query_insights.is_some_and(|i| i.mode != query::QueryInsightsMode::Disabled);
    page_body(&page, wants_insights.then(|| insights(&ctx.scope, &page.insights)))
}

/// The insights as the wire has them.
fn insights<'a>(scope: &Scope, insights: &'a Insights) -> query::QueryInsightsResponse<'a> {
    let table_arn = |scan: &ScanInsight| Some(arn::table(scope, &scan.database, &scan.table).into());
    query::QueryInsightsResponse {
        query_spatial_coverage: insights.widest().map(|scan| query::QuerySpatialCoverage {
            max: Some(query::QuerySpatialCoverageMax {
                value: Some(scan.spatial_coverage),
                table_arn: table_arn(scan),
                partition_key: Some(vec![(&*scan.partition_key).into()]),
            }),
        }),
        query_temporal_range: insights.longest().map(|scan| query::QueryTemporalRange {
            max: Some(query::QueryTemporalRangeMax { value: Some(scan.temporal_range_ns), table_arn: table_arn(scan) }),
        }),
        query_table_count: i64::try_from(insights.tables).ok(),
        output_rows: i64::try_from(insights.output_rows).ok(),
        output_bytes: i64::try_from(insights.output_bytes).ok(),
        unload_partition_count: insights.unload.and_then(|unload| i64::try_from(unload.partitions).ok()),
        unload_written_rows: insights.unload.and_then(|unload| i64::try_from(unload.rows).ok()),
        unload_written_bytes: insights.unload.and_then(|unload| i64::try_from(unload.bytes).ok()),
    }
}

/// The JSON of a page.
fn page_body(page: &Page, insights: Option<query::QueryInsightsResponse<'_>>) -> Result<Vec<u8>, ServiceError> {
    let mut out = Vec::with_capacity(page.rows.len() + 512);
    let _ = write!(out, "{{\"QueryId\":\"{}\",", page.query_id);
    if let Some(token) = &page.next_token {
        out.extend_from_slice(b"\"NextToken\":");
        convert::write_string(token, &mut out);
        out.push(b',');
    }
    out.extend_from_slice(b"\"ColumnInfo\":");
    convert::write_column_info(&page.columns, &mut out);
    out.extend_from_slice(b",\"Rows\":[");
    out.extend_from_slice(&page.rows);
    let _ = write!(
        out,
        "],\"QueryStatus\":{{\"ProgressPercentage\":{:?},\"CumulativeBytesScanned\":{},\"CumulativeBytesMetered\":{}}}",
        page.progress_percent, page.bytes_scanned, page.bytes_metered
    );
    if let Some(insights) = insights {
        out.extend_from_slice(b",\"QueryInsightsResponse\":");
        serde_json::to_writer(&mut out, &insights).map_err(error::internal)?;
    }
    out.push(b'}');
    Ok(out)
}

/// Stops a query.
pub(super) fn cancel_query(api: &Api, ctx: &Ctx, body: &[u8]) -> Result<Vec<u8>, ServiceError> {
    let request: query::CancelQueryRequest<'_> = decode(body)?;
    ctx.access.check(Action::CancelQuery, Resource::Any)?;
    match api.sql.cancel(&request.query_id, &ctx.scope, ctx.now_ns) {
        CancelOutcome::Stopped => Ok(b"{}".to_vec()),
        // # model: the message comes when the query was cancelled before; # inferred: its text
        CancelOutcome::Repeated => Ok(br#"{"CancellationMessage":"The query was already cancelled."}"#.to_vec()),
        CancelOutcome::NotRunning => Err(error::invalid(format!("The query {} is not running.", &*request.query_id))),
    }
}

/// What a query would answer, and which parameters it has.
pub(super) async fn prepare_query(api: &Api, ctx: &Ctx, body: &[u8]) -> Result<Vec<u8>, ServiceError> {
    let request: query::PrepareQueryRequest<'_> = decode(body)?;
    // # model: "Timestream currently supports only ValidateOnly set to true"
    if request.validate_only != Some(true) {
        return Err(error::invalid("PrepareQuery supports only ValidateOnly set to true."));
    }
    let snapshot = api.engine.snapshot(&ctx.scope);
    let prepared = api
        .sql
        .prepare(&request.query_string, Parameters::None, snapshot, &ctx.access, ctx.now_ns)
        .await
        .map_err(PageError::from)?;
    Ok(prepared_body(&request.query_string, &prepared))
}

fn prepared_body(sql: &str, prepared: &Prepared) -> Vec<u8> {
    let mut out = Vec::with_capacity(512);
    out.extend_from_slice(b"{\"QueryString\":");
    convert::write_string(sql, &mut out);
    out.extend_from_slice(b",\"Columns\":[");
    for (i, column) in prepared.columns.iter().enumerate() {
        if i > 0 {
            out.push(b',');
        }
        out.extend_from_slice(b"{\"Name\":");
        convert::write_string(&column.label, &mut out);
        out.extend_from_slice(b",\"Type\":");
        convert::write_type(&column.data_type, &mut out);
        if let Some((database, table)) = &column.origin {
            out.extend_from_slice(b",\"DatabaseName\":");
            convert::write_string(database, &mut out);
            out.extend_from_slice(b",\"TableName\":");
            convert::write_string(table, &mut out);
        }
        let _ = write!(out, ",\"Aliased\":{}}}", column.aliased);
    }
    out.extend_from_slice(b"],\"Parameters\":[");
    for (i, (name, data_type)) in prepared.parameters.iter().enumerate() {
        if i > 0 {
            out.push(b',');
        }
        out.extend_from_slice(b"{\"Name\":");
        convert::write_string(name, &mut out);
        out.extend_from_slice(b",\"Type\":");
        convert::write_type(parameter_type(data_type), &mut out);
        out.push(b'}');
    }
    out.extend_from_slice(b"]}");
    out
}

/// A parameter whose use asks for no type in particular is a varchar. # inferred
fn parameter_type(data_type: &DataType) -> &DataType {
    if *data_type == DataType::Null { &DataType::Utf8 } else { data_type }
}
