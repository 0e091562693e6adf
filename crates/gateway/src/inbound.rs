//! The body of a request as it comes in, of which a bounded beginning may have been looked at already, or all of it read.
//! What was seen is forwarded first, byte for byte.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;

use crate::error::{Error, Reason, Side};

/// A request's body on its way in: `whole` or `seen`, then `trailers`, then `rest`.
#[derive(Debug)]
pub struct Inbound {
    whole: Bytes,
    seen: BytesMut,
    trailers: Option<HeaderMap>,
    /// `None`: another proxy keeps it, and nothing of it will ever be seen.
    rest: Option<Incoming>,
    is_rest_over: bool,
    /// What reading met. Who only looked may go on without; the transfer ends with it all the same, since what comes after
    /// would be taken for a clean end.
    broken: Option<hyper::Error>,
}

/// A body that comes in smaller pieces than any browser sends is not looked at for long.
const MAX_FRAMES: usize = 256;

impl From<Incoming> for Inbound {
    fn from(rest: Incoming) -> Self {
        Self::of(Some(rest), false)
    }
}

impl Inbound {
    /// The body of a request that another proxy carries: nothing of it is seen. `may_be_there` is all that is known.
    pub(crate) fn unseen(may_be_there: bool) -> Self {
        Self::of(None, !may_be_there)
    }

    fn of(rest: Option<Incoming>, is_rest_over: bool) -> Self {
        Self { whole: Bytes::new(), seen: BytesMut::new(), trailers: None, rest, is_rest_over, broken: None }
    }

    /// Reads on until `found` answers something, `max_bytes` were seen in a few hundred pieces at most, or the body ends.
    /// What is looked for is at most `length` bytes long: `found` gets each new piece with so much of what came before
    /// it, so that looking costs no more than reading. The caller bounds the time.
    pub async fn look<T>(
        &mut self,
        max_bytes: usize,
        length: usize,
        found: impl Fn(&[u8]) -> Option<T>,
    ) -> Result<Option<T>, Error> {
        let already = if self.whole.is_empty() { &self.seen[..] } else { &self.whole[..] };
        let mut answer = already.get(..max_bytes).or(Some(already)).and_then(&found);
        let mut frames = 0;
        while answer.is_none() && self.seen.len() < max_bytes && frames < MAX_FRAMES {
            let from = self.seen.len().saturating_sub(length);
            if !self.read().await? {
                break;
            }
            answer = self.seen.get(from..).and_then(&found);
            frames += 1;
        }
        Ok(answer)
    }

    /// Whether trailers follow what was read.
    pub fn has_trailers(&self) -> bool {
        self.trailers.is_some()
    }

    /// The whole body as it was sent (coded, if it has a `Content-Encoding`), or `None` if it is longer than `max_bytes`;
    /// where its length says so, nothing is read. Either way it is forwarded as it came: exactly these bytes, with their
    /// length unless trailers follow them. Fails when the body breaks off. The caller bounds the time; given up half-way,
    /// nothing is lost.
    pub async fn whole(&mut self, max_bytes: usize) -> Result<Option<Bytes>, Error> {
        let length = usize::try_from(self.size_hint().lower()).unwrap_or(usize::MAX);
        if length > max_bytes {
            return Ok(None);
        }
        if !self.whole.is_empty() {
            return Ok(Some(self.whole.clone()));
        }
        // Every byte is copied once, into one allocation where the length is known: a million chunks of one byte each
        // would otherwise take a hundred times their size.
        self.seen.reserve(length.saturating_sub(self.seen.len()));
        if self.rest.is_none() && !self.is_rest_over {
            return Ok(None);
        }
        while self.read().await? {
            if self.seen.len() > max_bytes {
                return Ok(None);
            }
        }
        self.whole = self.seen.split().freeze();
        Ok(Some(self.whole.clone()))
    }

    /// Reads one more piece; false at the end.
    async fn read(&mut self) -> Result<bool, Error> {
        if self.is_rest_over {
            return Ok(false);
        }
        if self.broken.is_some() {
            return Err(Error::new(Side::Client, Reason::Broken));
        }
        let Some(rest) = &mut self.rest else { return Ok(false) };
        let frame = match rest.frame().await {
            Some(Ok(frame)) => frame,
            Some(Err(error)) => {
                self.broken = Some(error);
                return Err(Error::new(Side::Client, Reason::Broken));
            }
            None => {
                self.is_rest_over = true;
                return Ok(false);
            }
        };
        match frame.into_data() {
            Ok(data) => self.seen.extend_from_slice(&data),
            Err(frame) => self.trailers = frame.into_trailers().ok(),
        }
        Ok(true)
    }

    fn seen_length(&self) -> usize {
        self.whole.len() + self.seen.len()
    }
}

impl Body for Inbound {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let this = &mut *self;
        if !this.whole.is_empty() {
            return Poll::Ready(Some(Ok(Frame::data(std::mem::take(&mut this.whole)))));
        }
        if !this.seen.is_empty() {
            return Poll::Ready(Some(Ok(Frame::data(this.seen.split().freeze()))));
        }
        if let Some(trailers) = this.trailers.take() {
            return Poll::Ready(Some(Ok(Frame::trailers(trailers))));
        }
        if let Some(error) = this.broken.take() {
            return Poll::Ready(Some(Err(error)));
        }
        if this.is_rest_over {
            return Poll::Ready(None);
        }
        let Some(rest) = &mut this.rest else { return Poll::Ready(None) };
        let frame = ready!(Pin::new(rest).poll_frame(cx));
        this.is_rest_over = frame.is_none();
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        let is_rest_over =
            self.is_rest_over || (self.broken.is_none() && self.rest.as_ref().is_some_and(Body::is_end_stream));
        self.seen_length() == 0 && self.trailers.is_none() && is_rest_over
    }

    fn size_hint(&self) -> SizeHint {
        let seen = self.seen_length() as u64;
        if self.is_rest_over && self.trailers.is_none() {
            return SizeHint::with_exact(seen);
        }
        let rest = self.rest.as_ref().map(Body::size_hint).unwrap_or_default();
        let mut hint = SizeHint::new();
        hint.set_lower(rest.lower().saturating_add(seen));
        if let Some(upper) = rest.upper() {
            hint.set_upper(upper.saturating_add(seen));
        }
        hint
    }
}
