//! The real Cloakroom: the shipped program as a process of its own, with a configuration that the documentation recommends,
//! and behind it the same bank as everywhere. The lab knows it by its sockets alone.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST, HeaderValue};
use http::{Request, Response, StatusCode, Uri};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::watch;

/// How long the program may take to start on a busy machine.
const STARTS_WITHIN: Duration = Duration::from_mins(1);

/// No answer that anybody here looks at is larger.
const LARGEST_ANSWER: usize = 4 << 20;

/// Opens `/admin` on a loopback port of a server that lives as long as a run.
const ADMIN_TOKEN: &str = "the-lab-opens-accounts-with-this-and-with-nothing-else";

/// The strategies of Cloakroom that a browser can use, as `session.strategy` names them.
pub(crate) const STRATEGIES: [&str; 5] = ["cookie", "ticket", "split", "split-bearer", "memory"];

/// A running Cloakroom.
pub(crate) struct Cloakroom {
    public: String,
    admin: String,
    client: Client<HttpConnector, Full<Bytes>>,
    /// Everything it has logged.
    log: watch::Receiver<Vec<String>>,
    _child: Child,
    _folder: TempDir,
}

/// Where the program is: `CLOAKROOM_BIN`, or beside this one, or on the path.
pub(crate) fn program() -> Result<PathBuf> {
    if let Some(path) = std::env::var_os("CLOAKROOM_BIN") {
        return Ok(PathBuf::from(path));
    }
    let me = std::env::current_exe()?;
    let beside =
        [me.parent(), me.parent().and_then(Path::parent)].into_iter().flatten().map(|dir| dir.join("cloakroom"));
    let on_path = std::env::var_os("PATH").unwrap_or_default();
    let on_path: Vec<_> = std::env::split_paths(&on_path).map(|dir| dir.join("cloakroom")).collect();
    beside.chain(on_path).find(|path| path.is_file()).context(
        "the program `cloakroom` is neither beside cloakroom-lab nor on the PATH: build it (`cargo build -p cloakroom-server`), \
         or say where it is in CLOAKROOM_BIN",
    )
}

