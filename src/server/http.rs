//! One request, from its head to its answer: identity, body, dispatch, and the one exit that every request leaves by.

use super::{
    auth::{Auth, Claim, Identity},
    body::{BodyError, BodyReader},
    dispatch::{self, Head},
    faults::Faults,
    http_body::AnyBody,
    reply::Reply,
    s3::{self, S3},
    tls::Certificates,
};
use crate::{
    api::{AdvanceError, Api, Clocks, Ctx, error},
    clock::Clock,
    outbound::objects::Objects,
    schedule::Scheduler,
};
use bytes::Bytes;
use futures::{FutureExt, future::BoxFuture};
use http::{
    HeaderName, HeaderValue, Request, Response, StatusCode, Version,
    header::{CONNECTION, CONTENT_TYPE, HOST, USER_AGENT},
};
use hyper::body::Body;
use std::{
    any::Any,
    convert::Infallible,
    fmt::Display,
    net::SocketAddr,
    panic::AssertUnwindSafe,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

/// The service's name for the id of a request. # observed
const REQUEST_ID_HEADER: &str = "x-amzn-RequestId";
/// Where SDKs that cannot set the user agent put theirs. # observed
const AMZ_USER_AGENT: HeaderName = HeaderName::from_static("x-amz-user-agent");

/// What a request came in on.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Connection {
    /// Whether it is encrypted.
    pub(crate) tls: bool,
    /// This end of it; `None` in process.
    pub(crate) local: Option<SocketAddr>,
    /// The other end of it; `None` in process.
    pub(crate) peer: Option<SocketAddr>,
}

/// On a response: it is not sent, the connection ends instead.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LostAnswer;

/// Answers HTTP requests: the whole server without its sockets. Cloning it shares the state.
#[derive(Clone)]
pub struct Service {
    shared: Arc<Shared>,
    connection: Connection,
    in_flight: Arc<AtomicUsize>,
}

/// What all connections share.
pub(crate) struct Shared {
    pub(crate) api: Api,
    pub(crate) certificates: Arc<Certificates>,
    /// The time that requests happen at.
    pub(crate) clock: Clock,
    /// What is measured with.
    pub(crate) machine: Clock,
    pub(crate) bodies: BodyReader,
    pub(crate) s3: S3,
    pub(crate) auth: Auth,
    pub(crate) faults: Faults,
    /// Who knows it may use the server's own addresses from anywhere.
    pub(crate) admin_token: Option<String>,
}

/// How the server's own addresses are to be had.
pub(crate) struct Admin {
    pub(crate) faults: Faults,
    pub(crate) token: Option<String>,
}

impl Service {
    pub(crate) fn new(
        api: Api,
        objects: Arc<Objects>,
        certificates: Arc<Certificates>,
        clocks: Clocks,
        auth: Auth,
        admin: Admin,
    ) -> Self {
        let Clocks { time: clock, machine } = clocks;
        let bodies = BodyReader::new(machine.clone());
        let s3 = S3::new(objects, clock.clone());
        let Admin { faults, token: admin_token } = admin;
        let shared = Arc::new(Shared { api, certificates, clock, machine, bodies, s3, auth, faults, admin_token });
        Self { shared, connection: Connection::default(), in_flight: Arc::default() }
    }

    /// The same service for the requests of one connection.
    pub(crate) fn on(&self, connection: Connection) -> Self {
        Self { shared: self.shared.clone(), connection, in_flight: Arc::default() }
    }

    /// The time that requests happen at.
    pub(crate) fn time(&self) -> &Clock {
        &self.shared.clock
    }

    /// Moves a manual clock and does all that is due on the way, in the order of the times it is due at: flushes, purges,
    /// runs of scheduled queries. When this returns, all of it is done.
    ///
    /// # Errors
    /// [`AdvanceError::NotManual`] when the time is the machine's, [`AdvanceError::Work`] when something was not done.
    pub async fn advance(&self, by: Duration) -> Result<(), AdvanceError> {
        let by_ns = i64::try_from(by.as_nanos()).unwrap_or(i64::MAX);
        self.shared.api.advance(self.shared.clock.now_ns().saturating_add(by_ns)).await.map(drop)
    }

    /// What runs scheduled queries.
    pub(crate) fn scheduler(&self) -> &Arc<Scheduler> {
        self.shared.api.scheduler()
    }

    /// Reads the file of credentials anew, where there is one. When that fails, those read before stay.
    pub fn reload_credentials(&self) {
        self.shared.auth.reload();
    }

    /// How many requests of this connection are being answered.
    pub(crate) fn in_flight(&self) -> usize {
        self.in_flight.load(Ordering::Relaxed)
    }

    /// Answers one request; never fails, whatever the request is.
    pub async fn answer<B>(&self, request: Request<B>) -> Response<AnyBody>
    where
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Display,
    {
        let (parts, body) = request.into_parts();
        let claim = self.shared.auth.claim(&parts);
        let mut exit = Exit::new(self, dispatch::name(&parts), parts.version, &claim.identity);
        let ctx = self.context(&parts, &claim, &exit);
        if s3::is_for(&parts, &claim.identity) {
            if let Err(error) = s3::verify(&self.shared, &claim, &parts) {
                return exit.finish_s3(s3::error_response(error));
            }
            let answering = AssertUnwindSafe(self.shared.s3.answer(parts, body, &ctx)).catch_unwind().await;
            return match answering {
                Ok(response) => exit.finish_s3(response),
                Err(panic) => exit.finish(panicked(&*panic)),
            };
        }
        let answering = async {
            let received = self.shared.bodies.read(body).await;
            match received {
                Ok(received) => {
                    let connection = self.connection;
                    let head = Head { parts: &parts, identity: &claim.identity, claim: &claim, connection };
                    dispatch::dispatch(&self.shared, &head, &ctx, received.bytes.clone()).await
                }
                Err(error) => refuse_body(&error),
            }
        };
        let reply = isolate(answering).await;
        exit.finish(reply)
    }

