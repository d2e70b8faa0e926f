//! What a data directory holds after a close, a crash, a power cut, a full disk.

use super::*;
use crate::{
    catalog::{Tags, batch_load_task::LoadStatus},
    engine::{
        Engine, NewTable, TableUpdate,
        tests::{NOW_NS, Row, create, multi, rows, rows_in, single, write, write_at},
    },
    model::{
        record::Value,
        retention::{DAY_NS, Retention},
    },
    store::disk::{
        files::FilesDisk,
        simulated::{Cut, SimulatedDisk},
    },
};
use futures::TryStreamExt;
use object_store::{ObjectStore, memory::InMemory};

const SIZES: LogSizes = LogSizes {
    segment_bytes_max: 300,
    spare_segments_max: 2,
    checkpoint_bytes: u64::MAX,
    memory_bytes_max: usize::MAX,
};

/// What is done to an engine, one after the other.
#[derive(Clone, Debug)]
enum Step {
    Create,
    Write(Vec<Row>),
    Retention(Retention),
    Tag,
    CreateOther,
    DeleteOther,
    Reset,
    Checkpoint,
    /// A checkpoint with all rows in sealed chunks.
    SealedCheckpoint,
    /// Time goes on so far that all rows have aged, but none has expired.
    Age,
}

async fn open(disk: &SimulatedDisk, sizes: LogSizes) -> Result<Engine, EngineError> {
    open_with(disk, None, sizes).await
}

/// With the magnetic store in a bucket, or on the disk.
async fn open_with(
    disk: &SimulatedDisk,
    bucket: Option<&Arc<InMemory>>,
    sizes: LogSizes,
) -> Result<Engine, EngineError> {
    let disk = disk.clone();
    let magnetic = bucket.map(|bucket| MagneticLocation {
        url: "s3://bucket/tier/".to_owned(),
        store: Arc::clone(bucket) as _,
        prefix: "tier/".to_owned(),
        owner: "one".to_owned(),
    });
    let inner = tokio::task::spawn_blocking(move || super::open(Arc::new(disk), magnetic, sizes)).await.unwrap()?;
    Ok(Engine { inner })
}

async fn in_memory() -> Engine {
    Engine { inner: Inner::in_memory(usize::MAX).unwrap() }
}

async fn checkpoint(engine: &Engine) -> Result<(), EngineError> {
    let inner = Arc::clone(&engine.inner);
    tokio::task::spawn_blocking(move || inner.checkpoint(false)).await.unwrap()
}

async fn take(engine: &Engine, step: &Step) -> Result<(), EngineError> {
    let scope = Scope::default();
    match step {
        Step::Create => create(engine).await,
        Step::Write(rows) => write_at(engine, rows, NOW_NS).await.map(drop),
        Step::Retention(retention) => {
            let update = TableUpdate { retention: Some(*retention), ..TableUpdate::default() };
            engine.update_table(&scope, "db", "t", update, NOW_NS).await.map(drop)
        }
        Step::Tag => engine.tag(&scope, "db", Some("t"), Tags::from([("k".to_owned(), "v".to_owned())])).await,
        Step::CreateOther => engine.create_table(&scope, "db", "u", NewTable::default(), NOW_NS).await.map(drop),
        Step::DeleteOther => engine.delete_table(&scope, "db", "u").await,
        Step::Reset => engine.reset(None).await,
        Step::Checkpoint => checkpoint(engine).await,
        Step::SealedCheckpoint => {
            all_tables(&engine.inner.catalog()).for_each(|entry| entry.live.prepare_checkpoint(0));
            checkpoint(engine).await
        }
        Step::Age => {
            let inner = Arc::clone(&engine.inner);
            tokio::task::spawn_blocking(move || {
                inner.move_aged(NOW_NS + 20 * DAY_NS).and_then(|has_moved| inner.checkpoint(has_moved))
            })
            .await
            .unwrap()
        }
    }
}

