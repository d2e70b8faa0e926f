//! The report of records that the magnetic store rejected after the answer.
//!
//! The body is that of scheduled queries' error reports. # observed: that body; # inferred: that this report has it, too,
//! and the key

use super::{InputRecord, RecordType, WriteRequest, merge::merge};
use crate::{
    catalog::MagneticWrites,
    model::{
        id::upper_hex,
        record::{MeasureType, RejectedRecord},
    },
    outbound::objects::{ObjectError, Objects},
};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// A report that is to be put somewhere.
#[derive(Debug)]
pub(super) struct Report {
    bucket: String,
    pub(super) key: String,
    body: String,
}

impl Report {
    /// The report of `lost`, records of a request, at the location that the table names; `None` when it names none.
    pub(super) fn new(
        writes: &MagneticWrites,
        request: &WriteRequest<'_>,
        lost: &[RejectedRecord],
        now_ns: i64,
        id: [u8; 16],
    ) -> Option<Self> {
        let location = writes.rejected_location.as_ref()?.as_ref()?;
        let bucket = location.bucket_name.clone()?;
        let id = upper_hex(&id);
        let prefix = location.object_key_prefix.as_deref().unwrap_or_default().trim_matches('/');
        let (database, table, now_ms) = (request.database, request.table, now_ns / 1_000_000);
        let key = format!("{prefix}/{database}/{table}/{now_ms}/{id}.json").trim_start_matches('/').to_owned();
        Some(Self { bucket, key, body: body(&id, request, lost).to_string() })
    }

    /// Puts it there.
    ///
    /// # Errors
    /// [`ObjectError`].
    pub(super) async fn put(self, objects: &Objects) -> Result<(), ObjectError> {
        objects.put(&self.bucket, &self.key, self.body.into_bytes()).await
    }
}

/// Records with the same reason are in one list.
fn body(id: &str, request: &WriteRequest<'_>, lost: &[RejectedRecord]) -> Value {
    let mut by_reason: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for rejected in lost {
        let record = record(&request.common, &request.records[rejected.index]);
        by_reason.entry(rejected.reason.to_string()).or_default().push(record);
    }
    let errors: Vec<_> =
        by_reason.into_iter().map(|(reason, records)| json!({"reason": reason, "records": records})).collect();
    json!({"reportId": id, "errors": errors})
}

/// A record as reports show it.
#[must_use]
pub fn record_json(record: &InputRecord<'_>) -> Value {
    self::record(&InputRecord::default(), record)
}

fn record(common: &InputRecord<'_>, own: &InputRecord<'_>) -> Value {
    let merged = merge(common, std::slice::from_ref(own)).records[0];
    let dimension = |name: &str, value: &str| json!({"name": name, "value": value, "dimensionValueType": null});
    let dimensions: Vec<_> = merged.dimensions().iter().map(|d| dimension(d.name, d.value)).collect();
    let values: Vec<_> = merged
        .measure_values()
        .map(|value| json!({"name": value.name, "value": value.value, "type": type_name(value.value_type)}))
        .collect();
    let time: Option<i64> = merged.time().and_then(|time| time.parse().ok());
    json!({
        "dimensions": dimensions,
        "measureName": merged.measure_name(),
        "measureValue": merged.measure_value(),
        "measureValues": if values.is_empty() { Value::Null } else { values.into() },
        "measureValueType": type_name(merged.record_type()),
        "time": time.map(|time| time.saturating_mul(merged.time_unit().ns()).to_string()),
        "timeUnit": "NANOSECONDS",
        "version": merged.version(),
    })
}

fn type_name(record_type: RecordType) -> &'static str {
    match record_type {
        RecordType::Multi => "MULTI",
        RecordType::Single(MeasureType::Double) => "DOUBLE",
        RecordType::Single(MeasureType::Bigint) => "BIGINT",
        RecordType::Single(MeasureType::Boolean) => "BOOLEAN",
        RecordType::Single(MeasureType::Varchar) => "VARCHAR",
        RecordType::Single(MeasureType::Timestamp) => "TIMESTAMP",
    }
}
