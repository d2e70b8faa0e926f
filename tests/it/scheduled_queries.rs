//! Scheduled queries, on a clock that the test moves.

use crate::harness::{Answer, START_NS, Timebrook};
use http::{Method, Request};
use serde_json::{Value, json};
use timebrook::{Server, clock::Clock};

const TOPIC: &str = "arn:aws:sns:us-east-1:000000000000:runs";
const HOUR_MS: i64 = 3_600_000;

/// A database with a table of readings, one every ten minutes of the day before the start, and an empty target.
async fn with_readings(timebrook: &Timebrook) {
    let call = async |operation: &str, body: Value| {
        let answer = timebrook.call(operation, body.to_string()).await;
        assert_eq!(answer.status, 200, "{operation}: {}", answer.text());
    };
    call("CreateDatabase", json!({"DatabaseName": "db"})).await;
    let retention = json!({"MemoryStoreRetentionPeriodInHours": 100, "MagneticStoreRetentionPeriodInDays": 100});
    for table in ["raw", "hourly"] {
        call("CreateTable", json!({"DatabaseName": "db", "TableName": table, "RetentionProperties": retention})).await;
    }
    write_readings(timebrook, START_NS / 1_000_000 - 24 * HOUR_MS, 144).await;
}

/// Writes readings of two rooms, every ten minutes from `from_ms`; the value is the reading's number.
async fn write_readings(timebrook: &Timebrook, from_ms: i64, count: i64) {
    for chunk in (0..count).collect::<Vec<_>>().chunks(50) {
        let record = |i: &i64, room: &str| {
            json!({
                "Dimensions": [{"Name": "room", "Value": room}],
                "Time": (from_ms + i * HOUR_MS / 6).to_string(),
                "MeasureName": "temperature", "MeasureValue": i.to_string(), "MeasureValueType": "DOUBLE",
            })
        };
        let records: Vec<_> = chunk.iter().flat_map(|i| [record(i, "a"), record(i, "b")]).collect();
        let body = json!({"DatabaseName": "db", "TableName": "raw", "Records": records});
        let answer = timebrook.call("WriteRecords", body.to_string()).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
}

fn hourly() -> Value {
    json!({
        "Name": "hourly",
        "QueryString": "SELECT room, bin(time, 1h) AS hour, avg(measure_value::double) AS mean, count(*) AS n \
            FROM db.raw WHERE time >= bin(@scheduled_runtime, 1h) - 1h AND time < bin(@scheduled_runtime, 1h) \
            GROUP BY room, bin(time, 1h)",
        "ScheduleConfiguration": {"ScheduleExpression": "cron(0 * * * ? *)"},
        "NotificationConfiguration": {"SnsConfiguration": {"TopicArn": TOPIC}},
        "ScheduledQueryExecutionRoleArn": "arn:aws:iam::000000000000:role/runner",
        "ErrorReportConfiguration": {"S3Configuration": {"BucketName": "reports", "ObjectKeyPrefix": "errors"}},
        "TargetConfiguration": {"TimestreamConfiguration": {
            "DatabaseName": "db", "TableName": "hourly", "TimeColumn": "hour",
            "DimensionMappings": [{"Name": "room", "DimensionValueType": "VARCHAR"}],
            "MultiMeasureMappings": {"TargetMultiMeasureName": "aggregates", "MultiMeasureAttributeMappings": [
                {"SourceColumn": "mean", "MeasureValueType": "DOUBLE"},
                {"SourceColumn": "n", "MeasureValueType": "BIGINT", "TargetMultiMeasureAttributeName": "readings"},
            ]},
        }},
    })
}

/// The definition with the value at `pointer` replaced, or removed when it is null.
fn changed(pointer: &str, value: Value) -> Value {
    let mut query = hourly();
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    let parent = query.pointer_mut(parent).unwrap();
    match (parent, value) {
        (Value::Object(parent), Value::Null) => drop(parent.remove(key)),
        (parent, value) => parent[key] = value,
    }
    query
}

async fn create(timebrook: &Timebrook, query: &Value) -> String {
    let answer = timebrook.call("CreateScheduledQuery", query.to_string()).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()["Arn"].as_str().unwrap().to_owned()
}

async fn describe(timebrook: &Timebrook, arn: &str) -> Value {
    let answer = timebrook.call("DescribeScheduledQuery", json!({"ScheduledQueryArn": arn}).to_string()).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()["ScheduledQuery"].clone()
}

async fn execute(timebrook: &Timebrook, arn: &str, invocation_s: i64, insights: &str) {
    let body = json!({
        "ScheduledQueryArn": arn, "InvocationTime": invocation_s, "QueryInsights": {"Mode": insights},
    });
    let answer = timebrook.call("ExecuteScheduledQuery", body.to_string()).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    advance(timebrook, "0s").await;
}

async fn ask(timebrook: &Timebrook, method: Method, path: &str, body: &str) -> Answer {
    let request = Request::builder().method(method).uri(path).body(body.to_owned().into()).unwrap();
    timebrook.send(request).await
}

async fn advance(timebrook: &Timebrook, by: &str) {
    let body = json!({"advance": by}).to_string();
    let answer = ask(timebrook, Method::POST, "/_timebrook/clock", &body).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
}

/// The rows of a query, every row's cells joined.
async fn rows(timebrook: &Timebrook, sql: &str) -> Vec<String> {
    let answer = timebrook.call("Query", json!({"QueryString": sql}).to_string()).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let cell = |cell: &Value| cell["ScalarValue"].as_str().unwrap_or("NULL").to_owned();
    let row = |row: &Value| row["Data"].as_array().unwrap().iter().map(cell).collect::<Vec<_>>().join(" ");
    answer.json()["Rows"].as_array().unwrap().iter().map(row).collect()
}

/// The notifications of that type, their bodies read.
async fn notified(timebrook: &Timebrook, kind: &str) -> Vec<Value> {
    let answer = ask(timebrook, Method::GET, "/_timebrook/notifications", "").await.json();
    let all = answer["notifications"].as_array().unwrap();
    let of_kind = all.iter().filter(|n| n["MessageAttributes"]["notificationType"] == kind);
    of_kind.map(|n| serde_json::from_str(n["Message"].as_str().unwrap()).unwrap()).collect()
}

#[tokio::test]
async fn a_day_has_twenty_four_runs() {
    let timebrook = Timebrook::start().await;
    with_readings(&timebrook).await;
    let arn = create(&timebrook, &hourly()).await;
    let (name, suffix) = arn
        .strip_prefix("arn:aws:timestream:us-east-1:000000000000:scheduled-query/")
        .unwrap()
        .rsplit_once('-')
        .unwrap();
    assert_eq!(name, "hourly");
    assert!(suffix.len() == 16 && suffix.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)), "{suffix}");
    let created = describe(&timebrook, &arn).await;
    assert_eq!(created["State"], "ENABLED");
    assert_eq!(created["NextInvocationTime"], (START_NS / 1_000_000_000 + 3_600) as f64);
    assert_eq!(created["PreviousInvocationTime"], Value::Null);
    assert_eq!(created["TargetConfiguration"], hourly()["TargetConfiguration"]);

    write_readings(&timebrook, START_NS / 1_000_000, 2).await;
    advance(&timebrook, "1d").await;
    let described = describe(&timebrook, &arn).await;
    assert_eq!(described["LastRunSummary"]["RunStatus"], "AUTO_TRIGGER_SUCCESS");
    assert_eq!(described["PreviousInvocationTime"], (START_NS / 1_000_000_000 + 86_400) as f64);
    assert_eq!(described["NextInvocationTime"], (START_NS / 1_000_000_000 + 90_000) as f64);
    assert_eq!(described["RecentlyFailedRuns"], json!([]));
    let runs = notified(&timebrook, "AUTO_TRIGGER_SUCCESS").await;
    assert_eq!(runs.len(), 24);
    let first = &runs[0]["scheduledQueryRunSummary"];
    assert_eq!(first["invocationEpochSecond"], START_NS / 1_000_000_000 + 3_600);
    assert_eq!(first["triggerTimeMillis"], (START_NS / 1_000_000_000 + 3_600) * 1_000);
    assert_eq!(first["executionStats"]["recordsIngested"], 2);
    assert_eq!(first["executionStats"]["queryResultRows"], 2);
    assert_eq!(first["executionStats"]["dataWrites"], 1_024);
    assert_eq!(runs[0]["nextInvocationEpochSecond"], START_NS / 1_000_000_000 + 7_200);
    // Readings 0 and 1 of the hour after the start; the other hours have none.
    assert_eq!(
        rows(&timebrook, "SELECT room, time, measure_name, mean, readings FROM db.hourly ORDER BY room").await,
        ["a 2024-06-01 12:00:00.000000000 aggregates 0.5 2", "b 2024-06-01 12:00:00.000000000 aggregates 0.5 2"]
    );
}

