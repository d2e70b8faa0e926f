//! What is written to the log: changes of the catalog, and records as they were decided.
//!
//! A write's entry begins with what the write adds to its table's schema: dimensions, measure names and columns are
//! numbers in its rows.

use super::rows::RowReader;
use crate::{
    catalog::{
        MagneticWrites, PartitionKey, RejectedLocation, Tags,
        scheduled_query::{ScheduledQuery, SharedQuery},
        schema::{MeasureUse, SchemaGrowth},
        settings::{AccountSettings, ProvisionedCompute},
        state::{Change, TableId, TablePlace, TableSettings},
    },
    model::{
        record::MeasureType,
        retention::Retention,
        scope::Scope,
        table::{Column, ColumnKind},
    },
    store::codec::{Malformed, Reader, put_i64, put_optional_str, put_str, put_u64, put_usize},
};
use std::sync::Arc;

const WRITE: u8 = 1;
const CHANGE: u8 = 2;

/// An entry as it is read.
#[derive(Debug)]
pub(super) enum Entry<'a> {
    /// Records of a table: what they add to its schema, and the rows.
    Write { table: TableId, growth: SchemaGrowth, rows: RowReader<'a> },
    /// A change of the catalog.
    Change(Change),
}

/// The beginning of a write's entry; its rows follow.
pub(super) fn put_write(out: &mut Vec<u8>, table: TableId, growth: &SchemaGrowth) {
    out.push(WRITE);
    put_u64(out, table.0);
    put_growth(out, growth);
}

/// A change's entry.
pub(super) fn put_change(out: &mut Vec<u8>, change: &Change) {
    out.push(CHANGE);
    put_change_body(out, change);
}

/// Reads an entry.
pub(super) fn read_entry(bytes: &[u8]) -> Result<Entry<'_>, Malformed> {
    let mut reader = Reader::new(bytes);
    match reader.u8()? {
        WRITE => {
            let table = TableId(reader.u64()?);
            let growth = read_growth(&mut reader)?;
            Ok(Entry::Write { table, growth, rows: RowReader::new(reader) })
        }
        CHANGE => {
            let change = read_change(&mut reader)?;
            if reader.is_empty() { Ok(Entry::Change(change)) } else { Err(Malformed) }
        }
        _ => Err(Malformed),
    }
}

/// The number that a type has in logs and files.
pub(super) fn type_code(value_type: MeasureType) -> u8 {
    match value_type {
        MeasureType::Double => 0,
        MeasureType::Bigint => 1,
        MeasureType::Boolean => 2,
        MeasureType::Varchar => 3,
        MeasureType::Timestamp => 4,
    }
}

pub(super) fn read_type(reader: &mut Reader<'_>) -> Result<MeasureType, Malformed> {
    let code = reader.u8()?;
    MeasureType::ALL.into_iter().find(|value_type| type_code(*value_type) == code).ok_or(Malformed)
}

pub(super) fn put_growth(out: &mut Vec<u8>, growth: &SchemaGrowth) {
    put_names(out, &growth.dimensions);
    put_names(out, &growth.measure_names);
    put_usize(out, growth.columns.len());
    for column in &growth.columns {
        out.push(u8::from(matches!(column.kind, ColumnKind::Multi(_))));
        out.push(type_code(column.kind.value_type()));
        put_str(out, &column.name);
    }
    put_usize(out, growth.uses.len());
    for MeasureUse { measure_name, kind, dimension } in &growth.uses {
        put_u64(out, (*measure_name).into());
        out.push(kind.map_or(u8::MAX, type_code));
        put_u64(out, (*dimension).into());
    }
}

pub(super) fn read_growth(reader: &mut Reader<'_>) -> Result<SchemaGrowth, Malformed> {
    let (dimensions, measure_names) = (read_names(reader)?, read_names(reader)?);
    let mut columns = Vec::new();
    for _ in 0..reader.length()? {
        let is_multi = reader.bool()?;
        let value_type = read_type(reader)?;
        let kind = if is_multi { ColumnKind::Multi(value_type) } else { ColumnKind::MeasureValue(value_type) };
        columns.push(Column { name: reader.str()?.into(), kind });
    }
    let mut uses = Vec::new();
    for _ in 0..reader.length()? {
        let measure_name = reader.number()?;
        let code = reader.u8()?;
        let kind = MeasureType::ALL.into_iter().find(|value_type| type_code(*value_type) == code);
        if kind.is_none() && code != u8::MAX {
            return Err(Malformed);
        }
        uses.push(MeasureUse { measure_name, kind, dimension: reader.number()? });
    }
    Ok(SchemaGrowth { dimensions, measure_names, columns, uses })
}

