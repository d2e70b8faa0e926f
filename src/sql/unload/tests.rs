use super::*;
use crate::{
    clock::Clock,
    engine::Snapshot,
    model::{access::Access, scope::Scope},
    sql::{Limits, PageError, QueryRequest, RowWriter, Sql},
};
use datafusion::arrow::{
    array::{AsArray, RecordBatch},
    datatypes::Int64Type,
};
use std::io::Read;

const NOW_NS: i64 = 1_700_000_000_000_000_000;

struct Fields(RecordBatch);

impl RowWriter for Fields {
    fn write_row(&self, row: usize, out: &mut Vec<u8>) {
        let rows = self.0.column(0).as_primitive::<Int64Type>().value(row);
        let [metadata, manifest] = [1, 2].map(|i| self.0.column(i).as_string::<i32>().value(row));
        out.extend_from_slice(format!("{rows} {metadata} {manifest}").as_bytes());
    }
}

/// Runs a statement; the row's fields with a space between them.
async fn run(objects: &Arc<Objects>, sql: &str) -> Result<String, String> {
    let side =
        Sql::new(Limits { timeout_s: 60, memory_bytes_max: 1 << 30, documented_only: false }, Clock::manual(NOW_NS));
    let scope = Scope::default();
    let request = QueryRequest {
        scope: &scope,
        access: Access::unrestricted(),
        sql,
        next_token: None,
        rows_max: None,
        now_ns: NOW_NS,
        row_writer: |batch| Box::new(Fields(batch.clone())),
        random: [0; 16],
        query_id: "AEQUERY".to_owned(),
        objects,
        write_column_info: |columns, out| {
            let names: Vec<_> = columns.iter().map(|column| format!("\"{}\"", column.label)).collect();
            out.extend_from_slice(format!("[{}]", names.join(",")).as_bytes());
        },
    };
    let page = side.query(request, || Snapshot::empty(&scope)).await;
    match page {
        Ok(page) => Ok(String::from_utf8(page.rows.to_vec()).unwrap()),
        Err(PageError::Query(error)) => Err(error.to_string()),
        Err(error) => panic!("{error}"),
    }
}

fn bucket() -> Arc<Objects> {
    let objects = Objects::in_memory();
    objects.create_bucket("b").unwrap();
    Arc::new(objects)
}

/// The files of results by their folder, as text.
async fn results(objects: &Objects) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for key in objects.list("b").await.unwrap() {
        let Some((folder, name)) =
            key.split_once("results/").map(|(_, rest)| rest.rsplit_once('/').unwrap_or(("", rest)))
        else {
            continue;
        };
        assert!(
            name.starts_with("AEQUERY_") && name.rsplit_once('.').is_some_and(|(name, _)| name.len() == 44),
            "{name}"
        );
        let bytes = objects.get("b", &key).await.unwrap();
        let text = match name.rsplit_once('.').unwrap().1 {
            "gz" => {
                let mut text = String::new();
                flate2::read::GzDecoder::new(&bytes[..]).read_to_string(&mut text).unwrap();
                text
            }
            _ => String::from_utf8(bytes).unwrap(),
        };
        found.push((folder.to_owned(), text));
    }
    found
}

/// The one file that a query's result becomes.
async fn check(query: &str, options: &str, expect: &str) {
    let objects = bucket();
    let options = if options.is_empty() { String::new() } else { format!("WITH ({options})") };
    let row = run(&objects, &format!("UNLOAD ({query}) TO 's3://b/f' {options}")).await.unwrap();
    assert!(row.contains("s3://b/f/AEQUERY_"), "{row}");
    assert_eq!(results(&objects).await, [(String::new(), expect.to_owned())], "{query} {options}");
}

/// # guide: export-unload-concepts.html, the examples of FIELD_DELIMITER and ESCAPED_BY
#[tokio::test]
async fn cells_of_the_guide() {
    let none = "compression = 'NONE'";
    check("SELECT 'Time,stream'", none, "\"Time,stream\"\n").await;
    check("SELECT 'Time,stream', 1", "compression = 'NONE', field_delimiter = '|'", "Time,stream|1\n").await;
    check("SELECT 'Time\"stream'", none, "\"Time\\\"stream\"\n").await;
    check("SELECT 'Time\\stream'", none, "\"Time\\\\stream\"\n").await;
    check("SELECT ARRAY[23, 24, 25]", none, "\"[23,24,25]\"\n").await;
    let row = "SELECT CAST(ROW(23.0, 'hello') AS ROW(x double, y varchar))";
    check(row, none, "\"{\\\"x\\\":23.0,\\\"y\\\":\\\"hello\\\"}\"\n").await;
    let series = "SELECT create_time_series(from_nanoseconds(t), v) FROM (VALUES (10, 100.0), (12, 120.0)) AS p(t, v)";
    let expect = "\"[{\\\"time\\\":\\\"1970-01-01 00:00:00.000000010Z\\\",\\\"value\\\":100.0},\
                  {\\\"time\\\":\\\"1970-01-01 00:00:00.000000012Z\\\",\\\"value\\\":120.0}]\"\n";
    check(series, none, expect).await;
}

