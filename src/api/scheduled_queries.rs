//! Scheduled queries.

use super::{Api, Ctx, encryption, error::invalid, list_token, resource::scheduled_query_id as id, tags};
use crate::{
    catalog::scheduled_query::{ReportConfiguration, Run, RunInsights, ScheduledQuery, SharedQuery, Target},
    model::{
        access::{Action, Resource},
        arn,
        id::hex,
        mapping::{AttributeMapping, DimensionMapping, Mapping, MeasureMappings, MixedMapping},
        record::MeasureType,
        scope::Scope,
    },
    schedule,
};
use timebrook_protocol::{
    NoOutput, ServiceError, Text, Timestamp, decode, encode,
    shapes::query::{
        self as wire, CreateScheduledQueryRequest, CreateScheduledQueryResponse, DeleteScheduledQueryRequest,
        DescribeScheduledQueryRequest, DescribeScheduledQueryResponse, ExecuteScheduledQueryRequest,
        ListScheduledQueriesRequest, ListScheduledQueriesResponse, MeasureValueType, ScalarMeasureValueType,
        ScheduledQueryInsightsMode, ScheduledQueryRunStatus, ScheduledQueryState, UpdateScheduledQueryRequest,
    },
};

/// Scheduled queries in one page of a listing. # model: the largest; # inferred: also the default
const PAGE_QUERIES: usize = 1_000;

pub(super) async fn create_scheduled_query(api: &Api, ctx: &Ctx, body: &[u8]) -> Result<Vec<u8>, ServiceError> {
    let request: CreateScheduledQueryRequest<'_> = decode(body)?;
    ctx.access.check(Action::CreateScheduledQuery, Resource::Any)?;
    // # guide: service authorization reference, list_timestream.html. Runs act as that role, which may do everything.
    ctx.access.check(Action::PassRole, Resource::Arn(&request.scheduled_query_execution_role_arn))?;
    let has_tags = request.tags.as_ref().is_some_and(|tags| !tags.is_empty());
    let query = from_wire(api, ctx, request)?;
    if has_tags {
        let arn = arn::scheduled_query(&ctx.scope, &query.id);
        ctx.access.check(Action::TagResource, Resource::Arn(&arn))?;
    }
    let created = api.scheduler.create(&ctx.scope, query, api.lenient_scheduled_queries).await?;
    Ok(encode(&CreateScheduledQueryResponse { arn: arn::scheduled_query(&ctx.scope, &created.id).into() }))
}

pub(super) fn describe_scheduled_query(api: &Api, ctx: &Ctx, body: &[u8]) -> Result<Vec<u8>, ServiceError> {
    let request: DescribeScheduledQueryRequest<'_> = decode(body)?;
    let query = api
        .engine
        .scheduled_query(&ctx.scope, &id(ctx, Action::DescribeScheduledQuery, &request.scheduled_query_arn)?)?;
    Ok(encode(&DescribeScheduledQueryResponse { scheduled_query: description(&ctx.scope, &query) }))
}

pub(super) fn list_scheduled_queries(api: &Api, ctx: &Ctx, body: &[u8]) -> Result<Vec<u8>, ServiceError> {
    let request: ListScheduledQueriesRequest<'_> = decode(body)?;
    ctx.access.check(Action::ListScheduledQueries, Resource::Any)?;
    let listing = ["scheduled queries"];
    let after = match &request.next_token {
        Some(token) => Some(list_token::decode::<1>(&listing, token)?),
        None => None,
    };
    let size = request.max_results.map_or(PAGE_QUERIES, |size| size.unsigned_abs() as usize);
    let queries = api.engine.scheduled_queries(&ctx.scope);
    let mut rest = queries.iter().filter(|query| after.as_ref().is_none_or(|[after]| query.id > *after));
    let page: Vec<_> = rest.by_ref().take(size).collect();
    let next_token = match (page.last(), rest.next()) {
        (Some(last), Some(_)) => Some(list_token::encode(&listing, &[&last.id]).into()),
        _ => None,
    };
    let scheduled_queries = page.into_iter().map(|query| summary(&ctx.scope, query)).collect();
    Ok(encode(&ListScheduledQueriesResponse { scheduled_queries, next_token }))
}

pub(super) async fn update_scheduled_query(api: &Api, ctx: &Ctx, body: &[u8]) -> Result<Vec<u8>, ServiceError> {
    let request: UpdateScheduledQueryRequest<'_> = decode(body)?;
    let is_enabled = request.state == ScheduledQueryState::Enabled;
    let id = id(ctx, Action::UpdateScheduledQuery, &request.scheduled_query_arn)?;
    api.scheduler.set_enabled(&ctx.scope, &id, is_enabled, ctx.now_ns).await?;
    Ok(encode(&NoOutput {}))
}

