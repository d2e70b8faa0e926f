//! Rows in files are what they were in memory: read, selected, replaced, purged, counted.

use super::*;
use crate::{
    engine::{
        Engine, TableUpdate,
        recovery::{LogSizes, open},
        tests::{NOW_NS, Row, create, multi, rows, rows_in, single, write, write_at},
    },
    model::{record::Value, retention::Retention},
    store::{
        disk::{Disk, simulated::SimulatedDisk},
        memory::selection::Selection,
    },
};

const HOUR_NS: i64 = 3_600_000_000_000;
const LATER_NS: i64 = NOW_NS + 40 * DAY_NS;

async fn opened(disk: &SimulatedDisk) -> Arc<Engine> {
    let sizes = LogSizes { checkpoint_bytes: u64::MAX, ..LogSizes::with_memory(usize::MAX) };
    let disk: Arc<dyn Disk> = Arc::new(disk.clone());
    let inner = tokio::task::spawn_blocking(move || open(disk, None, sizes)).await.unwrap().unwrap();
    Arc::new(Engine { inner })
}

async fn created() -> (SimulatedDisk, Arc<Engine>) {
    let disk = SimulatedDisk::default();
    let engine = opened(&disk).await;
    create(&engine).await.unwrap();
    (disk, engine)
}

async fn tick(engine: &Arc<Engine>, now_ns: i64) {
    engine.tick(now_ns).await.unwrap();
}

fn files(disk: &SimulatedDisk) -> Vec<String> {
    disk.list_below(MAGNETIC_DIR).unwrap()
}

/// Every kind of value, two days, several versions.
fn mixed() -> Vec<Row> {
    let mut rows = Vec::new();
    for i in 0..40_i64 {
        let host = ["a", "b", "c"][i as usize % 3];
        let at = NOW_NS + i * HOUR_NS;
        rows.push(single(host, at, 1 + i % 2, Value::Double(i as f64 / 4.0)));
        rows.push(multi(host, at, 1, &[("up", Value::Boolean(i % 2 == 0)), ("note", Value::Varchar("é"))]));
        rows.push(multi("d", at, 3, &[("n", Value::Bigint(-i)), ("at", Value::Timestamp(i))]));
    }
    rows
}

#[tokio::test]
async fn what_has_aged_is_in_one_file_per_day_and_reads_the_same() {
    let (disk, engine) = created().await;
    write(&engine, &mixed()).await;
    let (before, counts) = (rows(&engine), engine.counts(None));
    tick(&engine, NOW_NS).await;
    assert_eq!(files(&disk), [""; 0], "nothing has aged");
    tick(&engine, LATER_NS).await;
    let names = files(&disk);
    let days: Vec<_> = names.iter().map(|path| path.rsplit_once('/').unwrap().0).collect();
    let dir = "magnetic/000000000000/us-east-1/db/t";
    assert_eq!(days, [14, 15, 16].map(|day| format!("{dir}/day=2023-11-{day}")));
    assert_eq!(rows(&engine), before);
    assert_eq!((engine.counts(None).records, engine.counts(None).series), (counts.records, counts.series));
    assert_eq!(rows_in(&engine, NOW_NS + HOUR_NS..NOW_NS + 3 * HOUR_NS).len(), 6);
    let reopened = opened(&disk).await;
    assert_eq!(rows(&reopened), before);
    assert_eq!(reopened.counts(None).records, counts.records);
    tick(&reopened, LATER_NS).await;
    assert_eq!(files(&disk), names, "nothing is moved twice");
}

#[tokio::test]
async fn rows_that_have_not_aged_stay_in_memory() {
    let (disk, engine) = created().await;
    let at = |hours: i64| single("a", NOW_NS + hours * HOUR_NS, 1, Value::Bigint(hours));
    write(&engine, &(0..48).map(at).collect::<Vec<_>>()).await;
    let before = rows(&engine);
    let retention = Retention { memory_hours: 24, magnetic_days: 100 };
    let update = TableUpdate { retention: Some(retention), ..TableUpdate::default() };
    engine.update_table(&Scope::default(), "db", "t", update, NOW_NS).await.unwrap();
    for (now_hours, days) in [(24, 0), (25, 0), (26, 1), (40, 2), (90, 3)] {
        tick(&engine, NOW_NS + now_hours * HOUR_NS).await;
        let found: std::collections::BTreeSet<_> =
            files(&disk).into_iter().map(|path| path.rsplit_once('/').unwrap().0.to_owned()).collect();
        assert_eq!(found.len(), days, "at {now_hours} hours: {found:?}");
        assert_eq!(rows(&engine), before);
        assert_eq!(rows(&*opened(&disk).await), before);
        assert_eq!(write(&engine, &[at(30), at(0), at(47)]).await.rejected, []);
        assert_eq!(engine.counts(None).records, 48);
    }
}

