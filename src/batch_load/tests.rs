use super::{
    csv::{CsvDialect, FileProblem, Piece, read},
    report::FileErrors,
    *,
};
use crate::{
    catalog::{
        Tags,
        batch_load_task::{CsvFormat, LoadModel, LoadReport},
    },
    engine::{EngineConfig, NewTable},
    model::{
        mapping::{AttributeMapping, DimensionMapping},
        record::MeasureType,
        retention::Retention,
    },
};
use std::io;

const NOW_NS: i64 = 1_700_000_000_000_000_000;

/// The header and the rows of a file, as text: cells with `|` between them, or why there are none.
fn check(text: &[u8], format: &CsvFormat, expect: &[&str]) {
    let dialect = CsvDialect::new(Some(format)).unwrap();
    let mut found = Vec::new();
    let outcome = read(text, &dialect, |piece| {
        match piece {
            Piece::Header(columns) => found.push(columns.join("|")),
            Piece::Rows(rows) => found.extend(rows.iter().map(|row| match &row.cells {
                Ok(cells) => {
                    let cells: Vec<_> = cells.iter().map(|cell| dialect.value(cell).unwrap_or("NULL")).collect();
                    format!("{}: {}", row.line, cells.join("|"))
                }
                Err(problem) => format!("{}: {problem}", row.line),
            })),
        }
        true
    });
    found.extend(outcome.err().map(|problem| problem.to_string()));
    assert_eq!(found, expect, "{}", String::from_utf8_lossy(text));
}

#[test]
fn files_are_read_row_by_row() {
    let default = CsvFormat::default();
    check(b"a,b\n1,\"x,\"\"y\"\"\"\n,2", &default, &["a|b", "2: 1|x,\"y\"", "3: NULL|2"]);
    check(b"a,b\r\n1,\"two\nlines\"\r\n3,4\r\n", &default, &["a|b", "2: 1|two\nlines", "4: 3|4"]);
    check(b"a\r\n1\r\n\r\n\n2\n3", &default, &["a", "2: 1", "5: 2", "6: 3"]);
    let columns = "The row has another number of columns than the header.";
    check(b"a,b\n1\n1,2,3\n1,2\n", &default, &["a|b", &format!("2: {columns}"), &format!("3: {columns}"), "4: 1|2"]);
    check(b"a\n\xFF\nok\n", &default, &["a", "2: The row is not encoded in UTF-8.", "3: ok"]);
    check(b"", &default, &["The file has no header."]);
    check(b"\xEF\xBB\xBFa,b\n1,2\n", &default, &["The file begins with a byte order mark."]);
    check(b"a,\xFF\n1,2\n", &default, &["The header of the file is not encoded in UTF-8."]);
    let other = CsvFormat {
        separator: Some("|".into()),
        quote: Some("'".into()),
        escape: Some("\\".into()),
        null_value: Some("-".into()),
        trims: Some(true),
    };
    check(b" a | b \n'x\\'|y' | - \n", &other, &["a|b", "2: x'|y|NULL"]);
    let tabs = CsvFormat { separator: Some("\t".into()), ..default };
    check(b"a\tb\n1\t2\n", &tabs, &["a|b", "2: 1|2"]);
}

#[test]
fn a_quote_that_is_never_closed_does_not_fill_the_memory() {
    let endless = io::Read::chain(&b"a\n\""[..], io::repeat(b'x'));
    let dialect = CsvDialect::new(None).unwrap();
    assert!(matches!(read(endless, &dialect, |_| true), Err(FileProblem::RowTooLarge)));
}

#[test]
fn formats_that_cannot_be_read_are_refused() {
    let refused = |format: CsvFormat, expect: CsvError| assert_eq!(CsvDialect::new(Some(&format)), Err(expect));
    refused(CsvFormat { separator: Some("x".into()), ..CsvFormat::default() }, CsvError::Separator);
    refused(CsvFormat { quote: Some("|".into()), ..CsvFormat::default() }, CsvError::Quote);
    refused(CsvFormat { escape: Some("é".into()), ..CsvFormat::default() }, CsvError::Escape);
}