/// Everything a client could find out.
fn dump(engine: &Engine) -> Vec<String> {
    let snapshot = engine.snapshot(&Scope::default());
    let mut dump = Vec::new();
    for database in snapshot.databases() {
        dump.push(format!("{database:?}"));
        for view in snapshot.tables(&database.name) {
            let tags = engine.tags(&Scope::default(), &database.name, Some(&view.table.name)).unwrap();
            dump.push(format!("{:?} {:?} {tags:?}", view.table, view.measures));
        }
    }
    dump.extend(rows(engine));
    dump
}

/// What there is to find before the first step and after each.
async fn expected(steps: &[Step]) -> Vec<Vec<String>> {
    let engine = in_memory().await;
    let mut dumps = vec![dump(&engine)];
    for step in steps {
        take(&engine, step).await.unwrap();
        dumps.push(dump(&engine));
    }
    dumps
}

/// Takes steps until one fails, and says how many were acknowledged.
async fn run(disk: &SimulatedDisk, bucket: Option<&Arc<InMemory>>, steps: &[Step]) -> usize {
    let Ok(engine) = open_with(disk, bucket, SIZES).await else { return 0 };
    let mut acknowledged = 0;
    for step in steps {
        if take(&engine, step).await.is_err() {
            break;
        }
        acknowledged += 1;
    }
    acknowledged
}

/// Steps that touch everything there is to recover.
fn steps() -> Vec<Step> {
    let double = |host, time, version, value| single(host, NOW_NS + time, version, Value::Double(value));
    let retention = |days| Step::Retention(Retention { memory_hours: 1, magnetic_days: days });
    vec![
        Step::Create,
        Step::Write(vec![double("a", 0, 1, 1.0), double("b", 0, 1, 2.0)]),
        Step::Write(vec![multi("a", NOW_NS, 3, &[("x", Value::Bigint(1)), ("note", Value::Varchar("é"))])]),
        Step::CreateOther,
        Step::Checkpoint,
        Step::Write(vec![double("a", 0, 2, 10.0), double("c", -2 * DAY_NS, 1, 3.0)]),
        Step::Tag,
        Step::Write(vec![multi("b", NOW_NS, 1, &[("up", Value::Boolean(true)), ("at", Value::Timestamp(5))])]),
        Step::DeleteOther,
        Step::SealedCheckpoint,
        Step::Age,
        Step::Write(vec![double("a", 0, 3, 100.0), double("c", 1, 1, 4.0)]),
        Step::Age,
        Step::Write(vec![double("a", 0, 4, 100.0), double("b", 0, 2, 4.0)]),
        retention(1),
        Step::Write(vec![double("d", -9 * DAY_NS, 1, 5.0), double("d", 0, 1, 6.0)]),
        retention(90),
        Step::Age,
        Step::SealedCheckpoint,
        Step::Write(vec![double("c", -2 * DAY_NS, 1, 7.0)]),
    ]
}

/// Cuts the power at one operation and checks what is found then: everything acknowledged, and at most the one step
/// that was under way.
async fn check_recovery(steps: &[Step], dumps: &[Vec<String>], (cut_at, cut): (usize, Cut), in_bucket: bool) {
    let (disk, bucket) = (SimulatedDisk::default(), in_bucket.then(|| Arc::new(InMemory::new())));
    disk.cut_power_at(cut_at);
    let acknowledged = run(&disk, bucket.as_ref(), steps).await;
    disk.cycle_power(cut);
    let reopened = open_with(&disk, bucket.as_ref(), SIZES).await;
    let engine = reopened.unwrap_or_else(|error| panic!("operation {cut_at}, {cut:?}: {error}"));
    let found = dump(&engine);
    let may_be = &dumps[acknowledged..(acknowledged + 2).min(dumps.len())];
    // A step of two changes may be half done: the database without its table.
    let half_created = acknowledged == 0 && found.len() == 1;
    assert!(may_be.contains(&found) || half_created, "operation {cut_at}, {cut:?}: {acknowledged} {found:#?}");
    // What was recovered can be gone on with, and recovered again.
    if acknowledged > 0 {
        write(&engine, &[single("new", NOW_NS, 1, Value::Double(0.5))]).await;
        let found = dump(&engine);
        checkpoint(&engine).await.unwrap();
        drop(engine);
        let again = open_with(&disk, bucket.as_ref(), SIZES).await.unwrap();
        assert_eq!(dump(&again), found, "operation {cut_at}, {cut:?}");
    }
}