#[tokio::test]
async fn rows_in_files_are_found_by_version_and_replaced() {
    let (disk, engine) = created().await;
    write(&engine, &mixed()).await;
    tick(&engine, LATER_NS).await;
    let total = rows(&engine).len();
    let row = |version, value| single("b", NOW_NS + HOUR_NS, version, Value::Double(value));
    for engine in [engine, opened(&disk).await] {
        assert_eq!(write(&engine, &[row(2, 0.25)]).await.rejected, [], "the same data");
        assert_eq!(write(&engine, &[row(2, 9.0)]).await.rejected.len(), 1);
        assert_eq!(write(&engine, &[row(1, 9.0)]).await.rejected[0].reason.existing_version(), Some(2));
    }
    let engine = opened(&disk).await;
    for version in 3..12 {
        assert_eq!(write(&engine, &[row(version, version as f64)]).await.rejected, []);
        // Every other time, the replacing row is itself in a file.
        if version % 2 == 0 {
            tick(&engine, LATER_NS).await;
        }
        let stored = rows_in(&engine, NOW_NS + HOUR_NS..NOW_NS + HOUR_NS + 1);
        assert!(stored[1].ends_with(&format!("={version}.0")), "{stored:?}");
        assert_eq!(rows(&engine).len(), total);
        assert_eq!(rows(&*opened(&disk).await).len(), total);
    }
}

#[tokio::test]
async fn files_of_a_day_are_merged_and_forget_what_is_replaced() {
    let (disk, engine) = created().await;
    let at = |i: i64, version| single("a", NOW_NS + i, version, Value::Bigint(i));
    for round in 0..12 {
        let batch: Vec<_> = (0..10).flat_map(|i| [at(round * 10 + i, 1), at(i, round + 2)]).collect();
        write(&engine, &batch).await;
        tick(&engine, LATER_NS).await;
        assert!(files(&disk).len() < 2 * DAY_FILES_MAX, "{:?}", files(&disk));
    }
    assert_eq!(rows(&engine).len(), 120);
    assert_eq!(engine.counts(None).records, 120);
    let reopened = opened(&disk).await;
    assert_eq!(rows(&reopened), rows(&engine));
}

#[tokio::test]
async fn only_wanted_rows_of_a_file_are_read() {
    let (_, engine) = created().await;
    let hosts: Vec<String> = (0..5).map(|n| format!("h{n}")).collect();
    let steps = 6_000_i64;
    for start in (0..steps).step_by(1_000) {
        let batch: Vec<_> = (start..start + 1_000)
            .flat_map(|i| hosts.iter().map(move |host| single(host, NOW_NS + i * 1_000, 1, Value::Bigint(i))))
            .collect();
        write(&engine, &batch).await;
    }
    tick(&engine, LATER_NS).await;
    write(&engine, &[single("h1", NOW_NS + 7_000, 2, Value::Bigint(-1))]).await;
    let snapshot = engine.snapshot(&Scope::default());
    let view = snapshot.table("db", "t").unwrap();
    let count = |host: &[&str], from: i64, to: i64| {
        let values = host.iter().copied().map(Arc::from).collect();
        let selection = Selection { times: NOW_NS + from..NOW_NS + to, keys: vec![(0, values)] };
        view.rows.scan(&[0, 2, 3], &selection).map(|batch| batch.unwrap().num_rows()).sum::<usize>()
    };
    assert_eq!(count(&["h1"], 0, i64::MAX / 4), steps as usize);
    assert_eq!(count(&["h1", "h3", "none"], 0, i64::MAX / 4), 2 * steps as usize);
    assert_eq!(count(&["h4"], 4_095_000, 4_097_001), 3);
    assert_eq!(count(&["h4"], 4_095_001, 4_095_999), 0);
    assert_eq!(count(&["h0"], 5_999_000, 5_999_001), 1);
    assert_eq!(count(&["h0"], 5_999_001, 9_999_000), 0);
    assert_eq!(count(&["h1"], 6_000, 8_001), 3, "a replaced row is there once");
}

