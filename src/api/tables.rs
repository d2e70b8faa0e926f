//! Tables.

use super::{Api, Ctx, encryption, error::invalid, list_token, tags};
use crate::{
    catalog::{MagneticWrites, PartitionKey, RejectedLocation, Table},
    engine::{EngineError, NewTable, TableUpdate, TableView},
    ingest,
    model::{
        access::{Action, Resource},
        arn,
        retention::Retention,
        scope::Scope,
    },
};
use std::sync::Arc;
use timebrook_protocol::{
    NoOutput, ServiceError, Text, Timestamp, decode, encode,
    shapes::write::{
        self as wire, CreateTableRequest, CreateTableResponse, DeleteTableRequest, DescribeTableRequest,
        DescribeTableResponse, ListTablesRequest, ListTablesResponse, PartitionKeyEnforcementLevel, PartitionKeyType,
        TableStatus, UpdateTableRequest, UpdateTableResponse,
    },
};

/// Tables in one page of a listing. # model: the largest; # inferred: also the default
const PAGE_TABLES: usize = 20;

pub(super) async fn create_table(api: &Api, ctx: &Ctx, body: &[u8]) -> Result<Vec<u8>, ServiceError> {
    let request: CreateTableRequest<'_> = decode(body)?;
    // # guide: service authorization reference, list_timestream.html, and security_iam_id-based-policy-examples.html; that
    // CreateTable, UpdateTable and DeleteTable are on the database, as another page has it, would be wider
    let resource = Resource::Table(&request.database_name, &request.table_name);
    ctx.access.check(Action::CreateTable, resource)?;
    tags::check_access(ctx, request.tags.as_deref(), resource)?;
    let new = NewTable {
        retention: request.retention_properties.as_ref().map(retention),
        magnetic_writes: request.magnetic_store_write_properties.map(|p| magnetic_writes(api, p)).transpose()?,
        partition_key: partition_key(request.schema)?,
        tags: tags::from_wire(request.tags.unwrap_or_default())?,
    };
    let (database, name) = (&request.database_name, &request.table_name);
    let table = api.engine.create_table(&ctx.scope, database, name, new, ctx.now_ns).await?;
    Ok(encode(&CreateTableResponse { table: Some(to_wire(&ctx.scope, &table)) }))
}

pub(super) fn describe_table(api: &Api, ctx: &Ctx, body: &[u8]) -> Result<Vec<u8>, ServiceError> {
    let request: DescribeTableRequest<'_> = decode(body)?;
    ctx.access.check(Action::DescribeTable, Resource::Table(&request.database_name, &request.table_name))?;
    let (database, name) = (&request.database_name, &request.table_name);
    let snapshot = api.engine.snapshot(&ctx.scope);
    if snapshot.database(database).is_none() {
        return Err(EngineError::DatabaseNotFound(database.to_string()).into());
    }
    let view = snapshot.table(database, name).ok_or_else(|| EngineError::TableNotFound(name.to_string()))?;
    Ok(encode(&DescribeTableResponse { table: Some(to_wire(&ctx.scope, &view.table)) }))
}

pub(super) async fn update_table(api: &Api, ctx: &Ctx, body: &[u8]) -> Result<Vec<u8>, ServiceError> {
    let request: UpdateTableRequest<'_> = decode(body)?;
    ctx.access.check(Action::UpdateTable, Resource::Table(&request.database_name, &request.table_name))?;
    let update = TableUpdate {
        retention: request.retention_properties.as_ref().map(retention),
        magnetic_writes: request.magnetic_store_write_properties.map(|p| magnetic_writes(api, p)).transpose()?,
        partition_key: partition_key(request.schema)?,
    };
    let (database, name) = (&request.database_name, &request.table_name);
    let table = api.engine.update_table(&ctx.scope, database, name, update, ctx.now_ns).await?;
    Ok(encode(&UpdateTableResponse { table: Some(to_wire(&ctx.scope, &table)) }))
}