    fn context(&self, parts: &http::request::Parts, claim: &Claim, exit: &Exit) -> Ctx {
        let text = |name: HeaderName| parts.headers.get(name).and_then(|value| value.to_str().ok());
        let or_empty = Option::unwrap_or_default;
        let authority = || parts.uri.authority().map(|authority| authority.as_str());
        let host = text(HOST).or_else(authority).map(str::to_owned);
        let own = || self.connection.local.map_or_else(|| "localhost".to_owned(), |address| address.to_string());
        Ctx {
            request_id: exit.request_id.clone(),
            now_ns: self.shared.clock.now_ns(),
            scope: claim.identity.scope.clone(),
            access: claim.access.clone(),
            host: host.filter(|host| !host.is_empty()).unwrap_or_else(own),
            tls: self.connection.tls,
            rejects: None,
            // In browsers only the second one is the SDK's.
            user_agent: format!("{} {}", or_empty(text(USER_AGENT)), or_empty(text(AMZ_USER_AGENT))),
        }
    }
}

impl<B> tower::Service<Request<B>> for Service
where
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Display,
{
    type Response = Response<AnyBody>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let service = self.clone();
        Box::pin(async move { Ok(service.answer(request).await) })
    }
}

/// A panic becomes the answer of the request it happened in, and of no other.
async fn isolate(answering: impl Future<Output = Reply>) -> Reply {
    AssertUnwindSafe(answering).catch_unwind().await.unwrap_or_else(|panic| panicked(&*panic))
}

fn panicked(panic: &(dyn Any + Send)) -> Reply {
    let text = panic_text(panic);
    Reply::from(error::internal(format!("panic: {text}")))
}

fn panic_text(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no text")
}

/// # inferred: the front end's errors for requests that never reach an operation
fn refuse_body(error: &BodyError) -> Reply {
    let (status, name) = match error {
        BodyError::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "RequestEntityTooLargeException"),
        BodyError::TooSlow => (StatusCode::REQUEST_TIMEOUT, "RequestTimeoutException"),
        BodyError::Broken(_) => (StatusCode::BAD_REQUEST, "SerializationException"),
    };
    Reply::refusal(status, &format!("com.amazon.coral.service#{name}"), &error.to_string()).closing()
}

/// The one exit: the response's headers and the log line. Dropped without an answer it logs that the client left.
struct Exit {
    request_id: String,
    operation: String,
    version: Version,
    account: Arc<str>,
    region: Arc<str>,
    clock: Clock,
    started_ns: u64,
    in_flight: Arc<AtomicUsize>,
    answered: bool,
}

impl Exit {
    fn new(service: &Service, operation: String, version: Version, identity: &Identity) -> Self {
        service.in_flight.fetch_add(1, Ordering::Relaxed);
        let clock = service.shared.machine.clone();
        Self {
            request_id: timebrook_protocol::request_id(clock.random_bytes()),
            operation,
            version,
            account: identity.scope.account.clone(),
            region: identity.scope.region.clone(),
            started_ns: clock.monotonic_ns(),
            clock,
            in_flight: service.in_flight.clone(),
            answered: false,
        }
    }

    fn finish(&mut self, reply: Reply) -> Response<AnyBody> {
        self.answered = true;
        self.log(reply.status.as_u16(), reply.error.as_deref(), reply.cause.as_deref());
        let mut response = Response::new(AnyBody::whole(reply.body));
        *response.status_mut() = reply.status;
        if reply.is_lost {
            response.extensions_mut().insert(LostAnswer);
        }
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(reply.content_type));
        if let Ok(id) = HeaderValue::from_str(&self.request_id) {
            headers.insert(REQUEST_ID_HEADER, id);
        }
        // HTTP/2 has no such header: there a request that is broken off harms no other.
        if reply.close && self.version <= Version::HTTP_11 {
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }

    /// The same for an answer of the S3 endpoint, whose form is its own.
    fn finish_s3(&mut self, mut response: Response<AnyBody>) -> Response<AnyBody> {
        self.answered = true;
        self.log(response.status().as_u16(), None, None);
        s3::name_request(&mut response, &self.request_id);
        response
    }

    fn log(&self, status: u16, error: Option<&str>, cause: Option<&str>) {
        let latency_us = self.clock.monotonic_ns().saturating_sub(self.started_ns) / 1_000;
        let (id, operation, account, region) = (&self.request_id, &self.operation, &*self.account, &*self.region);
        // Requests for other services (501) are no failure of this one.
        if status >= 500 && status != 501 {
            tracing::error!(id, operation, account, region, status, error, cause, latency_us, "request");
        } else {
            tracing::info!(id, operation, account, region, status, error, cause, latency_us, "request");
        }
    }
}

impl Drop for Exit {
    fn drop(&mut self) {
        self.in_flight.fetch_sub(1, Ordering::Relaxed);
        if !self.answered {
            self.log(0, Some("the client went away"), None);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_is_the_answer_of_its_request_only() {
        let reply = isolate(async { panic!("secret {}", 1) }).await;
        assert_eq!(reply.status, StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(reply.error.as_deref(), Some("InternalServerException"));
        assert!(!String::from_utf8_lossy(&reply.body).contains("secret"), "nothing leaks");
        assert_eq!(reply.cause.as_deref(), Some("panic: secret 1"));
        assert_eq!(isolate(async { Reply::ok("text/plain", "{}") }).await.status, StatusCode::OK);
    }
}
