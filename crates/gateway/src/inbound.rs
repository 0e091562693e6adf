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

/// A body that comes in smaller pieces than any browser sends is not looked at for long.
const MAX_FRAMES: usize = 256;

impl From<Incoming> for Inbound {
    fn from(rest: Incoming) -> Self {
        Self { seen: VecDeque::new(), rest }
    }
}

impl Inbound {
    /// Reads on until `found` answers something, `max_bytes` were seen in a few hundred pieces at most, or the body ends.
    /// What is looked for is at most `length` bytes long: `found` gets each new piece with so much of what came before
    /// it, so that looking costs no more than reading. The caller bounds the time.
    pub async fn look<T>(
        &mut self,
        max_bytes: usize,
        length: usize,
        found: impl Fn(&[u8]) -> Option<T>,
    ) -> Result<Option<T>, hyper::Error> {
        let mut bytes = Vec::new();
        while bytes.len() < max_bytes && self.seen.len() < MAX_FRAMES {
            let Some(frame) = self.rest.frame().await else { break };
            let frame = frame?;
            let from = bytes.len().saturating_sub(length);
            if let Some(data) = frame.data_ref() {
                bytes.extend_from_slice(data);
            }
            self.seen.push_back(frame);
            let answer = bytes.get(from..).and_then(&found);
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