pub(super) async fn delete_table(api: &Api, ctx: &Ctx, body: &[u8]) -> Result<Vec<u8>, ServiceError> {
    let request: DeleteTableRequest<'_> = decode(body)?;
    ctx.access.check(Action::DeleteTable, Resource::Table(&request.database_name, &request.table_name))?;
    api.engine.delete_table(&ctx.scope, &request.database_name, &request.table_name).await?;
    Ok(encode(&NoOutput))
}

/// By name, # inferred; of one database or, by database, of all. # model
pub(super) fn list_tables(api: &Api, ctx: &Ctx, body: &[u8]) -> Result<Vec<u8>, ServiceError> {
    let request: ListTablesRequest<'_> = decode(body)?;
    let only = request.database_name.as_deref();
    ctx.access.check(Action::ListTables, only.map_or(Resource::Databases, Resource::Database))?;
    let listing = ["tables", only.unwrap_or_default()];
    let after = match &request.next_token {
        Some(token) => Some(list_token::decode::<2>(&listing, token)?),
        None => None,
    };
    let snapshot = api.engine.snapshot(&ctx.scope);
    if let Some(name) = only
        && snapshot.database(name).is_none()
    {
        return Err(EngineError::DatabaseNotFound(name.to_owned()).into());
    }
    let size = request.max_results.map_or(PAGE_TABLES, |size| size.unsigned_abs() as usize);
    let databases = snapshot.databases().filter(|database| only.is_none_or(|only| &*database.name == only));
    let mut rest = databases.flat_map(|database| snapshot.tables(&database.name)).filter(|view| {
        let position = (&*view.table.database, &*view.table.name);
        after.as_ref().is_none_or(|[database, table]| position > (database.as_str(), table.as_str()))
    });
    let page: Vec<&Arc<TableView>> = rest.by_ref().take(size).collect();
    let next_token = match (page.last(), rest.next()) {
        (Some(last), Some(_)) => Some(list_token::encode(&listing, &[&last.table.database, &last.table.name]).into()),
        _ => None,
    };
    let tables = page.into_iter().map(|view| to_wire(&ctx.scope, &view.table)).collect();
    Ok(encode(&ListTablesResponse { tables: Some(tables), next_token }))
}

/// The ranges are the model's, checked before: 1 to 8,766 hours and 1 to 73,000 days.
fn retention(properties: &wire::RetentionProperties) -> Retention {
    let checked = |value: i64| u32::try_from(value).unwrap_or(u32::MAX);
    Retention {
        memory_hours: checked(properties.memory_store_retention_period_in_hours),
        magnetic_days: checked(properties.magnetic_store_retention_period_in_days),
    }
}

fn magnetic_writes(
    api: &Api,
    properties: wire::MagneticStoreWriteProperties<'_>,
) -> Result<MagneticWrites, ServiceError> {
    let enabled = properties.enable_magnetic_store_writes;
    let rejected_location = properties.magnetic_store_rejected_data_location.map(|location| {
        location.s3_configuration.map(|s3| RejectedLocation {
            bucket_name: s3.bucket_name.map(Text::into_string),
            object_key_prefix: s3.object_key_prefix.map(Text::into_string),
            encryption_option: s3.encryption_option.map(|option| option.as_str().to_owned()),
            kms_key_id: s3.kms_key_id.map(Text::into_string),
        })
    });
    if !enabled && rejected_location.is_some() {
        // # observed: it is refused; # inferred: the text
        return Err(invalid(
            "MagneticStoreRejectedDataLocation cannot be set when EnableMagneticStoreWrites is false.",
        ));
    }
    let location = rejected_location.as_ref().and_then(Option::as_ref);
    encryption::check(api, location.and_then(|location| location.encryption_option.as_deref()))?;
    Ok(MagneticWrites { enabled, rejected_location })
}