#[tokio::test]
async fn cells_and_files() {
    let none = "compression = 'NONE'";
    // # inferred
    check("SELECT CAST(NULL AS varchar), '', 1", none, ",\"\",1\n").await;
    check(
        "SELECT true, 1.5, 1e20, date '2024-02-29', from_nanoseconds(1)",
        none,
        "true,1.5,1.0E20,2024-02-29,1970-01-01 00:00:00.000000001\n",
    )
    .await;
    check("SELECT INTERVAL '1' DAY, 'a\nb'", none, "1 00:00:00.000000000,\"a\nb\"\n").await;
    check("SELECT ARRAY[CAST(NULL AS double), nan()]", none, "\"[null,\\\"NaN\\\"]\"\n").await;
    check("SELECT ROW(1, 'x')", none, "\"{\\\"field0\\\":1,\\\"field1\\\":\\\"x\\\"}\"\n").await;
    // # guide: headers follow the same rules
    check("SELECT 1 AS \"a,b\", 2 AS c", "compression = 'NONE', include_header = 'true'", "\"a,b\",c\n1,2\n").await;
    check(
        "SELECT 1, 'it''s \"q\"'",
        "compression='none', escaped_by='\"', field_delimiter='\\t'",
        "1\t\"it's \"\"q\"\"\"\n",
    )
    .await;
    check("SELECT 1", "", "1\n").await;
    check("SELECT 1", "format = 'CSV', compression = 'GZIP', encryption = 'SSE_KMS', kms_key = 'arn'", "1\n").await;
    check(
        "SELECT x FROM UNNEST(sequence(1, 3000)) AS t(x)",
        none,
        &(1..=3000).map(|x| format!("{x}\n")).collect::<String>(),
    )
    .await;
}

#[tokio::test]
async fn partitions_are_folders() {
    let objects = bucket();
    let rows = "SELECT n, channel, event FROM (VALUES (1, 'Social Media', 'a'), (2, 'direct', 'b'), \
                (3, 'Social Media', 'a'), (4, NULL, 'x/y'), (5, '', 'x/y')) AS t(n, channel, event)";
    let options = "partitioned_by = ARRAY['channel', 'event'], compression = 'NONE'";
    run(&objects, &format!("UNLOAD({rows}) TO 's3://b/deep/f/' WITH ({options})")).await.unwrap();
    let null = "channel=__HIVE_DEFAULT_PARTITION__/event=x%2Fy";
    let expect = [("channel=Social Media/event=a", "1\n3\n"), (null, "4\n5\n"), ("channel=direct/event=b", "2\n")];
    assert_eq!(results(&objects).await, expect.map(|(folder, text)| (folder.to_owned(), text.to_owned())));
    assert!(objects.list("b").await.unwrap().iter().all(|key| key.starts_with("deep/f/")));
}

