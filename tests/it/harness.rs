//! A server in this process: requests go to its service directly, time stands still until a test moves it.

use aws_credential_types::Credentials;
use aws_sigv4::{
    http_request::{SignableBody, SignableRequest, SigningSettings, sign},
    sign::v4,
};
use aws_smithy_runtime_api::client::{
    http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn},
    orchestrator::{HttpRequest, HttpResponse},
    result::ConnectorError,
};
use aws_smithy_types::{body::SdkBody, retry::RetryConfig};
use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use serde_json::{Value, json};
use std::{
    fs,
    path::PathBuf,
    time::{Duration, SystemTime},
};
use timebrook::{Server, clock::Clock, config::Config, server::Service};
use tower::ServiceExt;

/// 2024-06-01 12:00:00 UTC.
pub(crate) const START_NS: i64 = 1_717_243_200_000_000_000;
/// The account of callers that name none.
pub(crate) const DEFAULT_ACCOUNT: &str = "000000000000";
pub(crate) const DEFAULT_REGION: &str = "us-east-1";

/// A server without sockets, and its clock.
#[derive(Clone)]
pub(crate) struct Timebrook {
    pub(crate) service: Service,
    pub(crate) clock: Clock,
}

/// An answer as it stands on the wire.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.body.to_vec()).unwrap()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {:?}", self.body))
    }

    /// The error's name without its namespace.
    pub(crate) fn error(&self) -> String {
        let json = self.json();
        let name = json["__type"].as_str().unwrap_or_default();
        name.rsplit('#').next().unwrap_or_default().to_owned()
    }

    /// The error's text, whichever key it stands under.
    pub(crate) fn message(&self) -> String {
        let json = self.json();
        [&json["Message"], &json["message"]].iter().find_map(|text| text.as_str()).unwrap_or_default().to_owned()
    }
}

impl Timebrook {
    /// A server with nothing in it.
    pub(crate) async fn start() -> Self {
        let clock = Clock::manual(START_NS);
        let service = Server::builder().clock(clock.clone()).in_process().await.unwrap();
        Self { service, clock }
    }

    /// A server with nothing in it, configured otherwise.
    pub(crate) async fn start_with(config: Config) -> Self {
        let clock = Clock::manual(START_NS);
        let service = Server::builder().config(config).clock(clock.clone()).in_process().await.unwrap();
        Self { service, clock }
    }

    /// A server that knows callers, and the folder that their file is in.
    pub(crate) async fn start_with_credentials(credentials: &Value) -> (Self, CredentialsFile) {
        let file = CredentialsFile(tempfile::tempdir().unwrap());
        file.write(&credentials.to_string());
        let config = Config { credentials: Some(file.path()), ..Config::default() };
        (Self::start_with(config).await, file)
    }

    /// Sends any request.
    pub(crate) async fn send(&self, request: Request<Full<Bytes>>) -> Answer {
        let response = self.service.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        Answer { status: parts.status, headers: parts.headers, body: body.collect().await.unwrap().to_bytes() }
    }

    /// Calls an operation with the given body, signed by nobody in particular.
    pub(crate) async fn call(&self, operation: &str, body: impl Into<Bytes>) -> Answer {
        self.send(signed(operation, body, "test", DEFAULT_REGION)).await
    }

    /// The write service's SDK, as an account in a region.
    pub(crate) fn write_as(&self, account: &str, region: &'static str) -> aws_sdk_timestreamwrite::Client {
        let config = aws_sdk_timestreamwrite::Config::builder()
            .behavior_version(aws_sdk_timestreamwrite::config::BehaviorVersion::latest())
            .region(aws_sdk_timestreamwrite::config::Region::from_static(region))
            .credentials_provider(credentials(account))
            .endpoint_url("http://timebrook.test:4566")
            .retry_config(RetryConfig::disabled())
            .http_client(self.http_client());
        aws_sdk_timestreamwrite::Client::from_conf(config.build())
    }

    /// The write service's SDK.
    pub(crate) fn write(&self) -> aws_sdk_timestreamwrite::Client {
        self.write_as("test", DEFAULT_REGION)
    }