#[tokio::test]
async fn a_reader_keeps_the_files_that_it_began_with() {
    let (disk, engine) = created().await;
    write(&engine, &mixed()).await;
    tick(&engine, LATER_NS).await;
    let before = rows(&engine);
    let snapshot = engine.snapshot(&Scope::default());
    let view = Arc::clone(snapshot.table("db", "t").unwrap());
    for round in 0..6 {
        write(&engine, &[single("z", NOW_NS + round, 1, Value::Double(1.0))]).await;
        tick(&engine, LATER_NS).await;
    }
    let all: Vec<usize> = (0..view.table.columns.len()).collect();
    let read = view.rows.scan(&all, &(i64::MIN..i64::MAX).into()).map(|batch| batch.unwrap().num_rows());
    assert_eq!(read.sum::<usize>(), before.len());
    drop((snapshot, view));
    write(&engine, &[single("z", NOW_NS + 9, 1, Value::Double(1.0))]).await;
    tick(&engine, LATER_NS).await;
    assert!(files(&disk).len() <= 3 * DAY_FILES_MAX);
    assert_eq!(rows(&engine).len(), before.len() + 7);
}

#[tokio::test]
async fn files_go_with_the_next_tick_when_nobody_needs_them() {
    let (disk, engine) = created().await;
    write(&engine, &mixed()).await;
    tick(&engine, LATER_NS).await;
    let days = files(&disk).len();
    assert!(days > 1);
    let reader = engine.snapshot(&Scope::default());
    let view = Arc::clone(reader.table("db", "t").unwrap());
    let retention = Retention { memory_hours: 1, magnetic_days: 1 };
    let update = TableUpdate { retention: Some(retention), ..TableUpdate::default() };
    engine.update_table(&Scope::default(), "db", "t", update, LATER_NS).await.unwrap();
    tick(&engine, LATER_NS).await;
    assert_eq!(files(&disk).len(), days, "they have expired, but somebody reads them");
    drop((reader, view));
    tick(&engine, LATER_NS).await;
    assert_eq!(files(&disk), [""; 0]);

    write_at(&engine, &[single("a", LATER_NS, 1, Value::Double(5.0))], LATER_NS).await.unwrap();
    tick(&engine, LATER_NS + DAY_NS).await;
    assert_eq!(files(&disk).len(), 1);
    engine.delete_table(&Scope::default(), "db", "t").await.unwrap();
    tick(&engine, LATER_NS + DAY_NS).await;
    assert_eq!(files(&disk), [""; 0]);
}

#[tokio::test]
async fn shorter_retention_purges_rows_in_files_and_expired_files_go() {
    let (disk, engine) = created().await;
    write(&engine, &mixed()).await;
    tick(&engine, LATER_NS).await;
    let retention = Retention { memory_hours: 1, magnetic_days: 1 };
    let update = TableUpdate { retention: Some(retention), ..TableUpdate::default() };
    // At this moment the first day and a half has expired.
    let now_ns = NOW_NS + 45 * HOUR_NS;
    engine.update_table(&Scope::default(), "db", "t", update, now_ns).await.unwrap();
    let left = rows(&engine);
    assert_eq!(left.len(), 20 * 3);
    assert_eq!(engine.counts(None).records, 60);
    assert_eq!(rows(&*opened(&disk).await), left);
    tick(&engine, now_ns).await;
    assert_eq!(rows(&engine), left);
    assert_eq!(rows(&*opened(&disk).await), left);
    // A purged key may be written afresh.
    let outcome = write_at(&engine, &[single("a", NOW_NS, 1, Value::Double(5.0))], NOW_NS + HOUR_NS).await.unwrap();
    assert_eq!((outcome.memory, outcome.rejected.len()), (1, 0));
    tick(&engine, now_ns + 30 * DAY_NS).await;
    assert_eq!(files(&disk), [""; 0], "all has expired");
    assert_eq!(engine.counts(None).records, 0);
}

