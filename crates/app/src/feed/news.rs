//! The feed for services: pages of entries by number, and what services tell back about tokens that they saw.

use crate::{App, Error, Refusal};
use cloakroom_core::access::Revocation;
use cloakroom_core::id::SessionId;
use cloakroom_core::time::Timestamp;
use cloakroom_jose::same;
use tokio::sync::watch;

/// A page of the feed: every entry with a number in (`after`, `next`] that is not forgotten yet.
pub struct Page {
    /// The position that was asked from; 0 when that was beyond the feed's end.
    pub after: u64,
    /// The position to ask from next.
    pub next: u64,
    /// Whether more is there already.
    pub more: bool,
    /// The position asked from lies beyond the end: the database is an older one than the asker has followed.
    pub reset: bool,
    /// The instant of the answer.
    pub now: Timestamp,
    /// Number, entry, and from when on it can be forgotten; in the order of their numbers.
    pub entries: Vec<(u64, Revocation, Timestamp)>,
}

/// A service's report that it saw tokens of a generation in use.
pub struct SeenElsewhere {
    /// Whose.
    pub session: SessionId,
    /// Which generation.
    pub generation: u32,
    /// The first use that the service saw.
    pub first_used_at: Timestamp,
    /// The last one.
    pub last_used_at: Timestamp,
}

impl App {
    /// Whether somebody may read the feed, who shows this token. Never when none is configured.
    pub fn may_read_feed(&self, token: &str) -> bool {
        self.settings.feed.token.as_ref().is_some_and(|known| same(known.reveal(), token.as_bytes()))
    }

    /// Whether the feed is offered to services at all.
    pub fn offers_feed(&self) -> bool {
        self.settings.feed.token.is_some()
    }

    /// The next page of the feed after a position, at most 1000 entries.
    pub async fn feed_page(&self, after: u64) -> Result<Page, Error> {
        const PAGE: u32 = 1000;
        let now = self.clock.now();
        let newest = self.store.newest_revocation().await?;
        let reset = after > newest;
        let after = if reset { 0 } else { after };
        let entries = self.store.revocations_after(after, PAGE).await?;
        let more = entries.len() == PAGE as usize;
        // Numbers that were swept are passed over: nothing alive needs them.
        let last = entries.last().map_or(after, |(seq, _, _)| *seq);
        let next = if more { last } else { last.max(newest) };
        Ok(Page { after, next, more, reset, now, entries })
    }

    /// Changes whenever the feed has grown.
    pub fn feed_news(&self) -> watch::Receiver<u64> {
        self.feed_position()
    }

    /// Takes over what a service saw. An instant in the future is taken for now. Refused when sightings are off,
    /// and as [`Refusal::Busy`] when too much waits to be written.
    pub fn seen_elsewhere(&self, reports: &[SeenElsewhere]) -> Result<(), Error> {
        if !self.settings.refresh.sightings {
            return Err(Refusal::SightingsOff.into());
        }
        let now = self.clock.now();
        let told = reports.iter().map(|report| cloakroom_store::Sighting {
            session: report.session,
            generation: report.generation,
            first_used_at: Some(report.first_used_at.min(now)),
            last_used_at: report.last_used_at.min(now),
        });
        if self.sightings.note_told(told) { Ok(()) } else { Err(Refusal::Busy.into()) }
    }
}