#[tokio::test]
async fn any_time_can_be_computed_again() {
    let timebrook = Timebrook::start().await;
    with_readings(&timebrook).await;
    let arn = create(&timebrook, &changed("/ScheduleConfiguration/ScheduleExpression", "rate(30 days)".into())).await;
    let noon_s = START_NS / 1_000_000_000;
    execute(&timebrook, &arn, noon_s, "ENABLED_WITH_RATE_CONTROL").await;
    let mean = "SELECT mean FROM db.hourly WHERE room = 'a'";
    // Readings 138 to 143.
    assert_eq!(rows(&timebrook, mean).await, ["140.5"]);
    let run = describe(&timebrook, &arn).await["LastRunSummary"].clone();
    assert_eq!(run["RunStatus"], "MANUAL_TRIGGER_SUCCESS");
    assert_eq!(run["QueryInsightsResponse"]["OutputRows"], 2);
    assert_eq!(run["QueryInsightsResponse"]["QueryTableCount"], 1);
    let message = &notified(&timebrook, "MANUAL_TRIGGER_SUCCESS").await[0];
    assert_eq!(message["nextInvocationEpochSecond"], Value::Null);
    let spatial = &message["scheduledQueryRunSummary"]["queryInsightsResponse"]["querySpatialCoverage"]["max"];
    assert_eq!(spatial["partitionKey"], json!(["measure_name"]));

    // A late reading of that hour changes its mean; the second run's records replace the first one's.
    let late = json!({
        "DatabaseName": "db", "TableName": "raw",
        "Records": [{
            "Dimensions": [{"Name": "room", "Value": "a"}], "Time": (START_NS / 1_000_000 - 1).to_string(),
            "MeasureName": "temperature", "MeasureValue": "1000", "MeasureValueType": "DOUBLE",
        }],
    });
    assert_eq!(timebrook.call("WriteRecords", late.to_string()).await.status, 200);
    execute(&timebrook, &arn, noon_s, "DISABLED").await;
    assert_eq!(rows(&timebrook, mean).await, ["263.2857142857143"]);
    assert_eq!(describe(&timebrook, &arn).await["LastRunSummary"]["QueryInsightsResponse"], Value::Null);
}

