//! The release server in a process of its own, configured by a file like anybody's.

use crate::http::{Answer, Client, get, post};
use crate::process::{Process, free, processor_seconds};
use crate::resident::{self, Resident};
use anyhow::{Result, bail, ensure};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// A password that the policy takes.
pub(crate) const PASSWORD: &str = "correct horse battery staple";

/// What a script of the site's own pages sends.
const SAME_ORIGIN: [(&str, &str); 2] = [("sec-fetch-site", "same-origin"), ("sec-fetch-mode", "cors")];

/// A running server.
pub(crate) struct Server {
    pub(crate) public: SocketAddr,
    /// From its start to its first answer on `/readyz`.
    pub(crate) ready_after: Duration,
    process: Process,
}

/// How to start one.
pub(crate) struct Setup<'a> {
    pub(crate) binary: PathBuf,
    /// Its database, key, configuration and log are here.
    pub(crate) folder: &'a Path,
    /// Its only upstream, signed-in.
    pub(crate) upstream: SocketAddr,
}

impl Server {
    /// Starts it and waits until it is ready.
    pub(crate) fn start(setup: &Setup<'_>) -> Result<Self> {
        let (public, admin) = (free()?, free()?);
        let file = setup.folder.join("cloakroom.toml");
        std::fs::write(&file, configuration(setup, public, admin))?;
        let mut command = Command::new(&setup.binary);
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

    /// Signs up and logs in; answers the `Cookie` header of a signed-in request.
    pub(crate) fn sign_in(&self, email: &str) -> Result<String> {
        let body = credentials(email);
        let mut client = Client::connect(self.public)?;
        let answer = client.send(&post("/auth/signup", &SAME_ORIGIN, &body))?;
        ensure!(answer.status == 202, "sign-up was answered {}", told(&answer));
        let answer = client.send(&post("/auth/login", &SAME_ORIGIN, &body))?;
        ensure!(answer.status == 200, "log-in was answered {}", told(&answer));
        let cookies = answer.headers("set-cookie").filter_map(|cookie| cookie.split(';').next());
        let access = cookies.into_iter().find(|pair| pair.starts_with("__Host-Http-cloakroom="));
        access.map(str::to_owned).ok_or_else(|| anyhow::anyhow!("log-in set no access cookie"))
    }
}

/// The bytes of a log-in.
pub(crate) fn log_in_request(email: &str) -> Vec<u8> {
    post("/auth/login", &SAME_ORIGIN, &credentials(email))
}

/// The bytes of a signed-in request to the upstream.
pub(crate) fn signed_in_request(cookie: &str) -> Vec<u8> {
    let [site, mode] = SAME_ORIGIN;
    get("/x", &[site, mode, ("cookie", cookie)])
}

fn credentials(email: &str) -> String {
    serde_json::json!({ "email": email, "password": PASSWORD }).to_string()
}

fn told(answer: &Answer) -> String {
    format!("{}: {}", answer.status, String::from_utf8_lossy(&answer.body))
}

fn is_ready(admin: SocketAddr) -> bool {
    let answer = Client::connect(admin).and_then(|mut client| client.send(&get("/readyz", &[])));
    answer.is_ok_and(|answer| answer.status == 200)
}

/// The defaults of the product, but for where things are, no line per request as with nginx, and access tokens that
/// outlive the run.
fn configuration(setup: &Setup<'_>, public: SocketAddr, admin: SocketAddr) -> String {
    format!(
        "[server]\npublic_url = \"http://localhost:{port}\"\nlisten = [\"{public}\"]\nadmin_listen = \"{admin}\"\n\
         [store]\nurl = \"sqlite:{database}\"\n\
         [session]\naccess_for = \"1h\"\n\
         [log]\nrequests = false\n\
         [[upstream]]\npath = \"/\"\nto = \"http://{upstream}\"\naccess = \"signed-in\"\n",
        port = public.port(),
        database = setup.folder.join("cloakroom.db").display(),
        upstream = setup.upstream,
    )
}
