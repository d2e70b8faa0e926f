//! The server's own addresses.

use crate::harness::{Answer, Timebrook};
use bytes::Bytes;
use http::{Method, Request};
use http_body_util::Full;
use serde_json::json;

async fn ask(timebrook: &Timebrook, method: Method, path: &str) -> Answer {
    timebrook.send(Request::builder().method(method).uri(path).body(Full::<Bytes>::default()).unwrap()).await
}

#[tokio::test]
async fn health_is_answered_under_both_addresses() {
    let timebrook = Timebrook::start().await;
    for path in ["/health", "/_localstack/health"] {
        let answer = ask(&timebrook, Method::GET, path).await;
        assert_eq!(answer.status, 200);
        assert_eq!(
            answer.json(),
            json!({
                "services": {"timestream-write": "running", "timestream-query": "running"},
                "edition": "timebrook",
                "version": env!("CARGO_PKG_VERSION"),
            })
        );
    }
}

#[tokio::test]
async fn state_counts_and_reset_empties() {
    let timebrook = Timebrook::start().await;
    let (a, b) = ("111111111111", "222222222222");
    for account in [a, b] {
        let write = timebrook.write_as(account, "us-east-1");
        write.create_database().database_name("sensors").send().await.unwrap();
        write.create_table().database_name("sensors").table_name("rooms").send().await.unwrap();
    }
    let count = async |query: &str| {
        let state = ask(&timebrook, Method::GET, &format!("/_timebrook/state{query}")).await.json();
        (state["databases"].as_u64().unwrap(), state["tables"].as_u64().unwrap())
    };
    assert_eq!(count("").await, (2, 2));
    assert_eq!(count(&format!("?account={a}")).await, (1, 1));

    assert_eq!(ask(&timebrook, Method::POST, &format!("/_timebrook/reset?account={a}")).await.status, 200);
    assert_eq!(count(&format!("?account={a}")).await, (0, 0));
    assert_eq!(count(&format!("?account={b}")).await, (1, 1));

    assert_eq!(ask(&timebrook, Method::POST, "/_timebrook/reset").await.status, 200);
    let state = ask(&timebrook, Method::GET, "/_timebrook/state").await.json();
    assert_eq!(state, json!({"databases": 0, "tables": 0, "series": 0, "records": 0, "bytes": 0, "cursors": 0}));
    let listed = timebrook.write_as(b, "us-east-1").list_databases().send().await.unwrap();
    assert!(listed.databases().is_empty());
}

#[tokio::test]
async fn what_is_no_such_address_or_method_is_refused() {
    let timebrook = Timebrook::start().await;
    let check = async |method: Method, path: &str, status: u16| {
        assert_eq!(ask(&timebrook, method, path).await.status, status, "{path}");
    };
    check(Method::GET, "/_timebrook/reset", 405).await;
    check(Method::GET, "/_timebrook/tick", 405).await;
    check(Method::POST, "/_timebrook/tick", 200).await;
    check(Method::POST, "/_timebrook/state", 405).await;
    check(Method::POST, "/health", 405).await;
    check(Method::GET, "/_timebrook/nothing", 404).await;
    check(Method::POST, "/_timebrook/reset?account=1", 400).await;
    check(Method::POST, "/_timebrook/reset?account=", 400).await;
    check(Method::GET, "/_timebrook/state?account=12345678901x", 400).await;
}

#[tokio::test]
async fn the_authority_is_the_same_until_the_server_ends() {
    let timebrook = Timebrook::start().await;
    let first = ask(&timebrook, Method::GET, "/_timebrook/ca.pem").await;
    assert_eq!(first.status, 200);
    assert!(first.text().starts_with("-----BEGIN CERTIFICATE-----\n"));
    assert!(!first.text().contains("PRIVATE"));
    assert_eq!(ask(&timebrook, Method::GET, "/_timebrook/ca.pem").await.body, first.body);
    let other = Timebrook::start().await;
    assert_ne!(ask(&other, Method::GET, "/_timebrook/ca.pem").await.body, first.body);
}
