//! Open streams of sessions: a log-out must reach what is already flowing, not only the next request.

use super::Seen;
use crate::{App, Fault};
use cloakroom_core::id::{AccountId, SessionId};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio_util::sync::CancellationToken;

/// Sessions that have a stream open, and how many. An entry lives as long as its last stream.
#[derive(Clone, Default)]
pub(crate) struct Streams(Arc<Mutex<All>>);

#[derive(Default)]
struct All {
    by_session: HashMap<SessionId, Entry>,
    entries: u64,
}

struct Entry {
    account: AccountId,
    ended: CancellationToken,
    open: usize,
    /// Which entry of its session it is: after an end, streams that open later are another entry's.
    number: u64,
}

/// One open stream of a session.
pub struct Stream {
    session: SessionId,
    number: u64,
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
        let mut all = self.streams.all();
        let entry = all.by_session.get_mut(&self.session).filter(|entry| entry.number == self.number);
        if let Some(entry) = entry {
            entry.open = entry.open.saturating_sub(1);
            if entry.open == 0 {
                all.by_session.remove(&self.session);
            }
        }
    }
}

impl Streams {
    fn all(&self) -> MutexGuard<'_, All> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn open(&self, session: SessionId, account: AccountId) -> Stream {
        let mut all = self.all();
        let number = all.entries;
        all.entries += 1;
        let fresh = || Entry { account, ended: CancellationToken::new(), open: 0, number };
        let entry = all.by_session.entry(session).or_insert_with(fresh);
        entry.open += 1;
        Stream { session, number: entry.number, ended: entry.ended.clone(), streams: self.clone() }
    }

    /// Ends the streams of a session.
    pub(crate) fn end(&self, session: SessionId) {
        if let Some(entry) = self.all().by_session.remove(&session) {
            entry.ended.cancel();
        }
    }

    /// Ends the streams of an account.
    pub(crate) fn end_of(&self, account: AccountId) {
        self.end_if(|entry| entry.account == account);
    }

    /// Ends all streams: each has to show a token that is still good.
    pub(crate) fn end_all(&self) {
        self.end_if(|_| true);
    }

    fn sessions(&self) -> Vec<SessionId> {
        self.all().by_session.keys().copied().collect()
    }

    fn end_if(&self, ends: impl Fn(&Entry) -> bool) {
        self.all().by_session.retain(|_, entry| {
            if ends(entry) {
                entry.ended.cancel();
            }
            !ends(entry)
        });
    }
}

impl App {
    /// Ends the streams of sessions that are past their absolute end: nothing is revoked then, and no request comes that
    /// would be refused. Called about once a minute. (Idleness is not looked at: bytes that move are somebody's use.)
    pub async fn end_streams_that_are_over(&self) -> Result<(), Fault> {
        let now = self.clock.now();
        for session in self.streams.sessions() {
            let found = self.store.session(session).await?;
            if found.is_none_or(|found| found.family.ended.is_some() || now >= found.absolute_until) {
                self.streams.end(session);
            }
        }
        Ok(())
    }

    /// Registers a stream that is about to open. If its session ended since it was authenticated, it is ended at once.
    pub fn open_stream(&self, seen: &Seen) -> Stream {
        let stream = self.streams.open(seen.access().session, seen.access().account);
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
        let (streams, session, account) =
            (Streams::default(), SessionId::from_bytes([1; 16]), AccountId::from_bytes([2; 16]));
        let (one, two) = (streams.open(session, account), streams.open(session, account));
        drop(one);
        assert!(!two.ended().is_cancelled());
        streams.end(session);
        assert!(two.ended().is_cancelled());
        let three = streams.open(session, account);
        assert!(!three.ended().is_cancelled(), "who comes back after the end starts anew");
        drop(two);
        assert!(!streams.all().by_session.is_empty(), "the old ones take nothing along");
        drop(three);
        assert!(streams.all().by_session.is_empty());
    }

    #[test]
    fn an_account_ends_its_own_streams_only() {
        let streams = Streams::default();
        let open = |n| streams.open(SessionId::from_bytes([n; 16]), AccountId::from_bytes([n % 2; 16]));
        let (one, two, three) = (open(1), open(2), open(3));
        streams.end_of(AccountId::from_bytes([1; 16]));
        assert!(one.ended().is_cancelled() && three.ended().is_cancelled() && !two.ended().is_cancelled());
    }
}