#[test]
fn lines_become_ranges() {
    let mut errors = FileErrors::of("f.csv");
    for (reason, line) in [("a", 2), ("a", 3), ("b", 3), ("a", 3), ("a", 5), ("a", 6)] {
        errors.add_line(reason, line);
    }
    let expect = serde_json::json!({"fileName": "f.csv", "errors": [
        {"reason": "a", "lineRanges": [[2, 3], [5, 6]]}, {"reason": "b", "lineRanges": [[3, 3]]}
    ]});
    assert_eq!(serde_json::to_value(&errors).unwrap(), expect);
    for line in 0..20_010 {
        errors.add_line("many", 10 + 2 * line);
    }
    assert_eq!(errors.errors.last().unwrap().reason, "More lines have errors than a report lists.");
}

fn task(bucket: &str, prefix: &str) -> BatchLoadTask {
    let attribute =
        |column: &str, value_type| AttributeMapping { source_column: column.into(), name: None, value_type };
    let mapping = Mapping {
        time_column: "time".into(),
        dimensions: vec![DimensionMapping { source_column: "host".into(), name: None }],
        measure_name_column: None,
        measures: MeasureMappings::Multi {
            measure_name: Some("m".into()),
            attributes: vec![attribute("cpu", MeasureType::Double), attribute("n", MeasureType::Bigint)],
        },
    };
    BatchLoadTask {
        id: "0123456789ABCDEF0123456789ABCDEF".into(),
        client_token: None,
        database: "db".into(),
        table: "t".into(),
        source_bucket: bucket.into(),
        source_prefix: Some(prefix.into()),
        csv: None,
        model: LoadModel { mapping, time_unit: Some("SECONDS".into()) },
        model_place: None,
        report: Some(LoadReport {
            bucket: "reports".into(),
            prefix: Some("p/".into()),
            encryption: None,
            kms_key_id: None,
        }),
        version: None,
        created_ms: 0,
        updated_ms: 0,
        status: LoadStatus::Created,
        resumable_until_ms: None,
        error: None,
        progress: LoadProgress::default(),
        last_file: None,
    }
}

async fn loader() -> (Arc<BatchLoader>, Scope) {
    let (clock, scope) = (Clock::manual(NOW_NS), Scope::default());
    let engine = Engine::open(EngineConfig::default(), clock.clone()).await.unwrap();
    engine.create_database(&scope, "db", None, Tags::new(), NOW_NS).await.unwrap();
    let retention = Some(Retention { memory_hours: 24, magnetic_days: 7 });
    let table = NewTable { retention, ..NewTable::default() };
    engine.create_table(&scope, "db", "t", table, NOW_NS).await.unwrap();
    (Arc::new(BatchLoader::new(engine, Arc::new(Objects::in_memory()), clock)), scope)
}

/// Creates a task without spawning it, runs it to its end, and answers what it is then.
async fn run(loader: &BatchLoader, scope: &Scope, task: BatchLoadTask) -> SharedTask {
    let created = loader.engine.create_batch_load_task(scope, task).await.unwrap();
    loader.run(scope, &created.id).await;
    loader.engine.batch_load_task(scope, &created.id).unwrap()
}

fn counts(task: &BatchLoadTask) -> [i64; 5] {
    let LoadProgress { processed, ingested, parse_failures, ingestion_failures, file_failures, .. } = task.progress;
    [processed, ingested, parse_failures, ingestion_failures, file_failures]
}

