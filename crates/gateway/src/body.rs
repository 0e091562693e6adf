//! Bodies of answers: an upstream's, streamed as it comes, or one of our own.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body as _, Frame, SizeHint};
use http_body_util::BodyExt;
use hyper::body::Incoming;

use crate::error::{Error, Reason, Side};
use crate::hop_by_hop::clean_trailers;
use crate::pool::Lease;
use crate::watch::{Over, Watch};

/// The body of an answer. An enum, so that a proxied answer costs no allocation.
#[derive(Debug)]
pub struct Body(Kind);

enum Kind {
    Empty,
    Whole(Bytes),
    /// The connection goes back to its pool when the body is done with, not before: `_lease` is dropped after `inner`.
    Relayed {
        inner: Incoming,
        _lease: Lease,
        watch: Watch,
    },
    Other(Pin<Box<dyn http_body::Body<Data = Bytes, Error = Error> + Send>>),
}

impl Body {
    /// No bytes.
    pub fn empty() -> Self {
        Self(Kind::Empty)
    }

    /// Any other body, such as axum's. An error in it breaks the transfer off.
    pub fn wrap<B>(body: B) -> Self
    where
        B: http_body::Body<Data = Bytes> + Send + 'static,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        Self(Kind::Other(Box::pin(body.map_err(|source| Error::broken(Side::Ours, source)))))
    }

    pub(crate) fn relayed(inner: Incoming, lease: Lease, watch: Watch) -> Self {
        Self(Kind::Relayed { inner, _lease: lease, watch })
    }
}

impl Default for Body {
    fn default() -> Self {
        Self::empty()
    }
}

impl From<Bytes> for Body {
    fn from(bytes: Bytes) -> Self {
        if bytes.is_empty() { Self::empty() } else { Self(Kind::Whole(bytes)) }
    }
}

impl From<String> for Body {
    fn from(text: String) -> Self {
        Bytes::from(text).into()
    }
}

impl From<&'static str> for Body {
    fn from(text: &'static str) -> Self {
        Bytes::from_static(text.as_bytes()).into()
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        match &mut self.0 {
            Kind::Empty => Poll::Ready(None),
            Kind::Whole(bytes) => {
                let bytes = std::mem::take(bytes);
                self.0 = Kind::Empty;
                Poll::Ready(Some(Ok(Frame::data(bytes))))
            }
            Kind::Relayed { inner, watch, .. } => poll_relayed(inner, watch, cx),
            Kind::Other(body) => body.as_mut().poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.0 {
            Kind::Empty => true,
            Kind::Whole(_) => false,
            Kind::Relayed { inner, .. } => inner.is_end_stream(),
            Kind::Other(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Kind::Empty => SizeHint::with_exact(0),
            Kind::Whole(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Kind::Relayed { inner, .. } => inner.size_hint(),
            Kind::Other(body) => body.size_hint(),
        }
    }
}

impl std::fmt::Debug for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Empty => "Empty",
            Self::Whole(_) => "Whole",
            Self::Relayed { .. } => "Relayed",
            Self::Other(_) => "Other",
        })
    }
}

fn poll_relayed(
    inner: &mut Incoming,
    watch: &mut Watch,
    cx: &mut Context<'_>,
) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
    let over = match Pin::new(inner).poll_frame(cx) {
        Poll::Ready(Some(Ok(mut frame))) => {
            if let Some(trailers) = frame.trailers_mut() {
                clean_trailers(trailers);
            }
            match watch.moved() {
                Ok(()) => return Poll::Ready(Some(Ok(frame))),
                Err(over) => over,
            }
        }
        Poll::Ready(Some(Err(source))) => return Poll::Ready(Some(Err(Error::broken(Side::Upstream, source)))),
        Poll::Ready(None) => return Poll::Ready(None),
        Poll::Pending => ready!(watch.poll_over(cx)),
    };
    match over {
        Over::Idle => Poll::Ready(Some(Err(Error::new(Side::Upstream, Reason::Idle)))),
        Over::SessionEnded => Poll::Ready(Some(Err(Error::new(Side::Ours, Reason::SessionEnded)))),
        // Only event streams are asked to stop: their clients reconnect after an orderly end.
        Over::Stopping => Poll::Ready(None),
    }
}
