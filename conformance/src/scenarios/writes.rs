//! WriteRecords.

use super::{dimension, make_table, query_all, reading, refused, rows_of};
use crate::{clients::Clients, scenario::Scenario, wall_clock::now_ms};
use aws_sdk_timestreamwrite::{
    operation::write_records::WriteRecordsError,
    types::{
        MagneticStoreWriteProperties, MeasureValue, MeasureValueType, Record, RecordsIngested, RejectedRecord,
        RetentionProperties, TimeUnit,
    },
};
use aws_smithy_runtime_api::client::{orchestrator::HttpResponse, result::SdkError};

pub(super) fn all() -> Vec<Scenario> {
    vec![
        Scenario::new("write_single_measures", write_single_measures),
        Scenario::new("write_multi_measures", write_multi_measures),
        Scenario::new("common_attributes", common_attributes),
        Scenario::new("record_versions", record_versions),
        Scenario::new("rejected_records", rejected_records),
        Scenario::new("duplicates_in_one_request", duplicates_in_one_request),
        Scenario::new("late_records_to_the_magnetic_store", late_records_to_the_magnetic_store),
        Scenario::new("invalid_records", invalid_records),
    ]
}

type Answer = Result<RecordsIngested, SdkError<WriteRecordsError, HttpResponse>>;

/// WriteRecords into `sensors.readings`.
async fn write(clients: &Clients, records: Vec<Record>) -> Answer {
    let call = clients.write.write_records().database_name("sensors").table_name("readings");
    let answer = call.set_records(Some(records)).send().await?;
    Ok(answer.records_ingested.expect("counters are always told"))
}

/// Total, memory store, magnetic store.
fn counts(ingested: &RecordsIngested) -> (i32, i32, i32) {
    (ingested.total(), ingested.memory_store(), ingested.magnetic_store())
}

/// The rejected records of a write that must have some.
fn rejections(answer: Answer) -> Vec<RejectedRecord> {
    let error = answer.expect_err("some records must be rejected");
    assert_eq!(error.raw_response().map(|response| response.status().as_u16()), Some(419));
    let WriteRecordsError::RejectedRecordsException(rejected) = error.into_service_error() else {
        panic!("not a RejectedRecordsException")
    };
    // observed
    let text = "One or more records have been rejected. See RejectedRecords for details.";
    assert_eq!(rejected.message.as_deref(), Some(text));
    rejected.rejected_records.expect("the rejected records are told")
}

async fn values(clients: &Clients) -> Vec<String> {
    let rows = rows_of(clients, "SELECT measure_value::double FROM sensors.readings ORDER BY time").await;
    rows.into_iter().flatten().collect()
}

async fn write_single_measures(clients: Clients) {
    make_table(&clients).await;
    let now = now_ms();
    let typed = |name: &str, value: &str, kind: MeasureValueType| {
        Record::builder()
            .dimensions(dimension("device", "d1"))
            .measure_name(name)
            .measure_value(value)
            .measure_value_type(kind)
            .time(now.to_string())
            .build()
    };
    let records = vec![
        reading(now, "21.5"),
        typed("count", "42", MeasureValueType::Bigint),
        typed("open", "true", MeasureValueType::Boolean),
        typed("note", "café ☕", MeasureValueType::Varchar),
    ];
    assert_eq!(counts(&write(&clients, records).await.expect("written")), (4, 4, 0));
    let sql = "SELECT measure_name, \"measure_value::double\", measure_value::bigint, measure_value::boolean, \
               measure_value::varchar FROM \"sensors\".\"readings\" ORDER BY measure_name";
    assert_eq!(
        rows_of(&clients, sql).await,
        [
            ["count", "NULL", "42", "NULL", "NULL"],
            ["note", "NULL", "NULL", "NULL", "café ☕"],
            ["open", "NULL", "NULL", "true", "NULL"],
            ["temperature", "21.5", "NULL", "NULL", "NULL"],
        ]
    );
}

async fn write_multi_measures(clients: Clients) {
    make_table(&clients).await;
    let now = now_ms();
    let value = |name: &str, value: &str, kind: MeasureValueType| {
        MeasureValue::builder().name(name).value(value).r#type(kind).build().expect("all is set")
    };
    let record = Record::builder()
        .dimensions(dimension("host", "h1"))
        .measure_name("metrics")
        .measure_value_type(MeasureValueType::Multi)
        .measure_values(value("load", "0.5", MeasureValueType::Double))
        .measure_values(value("requests", "9007199254740993", MeasureValueType::Bigint))
        .measure_values(value("healthy", "false", MeasureValueType::Boolean))
        .measure_values(value("version", "1.2.3", MeasureValueType::Varchar))
        .measure_values(value("booted", "0", MeasureValueType::Timestamp))
        .time(now.to_string())
        .build();
    assert_eq!(counts(&write(&clients, vec![record]).await.expect("written")), (1, 1, 0));
    let sql = "SELECT host, measure_name, load, requests, healthy, version, booted FROM sensors.readings";
    assert_eq!(
        rows_of(&clients, sql).await,
        [["h1", "metrics", "0.5", "9007199254740993", "false", "1.2.3", "1970-01-01 00:00:00.000000000"]]
    );
}

