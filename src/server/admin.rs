//! Addresses of the server itself: health, state, reset, the time, faults, notifications, and the certificate authority.

mod access;
pub(crate) mod clock;
mod faults;

use super::{
    form,
    http::{Connection, Shared},
    reply::{JSON, PEM, Reply, TEXT},
};
use crate::outbound::notifications::Notification;
use chrono::{DateTime, SecondsFormat};
use http::{Method, StatusCode, request::Parts};
use serde_json::{Map, Value, json};

/// Answers a request to one of the server's own addresses; `None` when it is to none of them.
pub(crate) async fn answer(shared: &Shared, connection: Connection, parts: &Parts, body: &[u8]) -> Option<Reply> {
    let path = parts.uri.path();
    let is_open = !path.starts_with("/_timebrook/") || path == "/_timebrook/ca.pem";
    if !is_open && let Some(refusal) = access::refuse(parts, connection, shared.admin_token.as_deref()) {
        return Some(refusal);
    }
    let is_post = parts.method == Method::POST;
    let is_get = matches!(parts.method, Method::GET | Method::HEAD);
    let (is_allowed, allowed) = match path {
        "/_timebrook/reset" | "/_timebrook/tick" => (is_post, "POST"),
        "/_timebrook/clock" => (is_post || is_get, "GET or POST"),
        "/_timebrook/faults" => (is_post || is_get || parts.method == Method::DELETE, "GET, POST or DELETE"),
        "/health"
        | "/_localstack/health"
        | "/_timebrook/state"
        | "/_timebrook/ca.pem"
        | "/_timebrook/notifications" => (is_get, "GET"),
        path if path.starts_with("/_timebrook/") => return Some(text_error(StatusCode::NOT_FOUND, "no such address")),
        _ => return None,
    };
    if !is_allowed {
        return Some(text_error(StatusCode::METHOD_NOT_ALLOWED, &format!("use {allowed}")));
    }
    let account = match account(parts) {
        Ok(account) => account,
        Err(reply) => return Some(reply),
    };
    Some(match path {
        "/_timebrook/reset" => reset(shared, account.as_deref()).await,
        "/_timebrook/tick" => tick(shared).await,
        "/_timebrook/faults" => faults::answer(&shared.faults, &parts.method, body),
        "/_timebrook/clock" => clock::answer(shared, &parts.method, body).await,
        "/_timebrook/notifications" => notifications(shared, account.as_deref()),
        "/_timebrook/state" => state(shared, account.as_deref()),
        "/_timebrook/ca.pem" => authority(shared),
        _ => health(),
    })
}

/// The account that the request is about; `None` for all.
fn account(parts: &Parts) -> Result<Option<String>, Reply> {
    let account = parts.uri.query().and_then(|query| form::parameter(query, "account"));
    match &account {
        Some(account) if account.len() != 12 || !account.bytes().all(|byte| byte.is_ascii_digit()) => {
            Err(text_error(StatusCode::BAD_REQUEST, "account must be twelve digits"))
        }
        _ => Ok(account),
    }
}

fn health() -> Reply {
    let services = json!({"timestream-write": "running", "timestream-query": "running"});
    let body = json!({"services": services, "edition": "timebrook", "version": env!("CARGO_PKG_VERSION")});
    Reply::ok(JSON, body.to_string())
}

async fn reset(shared: &Shared, account: Option<&str>) -> Reply {
    match shared.api.reset(account).await {
        Ok(()) => Reply::ok(JSON, "{}"),
        Err(error) => error.into(),
    }
}

async fn tick(shared: &Shared) -> Reply {
    match shared.api.tick(shared.clock.now_ns()).await {
        Ok(()) => Reply::ok(JSON, "{}"),
        Err(error) => error.into(),
    }
}

fn state(shared: &Shared, account: Option<&str>) -> Reply {
    let state = shared.api.state(account);
    let body = json!({
        "databases": state.counts.databases,
        "tables": state.counts.tables,
        "series": state.counts.series,
        "records": state.counts.records,
        "bytes": state.counts.bytes,
        "cursors": state.cursors,
    });
    Reply::ok(JSON, body.to_string())
}

/// What scheduled queries have notified of, the oldest first. Messages are texts, as SNS delivers them.
fn notifications(shared: &Shared, account: Option<&str>) -> Reply {
    let sent = shared.api.notifications(account);
    let sent: Vec<_> = sent.iter().map(notification).collect();
    Reply::ok(JSON, json!({"notifications": sent}).to_string())
}

fn notification(notification: &Notification) -> Value {
    let time = DateTime::from_timestamp_nanos(notification.time_ns).to_rfc3339_opts(SecondsFormat::Nanos, true);
    let attributes: Map<String, Value> =
        notification.attributes.iter().map(|(name, value)| ((*name).to_owned(), value.as_str().into())).collect();
    json!({
        "TopicArn": notification.topic_arn,
        "Message": notification.message,
        "MessageAttributes": attributes,
        "Time": time,
    })
}

fn authority(shared: &Shared) -> Reply {
    match shared.certificates.authority_pem() {
        Ok(Some(pem)) => Reply::ok(PEM, pem),
        Ok(None) => text_error(StatusCode::NOT_FOUND, "this server uses a certificate it was given (--tls-cert)"),
        Err(error) => {
            let reply = text_error(StatusCode::INTERNAL_SERVER_ERROR, "there is no certificate authority");
            Reply { cause: Some(error.to_string()), ..reply }
        }
    }
}

fn text_error(status: StatusCode, text: &str) -> Reply {
    Reply::error(status, TEXT, text, format!("{text}\n"))
}