fn put_names(out: &mut Vec<u8>, names: &[Arc<str>]) {
    put_usize(out, names.len());
    names.iter().for_each(|name| put_str(out, name));
}

fn read_names(reader: &mut Reader<'_>) -> Result<Vec<Arc<str>>, Malformed> {
    (0..reader.length()?).map(|_| reader.str().map(Arc::from)).collect()
}

const CREATE_DATABASE: u8 = 1;
const UPDATE_DATABASE: u8 = 2;
const DELETE_DATABASE: u8 = 3;
const CREATE_TABLE: u8 = 4;
const UPDATE_TABLE: u8 = 5;
const DELETE_TABLE: u8 = 6;
const TAG: u8 = 7;
const UNTAG: u8 = 8;
const RESET: u8 = 9;
const SET_ACCOUNT_SETTINGS: u8 = 10;
const PUT_SCHEDULED_QUERY: u8 = 11;
const DELETE_SCHEDULED_QUERY: u8 = 12;

fn put_change_body(out: &mut Vec<u8>, change: &Change) {
    match change {
        Change::CreateDatabase { scope, name, kms_key_id, tags, now_ms } => {
            out.push(CREATE_DATABASE);
            put_scope(out, scope);
            put_str(out, name);
            put_str(out, kms_key_id);
            put_tags(out, tags);
            put_i64(out, *now_ms);
        }
        Change::UpdateDatabase { scope, name, kms_key_id, now_ms } => {
            out.push(UPDATE_DATABASE);
            put_scope(out, scope);
            put_str(out, name);
            put_str(out, kms_key_id);
            put_i64(out, *now_ms);
        }
        Change::DeleteDatabase { scope, name } => {
            out.push(DELETE_DATABASE);
            put_scope(out, scope);
            put_str(out, name);
        }
        Change::CreateTable { place, id, settings, tags } => {
            out.push(CREATE_TABLE);
            put_place(out, place);
            put_u64(out, id.0);
            put_settings(out, settings);
            put_tags(out, tags);
        }
        Change::UpdateTable { place, id, settings, purge_before_ns } => {
            out.push(UPDATE_TABLE);
            put_place(out, place);
            put_u64(out, id.0);
            put_settings(out, settings);
            put_i64(out, *purge_before_ns);
        }
        Change::DeleteTable { place } => {
            out.push(DELETE_TABLE);
            put_place(out, place);
        }
        Change::Tag { scope, database, table, tags } => {
            out.push(TAG);
            put_scope(out, scope);
            put_str(out, database);
            put_optional_str(out, table.as_deref());
            put_tags(out, tags);
        }
        Change::Untag { scope, database, table, keys } => {
            out.push(UNTAG);
            put_scope(out, scope);
            put_str(out, database);
            put_optional_str(out, table.as_deref());
            put_usize(out, keys.len());
            keys.iter().for_each(|key| put_str(out, key));
        }
        Change::SetAccountSettings { scope, settings } => {
            out.push(SET_ACCOUNT_SETTINGS);
            put_scope(out, scope);
            put_account_settings(out, settings);
        }
        Change::PutScheduledQuery { scope, query } => {
            out.push(PUT_SCHEDULED_QUERY);
            put_scope(out, scope);
            put_scheduled_query(out, query);
        }
        Change::DeleteScheduledQuery { scope, id } => {
            out.push(DELETE_SCHEDULED_QUERY);
            put_scope(out, scope);
            put_str(out, id);
        }
        Change::Reset { account } => {
            out.push(RESET);
            put_optional_str(out, account.as_deref());
        }
    }
}