#[tokio::test]
async fn what_cannot_be_scheduled_is_refused() {
    let timebrook = Timebrook::start().await;
    with_readings(&timebrook).await;
    let check = async |query: Value, error: &str, text: &str| {
        let answer = timebrook.call("CreateScheduledQuery", query.to_string()).await;
        assert_eq!(answer.error(), error, "{query}: {}", answer.text());
        assert!(answer.message().contains(text), "{}", answer.text());
    };
    let sql = |text: &str| changed("/QueryString", text.into());
    let target =
        |key: &str, value: Value| changed(&format!("/TargetConfiguration/TimestreamConfiguration/{key}"), value);
    let invalid = "ValidationException";
    check(sql("SELECT nothing FROM db.raw"), invalid, "line 1:8: Column 'nothing' does not exist").await;
    check(sql("SELECT 1 FROM db.none"), invalid, "The table 'none' does not exist in database 'db'").await;
    check(sql("SELECT FROM"), invalid, "The query syntax is invalid").await;
    check(sql("SELECT @other AS hour FROM db.raw"), invalid, "Parameter '@other' has no value").await;
    let schedule = |text: &str| changed("/ScheduleConfiguration/ScheduleExpression", text.into());
    check(schedule("rate(0 minutes)"), invalid, "rate(0 minutes)").await;
    check(schedule("cron(0 * * * * *)"), invalid, "exactly one of day-of-month and day-of-week").await;
    check(schedule("cron(0 0 1 1 ? 2020)"), invalid, "no time in the future").await;
    check(changed("/TargetConfiguration", Value::Null), invalid, "TargetConfiguration").await;
    check(target("TimeColumn", "when".into()), invalid, "'when' of the mapping does not exist").await;
    check(target("TimeColumn", "room".into()), invalid, "varchar and cannot be used as TimeColumn").await;
    check(target("DimensionMappings", json!([{"Name": "hall", "DimensionValueType": "VARCHAR"}])), invalid, "'hall'")
        .await;
    check(target("DatabaseName", "none".into()), "ResourceNotFoundException", "The database none does not exist.")
        .await;
    check(target("TableName", "none".into()), "ResourceNotFoundException", "The table none does not exist.").await;
    check(target("MultiMeasureMappings", Value::Null), invalid, "Exactly one of MultiMeasureMappings").await;
    check(target("MeasureNameColumn", "room".into()), invalid, "cannot both be set").await;
    let attribute = "MultiMeasureMappings/MultiMeasureAttributeMappings/0/MeasureValueType";
    check(target(attribute, "BIGINT".into()), invalid, "'mean' is of type double").await;
    check(sql("UNLOAD (SELECT hour FROM db.raw) TO 's3://b/f'"), invalid, "").await;
    let listed = timebrook.call("ListScheduledQueries", "{}").await.json();
    assert_eq!(listed["ScheduledQueries"], json!([]));
}