/// Without a directory, what there is no room for is packed; its files go with the last who may read them.
#[tokio::test]
async fn in_memory_the_oldest_rows_are_packed() {
    let inner = Inner::in_memory(1 << 20).unwrap();
    let engine = Arc::new(Engine { inner: Arc::clone(&inner) });
    create(&engine).await.unwrap();
    let total = 300_000_i64;
    for start in (0..total).step_by(1_000) {
        let batch: Vec<_> = (start..start + 1_000).map(|i| single("a", NOW_NS + i, 1, Value::Bigint(i))).collect();
        write(&engine, &batch).await;
    }
    let packing = Arc::clone(&inner);
    tokio::task::spawn_blocking(move || packing.move_oldest(|held| held > 1 << 20)).await.unwrap().unwrap();
    assert!(engine.counts(None).bytes < 2 << 20, "{}", engine.counts(None).bytes);
    assert_eq!(engine.counts(None).records, total as u64);
    let stored = rows_in(&engine, NOW_NS + 5..NOW_NS + 7);
    assert_eq!(stored.len(), 2, "{stored:?}");
    assert_eq!(write(&engine, &[single("a", NOW_NS + 5, 1, Value::Bigint(0))]).await.rejected.len(), 1);
    assert_eq!(write(&engine, &[single("a", NOW_NS + 5, 2, Value::Bigint(0))]).await.rejected, []);
    tick(&engine, NOW_NS).await;
    assert_eq!(engine.counts(None).records, total as u64);
    assert!((1..=DAY_FILES_MAX).contains(&inner.files.list().unwrap().len()), "{:?}", inner.files.list());
    let held = engine.snapshot(&Scope::default());
    engine.delete_table(&Scope::default(), "db", "t").await.unwrap();
    assert!(!inner.files.list().unwrap().is_empty(), "somebody may still read them");
    drop(held);
    assert_eq!(inner.files.list().unwrap(), [""; 0]);
}

#[tokio::test]
async fn more_than_fits_in_memory_goes_to_files_early() {
    let (disk, engine) = created().await;
    let total = 300_000_i64;
    for start in (0..total).step_by(10_000) {
        let batch: Vec<_> = (start..start + 10_000).map(|i| single("a", NOW_NS + i, 1, Value::Bigint(i))).collect();
        write(&engine, &batch).await;
    }
    let held = engine.counts(None).bytes;
    let inner = Arc::clone(&engine.inner);
    let moved = tokio::task::spawn_blocking(move || inner.move_oldest(|held| held > 1 << 20)).await.unwrap();
    assert!(moved.unwrap());
    assert_eq!(files(&disk).len(), 2);
    assert!(engine.counts(None).bytes < held / 3, "{held} -> {}", engine.counts(None).bytes);
    assert_eq!(engine.counts(None).records, total as u64);
    let outcome = write(&engine, &[single("a", NOW_NS + 5, 1, Value::Bigint(0))]).await;
    assert_eq!(outcome.rejected.len(), 1);
}

#[tokio::test]
async fn a_damaged_file_fails_what_needs_it_and_nothing_else() {
    let (disk, engine) = created().await;
    write(&engine, &mixed()).await;
    tick(&engine, LATER_NS).await;
    let path = files(&disk).remove(0);
    disk.delete(&path).unwrap();
    let snapshot = engine.snapshot(&Scope::default());
    let view = snapshot.table("db", "t").unwrap();
    let read =
        |from: i64, to: i64| view.rows.scan(&[0], &(NOW_NS + from..NOW_NS + to).into()).collect::<Result<Vec<_>, _>>();
    assert!(read(0, HOUR_NS).is_err());
    assert!(read(30 * HOUR_NS, 40 * HOUR_NS).is_ok());
    let late = [single("a", NOW_NS, 9, Value::Double(1.0))];
    assert!(matches!(write_at(&engine, &late, NOW_NS).await, Err(EngineError::Storage(_))));
    let new = [single("a", NOW_NS + 60 * DAY_NS, 1, Value::Double(1.0))];
    assert_eq!(write_at(&engine, &new, NOW_NS).await.unwrap().memory, 1);
}

#[tokio::test]
async fn on_a_full_disk_nothing_moves_and_nothing_is_lost() {
    let (disk, engine) = created().await;
    write(&engine, &mixed()).await;
    let before = rows(&engine);
    let moved = async |engine: &Arc<Engine>| engine.tick(LATER_NS).await;
    for room in [0, 100, 2_000] {
        disk.set_room(Some(room));
        assert!(matches!(moved(&engine).await, Err(EngineError::Storage(_))), "{room} bytes");
        assert_eq!(rows(&engine), before, "reads go on");
        disk.set_room(None);
        assert_eq!(rows(&*opened(&disk.copy()).await), before);
    }
    moved(&engine).await.unwrap();
    assert_eq!(files(&disk).len(), 3);
    assert_eq!(rows(&engine), before);
    assert_eq!(rows(&*opened(&disk).await), before);
}
