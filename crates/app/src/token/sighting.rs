//! Sightings: that a generation's access token was used, and when its session was last used. Collected in memory and
//! written in batches, off the path of requests; a refresh looks here before it judges, so the owner is never behind.

use crate::{App, Fault};
use cloakroom_core::access::Access;
use cloakroom_core::id::SessionId;
use cloakroom_core::session::Session;
use cloakroom_core::time::Timestamp;
use cloakroom_store::{Order, Sighting, Unit};
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// What was seen and not written yet: the newest generation of each session, and its first and last use.
#[derive(Default)]
pub(crate) struct Sightings(Mutex<HashMap<SessionId, Sighting>>);

impl Sightings {
    /// Notes a use.
    pub(crate) fn note(&self, access: &Access, now: Timestamp) {
        self.add(Sighting {
            session: access.session,
            generation: access.generation,
            first_used_at: Some(now),
            last_used_at: now,
        });
    }

    /// Notes uses that were seen here or elsewhere.
    pub(crate) fn add(&self, fresh: Sighting) {
        let mut pending = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = pending.entry(fresh.session).or_insert(fresh);
        if known.generation < fresh.generation {
            *known = Sighting { last_used_at: known.last_used_at.max(fresh.last_used_at), ..fresh };
        } else {
            known.last_used_at = known.last_used_at.max(fresh.last_used_at);
            if known.generation == fresh.generation {
                known.first_used_at = known.first_used_at.min(fresh.first_used_at);
            }
        }
    }

    /// Adds what was seen to a session that was just read, before it is judged.
    pub(crate) fn add_to(&self, session: &mut Session) {
        let pending = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(seen) = pending.get(&session.id) else { return };
        session.last_used_at = session.last_used_at.max(seen.last_used_at);
        if seen.generation == session.family.generation && session.family.acknowledged_at.is_none() {
            session.family.acknowledged_at = seen.first_used_at;
        }
    }

    fn take(&self) -> HashMap<SessionId, Sighting> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn put_back(&self, unwritten: HashMap<SessionId, Sighting>) {
        let mut pending = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (session, old) in unwritten {
            let known = pending.entry(session).or_insert_with(|| old);
            if known.generation == old.generation {
                known.first_used_at = old.first_used_at;
                known.last_used_at = known.last_used_at.max(old.last_used_at);
            }
        }
    }
}

impl App {
    /// Writes what was seen. Called about once a second and when the server stops.
    pub async fn flush_sightings(&self) -> Result<(), Fault> {
        let taken = self.sightings.take();
        if taken.is_empty() {
            return Ok(());
        }
        let unit = taken.values().fold(Unit::new(), |unit, seen| unit.order(Order::Sight(*seen)));
        let written = self.save(unit).await;
        if written.is_err() {
            self.sightings.put_back(taken);
        }
        Ok(written?)
    }
}
