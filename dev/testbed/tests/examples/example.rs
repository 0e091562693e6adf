//! A folder of `examples/`, started by its own script on free ports, with a clock that the test moves.

use crate::deadline::until;
use cloakroom_testbed::{Echo, Guest};
use rustix::process::{Pid, Signal, kill_process_group};
use std::net::TcpListener;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;

/// Ends the whole group when the test's process is gone, also when that was killed: its end of the pipe closes.
const GUARDED: &str = r#"
    exec 3<&0 </dev/null
    { read -r _ <&3; kill -KILL 0; } >/dev/null 2>&1 &
    exec 3<&-
    exec "$@"
"#;

/// The running example. Dropping it ends all of its processes.
pub(crate) struct Example {
    folder: PathBuf,
    data: TempDir,
    config: PathBuf,
    port: u16,
    app: u16,
    /// Sees the tokens of `/spy` (for another audience than the API's) and `/same` (for the API's).
    pub(crate) echo: Echo,
    group: Option<Child>,
}

impl Example {
    /// Starts `examples/{name}` and waits until it answers.
    pub(crate) async fn start(name: &str) -> Self {
        let (data, echo) = (tempfile::tempdir().unwrap(), Echo::start().await);
        let [port, app, admin] = free_ports();
        let folder = root().join("examples").join(name);
        let written = std::fs::read_to_string(folder.join("cloakroom.toml")).unwrap();
        let mut config = written.replace("demo-data", &data.path().display().to_string());
        for (from, to) in [(":8080", port), (":8081", app), (":9090", admin)] {
            assert!(config.contains(from), "{name}/cloakroom.toml has no {from}");
            config = config.replace(from, &format!(":{to}"));
        }
        let echoes = [("/spy", "another"), ("/same", "things")].map(|(path, audience)| {
            let to = echo.address;
            format!(
                "[[upstream]]\npath = {path:?}\nto = \"http://{to}\"\naccess = \"signed-in\"\naudience = {audience:?}\n"
            )
        });
        // As cheap as allowed: what is tried here is not how passwords are hashed.
        let password = "[password]\nmemory_kib = 7168\npasses = 1\n";
        let path = data.path().join("cloakroom.toml");
        std::fs::write(&path, [&config, "\n", &echoes.concat(), password].concat()).unwrap();
        let mut example = Self { folder, data, config: path, port, app, echo, group: None };
        example.advance(0);
        example.open().await;
        example
    }

    /// Starts it again on the same files and ports.
    pub(crate) async fn open(&mut self) {
        let mut command = self.command("sh");
        command
            .args(["-c", GUARDED, "sh", "./start"])
            .env("GATEWAY", env!("CARGO_BIN_EXE_cloakroom-of-examples"))
            .env("API", env!("CARGO_BIN_EXE_axum-of-examples"))
            .env("CONFIG", &self.config)
            .env("DATA", self.data.path())
            .env("PORT", self.app.to_string())
            .env("ISSUER", self.origin())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(std::fs::File::create(self.data.path().join("log")).unwrap())
            .process_group(0);
        self.group = Some(command.spawn().unwrap());
        until("the gateway and the page answer", async || {
            let ended = self.group.as_mut()?.try_wait().unwrap().is_some();
            assert!(!ended, "it has ended: {}", std::fs::read_to_string(self.data.path().join("log")).unwrap());
            let page = ask(self.port, "/", None).await?.0 == 200;
            (page && self.hears().await).then_some(())
        })
        .await;
    }

