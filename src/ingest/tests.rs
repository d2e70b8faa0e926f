//! What is refused, what is rejected, what goes where.

use super::*;
use crate::{
    catalog::{MagneticWrites, PartitionKey, RejectedLocation, Tags},
    clock::Clock,
    engine::{EngineConfig, NewTable},
    model::{
        record::{Dimension, MeasureType, RejectReason},
        retention::{DAY_NS, HOUR_NS, Retention},
    },
};
use std::sync::Arc;

/// 2023-11-28T19:05:39.648Z, so that windows are those of the captured answer.
const NOW_NS: i64 = 1_701_198_339_648_000_000;
const HOST: &[Dimension<'static>] = &[Dimension { name: "host", value: "a" }];
const HOST_TWICE: &[Dimension<'static>] = &[HOST[0], HOST[0]];

fn now_ms(offset_ns: i64) -> &'static str {
    Box::leak(((NOW_NS + offset_ns) / 1_000_000).to_string().into_boxed_str())
}

/// A record that is as it should be.
fn good() -> InputRecord<'static> {
    InputRecord {
        dimensions: HOST,
        measure_name: Some("cpu"),
        measure_value: Some("1.5"),
        time: Some(now_ms(0)),
        ..InputRecord::default()
    }
}

fn multi<'a>(values: &'a [InputMeasureValue<'a>]) -> InputRecord<'a> {
    InputRecord { measure_value: None, record_type: Some(RecordType::Multi), measure_values: values, ..good() }
}

const fn attribute(name: &'static str, value: &'static str, value_type: MeasureType) -> InputMeasureValue<'static> {
    InputMeasureValue { name, value, value_type: RecordType::Single(value_type) }
}

fn leak(text: String) -> &'static str {
    Box::leak(text.into_boxed_str())
}

async fn engine(new: NewTable) -> Arc<Engine> {
    let engine = Engine::open(EngineConfig::default(), Clock::manual(NOW_NS)).await.unwrap();
    engine.create_database(&Scope::default(), "db", None, Tags::new(), NOW_NS).await.unwrap();
    engine.create_table(&Scope::default(), "db", "t", new, NOW_NS).await.unwrap();
    engine
}

async fn write(engine: &Engine, common: InputRecord<'_>, records: &[InputRecord<'_>]) -> Result<Ingested, IngestError> {
    let request = WriteRequest { database: "db", table: "t", common, records };
    write_records(engine, &Objects::in_memory(), &Scope::default(), &request, NOW_NS, || [0; 16]).await
}

