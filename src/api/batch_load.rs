//! Batch load tasks.

use super::{Api, Ctx, encryption, error::invalid, list_token};
use crate::{
    batch_load::TaskError,
    catalog::batch_load_task::{BatchLoadTask, CsvFormat, LoadModel, LoadProgress, LoadReport, LoadStatus, SharedTask},
    model::{
        access::{Action, Resource},
        id::upper_hex,
        mapping::{AttributeMapping, DimensionMapping, Mapping, MeasureMappings, MixedMapping},
        record::MeasureType,
    },
    outbound::objects::ObjectError,
};
use serde_json::Value;
use timebrook_protocol::{
    ServiceError, Text, Timestamp, decode, encode,
    shapes::write::{
        self as wire, BatchLoadStatus, CreateBatchLoadTaskRequest, CreateBatchLoadTaskResponse,
        DescribeBatchLoadTaskRequest, DescribeBatchLoadTaskResponse, ListBatchLoadTasksRequest,
        ListBatchLoadTasksResponse, MeasureValueType, ResumeBatchLoadTaskRequest, ResumeBatchLoadTaskResponse,
        S3EncryptionOption, ScalarMeasureValueType,
    },
};

/// Tasks in one page of a listing. # model: the largest; # inferred: also the default
const PAGE_TASKS: usize = 100;
/// Bytes of a data model in a bucket.
const MODEL_BYTES_MAX: u64 = 1 << 20;

pub(super) async fn create_batch_load_task(api: &Api, ctx: &Ctx, body: &[u8]) -> Result<Vec<u8>, ServiceError> {
    let request: CreateBatchLoadTaskRequest<'_> = decode(body)?;
    let target = Resource::Table(&request.target_database_name, &request.target_table_name);
    ctx.access.check(Action::CreateBatchLoadTask, target)?;
    // # guide: service authorization reference, list_timestream.html
    ctx.access.check(Action::WriteRecords, target)?;
    let place = match &request.data_model_configuration {
        Some(configuration) => configuration.data_model_s3_configuration.as_ref().map(model_place),
        None => None,
    };
    let has_inline = request.data_model_configuration.as_ref().is_some_and(|c| c.data_model.is_some());
    let task = match (has_inline, place) {
        (true, None) => task(api, ctx, request, None)?,
        (false, Some(place)) => {
            let with_model = body_with_model(api, body, &place).await?;
            task(api, ctx, decode(&with_model)?, Some(place))?
        }
        // # model: one of the two; # inferred: the text
        _ => return Err(invalid("Exactly one of DataModel and DataModelS3Configuration must be set.")),
    };
    let created = api.loader.create(&ctx.scope, task).await?;
    Ok(encode(&CreateBatchLoadTaskResponse { task_id: (&*created.id).into() }))
}

pub(super) fn describe_batch_load_task(api: &Api, ctx: &Ctx, body: &[u8]) -> Result<Vec<u8>, ServiceError> {
    let request: DescribeBatchLoadTaskRequest<'_> = decode(body)?;
    ctx.access.check(Action::DescribeBatchLoadTask, Resource::Any)?;
    let task = api.engine.batch_load_task(&ctx.scope, &request.task_id)?;
    let progress = api.loader.progress(&ctx.scope, &task);
    let batch_load_task_description = description(&task, progress);
    Ok(encode(&DescribeBatchLoadTaskResponse { batch_load_task_description }))
}

