//! One driver, one session: commands are JSON over HTTP on loopback (`WebDriver` 6), one after the other.

use std::collections::VecDeque;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, bail};
use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};
use tokio::process::{Child, Command};
use tokio::sync::Mutex;

use super::{Machine, capabilities};
use crate::driver::{COMMAND_DEADLINE, PAGE_DEADLINE};
use crate::engine::WEBKIT_DRIVER;

/// A cold start on a busy machine takes seconds, not more than this.
const START_DEADLINE: Duration = Duration::from_secs(90);
/// How often it is asked meanwhile whether it listens; it does not say so by itself.
const ASK_AGAIN: Duration = Duration::from_millis(20);
/// Screenshots come as one answer.
const MAX_ANSWER: usize = 64 << 20;
/// Frames of one page that are looked at.
const MAX_FRAMES: u32 = 100;
/// Longer than any condition is waited for.
const SCRIPT_MILLISECONDS: u64 = 600_000;

pub(super) struct Session {
    client: Client<HttpConnector, Full<Bytes>>,
    base: String,
    /// Windows that no tab has taken yet. Held over a command: the driver has one current window.
    fresh: Mutex<VecDeque<String>>,
    _driver: Child,
}

/// What a driver says when it does not do what it was told.
#[derive(Debug, thiserror::Error)]
pub(super) enum CallError {
    #[error("{error}: {message}")]
    Refused { error: String, message: String },
    #[error(transparent)]
    Failed(#[from] anyhow::Error),
}

impl Session {
    /// Starts a driver in the process group of the machine, and a session with it. Gives the browser's version, too.
    pub(super) async fn open(machine: &Machine) -> Result<(Self, String)> {
        let (driver, port) = start(machine).await?;
        let client = Client::builder(TokioExecutor::new()).build_http();
        let base = format!("http://127.0.0.1:{port}/session");
        let answer = call(&client, "POST", &base, capabilities(machine), START_DEADLINE).await?;
        let id = answer["sessionId"].as_str().context("no id of the new session")?;
        let known = |name: &str| answer["capabilities"][name].as_str().unwrap_or("?").to_owned();
        let version = format!("{}/{}", known("browserName"), known("browserVersion"));
        let session = Self { client, base: format!("{base}/{id}"), fresh: Mutex::default(), _driver: driver };
        let page_load = u64::try_from(PAGE_DEADLINE.as_millis())?;
        let timeouts = json!({ "script": SCRIPT_MILLISECONDS, "pageLoad": page_load });
        session.call("POST", "timeouts", timeouts, COMMAND_DEADLINE).await?;
        let first = session.windows().await?;
        session.fresh.lock().await.extend(first);
        Ok((session, version))
    }

    /// A window that is nobody's yet.
    pub(super) async fn take_window(&self) -> Result<String> {
        let mut fresh = self.fresh.lock().await;
        if let Some(window) = fresh.pop_front() {
            return Ok(window);
        }
        self.new_window().await
    }

    /// A window in the place of this one, which is closed.
    pub(super) async fn replace(&self, window: &str) -> Result<String> {
        let _only_one = self.fresh.lock().await;
        let fresh = self.new_window().await?;
        self.call("POST", "window", json!({ "handle": window }), COMMAND_DEADLINE).await?;
        self.call("DELETE", "window", Value::Null, COMMAND_DEADLINE).await?;
        Ok(fresh)
    }

    /// Only with the lock held.
    async fn new_window(&self) -> Result<String> {
        // The command is one of the present window, which may have been closed.
        if let Some(open) = self.windows().await?.into_iter().next() {
            self.call("POST", "window", json!({ "handle": open }), COMMAND_DEADLINE).await?;
        }
        // A window of its own: a tab behind another one gets no animation frames.
        let answer = self.call("POST", "window/new", json!({ "type": "window" }), COMMAND_DEADLINE).await?;
        Ok(answer["handle"].as_str().context("no handle of the new window")?.to_owned())
    }

