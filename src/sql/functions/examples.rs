//! Runs the `.slt` files beside the functions in process: the same files the conformance suite runs over the wire.

use super::{Registry, scalar::tests::value_text};
use crate::{
    clock::Clock,
    engine::{Engine, EngineConfig},
    model::{access::Access, scope::Scope},
    sql::{
        Parallelism,
        error::SqlError,
        execute::{self, Job, Limits},
        interrupt::Interrupt,
        plan::Parameters,
    },
};
use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

/// 2022-07-07 17:44:43.771
const NOW_NS: i64 = 1_657_215_883_771_000_000;

/// One statement or query of a file, with what it should give.
struct Record {
    line: usize,
    sql: String,
    expect: Expect,
}

enum Expect {
    /// As many columns as letters, then the rows.
    Rows(usize, Vec<String>),
    Error(String),
}

fn records(text: &str) -> Vec<Record> {
    let mut records = Vec::new();
    let mut lines = text.lines().enumerate().peekable();
    while let Some((number, line)) = lines.next() {
        let letters = line.strip_prefix("query ");
        let Some(told) = line.strip_prefix("statement error ").or(letters) else {
            assert!(line.is_empty() || line.starts_with('#'), "line {}: {line}", number + 1);
            continue;
        };
        let mut sql = Vec::new();
        let mut rows = Vec::new();
        let mut in_rows = false;
        while let Some((_, line)) = lines.next_if(|(_, line)| !line.is_empty()) {
            match line {
                "----" => in_rows = true,
                line if in_rows => rows.push(line.to_owned()),
                line => sql.push(line),
            }
        }
        let expect = match letters {
            Some(letters) => Expect::Rows(letters.len(), rows),
            None => Expect::Error(told.to_owned()),
        };
        records.push(Record { line: number + 1, sql: sql.join("\n"), expect });
    }
    records
}

fn files(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => files(&path, found),
            false if path.extension().is_some_and(|extension| extension == "slt") => found.push(path),
            false => {}
        }
    }
}

/// The number of columns, and the rows.
async fn run(sql: String, registry: Arc<Registry>, parts: usize) -> Result<(usize, Vec<String>), SqlError> {
    let clock = Clock::manual(NOW_NS);
    let engine = Engine::open(EngineConfig::default(), clock.clone()).await.unwrap();
    let scope = Scope { account: "000000000000".into(), region: "us-east-1".into() };
    let job = Job {
        access: Access::unrestricted().clone(),
        sql,
        snapshot: engine.snapshot(&scope),
        now_ns: NOW_NS,
        parameters: Parameters::None,
        query_id: String::new(),
        unload: None,
        parallelism: Parallelism { parts, rows_min: 0 },
    };
    let limits = Limits { timeout_s: 60, memory_bytes_max: 1 << 30, documented_only: false };
    let (head, started) = tokio::sync::oneshot::channel();
    let rows = async {
        let started: Result<execute::Started, SqlError> = started.await.unwrap();
        let mut started = started?;
        let (width, mut rows) = (started.columns.len(), Vec::new());
        while let Some(batch) = started.batches.recv().await {
            let batch = batch?;
            for row in 0..batch.num_rows() {
                let values = batch.columns().iter().map(|column| value_text(&column.slice(row, 1)).unwrap());
                let values = values.map(|text| if text.is_empty() { "(empty)".to_owned() } else { text });
                rows.push(values.collect::<Vec<_>>().join(" "));
            }
        }
        Ok((width, rows))
    };
    let interrupt = Arc::new(Interrupt::new(clock, limits.timeout_s));
    tokio::join!(execute::run(job, registry, limits, interrupt, head), rows).1
}

/// Checks one record, with its work in so many parts; what is wrong with it, if anything.
async fn check(record: &Record, registry: &Arc<Registry>, parts: usize) -> Option<String> {
    // On a task of its own, so that a panic is this record's failure only.
    let Ok(got) = tokio::spawn(run(record.sql.clone(), Arc::clone(registry), parts)).await else {
        return Some("panicked".to_owned());
    };
    match (&record.expect, got) {
        (Expect::Rows(columns, expect), Ok((width, mut rows))) => {
            let mut expect = expect.clone();
            if parts > 1 {
                // Without ORDER BY, parts come in any order.
                rows.sort();
                expect.sort();
            }
            let expect = &expect;
            (rows != *expect || width != *columns).then(|| format!("gave {width} columns, {rows:?}, not {expect:?}"))
        }
        (Expect::Rows(..), Err(error)) => Some(format!("failed: {error}")),
        (Expect::Error(_), Ok((_, rows))) => Some(format!("gave {rows:?}, not an error")),
        (Expect::Error(expect), Err(error)) => {
            let name = match error {
                SqlError::Syntax { .. } | SqlError::Semantic { .. } | SqlError::Invalid(_) => "(ValidationException)",
                SqlError::Internal(_) => "(InternalServerException)",
                _ => "(QueryExecutionException)",
            };
            (name != expect).then(|| format!("failed with {name}, {error}"))
        }
    }
}

#[test]
fn every_example_gives_what_it_says() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/sql/functions");
    let mut paths = Vec::new();
    files(&root, &mut paths);
    paths.sort();
    assert!(!paths.is_empty());
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .thread_stack_size(64 << 20)
        .enable_time()
        .build()
        .unwrap();
    let registry = Arc::new(Registry::new());
    let failures = runtime.block_on(runtime.spawn(async move {
        let (mut failures, mut count) = (Vec::new(), 0);
        for path in paths {
            for record in records(&fs::read_to_string(&path).unwrap()) {
                count += 1;
                for parts in [1, 3] {
                    let Some(failure) = check(&record, &registry, parts).await else { continue };
                    let name = path.strip_prefix(&root).unwrap().display().to_string();
                    failures.push(format!("{name}:{}: {}: in {parts}: {failure}", record.line, record.sql));
                }
            }
        }
        assert!(count > 0);
        failures
    }));
    let failures = failures.unwrap();
    assert!(failures.is_empty(), "{} failures:\n{}", failures.len(), failures.join("\n"));
}