pub(super) fn list_batch_load_tasks(api: &Api, ctx: &Ctx, body: &[u8]) -> Result<Vec<u8>, ServiceError> {
    let request: ListBatchLoadTasksRequest<'_> = decode(body)?;
    ctx.access.check(Action::ListBatchLoadTasks, Resource::Any)?;
    let wanted = request.task_status.map(|status| status.to_string()).unwrap_or_default();
    let listing = ["batch load tasks", wanted.as_str()];
    let after = match &request.next_token {
        Some(token) => Some(list_token::decode::<1>(&listing, token)?),
        None => None,
    };
    let size = request.max_results.map_or(PAGE_TASKS, |size| size.unsigned_abs() as usize);
    let tasks = api.engine.batch_load_tasks(&ctx.scope);
    let mut rest = tasks
        .iter()
        .filter(|task| request.task_status.is_none_or(|wanted| status(task.status) == wanted))
        .filter(|task| after.as_ref().is_none_or(|[after]| task.id > *after));
    let page: Vec<_> = rest.by_ref().take(size).collect();
    let next_token = match (page.last(), rest.next()) {
        (Some(last), Some(_)) => Some(list_token::encode(&listing, &[&last.id]).into()),
        _ => None,
    };
    let batch_load_tasks = Some(page.into_iter().map(summary).collect());
    Ok(encode(&ListBatchLoadTasksResponse { next_token, batch_load_tasks }))
}

pub(super) async fn resume_batch_load_task(api: &Api, ctx: &Ctx, body: &[u8]) -> Result<Vec<u8>, ServiceError> {
    let request: ResumeBatchLoadTaskRequest<'_> = decode(body)?;
    ctx.access.check(Action::ResumeBatchLoadTask, Resource::Any)?;
    api.loader.resume(&ctx.scope, &request.task_id).await?;
    Ok(encode(&ResumeBatchLoadTaskResponse {}))
}

impl From<TaskError> for ServiceError {
    fn from(error: TaskError) -> Self {
        match error {
            TaskError::Engine(error) => error.into(),
            TaskError::Mapping(_) | TaskError::Csv(_) => invalid(error.to_string()),
        }
    }
}

type ModelPlace = (Option<String>, Option<String>);

fn model_place(place: &wire::DataModelS3Configuration<'_>) -> ModelPlace {
    let text = |text: &Option<Text<'_>>| text.as_deref().map(str::to_owned);
    (text(&place.bucket_name), text(&place.object_key))
}

/// The request with the model that lies in a bucket, so that the model is checked like one that came with the request.
/// # inferred: that it is read at creation, and the texts
async fn body_with_model(api: &Api, body: &[u8], place: &ModelPlace) -> Result<Vec<u8>, ServiceError> {
    let (Some(bucket), Some(key)) = place else {
        return Err(invalid("BucketName and ObjectKey of DataModelS3Configuration must be set."));
    };
    let unread = |why: &str| invalid(format!("The data model s3://{bucket}/{key} cannot be read: {why}."));
    let failed = |error: ObjectError| unread(&error.to_string());
    if api.objects.head(bucket, key).await.map_err(failed)?.bytes > MODEL_BYTES_MAX {
        return Err(unread("it is too large"));
    }
    let model = api.objects.get(bucket, key).await.map_err(failed)?;
    let model: Value = serde_json::from_slice(&model).map_err(|_| unread("it is not JSON"))?;
    let mut request: Value = serde_json::from_slice(body).map_err(|_| unread("the request is not JSON"))?;
    request["DataModelConfiguration"] = serde_json::json!({"DataModel": model});
    Ok(request.to_string().into_bytes())
}

fn task(
    api: &Api,
    ctx: &Ctx,
    request: CreateBatchLoadTaskRequest<'_>,
    model_place: Option<ModelPlace>,
) -> Result<BatchLoadTask, ServiceError> {
    let model = request.data_model_configuration.and_then(|configuration| configuration.data_model);
    let model = model.ok_or_else(|| invalid("DataModel must be set."))?;
    let source = request.data_source_configuration;
    let now_ms = ctx.now_ns.div_euclid(1_000_000);
    Ok(BatchLoadTask {
        id: upper_hex(&api.sql.clock().random_bytes()),
        client_token: request.client_token.map(Text::into_string),
        database: request.target_database_name.into_string(),
        table: request.target_table_name.into_string(),
        source_bucket: source.data_source_s3_configuration.bucket_name.into_string(),
        source_prefix: source.data_source_s3_configuration.object_key_prefix.map(Text::into_string),
        csv: source.csv_configuration.map(csv_format),
        model: load_model(model)?,
        model_place,
        report: request.report_configuration.report_s3_configuration.map(|r| load_report(api, r)).transpose()?,
        version: request.record_version,
        created_ms: now_ms,
        updated_ms: now_ms,
        status: LoadStatus::Created,
        resumable_until_ms: None,
        error: None,
        progress: LoadProgress::default(),
        last_file: None,
    })
}