#[tokio::test]
async fn rows_that_fail_are_reported_and_the_others_stay() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Clock::manual(START_NS);
    let service = Server::builder().clock(clock.clone()).data_dir(folder.path()).in_process().await.unwrap();
    let timebrook = Timebrook { service, clock };
    with_readings(&timebrook).await;
    // One row that is fine, one of the future, one without a time, one whose measures are all NULL.
    let mut query = changed(
        "/QueryString",
        "SELECT * FROM (VALUES ('a', now(), 1.5e0, 1), ('b', now() + 3d, 2.5e0, 2), \
        ('c', NULL, 3.5e0, 3), ('d', now(), NULL, NULL)) AS t(room, hour, mean, n)"
            .into(),
    );
    query["Name"] = "partly".into();
    let arn = create(&timebrook, &query).await;
    execute(&timebrook, &arn, START_NS / 1_000_000_000, "DISABLED").await;
    assert_eq!(rows(&timebrook, "SELECT room, mean FROM db.hourly").await, ["a 1.5"]);
    let described = describe(&timebrook, &arn).await;
    let run = &described["LastRunSummary"];
    assert_eq!(run["RunStatus"], "MANUAL_TRIGGER_FAILURE");
    // # observed: ExecuteScheduledQuery, example 3
    assert_eq!(
        run["FailureReason"],
        "Schedule encountered some errors and is incomplete. Please take a look at error report for further details"
    );
    assert_eq!(run["ExecutionStats"]["RecordsIngested"], 1);
    assert_eq!(run["ExecutionStats"]["QueryResultRows"], 4);
    assert_eq!(described["RecentlyFailedRuns"].as_array().unwrap().len(), 1);
    assert_eq!(described["State"], "ENABLED");
    let location = &run["ErrorReportLocation"]["S3ReportLocation"];
    assert_eq!(location["BucketName"], "reports");
    let key = location["ObjectKey"].as_str().unwrap();
    let id = arn.rsplit('/').next().unwrap();
    let (seconds, millis) = (START_NS / 1_000_000_000, START_NS / 1_000_000);
    assert!(key.starts_with(&format!("errors/{id}/{seconds}/MANUAL/{millis}/")), "{key}");
    let report = std::fs::read(folder.path().join("s3/reports").join(key)).unwrap();
    let report: Value = serde_json::from_slice(&report).unwrap();
    let errors = report["errors"].as_array().unwrap();
    assert_eq!(errors.len(), 3, "{report}");
    assert!(errors[0]["reason"].as_str().unwrap().starts_with("The record timestamp is outside the time range ["));
    assert_eq!(
        errors[0]["records"][0]["dimensions"][0],
        json!({"name": "room", "value": "b", "dimensionValueType": null})
    );
    assert_eq!(errors[1]["rawLine"], "c,,3.5,3");
    let failure = &notified(&timebrook, "MANUAL_TRIGGER_FAILURE").await[0]["scheduledQueryRunSummary"];
    assert_eq!(failure["errorReportLocation"]["s3ReportLocation"]["objectKey"], key);
}

#[tokio::test]
async fn a_query_that_can_only_fail_is_disabled() {
    let timebrook = Timebrook::start().await;
    with_readings(&timebrook).await;
    let arn = create(&timebrook, &hourly()).await;
    let gone = json!({"DatabaseName": "db", "TableName": "hourly"});
    assert_eq!(timebrook.call("DeleteTable", gone.to_string()).await.status, 200);
    advance(&timebrook, "1d").await;
    let described = describe(&timebrook, &arn).await;
    assert_eq!(described["State"], "DISABLED");
    assert_eq!(described["NextInvocationTime"], Value::Null);
    assert_eq!(described["LastRunSummary"]["FailureReason"], "The table hourly does not exist.");
    assert_eq!(described["LastRunSummary"]["ErrorReportLocation"], Value::Null);
    assert_eq!(notified(&timebrook, "AUTO_TRIGGER_FAILURE").await.len(), 1);
    let updates = notified(&timebrook, "SCHEDULED_QUERY_UPDATE").await;
    assert_eq!(updates, [json!({"type": "SCHEDULED_QUERY_UPDATE", "arn": arn, "state": "DISABLED"})]);

    // Enabled again, it counts from now on.
    let table = json!({"DatabaseName": "db", "TableName": "hourly"});
    assert_eq!(timebrook.call("CreateTable", table.to_string()).await.status, 200);
    let enable = json!({"ScheduledQueryArn": arn, "State": "ENABLED"});
    assert_eq!(timebrook.call("UpdateScheduledQuery", enable.to_string()).await.status, 200);
    advance(&timebrook, "2h").await;
    assert_eq!(notified(&timebrook, "AUTO_TRIGGER_SUCCESS").await.len(), 2);
}

