//! Sockets: accepts connections, tells TLS from plain and HTTP/2 from HTTP/1.1 by the first bytes, and bounds how many
//! there are and how long they may be silent.

use super::{
    http::{Connection, LostAnswer, Service},
    timer::ClockTimer,
    tls::Certificates,
    watched::{Progress, Watched},
};
use crate::{
    clock::Clock,
    model::limits::{CONNECTION_IDLE_SECONDS, REQUEST_HEAD_BYTES_MAX, SHUTDOWN_SECONDS, STREAMS_PER_CONNECTION_MAX},
};
use futures::future::{Either, select};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use std::{io, pin::pin, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore, watch},
};
use tokio_rustls::LazyConfigAcceptor;

/// The first byte of a TLS record that begins a handshake. # RFC 8446, section 5.1
const TLS_HANDSHAKE: &[u8] = &[0x16];
/// Enough of the HTTP/2 preface to tell it from every method of HTTP/1.1. # RFC 9113, section 3.4
const HTTP2_PREFACE: &[u8] = b"PRI ";
/// Bytes of the request stream that a connection may hold unread.
const STREAM_WINDOW_BYTES: u32 = 1024 * 1024;
const SECOND_NS: i64 = 1_000_000_000;
/// How long accepting rests when the process has no file descriptor left.
const ACCEPT_REST_NS: i64 = SECOND_NS / 20;

/// Everything a connection needs.
#[derive(Clone)]
pub(crate) struct Acceptor {
    pub(crate) service: Service,
    pub(crate) certificates: Arc<Certificates>,
    pub(crate) clock: Clock,
    /// Connections open at once; more wait to be accepted.
    pub(crate) max_connections: u32,
}

impl Acceptor {
    /// Serves `listener` until `stop` turns true; returns when every connection is done or the time for that is over.
    pub(crate) async fn serve(self, listener: TcpListener, stop: watch::Receiver<bool>) {
        let slots = Arc::new(Semaphore::new(self.max_connections as usize));
        let mut stopping = stop.clone();
        tokio::select! {
            _ = stopping.wait_for(|stop| *stop) => {}
            () = self.accept(&listener, &stop, &slots) => {}
        }
        drop(listener);
        let deadline_ns = self.clock.now_ns().saturating_add(SHUTDOWN_SECONDS as i64 * SECOND_NS);
        tokio::select! {
            _ = slots.acquire_many(self.max_connections) => {}
            () = self.clock.sleep_until(deadline_ns) => {
                tracing::warn!("stopping although requests are still being answered");
            }
        }
    }

    /// Accepts connections for ever, as long as there are slots for them.
    async fn accept(&self, listener: &TcpListener, stop: &watch::Receiver<bool>, slots: &Arc<Semaphore>) {
        while let Ok(slot) = slots.clone().acquire_owned().await {
            match listener.accept().await {
                Ok((stream, _)) => {
                    tokio::spawn(self.clone().connection(stream, stop.clone(), slot));
                }
                Err(error) => {
                    tracing::warn!(%error, "cannot accept a connection");
                    self.clock.sleep_until(self.clock.now_ns().saturating_add(ACCEPT_REST_NS)).await;
                }
            }
        }
    }

    /// Serves one connection to its end.
    async fn connection(self, stream: TcpStream, stop: watch::Receiver<bool>, slot: OwnedSemaphorePermit) {
        let progress = Progress::new(self.clock.clone());
        if let Err(error) = self.negotiate(stream, stop, progress).await {
            // Broken handshakes and vanished clients are the client's matter.
            tracing::debug!(%error, "connection ended");
        }
        drop(slot);
    }

    /// Finds out what is spoken on a new connection, then serves it.
    async fn negotiate(&self, stream: TcpStream, stop: watch::Receiver<bool>, progress: Progress) -> io::Result<()> {
        stream.set_nodelay(true)?;
        let (local, peer) = (stream.local_addr().ok(), stream.peer_addr().ok());
        let mut stream = Watched::new(stream, progress.clone());
        let deadline_ns = self.idle_deadline_ns(&progress);
        if !self.before(deadline_ns, stream.begins_with(TLS_HANDSHAKE)).await? {
            let connection = Connection { tls: false, local, peer };
            return self.http(stream, connection, stop, progress).await;
        }
        let handshake = async {
            let start = LazyConfigAcceptor::new(rustls::server::Acceptor::default(), stream).await?;
            let config = self
                .certificates
                .config(start.client_hello().server_name(), local.map(|address| address.ip()))
                .inspect_err(|error| tracing::error!(%error, "cannot serve HTTPS"))
                .map_err(io::Error::other)?;
            start.into_stream(config).await
        };
        let stream = self.before(deadline_ns, handshake).await?;
        let stream = Watched::new(stream, progress.clone());
        self.http(stream, Connection { tls: true, local, peer }, stop, progress).await
    }

