//! The shipped server with a recording upstream behind it.

use crate::mailbox::Mailbox;
use crate::{Echo, Guest, Watch, certificate};
use cloakroom_app::{Clock, ManualClock, SystemClock};
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
    /// As it was given: `{port}` and `{echo}` are known only when the sockets are.
    more: String,
    is_encrypted: bool,
    pub(crate) mailbox: Option<Mailbox>,
    running: Option<Running>,
}

impl House {
    /// Starts one with nothing configured but what it needs.
    pub async fn start() -> Self {
        Self::with("").await
    }

    /// Starts one with more configuration, in TOML, where `{port}` stands for the port of the public listener and `{echo}` for
    /// the address of what stands behind it.
    pub async fn with(more: &str) -> Self {
        Self::begin(more, false, false).await
    }

    /// The same with mail, which is written into files: [`Self::mails`] reads them. Addresses are confirmed before somebody can
    /// log in; `mail.confirm_addresses = false` changes that.
    pub async fn with_mail(more: &str) -> Self {
        Self::begin(more, false, true).await
    }

    /// The same over TLS, for a browser that keeps `Secure` cookies nowhere else, as `WebKitGTK`. Its certificate is vouched
    /// for by nobody whom browsers know, and a [`Guest`] does not speak TLS.
    pub async fn encrypted(more: &str) -> Self {
        Self::begin(more, true, false).await
    }

    /// The same over TLS and with mail.
    pub async fn encrypted_with_mail(more: &str) -> Self {
        Self::begin(more, true, true).await
    }

    /// Starts one whose clock begins with that of the machine: what others sign with theirs is good in it.
    pub async fn at_present() -> Self {
        Self::begin_at(SystemClock.now(), "", false, false).await
    }

    async fn begin(more: &str, is_encrypted: bool, has_mail: bool) -> Self {
        Self::begin_at(Timestamp::from_unix_seconds(1_800_000_000), more, is_encrypted, has_mail).await
    }

    async fn begin_at(now: Timestamp, more: &str, is_encrypted: bool, has_mail: bool) -> Self {
        let watch = Watch::start();
        let mut house = Self {
            clock: Arc::new(ManualClock::at(now)),
            echo: Echo::start().await,
            watch,
            port: 0,
            folder: tempfile::tempdir().unwrap(),
            more: more.to_owned(),
            is_encrypted,
            mailbox: None,
            running: None,
        };
        house.mailbox = has_mail.then(|| Mailbox::open(house.folder.path()));
        if is_encrypted {
            certificate::write(house.folder.path()).unwrap();
        }
        house.open().await;
        house
    }

    async fn open(&mut self) {
        let public = TcpListener::bind(("127.0.0.1", self.port)).await.unwrap();
        self.port = public.local_addr().unwrap().port();
        let admin = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let config = self.config();
        let master = master_key::load(&config.master_key_file, None).unwrap();
        let mut forward_auth = Vec::new();
        for address in &config.forward_auth_listen {
            forward_auth.push(TcpListener::bind(address).await.unwrap());
        }
        let sockets = Sockets { public: vec![public], redirect: vec![], forward_auth, admin };
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
        if self.is_encrypted {
            let file = |name: &str| self.folder.path().join(name).display().to_string();
            let (certificate, key) = (file(certificate::CERTIFICATE), file(certificate::KEY));
            let tls = format!("server.tls = {{ certificate_file = {certificate:?}, key_file = {key:?} }}");
            merge(&mut table, tls.parse().unwrap());
        }
        if let Some(mailbox) = &self.mailbox {
            merge(&mut table, mailbox.config().parse().unwrap());
        }
        let more =
            self.more.replace("{port}", &self.port.to_string()).replace("{echo}", &self.echo.address.to_string());
        merge(&mut table, more.parse().unwrap());
        config::parse(&toml::to_string(&table).unwrap(), std::iter::empty()).unwrap()
    }

    /// What a browser would show in its address bar.
    pub fn origin(&self) -> String {
        format!("{}://localhost:{}", if self.is_encrypted { "https" } else { "http" }, self.port)
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
        more.clone_into(&mut self.more);
        self.restart().await;
    }

    /// A visitor with an empty cookie jar.
    pub fn guest(&self) -> Guest {
        Guest::new(&self.origin(), self.port, self.watch.clone())
    }

    /// A visitor who comes by another server, at this port of the machine.
    pub fn guest_by(&self, port: u16) -> Guest {
        Guest::new(&format!("http://localhost:{port}"), port, self.watch.clone())
    }

    /// A program of operators, which comes to the admin listener.
    pub fn operator(&self) -> Guest {
        let address = self.running().admin;
        Guest::new(&format!("http://{address}"), address.port(), self.watch.clone())
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