/// The one partition key of a schema; `None` when none is given.
fn partition_key(schema: Option<wire::Schema<'_>>) -> Result<Option<PartitionKey>, ServiceError> {
    let Some(keys) = schema.and_then(|schema| schema.composite_partition_key) else { return Ok(None) };
    let [key] = <[wire::PartitionKey<'_>; 1]>::try_from(keys).map_err(|_| {
        // # observed
        invalid(
            "You have specified too many partition keys to be used in your composite partition key. Only 1 partition \
             keys can be specified.",
        )
    })?;
    match (key.r#type, key.name) {
        // # observed: either is refused; # inferred: the text
        (PartitionKeyType::Measure, name) if name.is_some() || key.enforcement_in_record.is_some() => {
            Err(invalid("Name and EnforcementInRecord cannot be set for a partition key of type MEASURE."))
        }
        (PartitionKeyType::Measure, _) => Ok(Some(PartitionKey::Measure)),
        // # guide: customer-defined-partition-keys-how-it-works.html; # inferred: the text
        (PartitionKeyType::Dimension, None) => Err(invalid("Name must be set for a partition key of type DIMENSION.")),
        (PartitionKeyType::Dimension, Some(name)) => {
            // # inferred: no record could ever carry a dimension of a reserved name
            ingest::check_column_name(&name)?;
            Ok(Some(PartitionKey::Dimension {
                name: (*name).into(),
                // # inferred: OPTIONAL is the default
                required: key.enforcement_in_record == Some(PartitionKeyEnforcementLevel::Required),
            }))
        }
    }
}

fn to_wire<'a>(scope: &Scope, table: &'a Table) -> wire::Table<'a> {
    wire::Table {
        arn: Some(arn::table(scope, &table.database, &table.name).into()),
        table_name: Some((*table.name).into()),
        database_name: Some((*table.database).into()),
        table_status: Some(TableStatus::Active),
        retention_properties: Some(wire::RetentionProperties {
            memory_store_retention_period_in_hours: table.retention.memory_hours.into(),
            magnetic_store_retention_period_in_days: table.retention.magnetic_days.into(),
        }),
        creation_time: Some(Timestamp { millis: table.created_ms }),
        last_updated_time: Some(Timestamp { millis: table.updated_ms }),
        magnetic_store_write_properties: Some(magnetic_writes_to_wire(&table.magnetic_writes)),
        schema: Some(wire::Schema { composite_partition_key: Some(vec![partition_key_to_wire(&table.partition_key)]) }),
    }
}

fn magnetic_writes_to_wire(writes: &MagneticWrites) -> wire::MagneticStoreWriteProperties<'_> {
    let text = |text: &'_ Option<String>| text.clone().map(Text::from);
    let location = writes.rejected_location.as_ref().map(|location| wire::MagneticStoreRejectedDataLocation {
        s3_configuration: location.as_ref().map(|s3| wire::S3Configuration {
            bucket_name: text(&s3.bucket_name),
            object_key_prefix: text(&s3.object_key_prefix),
            // What is kept was one of the values when it came in.
            encryption_option: s3.encryption_option.as_deref().and_then(|option| option.parse().ok()),
            kms_key_id: text(&s3.kms_key_id),
        }),
    });
    wire::MagneticStoreWriteProperties {
        enable_magnetic_store_writes: writes.enabled,
        magnetic_store_rejected_data_location: location,
    }
}

/// # guide: customer-defined-partition-keys: MEASURE stands alone, EnforcementInRecord is echoed when it was defaulted
fn partition_key_to_wire(key: &PartitionKey) -> wire::PartitionKey<'_> {
    match key {
        PartitionKey::Measure => {
            wire::PartitionKey { r#type: PartitionKeyType::Measure, name: None, enforcement_in_record: None }
        }
        PartitionKey::Dimension { name, required } => wire::PartitionKey {
            r#type: PartitionKeyType::Dimension,
            name: Some((**name).into()),
            enforcement_in_record: Some(match required {
                true => PartitionKeyEnforcementLevel::Required,
                false => PartitionKeyEnforcementLevel::Optional,
            }),
        },
    }
}