    /// Every open window.
    pub(super) async fn windows(&self) -> Result<Vec<String>> {
        let answer = self.call("GET", "window/handles", Value::Null, COMMAND_DEADLINE).await?;
        let handles = answer.as_array().context("no list of windows")?.iter();
        Ok(handles.filter_map(|handle| handle.as_str().map(str::to_owned)).collect())
    }

    /// A command for this window. Whoever comes second waits.
    pub(super) async fn in_window(
        &self,
        window: &str,
        method: &str,
        path: &str,
        body: Value,
    ) -> Result<Value, CallError> {
        self.in_window_within(window, method, path, body, COMMAND_DEADLINE).await
    }

    pub(super) async fn in_window_within(
        &self,
        window: &str,
        method: &str,
        path: &str,
        body: Value,
        within: Duration,
    ) -> Result<Value, CallError> {
        let _only_one = self.fresh.lock().await;
        self.switch_to(window).await?;
        self.call(method, path, body, within).await
    }

    /// Goes there, and gives up when the time is over.
    pub(super) async fn goto(&self, window: &str, url: &str, within: Duration) -> Result<(), CallError> {
        let _only_one = self.fresh.lock().await;
        self.switch_to(window).await?;
        let milliseconds = u64::try_from(within.as_millis()).unwrap_or(u64::MAX);
        self.call("POST", "timeouts", json!({ "pageLoad": milliseconds }), COMMAND_DEADLINE).await?;
        let outcome = self.call("POST", "url", json!({ "url": url }), within + COMMAND_DEADLINE).await;
        if within != PAGE_DEADLINE {
            self.call("POST", "timeouts", json!({ "pageLoad": PAGE_DEADLINE.as_millis() }), COMMAND_DEADLINE).await?;
        }
        outcome.map(|_| ())
    }

    /// A script in the first frame of this window whose address contains `part`; none if there is no such frame.
    pub(super) async fn in_frame(
        &self,
        window: &str,
        part: &str,
        script: Value,
        within: Duration,
    ) -> Result<Option<Value>, CallError> {
        let _only_one = self.fresh.lock().await;
        self.switch_to(window).await?;
        let address = json!({ "script": "return location.href", "args": [] });
        for number in 0..MAX_FRAMES {
            match self.call("POST", "frame", json!({ "id": number }), COMMAND_DEADLINE).await {
                Err(CallError::Refused { error, .. }) if error == "no such frame" => break,
                outcome => outcome?,
            };
            let here = self.call("POST", "execute/sync", address.clone(), COMMAND_DEADLINE).await?;
            // The next command of any window goes to the top again.
            if here.as_str().is_some_and(|here| here.contains(part)) {
                return self.call("POST", "execute/async", script, within).await.map(Some);
            }
            self.call("POST", "frame/parent", json!({}), COMMAND_DEADLINE).await?;
        }
        Ok(None)
    }

    /// Only with the lock held.
    async fn switch_to(&self, window: &str) -> Result<(), CallError> {
        // A dialog that a page has opened meanwhile would keep every command waiting; mostly there is none to accept.
        match self.call("POST", "alert/accept", json!({}), COMMAND_DEADLINE).await {
            Err(CallError::Failed(error)) => return Err(error.into()),
            Ok(_) | Err(CallError::Refused { .. }) => {}
        }
        self.call("POST", "window", json!({ "handle": window }), COMMAND_DEADLINE).await?;
        Ok(())
    }

    /// Ends the session and its browser.
    pub(super) async fn end(&self) -> Result<()> {
        call(&self.client, "DELETE", &self.base, Value::Null, COMMAND_DEADLINE).await?;
        Ok(())
    }