#[tokio::test]
async fn a_power_cut_at_any_operation_loses_nothing_acknowledged() {
    let steps = steps();
    let dumps = expected(&steps).await;
    let disk = SimulatedDisk::default();
    assert_eq!(run(&disk, None, &steps).await, steps.len());
    assert_eq!(dump(&open(&disk, SIZES).await.unwrap()), dumps[steps.len()]);
    for cut_at in 0..disk.operations() {
        for cut in Cut::ALL {
            check_recovery(&steps, &dumps, (cut_at, cut), false).await;
        }
    }
}

/// The bucket's power stays on: it may hold files that the disk knows nothing of any more.
#[tokio::test]
async fn with_the_magnetic_store_in_a_bucket_a_power_cut_loses_nothing_either() {
    let steps = steps();
    let dumps = expected(&steps).await;
    let (disk, bucket) = (SimulatedDisk::default(), Arc::new(InMemory::new()));
    assert_eq!(run(&disk, Some(&bucket), &steps).await, steps.len());
    assert_eq!(dump(&open_with(&disk, Some(&bucket), SIZES).await.unwrap()), dumps[steps.len()]);
    let objects = bucket.list(None).map_ok(|object| object.location.to_string()).try_collect::<Vec<_>>().await.unwrap();
    assert!(objects.iter().any(|key| key.starts_with("tier/000000000000/us-east-1/db/t/day=")), "{objects:?}");
    assert_eq!(disk.list_below(MAGNETIC_DIR).unwrap(), [""; 0]);
    for cut_at in 0..disk.operations() {
        for cut in Cut::ALL {
            check_recovery(&steps, &dumps, (cut_at, cut), true).await;
        }
    }
}

#[tokio::test]
async fn a_power_cut_while_files_are_merged_loses_nothing() {
    let double = |host, time, version| Step::Write(vec![single(host, NOW_NS + time, version, Value::Double(0.5))]);
    let writes = [double("a", 0, 1), double("a", 1, 1), double("b", 2, 1), double("a", 0, 2), double("c", 3, 1)];
    let steps: Vec<_> =
        std::iter::once(Step::Create).chain(writes.into_iter().flat_map(|write| [write, Step::Age])).collect();
    let dumps = expected(&steps).await;
    let whole = SimulatedDisk::default();
    assert_eq!(run(&whole, None, &steps).await, steps.len());
    assert_eq!(whole.list_below(MAGNETIC_DIR).unwrap().len(), 2, "four files became one");
    // From about the fourth file on.
    for cut_at in whole.operations() * 2 / 3..whole.operations() {
        for cut in Cut::ALL {
            check_recovery(&steps, &dumps, (cut_at, cut), false).await;
        }
    }
}

#[tokio::test]
async fn a_log_cut_at_any_byte_holds_a_whole_number_of_steps() {
    let sizes = LogSizes { segment_bytes_max: u64::MAX, ..SIZES };
    let steps: Vec<_> = steps()
        .into_iter()
        .filter(|step| !matches!(step, Step::Checkpoint | Step::SealedCheckpoint | Step::Age))
        .collect();
    let mut dumps = expected(&steps).await;
    let with_database = in_memory().await;
    with_database.create_database(&Scope::default(), "db", None, Tags::new(), NOW_NS).await.unwrap();
    dumps.insert(1, dump(&with_database));
    let disk = SimulatedDisk::default();
    let engine = open(&disk, sizes).await.unwrap();
    for step in &steps {
        take(&engine, step).await.unwrap();
    }
    drop(engine);
    let path = "wal/0000000000000001.wal";
    let length = disk.read(path).unwrap().len();
    let mut reached = 0;
    for cut_at in 0..=length {
        let disk = disk.copy();
        disk.truncate(path, cut_at as u64).unwrap();
        let found = dump(&open(&disk, sizes).await.unwrap());
        if found != dumps[reached] {
            reached += 1;
        }
        assert_eq!(found, dumps[reached], "cut at {cut_at}");
    }
    assert_eq!(reached, dumps.len() - 1);
}