    /// A program on the example's clock, in its folder.
    pub(crate) fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        // Where the packages of an example are.
        let homes = ["PATH", "HOME", "XDG_CACHE_HOME"].map(|name| Some((name, std::env::var_os(name)?)));
        command
            .current_dir(&self.folder)
            .env_clear()
            .envs(homes.into_iter().flatten())
            .env("LANG", "C.UTF-8")
            .env("LD_PRELOAD", faketime())
            .env("FAKETIME_TIMESTAMP_FILE", self.data.path().join("clock"))
            .env("FAKETIME_NO_CACHE", "1")
            // Time limits go on as they are.
            .env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
        command
    }

    /// Moves the clock of all of its processes to so many seconds after the machine's.
    pub(crate) fn advance(&self, seconds: u64) {
        // Renamed, so that nobody reads half of it.
        let [new, clock] = ["clock.new", "clock"].map(|name| self.data.path().join(name));
        std::fs::write(&new, format!("+{seconds}")).unwrap();
        std::fs::rename(new, clock).unwrap();
    }

    /// Moves it past the end of every access token there is, and waits until an API that follows the feed hears it again: it
    /// has to take so long a silence for an outage.
    pub(crate) async fn expire(&self) {
        self.advance(301);
        until("the API hears the feed again", async || self.hears().await.then_some(())).await;
    }

    /// Whether the API can judge; one that follows no feed always can, and has no such page.
    async fn hears(&self) -> bool {
        matches!(ask(self.app, "/ready", None).await, Some((200 | 404, _)))
    }

    /// Ends all of it, and waits until nobody is left.
    pub(crate) fn stop(&mut self) {
        if let Some(mut child) = self.group.take() {
            // An error means that it has ended already.
            let _ = kill_process_group(Pid::from_child(&child), Signal::KILL);
            let _ = child.wait();
        }
    }

    /// `http://localhost:` and a port.
    pub(crate) fn origin(&self) -> String {
        format!("http://localhost:{}", self.port)
    }

    /// How many requests to a path of Cloakroom's own its log tells of since the last start.
    pub(crate) fn logged(&self, path: &str) -> usize {
        let log = std::fs::read_to_string(self.data.path().join("log")).unwrap();
        log.matches(&format!("path={path:?} ")).count()
    }

    /// Where tests can put files of their own.
    pub(crate) fn data(&self) -> &Path {
        self.data.path()
    }

    /// A visitor with an empty cookie jar.
    pub(crate) fn guest(&self) -> Guest {
        Guest::at(&self.origin(), self.port)
    }

    /// Asks the API, past the gateway: the status, and the code of a refusal.
    pub(crate) async fn api(&self, token: Option<&str>) -> (u16, String) {
        let (status, body) = ask(self.app, "/api/things", token).await.unwrap();
        (status, body["code"].as_str().unwrap_or_default().to_owned())
    }
}

impl Drop for Example {
    fn drop(&mut self) {
        self.stop();
    }
}

/// The repository.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap().to_owned()
}

/// Ports that nobody had a moment ago.
pub(crate) fn free_ports<const N: usize>() -> [u16; N] {
    let held = [(); N].map(|()| TcpListener::bind(("127.0.0.1", 0)).unwrap());
    held.map(|listener| listener.local_addr().unwrap().port())
}

/// Where Debian's package `faketime` puts it: a folder for each architecture.
fn faketime() -> PathBuf {
    let mut folders = std::fs::read_dir("/usr/lib").unwrap().map(|entry| entry.unwrap().path());
    let found = folders.find_map(|folder| {
        let library = folder.join("faketime/libfaketimeMT.so.1");
        library.exists().then_some(library)
    });
    found.unwrap_or_else(|| panic!("libfaketime is missing: apt-get install faketime"))
}

/// `GET`: the status and the body as JSON. Nothing where nobody answers.
pub(crate) async fn ask(port: u16, path: &str, token: Option<&str>) -> Option<(u16, serde_json::Value)> {
    let client = hyper_util::client::legacy::Client::builder(hyper_util::rt::TokioExecutor::new()).build_http();
    let mut request = http::Request::get(format!("http://127.0.0.1:{port}{path}"));
    if let Some(token) = token {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    let response = client.request(request.body(http_body_util::Empty::<bytes::Bytes>::new()).unwrap()).await.ok()?;
    let status = response.status().as_u16();
    let body = http_body_util::BodyExt::collect(response.into_body()).await.ok()?.to_bytes();
    Some((status, serde_json::from_slice(&body).unwrap_or_default()))
}
