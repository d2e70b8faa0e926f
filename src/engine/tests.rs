//! The engine in memory: control plane, writes, snapshots.

use super::*;
use crate::{
    catalog::{MagneticWrites, PartitionKey, Tags},
    model::{
        record::{Attribute, Dimension, Dimensions, Measure, RejectReason, Tier, Value},
        retention::{DAY_NS, HOUR_NS, Retention},
    },
    store::memory::selection::Selection,
};
use datafusion::arrow::{
    array::{Array, RecordBatch},
    util::display::{ArrayFormatter, FormatOptions},
};

pub(super) const NOW_NS: i64 = 1_700_000_000_000_000_000;

/// A record as tests write it: `dims`, measure name, time, version, values.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) dims: Vec<(String, String)>,
    pub(super) measure_name: String,
    pub(super) time_ns: i64,
    pub(super) version: i64,
    pub(super) measure: Measure<'static>,
    pub(super) tier: Tier,
}

pub(super) fn single(host: &str, time_ns: i64, version: i64, value: Value<'static>) -> Row {
    Row {
        dims: vec![("host".into(), host.into())],
        measure_name: "cpu".into(),
        time_ns,
        version,
        measure: Measure::Single(value),
        tier: Tier::Memory,
    }
}

pub(super) fn multi(host: &str, time_ns: i64, version: i64, values: &[(&'static str, Value<'static>)]) -> Row {
    let attributes = values.iter().map(|(name, value)| Attribute { name, value: *value }).collect();
    Row {
        measure: Measure::Multi(attributes),
        measure_name: "all".into(),
        ..single(host, time_ns, version, Value::Bigint(0))
    }
}

pub(super) async fn write_at(engine: &Engine, rows: &[Row], now_ns: i64) -> Result<WriteOutcome, EngineError> {
    let dims: Vec<Vec<Dimension<'_>>> =
        rows.iter().map(|row| row.dims.iter().map(|(name, value)| Dimension { name, value }).collect()).collect();
    let records: Vec<_> = rows
        .iter()
        .zip(&dims)
        .enumerate()
        .map(|(index, (row, own))| Record {
            index,
            dimensions: Dimensions { common: &[], own },
            measure_name: &row.measure_name,
            time_ns: row.time_ns,
            version: row.version,
            measure: row.measure.clone(),
            tier: row.tier,
        })
        .collect();
    engine.write(&Scope::default(), "db", "t", &records, now_ns).await
}

pub(super) async fn write(engine: &Engine, rows: &[Row]) -> WriteOutcome {
    write_at(engine, rows, NOW_NS).await.unwrap()
}

/// An engine in memory with the table `db.t`.
async fn engine() -> Arc<Engine> {
    let engine = Engine::open(EngineConfig::default(), Clock::manual(NOW_NS)).await.unwrap();
    create(&engine).await.unwrap();
    engine
}

pub(super) async fn create(engine: &Engine) -> Result<(), EngineError> {
    engine.create_database(&Scope::default(), "db", None, Tags::new(), NOW_NS).await?;
    engine.create_table(&Scope::default(), "db", "t", NewTable::default(), NOW_NS).await?;
    Ok(())
}

/// Every row of `db.t`, `column=value` for values that are there, sorted.
pub(super) fn rows(engine: &Engine) -> Vec<String> {
    rows_in(engine, i64::MIN..i64::MAX)
}

pub(super) fn rows_in(engine: &Engine, times: std::ops::Range<i64>) -> Vec<String> {
    let snapshot = engine.snapshot(&Scope::default());
    let Some(view) = snapshot.table("db", "t") else { return Vec::new() };
    let projection: Vec<usize> = (0..view.table.columns.len()).collect();
    let mut rows: Vec<_> =
        view.rows.scan(&projection, &times.into()).flat_map(|batch| print(&batch.unwrap())).collect();
    rows.sort();
    rows
}

