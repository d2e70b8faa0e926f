//! A socket whose first bytes were read ahead, and which notes when it last moved a byte.

use crate::clock::Clock;
use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    task::{Context, Poll, ready},
};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};

/// When a connection last moved a byte, in nanoseconds since the epoch.
#[derive(Clone, Debug)]
pub(crate) struct Progress {
    last_ns: Arc<AtomicI64>,
    clock: Clock,
}

impl Progress {
    pub(crate) fn new(clock: Clock) -> Self {
        Self { last_ns: Arc::new(AtomicI64::new(clock.now_ns())), clock }
    }

    pub(crate) fn last_ns(&self) -> i64 {
        self.last_ns.load(Ordering::Relaxed)
    }

    /// A byte moved, or something else shows that the connection is alive.
    pub(crate) fn note(&self) {
        self.last_ns.store(self.clock.now_ns(), Ordering::Relaxed);
    }
}

/// A byte stream that can be looked into before it is handed on.
#[derive(Debug)]
pub(crate) struct Watched<S> {
    stream: S,
    /// Read ahead, not yet handed on.
    ahead: Vec<u8>,
    progress: Progress,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Watched<S> {
    pub(crate) fn new(stream: S, progress: Progress) -> Self {
        Self { stream, ahead: Vec::new(), progress }
    }

    /// Whether the stream begins with `prefix`; reads no more of it than needed to tell. The bytes stay to be read.
    /// A stream that ends within the prefix does not begin with it.
    ///
    /// # Errors
    /// Those of reading.
    pub(crate) async fn begins_with(&mut self, prefix: &[u8]) -> io::Result<bool> {
        loop {
            let common = self.ahead.iter().zip(prefix).take_while(|(a, b)| a == b).count();
            if common == prefix.len() {
                return Ok(true);
            }
            if common < self.ahead.len() {
                return Ok(false);
            }
            let mut more = [0; 32];
            let wanted = (prefix.len() - common).min(more.len());
            let count = self.stream.read(&mut more[..wanted]).await?;
            if count == 0 {
                return Ok(false);
            }
            self.progress.note();
            self.ahead.extend_from_slice(&more[..count]);
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if !self.ahead.is_empty() {
            let count = self.ahead.len().min(buffer.remaining());
            buffer.put_slice(&self.ahead[..count]);
            self.ahead.drain(..count);
            return Poll::Ready(Ok(()));
        }
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buffer))?;
        if buffer.filled().len() > before {
            self.progress.note();
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let count = ready!(Pin::new(&mut self.stream).poll_write(cx, bytes))?;
        self.progress.note();
        Poll::Ready(Ok(count))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let count = ready!(Pin::new(&mut self.stream).poll_write_vectored(cx, slices))?;
        self.progress.note();
        Poll::Ready(Ok(count))
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::AsyncWriteExt;

    async fn check(sent: &[u8], prefix: &[u8], expect: bool) {
        let (mut client, server) = tokio::io::duplex(1);
        let sent_too = sent.to_vec();
        let sending = tokio::spawn(async move {
            client.write_all(&sent_too).await.unwrap();
        });
        let mut stream = Watched::new(server, Progress::new(Clock::manual(0)));
        assert_eq!(stream.begins_with(prefix).await.unwrap(), expect, "{sent:?}");
        let mut all = Vec::new();
        stream.read_to_end(&mut all).await.unwrap();
        assert_eq!(all, sent, "nothing is lost by looking");
        sending.await.unwrap();
    }

    #[tokio::test]
    async fn looking_ahead_loses_nothing() {
        check(b"PRI * HTTP/2.0", b"PRI", true).await;
        check(b"POST / HTTP/1.1", b"PRI", false).await;
        check(b"PR", b"PRI", false).await;
        check(b"", b"PRI", false).await;
        check(b"\x16\x03\x01", b"\x16", true).await;
    }
}