/// Writes records to a new table and says why the whole request is refused.
async fn check_refuses(records: &[InputRecord<'_>], expect: &str) {
    let engine = engine(NewTable::default()).await;
    let common = InputRecord::default();
    let refused = write(&engine, common, &[&[good()], records].concat()).await.map_err(|error| error.to_string());
    assert_eq!(refused, Err(expect.to_owned()));
    assert_eq!(engine.counts(None).records, 0, "nothing is written");
}

/// Writes a good record and then others to a new table, and says which are rejected and why.
async fn check_rejects(new: NewTable, records: &[InputRecord<'_>], expect: &[(usize, &str)]) {
    let engine = engine(new).await;
    let ingested = write(&engine, InputRecord::default(), records).await.unwrap();
    let rejected: Vec<_> = ingested.rejected.iter().map(|r| (r.index, r.reason.to_string())).collect();
    let expect: Vec<_> = expect.iter().map(|(index, reason)| (*index, (*reason).to_owned())).collect();
    assert_eq!(rejected, expect);
    assert_eq!(ingested.memory as usize, records.len() - expect.len(), "good records are stored");
}

#[tokio::test]
async fn malformed_records_refuse_the_whole_request() {
    let with = |change: fn(&mut InputRecord<'static>)| {
        let mut record = good();
        change(&mut record);
        record
    };
    // # observed: these three texts
    check_refuses(&[with(|r| r.dimensions = &[])], "At least one dimension is required for a record.").await;
    for time in [None, Some("1.5"), Some("2023-11-28T19:25:39Z"), Some(""), Some("99999999999999999999")] {
        check_refuses(&[InputRecord { time, ..good() }], "Invalid time for record.").await;
    }
    let timestamp = with(|r| {
        (r.record_type, r.measure_value) = (Some(RecordType::Single(MeasureType::Timestamp)), Some("1"));
    });
    check_refuses(&[timestamp], "TIMESTAMP is an invalid measure value type.").await;
    // # inferred: the others
    check_refuses(&[with(|r| r.measure_name = None)], "A measure name is required for a record.").await;
    check_refuses(
        &[with(|r| r.measure_name = Some("a:b"))],
        "The measure name 'a:b' is invalid. Measure names cannot contain a colon.",
    )
    .await;
    check_refuses(
        &[with(|r| r.measure_value = None)],
        "A measure value is required for a record whose measure value type is DOUBLE.",
    )
    .await;
    check_refuses(
        &[with(|r| r.version = Some(0))],
        "The record version 0 is invalid. The version must be 1 or greater.",
    )
    .await;
    check_refuses(
        &[with(|r| r.dimensions = HOST_TWICE)],
        "The dimension name 'host' occurs more than once. Dimension names in a record must be unique, and may not overlap \
         with those of the common attributes.",
    )
    .await;
    check_refuses(
        &[multi(&[])],
        "At least one measure value is required in MeasureValues for a record whose measure value type is MULTI.",
    )
    .await;
    check_refuses(
        &[InputRecord { measure_value: Some("1"), ..multi(&[attribute("x", "1", MeasureType::Double)]) }],
        "MeasureValue is not allowed for a record whose measure value type is MULTI. Use MeasureValues.",
    )
    .await;
    check_refuses(
        &[InputRecord { record_type: None, ..multi(&[attribute("x", "1", MeasureType::Double)]) }],
        "MeasureValues is only allowed for a record whose measure value type is MULTI.",
    )
    .await;
    check_refuses(
        &[multi(&[InputMeasureValue { name: "x", value: "1", value_type: RecordType::Multi }])],
        "MULTI is an invalid measure value type inside MeasureValues.",
    )
    .await;
    check_refuses(
        &[multi(&[attribute("x", "1", MeasureType::Double), attribute("x", "2", MeasureType::Double)])],
        "The name 'x' occurs more than once in the MeasureValues of a record.",
    )
    .await;
    check_refuses(
        &[multi(&[attribute("host", "1", MeasureType::Double)])],
        "The name 'host' is used for a dimension and for a measure value of the same record. Column names can not be \
         duplicated.",
    )
    .await;
}

#[tokio::test]
async fn reserved_names_refuse_the_whole_request() {
    // # guide: ts-limits.html
    for name in [
        "time",
        "measure_value",
        "ts_non_existent_col",
        "ts_x",
        "measure_name",
        "measure_name_x",
        "measure_value::double",
    ] {
        let text = format!(
            "The name '{name}' is reserved. Column names cannot be measure_value, ts_non_existent_col or time, and cannot \
             begin with ts_, measure_name or measure_value."
        );
        let own = [Dimension { name, value: "a" }];
        check_refuses(&[InputRecord { dimensions: &own, ..good() }], &text).await;
        let values = [attribute(name, "1", MeasureType::Double)];
        check_refuses(&[InputRecord { measure_values: &values, ..multi(&[]) }], &text).await;
    }
    // Case matters, and so does the rest of the name.
    let engine = engine(NewTable::default()).await;
    for name in ["Time", "times", "TS_x", "group", "地区", "a b", "7"] {
        let own = [Dimension { name, value: "a" }];
        let ingested = write(&engine, InputRecord::default(), &[InputRecord { dimensions: &own, ..good() }]).await;
        assert_eq!(ingested.unwrap().memory, 1, "{name}");
    }
}

#[tokio::test]
async fn values_are_read_by_their_type() {
    let check = async |value_type, text: &'static str, is_good: bool| {
        let record =
            InputRecord { measure_value: Some(text), record_type: Some(RecordType::Single(value_type)), ..good() };
        if is_good {
            check_rejects(NewTable::default(), &[record], &[]).await;
        } else {
            let text = format!("The measure value '{text}' is not a valid {}.", value_type.wire_name());
            check_refuses(&[record], &text).await;
        }
    };
    for text in ["1", "-1.5", "+2", "1e10", "1E-5", "40", ".5", "5."] {
        check(MeasureType::Double, text, true).await;
    }
    for text in ["NaN", "nan", "Infinity", "-inf", "1e400", "0x10", "1,5", "one", " 1", ""] {
        check(MeasureType::Double, text, false).await;
    }
    for text in ["0", "-9223372036854775808", "9223372036854775807"] {
        check(MeasureType::Bigint, text, true).await;
    }
    for text in ["1.0", "9223372036854775808", "1e3", ""] {
        check(MeasureType::Bigint, text, false).await;
    }
    for text in ["true", "False", "TRUE"] {
        check(MeasureType::Boolean, text, true).await;
    }
    for text in ["1", "yes", "t"] {
        check(MeasureType::Boolean, text, false).await;
    }
    let at = |text: &'static str| InputRecord {
        measure_values: Box::leak(Box::new([attribute("at", text, MeasureType::Timestamp)])),
        ..multi(&[])
    };
    // # guide: writes.html: from 1970 to 2262-04-11 23:47:16.854775807, here in milliseconds
    check_rejects(NewTable::default(), &[at("0"), InputRecord { version: Some(2), ..at("9223372036854") }], &[]).await;
    for text in ["-1", "9223372036855", "1.5"] {
        check_refuses(&[at(text)], &format!("The measure value '{text}' is not a valid TIMESTAMP.")).await;
    }
}

