//! The tables that `.slt` files read, the same at every run: small, with fixed times, a value for every case.
//!
//! - `docs.metrics`: the input of the guide's page on time series views (single-measure)
//! - `fleet.trucks`: multi-measure records of every type, some attributes absent
//! - `fleet.mixed`: one measure written with two types, and records with different dimensions
//! - `"odd-names"."data.2024"`: names that need quotes, or differ only in case
//! - `fleet.empty`: never written to

use crate::{BoxError, clients::Clients};
use aws_sdk_timestreamwrite::types::{
    Dimension, MagneticStoreWriteProperties, MeasureValue, MeasureValueType, Record, RetentionProperties,
};

/// A name and its text.
type Named = (&'static str, &'static str);

/// 2019-12-04 19:00:00, in milliseconds.
const METRICS_MS: i64 = 1_575_486_000_000;
/// 2022-07-01 12:00:00, in milliseconds.
const TRUCKS_MS: i64 = 1_656_676_800_000;

/// Creates the tables in the clients' account and fills them.
///
/// # Errors
/// When a call fails.
pub async fn write(clients: &Clients) -> Result<(), BoxError> {
    for database in ["docs", "fleet", "odd-names"] {
        clients.write.create_database().database_name(database).send().await?;
    }
    fill(clients, "docs", "metrics", metrics()?).await?;
    fill(clients, "fleet", "trucks", trucks()?).await?;
    fill(clients, "fleet", "mixed", mixed()?).await?;
    fill(clients, "fleet", "empty", vec![]).await?;
    fill(clients, "odd-names", "data.2024", odd_names()?).await
}

/// Creates a table that takes records of any age, and writes them.
async fn fill(clients: &Clients, database: &str, table: &str, records: Vec<Record>) -> Result<(), BoxError> {
    let retention = RetentionProperties::builder()
        .memory_store_retention_period_in_hours(1)
        .magnetic_store_retention_period_in_days(73_000)
        .build()?;
    let magnetic = MagneticStoreWriteProperties::builder().enable_magnetic_store_writes(true).build()?;
    clients
        .write
        .create_table()
        .database_name(database)
        .table_name(table)
        .retention_properties(retention)
        .magnetic_store_write_properties(magnetic)
        .send()
        .await?;
    if !records.is_empty() {
        let call = clients.write.write_records().database_name(database).table_name(table);
        call.set_records(Some(records)).send().await?;
    }
    Ok(())
}

/// guide: timeseries-specific-constructs.views.html, its input table
fn metrics() -> Result<Vec<Record>, BoxError> {
    let mut records = vec![];
    for (instance, values) in
        [("i-1234567890abcdef0", ["35.0", "38.2", "45.3"]), ("i-1234567890abcdef1", ["54.1", "42.5", "33.7"])]
    {
        for (second, value) in (0..).zip(values) {
            let dimensions =
                [("region", "us-east-1"), ("az", "us-east-1d"), ("vpc", "vpc-1a2b3c4d"), ("instance_id", instance)];
            let time_ms = METRICS_MS + second * 1000;
            records.push(single(&dimensions, "cpu_utilization", value, MeasureValueType::Double, time_ms)?);
        }
    }
    Ok(records)
}

/// Six records of three trucks, one minute after another; the last two lack some attributes.
fn trucks() -> Result<Vec<Record>, BoxError> {
    use MeasureValueType::{Bigint, Boolean, Double, Timestamp, Varchar};
    let all = |fuel, speed, moving, town, checked| {
        vec![
            ("fuel", fuel, Double),
            ("speed", speed, Bigint),
            ("moving", moving, Boolean),
            ("town", town, Varchar),
            ("checked", checked, Timestamp),
        ]
    };
    let rows = [
        ("t1", "Alpha", all("50.5", "80", "true", "Bern", "1656633600000")),
        ("t2", "Beta", all("12.25", "0", "false", "Basel", "1656633600000")),
        ("t3", "Alpha", all("99.0", "120", "true", "Chur", "1656547200000")),
        ("t1", "Alpha", all("48.0", "95", "true", "Thun", "1656633600000")),
        ("t2", "Beta", vec![("fuel", "11.75", Double)]),
        ("t3", "Alpha", vec![("speed", "-5", Bigint), ("town", "Chur", Varchar)]),
    ];
    let mut records = vec![];
    for (minute, (truck, make, values)) in (0..).zip(rows) {
        let mut record = Record::builder()
            .set_dimensions(Some(dimensions(&[("truck_id", truck), ("make", make)])?))
            .measure_name("telemetry")
            .measure_value_type(MeasureValueType::Multi)
            .time((TRUCKS_MS + minute * 60_000).to_string());
        for (name, value, kind) in values {
            record = record.measure_values(MeasureValue::builder().name(name).value(value).r#type(kind).build()?);
        }
        records.push(record.build());
    }
    Ok(records)
}

/// `state` is a DOUBLE once and a VARCHAR once; `site` is a dimension of some records only.
fn mixed() -> Result<Vec<Record>, BoxError> {
    Ok(vec![
        single(&[("device", "d1")], "state", "1.5", MeasureValueType::Double, TRUCKS_MS)?,
        single(&[("device", "d1")], "state", "idle", MeasureValueType::Varchar, TRUCKS_MS + 1000)?,
        single(&[("device", "d2"), ("site", "north")], "count", "7", MeasureValueType::Bigint, TRUCKS_MS)?,
        single(&[("device", "d2"), ("site", "north")], "open", "false", MeasureValueType::Boolean, TRUCKS_MS)?,
    ])
}

/// Columns `Host` and `host`, a key word, a dash, another script.
fn odd_names() -> Result<Vec<Record>, BoxError> {
    let dimensions = [("Host", "upper"), ("host", "lower"), ("group", "g1"), ("fuel-type", "diesel"), ("地区", "北")];
    Ok(vec![single(&dimensions, "Load", "1.25", MeasureValueType::Double, TRUCKS_MS)?])
}

fn single(
    named: &[Named],
    measure: &str,
    value: &str,
    kind: MeasureValueType,
    time_ms: i64,
) -> Result<Record, BoxError> {
    Ok(Record::builder()
        .set_dimensions(Some(dimensions(named)?))
        .measure_name(measure)
        .measure_value(value)
        .measure_value_type(kind)
        .time(time_ms.to_string())
        .build())
}

fn dimensions(named: &[Named]) -> Result<Vec<Dimension>, BoxError> {
    named.iter().map(|(name, value)| Ok(Dimension::builder().name(*name).value(*value).build()?)).collect()
}