#[tokio::test]
async fn a_reset_is_recovered_too() {
    let mut steps = steps();
    steps.extend([Step::Reset, Step::Create, Step::Write(vec![single("z", NOW_NS, 1, Value::Bigint(1))])]);
    let dumps = expected(&steps).await;
    let disk = SimulatedDisk::default();
    run(&disk, None, &steps).await;
    assert_eq!(&dump(&open(&disk, SIZES).await.unwrap()), dumps.last().unwrap());
}

#[tokio::test]
async fn sealed_chunks_are_written_once_and_the_log_before_them_goes() {
    let disk = SimulatedDisk::default();
    let sizes = LogSizes { segment_bytes_max: 100_000, spare_segments_max: 0, ..SIZES };
    let engine = open(&disk, sizes).await.unwrap();
    create(&engine).await.unwrap();
    let total = 300_000;
    let value = |i: usize| single(["a", "b", "c"][i % 3], NOW_NS + i as i64, 1, Value::Bigint(i as i64));
    for start in (0..total).step_by(10_000) {
        let batch: Vec<_> = (start..start + 10_000).map(value).collect();
        write(&engine, &batch).await;
    }
    let replaced: Vec<_> = (0..total).step_by(1_000).map(|i| Row { version: 2, ..value(i) }).collect();
    write(&engine, &replaced).await;
    checkpoint(&engine).await.unwrap();
    let chunks = disk.list(CHUNK_DIR).unwrap();
    assert_eq!(chunks.len(), 2, "the rows of the open chunk are in the checkpoint");
    assert_eq!(disk.list(CHECKPOINT_DIR).unwrap().len(), 1);
    assert_eq!(disk.list(WAL_DIR).unwrap().len(), 1);
    let found = rows(&engine);
    assert_eq!(found.len(), total);
    // A second checkpoint writes no chunk again.
    write(&engine, &[Row { version: 3, ..value(7) }]).await;
    let operations = disk.operations();
    checkpoint(&engine).await.unwrap();
    assert!(disk.operations() - operations < 20);
    assert_eq!(disk.list(CHUNK_DIR).unwrap(), chunks);
    drop(engine);

    let engine = open(&disk, sizes).await.unwrap();
    assert_eq!(rows(&engine), found);
    assert_eq!(engine.counts(None).records, total as u64);
    // Versions and values of every age are known again.
    for (i, version) in [(7, 3), (0, 2), (1, 1), (200_000, 2), (299_999, 1)] {
        assert_eq!(write(&engine, &[Row { version, ..value(i) }]).await.rejected, []);
        let lower =
            Row { version: version - 1, ..single(["a", "b", "c"][i % 3], NOW_NS + i as i64, 1, Value::Bigint(-1)) };
        assert_eq!(write(&engine, &[lower]).await.rejected[0].reason.existing_version(), Some(version));
    }
    // New series make the numbers of a restart others than those before; the order of rows in files stays.
    let early = Row { version: 1, ..single("0", NOW_NS, 1, Value::Bigint(1)) };
    write(&engine, &[early, Row { version: 4, ..value(7) }]).await;
    checkpoint(&engine).await.unwrap();
    drop(engine);
    let engine = open(&disk, sizes).await.unwrap();
    assert_eq!(rows(&engine).len(), total + 1);
    assert_eq!(rows_in(&engine, NOW_NS + 7..NOW_NS + 8).len(), 1);
}

#[tokio::test]
async fn damage_is_an_error_that_names_the_file() {
    let disk = SimulatedDisk::default();
    // Every entry has a segment of its own, so that the log alone is not enough after the checkpoint.
    let engine = open(&disk, LogSizes { segment_bytes_max: 1, spare_segments_max: 0, ..SIZES }).await.unwrap();
    create(&engine).await.unwrap();
    let batch: Vec<_> = (0..140_000).map(|i| single("a", NOW_NS + i, 1, Value::Bigint(i))).collect();
    write(&engine, &batch).await;
    checkpoint(&engine).await.unwrap();
    drop(engine);
    let paths = [CHUNK_DIR, CHECKPOINT_DIR].map(|dir| format!("{dir}/{}", disk.list(dir).unwrap()[0]));
    for path in paths {
        let damaged = disk.copy();
        damaged.damage(&path, 30);
        let error = open(&damaged, SIZES).await.unwrap_err().to_string();
        assert_eq!(
            error,
            format!("storage failure: {path} is damaged at byte 24: its checksum is not that of its bytes")
        );
        let missing = disk.copy();
        missing.delete(&path).unwrap();
        assert!(open(&missing, SIZES).await.is_err(), "{path} is missed");
    }
}