fn read_change(reader: &mut Reader<'_>) -> Result<Change, Malformed> {
    Ok(match reader.u8()? {
        CREATE_DATABASE => Change::CreateDatabase {
            scope: read_scope(reader)?,
            name: reader.str()?.into(),
            kms_key_id: reader.str()?.to_owned(),
            tags: read_tags(reader)?,
            now_ms: reader.i64()?,
        },
        UPDATE_DATABASE => Change::UpdateDatabase {
            scope: read_scope(reader)?,
            name: reader.str()?.into(),
            kms_key_id: reader.str()?.to_owned(),
            now_ms: reader.i64()?,
        },
        DELETE_DATABASE => Change::DeleteDatabase { scope: read_scope(reader)?, name: reader.str()?.into() },
        CREATE_TABLE => Change::CreateTable {
            place: read_place(reader)?,
            id: TableId(reader.u64()?),
            settings: read_settings(reader)?,
            tags: read_tags(reader)?,
        },
        UPDATE_TABLE => Change::UpdateTable {
            place: read_place(reader)?,
            id: TableId(reader.u64()?),
            settings: read_settings(reader)?,
            purge_before_ns: reader.i64()?,
        },
        DELETE_TABLE => Change::DeleteTable { place: read_place(reader)? },
        TAG => Change::Tag {
            scope: read_scope(reader)?,
            database: reader.str()?.into(),
            table: reader.optional_str()?.map(Arc::from),
            tags: read_tags(reader)?,
        },
        UNTAG => Change::Untag {
            scope: read_scope(reader)?,
            database: reader.str()?.into(),
            table: reader.optional_str()?.map(Arc::from),
            keys: (0..reader.length()?).map(|_| reader.str().map(str::to_owned)).collect::<Result<_, _>>()?,
        },
        SET_ACCOUNT_SETTINGS => {
            Change::SetAccountSettings { scope: read_scope(reader)?, settings: read_account_settings(reader)? }
        }
        PUT_SCHEDULED_QUERY => {
            Change::PutScheduledQuery { scope: read_scope(reader)?, query: read_scheduled_query(reader)? }
        }
        DELETE_SCHEDULED_QUERY => Change::DeleteScheduledQuery { scope: read_scope(reader)?, id: reader.str()?.into() },
        RESET => Change::Reset { account: reader.optional_str()?.map(Arc::from) },
        _ => return Err(Malformed),
    })
}

pub(super) fn put_account_settings(out: &mut Vec<u8>, settings: &AccountSettings) {
    put_i64(out, settings.max_query_tcu.into());
    out.push(u8::from(settings.provisioned.is_some()));
    if let Some(ProvisionedCompute { query_tcu, changed_ms }) = settings.provisioned {
        put_i64(out, query_tcu.into());
        put_i64(out, changed_ms);
    }
}

pub(super) fn read_account_settings(reader: &mut Reader<'_>) -> Result<AccountSettings, Malformed> {
    let max_query_tcu = read_i32(reader)?;
    let provisioned = match reader.bool()? {
        true => Some(ProvisionedCompute { query_tcu: read_i32(reader)?, changed_ms: reader.i64()? }),
        false => None,
    };
    Ok(AccountSettings { max_query_tcu, provisioned })
}

/// Definitions are deep and change rarely, so they are written as JSON.
pub(super) fn put_scheduled_query(out: &mut Vec<u8>, query: &ScheduledQuery) {
    // Only maps whose keys are no texts cannot be written, and there are none.
    put_str(out, &serde_json::to_string(query).unwrap_or_default());
}

pub(super) fn read_scheduled_query(reader: &mut Reader<'_>) -> Result<SharedQuery, Malformed> {
    serde_json::from_str(reader.str()?).map(Arc::new).map_err(|_| Malformed)
}

fn read_i32(reader: &mut Reader<'_>) -> Result<i32, Malformed> {
    reader.i64()?.try_into().map_err(|_| Malformed)
}

pub(super) fn put_scope(out: &mut Vec<u8>, scope: &Scope) {
    put_str(out, &scope.account);
    put_str(out, &scope.region);
}

pub(super) fn read_scope(reader: &mut Reader<'_>) -> Result<Scope, Malformed> {
    Ok(Scope::new(reader.str()?, reader.str()?))
}

fn put_place(out: &mut Vec<u8>, place: &TablePlace) {
    put_scope(out, &place.scope);
    put_str(out, &place.database);
    put_str(out, &place.table);
}

fn read_place(reader: &mut Reader<'_>) -> Result<TablePlace, Malformed> {
    Ok(TablePlace { scope: read_scope(reader)?, database: reader.str()?.into(), table: reader.str()?.into() })
}

pub(super) fn put_tags(out: &mut Vec<u8>, tags: &Tags) {
    put_usize(out, tags.len());
    for (key, value) in tags {
        put_str(out, key);
        put_str(out, value);
    }
}

pub(super) fn read_tags(reader: &mut Reader<'_>) -> Result<Tags, Malformed> {
    (0..reader.length()?).map(|_| Ok((reader.str()?.to_owned(), reader.str()?.to_owned()))).collect()
}

