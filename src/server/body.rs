//! Reading request bodies: bounded in size, in time, and in how much of all of them is held at once.

use crate::{
    clock::Clock,
    model::limits::{REQUEST_BODIES_BYTES_MAX, REQUEST_BODY_BYTES_MAX, REQUEST_BODY_SECONDS},
};
use bytes::{Bytes, BytesMut};
use futures::future::{Either, select};
use http_body_util::BodyExt;
use hyper::body::Body;
use std::{
    pin::{Pin, pin},
    sync::Arc,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The unit in which room is reserved.
const ROOM_BYTES: usize = 4 * 1024;
/// How much of a body that is too large is read and thrown away, so that a client that sends all of it before it
/// reads gets to see the answer.
const DRAIN_BYTES_MAX: u64 = 8 * REQUEST_BODY_BYTES_MAX as u64;

/// Why a body was not read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BodyError {
    #[error("the request is larger than {REQUEST_BODY_BYTES_MAX} bytes")]
    TooLarge,
    #[error("the request did not arrive within {REQUEST_BODY_SECONDS} seconds")]
    TooSlow,
    #[error("the request broke off: {0}")]
    Broken(String),
}

/// A body that was read; holds its room until it is dropped.
#[derive(Debug)]
pub(crate) struct Received {
    pub(crate) bytes: Bytes,
    _room: Option<OwnedSemaphorePermit>,
}

/// Reads bodies.
#[derive(Clone, Debug)]
pub(crate) struct BodyReader {
    room: Arc<Semaphore>,
    clock: Clock,
}

impl BodyReader {
    pub(crate) fn new(clock: Clock) -> Self {
        Self { room: Arc::new(Semaphore::new(REQUEST_BODIES_BYTES_MAX / ROOM_BYTES)), clock }
    }

    /// Reads all of `body`, waiting for room first.
    pub(crate) async fn read<B>(&self, body: B) -> Result<Received, BodyError>
    where
        B: Body<Data = Bytes>,
        B::Error: std::fmt::Display,
    {
        let deadline_ns = self.clock.now_ns().saturating_add(REQUEST_BODY_SECONDS as i64 * 1_000_000_000);
        match select(pin!(self.read_all(body)), pin!(self.clock.sleep_until(deadline_ns))).await {
            Either::Left((outcome, _)) => outcome,
            Either::Right(_) => Err(BodyError::TooSlow),
        }
    }

    async fn read_all<B>(&self, body: B) -> Result<Received, BodyError>
    where
        B: Body<Data = Bytes>,
        B::Error: std::fmt::Display,
    {
        let mut body = pin!(body);
        let size = body.size_hint();
        // Without a declared length it may come to the largest one.
        let length = size.upper().unwrap_or(REQUEST_BODY_BYTES_MAX as u64);
        if length == 0 {
            return Ok(Received { bytes: Bytes::new(), _room: None });
        }
        if length > REQUEST_BODY_BYTES_MAX as u64 {
            if length <= DRAIN_BYTES_MAX {
                drain(body.as_mut(), 0).await?;
            }
            return Err(BodyError::TooLarge);
        }
        let units = (length as usize).div_ceil(ROOM_BYTES) as u32;
        let room = self.room.clone().acquire_many_owned(units).await.ok();
        let bytes = collect(body.as_mut(), size.exact().unwrap_or(0) as usize).await?;
        Ok(Received { bytes, _room: room })
    }
}

async fn collect<B>(mut body: Pin<&mut B>, exact_bytes: usize) -> Result<Bytes, BodyError>
where
    B: Body<Data = Bytes>,
    B::Error: std::fmt::Display,
{
    let Some(first) = next_data(body.as_mut()).await? else { return Ok(Bytes::new()) };
    if first.len() > REQUEST_BODY_BYTES_MAX {
        return Err(BodyError::TooLarge);
    }
    if body.is_end_stream() {
        return Ok(first);
    }
    let mut all = BytesMut::with_capacity(exact_bytes.max(first.len()));
    all.extend_from_slice(&first);
    while let Some(data) = next_data(body.as_mut()).await? {
        let length = all.len() + data.len();
        if length > REQUEST_BODY_BYTES_MAX {
            drop(all);
            drain(body, length as u64).await?;
            return Err(BodyError::TooLarge);
        }
        all.extend_from_slice(&data);
    }
    Ok(all.freeze())
}

