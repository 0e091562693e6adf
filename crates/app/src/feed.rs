//! What was revoked, in memory: the feed of the store folded into one mark per session, so that a verified token is
//! judged without a lookup (design §3.4).
//!
//! Deliberately absent until several nodes exist (issue 3): pushing, gap detection, staleness.

use crate::{App, Fault};
use cloakroom_core::access::{Access, Mark, Revocation};
use cloakroom_core::id::{KeyId, SessionId};
use cloakroom_core::time::Timestamp;
use std::sync::atomic::{AtomicU64, Ordering};

/// Marks of sessions whose tokens can still be alive.
#[derive(Default)]
pub(crate) struct Marks {
    sessions: papaya::HashMap<SessionId, (Mark, Timestamp)>,
    keys: papaya::HashMap<KeyId, Timestamp>,
    read_up_to: AtomicU64,
}

impl Marks {
    /// Whether a verified access token is still good, its own expiry apart. Never blocks.
    pub(crate) fn allow(&self, access: &Access, now: Timestamp) -> bool {
        let sessions = self.sessions.pin();
        let good = sessions.get(&access.session).is_none_or(|(mark, _)| mark.allows(access, now));
        good && (self.keys.is_empty() || !self.keys.pin().contains_key(&access.key))
    }

    /// Number of entries held, for the metrics.
    pub(crate) fn len(&self) -> usize {
        self.sessions.len() + self.keys.len()
    }

    fn apply(&self, entry: &Revocation, until: Timestamp) {
        match entry {
            Revocation::Session(session) | Revocation::Issues { session, .. } => {
                self.sessions.pin().update_or_insert_with(
                    *session,
                    |(mark, known)| (mark.clone().with(entry), until.max(*known)),
                    || (Mark::default().with(entry), until),
                );
            }
            Revocation::Key(key) => {
                self.keys.pin().insert(*key, until);
            }
        }
    }

    fn forget(&self, now: Timestamp) {
        self.sessions.pin().retain(|_, (_, until)| *until > now);
        self.keys.pin().retain(|_, until| *until > now);
    }
}

impl App {
    /// Reads the feed from where the last reading ended. After every commit that revokes, before the answer leaves.
    pub async fn follow_feed(&self) -> Result<(), Fault> {
        const PAGE: u32 = 1000;
        loop {
            let after = self.marks.read_up_to.load(Ordering::SeqCst);
            let page = self.store.revocations_after(after, PAGE).await?;
            for (seq, entry, until) in &page {
                self.marks.apply(entry, *until);
                match entry {
                    Revocation::Session(session) => self.streams.end(*session),
                    Revocation::Key(_) => self.streams.end_all(),
                    Revocation::Issues { .. } => {}
                }
                self.marks.read_up_to.fetch_max(*seq, Ordering::SeqCst);
            }
            if page.len() < PAGE as usize {
                return Ok(());
            }
        }
    }

    /// Forgets what no token can need any longer, in memory and in the store. Called now and then.
    pub async fn sweep(&self) -> Result<(), Fault> {
        let now = self.clock.now();
        self.marks.forget(now);
        // An ended session stays visible to operators for a while after its cookies can no longer matter.
        let ended_before = now.minus(self.settings.lifetimes.absolute_for);
        let unit = cloakroom_store::Unit::new().order(cloakroom_store::Order::Sweep { now, ended_before });
        Ok(self.save(unit).await?)
    }

    /// How many revocations are held in memory.
    pub fn revocations_held(&self) -> usize {
        self.marks.len()
    }
}