#[tokio::test]
async fn queries_and_their_history_survive_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Clock::manual(START_NS);
    let open = async || {
        let builder = Server::builder().clock(clock.clone()).data_dir(folder.path());
        Timebrook { service: builder.in_process().await.unwrap(), clock: clock.clone() }
    };
    let timebrook = open().await;
    with_readings(&timebrook).await;
    let arn = create(&timebrook, &hourly()).await;
    advance(&timebrook, "3h").await;
    let before = describe(&timebrook, &arn).await;
    drop(timebrook);
    let timebrook = open().await;
    assert_eq!(describe(&timebrook, &arn).await, before);
    advance(&timebrook, "1h").await;
    assert_eq!(notified(&timebrook, "AUTO_TRIGGER_SUCCESS").await.len(), 1, "those of before were not run again");
    drop(timebrook);
    // Nobody keeps the schedule for ten hours.
    clock.advance(std::time::Duration::from_secs(36_000));
    let timebrook = open().await;
    advance(&timebrook, "0s").await;
    assert_eq!(notified(&timebrook, "AUTO_TRIGGER_SUCCESS").await.len(), 1, "of missed runs the last is made up for");
    let last_s = (START_NS / 1_000_000_000 + 14 * 3_600) as f64;
    assert_eq!(describe(&timebrook, &arn).await["PreviousInvocationTime"], last_s);
}