fn csv_format(csv: wire::CsvConfiguration<'_>) -> CsvFormat {
    CsvFormat {
        separator: csv.column_separator.map(Text::into_string),
        escape: csv.escape_char.map(Text::into_string),
        quote: csv.quote_char.map(Text::into_string),
        null_value: csv.null_value.map(Text::into_string),
        trims: csv.trim_white_space,
    }
}

fn load_report(api: &Api, report: wire::ReportS3Configuration<'_>) -> Result<LoadReport, ServiceError> {
    encryption::check(api, report.encryption_option.map(S3EncryptionOption::as_str))?;
    // # model: KmsKeyId belongs to SSE_KMS; # inferred: the text
    if report.encryption_option == Some(S3EncryptionOption::SseKms) && report.kms_key_id.is_none() {
        return Err(invalid("KmsKeyId must be set when EncryptionOption is SSE_KMS."));
    }
    Ok(LoadReport {
        bucket: report.bucket_name.into_string(),
        prefix: report.object_key_prefix.map(Text::into_string),
        encryption: report.encryption_option.map(|option| option.to_string()),
        kms_key_id: report.kms_key_id.map(Text::into_string),
    })
}

/// A data model that stands alone, in the form that the service takes it.
///
/// # Errors
/// ValidationException and SerializationException, as for a request with it.
pub fn read_model(json: &[u8]) -> Result<LoadModel, ServiceError> {
    let model: Value =
        serde_json::from_slice(json).map_err(|error| invalid(format!("The model is not JSON: {error}.")))?;
    let request = serde_json::json!({
        "DataModelConfiguration": {"DataModel": model},
        "DataSourceConfiguration": {"DataSourceS3Configuration": {"BucketName": "import"}, "DataFormat": "CSV"},
        "ReportConfiguration": {},
        "TargetDatabaseName": "import",
        "TargetTableName": "import",
    });
    let body = request.to_string();
    let request: CreateBatchLoadTaskRequest<'_> = decode(body.as_bytes())?;
    let model = request.data_model_configuration.and_then(|configuration| configuration.data_model);
    load_model(model.ok_or_else(|| invalid("DataModel must be set."))?)
}

/// A data model as it is kept. # inferred: the texts
fn load_model(model: wire::DataModel<'_>) -> Result<LoadModel, ServiceError> {
    let measures = match (model.multi_measure_mappings, model.mixed_measure_mappings) {
        (Some(multi), None) => MeasureMappings::Multi {
            measure_name: multi.target_multi_measure_name.map(Text::into_string),
            attributes: multi.multi_measure_attribute_mappings.into_iter().map(attribute).collect::<Result<_, _>>()?,
        },
        (None, Some(mixed)) => MeasureMappings::Mixed(mixed.into_iter().map(self::mixed).collect::<Result<_, _>>()?),
        _ => return Err(invalid("Exactly one of MultiMeasureMappings and MixedMeasureMappings must be set.")),
    };
    let time_column = model.time_column.ok_or_else(|| invalid("TimeColumn of the DataModel must be set."))?;
    Ok(LoadModel {
        mapping: Mapping {
            time_column: time_column.into_string(),
            dimensions: model.dimension_mappings.into_iter().map(dimension).collect::<Result<_, _>>()?,
            measure_name_column: model.measure_name_column.map(Text::into_string),
            measures,
        },
        time_unit: model.time_unit.map(|unit| unit.to_string()),
    })
}

fn dimension(dimension: wire::DimensionMapping<'_>) -> Result<DimensionMapping, ServiceError> {
    let source = dimension.source_column.ok_or_else(|| invalid("SourceColumn of a DimensionMapping must be set."))?;
    Ok(DimensionMapping {
        source_column: source.into_string(),
        name: dimension.destination_column.map(Text::into_string),
    })
}