#[tokio::test]
async fn files_become_records_and_what_fails_is_reported() {
    let (loader, scope) = loader().await;
    let good = "time,host,cpu,n\n1700000000,a,1.5,1\n1699990000,a,2.5,\n";
    loader.objects.put("in", "x/1.csv", good.into()).await.unwrap();
    let bad = "time,host,cpu,n\n1,a,1,1\n2,a,1,1\n1700000000,b,nonsense,1\n,a,1,1\n1700000000,c,3,3\nshort\n";
    loader.objects.put("in", "x/2.csv", bad.into()).await.unwrap();
    loader.objects.put("in", "x/3.csv", b"time,cpu\n".to_vec()).await.unwrap();
    loader.objects.put("in", "y.csv", b"not this one".to_vec()).await.unwrap();
    let done = run(&loader, &scope, task("in", "x/")).await;
    assert_eq!((done.status, counts(&done)), (LoadStatus::Failed, [8, 3, 3, 2, 1]));
    let key = "p/0123456789ABCDEF0123456789ABCDEF/report.json";
    let report: serde_json::Value = serde_json::from_slice(&loader.objects.get("reports", key).await.unwrap()).unwrap();
    assert_eq!(report["taskId"], "0123456789ABCDEF0123456789ABCDEF");
    assert_eq!(report["taskErrors"], serde_json::json!([]));
    let of_file = |name: &str| {
        let files = report["fileErrors"].as_array().unwrap();
        files.iter().find(|file| file["fileName"] == name).map(|file| file["errors"].clone())
    };
    assert_eq!(of_file("x/1.csv"), None);
    let lines = of_file("x/2.csv").unwrap();
    // # guide: the sample report
    let window = serde_json::json!({
        "reason": "The record timestamp is outside the time range of the data ingestion window.", "lineRanges": [[2, 3]]
    });
    assert!(lines.as_array().unwrap().contains(&window), "{lines}");
    assert_eq!(
        lines
            .as_array()
            .unwrap()
            .iter()
            .map(|e| e["lineRanges"].clone())
            .filter(|l| *l == serde_json::json!([[4, 4]]))
            .count(),
        1
    );
    let missing = serde_json::json!([{"reason": "The column 'host' of the mapping does not exist.", "lineRanges": []}]);
    assert_eq!(of_file("x/3.csv"), Some(missing));
    assert_eq!(loader.engine.counts(None).records, 3);
}

#[tokio::test]
async fn a_task_without_errors_succeeds_and_changes_nothing_when_it_is_run_again() {
    let (loader, scope) = loader().await;
    let rows: String = (0..10_000).map(|i| format!("{},h{},{i}.5,{i}\n", 1_699_999_000 + i / 100, i % 100)).collect();
    loader.objects.put("in", "f", format!("time,host,cpu,n\n{rows}").into()).await.unwrap();
    let done = run(&loader, &scope, task("in", "f")).await;
    assert_eq!((done.status, counts(&done)), (LoadStatus::Succeeded, [10_000, 10_000, 0, 0, 0]));
    assert!(done.progress.bytes > 100_000);
    assert_eq!(loader.objects.list("reports").await.unwrap(), [""; 0]);
    // As after a crash before the file's end was written down.
    let again = BatchLoadTask { id: "AGAIN".into(), ..task("in", "f") };
    let done = run(&loader, &scope, again).await;
    assert_eq!((done.status, counts(&done)), (LoadStatus::Succeeded, [10_000, 10_000, 0, 0, 0]));
    assert_eq!(loader.engine.counts(None).records, 10_000);
}