#[tokio::test]
async fn the_same_request_creates_one_query() {
    let timebrook = Timebrook::start().await;
    with_readings(&timebrook).await;
    let token = "0123456789abcdef0123456789abcdef";
    let query = changed("/ClientToken", token.into());
    let arn = create(&timebrook, &query).await;
    assert_eq!(create(&timebrook, &query).await, arn);
    let mut other = query.clone();
    other["Name"] = "another".into();
    let answer = timebrook.call("CreateScheduledQuery", other.to_string()).await;
    assert_eq!(answer.error(), "ConflictException");
    assert_ne!(create(&timebrook, &hourly()).await, arn, "without a token every request is one of its own");
    assert_eq!(notified(&timebrook, "SCHEDULED_QUERY_CREATING").await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_request_many_times_at_once_creates_one_query() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Clock::manual(START_NS);
    let service = Server::builder().clock(clock.clone()).data_dir(folder.path()).in_process().await.unwrap();
    let timebrook = Timebrook { service, clock };
    with_readings(&timebrook).await;
    let query = changed("/ClientToken", "0123456789abcdef0123456789abcdef".into());
    let mut arns = futures::future::join_all((0..8).map(|_| create(&timebrook, &query))).await;
    arns.sort();
    arns.dedup();
    assert_eq!(arns.len(), 1);
}

#[tokio::test]
async fn queries_are_listed_tagged_and_deleted() {
    let timebrook = Timebrook::start().await;
    with_readings(&timebrook).await;
    let mut arns = Vec::new();
    for name in ["one", "two", "three"] {
        let mut query = changed("/Tags", json!([{"Key": "team", "Value": "a"}]));
        query["Name"] = name.into();
        arns.push(create(&timebrook, &query).await);
    }
    arns.sort();
    let page = timebrook.call("ListScheduledQueries", json!({"MaxResults": 2}).to_string()).await.json();
    let token = page["NextToken"].as_str().unwrap();
    let rest = timebrook.call("ListScheduledQueries", json!({"NextToken": token}).to_string()).await.json();
    let listed = |page: &Value| page["ScheduledQueries"].as_array().unwrap().clone();
    let all: Vec<_> = [listed(&page), listed(&rest)].concat();
    assert_eq!(all.iter().map(|q| q["Arn"].as_str().unwrap()).collect::<Vec<_>>(), arns);
    let destination = json!({"TimestreamDestination": {"DatabaseName": "db", "TableName": "hourly"}});
    assert_eq!(all[0]["TargetDestination"], destination);
    assert_eq!(rest["NextToken"], Value::Null);

    let arn = &arns[0];
    let add = json!({"ResourceARN": arn, "Tags": [{"Key": "cost", "Value": "low"}]});
    assert_eq!(timebrook.call("TagResource", add.to_string()).await.status, 200);
    let remove = json!({"ResourceARN": arn, "TagKeys": ["team"]});
    assert_eq!(timebrook.call("UntagResource", remove.to_string()).await.status, 200);
    let tags = timebrook.call("ListTagsForResource", json!({"ResourceARN": arn}).to_string()).await.json();
    assert_eq!(tags["Tags"], json!([{"Key": "cost", "Value": "low"}]));

    let of = json!({"ScheduledQueryArn": arn}).to_string();
    assert_eq!(timebrook.call("DeleteScheduledQuery", of.clone()).await.status, 200);
    assert_eq!(
        notified(&timebrook, "SCHEDULED_QUERY_DELETED").await,
        [json!({"type": "SCHEDULED_QUERY_DELETED", "arn": arn})]
    );
    for operation in ["DescribeScheduledQuery", "DeleteScheduledQuery", "ListTagsForResource"] {
        let body = json!({"ScheduledQueryArn": arn, "ResourceARN": arn}).to_string();
        let answer = timebrook.call(operation, body).await;
        assert_eq!(answer.error(), "ResourceNotFoundException", "{operation}");
        assert_eq!(answer.json()["ScheduledQueryArn"], **arn, "{operation}");
    }
}

#[tokio::test]
async fn time_is_looked_at_and_moved() {
    let timebrook = Timebrook::start().await;
    let now = ask(&timebrook, Method::GET, "/_timebrook/clock", "").await;
    assert_eq!(now.json(), json!({"now": "2024-06-01T12:00:00.000000000Z"}));
    let later = ask(&timebrook, Method::POST, "/_timebrook/clock", r#"{"now":"2024-06-02T00:00:00.5Z"}"#).await;
    assert_eq!(later.json(), json!({"now": "2024-06-02T00:00:00.500000000Z"}));
    assert_eq!(rows(&timebrook, "SELECT now()").await, ["2024-06-02 00:00:00.500000000"]);
    let back = ask(&timebrook, Method::POST, "/_timebrook/clock", r#"{"now":"2024-06-01T00:00:00Z"}"#).await;
    assert_eq!((back.status.as_u16(), back.text().as_str()), (400, "time does not go backwards\n"));
    assert_eq!(ask(&timebrook, Method::POST, "/_timebrook/clock", "{}").await.status, 400);
    let service = Server::builder().in_process().await.unwrap();
    let real = Timebrook { service, clock: Clock::system() };
    assert_eq!(ask(&real, Method::POST, "/_timebrook/clock", r#"{"advance":"1h"}"#).await.status, 409);
    assert_eq!(ask(&real, Method::GET, "/_timebrook/clock", "").await.status, 200);
}

#[tokio::test]
async fn parameters_of_other_guides_stand_for_the_same() {
    let timebrook = Timebrook::start().await;
    with_readings(&timebrook).await;
    let sql = "SELECT room, @scheduled_query_execution_time - 1h AS hour, \
        to_milliseconds(@scheduled_query_last_invocation_time) AS n, 1e0 AS mean FROM db.raw GROUP BY room";
    let arn = create(&timebrook, &changed("/QueryString", sql.into())).await;
    advance(&timebrook, "2h").await;
    let created_ms = START_NS / 1_000_000;
    assert_eq!(
        rows(&timebrook, "SELECT time, readings FROM db.hourly WHERE room = 'a' ORDER BY time").await,
        [
            format!("2024-06-01 12:00:00.000000000 {created_ms}"),
            format!("2024-06-01 13:00:00.000000000 {}", created_ms + HOUR_MS),
        ]
    );
    assert_eq!(describe(&timebrook, &arn).await["State"], "ENABLED");
}

#[test]
fn the_readme_shows_the_rust_example() {
    let read = |path: &str| std::fs::read_to_string(format!("{}/{path}", env!("CARGO_MANIFEST_DIR"))).unwrap();
    let shown = format!("### A day in Rust\n\n```rust\n{}```\n", read("tests/it/a_day_of_runs.rs"));
    assert!(read("README.md").contains(&shown));
}
