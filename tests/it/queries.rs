//! Queries through the SDK: what the server adds to the query language itself.

use crate::harness::{Timebrook, signed};
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