#[tokio::test]
async fn what_cannot_be_loaded_at_all_fails_the_task() {
    let (loader, scope) = loader().await;
    loader.objects.create_bucket("empty").unwrap();
    for i in 0..=100 {
        loader.objects.put("many", &format!("{i}"), b"time\n".to_vec()).await.unwrap();
    }
    for (id, bucket, expect) in [
        ("A", "none", "The S3 bucket none does not exist."),
        ("B", "empty", "The S3 bucket empty has no objects under 'x'."),
        ("C", "many", "A batch load task cannot load more than 100 files."),
    ] {
        let prefix = if bucket == "many" { "" } else { "x" };
        let done = run(&loader, &scope, BatchLoadTask { id: id.into(), ..task(bucket, prefix) }).await;
        assert_eq!((done.status, done.error.as_deref()), (LoadStatus::Failed, Some(expect)));
        let report = loader.objects.get("reports", &format!("p/{id}/report.json")).await.unwrap();
        assert!(String::from_utf8(report).unwrap().contains(expect));
    }
    loader.objects.put("in", "f", b"time,host,cpu,n\n1700000000,a,1,1\n".to_vec()).await.unwrap();
    let created = loader.engine.create_batch_load_task(&scope, task("in", "f")).await.unwrap();
    loader.engine.delete_table(&scope, "db", "t").await.unwrap();
    loader.run(&scope, &created.id).await;
    let done = loader.engine.batch_load_task(&scope, &created.id).unwrap();
    assert_eq!((done.status, done.error.as_deref()), (LoadStatus::Failed, Some("The table t does not exist.")));
}

#[tokio::test]
async fn a_task_that_was_stopped_goes_on() {
    let (loader, scope) = loader().await;
    loader.objects.put("in", "1", b"time,host,cpu,n\n1700000000,a,1,1\n".to_vec()).await.unwrap();
    loader.objects.put("in", "2", b"time,host,cpu,n\n1700000000,b,1,1\n".to_vec()).await.unwrap();
    let stopped = BatchLoadTask {
        status: LoadStatus::ProgressStopped,
        resumable_until_ms: Some(NOW_NS / 1_000_000 + 1),
        progress: LoadProgress { processed: 1, ingested: 1, ..LoadProgress::default() },
        last_file: Some("1".into()),
        ..task("in", "")
    };
    let id = stopped.id.clone();
    loader.engine.create_batch_load_task(&scope, stopped).await.unwrap();
    loader.resume(&scope, &id).await.unwrap();
    let refused = loader.resume(&scope, &id).await.unwrap_err().to_string();
    assert_eq!(refused, format!("The batch load task {id} cannot be resumed: its status is not PROGRESS_STOPPED."));
    while loader.engine.batch_load_task(&scope, &id).unwrap().status.is_active() {
        tokio::task::yield_now().await;
    }
    let done = loader.engine.batch_load_task(&scope, &id).unwrap();
    assert_eq!((done.status, counts(&done)), (LoadStatus::Succeeded, [2, 2, 0, 0, 0]));
    // The first file was done before.
    assert_eq!(loader.engine.counts(None).records, 1);
    let late = BatchLoadTask {
        id: "LATE".into(),
        status: LoadStatus::ProgressStopped,
        resumable_until_ms: Some(1),
        ..task("in", "")
    };
    loader.engine.create_batch_load_task(&scope, late).await.unwrap();
    assert!(matches!(loader.resume(&scope, "LATE").await, Err(EngineError::NotResumable(..))));
}

#[tokio::test]
async fn tasks_are_counted_and_repeated_requests_create_nothing_new() {
    let (loader, scope) = loader().await;
    let token = BatchLoadTask { client_token: Some("token".into()), ..task("in", "") };
    let first = loader.engine.create_batch_load_task(&scope, token.clone()).await.unwrap();
    let again = BatchLoadTask { id: "B".into(), ..token };
    let again = loader.engine.create_batch_load_task(&scope, again).await.unwrap();
    assert_eq!(first.id, again.id);
    let other = BatchLoadTask { client_token: Some("token".into()), ..task("in", "else") };
    let other = loader.engine.create_batch_load_task(&scope, other).await;
    assert!(matches!(other, Err(EngineError::TokenReused)));
    for id in ["2", "3", "4", "5"] {
        loader.engine.create_batch_load_task(&scope, BatchLoadTask { id: id.into(), ..task("in", "") }).await.unwrap();
    }
    let sixth = loader.engine.create_batch_load_task(&scope, BatchLoadTask { id: "6".into(), ..task("in", "") }).await;
    assert!(matches!(sixth, Err(EngineError::QuotaExceeded(_))));
}