pub(super) fn put_settings(out: &mut Vec<u8>, settings: &TableSettings) {
    put_u64(out, settings.retention.memory_hours.into());
    put_u64(out, settings.retention.magnetic_days.into());
    out.push(u8::from(settings.magnetic_writes.enabled));
    match &settings.magnetic_writes.rejected_location {
        None => out.push(0),
        Some(None) => out.push(1),
        Some(Some(location)) => {
            out.push(2);
            let RejectedLocation { bucket_name, object_key_prefix, encryption_option, kms_key_id } = location;
            let parts = [bucket_name, object_key_prefix, encryption_option, kms_key_id];
            parts.iter().for_each(|part| put_optional_str(out, part.as_deref()));
        }
    }
    match &settings.partition_key {
        PartitionKey::Measure => out.push(0),
        PartitionKey::Dimension { name, required } => {
            out.push(1 + u8::from(*required));
            put_str(out, name);
        }
    }
    put_i64(out, settings.created_ms);
    put_i64(out, settings.updated_ms);
}

pub(super) fn read_settings(reader: &mut Reader<'_>) -> Result<TableSettings, Malformed> {
    let retention = Retention { memory_hours: reader.number()?, magnetic_days: reader.number()? };
    let enabled = reader.bool()?;
    let text = |reader: &mut Reader<'_>| reader.optional_str().map(|text| text.map(str::to_owned));
    let rejected_location = match reader.u8()? {
        0 => None,
        1 => Some(None),
        2 => Some(Some(RejectedLocation {
            bucket_name: text(reader)?,
            object_key_prefix: text(reader)?,
            encryption_option: text(reader)?,
            kms_key_id: text(reader)?,
        })),
        _ => return Err(Malformed),
    };
    let partition_key = match reader.u8()? {
        0 => PartitionKey::Measure,
        code @ (1 | 2) => PartitionKey::Dimension { name: reader.str()?.into(), required: code == 2 },
        _ => return Err(Malformed),
    };
    Ok(TableSettings {
        retention,
        magnetic_writes: MagneticWrites { enabled, rejected_location },
        partition_key,
        created_ms: reader.i64()?,
        updated_ms: reader.i64()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> TableSettings {
        TableSettings {
            retention: Retention { memory_hours: 7, magnetic_days: 9 },
            magnetic_writes: MagneticWrites {
                enabled: true,
                rejected_location: Some(Some(RejectedLocation {
                    bucket_name: Some("b".into()),
                    object_key_prefix: None,
                    encryption_option: Some("SSE_S3".into()),
                    kms_key_id: Some(String::new()),
                })),
            },
            partition_key: PartitionKey::Dimension { name: "host".into(), required: true },
            created_ms: 5,
            updated_ms: -6,
        }
    }

    #[test]
    fn every_change_comes_back_and_no_part_of_one_does() {
        let scope = Scope::new("111111111111", "eu-west-1");
        let place = TablePlace { scope: scope.clone(), database: "db".into(), table: "t".into() };
        let tags = Tags::from([("a".to_owned(), "1".to_owned()), ("b".to_owned(), String::new())]);
        let (name, database): (Arc<str>, Arc<str>) = ("db".into(), "db".into());
        let plain = TableSettings {
            magnetic_writes: MagneticWrites { enabled: false, rejected_location: Some(None) },
            partition_key: PartitionKey::Measure,
            ..settings()
        };
        let changes = [
            Change::CreateDatabase {
                scope: scope.clone(),
                name: name.clone(),
                kms_key_id: "k".into(),
                tags: tags.clone(),
                now_ms: 7,
            },
            Change::UpdateDatabase { scope: scope.clone(), name: name.clone(), kms_key_id: "k".into(), now_ms: 8 },
            Change::DeleteDatabase { scope: scope.clone(), name },
            Change::CreateTable { place: place.clone(), id: TableId(3), settings: settings(), tags: tags.clone() },
            Change::UpdateTable { place: place.clone(), id: TableId(3), settings: plain, purge_before_ns: -1 },
            Change::DeleteTable { place },
            Change::Tag { scope: scope.clone(), database: database.clone(), table: Some("t".into()), tags },
            Change::Untag { scope, database, table: None, keys: vec!["a".into(), "b".into()] },
            Change::Reset { account: Some("111111111111".into()) },
            Change::Reset { account: None },
        ];
        for change in changes {
            let mut bytes = Vec::new();
            put_change(&mut bytes, &change);
            assert!(matches!(read_entry(&bytes), Ok(Entry::Change(read)) if read == change), "{change:?}");
            for length in 0..bytes.len() {
                assert!(read_entry(&bytes[..length]).is_err(), "{change:?} cut at {length}");
            }
        }
    }
}
