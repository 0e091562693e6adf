//! Turning the ring: by schedule, by command, and following what another process did to it.

use super::ring::{Ring, bound_to};
use crate::save;
use crate::{App, Error, Fault, Refusal, Settings};
use cloakroom_core::access::Revocation;
use cloakroom_core::event::{Event, EventKind};
use cloakroom_core::id::{EventId, KeyId};
use cloakroom_core::keyring::{self, KeyRecord, Purpose};
use cloakroom_core::time::Timestamp;
use cloakroom_jose::{Algorithm, MacKey, MasterKey, SigningKey, random};
use cloakroom_store::{Error as StoreError, Order, Store, Unit};
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Rounds of a race for making keys; each is lost to somebody who has made them.
const ATTEMPTS: usize = 16;

/// Makes and deletes what the schedule asks for, and opens the ring that results.
pub(crate) async fn turn(
    store: &dyn Store,
    settings: &Settings,
    master: &MasterKey,
    now: Timestamp,
) -> Result<Ring, Fault> {
    for _ in 0..ATTEMPTS {
        // The version first: a ring that changes between the two makes the unit conflict.
        let version = store.keys_version().await?;
        let plan = keyring::plan(&store.keys().await?, &settings.rotation, now);
        if plan == keyring::Plan::default() {
            return Ring::open(store.keys().await?, version, master);
        }
        let mut unit = Unit::from(Order::ExpectKeys(version));
        for (purpose, algorithm, active_from) in plan.make {
            unit = make(unit, master, purpose, algorithm, active_from, now)?;
        }
        for key in plan.delete {
            unit = unit.order(Order::DeleteKey(key)).order(Order::Record(key_event(EventKind::KeyDeleted, key, now)?));
        }
        match save(store, unit).await {
            // Of several nodes that start together one makes the keys, and the others take them over.
            Ok(()) | Err(StoreError::Conflict) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(Fault::plain("the key ring changed faster than it could be read"))
}

fn make(
    unit: Unit,
    master: &MasterKey,
    purpose: Purpose,
    algorithm: String,
    active_from: Timestamp,
    now: Timestamp,
) -> Result<Unit, Fault> {
    let id = KeyId::from_bytes(random()?);
    let secret = if purpose == Purpose::Access {
        let known: Algorithm = algorithm.parse().map_err(|_| Fault::plain("the algorithm of tokens is unknown"))?;
        SigningKey::generate(known, &id.to_string())?.to_secret_bytes()
    } else {
        MacKey::generate()?.to_secret_bytes()
    };
    let mut record =
        KeyRecord { id, purpose, algorithm, sealed: Vec::new(), made_at: now, active_from, withdrawn_at: None };
    record.sealed = master.seal(&bound_to(&record), &secret)?;
    Ok(unit.order(Order::InsertKey(record)).order(Order::Record(key_event(EventKind::KeyMade, id, now)?)))
}

fn key_event(kind: EventKind, key: KeyId, now: Timestamp) -> Result<Event, Fault> {
    Ok(Event { id: EventId::from_bytes(random()?), at: now, kind, account: None, session: None, key: Some(key) })
}

impl App {
    /// The ring as it is now.
    pub fn ring(&self) -> Arc<Ring> {
        self.ring.load_full()
    }

    /// The public keys of access tokens, as JSON (RFC 7517 §5).
    pub fn jwks(&self) -> Result<String, Fault> {
        let set = self.ring.load().jwks(&self.settings, self.clock.now());
        serde_json::to_string(&set).map_err(|error| Fault::new("the key set could not be written", error))
    }

    /// Turns the ring by its schedule and follows what another process (the command line) did to it. Called every
    /// few seconds; costs one small read when nothing changed.
    pub async fn tend_keys(&self) -> Result<(), Fault> {
        let now = self.clock.now();
        let (unchanged, due) = {
            let ring = self.ring.load();
            let plan = keyring::plan(ring.records(), &self.settings.rotation, now);
            (self.store.keys_version().await? == ring.version, plan != keyring::Plan::default())
        };
        if due || !unchanged {
            self.ring.store(Arc::new(turn(&*self.store, &self.settings, &self.master, now).await?));
            self.follow_feed().await?;
        }
        Ok(())
    }

    /// A token names a key that this node does not know: another node may have made it a moment ago. Looked for at most
    /// once a second, whoever asks.
    pub(crate) async fn look_for_new_keys(&self, now: Timestamp) -> Result<(), Fault> {
        const AT_MOST_EVERY: i64 = 1000;
        let last = self.looked_for_keys_at.load(Ordering::Relaxed);
        let due = now.millis().saturating_sub(last) >= AT_MOST_EVERY;
        if due
            && self
                .looked_for_keys_at
                .compare_exchange(last, now.millis(), Ordering::Relaxed, Ordering::Relaxed)
                .is_ok()
        {
            self.tend_keys().await?;
        }
        Ok(())
    }

    /// Starts the next key of every purpose: announced now, in use after `announce_for`, or at once if `at_once`.
    pub async fn rotate_keys(&self, at_once: bool) -> Result<(), Fault> {
        let now = self.clock.now();
        let rotation = &self.settings.rotation;
        let active_from = if at_once { now } else { now.plus(rotation.announce_for) };
        let mut unit = Unit::new();
        for purpose in Purpose::ALL {
            let algorithm =
                if purpose == Purpose::Access { rotation.algorithm.clone() } else { keyring::MAC.to_owned() };
            unit = make(unit, &self.master, purpose, algorithm, active_from, now)?;
        }
        self.save(unit).await?;
        self.tend_keys().await
    }

    /// Withdraws a key: nothing that it made is accepted from now on. Its successor is in use at once.
    pub async fn withdraw_key(&self, key: KeyId) -> Result<(), Error> {
        let now = self.clock.now();
        let known = self.store.keys().await?.into_iter().find(|record| record.id == key);
        let Some(record) = known.filter(|record| record.withdrawn_at.is_none()) else {
            return Err(Refusal::UnknownKey.into());
        };
        let until = self.outlived_at(now);
        let mut unit = Unit::new().order(Order::WithdrawKey { key, at: now }).order(Order::Record(key_event(
            EventKind::KeyWithdrawn,
            key,
            now,
        )?));
        // The one in use is succeeded by a fresh one, never by a key that was retired before it.
        let keys = self.store.keys().await?;
        if keyring::current(&keys, record.purpose, now).is_some_and(|current| current.id == key) {
            unit = make(unit, &self.master, record.purpose, record.algorithm.clone(), now, now)?;
        }
        if record.purpose == Purpose::Access {
            unit = unit.order(Order::Revoke { entry: Revocation::Key(key), until });
        }
        self.save(unit).await?;
        self.tend_keys().await?;
        Ok(self.follow_feed().await?)
    }
}