pub(super) async fn delete_scheduled_query(api: &Api, ctx: &Ctx, body: &[u8]) -> Result<Vec<u8>, ServiceError> {
    let request: DeleteScheduledQueryRequest<'_> = decode(body)?;
    api.scheduler.delete(&ctx.scope, &id(ctx, Action::DeleteScheduledQuery, &request.scheduled_query_arn)?).await?;
    Ok(encode(&NoOutput {}))
}

/// # model: the run goes on after the answer; the client token is "not used"
pub(super) fn execute_scheduled_query(api: &Api, ctx: &Ctx, body: &[u8]) -> Result<Vec<u8>, ServiceError> {
    let request: ExecuteScheduledQueryRequest<'_> = decode(body)?;
    let id = id(ctx, Action::ExecuteScheduledQuery, &request.scheduled_query_arn)?;
    let invocation_ns = request.invocation_time.millis.checked_mul(1_000_000).ok_or_else(|| {
        // # inferred: no record could have such a time
        invalid("InvocationTime is out of range.")
    })?;
    let wants_insights =
        request.query_insights.is_some_and(|insights| insights.mode != ScheduledQueryInsightsMode::Disabled);
    api.scheduler.execute(&ctx.scope, &id, invocation_ns, wants_insights)?;
    Ok(encode(&NoOutput {}))
}

fn from_wire(api: &Api, ctx: &Ctx, request: CreateScheduledQueryRequest<'_>) -> Result<ScheduledQuery, ServiceError> {
    // # observed: sixteen lower-case digits
    let suffix = hex(&api.sql.clock().random_bytes()[..8]);
    let tags = tags::of_query(request.tags.unwrap_or_default())?;
    let report = request.error_report_configuration.s3_configuration;
    encryption::check(api, report.encryption_option.map(|option| option.as_str()))?;
    let target =
        request.target_configuration.map(|target| self::target(target.timestream_configuration)).transpose()?;
    Ok(ScheduledQuery {
        id: format!("{}-{suffix}", &*request.name),
        name: request.name.into_string(),
        sql: request.query_string.into_string(),
        schedule: request.schedule_configuration.schedule_expression.into_string(),
        topic_arn: request.notification_configuration.sns_configuration.topic_arn.into_string(),
        role_arn: request.scheduled_query_execution_role_arn.into_string(),
        report: ReportConfiguration {
            bucket: report.bucket_name.into_string(),
            prefix: report.object_key_prefix.map(Text::into_string),
            encryption: report.encryption_option.map(|option| option.to_string()),
        },
        target,
        kms_key_id: request.kms_key_id.map(Text::into_string),
        client_token: request.client_token.map(Text::into_string),
        tags,
        is_enabled: true,
        created_ns: ctx.now_ns,
        counted_from_ns: ctx.now_ns,
        previous_invocation_ns: None,
        last_version: 0,
        last_run: None,
        failed_runs: Vec::new(),
    })
}

fn target(target: wire::TimestreamConfiguration<'_>) -> Result<Target, ServiceError> {
    let measures = match (target.multi_measure_mappings, target.mixed_measure_mappings) {
        (Some(multi), None) => MeasureMappings::Multi {
            measure_name: multi.target_multi_measure_name.map(Text::into_string),
            attributes: multi.multi_measure_attribute_mappings.into_iter().map(attribute).collect(),
        },
        (None, Some(mixed)) => MeasureMappings::Mixed(mixed.into_iter().map(self::mixed).collect()),
        // # model: one of the two; # inferred: the text
        _ => return Err(invalid("Exactly one of MultiMeasureMappings and MixedMeasureMappings must be set.")),
    };
    let dimension =
        |d: wire::DimensionMapping<'_>| DimensionMapping { source_column: d.name.into_string(), name: None };
    Ok(Target {
        database: target.database_name.into_string(),
        table: target.table_name.into_string(),
        mapping: Mapping {
            time_column: target.time_column.into_string(),
            dimensions: target.dimension_mappings.into_iter().map(dimension).collect(),
            measure_name_column: target.measure_name_column.map(Text::into_string),
            measures,
        },
    })
}

fn attribute(attribute: wire::MultiMeasureAttributeMapping<'_>) -> AttributeMapping {
    AttributeMapping {
        source_column: attribute.source_column.into_string(),
        name: attribute.target_multi_measure_attribute_name.map(Text::into_string),
        value_type: match attribute.measure_value_type {
            ScalarMeasureValueType::Bigint => MeasureType::Bigint,
            ScalarMeasureValueType::Boolean => MeasureType::Boolean,
            ScalarMeasureValueType::Double => MeasureType::Double,
            ScalarMeasureValueType::Varchar => MeasureType::Varchar,
            ScalarMeasureValueType::Timestamp => MeasureType::Timestamp,
        },
    }
}

