//! Queries whose bytes are hostile: the service's error, and the server serves on.

use crate::harness::Timebrook;
use bytes::Bytes;
use serde_json::json;

#[tokio::test]
async fn bytes_that_are_no_text_are_refused() {
    let timebrook = Timebrook::start().await;
    let check = async |body: &[u8], error: &str| {
        let answer = timebrook.call("Query", Bytes::copy_from_slice(body)).await;
        assert_eq!(
            (answer.status.as_u16(), answer.error().as_str()),
            (400, error),
            "{:?}",
            &body[..body.len().min(60)]
        );
        let next = timebrook.call("Query", json!({"QueryString": "SELECT 1"}).to_string()).await;
        assert_eq!(next.status, 200, "after {:?}", &body[..body.len().min(60)]);
    };
    check(br#"{"QueryString": "SELECT '\ud800'"}"#, "SerializationException").await;
    check(br#"{"QueryString": "SELECT '\udc00\ud800'"}"#, "SerializationException").await;
    check(b"{\"QueryString\": \"SELECT '\xff'\"}", "SerializationException").await;
    check(b"{\"QueryString\": \"SELECT '\x00'\"}", "SerializationException").await;
    check(br#"{"QueryString": "\u0000"}"#, "ValidationException").await;
    check(br#"{"QueryString": "\ufffe\ufeff"}"#, "ValidationException").await;
    check(br#"{"QueryString": ""}"#, "ValidationException").await;
    check(br#"{"QueryString": "\ud83e\udd80"}"#, "ValidationException").await;
}

#[tokio::test]
async fn queries_that_are_too_much_are_refused() {
    let timebrook = Timebrook::start().await;
    let quarter_mib = 256 * 1024;
    for sql in [
        format!("SELECT {}1{}", "(".repeat(10_000), ")".repeat(10_000)),
        format!("SELECT {}", "ARRAY[".repeat(40_000)),
        "SELECT ".repeat(quarter_mib / 7),
        format!("SELECT \"{}\"", "i".repeat(quarter_mib - 20)),
        format!("SELECT * FROM \"{}\".t", "d".repeat(quarter_mib - 20)),
        "x".repeat(quarter_mib + 1),
        "SELECT sequence(1, 10001)".to_owned(),
        "SELECT rpad('', 2147483647, 'x')".to_owned(),
        "SELECT 1 / 0".to_owned(),
        "SELECT cast('x' AS bigint)".to_owned(),
        "SELECT date '2020-13-40'".to_owned(),
        "SELECT from_iso8601_timestamp('x')".to_owned(),
    ] {
        for operation in ["Query", "PrepareQuery"] {
            let answer = timebrook.call(operation, json!({"QueryString": sql}).to_string()).await;
            let start = &sql[..sql.len().min(60)];
            // What fails only when it is computed can be prepared.
            let fine = operation == "PrepareQuery" && answer.status == 200;
            assert!(fine || answer.error() == "ValidationException", "{operation} {start}: {}", answer.text());
        }
        let next = timebrook.call("Query", json!({"QueryString": "SELECT 1"}).to_string()).await;
        assert_eq!(next.status, 200);
    }
}