    /// Serves HTTP of either version on a stream that is ready for it.
    async fn http<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
        &self,
        mut stream: Watched<S>,
        connection: Connection,
        stop: watch::Receiver<bool>,
        progress: Progress,
    ) -> io::Result<()> {
        let http2 = self.before(self.idle_deadline_ns(&progress), stream.begins_with(HTTP2_PREFACE)).await?;
        let service = self.service.on(connection);
        let answering = service_fn(|request| {
            let service = service.clone();
            async move {
                let response = service.answer(request).await;
                let is_lost = response.extensions().get::<LostAnswer>().is_some();
                // What fails ends the connection, or the stream of it.
                if is_lost { Err(io::Error::other("the answer is lost, as was asked for")) } else { Ok(response) }
            }
        });
        let timer = ClockTimer::new(self.clock.clone());
        if http2 {
            let mut builder = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
            builder
                .timer(timer)
                .max_concurrent_streams(STREAMS_PER_CONNECTION_MAX)
                .initial_stream_window_size(STREAM_WINDOW_BYTES)
                .initial_connection_window_size(4 * STREAM_WINDOW_BYTES)
                .max_header_list_size(REQUEST_HEAD_BYTES_MAX as u32);
            let serving = builder.serve_connection(TokioIo::new(stream), answering);
            self.until_done(serving, |serving| serving.graceful_shutdown(), &service, stop, progress).await
        } else {
            let mut builder = hyper::server::conn::http1::Builder::new();
            builder
                .timer(timer)
                .header_read_timeout(Duration::from_secs(CONNECTION_IDLE_SECONDS))
                .max_buf_size(REQUEST_HEAD_BYTES_MAX);
            let serving = builder.serve_connection(TokioIo::new(stream), answering);
            self.until_done(serving, |serving| serving.graceful_shutdown(), &service, stop, progress).await
        }
    }

    /// Drives a connection to its end; ends it when it is silent for too long, and in good order when the server stops.
    async fn until_done<C: Future<Output = hyper::Result<()>>>(
        &self,
        serving: C,
        finish: impl Fn(std::pin::Pin<&mut C>),
        service: &Service,
        mut stop: watch::Receiver<bool>,
        progress: Progress,
    ) -> io::Result<()> {
        let mut serving = pin!(serving);
        let mut stopping = false;
        loop {
            let deadline_ns = self.idle_deadline_ns(&progress);
            tokio::select! {
                biased;
                outcome = serving.as_mut() => return outcome.map_err(io::Error::other),
                // A server that is dropped stops too.
                _ = stop.wait_for(|stop| *stop), if !stopping => {
                    stopping = true;
                    finish(serving.as_mut());
                }
                () = self.clock.sleep_until(deadline_ns) => {
                    if service.in_flight() > 0 {
                        progress.note();
                    } else if self.clock.now_ns() >= self.idle_deadline_ns(&progress) {
                        return Err(io::Error::new(io::ErrorKind::TimedOut, "silent for too long"));
                    }
                }
            }
        }
    }

    fn idle_deadline_ns(&self, progress: &Progress) -> i64 {
        progress.last_ns().saturating_add(CONNECTION_IDLE_SECONDS as i64 * SECOND_NS)
    }

    async fn before<T>(&self, deadline_ns: i64, doing: impl Future<Output = io::Result<T>>) -> io::Result<T> {
        match select(pin!(doing), pin!(self.clock.sleep_until(deadline_ns))).await {
            Either::Left((outcome, _)) => outcome,
            Either::Right(_) => Err(io::Error::new(io::ErrorKind::TimedOut, "silent for too long")),
        }
    }
}
