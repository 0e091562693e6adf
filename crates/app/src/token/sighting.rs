//! Sightings: that a generation's access token was used, and when its session was last used. Collected in memory and
//! written in batches, off the path of requests; a refresh looks here before it judges, so the owner is never behind.

use crate::{App, Fault};
use cloakroom_core::access::Access;
use cloakroom_core::id::SessionId;
use cloakroom_core::session::Session;
use cloakroom_core::time::Timestamp;
use cloakroom_store::{Order, Sighting, Unit};
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What was seen and not written yet: the newest generation of each session, and its first and last use.
#[derive(Default)]
pub(crate) struct Sightings(Mutex<Pending>);

/// What services report is kept apart from what was seen here: a wrong report must not take the place of a true one.
#[derive(Default)]
struct Pending {
    ours: HashMap<SessionId, Sighting>,
    told: HashMap<SessionId, Sighting>,
}

/// More reports of services than this do not wait to be written; they are told to come again.
const MOST_TOLD: usize = 100_000;

/// Orders in one unit: a change of one session does not wait for a hundred thousand others.
const CHUNK: usize = 1000;

impl Sightings {
    /// Notes a use.
    pub(crate) fn note(&self, access: &Access, now: Timestamp) {
        let fresh = Sighting {
            session: access.session,
            generation: access.generation,
            first_used_at: Some(now),
            last_used_at: now,
        };
        merge(&mut self.pending().ours, fresh);
    }

    /// Notes what a service says that it saw. `false` when too much waits already.
    pub(crate) fn note_told(&self, reports: impl IntoIterator<Item = Sighting>) -> bool {
        let told = &mut self.pending().told;
        for report in reports {
            if told.len() >= MOST_TOLD {
                return false;
            }
            merge(told, report);
        }
        true
    }

    /// Adds what was seen to a session that was just read, before it is judged.
    pub(crate) fn add_to(&self, session: &mut Session) {
        let pending = self.pending();
        for seen in [pending.ours.get(&session.id), pending.told.get(&session.id)].into_iter().flatten() {
            session.last_used_at = session.last_used_at.max(seen.last_used_at);
            if seen.generation == session.family.generation && session.family.acknowledged_at.is_none() {
                // Nothing is used before it is made; the clock of who saw it may be behind.
                let rotated_at = session.family.rotated_at;
                session.family.acknowledged_at = seen.first_used_at.map(|at| at.max(rotated_at));
            }
        }
    }

    fn pending(&self) -> MutexGuard<'_, Pending> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self) -> Pending {
        std::mem::take(&mut *self.pending())
    }

    fn put_back(&self, unwritten: Pending) {
        let mut pending = self.pending();
        for old in unwritten.ours.into_values() {
            merge(&mut pending.ours, old);
        }
        for old in unwritten.told.into_values() {
            merge(&mut pending.told, old);
        }
    }
}

fn merge(pending: &mut HashMap<SessionId, Sighting>, fresh: Sighting) {
    let known = pending.entry(fresh.session).or_insert(fresh);
    let last_used_at = known.last_used_at.max(fresh.last_used_at);
    if known.generation < fresh.generation {
        *known = fresh;
    } else if known.generation == fresh.generation {
        known.first_used_at = known.first_used_at.min(fresh.first_used_at);
    }
    known.last_used_at = last_used_at;
}

impl App {
    /// Writes what was seen. Called about once a second and when the server stops.
    pub async fn flush_sightings(&self) -> Result<(), Fault> {
        let taken = self.sightings.take();
        let all: Vec<_> = taken.ours.values().chain(taken.told.values()).copied().collect();
        for chunk in all.chunks(CHUNK) {
            let unit = chunk.iter().fold(Unit::new(), |unit, seen| unit.order(Order::Sight(*seen)));
            if let Err(error) = self.save(unit).await {
                // Some may be written by now; writing them again changes nothing.
                self.sightings.put_back(taken);
                return Err(error.into());
            }
        }
        Ok(())
    }
}
