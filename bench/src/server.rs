//! The release server in a process of its own, configured by a file like anybody's.

use crate::http::{Client, get, request};
use crate::person::Person;
use crate::process::{Process, free, processor_seconds};
use crate::resident::{self, Resident};
pub(crate) use crate::wire::{PASSWORD, SAME_ORIGIN, told};
use anyhow::{Context as _, Result, bail, ensure};
use cloakroom_jose::MasterKey;
use std::collections::BTreeMap;
use std::io::Write as _;
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// A running server.
pub(crate) struct Server {
    pub(crate) public: SocketAddr,
    /// From its start to its first answer on `/readyz`.
    pub(crate) ready_after: Duration,
    process: Process,
}

/// How to start one.
#[derive(Clone, Copy)]
pub(crate) struct Setup<'a> {
    pub(crate) binary: &'a Path,
    /// Its configuration and log are here, and its database and key unless they are told to be elsewhere.
    pub(crate) folder: &'a Path,
    /// Its only upstream, signed-in.
    pub(crate) upstream: SocketAddr,
    /// The URL of its database, and the file of the master key of all nodes on it; without it, a file in the folder.
    pub(crate) shared: Option<(&'a str, &'a Path)>,
    /// What people type; without it, `http://localhost` and its port.
    pub(crate) public_url: Option<&'a str>,
    /// Further lines of the configuration, each with its section.
    pub(crate) more: &'a [(&'a str, &'a str)],
}

impl<'a> Setup<'a> {
    /// One by itself, with the defaults.
    pub(crate) fn alone(binary: &'a Path, folder: &'a Path, upstream: SocketAddr) -> Self {
        Self { binary, folder, upstream, shared: None, public_url: None, more: &[] }
    }
}

/// Settings that make log-ins cheap, for measurements of something else.
pub(crate) const CHEAP_PASSWORDS: [(&str, &str); 3] =
    [("password", "memory_kib = 7168"), ("password", "passes = 1"), ("password", "queue = 10000")];

impl Server {
    /// Starts it and waits until it is ready.
    pub(crate) fn start(setup: &Setup<'_>) -> Result<Self> {
        let (public, admin) = (free()?, free()?);
        let file = setup.folder.join("cloakroom.toml");
        std::fs::write(&file, configuration(setup, public, admin))?;
        let mut command = Command::new(setup.binary);
        command.arg("serve").arg("--config").arg(&file);
        let started = Instant::now();
        let mut process = Process::start(&mut command, &setup.folder.join("server.log"))?;
        while !is_ready(admin) {
            if let Some(status) = process.ended() {
                bail!("the server ended ({status}): {}", std::fs::read_to_string(setup.folder.join("server.log"))?);
            }
            ensure!(started.elapsed() < Duration::from_secs(20), "the server does not get ready");
            #[expect(clippy::disallowed_methods, reason = "a beat between two looks, far below what is measured")]
            std::thread::sleep(Duration::from_micros(500));
        }
        Ok(Self { public, ready_after: started.elapsed(), process })
    }

    /// Seconds that it has spent on processors.
    pub(crate) fn processor_seconds(&self) -> f64 {
        processor_seconds(self.process.id())
    }

    /// Its memory.
    pub(crate) fn resident(&self) -> Resident {
        resident::of(&self.process.id().to_string())
    }

    /// Somebody new signs up and logs in; answers the `Cookie` header of a signed-in request.
    pub(crate) fn sign_in(&self, email: &str) -> Result<String> {
        let mut client = Client::connect(self.public)?;
        let mut person = Person::new(email);
        person.sign_up(&mut client)?;
        person.log_in(&mut client)?.header("/x").context("log-in set no access cookie")
    }
}

/// The bytes of a signed-in request to the upstream.
pub(crate) fn signed_in_request(cookie: &str) -> Vec<u8> {
    of_script("GET", "/x", cookie)
}

/// The bytes of a request without a body, as a script of the site's own pages sends it.
pub(crate) fn of_script(method: &str, path: &str, cookie: &str) -> Vec<u8> {
    let [site, mode] = SAME_ORIGIN;
    let length = ("content-length", "0");
    let headers = [site, mode, ("cookie", cookie), length];
    request(method, path, if method == "GET" { &headers[..3] } else { &headers }, "")
}

fn is_ready(admin: SocketAddr) -> bool {
    let answer = Client::connect(admin).and_then(|mut client| client.send(&get("/readyz", &[])));
    answer.is_ok_and(|answer| answer.status == 200)
}

/// The defaults of the product, but for where things are, no line per request as with nginx, and access tokens that
/// outlive the run.
fn configuration(setup: &Setup<'_>, public: SocketAddr, admin: SocketAddr) -> String {
    let url = setup.public_url.map_or_else(|| format!("http://localhost:{}", public.port()), str::to_owned);
    let mut sections: BTreeMap<&str, Vec<String>> = BTreeMap::from([
        (
            "server",
            vec![
                format!("public_url = \"{url}\""),
                format!("listen = [\"{public}\"]"),
                format!("admin_listen = \"{admin}\""),
            ],
        ),
        (
            "store",
            match setup.shared {
                Some((url, key)) => {
                    vec![format!("url = \"{url}\""), format!("master_key_file = \"{}\"", key.display())]
                }
                None => vec![format!("url = \"sqlite:{}\"", database(setup.folder).display())],
            },
        ),
        ("session", vec!["access_for = \"1h\"".to_owned()]),
        ("log", vec!["requests = false".to_owned()]),
    ]);
    for (section, line) in setup.more {
        sections.entry(section).or_default().push((*line).to_owned());
    }
    let sections = sections.iter().map(|(name, lines)| format!("[{name}]\n{}\n", lines.join("\n")));
    let sections = sections.collect::<Vec<_>>().concat();
    let upstream = setup.upstream;
    format!("{sections}[[upstream]]\npath = \"/\"\nto = \"http://{upstream}\"\naccess = \"signed-in\"\n")
}

/// Makes a new master key in this file, which a server does not do for a database that is there or that others use.
pub(crate) fn master_key(file: &Path) -> Result<()> {
    let mut made = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(file)?;
    Ok(made.write_all(MasterKey::generate()?.to_text().as_bytes())?)
}

/// The file of the database of a server by itself.
pub(crate) fn database(folder: &Path) -> PathBuf {
    folder.join("cloakroom.db")
}
