//! A small server in this process that every input is sent to, as a client would send it.

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Full};
use serde_json::{Value, json};
use std::sync::OnceLock;
use timebrook::{Server, config::Config, server::Service};
use timebrook_protocol::sigv4;
use tokio::runtime::{Builder, Runtime};
use tower::ServiceExt;

/// Seconds that a query may run: less than the fuzzer's own limit for an input.
const QUERY_TIMEOUT: u64 = 4;
/// Mebibytes that a query may work in: well below the fuzzer's own limit.
const QUERY_MEMORY: u32 = 256;

struct Fixture {
    service: Service,
    runtime: Runtime,
}

impl Fixture {
    fn start() -> Self {
        let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
        let config = Config { query_timeout: QUERY_TIMEOUT, query_memory: QUERY_MEMORY, ..Config::default() };
        let service = runtime.block_on(Server::builder().config(config).in_process()).expect("a server");
        let fixture = Self { service, runtime };
        fixture.fill();
        fixture
    }

    /// The table `fleet.trucks` of the test cases, whose queries are the seeds: six records at fixed times.
    fn fill(&self) {
        let table = json!({
            "DatabaseName": "fleet",
            "TableName": "trucks",
            "RetentionProperties": {"MemoryStoreRetentionPeriodInHours": 1, "MagneticStoreRetentionPeriodInDays": 73_000},
            "MagneticStoreWriteProperties": {"EnableMagneticStoreWrites": true},
        });
        self.expect("CreateDatabase", json!({"DatabaseName": "fleet"}));
        self.expect("CreateTable", table);
        let measure = |name: &str, value: &str, kind: &str| json!({"Name": name, "Value": value, "Type": kind});
        let records: Vec<_> = (0..6)
            .map(|n: u64| {
                let mut values = vec![
                    measure("fuel", &format!("{n}.5"), "DOUBLE"),
                    measure("speed", &(80 * n).to_string(), "BIGINT"),
                    measure("moving", if n % 2 == 0 { "true" } else { "false" }, "BOOLEAN"),
                    measure("town", &format!("town {n}"), "VARCHAR"),
                    measure("checked", &(1_656_633_600 + n).to_string(), "TIMESTAMP"),
                ];
                values.truncate(5 - (n / 2) as usize);
                json!({
                    "Dimensions": [
                        {"Name": "truck_id", "Value": format!("t{}", n % 3)},
                        {"Name": "make", "Value": if n % 3 == 1 { "Beta" } else { "Alpha" }},
                    ],
                    "MeasureName": "telemetry",
                    "MeasureValueType": "MULTI",
                    "MeasureValues": values,
                    "Time": (1_656_676_800 + 60 * n).to_string(),
                    "TimeUnit": "SECONDS",
                })
            })
            .collect();
        self.expect("WriteRecords", json!({"DatabaseName": "fleet", "TableName": "trucks", "Records": records}));
    }

    fn expect(&self, operation: &str, body: Value) {
        let (status, answer) = self.call(operation, &body);
        assert_eq!(status, 200, "{operation}: {answer}");
    }

    fn call(&self, operation: &str, body: &Value) -> (u16, Value) {
        let request = Request::post("/")
            .header("host", "localhost")
            .header("content-type", "application/x-amz-json-1.0")
            .header("x-amz-target", format!("Timestream_20181101.{operation}"))
            .body(Full::new(Bytes::from(body.to_string())))
            .expect("a request");
        self.runtime.block_on(async {
            let response = self.service.clone().oneshot(request).await.expect("an answer");
            let status = response.status().as_u16();
            let body = response.into_body().collect().await.expect("a body").to_bytes();
            (status, serde_json::from_slice(&body).expect("JSON"))
        })
    }
}

/// The request that a text stands for.
fn request(text: &str) -> Option<Request<Full<Bytes>>> {
    let (head, body) = text.split_once("\n\n").unwrap_or((text, ""));
    let mut lines = head.lines();
    let (method, address) = lines.next()?.split_once(' ')?;
    let mut request = Request::builder().method(method).uri(address);
    for (name, value) in lines.filter_map(|line| line.split_once(':')) {
        request = request.header(name.trim(), value.trim());
    }
    request.body(Full::new(Bytes::from(body.to_owned()))).ok()
}

fn fixture() -> &'static Fixture {
    static FIXTURE: OnceLock<Fixture> = OnceLock::new();
    FIXTURE.get_or_init(Fixture::start)
}

/// Plans a query. Any answer will do but a fault of the server's own.
pub fn plan(sql: &str) {
    let (status, answer) = fixture().call("PrepareQuery", &json!({"QueryString": sql, "ValidateOnly": true}));
    assert!(status < 500, "{sql}\n{answer}");
}

/// Runs a query to its end, a few pages at most. Any answer will do but a fault of the server's own.
pub fn run(sql: &str) {
    const PAGES_MAX: usize = 4;
    let mut body = json!({"QueryString": sql});
    for _ in 0..PAGES_MAX {
        let (status, mut answer) = fixture().call("Query", &body);
        assert!(status < 500, "{sql}\n{answer}");
        let token = answer["NextToken"].take();
        if !token.is_string() {
            return;
        }
        body["NextToken"] = token;
    }
    let (_, first) = fixture().call("Query", &body);
    if let Some(query_id) = first["QueryId"].as_str() {
        fixture().call("CancelQuery", &json!({"QueryId": query_id}));
    }
}

/// Sends a request: a line with method and address, header lines, an empty line, the body. Any answer will do but a fault of
/// the server's own; faults that are asked for are left out.
pub fn exchange(text: &str) {
    let Some(request) = request(text).filter(|request| !request.uri().path().contains("faults")) else { return };
    let status = fixture().runtime.block_on(async {
        let response = fixture().service.clone().oneshot(request).await.expect("an answer");
        let status = response.status().as_u16();
        response.into_body().collect().await.expect("a body");
        status
    });
    assert!(status < 500 || status == 501, "{status}: {text}");
}

/// Takes a request's signature apart and holds it against every rule there is. It must never be right: nobody knows the secret.
pub fn signature(text: &str) {
    let Some(request) = request(text) else { return };
    let (parts, _) = request.into_parts();
    let (_, body) = text.split_once("\n\n").unwrap_or((text, ""));
    let request = sigv4::Request {
        method: parts.method.as_str(),
        path: parts.uri.path(),
        query: parts.uri.query(),
        headers: &parts.headers,
        authority: parts.uri.authority().map(|authority| authority.as_str()),
    };
    let Ok(signature) = sigv4::Signature::of(&request) else { return };
    for rules in [sigv4::Rules::Common(body.as_bytes()), sigv4::Rules::S3] {
        let _ = signature.check_form(&request, Some("timestream"));
        let _ = signature.check_token(Some("token"));
        let _ = signature.check_time(1_704_067_200, rules);
        assert!(signature.check_digits(&request, rules, "a secret that nobody knows").is_err(), "{text}");
    }
}
