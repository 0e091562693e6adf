//! The body of a request as it comes in, of which a bounded beginning may have been looked at already. What was looked
//! at is forwarded first, byte for byte.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;

/// A request's body on its way in.
#[derive(Debug)]
pub struct Inbound {
    seen: VecDeque<Frame<Bytes>>,
    rest: Incoming,
}

impl From<Incoming> for Inbound {
    fn from(rest: Incoming) -> Self {
        Self { seen: VecDeque::new(), rest }
    }
}

impl Inbound {
    /// Reads on until `found` answers something, `max_bytes` were seen, or the body ends. Each time `found` gets all
    /// that was seen. The caller bounds the time.
    pub async fn look<T>(
        &mut self,
        max_bytes: usize,
        found: impl Fn(&[u8]) -> Option<T>,
    ) -> Result<Option<T>, hyper::Error> {
        let mut bytes = Vec::new();
        while bytes.len() < max_bytes {
            let Some(frame) = self.rest.frame().await else { break };
            let frame = frame?;
            if let Some(data) = frame.data_ref() {
                bytes.extend_from_slice(data);
            }
            self.seen.push_back(frame);
            let answer = found(&bytes);
            if answer.is_some() {
                return Ok(answer);
            }
        }
        Ok(None)
    }
}

impl Body for Inbound {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        match self.seen.pop_front() {
            Some(frame) => Poll::Ready(Some(Ok(frame))),
            None => Pin::new(&mut self.rest).poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.seen.is_empty() && self.rest.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let seen: u64 = self.seen.iter().filter_map(Frame::data_ref).map(|data| data.len() as u64).sum();
        let rest = self.rest.size_hint();
        let mut hint = SizeHint::new();
        hint.set_lower(rest.lower().saturating_add(seen));
        if let Some(upper) = rest.upper() {
            hint.set_upper(upper.saturating_add(seen));
        }
        hint
    }
}
