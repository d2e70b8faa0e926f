//! The body of an answer: whole, or in pieces as they come.

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Frame, SizeHint};
use std::{
    pin::Pin,
    task::{Context, Poll},
};

/// Why a body broke off.
pub type BodyFailure = Box<dyn std::error::Error + Send + Sync>;

/// The body of an answer.
pub struct AnyBody(Kind);

enum Kind {
    Whole(Full<Bytes>),
    Pieces(Pin<Box<dyn Body<Data = Bytes, Error = BodyFailure> + Send>>),
}

impl AnyBody {
    /// A body that is there at once.
    pub(crate) fn whole(bytes: Bytes) -> Self {
        Self(Kind::Whole(Full::new(bytes)))
    }

    /// A body that comes piece by piece.
    pub(crate) fn pieces<B>(body: B) -> Self
    where
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BodyFailure>,
    {
        Self(Kind::Pieces(Box::pin(body.map_err(Into::into))))
    }
}

impl std::fmt::Debug for AnyBody {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("AnyBody").field(&self.size_hint()).finish()
    }
}

impl Body for AnyBody {
    type Data = Bytes;
    type Error = BodyFailure;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyFailure>>> {
        match &mut self.get_mut().0 {
            Kind::Whole(body) => Pin::new(body).poll_frame(cx).map_err(|never| match never {}),
            Kind::Pieces(body) => body.as_mut().poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.0 {
            Kind::Whole(body) => body.is_end_stream(),
            Kind::Pieces(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Kind::Whole(body) => body.size_hint(),
            Kind::Pieces(body) => body.size_hint(),
        }
    }
}