fn attribute(attribute: wire::MultiMeasureAttributeMapping<'_>) -> Result<AttributeMapping, ServiceError> {
    let value_type = match attribute.measure_value_type {
        Some(ScalarMeasureValueType::Bigint) => MeasureType::Bigint,
        Some(ScalarMeasureValueType::Boolean) => MeasureType::Boolean,
        Some(ScalarMeasureValueType::Double) => MeasureType::Double,
        Some(ScalarMeasureValueType::Varchar) => MeasureType::Varchar,
        Some(ScalarMeasureValueType::Timestamp) => MeasureType::Timestamp,
        None => return Err(invalid("MeasureValueType of a MultiMeasureAttributeMapping must be set.")),
    };
    Ok(AttributeMapping {
        source_column: attribute.source_column.into_string(),
        name: attribute.target_multi_measure_attribute_name.map(Text::into_string),
        value_type,
    })
}

fn mixed(mixed: wire::MixedMeasureMapping<'_>) -> Result<MixedMapping, ServiceError> {
    let attributes = mixed.multi_measure_attribute_mappings.unwrap_or_default();
    Ok(MixedMapping {
        measure_name: mixed.measure_name.map(Text::into_string),
        source_column: mixed.source_column.map(Text::into_string),
        target_measure_name: mixed.target_measure_name.map(Text::into_string),
        value_type: match mixed.measure_value_type {
            MeasureValueType::Bigint => Some(MeasureType::Bigint),
            MeasureValueType::Boolean => Some(MeasureType::Boolean),
            MeasureValueType::Double => Some(MeasureType::Double),
            MeasureValueType::Varchar => Some(MeasureType::Varchar),
            MeasureValueType::Timestamp => Some(MeasureType::Timestamp),
            MeasureValueType::Multi => None,
        },
        attributes: attributes.into_iter().map(attribute).collect::<Result<_, _>>()?,
    })
}

fn status(status: LoadStatus) -> BatchLoadStatus {
    match status {
        LoadStatus::Created => BatchLoadStatus::Created,
        LoadStatus::InProgress => BatchLoadStatus::InProgress,
        LoadStatus::Failed => BatchLoadStatus::Failed,
        LoadStatus::Succeeded => BatchLoadStatus::Succeeded,
        LoadStatus::ProgressStopped => BatchLoadStatus::ProgressStopped,
        LoadStatus::PendingResume => BatchLoadStatus::PendingResume,
    }
}

fn time(millis: i64) -> Timestamp {
    Timestamp { millis }
}

fn summary(task: &SharedTask) -> wire::BatchLoadTask<'_> {
    wire::BatchLoadTask {
        task_id: Some((&*task.id).into()),
        task_status: Some(status(task.status)),
        database_name: Some((&*task.database).into()),
        table_name: Some((&*task.table).into()),
        creation_time: Some(time(task.created_ms)),
        last_updated_time: Some(time(task.updated_ms)),
        resumable_until: task.resumable_until_ms.map(time),
    }
}

/// # guide: batch-load-using-cli.html: what was not given is filled in
fn description(task: &BatchLoadTask, progress: LoadProgress) -> wire::BatchLoadTaskDescription<'_> {
    wire::BatchLoadTaskDescription {
        task_id: Some((&*task.id).into()),
        error_message: task.error.as_deref().map(Into::into),
        data_source_configuration: Some(wire::DataSourceConfiguration {
            data_source_s3_configuration: wire::DataSourceS3Configuration {
                bucket_name: (&*task.source_bucket).into(),
                object_key_prefix: task.source_prefix.as_deref().map(Into::into),
            },
            csv_configuration: Some(task.csv.as_ref().map(csv_to_wire).unwrap_or_default()),
            data_format: wire::BatchLoadDataFormat::Csv,
        }),
        progress_report: Some(wire::BatchLoadProgressReport {
            records_processed: Some(progress.processed),
            records_ingested: Some(progress.ingested),
            parse_failures: Some(progress.parse_failures),
            record_ingestion_failures: Some(progress.ingestion_failures),
            file_failures: Some(progress.file_failures),
            bytes_metered: Some(progress.bytes),
        }),
        report_configuration: Some(wire::ReportConfiguration {
            report_s3_configuration: task.report.as_ref().map(report_to_wire),
        }),
        data_model_configuration: Some(wire::DataModelConfiguration {
            data_model: Some(model_to_wire(&task.model)),
            data_model_s3_configuration: task.model_place.as_ref().map(|(bucket, key)| {
                wire::DataModelS3Configuration {
                    bucket_name: bucket.as_deref().map(Into::into),
                    object_key: key.as_deref().map(Into::into),
                }
            }),
        }),
        target_database_name: Some((&*task.database).into()),
        target_table_name: Some((&*task.table).into()),
        task_status: Some(status(task.status)),
        record_version: Some(task.version.unwrap_or(1)),
        creation_time: Some(time(task.created_ms)),
        last_updated_time: Some(time(task.updated_ms)),
        resumable_until: task.resumable_until_ms.map(time),
    }
}

