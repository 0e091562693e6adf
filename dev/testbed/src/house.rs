//! The shipped server with a recording upstream behind it.

use crate::{Echo, Guest, Watch};
use cloakroom_app::{Clock, ManualClock};
use cloakroom_core::time::{Lifetime, Timestamp};
use cloakroom_server::serve::{Running, Sockets, start};
use cloakroom_server::{config, master_key};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tempfile::TempDir;
use tokio::net::TcpListener;

/// A server under test.
pub struct House {
    /// The clock of everything in it.
    pub clock: Arc<ManualClock>,
    /// What stands behind it: `/app` signed-in, `/open` optional, the rest public.
    pub echo: Echo,
    /// Secrets that were given out.
    pub watch: Watch,
    port: u16,
    folder: TempDir,
    more: toml::Table,
    running: Option<Running>,
}

impl House {
    /// Starts one with nothing configured but what it needs.
    pub async fn start() -> Self {
        Self::with("").await
    }

    /// Starts one with more configuration, in TOML.
    pub async fn with(more: &str) -> Self {
        let watch = Watch::start();
        let mut house = Self {
            clock: Arc::new(ManualClock::at(Timestamp::from_unix_seconds(1_800_000_000))),
            echo: Echo::start().await,
            watch,
            port: 0,
            folder: tempfile::tempdir().unwrap(),
            more: more.parse().unwrap(),
            running: None,
        };
        house.open().await;
        house
    }

    async fn open(&mut self) {
        let public = TcpListener::bind(("127.0.0.1", self.port)).await.unwrap();
        self.port = public.local_addr().unwrap().port();
        let admin = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let config = self.config();
        let master = master_key::load(&config.master_key_file, None).unwrap();
        let sockets = Sockets { public: vec![public], redirect: vec![], admin };
        let clock: Arc<dyn Clock> = Arc::clone(&self.clock) as Arc<dyn Clock>;
        self.running = Some(start(&config, sockets, master, clock).await.unwrap());
    }

    fn config(&self) -> config::Config {
        let to = format!("http://{}", self.echo.address);
        let base = format!(
            r#"
            [server]
            public_url = "{}"
            drain_for = "2s"
            [store]
            url = "sqlite:{}"
            [password]
            memory_kib = 7168
            passes = 1
            [[upstream]]
            name = "echo"
            path = "/"
            to = "{to}"
            access = "public"
            [[upstream]]
            name = "app"
            path = "/app"
            to = "{to}"
            access = "signed-in"
            audience = "app"
            [[upstream]]
            name = "open"
            path = "/open"
            to = "{to}"
            access = "optional"
            audience = "open"
            "#,
            self.origin(),
            self.database().display(),
        );
        let mut table: toml::Table = base.parse().unwrap();
        merge(&mut table, self.more.clone());
        config::parse(&toml::to_string(&table).unwrap(), std::iter::empty()).unwrap()
    }

    /// What a browser would show in its address bar.
    pub fn origin(&self) -> String {
        format!("http://localhost:{}", self.port)
    }

    /// Port of the public listener.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The server.
    pub fn running(&self) -> &Running {
        self.running.as_ref().unwrap()
    }

    /// The file of the database.
    pub fn database(&self) -> PathBuf {
        self.folder.path().join("cloakroom.db")
    }

    /// Where its files are.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Moves the clock.
    pub fn advance(&self, seconds: u64) {
        self.clock.advance(Lifetime::from_secs(seconds));
    }

    /// Stops the server and starts it again on the same files and the same port.
    pub async fn restart(&mut self) {
        self.stop().await;
        self.open_again().await;
    }

    /// Stops the server, for now.
    pub async fn stop(&mut self) {
        self.running.take().unwrap().stop().await.unwrap();
    }

    /// Starts the server that was stopped, on the same files and the same port.
    pub async fn open_again(&mut self) {
        self.open().await;
    }

    /// The same with other configuration, in TOML.
    pub async fn restart_with(&mut self, more: &str) {
        self.more = more.parse().unwrap();
        self.restart().await;
    }

    /// A visitor with an empty cookie jar.
    pub fn guest(&self) -> Guest {
        Guest::new(&self.origin(), self.port, self.watch.clone())
    }

    /// A visitor who has signed up and logged in.
    pub async fn signed_in(&self, email: &str) -> Guest {
        let guest = self.guest();
        guest.sign_up(email).await;
        guest.log_in(email).await;
        guest
    }

    /// Stops the server, and looks whether anything that was given out can be read afterwards.
    pub async fn close(mut self) {
        self.running.take().unwrap().stop().await.unwrap();
        self.watch.assert_nothing_leaked(self.folder.path());
    }
}

fn merge(into: &mut toml::Table, from: toml::Table) {
    for (key, value) in from {
        match (into.get_mut(&key), value) {
            (Some(toml::Value::Table(known)), toml::Value::Table(more)) => merge(known, more),
            (_, value) => drop(into.insert(key, value)),
        }
    }
}