#[tokio::test]
async fn the_manifest_and_the_metadata_tell_of_the_files() {
    let objects = bucket();
    let sql = "UNLOAD (SELECT n, p FROM (VALUES (1, 'x'), (2, 'x'), (3, 'y')) AS t(n, p)) TO 's3://b' \
               WITH (partitioned_by = ARRAY['p'], compression = 'NONE')";
    let row = run(&objects, sql).await.unwrap();
    let fields: Vec<_> = row.split(' ').collect();
    assert_eq!(fields[0], "3");
    let read = async |url: &str| {
        let bytes = objects.get("b", url.strip_prefix("s3://b/").unwrap()).await.unwrap();
        serde_json::from_slice::<serde_json::Value>(&bytes).unwrap()
    };
    assert!(fields[1].ends_with("_metadata.json") && fields[2].ends_with("_manifest.json"), "{row}");
    // # guide: the forms of both
    let expect = serde_json::json!({
        "ColumnInfo": ["n", "p"], "Author": {"Name": "Amazon Timestream", "MetadataFileVersion": "1.0"}
    });
    assert_eq!(read(fields[1]).await, expect);
    let mut manifest = read(fields[2]).await;
    let urls: Vec<_> = manifest["result_files"]
        .as_array_mut()
        .unwrap()
        .iter_mut()
        .map(|file| {
            let url = file["url"].take();
            url.as_str().unwrap().strip_prefix("s3://b/").unwrap().to_owned()
        })
        .collect();
    let file = |bytes, rows| serde_json::json!({"url": null, "file_metadata": {"content_length_in_bytes": bytes, "row_count": rows}});
    let expect = serde_json::json!({
        "result_files": [file(4, 2), file(2, 1)],
        "query_metadata": {
            "content_length_in_bytes": 6, "total_row_count": 3, "result_format": "CSV",
            "result_version": "Amazon Timestream version 1.0.0"
        },
        "author": {"name": "Amazon Timestream", "manifest_file_version": "1.0"}
    });
    assert_eq!(manifest, expect);
    assert!(urls[0].starts_with("results/p=x/AEQUERY_") && urls[1].starts_with("results/p=y/AEQUERY_"), "{urls:?}");
}

#[tokio::test]
async fn a_result_without_rows_has_no_files() {
    let objects = bucket();
    let row = run(&objects, "UNLOAD (SELECT 1 WHERE false) TO 's3://b/f'").await.unwrap();
    assert!(row.starts_with("0 s3://b/f/AEQUERY_"), "{row}");
    assert_eq!(objects.list("b").await.unwrap().len(), 2);
}

#[tokio::test]
async fn a_failed_statement_leaves_no_manifest() {
    let objects = bucket();
    let many = "SELECT x, x AS p FROM UNNEST(sequence(1, 101)) AS t(x)";
    let sql = format!("UNLOAD ({many}) TO 's3://b/f' WITH (partitioned_by = ARRAY['p'])");
    assert_eq!(run(&objects, &sql).await, Err("UNLOAD can write at most 100 partitions per query.".to_owned()));
    let late = "SELECT 1 / (x - 9000) FROM UNNEST(sequence(1, 9000)) AS t(x)";
    let error = run(&objects, &format!("UNLOAD ({late}) TO 's3://b/f'")).await.unwrap_err();
    assert!(error.to_lowercase().contains("zero"), "{error}");
    assert!(!objects.list("b").await.unwrap().iter().any(|key| key.contains("manifest")));
}

#[tokio::test]
async fn large_results_are_cut_into_files() {
    let objects = bucket();
    // 40 MB of text that hardly compresses would be slow to make: repeated text, not compressed.
    let rows = "SELECT x, rpad('', 1000, 'x') FROM UNNEST(sequence(1, 10000)) AS t(x) \
                CROSS JOIN UNNEST(sequence(1, 4)) AS u(y)";
    let sql = format!("UNLOAD ({rows}) TO 's3://b/f' WITH (compression = 'NONE', max_file_size = '16MB')");
    let row = run(&objects, &sql).await.unwrap();
    assert!(row.starts_with("40000 "), "{row}");
    let files = objects.list_with_prefix("b", "f/results/").await.unwrap();
    assert_eq!(files.len(), 3);
    assert!(files.iter().all(|file| file.bytes < 19 << 20), "{files:?}");
}