    /// The query service's SDK, as an account in a region.
    pub(crate) fn query_as(&self, account: &str, region: &'static str) -> aws_sdk_timestreamquery::Client {
        let config = aws_sdk_timestreamquery::Config::builder()
            .behavior_version(aws_sdk_timestreamquery::config::BehaviorVersion::latest())
            .region(aws_sdk_timestreamquery::config::Region::from_static(region))
            .credentials_provider(credentials(account))
            .endpoint_url("http://timebrook.test:4566")
            .retry_config(RetryConfig::disabled())
            .http_client(self.http_client());
        aws_sdk_timestreamquery::Client::from_conf(config.build())
    }

    /// The query service's SDK.
    pub(crate) fn query(&self) -> aws_sdk_timestreamquery::Client {
        self.query_as("test", DEFAULT_REGION)
    }

    fn http_client(&self) -> aws_smithy_runtime_api::client::http::SharedHttpClient {
        let connector = Connector(self.service.clone());
        http_client_fn(move |_, _| SharedHttpConnector::new(connector.clone()))
    }
}

/// A file of credentials, gone at the end of the test.
pub(crate) struct CredentialsFile(tempfile::TempDir);

impl CredentialsFile {
    pub(crate) fn path(&self) -> PathBuf {
        self.0.path().join("credentials.json")
    }

    /// Writes it as its owner alone can read it.
    pub(crate) fn write(&self, text: &str) {
        fs::write(self.path(), text).unwrap();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            fs::set_permissions(self.path(), fs::Permissions::from_mode(0o600)).unwrap();
        }
    }
}

/// A caller with the secret that all of these tests sign with.
pub(crate) fn caller(access_key_id: &str, principal: &str, policies: Value) -> Value {
    json!({
        "access_key_id": access_key_id,
        "secret_access_key": "secret",
        "account": "123456789012",
        "principal": principal,
        "policies": policies,
    })
}

fn credentials(account: &str) -> Credentials {
    Credentials::new(account, "secret", None, None, "test")
}

/// A request for an operation, signed with an access key for a region.
pub(crate) fn signed(operation: &str, body: impl Into<Bytes>, key: &str, region: &str) -> Request<Full<Bytes>> {
    let target = format!("Timestream_20181101.{operation}");
    let request = Request::post("http://timebrook.test:4566/")
        .header("host", "timebrook.test:4566")
        .header("content-type", "application/x-amz-json-1.0")
        .header("x-amz-target", target)
        .body(body.into())
        .unwrap();
    sign_for(request, "timestream", key, region)
}

/// Signs a request for a service.
pub(crate) fn sign_for(mut request: Request<Bytes>, service: &str, key: &str, region: &str) -> Request<Full<Bytes>> {
    let identity = credentials(key).into();
    let params = v4::SigningParams::builder()
        .identity(&identity)
        .region(region)
        .name(service)
        .time(SystemTime::UNIX_EPOCH + Duration::from_nanos(START_NS as u64))
        .settings(SigningSettings::default())
        .build()
        .unwrap();
    let headers: Vec<(String, String)> =
        request.headers().iter().map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned())).collect();
    let signable = SignableRequest::new(
        request.method().as_str(),
        request.uri().to_string(),
        headers.iter().map(|(name, value)| (name.as_str(), value.as_str())),
        SignableBody::Bytes(request.body()),
    );
    let (instructions, _) = sign(signable.unwrap(), &params.into()).unwrap().into_parts();
    instructions.apply_to_request_http1x(&mut request);
    request.map(Full::new)
}

/// Carries the SDK's requests to the service.
#[derive(Clone)]
struct Connector(Service);

impl std::fmt::Debug for Connector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Connector")
    }
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let service = self.0.clone();
        HttpConnectorFuture::new(async move {
            let failed = |error: Box<dyn std::error::Error + Send + Sync>| ConnectorError::other(error, None);
            let request = request.try_into_http1x().map_err(|error| failed(error.into()))?;
            let request = request.map(|body| Full::new(Bytes::copy_from_slice(body.bytes().unwrap_or_default())));
            let Ok(response) = service.oneshot(request).await;
            let (parts, body) = response.into_parts();
            let body = body.collect().await.map_err(failed)?;
            let response = http::Response::from_parts(parts, SdkBody::from(body.to_bytes()));
            HttpResponse::try_from(response).map_err(|error| failed(error.into()))
        })
    }
}