fn mixed(mixed: wire::MixedMeasureMapping<'_>) -> MixedMapping {
    MixedMapping {
        measure_name: mixed.measure_name.map(Text::into_string),
        source_column: mixed.source_column.map(Text::into_string),
        target_measure_name: mixed.target_measure_name.map(Text::into_string),
        value_type: match mixed.measure_value_type {
            MeasureValueType::Bigint => Some(MeasureType::Bigint),
            MeasureValueType::Boolean => Some(MeasureType::Boolean),
            MeasureValueType::Double => Some(MeasureType::Double),
            MeasureValueType::Varchar => Some(MeasureType::Varchar),
            MeasureValueType::Multi => None,
        },
        attributes: mixed.multi_measure_attribute_mappings.unwrap_or_default().into_iter().map(attribute).collect(),
    }
}

fn time(ns: i64) -> Timestamp {
    Timestamp { millis: ns.div_euclid(1_000_000) }
}

fn state(query: &ScheduledQuery) -> ScheduledQueryState {
    if query.is_enabled { ScheduledQueryState::Enabled } else { ScheduledQueryState::Disabled }
}

fn status(run: &Run) -> Option<ScheduledQueryRunStatus> {
    run.status().parse().ok()
}

fn report_configuration(query: &ScheduledQuery) -> wire::ErrorReportConfiguration<'_> {
    wire::ErrorReportConfiguration {
        s3_configuration: wire::S3Configuration {
            bucket_name: (&*query.report.bucket).into(),
            object_key_prefix: query.report.prefix.as_deref().map(Into::into),
            // What is kept was one of the values when it came in.
            encryption_option: query.report.encryption.as_deref().and_then(|option| option.parse().ok()),
        },
    }
}

fn summary<'a>(scope: &Scope, query: &'a SharedQuery) -> wire::ScheduledQuery<'a> {
    let destination = |target: &'a Target| wire::TargetDestination {
        timestream_destination: Some(wire::TimestreamDestination {
            database_name: Some((&*target.database).into()),
            table_name: Some((&*target.table).into()),
        }),
    };
    wire::ScheduledQuery {
        arn: arn::scheduled_query(scope, &query.id).into(),
        name: (&*query.name).into(),
        creation_time: Some(time(query.created_ns)),
        state: state(query),
        previous_invocation_time: query.previous_invocation_ns.map(time),
        next_invocation_time: schedule::due_ns(query).map(time),
        error_report_configuration: Some(report_configuration(query)),
        target_destination: query.target.as_ref().map(destination),
        last_run_status: query.last_run.as_ref().and_then(status),
    }
}

fn description<'a>(scope: &Scope, query: &'a ScheduledQuery) -> wire::ScheduledQueryDescription<'a> {
    wire::ScheduledQueryDescription {
        arn: arn::scheduled_query(scope, &query.id).into(),
        name: (&*query.name).into(),
        query_string: (&*query.sql).into(),
        creation_time: Some(time(query.created_ns)),
        state: state(query),
        previous_invocation_time: query.previous_invocation_ns.map(time),
        next_invocation_time: schedule::due_ns(query).map(time),
        schedule_configuration: wire::ScheduleConfiguration { schedule_expression: (&*query.schedule).into() },
        notification_configuration: wire::NotificationConfiguration {
            sns_configuration: wire::SnsConfiguration { topic_arn: (&*query.topic_arn).into() },
        },
        target_configuration: query.target.as_ref().map(target_to_wire),
        scheduled_query_execution_role_arn: Some((&*query.role_arn).into()),
        kms_key_id: query.kms_key_id.as_deref().map(Into::into),
        error_report_configuration: Some(report_configuration(query)),
        last_run_summary: query.last_run.as_ref().map(|run| run_to_wire(scope, run)),
        recently_failed_runs: Some(query.failed_runs.iter().map(|run| run_to_wire(scope, run)).collect()),
    }
}

fn target_to_wire(target: &Target) -> wire::TargetConfiguration<'_> {
    let Mapping { time_column, dimensions, measure_name_column, measures } = &target.mapping;
    let (multi, mixed) = match measures {
        MeasureMappings::Multi { measure_name, attributes } => {
            let multi = wire::MultiMeasureMappings {
                target_multi_measure_name: measure_name.as_deref().map(Into::into),
                multi_measure_attribute_mappings: attributes.iter().map(attribute_to_wire).collect(),
            };
            (Some(multi), None)
        }
        MeasureMappings::Mixed(entries) => (None, Some(entries.iter().map(mixed_to_wire).collect())),
    };
    wire::TargetConfiguration {
        timestream_configuration: wire::TimestreamConfiguration {
            database_name: (&*target.database).into(),
            table_name: (&*target.table).into(),
            time_column: (&**time_column).into(),
            dimension_mappings: dimensions.iter().map(dimension_to_wire).collect(),
            multi_measure_mappings: multi,
            mixed_measure_mappings: mixed,
            measure_name_column: measure_name_column.as_deref().map(Into::into),
        },
    }
}

