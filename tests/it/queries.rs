//! Queries through the SDK: what the server adds to the query language itself.

use crate::harness::{START_NS, Timebrook, signed};
use aws_sdk_timestreamquery::error::ProvideErrorMetadata;
use http::Request;
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn a_query_is_answered() {
    let timebrook = Timebrook::start().await;
    let answer = timebrook.query().query().query_string("SELECT 1 AS one, 'a'").send().await.unwrap();
    assert_eq!(answer.rows().len(), 1);
    let cells: Vec<_> = answer.rows()[0].data().iter().map(|cell| cell.scalar_value().unwrap()).collect();
    assert_eq!(cells, ["1", "a"]);
    let names: Vec<_> = answer.column_info().iter().map(|column| column.name().unwrap()).collect();
    assert_eq!(names, ["one", "_col1"]);
    assert!(answer.query_id().starts_with("AE"));
    assert_eq!(answer.next_token(), None);
}

/// # observed: the texts and the namespace
#[tokio::test(flavor = "multi_thread")]
async fn mistakes_are_validation_exceptions() {
    let timebrook = Timebrook::start().await;
    let check = async |sql: &str, message: &str| {
        let answer = timebrook.call("Query", json!({"QueryString": sql}).to_string()).await;
        assert_eq!(answer.status, 400, "{sql}");
        let name = "com.amazonaws.timestream.v20181101#ValidationException";
        assert_eq!(answer.json(), json!({"__type": name, "Message": message}), "{sql}");
    };
    check("SELEC 1", "The query syntax is invalid at line 1:1").await;
    let missing = "Requested database 'abc' not found for identifier 'abc.sampleDB' at line 1:15";
    check("SELECT * FROM abc.sampleDB", missing).await;
    let error = timebrook.query().query().query_string("SELECT nothing").send().await.unwrap_err().into_service_error();
    assert!(error.is_validation_exception());
    assert_eq!(error.message(), Some("line 1:8: Column 'nothing' does not exist"));
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_belong_to_who_asked() {
    let timebrook = Timebrook::start().await;
    let sql = "SELECT * FROM (VALUES 1, 2, 3, 4, 5) AS t (n)";
    let ask = async |key: &str, sql: &str, token: Option<&str>| {
        let mut body = json!({"QueryString": sql, "MaxRows": 2});
        if let Some(token) = token {
            body["NextToken"] = token.into();
        }
        timebrook.send(signed("Query", body.to_string(), key, "us-east-1")).await
    };
    let cursors = async |account: &str| {
        let request = Request::get(format!("/_timebrook/state?account={account}")).body(Default::default()).unwrap();
        timebrook.send(request).await.json()["cursors"].as_u64().unwrap()
    };
    let first = ask("111111111111", sql, None).await.json();
    let token = first["NextToken"].as_str().unwrap();
    assert_eq!((cursors("111111111111").await, cursors("222222222222").await), (1, 0));
    for (key, sql) in [("222222222222", sql), ("111111111111", "SELECT 1")] {
        let answer = ask(key, sql, Some(token)).await;
        assert_eq!(
            (answer.error().as_str(), answer.message().as_str()),
            ("ValidationException", "Invalid pagination token.")
        );
    }
    let second = ask("111111111111", sql, Some(token)).await.json();
    assert_eq!(second["QueryId"], first["QueryId"]);
    let rows = |page: &serde_json::Value| page["Rows"].as_array().unwrap().len();
    assert!(rows(&first) <= 2 && rows(&second) <= 2);
    timebrook.send(Request::post("/_timebrook/reset?account=111111111111").body(Default::default()).unwrap()).await;
    assert_eq!(cursors("111111111111").await, 0);
    let answer = ask("111111111111", sql, second["NextToken"].as_str()).await;
    assert_eq!(answer.message(), "Invalid pagination token.");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_running_queries_can_be_cancelled() {
    let timebrook = Timebrook::start().await;
    let error = timebrook.query().cancel_query().query_id("AEABSENT").send().await.unwrap_err().into_service_error();
    assert!(error.is_validation_exception(), "{error:?}");
    let answer = timebrook.call("CancelQuery", r#"{"QueryId":"not an id"}"#).await;
    assert_eq!(answer.json()["__type"], "com.amazon.coral.validate#ValidationException");
}

/// What QueryInsights says of a query over the table `sensors.rooms`, without the table's ARN.
async fn insights(timebrook: &Timebrook, sql: &str) -> serde_json::Value {
    let body = json!({"QueryString": sql, "QueryInsights": {"Mode": "ENABLED_WITH_RATE_CONTROL"}});
    let mut insights = timebrook.call("Query", body.to_string()).await.json()["QueryInsightsResponse"].take();
    for part in ["QuerySpatialCoverage", "QueryTemporalRange"] {
        let arn = insights[part]["Max"].as_object_mut().unwrap().remove("TableArn").unwrap();
        assert!(arn.as_str().unwrap().ends_with(":database/sensors/table/rooms"), "{arn}");
    }
    insights
}

#[tokio::test(flavor = "multi_thread")]
async fn insights_tell_what_was_read() {
    let timebrook = Timebrook::start().await;
    timebrook.call("CreateDatabase", r#"{"DatabaseName":"sensors"}"#).await;
    let key = json!([{"Type": "DIMENSION", "Name": "room", "EnforcementInRecord": "REQUIRED"}]);
    let table = json!({"DatabaseName": "sensors", "TableName": "rooms", "Schema": {"CompositePartitionKey": key}});
    timebrook.call("CreateTable", table.to_string()).await;
    let second = START_NS / 1_000_000_000;
    let record = |room: usize, ago: i64| {
        json!({"Dimensions": [{"Name": "room", "Value": format!("r{room}")}], "MeasureName": "m", "MeasureValue": "1.5",
            "Time": (second - ago).to_string(), "TimeUnit": "SECONDS"})
    };
    let records: Vec<_> = (0..50).map(|n| record(n % 10, n as i64 * 60)).collect();
    let body = json!({"DatabaseName": "sensors", "TableName": "rooms", "Records": records});
    assert_eq!(timebrook.call("WriteRecords", body.to_string()).await.status, 200);

    let told = |spatial: f64, temporal_ns: i64, rows: i64, bytes: i64| {
        json!({"QuerySpatialCoverage": {"Max": {"Value": spatial, "PartitionKey": ["room"]}},
            "QueryTemporalRange": {"Max": {"Value": temporal_ns}},
            "QueryTableCount": 1, "OutputRows": rows, "OutputBytes": bytes})
    };
    let minute_ns = 60_000_000_000;
    let all = insights(&timebrook, "SELECT room FROM sensors.rooms").await;
    assert_eq!(all, told(1.0, 49 * minute_ns, 50, 100), "no filter: from the first record to the last");
    let some = "SELECT time FROM sensors.rooms WHERE room IN ('r1', 'r2', 'r77') AND time >= ago(20m) AND time < now()";
    assert_eq!(insights(&timebrook, some).await, told(0.2, 20 * minute_ns - 1, 4, 32));
    let either = "SELECT count(*) FROM sensors.rooms WHERE room = 'r1' OR room = 'r2' OR 'r3' = room";
    assert_eq!(insights(&timebrook, either).await, told(0.3, 49 * minute_ns, 1, 8));
    let like = "SELECT count(*) FROM sensors.rooms WHERE room LIKE 'r1%'";
    assert_eq!(insights(&timebrook, like).await, told(1.0, 49 * minute_ns, 1, 8), "LIKE narrows nothing");

    let without = json!({"QueryString": "SELECT 1", "QueryInsights": {"Mode": "DISABLED"}}).to_string();
    assert!(timebrook.call("Query", without).await.json().get("QueryInsightsResponse").is_none());
    let no_table =
        json!({"QueryString": "SELECT 1", "QueryInsights": {"Mode": "ENABLED_WITH_RATE_CONTROL"}}).to_string();
    let answer = timebrook.call("Query", no_table).await.json();
    assert_eq!(answer["QueryInsightsResponse"], json!({"QueryTableCount": 0, "OutputRows": 1, "OutputBytes": 8}));
}

#[tokio::test(flavor = "multi_thread")]
async fn records_that_are_not_wanted_are_not_read() {
    let timebrook = Timebrook::start().await;
    timebrook.call("CreateDatabase", r#"{"DatabaseName":"sensors"}"#).await;
    timebrook.call("CreateTable", r#"{"DatabaseName":"sensors","TableName":"rooms"}"#).await;
    let record = |n: i64| {
        json!({"Dimensions": [{"Name": "room", "Value": format!("r{}", n % 4)}], "MeasureName": format!("m{}", n % 3),
            "MeasureValue": "7", "MeasureValueType": "BIGINT", "Time": (START_NS / 1_000_000 - n).to_string()})
    };
    for from in (0..1_200).step_by(100) {
        let records: Vec<_> = (from..from + 100).map(record).collect();
        let body = json!({"DatabaseName": "sensors", "TableName": "rooms", "Records": records});
        assert_eq!(timebrook.call("WriteRecords", body.to_string()).await.status, 200);
    }
    let check = async |filter: &str, rows: u64, read: u64| {
        let sql = format!("SELECT sum(measure_value::bigint) FROM sensors.rooms WHERE {filter}");
        let answer = timebrook.call("Query", json!({"QueryString": sql}).to_string()).await.json();
        assert_eq!(answer["Rows"][0]["Data"][0]["ScalarValue"], (rows * 7).to_string(), "{filter}");
        let scanned = answer["QueryStatus"]["CumulativeBytesScanned"].as_u64().unwrap();
        assert!(scanned / read <= 8 + 4, "{filter}: {scanned} bytes of {read} rows");
    };
    check("measure_name = 'm1'", 400, 400).await;
    check("room = 'r3'", 300, 300).await;
    check("measure_name IN ('m0', 'm2') AND room = 'r0'", 200, 200).await;
    check("room = 'r1' AND room <> 'r2'", 300, 300).await;
    check("(room = 'r1' OR room = 'r2') AND measure_name = 'm1'", 200, 200).await;
}

/// A correlated subquery is planned as a second reading of the rows around it, which the client never asked for.
#[tokio::test(flavor = "multi_thread")]
async fn correlated_subqueries_are_metered_once() {
    let timebrook = Timebrook::start().await;
    timebrook.call("CreateDatabase", r#"{"DatabaseName":"sensors"}"#).await;
    timebrook.call("CreateTable", r#"{"DatabaseName":"sensors","TableName":"rooms"}"#).await;
    let record = |n: i64| {
        json!({"Dimensions": [{"Name": "room", "Value": format!("r{n}")}], "MeasureName": "m", "MeasureValue": "7",
            "MeasureValueType": "BIGINT", "Time": (START_NS / 1_000_000 - n).to_string()})
    };
    let records: Vec<_> = (0..50).map(record).collect();
    let body = json!({"DatabaseName": "sensors", "TableName": "rooms", "Records": records});
    assert_eq!(timebrook.call("WriteRecords", body.to_string()).await.status, 200);
    let status = async |sql: &str| {
        let answer = timebrook.call("Query", json!({"QueryString": sql}).to_string()).await;
        assert_eq!(answer.status, 200, "{sql}: {}", answer.text());
        answer.json()["QueryStatus"]["CumulativeBytesScanned"].as_u64().unwrap()
    };
    let once = status("SELECT room FROM sensors.rooms").await;
    assert_eq!(once, 10 * 2 + 40 * 3);
    let counted = "(SELECT count(*) FROM (VALUES 'r1', 'r2') AS v(x) WHERE x < r.room)";
    assert_eq!(status(&format!("SELECT {counted} FROM sensors.rooms AS r")).await, once);
    assert_eq!(status(&format!("SELECT room FROM sensors.rooms AS r WHERE {counted} > 1")).await, once);
    let inner = "(SELECT max(s.room) FROM sensors.rooms AS s WHERE s.room < r.room)";
    assert_eq!(status(&format!("SELECT {inner} FROM sensors.rooms AS r")).await, 2 * once);
}
