//! Open streams of sessions: a log-out must reach what is already flowing, not only the next request.

use super::Seen;
use crate::App;
use cloakroom_core::id::SessionId;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio_util::sync::CancellationToken;

/// Sessions that have a stream open, and how many. An entry lives as long as its last stream.
#[derive(Clone, Default)]
pub(crate) struct Streams(Arc<Mutex<HashMap<SessionId, Entry>>>);

#[derive(Default)]
struct Entry {
    ended: CancellationToken,
    open: usize,
}

/// One open stream of a session.
pub struct Stream {
    session: SessionId,
    ended: CancellationToken,
    streams: Streams,
}

impl Stream {
    /// Cancelled when the session ends.
    pub fn ended(&self) -> CancellationToken {
        self.ended.clone()
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        let mut all = self.streams.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(entry) = all.get_mut(&self.session) {
            entry.open = entry.open.saturating_sub(1);
            if entry.open == 0 {
                all.remove(&self.session);
            }
        }
    }
}

impl Streams {
    fn open(&self, session: SessionId) -> Stream {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = all.entry(session).or_default();
        entry.open += 1;
        Stream { session, ended: entry.ended.clone(), streams: self.clone() }
    }

    /// Ends the streams of a session.
    pub(crate) fn end(&self, session: SessionId) {
        if let Some(entry) = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&session) {
            entry.ended.cancel();
        }
    }

    /// Ends all streams: after a key was withdrawn, each has to show a token that is still good.
    pub(crate) fn end_all(&self) {
        for entry in self.0.lock().unwrap_or_else(PoisonError::into_inner).values() {
            entry.ended.cancel();
        }
    }
}

impl App {
    /// Registers a stream that is about to open. If its session ended since it was authenticated, it is ended at once.
    pub fn open_stream(&self, seen: &Seen) -> Stream {
        let stream = self.streams.open(seen.access().session);
        // Registered first, asked again then: an end in between is seen by one of the two.
        if !self.marks.allow(seen.access(), self.clock.now()) {
            stream.ended.cancel();
        }
        stream
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_lives_as_long_as_its_last_stream() {
        let (streams, session) = (Streams::default(), SessionId::from_bytes([1; 16]));
        let (one, two) = (streams.open(session), streams.open(session));
        drop(one);
        assert!(!two.ended().is_cancelled());
        streams.end(session);
        assert!(two.ended().is_cancelled());
        drop(two);
        assert!(streams.0.lock().unwrap().is_empty());
        assert!(!streams.open(session).ended().is_cancelled(), "a new log-in of the same name would start anew");
    }
}
