//! Requests that are wrong before any operation looks at them.

use crate::harness::{Answer, Timebrook};
use bytes::Bytes;
use http::Request;
use http_body_util::Full;

async fn post(timebrook: &Timebrook, headers: &[(&str, &str)], body: impl Into<Bytes>) -> Answer {
    let mut request = Request::post("/");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    timebrook.send(request.body(Full::new(body.into())).unwrap()).await
}

const JSON: (&str, &str) = ("content-type", "application/x-amz-json-1.0");
const LIST: (&str, &str) = ("x-amz-target", "Timestream_20181101.ListDatabases");

/// # observed: status, body and its length
#[tokio::test]
async fn what_names_no_operation_is_unknown() {
    let timebrook = Timebrook::start().await;
    let check = async |headers: &[(&str, &str)]| {
        let answer = post(&timebrook, headers, "{}").await;
        assert_eq!(answer.status, 404, "{headers:?}");
        assert_eq!(answer.text(), r#"{"__type":"com.amazon.coral.service#UnknownOperationException"}"#);
        assert_eq!(answer.headers["content-type"], "application/x-amz-json-1.0");
        assert_eq!(answer.headers["x-amzn-requestid"].len(), 26);
    };
    check(&[JSON, ("x-amz-target", "Timestream_20181101.NoSuchOperation")]).await;
    check(&[JSON, ("x-amz-target", "Timestream_20181101.")]).await;
    check(&[JSON, ("x-amz-target", "Timestream_20181101.listdatabases")]).await;
    check(&[JSON]).await;
    check(&[]).await;
    check(&[LIST]).await;
    check(&[LIST, ("content-type", "text/plain")]).await;
    let answer = timebrook.send(Request::get("/").body(Full::default()).unwrap()).await;
    assert_eq!((answer.status.as_u16(), answer.error().as_str()), (404, "UnknownOperationException"));
    let answer = timebrook
        .send(Request::get("/").header(LIST.0, LIST.1).header(JSON.0, JSON.1).body(Full::default()).unwrap())
        .await;
    assert_eq!((answer.status.as_u16(), answer.error().as_str()), (404, "UnknownOperationException"));
}

#[tokio::test]
async fn bodies_that_are_no_json_object() {
    let timebrook = Timebrook::start().await;
    let check = async |body: &[u8]| {
        let answer = post(&timebrook, &[JSON, LIST], Bytes::copy_from_slice(body)).await;
        let got = (answer.status.as_u16(), answer.error());
        assert_eq!(got, (400, "SerializationException".to_owned()), "{:?}", &body[..body.len().min(40)]);
    };
    check(b"{").await;
    check(b"[]").await;
    check(b"null").await;
    check(b"7").await;
    check(b"{\"MaxResults\":\"one\"}").await;
    check(b"{\"MaxResults\":1e400}").await;
    check(b"{\"MaxResults\":99999999999999999999}").await;
    check(b"{\"NextToken\":{}}").await;
    check(b"{\"NextToken\":\"\xff\xfe\"}").await;
    check(b"{} {}").await;
    check(&b"[".repeat(1_000_000)).await;
    check(&b"{\"NextToken\":".repeat(100_000)).await;
}

#[tokio::test]
async fn media_types_with_parameters_are_understood() {
    let timebrook = Timebrook::start().await;
    for kind in ["application/x-amz-json-1.0; charset=utf-8", "application/json", "application/x-amz-json-1.1"] {
        assert_eq!(post(&timebrook, &[("content-type", kind), LIST], "{}").await.status, 200, "{kind}");
    }
}

#[tokio::test]
async fn bodies_that_are_too_large_are_refused() {
    let timebrook = Timebrook::start().await;
    let largest = timebrook::model::limits::REQUEST_BODY_BYTES_MAX;
    let body = |length: usize| format!("{{\"Ignored\":\"{}\"}}", "x".repeat(length - 14));
    assert_eq!(post(&timebrook, &[JSON, LIST], body(largest)).await.status, 200);
    let answer = post(&timebrook, &[JSON, LIST], body(largest + 1)).await;
    assert_eq!((answer.status.as_u16(), answer.error().as_str()), (413, "RequestEntityTooLargeException"));
    assert_eq!(answer.headers["connection"], "close");
}

#[tokio::test]
async fn odd_headers_do_no_harm() {
    let timebrook = Timebrook::start().await;
    let long = "x".repeat(50_000);
    for (name, value) in
        [("user-agent", long.as_str()), ("host", ""), ("authorization", long.as_str()), ("host", "]:[")]
    {
        assert_eq!(post(&timebrook, &[JSON, LIST, (name, value)], "{}").await.status, 200, "{name}");
    }
    let bytes = http::HeaderValue::from_bytes(b"\xff\xfe").unwrap();
    let mut request = Request::post("/").body(Full::<Bytes>::default()).unwrap();
    for name in ["host", "user-agent", "authorization", "x-amz-target", "content-type"] {
        request.headers_mut().insert(name, bytes.clone());
    }
    assert_eq!(timebrook.send(request).await.status, 404);
}
