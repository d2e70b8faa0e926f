//! With a data directory everything is there again after a restart.

use crate::harness::{START_NS, Timebrook};
use serde_json::{Value, json};
use std::path::Path;
use timebrook::{Server, clock::Clock};

async fn start(dir: &Path) -> (Server, Timebrook) {
    let clock = Clock::manual(START_NS);
    let server = Server::builder().data_dir(dir).clock(clock.clone()).start().await.unwrap();
    let timebrook = Timebrook { service: server.service(), clock };
    (server, timebrook)
}

/// Everything that a client can see of the state.
async fn everything(timebrook: &Timebrook) -> Vec<Value> {
    let arn = "arn:aws:timestream:us-east-1:000000000000:database/sensors";
    let table_arn = format!("{arn}/table/rooms");
    let sql = "SELECT room, measure_name, time, measure_value::bigint FROM sensors.rooms ORDER BY time, room";
    let mut seen = Vec::new();
    for (operation, body) in [
        ("ListDatabases", json!({})),
        ("ListTables", json!({})),
        ("DescribeTable", json!({"DatabaseName": "sensors", "TableName": "rooms"})),
        ("ListTagsForResource", json!({"ResourceARN": arn})),
        ("ListTagsForResource", json!({"ResourceARN": table_arn})),
        ("DescribeAccountSettings", json!({})),
        ("Query", json!({"QueryString": sql})),
    ] {
        let answer = timebrook.call(operation, body.to_string()).await;
        assert_eq!(answer.status, 200, "{operation}: {answer:?}");
        let mut json = answer.json();
        json.as_object_mut().unwrap().remove("QueryId");
        seen.push(json);
    }
    seen
}

async fn call(timebrook: &Timebrook, operation: &str, body: Value) {
    let answer = timebrook.call(operation, body.to_string()).await;
    assert_eq!(answer.status, 200, "{operation}: {answer:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_outlives_the_server() {
    let dir = tempfile::tempdir().unwrap();
    let (server, timebrook) = start(dir.path()).await;
    let tags = json!([{"Key": "team", "Value": "a"}]);
    call(&timebrook, "CreateDatabase", json!({"DatabaseName": "sensors", "Tags": tags})).await;
    call(&timebrook, "CreateDatabase", json!({"DatabaseName": "other", "KmsKeyId": "alias/own"})).await;
    let table = json!({"DatabaseName": "sensors", "TableName": "rooms", "Tags": tags,
        "RetentionProperties": {"MemoryStoreRetentionPeriodInHours": 12, "MagneticStoreRetentionPeriodInDays": 5},
        "MagneticStoreWriteProperties": {"EnableMagneticStoreWrites": true,
            "MagneticStoreRejectedDataLocation": {"S3Configuration": {"BucketName": "rejects"}}},
        "Schema": {"CompositePartitionKey":
            [{"Type": "DIMENSION", "Name": "room", "EnforcementInRecord": "REQUIRED"}]}});
    call(&timebrook, "CreateTable", table).await;
    call(&timebrook, "UpdateAccountSettings", json!({"MaxQueryTCU": 12})).await;
    for i in 0..20_i64 {
        let time = START_NS / 1_000_000 - i * 1_000;
        let record = json!({"Dimensions": [{"Name": "room", "Value": format!("r{}", i % 3)}], "MeasureName": "count",
            "MeasureValue": i.to_string(), "MeasureValueType": "BIGINT", "Time": time.to_string()});
        let body = json!({"DatabaseName": "sensors", "TableName": "rooms", "Records": [record]});
        call(&timebrook, "WriteRecords", body).await;
    }
    let before = everything(&timebrook).await;
    assert_eq!(before[6]["Rows"].as_array().unwrap().len(), 20);
    server.shutdown().await.unwrap();
    drop(timebrook);

    let (server, timebrook) = start(dir.path()).await;
    assert_eq!(everything(&timebrook).await, before);
    timebrook.send(http::Request::post("/_timebrook/reset").body(Default::default()).unwrap()).await;
    server.shutdown().await.unwrap();
    drop(timebrook);

    let (_server, timebrook) = start(dir.path()).await;
    let listed = timebrook.call("ListDatabases", "{}").await.json();
    assert_eq!(listed, json!({"Databases": []}));
    let settings = timebrook.call("DescribeAccountSettings", "{}").await.json();
    assert_eq!(settings["MaxQueryTCU"], 200);
}
