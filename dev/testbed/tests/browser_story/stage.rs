//! The complete demo on a clock of its own.

use cloakroom_app::ManualClock;
use cloakroom_core::time::{Lifetime, Timestamp};
use cloakroom_server::demo::System;
use cloakroom_testbed::browser::Context;
use cloakroom_testbed::{Mail, PASSWORD, Watch};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// A letter waits for milliseconds; this is for a machine that does ten other things.
const DEADLINE: Duration = Duration::from_mins(1);

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

    /// Confirms the address of somebody who has just signed up, by the link that the demo has mailed, in a tab of its own.
    pub(crate) async fn confirm(&self, context: &Context, email: &str) {
        let (page, began) = (context.page().await.unwrap(), Instant::now());
        let link = loop {
            assert!(began.elapsed() < DEADLINE, "no mail to {email}");
            if let Some(link) = self.link_for(email) {
                break link;
            }
            // Asked of the browser, so that this is no loop that keeps a processor busy.
            page.eval("1").await.unwrap();
        };
        page.goto(&link).await.unwrap();
        page.fill("#password", PASSWORD).await.unwrap();
        page.click("main form button[type=submit]").await.unwrap();
        page.wait_for("document.querySelector('h1')?.textContent.includes('is confirmed')").await.unwrap();
        page.close().await.unwrap();
    }

    fn link_for(&self, email: &str) -> Option<String> {
        let kept = std::fs::read_dir(self.folder.path().join("mails")).ok()?;
        let files =
            kept.filter_map(|file| Some(file.ok()?.path())).filter(|path| path.extension().is_some_and(|e| e == "eml"));
        let mails = files.filter_map(|path| Mail::parse(&std::fs::read(path).ok()?));
        let mut links = mails.filter(|mail| mail.to.contains(email)).flat_map(|mail| mail.links());
        links.find(|link| link.contains("/auth/email/verify#"))
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
