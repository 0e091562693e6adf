//! One running Keycloak: starts, stops, starts again, makes realms.

use super::admin::Admin;
use super::description::Realm;
use super::home::{Home, java};
use super::live::LiveRealm;
use super::representation;
use crate::person::{Page, Person, Whereabouts};
use crate::process::{Process, Start};
use anyhow::{Context as _, Result, bail};
use http::Method;
use serde_json::Value;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use tokio::sync::{Mutex, OnceCell};
use url::Url;

/// Five to ten seconds on an idle machine; 90 were seen on one with ten times as much to do.
const DEADLINE: Duration = Duration::from_mins(5);
/// What stands before the port in the line that says that it takes connections.
const READY: &str = "Listening on: http://127.0.0.1:";

/// What `kc.sh` of this version says to Java, besides what depends on the place; and what makes a start quick rather than
/// a long run.
const JAVA: &[&str] = &[
    "-Xms64m",
    "-Xmx512m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-Xshare:auto",
    "-XX:+ExitOnOutOfMemoryError",
    "-Dfile.encoding=UTF-8",
    "-Djava.security.egd=file:/dev/urandom",
    "-Djava.util.concurrent.ForkJoinPool.common.threadFactory=io.quarkus.bootstrap.forkjoin.QuarkusForkJoinWorkerThreadFactory",
    "-Djava.util.logging.manager=org.jboss.logmanager.LogManager",
    "-Dpicocli.disable.closures=true",
    "-Dquarkus-log-max-startup-records=10000",
    "-Duser.language=en",
    "-Duser.country=US",
    "--add-opens=java.base/java.util=ALL-UNNAMED",
    "--add-opens=java.base/java.util.concurrent=ALL-UNNAMED",
    "--add-opens=java.base/java.security=ALL-UNNAMED",
    "--add-opens=java.base/java.lang=ALL-UNNAMED",
    "--enable-native-access=ALL-UNNAMED",
];

/// Options of `start`; those of `build` are in `dev/providers/keycloak/install`. Its issuers are named as it is called, so
/// `http://localhost` works as well as `http://127.0.0.1`.
const KEYCLOAK: &[&str] = &[
    "start",
    "--optimized",
    "--http-enabled=true",
    "--hostname-strict=false",
    "--cache=local",
    "--http-host=127.0.0.1",
];

static SHARED: OnceCell<Keycloak> = OnceCell::const_new();

/// A running server. Dropping it ends it and removes everything that it has written.
pub struct Keycloak {
    origin: String,
    port: u16,
    process: Mutex<Option<Process>>,
    realms: AtomicU32,
    // Behind the process: it is ended before its folder goes.
    home: Home,
}

impl Keycloak {
    /// Starts one on a free port of 127.0.0.1, with nothing in it but the administrator's realm. It takes requests when this
    /// returns, after some ten seconds of processor time. An error says what is missing, or quotes its last lines.
    pub async fn start() -> Result<Self> {
        let home = Home::make()?;
        let (process, port) = open(home.path(), 0).await?;
        Ok(Self {
            origin: format!("http://127.0.0.1:{port}"),
            port,
            process: Mutex::new(Some(process)),
            realms: AtomicU32::new(0),
            home,
        })
    }

    /// The one that all tests of this process share, started by the first who asks. It ends with the process. Who stops one
    /// starts one of their own instead.
    pub async fn shared() -> Result<&'static Self> {
        SHARED.get_or_try_init(Self::start).await
    }

    /// Where it is: `http://127.0.0.1:` and a port.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Ends it in an orderly way. Nobody listens on its port until [`Self::start_again`].
    pub async fn stop(&self) {
        let process = self.process.lock().await.take();
        if let Some(process) = process {
            process.stop().await;
        }
    }

    /// Starts it again after [`Self::stop`], on the same port, with the same data. Does nothing if it runs.
    pub async fn start_again(&self) -> Result<()> {
        let mut process = self.process.lock().await;
        if process.is_none() {
            *process = Some(open(self.home.path(), self.port).await?.0);
        }
        Ok(())
    }

    /// Makes a new realm with everything that is described.
    pub async fn realm(&self, realm: &Realm) -> Result<LiveRealm> {
        let name = format!("{}-{}", realm.name, self.realms.fetch_add(1, Ordering::Relaxed));
        self.add(&representation::realm(realm, &name), name).await
    }

    /// Makes a realm of what Keycloak exports and imports: the text of a `realm.json`. An error if there is one of its name.
    pub async fn import(&self, realm: &str) -> Result<LiveRealm> {
        let realm: Value = serde_json::from_str(realm)?;
        let name = realm["realm"].as_str().context("the realm has no name")?.to_owned();
        self.add(&realm, name).await
    }

    async fn add(&self, realm: &Value, name: String) -> Result<LiveRealm> {
        let admin = Admin::at(&self.origin);
        admin.call(Method::POST, &[], Some(realm)).await?;
        Ok(LiveRealm { admin, name })
    }

    /// Lets somebody log in: opens `url` (an authorization request to a realm of this server), fills in the log-in form if
    /// there is one, and gives the URL of the relying party that the browser is then sent to, with `code` or with `error`.
    /// It is not opened. Who has a session already is not asked. An error quotes what the form says.
    pub async fn log_in(&self, person: &mut Person, url: &Url, name: &str, password: &str) -> Result<Url> {
        let page = match person.open(url).await? {
            Whereabouts::SentTo(url) => return Ok(url),
            Whereabouts::At(page) => page,
        };
        match person.fill(&page, &[("username", name), ("password", password)]).await.with_context(|| said(&page))? {
            Whereabouts::SentTo(url) => Ok(url),
            Whereabouts::At(page) => bail!("nobody was logged in: {}", said(&page)),
        }
    }
}

/// What a page complains about: the first text in an element that is made for that.
fn said(page: &Page) -> String {
    const MARKS: [&str; 3] = ["id=\"input-error", "kc-feedback-text", "class=\"instruction"];
    let text = page.answer.text();
    let found = MARKS.iter().flat_map(|mark| text.split(mark).skip(1));
    let mut words = found.filter_map(|rest| rest.split_once('>')?.1.split('<').next().map(str::trim));
    let complaint = words.find(|words| !words.is_empty()).unwrap_or("it says nothing");
    format!("{} of {}: {complaint}", page.answer.status, page.url.path())
}

/// Starts the program in this folder, on this port or (0) on a free one, and tells which.
async fn open(folder: &Path, port: u16) -> Result<(Process, u16)> {
    let place = folder.display();
    let mut arguments: Vec<String> = JAVA.iter().map(ToString::to_string).collect();
    arguments.extend([
        format!("-Dkc.home.dir={place}"),
        format!("-Djboss.server.config.dir={place}/conf"),
        format!("-Djava.io.tmpdir={place}/data"),
        "-cp".to_owned(),
        format!("{place}/lib/quarkus-run.jar"),
        "io.quarkus.bootstrap.runner.QuarkusEntryPoint".to_owned(),
    ]);
    arguments.extend(KEYCLOAK.iter().map(ToString::to_string));
    arguments.push(format!("--http-port={port}"));
    let start = Start {
        name: "Keycloak",
        program: &java(),
        arguments,
        environment: vec![("HOME", place.to_string())],
        folder,
        ready: |line| Some(line.split_once(READY)?.1.to_owned()),
        deadline: DEADLINE,
    };
    let (process, said) = start.process().await?;
    let digits: String = said.chars().take_while(char::is_ascii_digit).collect();
    Ok((process, digits.parse().context("Keycloak did not say on which port it listens")?))
}