#[tokio::test]
async fn what_is_over_a_limit_is_rejected_alone() {
    let check = async |record: InputRecord<'_>, reason: RejectReason| {
        check_rejects(NewTable::default(), &[good(), record], &[(1, &reason.to_string())]).await;
    };
    let dimension =
        |name: usize, value: usize| vec![Dimension { name: leak("n".repeat(name)), value: leak("v".repeat(value)) }];
    check_rejects(NewTable::default(), &[InputRecord { dimensions: &dimension(60, 1_988), ..good() }], &[]).await;
    check(InputRecord { dimensions: &dimension(61, 1), ..good() }, RejectReason::DimensionNameTooLong(61)).await;
    check(InputRecord { dimensions: &dimension(60, 1_989), ..good() }, RejectReason::DimensionsTooLong(2_049)).await;
    let many: Vec<_> = (0..129).map(|i| Dimension { name: leak(format!("d{i}")), value: "v" }).collect();
    check_rejects(NewTable::default(), &[InputRecord { dimensions: &many[..128], ..good() }], &[]).await;
    check(InputRecord { dimensions: &many, ..good() }, RejectReason::TooManyDimensions(129)).await;
    let name = leak("é".repeat(129));
    check(InputRecord { measure_name: Some(name), ..good() }, RejectReason::MeasureNameTooLong(258)).await;
    let varchar = |text| InputRecord {
        measure_value: Some(text),
        record_type: Some(RecordType::Single(MeasureType::Varchar)),
        ..good()
    };
    check_rejects(NewTable::default(), &[varchar(leak("é".repeat(1_024)))], &[]).await;
    check(varchar(leak("é".repeat(1_025))), RejectReason::MeasureValueTooLong(2_050)).await;
    let attributes: Vec<_> = (0..257).map(|i| attribute(leak(format!("a{i}")), "1", MeasureType::Double)).collect();
    let values = |n: usize| InputRecord { measure_values: &attributes[..n], ..multi(&[]) };
    check_rejects(NewTable::default(), &[values(256)], &[]).await;
    check(values(257), RejectReason::TooManyAttributes(257)).await;
    let long = [
        attribute("a", leak("x".repeat(2_000)), MeasureType::Varchar),
        attribute("b", leak("x".repeat(49)), MeasureType::Varchar),
    ];
    check(InputRecord { measure_values: &long, ..multi(&[]) }, RejectReason::RecordTooLong(2_049)).await;
}