async fn drain<B>(mut body: Pin<&mut B>, read_bytes: u64) -> Result<(), BodyError>
where
    B: Body<Data = Bytes>,
    B::Error: std::fmt::Display,
{
    let mut read = read_bytes;
    while read <= DRAIN_BYTES_MAX
        && let Some(data) = next_data(body.as_mut()).await?
    {
        read += data.len() as u64;
    }
    Ok(())
}

/// The next piece of data; trailers are skipped.
async fn next_data<B>(mut body: Pin<&mut B>) -> Result<Option<Bytes>, BodyError>
where
    B: Body<Data = Bytes>,
    B::Error: std::fmt::Display,
{
    while let Some(frame) = body.as_mut().frame().await {
        let frame = frame.map_err(|error| BodyError::Broken(error.to_string()))?;
        if let Ok(data) = frame.into_data() {
            return Ok(Some(data));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::{StreamExt, stream};
    use http_body_util::{Full, StreamBody};
    use hyper::body::Frame;

    fn reader() -> BodyReader {
        BodyReader::new(Clock::manual(0))
    }

    fn pieces(sizes: Vec<usize>) -> impl Body<Data = Bytes, Error = std::io::Error> {
        StreamBody::new(stream::iter(sizes).map(|size| Ok(Frame::data(Bytes::from(vec![b'x'; size])))))
    }

    #[tokio::test]
    async fn a_body_is_read_whole() {
        assert_eq!(reader().read(Full::from("abc")).await.unwrap().bytes, "abc");
        assert_eq!(reader().read(Full::default()).await.unwrap().bytes, "");
        assert_eq!(reader().read(pieces(vec![5, 0, 7])).await.unwrap().bytes.len(), 12);
        let largest = reader().read(pieces(vec![REQUEST_BODY_BYTES_MAX - 1, 1])).await.unwrap();
        assert_eq!(largest.bytes.len(), REQUEST_BODY_BYTES_MAX);
    }

    #[tokio::test]
    async fn a_body_over_the_cap_is_refused_declared_or_not() {
        let declared = Full::from(Bytes::from(vec![0; REQUEST_BODY_BYTES_MAX + 1]));
        assert!(matches!(reader().read(declared).await, Err(BodyError::TooLarge)));
        let undeclared = pieces(vec![REQUEST_BODY_BYTES_MAX, 1]);
        assert!(matches!(reader().read(undeclared).await, Err(BodyError::TooLarge)));
        let one_piece = pieces(vec![REQUEST_BODY_BYTES_MAX + 1]);
        assert!(matches!(reader().read(one_piece).await, Err(BodyError::TooLarge)));
    }

    #[tokio::test]
    async fn a_body_that_never_ends_is_given_up() {
        let reader = reader();
        let clock = reader.clock.clone();
        let endless = StreamBody::new(stream::pending::<Result<Frame<Bytes>, std::io::Error>>());
        let reading = tokio::spawn(async move { reader.read(endless).await.map(|_| ()) });
        tokio::task::yield_now().await;
        clock.advance(std::time::Duration::from_secs(REQUEST_BODY_SECONDS));
        assert!(matches!(reading.await.unwrap(), Err(BodyError::TooSlow)));
    }

    #[tokio::test]
    async fn room_is_given_back() {
        let reader = reader();
        let before = reader.room.available_permits();
        let received = reader.read(Full::from("abc")).await.unwrap();
        assert_eq!(reader.room.available_permits(), before - 1);
        drop(received);
        assert_eq!(reader.room.available_permits(), before);
        let _ = reader.read(pieces(vec![REQUEST_BODY_BYTES_MAX, 1])).await;
        assert_eq!(reader.room.available_permits(), before);
    }
}