fn print(batch: &RecordBatch) -> Vec<String> {
    let schema = batch.schema();
    let options = FormatOptions::default();
    (0..batch.num_rows())
        .map(|row| {
            let cells = batch.columns().iter().zip(schema.fields()).filter(|(column, _)| column.is_valid(row));
            let cells = cells.map(|(column, field)| {
                let text = match column.as_any().downcast_ref::<datafusion::arrow::array::TimestampNanosecondArray>() {
                    Some(times) => (times.value(row) - NOW_NS).to_string(),
                    None => ArrayFormatter::try_new(column, &options).unwrap().value(row).to_string(),
                };
                format!("{}={text}", field.name())
            });
            cells.collect::<Vec<_>>().join(" ")
        })
        .collect()
}

#[tokio::test]
async fn what_is_written_is_read_back() {
    let engine = engine().await;
    let outcome = write(
        &engine,
        &[
            single("a", NOW_NS, 1, Value::Double(1.5)),
            single("a", NOW_NS + 1, 1, Value::Bigint(2)),
            multi(
                "b",
                NOW_NS,
                1,
                &[("up", Value::Boolean(true)), ("note", Value::Varchar("é")), ("at", Value::Timestamp(NOW_NS))],
            ),
            multi("b", NOW_NS + 1, 1, &[("note", Value::Varchar("x"))]),
        ],
    )
    .await;
    assert_eq!(outcome, WriteOutcome { memory: 4, ..WriteOutcome::default() });
    assert_eq!(
        rows(&engine),
        [
            "host=a measure_name=cpu time=0 measure_value::double=1.5",
            "host=a measure_name=cpu time=1 measure_value::bigint=2",
            "host=b measure_name=all time=0 up=true note=é at=0",
            "host=b measure_name=all time=1 note=x",
        ]
    );
    assert_eq!(rows_in(&engine, NOW_NS + 1..NOW_NS + 2).len(), 2);
}

/// Writes `first`, then `second` under the same key, and says what became of the second and what is stored.
async fn check_versions(first: (i64, f64), second: (i64, f64), expect: Result<f64, RejectReason>) {
    let engine = engine().await;
    write(&engine, &[single("a", NOW_NS, first.0, Value::Double(first.1))]).await;
    let outcome = write(&engine, &[single("a", NOW_NS, second.0, Value::Double(second.1))]).await;
    let stored = expect.clone().unwrap_or(first.1);
    assert_eq!(outcome.rejected.first().map(|rejected| rejected.reason.clone()), expect.err());
    assert_eq!(rows(&engine), [format!("host=a measure_name=cpu time=0 measure_value::double={stored:?}")]);
}

#[tokio::test]
async fn versions_decide_between_values_of_one_key() {
    check_versions((1, 1.0), (1, 1.0), Ok(1.0)).await;
    check_versions((1, 1.0), (1, 2.0), Err(RejectReason::SameVersion)).await;
    check_versions((1, 1.0), (2, 2.0), Ok(2.0)).await;
    check_versions((2, 1.0), (1, 2.0), Err(RejectReason::LowerVersion { version: 1, existing: 2 })).await;
    // # inferred: a lower version with the same data changes nothing and is no error
    check_versions((2, 1.0), (1, 1.0), Ok(1.0)).await;
}

#[tokio::test]
async fn a_higher_version_with_the_same_value_moves_the_version() {
    let engine = engine().await;
    for version in [1, 5] {
        assert_eq!(write(&engine, &[single("a", NOW_NS, version, Value::Double(1.0))]).await.rejected, []);
    }
    let outcome = write(&engine, &[single("a", NOW_NS, 4, Value::Double(2.0))]).await;
    assert_eq!(outcome.rejected[0].reason, RejectReason::LowerVersion { version: 4, existing: 5 });
}