#[tokio::test]
async fn a_record_outside_the_window_is_rejected_alone() {
    let retention = Some(Retention { memory_hours: 12, magnetic_days: 5 });
    let at = |time_ns: i64| InputRecord { time: Some(now_ms(time_ns)), ..good() };
    let slack_ns = 20 * 60 * 1_000_000_000;
    let magnetic = NewTable {
        retention,
        magnetic_writes: Some(MagneticWrites { enabled: true, rejected_location: None }),
        ..NewTable::default()
    };
    // # observed: this range for 12 hours and 5 days
    let outside = "The record timestamp is outside the time range [2023-11-23T06:45:39.648Z, 2023-11-28T19:25:39.648Z) of \
                   the data ingestion window.";
    let from_ns = -(5 * DAY_NS + 12 * HOUR_NS + slack_ns);
    let records = [at(slack_ns), at(slack_ns - 1_000_000), at(from_ns - 1_000_000)];
    check_rejects(magnetic.clone(), &records, &[(0, outside), (2, outside)]).await;
    let engine = engine(magnetic).await;
    let memory_from_ns = -(12 * HOUR_NS + slack_ns);
    let records = [at(from_ns), at(memory_from_ns - 1_000_000), at(memory_from_ns)];
    let ingested = write(&engine, InputRecord::default(), &records).await.unwrap();
    assert_eq!(ingested, Ingested { memory: 1, magnetic: 2, rejected: Vec::new() });
    // Without magnetic writes the memory store is all there is.
    let outside = "The record timestamp is outside the time range [2023-11-28T06:45:39.648Z, 2023-11-28T19:25:39.648Z) of \
                   the memory store.";
    let new = NewTable { retention, ..NewTable::default() };
    check_rejects(new, &[at(memory_from_ns - 1_000_000), at(memory_from_ns)], &[(0, outside)]).await;
}

#[tokio::test]
async fn every_time_unit_is_read() {
    let engine = engine(NewTable::default()).await;
    let units = [TimeUnit::Seconds, TimeUnit::Milliseconds, TimeUnit::Microseconds, TimeUnit::Nanoseconds];
    let second_ns = NOW_NS / 1_000_000_000 * 1_000_000_000;
    for unit in units {
        let time = leak((second_ns / unit.ns()).to_string());
        let record = InputRecord { time: Some(time), time_unit: Some(unit), ..good() };
        assert_eq!(write(&engine, InputRecord::default(), &[record]).await.unwrap().memory, 1);
    }
    assert_eq!(engine.counts(None).records, 1, "all four say the same time");
    let far = InputRecord { time: Some("9223372036854775807"), time_unit: Some(TimeUnit::Seconds), ..good() };
    let ingested = write(&engine, InputRecord::default(), &[far]).await.unwrap();
    assert!(matches!(ingested.rejected[0].reason, RejectReason::OutsideMemoryStore { .. }));
}

#[tokio::test]
async fn common_attributes_stand_in_and_add_up() {
    let engine = engine(NewTable::default()).await;
    let common = InputRecord {
        dimensions: HOST,
        measure_name: Some("all"),
        record_type: Some(RecordType::Multi),
        time: Some(leak((NOW_NS / 1_000).to_string())),
        time_unit: Some(TimeUnit::Microseconds),
        version: Some(7),
        measure_values: Box::leak(Box::new([attribute("x", "1", MeasureType::Double)])),
        measure_value: None,
    };
    let az = [Dimension { name: "az", value: "1" }];
    let y = [attribute("y", "2", MeasureType::Bigint)];
    let own = InputRecord { dimensions: &az, measure_values: &y, ..InputRecord::default() };
    assert_eq!(write(&engine, common, &[own]).await.unwrap().memory, 1);
    let snapshot = engine.snapshot(&Scope::default());
    let view = snapshot.table("db", "t").unwrap();
    let names: Vec<_> = view.table.columns.iter().map(|column| &*column.name).collect();
    assert_eq!(names, ["host", "az", "measure_name", "time", "x", "y"]);
    let lower = InputRecord { version: Some(6), measure_values: &y, dimensions: &az, ..InputRecord::default() };
    let other = InputRecord { measure_values: &[], ..common };
    let ingested = write(&engine, other, &[lower]).await.unwrap();
    assert_eq!(ingested.rejected[0].reason.existing_version(), Some(7));
    // # model: "Dimensions may not overlap"
    let overlapping = InputRecord { dimensions: HOST, measure_values: &y, ..InputRecord::default() };
    assert!(matches!(
        write(&engine, common, &[overlapping]).await,
        Err(IngestError::Invalid(InvalidRecord::DuplicateDimension(name))) if name == "host"
    ));
}

