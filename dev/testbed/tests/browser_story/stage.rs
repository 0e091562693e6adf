//! The complete demo on a clock of its own.

use cloakroom_app::ManualClock;
use cloakroom_core::time::{Lifetime, Timestamp};
use cloakroom_server::demo::System;
use cloakroom_testbed::Watch;
use std::sync::Arc;
use tempfile::TempDir;

/// The system, and what outlives a restart of it.
pub(crate) struct Stage {
    clock: Arc<ManualClock>,
    folder: TempDir,
    origin: String,
    system: Option<System>,
}

impl Stage {
    pub(crate) async fn start() -> Self {
        // Before the system sets up logging for people: the houses of the other stories read their log.
        Watch::start();
        let mut stage = Self {
            clock: Arc::new(ManualClock::at(Timestamp::from_unix_seconds(1_800_000_000))),
            folder: tempfile::tempdir().unwrap(),
            origin: String::new(),
            system: None,
        };
        stage.open(0).await;
        stage
    }

    pub(crate) fn origin(&self) -> &str {
        &self.origin
    }

    /// Moves the clock past the end of every access token there is.
    pub(crate) fn expire(&self) {
        self.clock.advance(Lifetime::from_secs(6 * 60));
    }

    /// Stops everything, does something while nothing runs, starts it on the same port and the same files.
    pub(crate) async fn restart(&mut self, meanwhile: impl FnOnce(&Self)) {
        self.system.take().unwrap().stop().await.unwrap();
        meanwhile(self);
        let port = self.origin.rsplit(':').next().unwrap().parse().unwrap();
        self.open(port).await;
    }

    pub(crate) async fn stop(mut self) {
        self.system.take().unwrap().stop().await.unwrap();
    }

    async fn open(&mut self, port: u16) {
        let system = System::start(port, self.folder.path(), "cookie", Arc::clone(&self.clock) as _).await.unwrap();
        self.origin = system.origin();
        self.system = Some(system);
    }
}
