//! DescribeEndpoints: each client gets an address of the form it can use.

use crate::harness::{Answer, START_NS, Timebrook};
use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use serde_json::json;
use timebrook::{Server, clock::Clock, config::Config};

fn request(user_agent: &str, host: &str, body: &'static str) -> Request<Full<Bytes>> {
    Request::post("/")
        .header("host", host)
        .header("user-agent", user_agent)
        .header("content-type", "application/x-amz-json-1.0")
        .header("x-amz-target", "Timestream_20181101.DescribeEndpoints")
        .body(Full::from(body))
        .unwrap()
}

fn address(answer: &Answer) -> String {
    assert_eq!(answer.status, 200, "{answer:?}");
    let json = answer.json();
    let address = json["Endpoints"][0]["Address"].as_str().unwrap().to_owned();
    assert_eq!(json, json!({"Endpoints": [{"Address": address, "CachePeriodInMinutes": 1440}]}));
    address
}

/// # observed: what each SDK makes of the address
#[tokio::test]
async fn addresses_by_user_agent() {
    let timebrook = Timebrook::start().await;
    let check = async |user_agent: &str, host: &str, expect: &str| {
        let answer = timebrook.send(request(user_agent, host, "{}")).await;
        assert_eq!(address(&answer), expect, "{user_agent} {host}");
    };
    check("Boto3/1.44.5 md/Botocore#1.44.5 Botocore/1.44.5", "127.0.0.1:4566", "http://127.0.0.1:4566").await;
    check("aws-cli/1.45.11 md/Botocore#1.44.5", "db.local:80", "http://db.local:80").await;
    check("aws-sdk-js/3.1137.0 ua/2.1 lang/js", "127.0.0.1:4566", "127.0.0.1").await;
    check("aws-sdk-php/3.300.0", "127.0.0.1:4566", "127.0.0.1").await;
    check("aws-sdk-rust/1.3.3 ua/2.1", "localhost:4566", "localhost:4566").await;
    check("aws-sdk-go-v2/1.30.0", "localhost:4566", "localhost:4566").await;
    check("aws-sdk-dotnet-coreclr/3.7.301.29", "localhost:4566", "http://localhost:4566").await;
    check("something else", "localhost:4566", "localhost:4566").await;
}

#[tokio::test]
async fn a_browser_names_the_sdk_in_another_header() {
    let timebrook = Timebrook::start().await;
    let mut request = request("Mozilla/5.0", "localhost:4566", "{}");
    request.headers_mut().insert("x-amz-user-agent", "aws-sdk-js/3.1137.0 ua/2.1".parse().unwrap());
    assert_eq!(address(&timebrook.send(request).await), "localhost");
}

/// # model: the input has no members; unknown ones are skipped, and an empty body is an empty input
#[tokio::test]
async fn bodies_that_mean_nothing() {
    let timebrook = Timebrook::start().await;
    for body in ["{}", "", "{\"Unknown\":1}"] {
        address(&timebrook.send(request("", "h:1", body)).await);
    }
    let answer = timebrook.send(request("", "h:1", "[]")).await;
    assert_eq!((answer.status.as_u16(), answer.error().as_str()), (400, "SerializationException"));
}

#[tokio::test]
async fn an_advertised_address_replaces_the_one_of_the_request() {
    let start = async |advertise: &str| {
        let config = Config { advertise: Some(advertise.to_owned()), ..Config::default() };
        let clock = Clock::manual(START_NS);
        let service = Server::builder().config(config).clock(clock.clone()).in_process().await.unwrap();
        Timebrook { service, clock }
    };
    let timebrook = start("https://db.example:8443").await;
    let ask = async |user_agent: &str| address(&timebrook.send(request(user_agent, "127.0.0.1:4566", "{}")).await);
    assert_eq!(ask("Boto3/1.44.5").await, "https://db.example:8443");
    assert_eq!(ask("aws-sdk-js/3.1137.0").await, "db.example");
    assert_eq!(ask("aws-sdk-rust/1.3.3").await, "db.example:8443");
    let timebrook = start("db.example").await;
    let answer = timebrook.send(request("Boto3/1.44.5", "127.0.0.1:4566", "{}")).await;
    assert_eq!(address(&answer), "http://db.example");

    let config = Config { advertise: Some("ftp://db.example".to_owned()), ..Config::default() };
    assert!(Server::builder().config(config).in_process().await.is_err());
}
