//! The body of a request on its way to the upstream: counted, watched, never collected.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use crate::error::{Error, Reason, Side};
use crate::hop_by_hop::clean_trailers;
use crate::inbound::Inbound;
use crate::watch::{Causes, Over, Progress, Watch};

/// A request's body.
pub(crate) struct Upload {
    inner: Inbound,
    /// Bytes that may still come.
    left: Option<u64>,
    watch: Watch,
}

impl Upload {
    /// `progress` is for requests that have a body.
    pub(crate) fn new(
        inner: Inbound,
        max_bytes: Option<u64>,
        idle_for: Duration,
        progress: Option<Arc<Progress>>,
    ) -> Self {
        let causes = Causes { idle_for: Some(idle_for), progress, ..Causes::default() };
        Self { inner, left: max_bytes, watch: Watch::new(causes) }
    }

    fn take(&mut self, frame: &mut Frame<Bytes>) -> Result<(), Error> {
        if let Some(trailers) = frame.trailers_mut() {
            clean_trailers(trailers);
        }
        let length = frame.data_ref().map_or(0, |data| data.len() as u64);
        if let Some(left) = &mut self.left {
            *left = left.checked_sub(length).ok_or_else(|| Error::new(Side::Client, Reason::TooLarge))?;
        }
        Ok(())
    }

    fn finish(&self) {
        if let Some(progress) = self.watch.progress() {
            progress.finish_request();
        }
    }
}

impl Body for Upload {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        match Pin::new(&mut self.inner).poll_frame(cx) {
            Poll::Ready(Some(Ok(mut frame))) => {
                // No session hangs on an upload, so nothing can have ended.
                let _ = self.watch.moved();
                let taken = self.take(&mut frame);
                if self.inner.is_end_stream() {
                    self.finish();
                }
                Poll::Ready(Some(taken.map(|()| frame)))
            }
            Poll::Ready(Some(Err(source))) => Poll::Ready(Some(Err(Error::broken(Side::Client, source)))),
            Poll::Ready(None) => {
                self.finish();
                Poll::Ready(None)
            }
            Poll::Pending => match ready!(self.watch.poll_over(cx)) {
                Over::Idle | Over::SessionEnded | Over::Stopping => {
                    Poll::Ready(Some(Err(Error::new(Side::Client, Reason::Idle))))
                }
            },
        }
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