#[tokio::test]
async fn what_cannot_be_unloaded_is_refused() {
    let objects = bucket();
    let format = "The option format of UNLOAD is 'CSV' or 'PARQUET', not 'JSON'.";
    let size = "The option max_file_size of UNLOAD is a number followed by MB or GB, between 16MB and 78GB, not";
    let destination = "of UNLOAD is not of the form 's3://bucket/folder'.";
    let long = "x".repeat(900);
    let cases = [
        ("SELECT 1", "s3://none/f", "", "The S3 bucket none of the UNLOAD destination does not exist."),
        ("SELECT 1", "b/f", "", &format!("The destination 'b/f' {destination}")),
        ("SELECT 1", "s3://", "", "The destination 's3://' of UNLOAD names no bucket."),
        ("SELECT 1", "s3://B b/f", "", "The UNLOAD destination in the S3 bucket B b is not a valid name."),
        ("SELECT 1", "s3://b/f", "format = 'JSON'", format),
        ("SELECT 1", "s3://b/f", "max_file_size = '15.9MB'", &format!("{size} '15.9MB'.")),
        ("SELECT 1", "s3://b/f", "max_file_size = '79GB'", &format!("{size} '79GB'.")),
        ("SELECT 1", "s3://b/f", "max_file_size = '1e2MB'", &format!("{size} '1e2MB'.")),
        ("SELECT 1", "s3://b/f", "max_file_size = '20'", &format!("{size} '20'.")),
        (
            "SELECT 1",
            "s3://b/f",
            "field_delimiter = '||'",
            "The option field_delimiter of UNLOAD takes a single ASCII character.",
        ),
        (
            "SELECT 1",
            "s3://b/f",
            "field_delimiter = '\"'",
            "The field_delimiter of UNLOAD must be another character than the quote and escaped_by.",
        ),
        ("SELECT 1", "s3://b/f", "nothing = 'x'", "UNLOAD has no option nothing."),
        (
            "SELECT 1",
            "s3://b/f",
            "format = 'CSV', FORMAT = 'CSV'",
            "The option format of UNLOAD is set more than once.",
        ),
        ("SELECT 1", "s3://b/f", "kms_key = 'k'", "The option kms_key of UNLOAD needs encryption = 'SSE_KMS'."),
        (
            "SELECT 1",
            "s3://b/f",
            "format = 'PARQUET', escaped_by = '!'",
            "The option escaped_by of UNLOAD is for format = 'CSV' only.",
        ),
        (
            "SELECT 1",
            "s3://b/f",
            "partitioned_by = 'a'",
            "The option partitioned_by of UNLOAD takes an array of column names.",
        ),
        (
            "SELECT 1 AS a",
            "s3://b/f",
            "partitioned_by = ARRAY['b']",
            "The column 'b' in partitioned_by is not a column of the query.",
        ),
        (
            "SELECT 1 AS a",
            "s3://b/f",
            "partitioned_by = ARRAY['a']",
            "A query whose columns are all in partitioned_by leaves nothing to write.",
        ),
        (
            "SELECT 1 AS a, 2 AS b, 3 AS c",
            "s3://b/f",
            "partitioned_by = ARRAY['c', 'b']",
            "The columns in partitioned_by must be the last columns of the query, in the same order: [c, b].",
        ),
        (
            "SELECT 1 AS a, ARRAY[1] AS b",
            "s3://b/f",
            "partitioned_by = ARRAY['b']",
            "The column 'b' in partitioned_by is of type array(integer), which cannot be partitioned by.",
        ),
        (
            "SELECT 1 AS a, 'é' AS b",
            "s3://b/f",
            "partitioned_by = ARRAY['b']",
            "The value 'é' of a column in partitioned_by has other characters than ASCII, which the keys of S3 objects cannot have.",
        ),
        ("SELECT NULL", "s3://b/f", "", "The column '_col0' is of type unknown, which UNLOAD does not support."),
        (
            "SELECT ARRAY[time '01:02:03']",
            "s3://b/f",
            "",
            "The column '_col0' is of type array(time), which UNLOAD does not support.",
        ),
        (
            "SELECT INTERVAL '1' DAY",
            "s3://b/f",
            "format = 'PARQUET'",
            "The column '_col0' is of type interval day to second, which UNLOAD does not support to Parquet.",
        ),
        ("SELECT nothing", "s3://b/f", "", "line 1:16: Column 'nothing' does not exist"),
    ];
    for (query, destination, options, expect) in cases {
        let options = if options.is_empty() { String::new() } else { format!(" WITH ({options})") };
        let answer = run(&objects, &format!("UNLOAD ({query}) TO '{destination}'{options}")).await;
        assert_eq!(answer, Err(expect.to_owned()), "{query} {destination} {options}");
    }
    // # guide: troubleshoot-export-unload.html
    let error = run(&objects, &format!("UNLOAD (SELECT 1) TO 's3://b/{long}'")).await.unwrap_err();
    let expect =
        "provided in the destination will exceed the S3 allowed key length. See documentation for more details.";
    assert!(
        error.starts_with("UNLOAD result file key when using the S3 prefix [xxx") && error.ends_with(expect),
        "{error}"
    );
    let sql = format!("UNLOAD (SELECT 1, '{long}' AS p) TO 's3://b/ff' WITH (partitioned_by = ARRAY['p'])");
    let expect = "UNLOAD result file key when using partitioned_by [p] will exceed the S3 allowed key length. See documentation for more details.";
    let error = run(&objects, &sql.replace("s3://b/ff", &format!("s3://b/{}", "f".repeat(200)))).await.unwrap_err();
    assert_eq!(error, expect);
}