fn dimension_to_wire(dimension: &DimensionMapping) -> wire::DimensionMapping<'_> {
    let (name, dimension_value_type) = ((&*dimension.source_column).into(), wire::DimensionValueType::Varchar);
    wire::DimensionMapping { name, dimension_value_type }
}

fn attribute_to_wire(attribute: &AttributeMapping) -> wire::MultiMeasureAttributeMapping<'_> {
    wire::MultiMeasureAttributeMapping {
        source_column: (&*attribute.source_column).into(),
        target_multi_measure_attribute_name: attribute.name.as_deref().map(Into::into),
        measure_value_type: match attribute.value_type {
            MeasureType::Bigint => ScalarMeasureValueType::Bigint,
            MeasureType::Boolean => ScalarMeasureValueType::Boolean,
            MeasureType::Double => ScalarMeasureValueType::Double,
            MeasureType::Varchar => ScalarMeasureValueType::Varchar,
            MeasureType::Timestamp => ScalarMeasureValueType::Timestamp,
        },
    }
}

fn mixed_to_wire(mixed: &MixedMapping) -> wire::MixedMeasureMapping<'_> {
    let attributes: Vec<_> = mixed.attributes.iter().map(attribute_to_wire).collect();
    wire::MixedMeasureMapping {
        measure_name: mixed.measure_name.as_deref().map(Into::into),
        source_column: mixed.source_column.as_deref().map(Into::into),
        target_measure_name: mixed.target_measure_name.as_deref().map(Into::into),
        measure_value_type: match mixed.value_type {
            Some(MeasureType::Bigint) => MeasureValueType::Bigint,
            Some(MeasureType::Boolean) => MeasureValueType::Boolean,
            Some(MeasureType::Double) => MeasureValueType::Double,
            Some(MeasureType::Varchar) => MeasureValueType::Varchar,
            // A single measure is of none of the other types; see the mapping's own checks.
            Some(MeasureType::Timestamp) | None => MeasureValueType::Multi,
        },
        multi_measure_attribute_mappings: (!attributes.is_empty()).then_some(attributes),
    }
}

fn run_to_wire<'a>(scope: &Scope, run: &'a Run) -> wire::ScheduledQueryRunSummary<'a> {
    wire::ScheduledQueryRunSummary {
        invocation_time: Some(time(run.invocation_ns)),
        trigger_time: Some(time(run.trigger_ns)),
        run_status: status(run),
        execution_stats: Some(wire::ExecutionStats {
            execution_time_in_millis: Some(run.stats.execution_ms),
            data_writes: Some(run.stats.data_writes),
            // # observed: with compute units
            bytes_metered: Some(0),
            cumulative_bytes_scanned: Some(run.stats.bytes_scanned),
            records_ingested: Some(run.stats.records_ingested),
            query_result_rows: Some(run.stats.rows),
        }),
        query_insights_response: run.insights.as_ref().map(|insights| insights_to_wire(scope, insights)),
        error_report_location: run.report.as_ref().map(|(bucket, key)| wire::ErrorReportLocation {
            s3_report_location: Some(wire::S3ReportLocation {
                bucket_name: Some((&**bucket).into()),
                object_key: Some((&**key).into()),
            }),
        }),
        failure_reason: run.failure.as_deref().map(Into::into),
    }
}

fn insights_to_wire<'a>(scope: &Scope, insights: &'a RunInsights) -> wire::ScheduledQueryInsightsResponse<'a> {
    wire::ScheduledQueryInsightsResponse {
        query_spatial_coverage: insights.widest.as_ref().map(|(database, table, key, value)| {
            wire::QuerySpatialCoverage {
                max: Some(wire::QuerySpatialCoverageMax {
                    value: value.parse().ok(),
                    table_arn: Some(arn::table(scope, database, table).into()),
                    partition_key: Some(vec![(&**key).into()]),
                }),
            }
        }),
        query_temporal_range: insights.longest.as_ref().map(|(database, table, value)| wire::QueryTemporalRange {
            max: Some(wire::QueryTemporalRangeMax {
                value: Some(*value),
                table_arn: Some(arn::table(scope, database, table).into()),
            }),
        }),
        query_table_count: Some(insights.tables),
        output_rows: Some(insights.output_rows),
        output_bytes: Some(insights.output_bytes),
    }
}
