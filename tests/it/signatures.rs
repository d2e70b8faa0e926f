//! Signatures, where they are verified: whoever is not who he says he is gets the service's error, and nothing is done.

use crate::harness::{Answer, CredentialsFile, START_NS, Timebrook, caller, sign_for, signed};
use aws_credential_types::Credentials;
use aws_sigv4::{
    http_request::{SignableBody, SignableRequest, SignatureLocation, SigningSettings, sign},
    sign::v4,
};
use bytes::Bytes;
use http::{Request, header::AUTHORIZATION};
use http_body_util::{BodyExt, Full};
use serde_json::{Value, json};
use std::time::{Duration, SystemTime};
use timebrook::config::Config;

const SECOND_NS: i64 = 1_000_000_000;
const REGION: &str = "eu-west-1";

/// # observed: ODBC's troubleshooting guide
const MISMATCH: &str = "The request signature we calculated does not match the signature you provided. Check your AWS Secret \
                        Access Key and signing method. Consult the service documentation for details.";

/// What allows everything.
fn everything() -> Value {
    json!([{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}])
}

fn file() -> Value {
    let mut other = caller("AKIDOTHER", "user/other", everything());
    other["secret_access_key"] = json!("another secret");
    let mut session = caller("ASIASESSION", "assumed-role/app/one", everything());
    session["session_token"] = json!("the token");
    let mut elsewhere = caller("AKIDELSEWHERE", "root", json!([]));
    elsewhere["account"] = json!("210987654321");
    json!({"credentials": [caller("AKIDEXAMPLE", "user/ci", everything()), other, session, elsewhere]})
}

async fn start() -> (Timebrook, CredentialsFile) {
    Timebrook::start_with_credentials(&file()).await
}

type Sent = Request<Full<Bytes>>;

fn create(name: &str, key: &str) -> Sent {
    signed("CreateDatabase", format!("{{\"DatabaseName\":\"{name}\"}}"), key, REGION)
}

async fn databases(timebrook: &Timebrook, key: &str) -> Vec<String> {
    let answer = timebrook.send(signed("ListDatabases", "{}", key, REGION)).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let json = answer.json();
    json["Databases"].as_array().unwrap().iter().map(|database| database["Arn"].as_str().unwrap().to_owned()).collect()
}

/// The request with its header `name` changed.
fn with_header(mut request: Sent, name: &'static str, change: impl FnOnce(&str) -> String) -> Sent {
    let old = request.headers().get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default();
    request.headers_mut().insert(name, change(&old).parse().unwrap());
    request
}

fn authorization(request: Sent, from: &'static str, to: &'static str) -> Sent {
    with_header(request, "authorization", |old| {
        assert!(old.contains(from), "{from} in {old}");
        old.replacen(from, to, 1)
    })
}

fn without_signature(mut request: Sent) -> Sent {
    request.headers_mut().remove(AUTHORIZATION);
    request
}

#[tokio::test]
async fn callers_act_on_the_account_of_their_credentials() {
    let (timebrook, _file) = start().await;
    assert_eq!(timebrook.send(create("mine", "AKIDEXAMPLE")).await.status, 200);
    assert_eq!(timebrook.send(create("theirs", "AKIDELSEWHERE")).await.status, 200);
    assert_eq!(databases(&timebrook, "AKIDEXAMPLE").await, ["arn:aws:timestream:eu-west-1:123456789012:database/mine"]);
    assert_eq!(
        databases(&timebrook, "AKIDELSEWHERE").await,
        ["arn:aws:timestream:eu-west-1:210987654321:database/theirs"]
    );
    let sdk = timebrook.write_as("AKIDEXAMPLE", REGION);
    // The SDK signs with the machine's time.
    let error = sdk.list_databases().send().await.unwrap_err().into_service_error();
    assert_eq!(error.meta().code(), Some("InvalidSignatureException"));
}