impl Cloakroom {
    /// Starts it for a strategy, to be reached at `origin`, with `upstream` behind it.
    pub(crate) async fn start(strategy: &str, origin: &str, upstream: std::net::SocketAddr) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("cloakroom-lab-").tempdir()?;
        let file = folder.path().join("cloakroom.toml");
        std::fs::write(&file, configuration(strategy, origin, upstream, folder.path()))?;
        let mut child = Command::new(program()?)
            .args(["serve", "--config"])
            .arg(&file)
            .current_dir(folder.path())
            // Whatever is set here is for other servers.
            .env_clear()
            .env("CLOAKROOM_SERVER_ADMIN_TOKEN", ADMIN_TOKEN)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // Ctrl-C in a terminal is for the lab, which ends it when the last cell is done.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .context("cannot start cloakroom")?;
        let (lines, mut log) = watch::channel(Vec::new());
        let output: [Box<dyn tokio::io::AsyncRead + Send + Unpin>; 2] =
            [Box::new(child.stdout.take().context("no output")?), Box::new(child.stderr.take().context("no output")?)];
        for output in output {
            let lines = lines.clone();
            tokio::spawn(async move {
                let mut read = BufReader::new(output).lines();
                while let Ok(Some(line)) = read.next_line().await {
                    lines.send_modify(|all| all.push(line));
                }
            });
        }
        drop(lines);
        // Too late, or ended: either way it said nothing that can be used.
        drop(tokio::time::timeout(STARTS_WITHIN, log.wait_for(|lines| listening(lines).is_some())).await);
        let found = listening(&log.borrow());
        let Some((public, admin)) = found else {
            bail!("cloakroom did not start for strategy {strategy}; it said: {}", log.borrow().join("\n"));
        };
        let client = Client::builder(TokioExecutor::new()).build(HttpConnector::new());
        Ok(Self { public, admin, client, log, _child: child, _folder: folder })
    }

    /// Opens an account whose address is confirmed, and gives its id.
    pub(crate) async fn open_account(&self, email: &str, hash: &str) -> Result<String> {
        let body = json!({ "email": email, "hash": hash, "verified": true }).to_string();
        let request = Request::post(format!("http://{}/admin/accounts/import", self.admin))
            .header(AUTHORIZATION, format!("Bearer {ADMIN_TOKEN}"))
            .header(CONTENT_TYPE, "application/json")
            .body(Full::new(Bytes::from(body)))?;
        let answer = self.client.request(request).await?;
        let status = answer.status();
        let said = Limited::new(answer.into_body(), LARGEST_ANSWER).collect().await;
        let said = said.map_err(|error| anyhow::anyhow!(error))?.to_bytes();
        if status != StatusCode::CREATED {
            bail!("cloakroom opened no account: {status} {}", String::from_utf8_lossy(&said));
        }
        let said: Value = serde_json::from_slice(&said)?;
        let id = said.get("id").and_then(Value::as_str).context("cloakroom gave no id of the account")?;
        Ok(id.to_owned())
    }

    /// Hands a request on as a TLS-terminating proxy in front of it does, and gives its answer.
    pub(crate) async fn answer(&self, mut request: Request<Bytes>, host: &str, peer: &str) -> Result<Response<Bytes>> {
        let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
        *request.uri_mut() = format!("http://{}{path}", self.public).parse::<Uri>()?;
        let headers = request.headers_mut();
        for name in ["x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "forwarded"] {
            headers.remove(name);
        }
        headers.insert("x-forwarded-for", HeaderValue::from_str(peer)?);
        headers.insert("x-forwarded-proto", HeaderValue::from_static("https"));
        headers.insert("x-forwarded-host", HeaderValue::from_str(host)?);
        headers.insert(HOST, HeaderValue::from_str(host)?);
        let answer = self.client.request(request.map(Full::new)).await?;
        let (mut parts, body) = answer.into_parts();
        let body = Limited::new(body, LARGEST_ANSWER).collect().await.map_err(|error| anyhow::anyhow!(error))?;
        // Hop by hop (RFC 9110 7.6.1); the door frames the body anew.
        for name in ["connection", "transfer-encoding", "content-length", "keep-alive"] {
            parts.headers.remove(name);
        }
        Ok(Response::from_parts(parts, body.to_bytes()))
    }

    /// The keys that its tokens are signed with, as a JWKS.
    pub(crate) async fn keys(&self) -> Result<Value> {
        let request = Request::get(format!("http://{}/.well-known/jwks.json", self.public)).body(Full::default())?;
        let body = Limited::new(self.client.request(request).await?.into_body(), LARGEST_ANSWER);
        let body = body.collect().await.map_err(|error| anyhow::anyhow!(error))?.to_bytes();
        Ok(serde_json::from_slice(&body)?)
    }

    /// Everything it has logged so far.
    pub(crate) fn logged(&self) -> Vec<String> {
        self.log.borrow().clone()
    }
}

/// Its addresses, once it has said them.
fn listening(lines: &[String]) -> Option<(String, String)> {
    lines.iter().find_map(|line| {
        let line: Value = serde_json::from_str(line).ok()?;
        let text = |name: &str| {
            let value = line.get(name).or_else(|| line.get("fields").and_then(|fields| fields.get(name)))?;
            value.as_str().map(str::to_owned)
        };
        Some((text("listening")?, text("admin")?))
    })
}

fn configuration(strategy: &str, origin: &str, upstream: std::net::SocketAddr, folder: &Path) -> String {
    let weaker = strategy == "memory";
    let store = folder.join("cloakroom.db");
    format!(
        r#"
[server]
public_url = {origin:?}
listen = ["127.0.0.1:0"]
admin_listen = "127.0.0.1:0"
trusted_proxies = ["127.0.0.1"]
service_workers = ["/sw.js"]

[store]
url = "sqlite:{}"
master_key_file = "{}.master-key"

[session]
strategy = {strategy:?}
acknowledge_weaker = {weaker}
offered = ["native"]
race_window = "1s"

[account]
signup = "closed"

# A log-in is not what is measured here; hundreds of them wait for each other.
[password]
memory_kib = 7168
passes = 1

[[upstream]]
name = "bank"
path = "/"
to = "http://{upstream}"
access = "optional"
audience = "https://bank.test/api"

[[upstream]]
name = "api"
path = "/api"
to = "http://{upstream}"
access = "signed-in"
audience = "https://bank.test/api"
step_up = [{{ method = "POST", path = "/api/delete" }}]

[log]
format = "json"
"#,
        store.display(),
        store.display()
    )
}