    async fn call(&self, method: &str, path: &str, body: Value, within: Duration) -> Result<Value, CallError> {
        call(&self.client, method, &format!("{}/{path}", self.base), body, within).await
    }
}

async fn start(machine: &Machine) -> Result<(Child, u16)> {
    let home = machine.profile.path();
    let mut driver = Command::new(WEBKIT_DRIVER)
        .args(["--port=0", "--host=127.0.0.1"])
        .env_clear()
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
        .env("LANG", "C.UTF-8")
        .env("HOME", home)
        .env("TMPDIR", home)
        .env("XDG_RUNTIME_DIR", home)
        // May have another one of those: a Wayland screen is found there.
        .envs(machine.screen.iter().map(|(name, value)| (name, value)))
        // There is no graphics processor to emulate; without compositing at all, though, pictures are never ready.
        .env("WEBKIT_SKIA_ENABLE_CPU_RENDERING", "1")
        // No desktop is asked for anything.
        .env("NO_AT_BRIDGE", "1")
        .env("DBUS_SESSION_BUS_ADDRESS", "disabled:")
        .env("GSETTINGS_BACKEND", "memory")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(machine.group)
        .kill_on_drop(true)
        .spawn()
        .with_context(|| format!("cannot start {WEBKIT_DRIVER}"))?;
    let id = driver.id().context("the driver ended while it started")?;
    let listens = async {
        let mut again = tokio::time::interval(ASK_AGAIN);
        loop {
            again.tick().await;
            if let Some(port) = listening_port(id) {
                break port;
            }
        }
    };
    let port = tokio::select! {
        ended = driver.wait() => bail!("{WEBKIT_DRIVER} ended while it started: {}", ended?),
        port = tokio::time::timeout(START_DEADLINE, listens) => port.context("it does not listen")?,
    };
    Ok((driver, port))
}

/// The port of 127.0.0.1 where this process listens: it says so nowhere but in /proc (`proc_pid_net(5)`: address and port in
/// hexadecimal, `0A` for listening, the inode in the tenth column).
fn listening_port(process: u32) -> Option<u16> {
    let open = std::fs::read_dir(format!("/proc/{process}/fd")).ok()?;
    let sockets: Vec<String> = open
        .filter_map(|file| std::fs::read_link(file.ok()?.path()).ok()?.to_str().map(str::to_owned))
        .filter_map(|target| Some(target.strip_prefix("socket:[")?.strip_suffix(']')?.to_owned()))
        .collect();
    std::fs::read_to_string("/proc/net/tcp").ok()?.lines().find_map(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let is_it =
            fields.get(3) == Some(&"0A") && sockets.iter().any(|socket| fields.get(9) == Some(&socket.as_str()));
        let port = fields.get(1)?.strip_prefix("0100007F:")?;
        is_it.then(|| u16::from_str_radix(port, 16).ok())?
    })
}

async fn call(
    client: &Client<HttpConnector, Full<Bytes>>,
    method: &str,
    url: &str,
    body: Value,
    within: Duration,
) -> Result<Value, CallError> {
    let what = || format!("{method} {url}");
    let body = if method == "POST" { body.to_string() } else { String::new() };
    let request = Request::builder().method(method).uri(url).header("content-type", "application/json");
    let request = request.body(Full::new(Bytes::from(body))).map_err(anyhow::Error::from)?;
    let exchange = async {
        let response = client.request(request).await.context("the browser is gone")?;
        let body = Limited::new(response.into_body(), MAX_ANSWER).collect().await;
        let body = body.map_err(|error| anyhow!("the browser is gone: {error}"))?;
        anyhow::Ok(serde_json::from_slice::<Value>(&body.to_bytes())?)
    };
    let answer = tokio::time::timeout(within, exchange).await;
    let mut answer = answer.map_err(|_| anyhow!("no answer within {within:?}").context(what()))?.with_context(what)?;
    let mut value = answer["value"].take();
    if let Some(error) = value["error"].as_str().map(str::to_owned) {
        let message = value["message"].take();
        return Err(CallError::Refused { error, message: message.as_str().unwrap_or_default().to_owned() });
    }
    Ok(value)
}