#[tokio::test]
async fn a_type_belongs_to_the_value_and_not_to_the_key() {
    let engine = engine().await;
    write(&engine, &[single("a", NOW_NS, 1, Value::Double(1.0))]).await;
    let outcome = write(&engine, &[single("a", NOW_NS, 1, Value::Bigint(1))]).await;
    assert_eq!(outcome.rejected[0].reason, RejectReason::SameVersion);
    assert_eq!(rows(&engine), ["host=a measure_name=cpu time=0 measure_value::double=1.0"]);
    write(&engine, &[single("a", NOW_NS, 2, Value::Bigint(1))]).await;
    assert_eq!(rows(&engine), ["host=a measure_name=cpu time=0 measure_value::bigint=1"]);
}

#[tokio::test]
async fn a_multi_measure_upsert_replaces_the_whole_record() {
    let engine = engine().await;
    write(&engine, &[multi("a", NOW_NS, 1, &[("x", Value::Double(1.0)), ("y", Value::Double(2.0))])]).await;
    let outcome = write(&engine, &[multi("a", NOW_NS, 1, &[("x", Value::Double(1.0))])]).await;
    assert_eq!(outcome.rejected[0].reason, RejectReason::SameVersion);
    write(&engine, &[multi("a", NOW_NS, 2, &[("x", Value::Double(3.0))])]).await;
    assert_eq!(rows(&engine), ["host=a measure_name=all time=0 x=3.0"]);
}

#[tokio::test]
async fn records_of_one_request_are_decided_in_order() {
    let engine = engine().await;
    let outcome = write(
        &engine,
        &[
            single("a", NOW_NS, 1, Value::Double(1.0)),
            single("a", NOW_NS, 1, Value::Double(1.0)),
            single("a", NOW_NS, 1, Value::Double(2.0)),
            single("a", NOW_NS, 2, Value::Double(3.0)),
        ],
    )
    .await;
    assert_eq!(outcome.memory, 3);
    assert_eq!(outcome.rejected.iter().map(|r| r.index).collect::<Vec<_>>(), [2]);
    assert_eq!(rows(&engine), ["host=a measure_name=cpu time=0 measure_value::double=3.0"]);
}

#[tokio::test]
async fn the_order_of_dimensions_does_not_matter() {
    let engine = engine().await;
    let mut row = single("a", NOW_NS, 1, Value::Double(1.0));
    row.dims.push(("az".into(), "1".into()));
    write(&engine, &[row.clone()]).await;
    row.dims.reverse();
    row.measure = Measure::Single(Value::Double(2.0));
    assert_eq!(write(&engine, &[row.clone()]).await.rejected.len(), 1);
    row.dims = vec![("host".into(), "1".into()), ("az".into(), "a".into())];
    assert_eq!(write(&engine, &[row]).await.rejected, []);
    assert_eq!(engine.counts(None).series, 2);
}

#[tokio::test]
async fn an_attribute_keeps_its_type_and_rejected_records_leave_no_trace() {
    let engine = engine().await;
    write(&engine, &[multi("a", NOW_NS, 1, &[("x", Value::Double(1.0))])]).await;
    let mut clash = multi("a", NOW_NS + 1, 1, &[("fresh", Value::Double(1.0)), ("host", Value::Double(1.0))]);
    clash.measure_name = "fresh_name".into();
    let outcome = write(&engine, &[multi("a", NOW_NS + 1, 1, &[("x", Value::Bigint(1))]), clash]).await;
    let reasons: Vec<_> = outcome.rejected.into_iter().map(|rejected| rejected.reason.to_string()).collect();
    assert_eq!(
        reasons,
        [
            "The multi-measure attribute 'x' is of type DOUBLE in this table, not BIGINT.",
            "The name 'host' is used for a dimension and for a multi-measure attribute. Column names can not be duplicated.",
        ]
    );
    let snapshot = engine.snapshot(&Scope::default());
    let view = snapshot.table("db", "t").unwrap();
    let names: Vec<_> = view.table.columns.iter().map(|column| &*column.name).collect();
    assert_eq!(names, ["host", "measure_name", "time", "x"]);
    assert_eq!(view.measures.len(), 1);
}