fn csv_to_wire(csv: &CsvFormat) -> wire::CsvConfiguration<'_> {
    wire::CsvConfiguration {
        column_separator: csv.separator.as_deref().map(Into::into),
        escape_char: csv.escape.as_deref().map(Into::into),
        quote_char: csv.quote.as_deref().map(Into::into),
        null_value: csv.null_value.as_deref().map(Into::into),
        trim_white_space: csv.trims,
    }
}

fn report_to_wire(report: &LoadReport) -> wire::ReportS3Configuration<'_> {
    let encryption = report.encryption.as_deref().and_then(|option| option.parse().ok());
    wire::ReportS3Configuration {
        bucket_name: (&*report.bucket).into(),
        object_key_prefix: report.prefix.as_deref().map(Into::into),
        encryption_option: Some(encryption.unwrap_or(S3EncryptionOption::SseS3)),
        kms_key_id: report.kms_key_id.as_deref().map(Into::into),
    }
}

fn model_to_wire(model: &LoadModel) -> wire::DataModel<'_> {
    let Mapping { time_column, dimensions, measure_name_column, measures } = &model.mapping;
    let (multi_measure_mappings, mixed_measure_mappings) = match measures {
        MeasureMappings::Multi { measure_name, attributes } => {
            let multi = wire::MultiMeasureMappings {
                target_multi_measure_name: measure_name.as_deref().map(Into::into),
                multi_measure_attribute_mappings: attributes.iter().map(attribute_to_wire).collect(),
            };
            (Some(multi), None)
        }
        MeasureMappings::Mixed(entries) => (None, Some(entries.iter().map(mixed_to_wire).collect())),
    };
    wire::DataModel {
        time_column: Some((&**time_column).into()),
        time_unit: model.time_unit.as_deref().and_then(|unit| unit.parse().ok()),
        dimension_mappings: dimensions
            .iter()
            .map(|dimension| wire::DimensionMapping {
                source_column: Some((&*dimension.source_column).into()),
                destination_column: Some(dimension.name.as_deref().unwrap_or(&dimension.source_column).into()),
            })
            .collect(),
        multi_measure_mappings,
        mixed_measure_mappings,
        measure_name_column: measure_name_column.as_deref().map(Into::into),
    }
}

fn attribute_to_wire(attribute: &AttributeMapping) -> wire::MultiMeasureAttributeMapping<'_> {
    let name = attribute.name.as_deref().unwrap_or(&attribute.source_column);
    wire::MultiMeasureAttributeMapping {
        source_column: (&*attribute.source_column).into(),
        target_multi_measure_attribute_name: Some(name.into()),
        measure_value_type: Some(match attribute.value_type {
            MeasureType::Bigint => ScalarMeasureValueType::Bigint,
            MeasureType::Boolean => ScalarMeasureValueType::Boolean,
            MeasureType::Double => ScalarMeasureValueType::Double,
            MeasureType::Varchar => ScalarMeasureValueType::Varchar,
            MeasureType::Timestamp => ScalarMeasureValueType::Timestamp,
        }),
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
            Some(MeasureType::Timestamp) => MeasureValueType::Timestamp,
            None => MeasureValueType::Multi,
        },
        multi_measure_attribute_mappings: (!attributes.is_empty()).then_some(attributes),
    }
}