async fn common_attributes(clients: Clients) {
    make_table(&clients).await;
    let common = Record::builder()
        .dimensions(dimension("host", "h1"))
        .time((now_ms() / 1000).to_string())
        .time_unit(TimeUnit::Seconds)
        .build();
    let send = |record: Record| {
        let call = clients.write.write_records().database_name("sensors").table_name("readings");
        call.common_attributes(common.clone()).records(record).send()
    };
    let slot = dimension("slot", "s2");
    send(Record::builder().dimensions(slot).measure_name("cpu").measure_value("1").build()).await.expect("written");
    let sql = "SELECT host, slot, measure_name, measure_value::double FROM sensors.readings WHERE time > ago(1m)";
    assert_eq!(rows_of(&clients, sql).await, [["h1", "s2", "cpu", "1.0"]]);
    // model: overlapping dimensions fail the whole request
    let overlap = dimension("host", "other");
    let answer = send(Record::builder().dimensions(overlap).measure_name("cpu").measure_value("1").build()).await;
    refused(answer, "ValidationException", 400);
}

async fn record_versions(clients: Clients) {
    make_table(&clients).await;
    let now = now_ms();
    let versioned = |value: &str, version: i64| {
        Record::builder()
            .dimensions(dimension("device", "d1"))
            .measure_name("temperature")
            .measure_value(value)
            .time(now.to_string())
            .version(version)
            .build()
    };
    write(&clients, vec![versioned("1", 2)]).await.expect("inserted");
    write(&clients, vec![versioned("1", 2)]).await.expect("an identical repeat succeeds");
    let equal = rejections(write(&clients, vec![versioned("7", 2)]).await);
    assert_eq!(equal[0].existing_version(), None);
    write(&clients, vec![versioned("5", 200)]).await.expect("a higher version replaces");
    assert_eq!(values(&clients).await, ["5.0"]);
    let lower = rejections(write(&clients, vec![versioned("9", 2)]).await);
    // observed
    assert_eq!(
        lower[0].reason(),
        Some(
            "The record version 2 is lower than the existing version 200. A higher version is required to update \
             the measure value."
        )
    );
    assert_eq!((lower[0].record_index(), lower[0].existing_version()), (0, Some(200)));
    assert_eq!(values(&clients).await, ["5.0"]);
}

async fn rejected_records(clients: Clients) {
    make_table(&clients).await;
    let (now, day_ms) = (now_ms(), 86_400_000);
    let records = vec![reading(now, "1"), reading(now - 3 * day_ms, "2"), reading(now - 1, "3")];
    let rejected = rejections(write(&clients, records).await);
    assert_eq!(rejected.len(), 1);
    assert_eq!(rejected[0].record_index(), 1);
    let reason = rejected[0].reason().unwrap_or_default();
    assert!(reason.starts_with("The record timestamp is outside the time range ["), "{reason}");
    assert!(reason.ends_with(") of the memory store."), "{reason}");
    // The other records are written.
    assert_eq!(values(&clients).await, ["3.0", "1.0"]);
}

async fn duplicates_in_one_request(clients: Clients) {
    make_table(&clients).await;
    let now = now_ms();
    let records = vec![reading(now, "1"), reading(now, "1"), reading(now, "2")];
    let indexes: Vec<i32> =
        rejections(write(&clients, records).await).iter().map(RejectedRecord::record_index).collect();
    assert_eq!((indexes, values(&clients).await), (vec![2], vec!["1.0".to_owned()]));
}

async fn late_records_to_the_magnetic_store(clients: Clients) {
    make_table(&clients).await;
    let retention = RetentionProperties::builder()
        .memory_store_retention_period_in_hours(1)
        .magnetic_store_retention_period_in_days(3)
        .build()
        .expect("both periods are set");
    let magnetic = MagneticStoreWriteProperties::builder().enable_magnetic_store_writes(true).build().expect("set");
    let update = clients.write.update_table().database_name("sensors").table_name("readings");
    update.retention_properties(retention).magnetic_store_write_properties(magnetic).send().await.expect("updated");
    let (now, day_ms) = (now_ms(), 86_400_000);
    let records = vec![reading(now, "1"), reading(now - day_ms, "2"), reading(now - 2 * day_ms, "3")];
    assert_eq!(counts(&write(&clients, records).await.expect("written")), (3, 1, 2));
    let rejected = rejections(write(&clients, vec![reading(now - 4 * day_ms, "4")]).await);
    let reason = rejected[0].reason().unwrap_or_default();
    assert!(reason.ends_with(") of the data ingestion window."), "{reason}");
    assert_eq!(values(&clients).await, ["3.0", "2.0", "1.0"]);
}

async fn invalid_records(clients: Clients) {
    make_table(&clients).await;
    let now = now_ms();
    let without_dimensions = Record::builder().measure_name("cpu").measure_value("1").time(now.to_string()).build();
    // observed
    let text = refused(write(&clients, vec![reading(now, "1"), without_dimensions]).await, "ValidationException", 400);
    assert_eq!(text, "At least one dimension is required for a record.");
    let text_for_a_number = refused(write(&clients, vec![reading(now, "abc")]).await, "ValidationException", 400);
    assert!(!text_for_a_number.is_empty());
    assert_eq!(query_all(&clients, "SELECT * FROM sensors.readings").await.1.len(), 0);
}