#[tokio::test]
async fn late_conflicts_are_no_part_of_the_answer() {
    let engine = engine().await;
    let late = |value| Row { tier: Tier::Magnetic, ..single("a", NOW_NS - HOUR_NS * 9, 1, Value::Double(value)) };
    assert_eq!(write(&engine, &[late(1.0)]).await.magnetic, 1);
    let outcome = write(&engine, &[late(2.0)]).await;
    assert_eq!((outcome.magnetic, outcome.rejected.len(), outcome.magnetic_rejected.len()), (1, 0, 1));
    assert_eq!(rows(&engine).len(), 1);
}

#[tokio::test]
async fn many_rows_pass_through_open_frozen_and_sealed_chunks() {
    let engine = engine().await;
    let total = 300_000;
    for start in (0..total).step_by(1_000) {
        let batch: Vec<_> = (start..start + 1_000)
            .map(|i| single(["a", "b", "c"][i % 3], NOW_NS + i as i64, 1 + i as i64 % 2, Value::Bigint(i as i64)))
            .collect();
        assert_eq!(write(&engine, &batch).await.memory, 1_000);
    }
    assert_eq!(engine.counts(None).records, total as u64);
    assert_eq!(rows_in(&engine, NOW_NS + 1_000..NOW_NS + 1_010).len(), 10);
    // Rows of every age are found again: the same data is no news, other data is refused, a higher version replaces.
    for i in [0, 1, 131_071, 131_072, 262_144, 299_999] {
        let row = |version, value| single(["a", "b", "c"][i % 3], NOW_NS + i as i64, version, Value::Bigint(value));
        let version = 1 + i as i64 % 2;
        assert_eq!(write(&engine, &[row(version, i as i64)]).await.rejected, []);
        assert_eq!(write(&engine, &[row(version, -1)]).await.rejected.len(), 1);
        assert_eq!(write(&engine, &[row(9, -9)]).await.rejected, []);
        let stored = rows_in(&engine, NOW_NS + i as i64..NOW_NS + i as i64 + 1);
        assert_eq!(stored.len(), 1);
        assert!(stored[0].ends_with("=-9"), "{stored:?}");
    }
    assert_eq!(rows(&engine).len(), total);
    assert_eq!(engine.counts(None).records, total as u64);
    // Chunks of every age give only the series that are wanted.
    let snapshot = engine.snapshot(&Scope::default());
    let view = snapshot.table("db", "t").unwrap();
    let place = |name: &str| view.table.columns.iter().position(|column| *column.name == *name).unwrap();
    let count = |keys: &[(&str, &[&str])], times: std::ops::Range<i64>| {
        let values = |values: &[&str]| values.iter().copied().map(Arc::from).collect();
        let keys = keys.iter().map(|(name, wanted)| (place(name), values(wanted))).collect();
        let selection = Selection { times, keys };
        let covered = view.rows.coverage(&selection, place("host"));
        (
            view.rows.scan(&[], &selection).map(|batch| batch.unwrap().num_rows()).sum::<usize>(),
            covered.selected,
            covered.all,
        )
    };
    let ever = i64::MIN..i64::MAX;
    assert_eq!(count(&[("host", &["a", "c", "x"])], ever.clone()), (total / 3 * 2, 2, 3));
    assert_eq!(count(&[("host", &["b"])], NOW_NS..NOW_NS + 30), (10, 1, 3));
    assert_eq!(count(&[("host", &["a", "b"]), ("host", &["b", "c"])], ever.clone()), (total / 3, 1, 3));
    assert_eq!(count(&[("measure_name", &["no such"])], ever.clone()), (0, 3, 3));
    assert_eq!(count(&[], ever), (total, 3, 3));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writers_replace_rows_while_full_chunks_are_sealed() {
    let engine = engine().await;
    let (writers, rows_each, batch) = (4, 80_000, 1_000);
    let tasks: Vec<_> = (0..writers)
        .map(|writer| {
            let engine = Arc::clone(&engine);
            tokio::spawn(async move {
                let host = format!("host {writer}");
                for start in (0..rows_each).step_by(batch) {
                    let row = |i: usize, version| {
                        single(&host, NOW_NS + i as i64, version, Value::Bigint(i as i64 * version))
                    };
                    let new: Vec<_> = (start..start + batch).map(|i| row(i, 1)).collect();
                    assert_eq!(write(&engine, &new).await.memory, batch as u64);
                    // Every hundredth row of the last few batches, which may be in a chunk that is being sealed.
                    let late: Vec<_> = (start.saturating_sub(20 * batch)..start)
                        .step_by(100)
                        .map(|i| row(i, 2 + start as i64))
                        .collect();
                    assert_eq!(write(&engine, &late).await.rejected, []);
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let stored = rows(&engine);
    assert_eq!(stored.len(), writers * rows_each);
    let replaced = |text: &String| {
        let (key, value) = text.rsplit_once('=').unwrap();
        let time: i64 = key.split("time=").nth(1).unwrap().split(' ').next().unwrap().parse().unwrap();
        value.parse::<i64>().unwrap() != time
    };
    // The last batch has not been replaced, nor has the row of time 0, whose value is 0 in every version.
    assert_eq!(stored.iter().filter(|text| replaced(text)).count(), writers * ((rows_each - batch) / 100 - 1));
    assert_eq!(engine.counts(None).records, (writers * rows_each) as u64);
}

#[tokio::test]
async fn rows_with_many_different_columns_share_a_group() {
    let engine = engine().await;
    let names: Vec<&'static str> = (0..150).map(|i| &*Box::leak(format!("c{i}").into_boxed_str())).collect();
    for round in 0..3 {
        let batch: Vec<_> = (0..150)
            .map(|i| multi("a", NOW_NS + round * 150 + i as i64, 1, &[(names[i], Value::Bigint(i as i64))]))
            .collect();
        assert_eq!(write(&engine, &batch).await.memory, 150);
    }
    let rows = rows(&engine);
    assert_eq!(rows.len(), 450);
    assert!(rows.contains(&"host=a measure_name=all time=449 c149=149".to_owned()));
    let outcome = write(&engine, &[multi("a", NOW_NS + 449, 1, &[(names[149], Value::Bigint(149))])]).await;
    assert_eq!(outcome.rejected, []);
}

#[tokio::test]
async fn a_snapshot_does_not_change() {
    let engine = engine().await;
    write(&engine, &[single("a", NOW_NS, 1, Value::Double(1.0))]).await;
    let snapshot = engine.snapshot(&Scope::default());
    let view = snapshot.table("db", "t").unwrap();
    write(&engine, &[single("a", NOW_NS, 2, Value::Double(2.0)), single("b", NOW_NS, 1, Value::Double(2.0))]).await;
    engine.delete_table(&Scope::default(), "db", "t").await.unwrap();
    let batches: Vec<_> = view.rows.scan(&[0, 3], &(i64::MIN..i64::MAX).into()).map(Result::unwrap).collect();
    assert_eq!(batches.iter().flat_map(print).collect::<Vec<_>>(), ["host=a measure_value::double=1.0"]);
    assert_eq!(
        view.rows.scan(&[], &(i64::MIN..i64::MAX).into()).map(|batch| batch.unwrap().num_rows()).sum::<usize>(),
        1
    );
}

#[tokio::test]
async fn longer_retention_never_brings_records_back() {
    let engine = engine().await;
    let scope = Scope::default();
    let update = |hours, days| TableUpdate {
        retention: Some(Retention { memory_hours: hours, magnetic_days: days }),
        ..TableUpdate::default()
    };
    write(
        &engine,
        &[single("a", NOW_NS - 3 * DAY_NS, 1, Value::Double(1.0)), single("a", NOW_NS, 1, Value::Double(2.0))],
    )
    .await;
    engine.update_table(&scope, "db", "t", update(1, 1), NOW_NS).await.unwrap();
    let table = engine.update_table(&scope, "db", "t", update(1, 9), NOW_NS).await.unwrap();
    assert_eq!(table.retention.magnetic_days, 9);
    assert_eq!(rows(&engine), ["host=a measure_name=cpu time=0 measure_value::double=2.0"]);
    // The key is free again.
    let outcome = write(&engine, &[single("a", NOW_NS - 3 * DAY_NS, 1, Value::Double(7.0))]).await;
    assert_eq!(outcome.rejected, []);
    assert_eq!(rows(&engine).len(), 2);
}

#[tokio::test]
async fn a_key_that_has_aged_out_may_be_written_afresh() {
    let engine = engine().await;
    let scope = Scope::default();
    let retention = Some(Retention { memory_hours: 1, magnetic_days: 1 });
    engine.update_table(&scope, "db", "t", TableUpdate { retention, ..TableUpdate::default() }, NOW_NS).await.unwrap();
    let row = |value| single("a", NOW_NS, 1, Value::Double(value));
    write(&engine, &[row(1.0)]).await;
    let later = NOW_NS + 2 * DAY_NS;
    assert_eq!(write_at(&engine, &[row(2.0)], later).await.unwrap().rejected, []);
    assert_eq!(rows(&engine).len(), 1);
    engine.tick(later).await.unwrap();
    assert_eq!((engine.counts(None).records, engine.counts(None).series), (0, 0));
    // The series is known anew when it comes back.
    assert_eq!(write_at(&engine, &[single("b", later, 1, Value::Double(1.0))], later).await.unwrap().rejected, []);
    assert_eq!(rows(&engine).len(), 1);
    let snapshot = engine.snapshot(&scope);
    assert_eq!(snapshot.table("db", "t").unwrap().visible_from_ns(later), later - DAY_NS - HOUR_NS);
}

#[tokio::test]
async fn eight_writers_of_the_same_keys_agree_on_one_value_each() {
    let engine = engine().await;
    let writers: Vec<_> = (0..8)
        .map(|writer| {
            let engine = Arc::clone(&engine);
            std::thread::spawn(move || {
                let batch: Vec<_> =
                    (0..100).map(|key| single("a", NOW_NS + key, 1, Value::Bigint(writer * 1_000 + key))).collect();
                let outcome =
                    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(write(&engine, &batch));
                let rejected: Vec<_> = outcome.rejected.iter().map(|rejected| rejected.index).collect();
                (0..100).filter(|key| !rejected.contains(key)).map(|key| (key, writer)).collect::<Vec<_>>()
            })
        })
        .collect();
    let mut accepted: Vec<_> = writers.into_iter().flat_map(|writer| writer.join().unwrap()).collect();
    accepted.sort_unstable();
    assert_eq!(accepted.iter().map(|(key, _)| *key).collect::<Vec<_>>(), (0..100).collect::<Vec<_>>());
    let mut expect: Vec<_> = accepted
        .iter()
        .map(|(key, writer)| {
            format!("host=a measure_name=cpu time={key} measure_value::bigint={}", writer * 1_000 + *key as i64)
        })
        .collect();
    expect.sort();
    assert_eq!(rows(&engine), expect);
}

#[tokio::test]
async fn the_control_plane_keeps_its_rules() {
    let engine = engine().await;
    let scope = Scope::default();
    let new = NewTable::default;
    let create = async |database: &str, table: &str| engine.create_table(&scope, database, table, new(), NOW_NS).await;
    assert!(matches!(create("db", "t").await, Err(EngineError::AlreadyExists)));
    assert!(matches!(create("none", "t").await, Err(EngineError::DatabaseNotFound(name)) if name == "none"));
    let database = engine.create_database(&scope, "db", None, Tags::new(), NOW_NS).await;
    assert!(matches!(database, Err(EngineError::AlreadyExists)));
    assert!(matches!(engine.delete_database(&scope, "db").await, Err(EngineError::DatabaseNotEmpty(_))));
    assert!(matches!(engine.delete_table(&scope, "db", "none").await, Err(EngineError::TableNotFound(_))));
    let table = create("db", "defaults").await.unwrap();
    assert_eq!((table.retention.memory_hours, table.retention.magnetic_days), (6, 73_000));
    assert_eq!((table.magnetic_writes, table.partition_key), (MagneticWrites::default(), PartitionKey::Measure));
    let key = |name: &str, required| PartitionKey::Dimension { name: name.into(), required };
    let with_key = NewTable { partition_key: Some(key("host", false)), ..new() };
    engine.create_table(&scope, "db", "keyed", with_key, NOW_NS).await.unwrap();
    let update = async |partition_key| {
        let update = TableUpdate { partition_key: Some(partition_key), ..TableUpdate::default() };
        engine.update_table(&scope, "db", "keyed", update, NOW_NS + 5_000_000).await
    };
    assert!(matches!(update(key("other", false)).await, Err(EngineError::PartitionKeyChanged)));
    assert!(matches!(update(PartitionKey::Measure).await, Err(EngineError::PartitionKeyChanged)));
    let updated = update(key("host", true)).await.unwrap();
    assert_eq!(updated.partition_key, key("host", true));
    assert_eq!(updated.updated_ms - updated.created_ms, 5);
    engine.reset(Some("123456789012")).await.unwrap();
    assert_eq!(engine.counts(None).tables, 3);
    engine.reset(Some(Scope::DEFAULT_ACCOUNT)).await.unwrap();
    assert_eq!(engine.counts(None), StateCounts::default());
    assert!(matches!(write_at(&engine, &[], NOW_NS).await, Err(EngineError::DatabaseNotFound(_))));
}

#[tokio::test]
async fn a_table_that_goes_while_a_writer_holds_it_takes_no_more_records() {
    let engine = engine().await;
    let writer = engine.writer(&Scope::default(), "db", "t").unwrap();
    engine.delete_table(&Scope::default(), "db", "t").await.unwrap();
    let queued = writer.queue(&[], NOW_NS, engine.incoming().await).await;
    assert!(matches!(queued, Err(EngineError::TableNotFound(name)) if name == "t"));
}

#[tokio::test]
async fn the_quota_of_databases_is_kept() {
    let engine = Engine::open(EngineConfig::default(), Clock::manual(NOW_NS)).await.unwrap();
    let create = async |name: String| engine.create_database(&Scope::default(), &name, None, Tags::new(), NOW_NS).await;
    for i in 0..500 {
        create(format!("db{i}")).await.unwrap();
    }
    assert!(matches!(create("more".into()).await, Err(EngineError::QuotaExceeded(_))));
}

#[tokio::test]
async fn the_quota_of_tables_counts_over_all_databases() {
    let engine = engine().await;
    let scope = Scope::default();
    engine.create_database(&scope, "other", None, Tags::new(), NOW_NS).await.unwrap();
    let create = async |scope: &Scope, name: String| {
        let database = if name.ends_with('7') { "other" } else { "db" };
        engine.create_table(scope, database, &name, NewTable::default(), NOW_NS).await
    };
    for i in 1..50_000 {
        create(&scope, format!("t{i}")).await.unwrap();
    }
    assert!(matches!(create(&scope, "more".into()).await, Err(EngineError::QuotaExceeded(_))));
    let elsewhere = Scope::new("111111111111", "us-east-1");
    engine.create_database(&elsewhere, "db", None, Tags::new(), NOW_NS).await.unwrap();
    create(&elsewhere, "more".into()).await.unwrap();
}
