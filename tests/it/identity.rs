//! Who a request is from, and for which service.

use crate::harness::{DEFAULT_ACCOUNT, Timebrook, sign_for, signed};
use bytes::Bytes;
use http::{HeaderMap, Request};
use http_body_util::Full;

#[tokio::test]
async fn accounts_and_regions_share_nothing() {
    let timebrook = Timebrook::start().await;
    let here = timebrook.write_as("111111111111", "us-east-1");
    here.create_database().database_name("sensors").send().await.unwrap();
    for other in [
        timebrook.write_as("222222222222", "us-east-1"),
        timebrook.write_as("111111111111", "eu-west-1"),
        timebrook.write(),
    ] {
        assert!(other.list_databases().send().await.unwrap().databases().is_empty());
        let error = other.describe_database().database_name("sensors").send().await.unwrap_err().into_service_error();
        assert!(error.is_resource_not_found_exception());
        let created = other.create_database().database_name("sensors").send().await;
        assert!(created.is_ok(), "the name is free there");
    }
    let database = here.describe_database().database_name("sensors").send().await.unwrap().database.unwrap();
    assert_eq!(database.arn(), Some("arn:aws:timestream:us-east-1:111111111111:database/sensors"));
}

/// Signatures are not verified: what matters is whose they claim to be.
#[tokio::test]
async fn unsigned_and_wrongly_signed_requests_are_served() {
    let timebrook = Timebrook::start().await;
    let arn = async |authorization: Option<&str>, name: &str| {
        let mut request = signed("CreateDatabase", format!("{{\"DatabaseName\":\"{name}\"}}"), "test", "us-east-1");
        request.headers_mut().remove("authorization");
        if let Some(value) = authorization {
            request.headers_mut().insert("authorization", value.parse().unwrap());
        }
        let answer = timebrook.send(request).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json()["Database"]["Arn"].as_str().unwrap().to_owned()
    };
    let scoped = "AWS4-HMAC-SHA256 Credential=123456789012/20240101/eu-west-1/timestream/aws4_request, \
                  SignedHeaders=host, Signature=0";
    assert_eq!(arn(None, "one").await, "arn:aws:timestream:us-east-1:000000000000:database/one");
    assert_eq!(arn(Some("nonsense"), "two").await, "arn:aws:timestream:us-east-1:000000000000:database/two");
    assert_eq!(arn(Some(scoped), "six").await, "arn:aws:timestream:eu-west-1:123456789012:database/six");
}

#[tokio::test]
async fn sts_says_whose_state_it_is() {
    let timebrook = Timebrook::start().await;
    let ask = async |key: &str| {
        let request = Request::post("http://timebrook.test:4566/")
            .header("content-type", "application/x-www-form-urlencoded; charset=utf-8")
            .body(Bytes::from("Action=GetCallerIdentity&Version=2011-06-15"))
            .unwrap();
        let answer = timebrook.send(sign_for(request, "sts", key, "us-east-1")).await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.headers["content-type"], "text/xml");
        answer.text()
    };
    // # docs: STS GetCallerIdentity
    let text = ask("123456789012").await;
    for part in [
        "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">",
        "<Account>123456789012</Account>",
        "<UserId>123456789012</UserId>",
        "<Arn>arn:aws:iam::123456789012:root</Arn>",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
    assert!(ask("AKIDEXAMPLE").await.contains(&format!("<Account>{DEFAULT_ACCOUNT}</Account>")));
    let presigned = "/?Action=GetCallerIdentity&Version=2011-06-15\
                     &X-Amz-Credential=210987654321%2F20240101%2Fus-east-1%2Fsts%2Faws4_request";
    let answer = timebrook.send(Request::get(presigned).body(Full::default()).unwrap()).await;
    assert!(answer.text().contains("<Account>210987654321</Account>"));
}

#[tokio::test]
async fn other_services_are_refused_by_name() {
    let timebrook = Timebrook::start().await;
    let check = async |method: &str,
                       path: &str,
                       headers: &[(&str, &str)],
                       body: &'static str,
                       service: &str,
                       expect: &[&str]| {
        let mut request = Request::builder().method(method).uri(format!("http://timebrook.test:4566{path}"));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request =
            sign_for(request.body(Bytes::from_static(body.as_bytes())).unwrap(), service, "test", "us-east-1");
        let answer = timebrook.send(request).await;
        assert_eq!(answer.status, 501, "{service}");
        for part in expect.iter().chain([&service]) {
            assert!(answer.text().contains(part), "{part} in {}", answer.text());
        }
        answer.headers["content-type"].to_str().unwrap().to_owned()
    };
    let json = ("content-type", "application/x-amz-json-1.0");
    let form = ("content-type", "application/x-www-form-urlencoded");
    let target = ("x-amz-target", "DynamoDB_20120810.ListTables");
    let kind = check("POST", "/", &[json, target], "{}", "dynamodb", &["\"message\":", "ListTables"]).await;
    assert_eq!(kind, "application/x-amz-json-1.0");
    let influx = ("x-amz-target", "AmazonTimestreamInfluxDB.ListDbInstances");
    check("POST", "/", &[json, influx], "{}", "timestream-influxdb", &["\"message\":"]).await;
    let kind =
        check("POST", "/", &[form], "Action=ListUsers&Version=2010-05-08", "iam", &["<Code>", "ListUsers"]).await;
    assert_eq!(kind, "text/xml");
    check("POST", "/", &[form], "Action=DescribeVpcs&Version=2016-11-15", "ec2", &["<Response><Errors><Error>"]).await;
    check("GET", "/2015-03-31/functions/", &[], "", "lambda", &["\"message\":"]).await;
}

#[tokio::test]
async fn names_from_a_request_do_not_break_the_answer() {
    let timebrook = Timebrook::start().await;
    let mut headers = HeaderMap::new();
    headers.insert("content-type", "application/x-www-form-urlencoded".parse().unwrap());
    let mut request = Request::post("/").body(Full::from("Action=%3Cscript%3E%26%00%0A")).unwrap();
    *request.headers_mut() = headers;
    let answer = timebrook.send(request).await;
    assert_eq!(answer.status, 501);
    assert!(answer.text().contains("&lt;script&gt;&amp;??"), "{}", answer.text());
}