#[tokio::test]
async fn who_is_not_verified_does_nothing() {
    let (timebrook, _file) = start().await;
    let check = async |request: Sent, status: u16, name: &str, message: &str| {
        let answer = timebrook.send(request).await;
        let got = (answer.status.as_u16(), answer.error(), answer.message());
        assert_eq!(got, (status, name.to_owned(), message.to_owned()));
        assert!(answer.headers.contains_key("x-amzn-requestid"));
    };
    let good = || create("never", "AKIDEXAMPLE");
    let invalid = "InvalidSignatureException";
    let unknown = "The security token included in the request is invalid.";
    check(without_signature(good()), 400, "MissingAuthenticationTokenException", "Missing Authentication Token").await;
    check(create("never", "AKIDNOBODY"), 400, "UnrecognizedClientException", unknown).await;
    check(create("never", "000000000000"), 400, "UnrecognizedClientException", unknown).await;
    check(create("never", "AKIDOTHER"), 403, invalid, MISMATCH).await;
    check(create("never", "ASIASESSION"), 400, "UnrecognizedClientException", unknown).await;
    let token = with_header(good(), "x-amz-security-token", |_| "the token".to_owned());
    check(token, 400, "UnrecognizedClientException", unknown).await;
    let body = good().map(|_| Full::from(r#"{"DatabaseName":"nevermore"}"#));
    check(body, 403, invalid, MISMATCH).await;
    check(with_header(good(), "x-amz-target", |old| old.replace("Create", "Delete")), 403, invalid, MISMATCH).await;
    check(with_header(good(), "host", |_| "timebrook.test:1".to_owned()), 403, invalid, MISMATCH).await;
    check(authorization(good(), "eu-west-1", "us-east-1"), 403, invalid, MISMATCH).await;
    check(authorization(good(), "Signature=", "Signature=0"), 403, invalid, MISMATCH).await;
    check(authorization(good(), "AKIDEXAMPLE", "AKIDELSEWHERE"), 200, "", "").await;
    let service = "Credential should be scoped to correct service: 'timestream'. ";
    check(authorization(good(), "/timestream/", "/sts/"), 403, invalid, service).await;
    let region = "Credential should be scoped to a valid region. ";
    check(authorization(good(), "eu-west-1", "Europe"), 403, invalid, region).await;
    let unsigned = "'x-amz-target' must be a 'SignedHeader' in the AWS Authorization.";
    check(authorization(good(), ";x-amz-target", ""), 403, invalid, unsigned).await;
    let more = with_header(good(), "x-amz-more", |_| "1".to_owned());
    check(more, 403, invalid, "'x-amz-more' must be a 'SignedHeader' in the AWS Authorization.").await;
    let host = "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.";
    check(authorization(good(), "host;", ""), 403, invalid, host).await;
    let text = "Authorization header requires 'Signature' parameter.";
    check(authorization(good(), "Signature=", "Sig="), 400, "IncompleteSignatureException", text).await;
    let text = "Unsupported AWS 'algorithm': 'Bearer'.";
    let bearer = with_header(good(), "authorization", |_| "Bearer abc".to_owned());
    check(bearer, 400, "IncompleteSignatureException", text).await;
    // Nothing is looked at before: neither the operation nor the body.
    let nonsense = without_signature(signed("NoSuchOperation", "{", "AKIDEXAMPLE", REGION));
    check(nonsense, 400, "MissingAuthenticationTokenException", "Missing Authentication Token").await;

    let ahead_ns = START_NS + 301 * SECOND_NS;
    timebrook.clock.set(ahead_ns);
    let expired =
        "Signature expired: 20240601T120000Z is now earlier than 20240601T120001Z (20240601T120501Z - 5 min.)";
    check(good(), 403, invalid, expired).await;
    timebrook.clock.set(START_NS - 301 * SECOND_NS);
    let early =
        "Signature not yet current: 20240601T120000Z is still later than 20240601T115959Z (20240601T115459Z + 5 min.)";
    check(good(), 403, invalid, early).await;
    timebrook.clock.set(START_NS);
    assert_eq!(databases(&timebrook, "AKIDEXAMPLE").await, [""; 0], "nothing was done");
}

/// The request with its signature in the address, good for `expires_s`.
fn presigned(operation: &str, body: &'static str, token: Option<&str>, expires_s: u64) -> Sent {
    let mut request = Request::post("http://timebrook.test:4566/")
        .header("host", "timebrook.test:4566")
        .header("content-type", "application/x-amz-json-1.0")
        .header("x-amz-target", format!("Timestream_20181101.{operation}"))
        .body(Bytes::from_static(body.as_bytes()))
        .unwrap();
    let key = if token.is_some() { "ASIASESSION" } else { "AKIDEXAMPLE" };
    let identity = Credentials::new(key, "secret", token.map(str::to_owned), None, "test").into();
    let mut settings = SigningSettings::default();
    settings.signature_location = SignatureLocation::QueryParams;
    settings.expires_in = Some(Duration::from_secs(expires_s));
    let params = v4::SigningParams::builder()
        .identity(&identity)
        .region(REGION)
        .name("timestream")
        .time(SystemTime::UNIX_EPOCH + Duration::from_nanos(START_NS as u64))
        .settings(settings)
        .build()
        .unwrap();
    let headers: Vec<(String, String)> =
        request.headers().iter().map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned())).collect();
    let signable = SignableRequest::new(
        "POST",
        request.uri().to_string(),
        headers.iter().map(|(name, value)| (name.as_str(), value.as_str())),
        SignableBody::Bytes(request.body()),
    );
    let (instructions, _) = sign(signable.unwrap(), &params.into()).unwrap().into_parts();
    instructions.apply_to_request_http1x(&mut request);
    request.map(Full::new)
}

