//! Use cases, one file each: load, judge, save, announce. This crate owns transactions, the clock and entropy.
//!
//! Architecture invariant: one instant per use case. [`App`] reads the clock once; every row, token and audit
//! event of that use case carries the same timestamp. A lost race is not an error: the use case reloads and
//! judges again, a bounded number of times.
//!
//! Deliberately absent: HTTP, SQL, the environment, files.

pub mod account;
pub mod approval;
mod attempts;
mod backing;
mod client;
mod clock;
pub mod device;
mod error;
mod even;
pub mod factor;
pub mod federation;
pub mod feed;
mod kept;
pub mod keys;
pub mod login;
pub mod mail;
pub mod provider;
pub mod service;
pub mod session;
mod settings;
mod sweep;
pub mod token;

pub use attempts::Limits;
pub use cloakroom_jose::sha256;
pub use cloakroom_password::{Hashing, strength};
pub use clock::{Clock, ManualClock, SystemClock};
pub use error::{Error, Fault, Refusal};
pub use settings::{Feed, MaxSessions, Settings, WhenFull, WhenStale};

use cloakroom_jose::MasterKey;
use cloakroom_password::PasswordPool;
use cloakroom_store::{Order, Store, Unit};
use factor::Parties;
use feed::{Following, Marks};
use keys::Ring;
use std::sync::Arc;
use token::{Sightings, Streams, Verified};

/// So long the end waits for what nobody waits for: tokens that a provider is about to give.
const ERRANDS_FOR: std::time::Duration = std::time::Duration::from_secs(10);

/// Tokens of providers that are kept in memory beside the store: some megabytes.
const MOST_BEARERS: usize = 4096;

/// Everything that the use cases need, shared by all requests.
pub struct App {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    settings: Settings,
    master: MasterKey,
    passwords: PasswordPool,
    parties: Parties,
    posted: tokio::sync::Notify,
    turns: attempts::Turns,
    ring: arc_swap::ArcSwap<Ring>,
    looked_for_keys_at: std::sync::atomic::AtomicI64,
    marks: Marks,
    following: Following,
    verified: Verified,
    sightings: Sightings,
    streams: Streams,
    bearers: federation::Bearers,
    /// What goes on although nobody waits for it.
    errands: tokio_util::task::TaskTracker,
}

impl App {
    /// Opens the house: turns the key ring so that every purpose has a key, reads what was revoked, starts the
    /// password pool. Fails when the store cannot be read or when `master` does not open the keys in it.
    pub async fn open(
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        settings: Settings,
        master: MasterKey,
    ) -> Result<Arc<Self>, Fault> {
        let passwords = PasswordPool::start(settings.hashing)
            .map_err(|error| Fault::new("the password pool could not start", error))?;
        let ring = keys::turn(&*store, &settings, &master, clock.now()).await?;
        let app = Self {
            verified: Verified::new(settings.verified_tokens),
            parties: Parties::of(&settings),
            posted: tokio::sync::Notify::new(),
            turns: attempts::Turns::default(),
            ring: arc_swap::ArcSwap::from_pointee(ring),
            looked_for_keys_at: std::sync::atomic::AtomicI64::new(i64::MIN),
            marks: Marks::default(),
            following: Following::from(clock.now()),
            sightings: Sightings::default(),
            streams: Streams::default(),
            bearers: federation::Bearers::new(settings.verified_tokens.min(MOST_BEARERS)),
            errands: tokio_util::task::TaskTracker::new(),
            store,
            clock,
            settings,
            master,
            passwords,
        };
        app.follow_feed().await?;
        Ok(Arc::new(app))
    }

    /// The settings it was opened with.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The clock that everything here goes by.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    /// Whether the store answers.
    pub async fn is_ready(&self) -> bool {
        self.store.ping().await.is_ok()
    }

    /// Commits a unit of work and tells the log what the audit trail was told.
    pub(crate) async fn save(&self, unit: Unit) -> Result<(), cloakroom_store::Error> {
        save(&*self.store, unit).await
    }

    /// Writes what is only in memory. Called last, when no request runs any longer.
    pub async fn close(&self) -> Result<(), Fault> {
        let flushed = self.flush_sightings().await;
        self.errands.close();
        if tokio::time::timeout(ERRANDS_FOR, self.errands.wait()).await.is_err() {
            tracing::warn!("the server stops while a provider is still asked for tokens");
        }
        flushed
    }
}

/// Commits, then logs the events of the unit: a line of the trail that did not happen is never told.
pub(crate) async fn save(store: &dyn Store, unit: Unit) -> Result<(), cloakroom_store::Error> {
    let told: Vec<_> = unit
        .orders()
        .iter()
        .filter_map(|order| if let Order::Record(event) = order { Some(event.clone()) } else { None })
        .collect();
    store.commit(unit).await?;
    for event in told {
        tracing::info!(
            target: "audit",
            event = event.kind.as_str(),
            account = event.account.map(tracing::field::display),
            session = event.session.map(tracing::field::display),
            key = event.key.map(tracing::field::display),
            "audit"
        );
    }
    Ok(())
}
