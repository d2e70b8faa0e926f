//! Which part of the server answers a request.

use super::{
    admin,
    auth::{Claim, Identity},
    faults::Fault,
    foreign, form,
    http::{Connection, Shared},
    reply::{AWS_JSON, Reply},
    sts,
};
use crate::api::{Ctx, error};
use bytes::Bytes;
use http::{Method, header::CONTENT_TYPE, request::Parts};
use timebrook_protocol::{
    Operation,
    sigv4::{Rules, SignatureError},
};

/// A request without its body, and whose it claims to be.
pub(crate) struct Head<'a> {
    pub(crate) parts: &'a Parts,
    pub(crate) identity: &'a Identity,
    /// The same, to be verified.
    pub(crate) claim: &'a Claim,
    pub(crate) connection: Connection,
}

/// What the targets of both services begin with. # model
const TARGET_PREFIX: &str = "Timestream_20181101.";
/// Bytes of the longest operation name in the log.
const NAME_BYTES_MAX: usize = 80;

impl Head<'_> {
    /// The header that names the operation.
    pub(crate) fn target(&self) -> Option<&str> {
        target(self.parts)
    }

    fn media_type(&self) -> &str {
        let value = self.parts.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        value.split(';').next().unwrap_or_default().trim()
    }
}

fn target(parts: &Parts) -> Option<&str> {
    parts.headers.get("x-amz-target").and_then(|value| value.to_str().ok())
}

/// The request's operation as the log names it.
pub(crate) fn name(parts: &Parts) -> String {
    let mut name = match target(parts) {
        Some(target) => target.strip_prefix(TARGET_PREFIX).unwrap_or(target).to_owned(),
        None => format!("{} {}", parts.method, parts.uri.path()),
    };
    if name.len() > NAME_BYTES_MAX {
        name.truncate(name.floor_char_boundary(NAME_BYTES_MAX));
    }
    name
}

/// Answers a request.
pub(crate) async fn dispatch(shared: &Shared, head: &Head<'_>, ctx: &Ctx, body: Bytes) -> Reply {
    if let Some(reply) = admin::answer(shared, head.connection, head.parts, &body).await {
        return reply;
    }
    let action = if head.target().is_none() { action(head, &body) } else { None };
    if let Err(error) = verify(shared, head, action.as_deref(), &body) {
        return match action {
            Some(_) => sts::refuse(&error, ctx),
            None => error::signature(&error).into(),
        };
    }
    if let Some(target) = head.target() {
        return match target.strip_prefix(TARGET_PREFIX) {
            Some(_) => timestream(shared, head, ctx, target, body).await,
            None => foreign::json(head.identity, target),
        };
    }
    if let Some(action) = action {
        return match action.as_str() {
            sts::GET_CALLER_IDENTITY => sts::get_caller_identity(ctx),
            _ => foreign::xml(head.identity, &action, ctx),
        };
    }
    match &head.identity.service {
        Some(service) if service != "timestream" => foreign::any(head, ctx),
        _ => error::unknown_operation().into(),
    }
}

/// Holds the request's signature against the service that is meant to answer it.
fn verify(shared: &Shared, head: &Head<'_>, action: Option<&str>, body: &[u8]) -> Result<(), SignatureError> {
    let service = match (head.target(), action) {
        (Some(target), _) if target.starts_with(TARGET_PREFIX) => Some("timestream"),
        (None, Some(sts::GET_CALLER_IDENTITY)) => Some("sts"),
        // Nothing is done for other services.
        _ => None,
    };
    shared.auth.verify(head.claim, head.parts, Rules::Common(body), service, shared.machine.now_ns())
}

/// An operation of the service.
async fn timestream(shared: &Shared, head: &Head<'_>, ctx: &Ctx, target: &str, body: Bytes) -> Reply {
    // # inferred: the service's front end knows an operation by method, content type and target together
    let is_call = head.parts.method == Method::POST
        && matches!(
            head.media_type(),
            "application/x-amz-json-1.0" | "application/x-amz-json-1.1" | "application/json"
        );
    let operation = Operation::from_target(target).filter(|_| is_call);
    let Some(operation) = operation else { return error::unknown_operation().into() };
    let fault = shared.faults.next(operation);
    let outcome = match fault {
        Some(Fault::Throttle) => Err(error::throttled()),
        Some(Fault::Internal) => Err(error::internal("a fault that was asked for")),
        Some(Fault::Drop) => return Reply::lost(),
        Some(Fault::Reject(share, seed)) => {
            let ctx = Ctx { rejects: Some((share, seed)), ..ctx.clone() };
            shared.api.call(operation, &ctx, body).await
        }
        Some(Fault::Delay(delay_ns)) => {
            shared.machine.sleep_until(shared.machine.now_ns().saturating_add(delay_ns)).await;
            shared.api.call(operation, ctx, body).await
        }
        Some(Fault::DropAnswer) | None => shared.api.call(operation, ctx, body).await,
    };
    if fault == Some(Fault::DropAnswer) {
        return Reply::lost();
    }
    match outcome {
        Ok(answer) => Reply::ok(AWS_JSON, answer),
        Err(error) => error.into(),
    }
}

/// The operation of the older protocols that carry it as a parameter.
fn action(head: &Head<'_>, body: &Bytes) -> Option<String> {
    let in_query = || head.parts.uri.query().and_then(|query| form::parameter(query, "Action"));
    if head.media_type() != "application/x-www-form-urlencoded" {
        return in_query();
    }
    std::str::from_utf8(body).ok().and_then(|body| form::parameter(body, "Action")).or_else(in_query)
}