#[tokio::test]
async fn a_full_disk_fails_writes_and_changes_and_leaves_no_trace_of_them() {
    let disk = SimulatedDisk::default();
    let engine = open(&disk, SIZES).await.unwrap();
    create(&engine).await.unwrap();
    let double = |host, time, value| single(host, NOW_NS + time, 1, Value::Double(value));
    write(&engine, &[double("a", 0, 1.0)]).await;
    let before = dump(&engine);
    for room in [0, 10, 100] {
        disk.set_room(Some(room));
        let fresh = multi("new", NOW_NS, 1, &[("fresh", Value::Bigint(1))]);
        let rows = [fresh, double("a", 1, 2.0), Row { version: 2, ..double("a", 0, 9.0) }];
        assert!(matches!(write_at(&engine, &rows, NOW_NS).await, Err(EngineError::Storage(_))));
        assert!(matches!(take(&engine, &Step::CreateOther).await, Err(EngineError::Storage(_))));
        let retention = Step::Retention(Retention { memory_hours: 1, magnetic_days: 1 });
        assert!(matches!(take(&engine, &retention).await, Err(EngineError::Storage(_))));
        assert_eq!(dump(&engine), before);
    }
    disk.set_room(None);
    // The same keys are free, and the old value is what a new version has to beat.
    let outcome = write(&engine, &[double("a", 1, 3.0), double("a", 0, 4.0)]).await;
    assert_eq!(outcome.rejected.iter().map(|rejected| rejected.index).collect::<Vec<_>>(), [1]);
    let found = dump(&engine);
    drop(engine);
    assert_eq!(dump(&open(&disk, SIZES).await.unwrap()), found);
}

#[tokio::test]
async fn a_series_is_known_by_its_number_only_where_the_log_says_what_it_is() {
    let disk = SimulatedDisk::default();
    let double = |host, time, value| single(host, NOW_NS + time, 1, Value::Double(value));
    let mut engine = open(&disk, SIZES).await.unwrap();
    create(&engine).await.unwrap();
    write(&engine, &[double("a", 0, 1.0), double("b", 0, 2.0)]).await;
    for round in 1..6 {
        // By number; in full in a write that is lost; after that; after a checkpoint; and all again after a restart.
        write(&engine, &[double("b", round * 10, 3.0), double("a", round * 10, 4.0)]).await;
        take(&engine, &Step::SealedCheckpoint).await.unwrap();
        disk.set_room(Some(0));
        assert!(write_at(&engine, &[double("a", round * 10 + 1, 5.0)], NOW_NS).await.is_err());
        disk.set_room(None);
        write(&engine, &[double("a", round * 10 + 2, 6.0)]).await;
        write(&engine, &[double("a", round * 10 + 3, 7.0), double("b", round * 10 + 3, 88.5)]).await;
        let found = dump(&engine);
        drop(engine);
        engine = open(&disk, SIZES).await.unwrap();
        assert_eq!(dump(&engine), found);
        assert_eq!(found.iter().filter(|row| row.contains("88.5")).count(), round as usize);
    }
}