#[tokio::test]
async fn presigned_requests_are_good_for_as_long_as_they_say() {
    let (timebrook, _file) = start().await;
    let list = || presigned("ListDatabases", "{}", None, 3_600);
    assert_eq!(timebrook.send(list()).await.status, 200);
    timebrook.clock.set(START_NS + 3_600 * SECOND_NS);
    assert_eq!(timebrook.send(list()).await.status, 200, "a second time is as good as the first");
    timebrook.clock.set(START_NS + 3_601 * SECOND_NS);
    let answer = timebrook.send(list()).await;
    let expect =
        "Signature expired: 20240601T120000Z is now earlier than 20240601T120001Z (20240601T130001Z - 60 min.)";
    assert_eq!((answer.status.as_u16(), answer.error().as_str()), (403, "InvalidSignatureException"));
    assert_eq!(answer.message(), expect);
    timebrook.clock.set(START_NS);
    let tampered = presigned("CreateDatabase", r#"{"DatabaseName":"never"}"#, None, 60);
    let answer = timebrook.send(tampered.map(|_| Full::from(r#"{"DatabaseName":"nevermore"}"#))).await;
    assert_eq!((answer.status.as_u16(), answer.message().as_str()), (403, MISMATCH));
    let session = presigned("ListDatabases", "{}", Some("the token"), 60);
    assert_eq!(timebrook.send(session).await.json(), json!({"Databases": []}));
    let stolen = presigned("ListDatabases", "{}", Some("no token"), 60);
    assert_eq!(timebrook.send(stolen).await.error(), "UnrecognizedClientException");
}

/// A request with a query in it, of whichever form.
async fn ask_sts(timebrook: &Timebrook, key: &str, change: impl FnOnce(Sent) -> Sent) -> Answer {
    let request = Request::post("http://timebrook.test:4566/")
        .header("host", "timebrook.test:4566")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Bytes::from("Action=GetCallerIdentity&Version=2011-06-15"))
        .unwrap();
    timebrook.send(change(sign_for(request, "sts", key, "us-east-1"))).await
}

#[tokio::test]
async fn sts_knows_who_signed() {
    let (timebrook, _file) = start().await;
    let answer = ask_sts(&timebrook, "AKIDEXAMPLE", |request| request).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert!(answer.text().contains("<Arn>arn:aws:iam::123456789012:user/ci</Arn>"), "{}", answer.text());
    assert!(answer.text().contains("<Account>123456789012</Account>"));
    let root = ask_sts(&timebrook, "AKIDELSEWHERE", |request| request).await;
    assert!(root.text().contains("<Arn>arn:aws:iam::210987654321:root</Arn><UserId>210987654321</UserId>"));
    // # guide of STS: CommonErrors.html
    let check = async |key: &str, change: &dyn Fn(Sent) -> Sent, status: u16, code: &str| {
        let answer = ask_sts(&timebrook, key, change).await;
        assert_eq!((answer.status.as_u16(), answer.headers["content-type"].to_str().unwrap()), (status, "text/xml"));
        assert!(answer.text().contains(&format!("<Code>{code}</Code>")), "{}", answer.text());
    };
    check("AKIDEXAMPLE", &without_signature, 403, "MissingAuthenticationToken").await;
    check("AKIDNOBODY", &|request| request, 403, "InvalidClientTokenId").await;
    check("AKIDOTHER", &|request| request, 403, "SignatureDoesNotMatch").await;
    check("AKIDEXAMPLE", &|request| authorization(request, "/sts/", "/timestream/"), 403, "SignatureDoesNotMatch")
        .await;
    check("AKIDEXAMPLE", &|request| authorization(request, "Signature=", "S="), 400, "IncompleteSignature").await;
}

#[tokio::test]
async fn other_addresses_are_no_way_around() {
    let (timebrook, _file) = start().await;
    let plain = async |method: &str, path: &str, headers: &[(&str, &str)]| {
        let mut request = Request::builder().method(method).uri(format!("http://timebrook.test:4566{path}"));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        timebrook.send(request.body(Full::default()).unwrap()).await
    };
    for open in ["/health", "/_localstack/health", "/_timebrook/ca.pem"] {
        assert_eq!(plain("GET", open, &[]).await.status, 200, "{open}");
    }
    let missing = "MissingAuthenticationTokenException";
    assert_eq!(plain("GET", "/", &[]).await.error(), missing);
    assert_eq!(plain("POST", "/bucket", &[]).await.error(), missing);
    let other_service = [("x-amz-target", "DynamoDB_20120810.ListTables")];
    assert_eq!(plain("POST", "/", &other_service).await.error(), missing);
    // # guide of S3: ErrorResponses.html
    for (method, path) in [("GET", "/bucket/key"), ("PUT", "/bucket"), ("DELETE", "/bucket/key"), ("HEAD", "/bucket")] {
        let answer = plain(method, path, &[]).await;
        assert_eq!(answer.status, 403, "{method} {path}");
        assert!(method == "HEAD" || answer.text().contains("<Code>AccessDenied</Code>"), "{}", answer.text());
    }
}

/// A request for an object. The signer takes the hash as a header like any other.
fn object(method: &str, path: &str, body: &'static str, hash: &str, key: &str) -> Sent {
    let mut request = Request::builder()
        .method(method)
        .uri(format!("http://timebrook.test:4566{path}"))
        .header("host", "timebrook.test:4566")
        .header("x-amz-content-sha256", hash)
        .body(Bytes::from_static(body.as_bytes()))
        .unwrap();
    let identity = Credentials::new(key, "secret", None, None, "test").into();
    let mut settings = SigningSettings::default();
    settings.percent_encoding_mode = aws_sigv4::http_request::PercentEncodingMode::Single;
    settings.uri_path_normalization_mode = aws_sigv4::http_request::UriPathNormalizationMode::Disabled;
    let params = v4::SigningParams::builder()
        .identity(&identity)
        .region("us-east-1")
        .name("s3")
        .time(SystemTime::UNIX_EPOCH + Duration::from_nanos(START_NS as u64))
        .settings(settings)
        .build()
        .unwrap();
    let headers: Vec<(String, String)> =
        request.headers().iter().map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned())).collect();
    let signable = SignableRequest::new(
        method,
        request.uri().to_string(),
        headers.iter().map(|(name, value)| (name.as_str(), value.as_str())),
        SignableBody::Precomputed(hash.to_owned()),
    );
    let (instructions, _) = sign(signable.unwrap(), &params.into()).unwrap().into_parts();
    instructions.apply_to_request_http1x(&mut request);
    request.map(Full::new)
}

#[tokio::test]
async fn objects_are_for_callers_only() {
    /// The SHA-256 of "hello".
    const HELLO: &str = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
    const NOTHING: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    const UNSIGNED: &str = "UNSIGNED-PAYLOAD";
    let (timebrook, _file) = start().await;
    let check = async |request: Sent, status: u16, part: &str| {
        let answer = timebrook.send(request).await;
        assert_eq!(answer.status, status, "{}", answer.text());
        assert!(answer.text().contains(part), "{part} in {}", answer.text());
    };
    let key = "AKIDEXAMPLE";
    check(object("PUT", "/bucket", "", NOTHING, "AKIDNOBODY"), 403, "<Code>InvalidAccessKeyId</Code>").await;
    check(object("PUT", "/bucket", "", NOTHING, "AKIDOTHER"), 403, "<Code>SignatureDoesNotMatch</Code>").await;
    check(object("PUT", "/bucket", "", NOTHING, key), 200, "").await;
    let path = "/bucket/a%20folder/%C3%B6%3D1.csv";
    check(object("PUT", path, "hello", HELLO, key), 200, "").await;
    check(object("GET", path, "", NOTHING, key), 200, "hello").await;
    check(object("PUT", path, "hell0", HELLO, key), 400, "<Code>BadDigest</Code>").await;
    check(object("GET", path, "", NOTHING, key), 200, "hello").await;
    check(object("PUT", path, "other", UNSIGNED, key), 200, "").await;
    check(object("GET", path, "", NOTHING, key), 200, "other").await;
    let pieces = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD";
    check(object("PUT", path, "", pieces, key), 501, "<Code>NotImplemented</Code>").await;
    let moved = with_header(object("PUT", path, "hello", HELLO, key), "x-amz-acl", |_| "private".to_owned());
    check(moved, 403, "headers present in the request which were not signed").await;
    let mut other = object("DELETE", path, "", NOTHING, key);
    *other.uri_mut() = "http://timebrook.test:4566/bucket/another".parse().unwrap();
    check(other, 403, "<Code>SignatureDoesNotMatch</Code>").await;
    timebrook.clock.set(START_NS + 901 * SECOND_NS);
    check(object("GET", path, "", NOTHING, key), 403, "<Code>RequestTimeTooSkewed</Code>").await;
}

#[tokio::test]
async fn a_page_is_for_the_caller_who_asked_the_query() {
    let second = caller("AKIDSECOND", "user/second", everything());
    let file = json!({"credentials": [caller("AKIDEXAMPLE", "user/ci", everything()), second]});
    let (timebrook, _file) = Timebrook::start_with_credentials(&file).await;
    let ask = async |key: &str, token: Option<&Value>| {
        let mut body = json!({"QueryString": "SELECT n FROM UNNEST(sequence(1, 9)) AS t(n)", "MaxRows": 2});
        if let Some(token) = token {
            body["NextToken"] = token.clone();
        }
        timebrook.send(signed("Query", body.to_string(), key, REGION)).await
    };
    let first = ask("AKIDEXAMPLE", None).await.json();
    let token = &first["NextToken"];
    assert!(token.is_string(), "{first}");
    // # model: Query
    let stolen = ask("AKIDSECOND", Some(token)).await;
    assert_eq!((stolen.status.as_u16(), stolen.message().as_str()), (400, "Invalid pagination token."));
    assert_eq!(ask("AKIDEXAMPLE", Some(token)).await.json()["Rows"].as_array().map(Vec::len), Some(2));
}

#[tokio::test]
async fn a_changed_file_is_taken_when_it_is_whole() {
    let (timebrook, file) = start().await;
    let status = async |key: &str| timebrook.send(signed("ListDatabases", "{}", key, REGION)).await.status.as_u16();
    assert_eq!((status("AKIDEXAMPLE").await, status("AKIDNEW").await), (200, 400));
    file.write("{\"credentials\":[");
    timebrook.service.reload_credentials();
    assert_eq!((status("AKIDEXAMPLE").await, status("AKIDNEW").await), (200, 400));
    file.write(&json!({"credentials": [caller("AKIDNEW", "user/new", everything())]}).to_string());
    assert_eq!((status("AKIDEXAMPLE").await, status("AKIDNEW").await), (200, 400), "not before it is told to");
    timebrook.service.reload_credentials();
    assert_eq!((status("AKIDEXAMPLE").await, status("AKIDNEW").await), (400, 200));
}

#[tokio::test]
async fn a_server_does_not_start_with_credentials_it_cannot_use() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("credentials.json");
    let start = async || {
        let config = Config { credentials: Some(path.clone()), ..Config::default() };
        let started = timebrook::Server::builder().config(config).in_process().await;
        started.map(drop).unwrap_err().to_string()
    };
    assert!(start().await.contains("credentials.json"), "there is none");
    std::fs::write(&path, file().to_string()).unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        assert!(start().await.contains("others can read it"));
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    }
    let policy = json!([{"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {}}}]);
    std::fs::write(&path, json!({"credentials": [caller("A", "user/ci", policy)]}).to_string()).unwrap();
    assert!(start().await.contains("Condition is not enforced by Timebrook"));
}

#[tokio::test]
async fn signatures_may_be_required_without_being_verified() {
    let timebrook = Timebrook::start_with(Config { require_signature: true, ..Config::default() }).await;
    let send = async |request: Sent| {
        let answer = timebrook.send(request).await;
        (answer.status.as_u16(), if answer.status == 200 { String::new() } else { answer.error() })
    };
    let good = || signed("ListDatabases", "{}", "anybody", REGION);
    assert_eq!(send(good()).await, (200, String::new()));
    assert_eq!(send(authorization(good(), "Signature=", "Signature=0")).await.0, 200, "it is not computed");
    let named = |status, name: &str| (status, name.to_owned());
    assert_eq!(send(without_signature(good())).await, named(400, "MissingAuthenticationTokenException"));
    let incomplete = authorization(good(), "SignedHeaders=", "Headers=");
    assert_eq!(send(incomplete).await, named(400, "IncompleteSignatureException"));
    let invalid = "InvalidSignatureException";
    assert_eq!(send(authorization(good(), "/timestream/", "/s4/")).await, named(403, invalid));
    assert_eq!(send(authorization(good(), ";x-amz-target", "")).await, named(403, invalid));
    timebrook.clock.set(START_NS + 86_400 * SECOND_NS);
    assert_eq!(send(good()).await.0, 200, "nor is its time");
}

#[tokio::test]
async fn large_bodies_are_hashed_whole() {
    let (timebrook, _file) = start().await;
    let query = format!("SELECT '{}'", "x".repeat(200_000));
    let request = || signed("Query", json!({"QueryString": &query}).to_string(), "AKIDEXAMPLE", REGION);
    assert_eq!(timebrook.send(request()).await.status, 200);
    let mut bytes = request().into_body().collect().await.unwrap().to_bytes().to_vec();
    let last = bytes.len() - 10;
    bytes[last] = b'y';
    let answer = timebrook.send(request().map(|_| Full::from(bytes))).await;
    assert_eq!(answer.message(), MISMATCH);
}
