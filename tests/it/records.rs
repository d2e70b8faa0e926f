//! WriteRecords and back through the SDKs: that the parts fit together.

use crate::harness::{START_NS, Timebrook};
use aws_sdk_timestreamwrite::{
    operation::write_records::WriteRecordsError,
    types::{Dimension, MeasureValue, MeasureValueType, Record, TimeUnit},
};
use serde_json::json;
use std::time::Duration;

const START_MS: i64 = START_NS / 1_000_000;

async fn with_table() -> Timebrook {
    let timebrook = Timebrook::start().await;
    timebrook.call("CreateDatabase", r#"{"DatabaseName":"sensors"}"#).await;
    timebrook.call("CreateTable", r#"{"DatabaseName":"sensors","TableName":"rooms"}"#).await;
    timebrook
}

fn room(name: &str) -> Dimension {
    Dimension::builder().name("room").value(name).build().unwrap()
}

fn temperature(room_name: &str, value: &str, time_ms: i64) -> Record {
    Record::builder()
        .dimensions(room(room_name))
        .measure_name("temperature")
        .measure_value(value)
        .time(time_ms.to_string())
        .build()
}

/// The cells of a query's rows; `NULL` for none.
async fn rows(timebrook: &Timebrook, sql: &str) -> Vec<Vec<String>> {
    let answer = timebrook.query().query().query_string(sql).send().await.unwrap();
    assert_eq!(answer.next_token(), None);
    let cell = |cell: &aws_sdk_timestreamquery::types::Datum| cell.scalar_value().unwrap_or("NULL").to_owned();
    answer.rows().iter().map(|row| row.data().iter().map(cell).collect()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn records_come_back() {
    let timebrook = with_table().await;
    let write = timebrook.write();
    let written = write
        .write_records()
        .database_name("sensors")
        .table_name("rooms")
        .records(temperature("a", "20.5", START_MS))
        .records(temperature("b", "21", START_MS - 1_000))
        .send()
        .await
        .unwrap();
    let counts = written.records_ingested().unwrap();
    assert_eq!((counts.total(), counts.memory_store(), counts.magnetic_store()), (2, 2, 0));
    let multi = |name: &str, value: &str, of: MeasureValueType| {
        MeasureValue::builder().name(name).value(value).r#type(of).build().unwrap()
    };
    let common =
        Record::builder().dimensions(room("a")).time((START_MS / 1_000).to_string()).time_unit(TimeUnit::Seconds);
    let air = Record::builder()
        .measure_name("air")
        .measure_value_type(MeasureValueType::Multi)
        .measure_values(multi("co2", "412", MeasureValueType::Bigint))
        .measure_values(multi("ok", "true", MeasureValueType::Boolean));
    let request = write.write_records().database_name("sensors").table_name("rooms");
    request.common_attributes(common.build()).records(air.build()).send().await.unwrap();

    let sql = "SELECT room, measure_name, time, measure_value::double, co2, ok FROM sensors.rooms ORDER BY time, measure_name";
    let expect = [
        ["b", "temperature", "2024-06-01 11:59:59.000000000", "21.0", "NULL", "NULL"],
        ["a", "air", "2024-06-01 12:00:00.000000000", "NULL", "412", "true"],
        ["a", "temperature", "2024-06-01 12:00:00.000000000", "20.5", "NULL", "NULL"],
    ];
    assert_eq!(rows(&timebrook, sql).await, expect);
    let state = timebrook.send(http::Request::get("/_timebrook/state").body(Default::default()).unwrap()).await.json();
    assert_eq!((&state["series"], &state["records"]), (&json!(2), &json!(3)));
}

#[tokio::test(flavor = "multi_thread")]
async fn rejected_records_leave_the_others_written() {
    let timebrook = with_table().await;
    let write = timebrook.write();
    let request = || write.write_records().database_name("sensors").table_name("rooms");
    request().records(temperature("a", "1", START_MS)).send().await.unwrap();
    let error = request()
        .records(temperature("a", "2", START_MS))
        .records(temperature("b", "3", START_MS))
        .records(temperature("c", "4", START_MS - 7 * 3_600_000))
        .send()
        .await
        .unwrap_err();
    assert_eq!(error.raw_response().unwrap().status().as_u16(), 419);
    let WriteRecordsError::RejectedRecordsException(rejected) = error.into_service_error() else {
        panic!("another error");
    };
    // # observed: the texts
    let reasons: Vec<_> =
        rejected.rejected_records().iter().map(|record| (record.record_index(), record.reason().unwrap())).collect();
    let duplicate = "A record already exists with the same time, dimensions, measure name, and record version. A higher \
                     record version must be specified in order to update the measure value. Specifying record version \
                     is supported by the latest SDKs.";
    let late = "The record timestamp is outside the time range [2024-06-01T05:40:00.000Z, 2024-06-01T12:20:00.000Z) of \
                the memory store.";
    assert_eq!(reasons, [(0, duplicate), (2, late)]);
    let sql = "SELECT room, measure_value::double FROM sensors.rooms ORDER BY room";
    assert_eq!(rows(&timebrook, sql).await, [["a", "1.0"], ["b", "3.0"]]);
}

#[tokio::test(flavor = "multi_thread")]
async fn records_past_their_retention_are_not_seen() {
    let timebrook = with_table().await;
    let retention = json!({"MemoryStoreRetentionPeriodInHours": 1, "MagneticStoreRetentionPeriodInDays": 1});
    let body = json!({"DatabaseName": "sensors", "TableName": "rooms", "RetentionProperties": retention});
    assert_eq!(timebrook.call("UpdateTable", body.to_string()).await.status, 200);
    let write = timebrook.write().write_records().database_name("sensors").table_name("rooms");
    write.records(temperature("a", "1", START_MS)).send().await.unwrap();
    let count = async || rows(&timebrook, "SELECT count(*) FROM sensors.rooms").await[0][0].clone();
    timebrook.clock.advance(Duration::from_secs(25 * 3_600));
    assert_eq!(count().await, "1");
    timebrook.clock.advance(Duration::from_millis(1));
    assert_eq!(count().await, "0");
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_that_are_not_there() {
    let timebrook = with_table().await;
    let check = async |database: &str, table: &str, text: &str| {
        let record = json!({"Dimensions": [{"Name": "room", "Value": "a"}], "MeasureName": "m", "MeasureValue": "1",
            "Time": START_MS.to_string()});
        let body = json!({"DatabaseName": database, "TableName": table, "Records": [record]});
        let answer = timebrook.call("WriteRecords", body.to_string()).await;
        assert_eq!((answer.status.as_u16(), answer.error().as_str()), (404, "ResourceNotFoundException"));
        assert_eq!(answer.message(), text);
    };
    check("unknown", "rooms", "The database unknown does not exist.").await;
    check("sensors", "unknown", "The table unknown does not exist.").await;
}