#[tokio::test]
async fn the_numbers_of_series_begin_again_when_all_have_expired() {
    let disk = SimulatedDisk::default();
    let engine = open(&disk, SIZES).await.unwrap();
    create(&engine).await.unwrap();
    let at = |host, time_ns| single(host, time_ns, 1, Value::Double(1.0));
    write(&engine, &[at("a", NOW_NS), at("b", NOW_NS)]).await;
    take(&engine, &Step::Retention(Retention { memory_hours: 1, magnetic_days: 1 })).await.unwrap();
    let later_ns = NOW_NS + 9 * DAY_NS;
    engine.tick(later_ns).await.unwrap();
    assert_eq!(engine.counts(None).series, 0);
    write_at(&engine, &[at("c", later_ns)], later_ns).await.unwrap();
    write_at(&engine, &[at("b", later_ns), at("c", later_ns + 1)], later_ns).await.unwrap();
    let found = rows_in(&engine, later_ns..i64::MAX);
    drop(engine);
    assert_eq!(rows_in(&open(&disk, SIZES).await.unwrap(), later_ns..i64::MAX), found);
    assert_eq!(found.len(), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn readers_see_only_what_is_synced_and_repeats_wait_for_it() {
    let disk = SimulatedDisk::default();
    let engine = Arc::new(open(&disk, SIZES).await.unwrap());
    create(&engine).await.unwrap();
    write(&engine, &[single("a", NOW_NS, 1, Value::Double(1.0))]).await;
    let before = dump(&engine);
    disk.hold_syncs(true);
    let send = |rows: Vec<Row>| {
        let engine = Arc::clone(&engine);
        tokio::spawn(async move { write(&engine, &rows).await })
    };
    let upsert = vec![single("a", NOW_NS, 2, Value::Double(2.0)), multi("b", NOW_NS, 1, &[("x", Value::Bigint(1))])];
    let last_seq = engine.inner.log.barrier().seq;
    let first = send(upsert.clone());
    // The others come after it.
    while engine.inner.log.barrier().seq == last_seq {
        tokio::task::yield_now().await;
    }
    let (repeat, conflict) = (send(upsert), send(vec![single("a", NOW_NS, 2, Value::Double(9.0))]));
    for _ in 0..1_000 {
        tokio::task::yield_now().await;
    }
    assert_eq!(dump(&engine), before, "nothing is seen that a crash could take back");
    assert!(!first.is_finished() && !repeat.is_finished() && !conflict.is_finished());
    disk.hold_syncs(false);
    assert_eq!(first.await.unwrap().rejected, []);
    assert_eq!(repeat.await.unwrap().rejected, []);
    assert_eq!(conflict.await.unwrap().rejected.len(), 1);
    assert_eq!(rows(&engine).len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn eight_writers_with_checkpoints_between_are_recovered_in_full() {
    let root = tempfile::tempdir().unwrap();
    let sizes = LogSizes { segment_bytes_max: 20_000, checkpoint_bytes: 50_000, ..SIZES };
    let open = || {
        let path = root.path().to_owned();
        Engine::open_on(move || Ok(Arc::new(FilesDisk::open(&path)?)), None, sizes)
    };
    let engine = open().await.unwrap();
    create(&engine).await.unwrap();
    let writers: Vec<_> = (0..8)
        .map(|writer: i64| {
            let engine = Arc::clone(&engine);
            tokio::spawn(async move {
                let mut accepted = Vec::new();
                for batch in 0..50 {
                    let keys = batch * 50..batch * 50 + 50;
                    let rows: Vec<_> = keys
                        .clone()
                        .map(|key| single("a", NOW_NS + key, 1, Value::Bigint(writer * 10_000 + key)))
                        .collect();
                    let rejected = write(&engine, &rows).await.rejected;
                    let rejected: HashSet<_> = rejected.iter().map(|rejected| rejected.index as i64).collect();
                    let kept = keys.enumerate().filter(|(index, _)| !rejected.contains(&(*index as i64)));
                    accepted.extend(kept.map(|(_, key)| (key, writer * 10_000 + key)));
                }
                accepted
            })
        })
        .collect();
    let mut accepted = Vec::new();
    for writer in writers {
        accepted.extend(writer.await.unwrap());
    }
    accepted.sort_unstable();
    let mut expect: Vec<_> = accepted
        .iter()
        .map(|(key, value)| format!("host=a measure_name=cpu time={key} measure_value::bigint={value}"))
        .collect();
    expect.sort();
    assert_eq!(expect.len(), 2_500, "one value per key");
    assert_eq!(rows(&engine), expect);
    engine.close().await.unwrap();
    assert!(matches!(
        write_at(&engine, &[single("a", 0, 1, Value::Bigint(0))], NOW_NS).await,
        Err(EngineError::Storage(_))
    ));
    drop(engine);
    assert_eq!(rows(&open().await.unwrap()), expect);
}

#[tokio::test]
async fn a_data_directory_is_opened_once() {
    let root = tempfile::tempdir().unwrap();
    let config = crate::engine::EngineConfig { data_dir: Some(root.path().join("data")), ..Default::default() };
    let clock = crate::clock::Clock::manual(NOW_NS);
    let engine = Engine::open(config.clone(), clock.clone()).await.unwrap();
    create(&engine).await.unwrap();
    let error = Engine::open(config.clone(), clock.clone()).await.unwrap_err().to_string();
    assert!(error.ends_with("is in use by another process"), "{error}");
    engine.close().await.unwrap();
    drop(engine);
    let engine = Engine::open(config, clock).await.unwrap();
    assert_eq!(engine.counts(None).tables, 1);
}

/// Copies a directory and what is below it.
fn copy(from: &std::path::Path, to: &std::path::Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// The engine of a copy of a directory that an earlier version wrote.
async fn of_fixture(name: &str) -> (tempfile::TempDir, Arc<Engine>) {
    let fixture = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name);
    let root = tempfile::tempdir().unwrap();
    copy(&fixture, root.path());
    let path = root.path().to_owned();
    let engine = Engine::open_on(move || Ok(Arc::new(FilesDisk::open(&path)?)), None, SIZES).await.unwrap();
    (root, engine)
}

#[tokio::test]
async fn a_directory_with_scheduled_queries_and_tasks_is_read() {
    let (_root, engine) = of_fixture("data-directory-4").await;
    let scope = Scope::default();
    // Typed from what was asked for.
    let hour_ns = 3_600_000_000_000;
    let start_ns = 1_795_388_400_000_000_000;
    let queries = engine.scheduled_queries(&scope);
    let [first, second] = queries.as_slice() else { panic!("{queries:?}") };
    assert_eq!((&*first.name, &*second.name), ("first", "second"));
    assert_eq!((first.is_enabled, second.is_enabled), (true, false));
    assert_eq!((first.created_ns, second.created_ns), (start_ns, start_ns + 2 * hour_ns));
    assert_eq!(first.client_token.as_deref(), Some("0123456789abcdef0123456789abcdef"));
    assert_eq!(first.tags, Tags::from([("stage".to_owned(), "test".to_owned())]));
    assert_eq!(first.sql, "SELECT 'a' AS host, @scheduled_runtime AS at, 1 AS n");
    assert_eq!(first.schedule, "cron(0 * * * ? *)");
    assert_eq!(first.report.prefix.as_deref(), Some("errors"));
    let target = first.target.as_ref().unwrap();
    assert_eq!((&*target.table, &*target.mapping.time_column), ("t", "at"));
    assert_eq!(first.previous_invocation_ns, Some(start_ns + 2 * hour_ns));
    assert_eq!(first.last_run.as_ref().unwrap().stats.records_ingested, 1);
    assert_eq!(second.last_run, None);
    let mut tasks = engine.batch_load_tasks(&scope);
    tasks.sort_by_key(|task| task.created_ms);
    let [one, two] = tasks.as_slice() else { panic!("{tasks:?}") };
    assert_eq!((one.client_token.as_deref(), one.created_ms), (Some("one"), start_ns / 1_000_000));
    assert_eq!(two.created_ms, (start_ns + 2 * hour_ns) / 1_000_000);
    for task in [one, two] {
        assert_eq!((task.status, task.version), (LoadStatus::Failed, Some(7)));
        assert_eq!(task.error.as_deref(), Some("The S3 bucket nowhere does not exist."));
        assert_eq!(task.csv.as_ref().unwrap().separator.as_deref(), Some(";"));
        assert_eq!(task.model.mapping.dimensions[0].source_column, "host");
    }
    let mut expect = [
        format!("host=a measure_name=m time={} measure_value::double=1.5", start_ns - 240 * hour_ns - NOW_NS),
        format!("host=a measure_name=beat time={} n=1", start_ns + hour_ns - NOW_NS),
        format!("host=a measure_name=beat time={} n=1", start_ns + 2 * hour_ns - NOW_NS),
    ];
    expect.sort();
    assert_eq!(rows(&engine), expect);
}

#[tokio::test]
async fn a_directory_with_packed_doubles_is_read() {
    let (_root, engine) = of_fixture("data-directory-5").await;
    // Typed from what was written: times count from NOW_NS.
    let (old_ns, recent_ns) = (1_794_524_400_000_000_000 - NOW_NS, 1_795_388_400_000_000_000 - NOW_NS);
    let second_ns = 1_000_000_000;
    let mut expect = vec![
        format!("host=a measure_name=cpu time={old_ns} measure_value::double=1.5"),
        format!("host=b measure_name=cpu time={} measure_value::double=2.5", old_ns + 1_000_000),
        format!("host=a zone=é measure_name=all time={recent_ns} x=20.25 up=true"),
        format!("host=a zone=é measure_name=all time={} x=0.30000000000000004 y=-1e300", recent_ns + second_ns),
        format!("host=a zone=é measure_name=all time={} n=7", recent_ns + 2 * second_ns),
        format!("host=b measure_name=cpu time={recent_ns} measure_value::double=3.5"),
        format!("host=c measure_name=cpu time={} measure_value::double=5.5", recent_ns + second_ns),
    ];
    expect.sort();
    assert_eq!(rows(&engine), expect);
}

#[tokio::test]
async fn a_directory_with_a_log_file_that_was_used_again_is_read() {
    let (_root, engine) = of_fixture("data-directory-6").await;
    // Typed from what was written.
    let mut expect: Vec<_> = (0..12)
        .flat_map(|i| {
            [
                format!("host=a measure_name=cpu time={i} measure_value::double={i}.5"),
                format!("host=b measure_name=cpu time={i} measure_value::varchar=a text that takes some room"),
            ]
        })
        .chain((12..18).map(|i| format!("host=c measure_name=cpu time={i} measure_value::bigint={i}")))
        .collect();
    expect.sort();
    assert_eq!(rows(&engine), expect);
}

#[tokio::test]
async fn a_directory_of_the_first_formats_is_read() {
    let (_root, engine) = of_fixture("data-directory").await;
    let scope = Scope::default();
    assert_eq!(engine.tags(&scope, "db", None).unwrap(), Tags::from([("stage".to_owned(), "test".to_owned())]));
    let snapshot = engine.snapshot(&scope);
    let table = &snapshot.table("db", "t").unwrap().table;
    assert_eq!(table.retention, Retention { memory_hours: 24, magnetic_days: 73_000 });
    assert!(table.magnetic_writes.enabled);
    // Typed from what was written: times count from NOW_NS.
    let (old_ns, recent_ns) = (1_794_524_400_000_000_000 - NOW_NS, 1_795_388_400_000_000_000 - NOW_NS);
    let second_ns = 1_000_000_000;
    let expect = [
        format!("host=a zone=é measure_name=all time={old_ns} up=true note=ü n=-7 at={}", 5_000_000 - NOW_NS),
        format!("host=a measure_name=cpu time={old_ns} measure_value::double=10.5"),
        format!("host=a measure_name=cpu time={recent_ns} measure_value::double=3.5"),
        format!("host=b measure_name=count time={recent_ns} measure_value::bigint=4"),
        format!("host=b measure_name=cpu time={} measure_value::double=2.5", old_ns + 1_000_000),
        format!("host=c measure_name=cpu time={} measure_value::double=7.5", recent_ns + second_ns),
        format!("host=c measure_name=cpu time={} measure_value::double=6.5", recent_ns + 2 * second_ns),
    ];
    let mut expect = expect.to_vec();
    expect.sort();
    assert_eq!(rows(&engine), expect);
    // Versions are known, too.
    let lower = Row { version: 2, ..single("b", NOW_NS + old_ns + 1_000_000, 2, Value::Double(9.0)) };
    assert_eq!(write(&engine, &[lower]).await.rejected[0].reason.existing_version(), Some(3));
}