#[tokio::test]
async fn a_required_partition_key_must_be_there() {
    let key = |required| NewTable {
        partition_key: Some(PartitionKey::Dimension { name: "region".into(), required }),
        ..NewTable::default()
    };
    let own = [HOST[0], Dimension { name: "region", value: "eu" }];
    let records = [InputRecord { dimensions: &own, ..good() }, good()];
    let missing = "The record does not have the dimension 'region', which the table's partition key requires.";
    check_rejects(key(true), &records, &[(1, missing)]).await;
    check_rejects(key(false), &records, &[]).await;
}

#[tokio::test]
async fn limits_of_the_table_reject_alone() {
    let engine = engine(NewTable::default()).await;
    let write_dimension = async |i: usize| {
        let own = [Dimension { name: leak(format!("d{i}")), value: "v" }];
        write(&engine, InputRecord::default(), &[InputRecord { dimensions: &own, ..good() }]).await.unwrap()
    };
    // # observed: 128 distinct dimensions over a table are fine, one more is an error
    for i in 0..128 {
        assert_eq!(write_dimension(i).await.memory, 1);
    }
    assert_eq!(write_dimension(128).await.rejected[0].reason, RejectReason::TableDimensions);
    assert_eq!(write_dimension(5).await.rejected, []);
}

#[tokio::test]
async fn a_table_that_is_not_there_is_named() {
    let engine = engine(NewTable::default()).await;
    let check = async |database, table, expect: &str| {
        let request = WriteRequest { database, table, common: InputRecord::default(), records: &[good()] };
        let error = write_records(&engine, &Objects::in_memory(), &Scope::default(), &request, NOW_NS, || [0; 16])
            .await
            .unwrap_err();
        assert_eq!(error.to_string(), expect);
    };
    // # observed: the texts
    check("unknown", "t", "The database unknown does not exist.").await;
    check("db", "unknown", "The table unknown does not exist.").await;
}

#[tokio::test]
async fn what_the_magnetic_store_rejects_is_reported_and_not_answered() {
    let location = RejectedLocation {
        bucket_name: Some("rejects".to_owned()),
        object_key_prefix: Some("late/".to_owned()),
        encryption_option: None,
        kms_key_id: None,
    };
    let magnetic_writes = Some(MagneticWrites { enabled: true, rejected_location: Some(Some(location)) });
    let retention = Some(Retention { memory_hours: 1, magnetic_days: 5 });
    let engine = engine(NewTable { magnetic_writes, retention, ..NewTable::default() }).await;
    let late = |value| InputRecord { time: Some(now_ms(-DAY_NS)), measure_value: Some(value), ..good() };
    let objects = Objects::in_memory();
    let send = async |records: &[InputRecord<'static>]| {
        let common = InputRecord { dimensions: &[Dimension { name: "region", value: "r1" }], ..InputRecord::default() };
        let request = WriteRequest { database: "db", table: "t", common, records };
        write_records(&engine, &objects, &Scope::default(), &request, NOW_NS, || [0xAB; 16]).await.unwrap()
    };
    send(&[late("1.5")]).await;
    assert_eq!(objects.list("rejects").await.unwrap(), [""; 0]);
    let older = InputRecord { version: Some(1), ..late("2.5") };
    let ingested = send(&[older, good(), late("1.5"), late("3.5")]).await;
    assert_eq!(ingested, Ingested { memory: 1, magnetic: 3, rejected: Vec::new() });
    let key = "late/db/t/1701198339648/ABABABABABABABABABABABABABABABAB.json";
    assert_eq!(objects.list("rejects").await.unwrap(), [key]);
    let body: serde_json::Value = serde_json::from_slice(&objects.get("rejects", key).await.unwrap()).unwrap();
    let record = |value: &str| {
        serde_json::json!({
            "dimensions": [
                {"name": "region", "value": "r1", "dimensionValueType": null},
                {"name": "host", "value": "a", "dimensionValueType": null},
            ],
            "measureName": "cpu", "measureValue": value, "measureValues": null, "measureValueType": "DOUBLE",
            "time": "1701111939648000000", "timeUnit": "NANOSECONDS", "version": 1,
        })
    };
    let reason = "A record already exists with the same time, dimensions, measure name, and record version. A higher record \
                  version must be specified in order to update the measure value. Specifying record version is supported \
                  by the latest SDKs.";
    let expect = serde_json::json!({
        "reportId": "ABABABABABABABABABABABABABABABAB",
        "errors": [{"reason": reason, "records": [record("2.5"), record("3.5")]}],
    });
    assert_eq!(body, expect);
}
