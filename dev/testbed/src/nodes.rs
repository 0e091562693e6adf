//! Several shipped servers on one database, behind a balancer, on one clock.

use crate::balancer::Balancer;
use crate::{Echo, Roamer, Watch};
use anyhow::Context as _;
use cloakroom_app::{Clock, ManualClock};
use cloakroom_core::time::{Lifetime, Timestamp};
use cloakroom_server::serve::{Running, Sockets, start};
use cloakroom_server::{config, master_key};
use std::path::Path;
use std::sync::Arc;
use tempfile::TempDir;
use tokio::net::TcpListener;
use toml::{Table, Value};

/// The servers under test.
pub struct Nodes {
    /// The clock of all of them.
    pub clock: Arc<ManualClock>,
    /// What stands behind each: `/app` signed-in, the rest public.
    pub echo: Echo,
    /// Secrets that were given out.
    pub watch: Watch,
    /// What stands in front of them.
    pub balancer: Balancer,
    origin: String,
    port: u16,
    ports: Arc<[u16]>,
    running: Vec<Running>,
    folder: TempDir,
}

impl Nodes {
    /// Three on one database.
    pub async fn start(url: &str) -> Self {
        Self::with(&[url; 3], "").await.unwrap()
    }

    /// One on a file: what is shown of a single node is shown by the same words.
    pub async fn on_a_file(more: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("cloakroom.db").display());
        Self::open(folder, &[&url], more).await.unwrap()
    }

    /// One for each of these URLs, which lead to one database, with more configuration in TOML; upstreams in it are added to
    /// those that are there, and `{echo}` stands for the address of what stands behind. All start at the same time. Fails with what the first one says that does not start.
    pub async fn with(urls: &[&str], more: &str) -> anyhow::Result<Self> {
        Self::open(tempfile::tempdir()?, urls, more).await
    }

    async fn open(folder: TempDir, urls: &[&str], more: &str) -> anyhow::Result<Self> {
        let watch = Watch::start();
        let clock = Arc::new(ManualClock::at(Timestamp::from_unix_seconds(1_800_000_000)));
        let echo = Echo::start().await;
        let front = TcpListener::bind(("127.0.0.1", 0)).await?;
        let port = front.local_addr()?.port();
        let origin = format!("http://localhost:{port}");
        // The one that every node gets.
        let master_key_file = folder.path().join("master-key");
        master_key::load(&master_key_file, None)?;

        let (mut ports, mut starting) = (Vec::new(), Vec::new());
        for url in urls {
            let public = TcpListener::bind(("127.0.0.1", 0)).await?;
            ports.push(public.local_addr()?.port());
            let admin = TcpListener::bind(("127.0.0.1", 0)).await?;
            let config = configuration(&origin, url, &master_key_file, &echo, more);
            let clock: Arc<dyn Clock> = Arc::clone(&clock) as Arc<dyn Clock>;
            starting.push(tokio::spawn(async move {
                let master = master_key::load(&config.master_key_file, None)?;
                let sockets = Sockets { public: vec![public], redirect: vec![], forward_auth: vec![], admin };
                start(&config, sockets, master, clock).await
            }));
        }
        let mut running = Vec::new();
        for (number, node) in starting.into_iter().enumerate() {
            running.push(node.await?.with_context(|| format!("node {number} does not start"))?);
        }
        let ports: Arc<[u16]> = ports.into();
        let balancer = Balancer::start(front, Arc::clone(&ports));
        Ok(Self { clock, echo, watch, balancer, origin, port, ports, running, folder })
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.running.len()
    }

    /// One of them, counted from 0.
    pub fn node(&self, number: usize) -> &Running {
        &self.running[number]
    }

    /// Where their files are.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Moves the clock.
    pub fn advance(&self, seconds: u64) {
        self.clock.advance(Lifetime::from_secs(seconds));
    }

    /// Does the chores of every node now: what was seen in use is written.
    pub async fn do_chores(&self) {
        for node in &self.running {
            node.do_chores().await.unwrap();
        }
    }

    /// A visitor with an empty jar, who talks to the balancer.
    pub fn roamer(&self) -> Roamer {
        Roamer::new(&self.origin, self.port, Arc::clone(&self.ports), self.watch.clone())
    }

    /// A visitor who has signed up and logged in somewhere.
    pub async fn signed_in(&self, email: &str) -> Roamer {
        let roamer = self.roamer();
        roamer.sign_up(email).await;
        roamer.log_in(email).await;
        roamer
    }

    /// Stops all of them, and looks whether anything that was given out can be read in the log or in a file of the folder.
    pub async fn close(self) {
        let (watch, folder) = self.end().await;
        watch.assert_nothing_leaked(folder.path());
    }

    /// Stops all of them without looking: after a storm there are thousands of secrets to look for in megabytes.
    pub async fn stop(self) {
        self.end().await;
    }

    async fn end(self) -> (Watch, TempDir) {
        for node in self.running {
            node.stop().await.unwrap();
        }
        (self.watch, self.folder)
    }
}

fn configuration(origin: &str, url: &str, master_key_file: &Path, echo: &Echo, more: &str) -> config::Config {
    let to = format!("http://{}", echo.address);
    let base = format!(
        r#"
        [server]
        public_url = "{origin}"
        drain_for = "2s"
        [store]
        url = "{url}"
        master_key_file = "{}"
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
        "#,
        master_key_file.display()
    );
    let mut table: Table = base.parse().unwrap();
    merge(&mut table, more.replace("{echo}", &echo.address.to_string()).parse().unwrap());
    config::parse(&toml::to_string(&table).unwrap(), std::iter::empty()).unwrap()
}

fn merge(into: &mut Table, from: Table) {
    for (key, value) in from {
        match (into.get_mut(&key), value) {
            (Some(Value::Table(known)), Value::Table(more)) => merge(known, more),
            (Some(Value::Array(known)), Value::Array(more)) => known.extend(more),
            (_, value) => drop(into.insert(key, value)),
        }
    }
}
