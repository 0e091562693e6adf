//! `WebKitGTK` by `WebDriver` over HTTP: a screen without a monitor, and for each context a driver of its own with one session,
//! because a driver has no more. Enough for pages that are typed into, clicked, sent and read.
//!
//! Deliberately absent, because `WebKitGTK` has no way to it: `WebAuthn`, the log of responses, the dark colour scheme, pages
//! without scripts, a context that is kept in the profile, cookies of documents that are not open.

mod session;
mod start;
mod tab;

use std::ffi::OsString;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context as _, Result, anyhow, bail};
use async_trait::async_trait;
use serde_json::{Value, json};

use self::session::Session;
use self::tab::WebKitTab;
use super::cookie::Cookie;
use super::driver::{BrowserDriver, ContextDriver, TabDriver};
use super::launch::Launch;
use super::process::{Process, screen};
use super::profile::Profile;

/// What a session needs to start another one.
#[derive(Clone)]
struct Machine {
    browser: &'static Path,
    /// The browser's.
    arguments: Vec<String>,
    /// The variables that lead to its screen.
    screen: Vec<(&'static str, OsString)>,
    /// Its folder is every program's home.
    profile: Profile,
    group: i32,
}

pub(super) struct WebKit {
    machine: Machine,
    version: String,
    /// The one that was asked for the version, until a context takes it.
    spare: Mutex<Option<Session>>,
    process: Process,
}

impl WebKit {
    pub(super) async fn launch(browser: &'static Path, launch: &Launch) -> Result<Self> {
        let arguments = start::arguments(launch)?;
        let profile = launch.profile()?;
        let first = start::first(launch.headed, profile.clone());
        let (process, said) = first.process().await?;
        let screen = if launch.headed { screen()? } else { vec![("DISPLAY", format!(":{said}").into())] };
        let machine = Machine { browser, arguments, screen, profile, group: process.id() };
        let (session, version) = Session::open(&machine).await?;
        Ok(Self { machine, version, spare: Mutex::new(Some(session)), process })
    }
}

#[async_trait]
impl BrowserDriver for WebKit {
    fn version(&self) -> &str {
        &self.version
    }

    fn process_id(&self) -> i32 {
        self.process.id()
    }

    async fn context(&self) -> Result<Box<dyn ContextDriver>> {
        let spare = self.spare.lock().unwrap_or_else(PoisonError::into_inner).take();
        let session = match spare {
            Some(session) => session,
            None => Session::open(&self.machine).await?.0,
        };
        Ok(Box::new(WebKitContext { session: Arc::new(session) }))
    }

    async fn kept_context(&self) -> Result<Box<dyn ContextDriver>> {
        bail!("every session of WebKitGTK forgets everything")
    }

    /// There is no order to quit that reaches all sessions: the whole group is killed when this is dropped.
    async fn close(&self) -> Result<()> {
        let spare = self.spare.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(session) = spare {
            session.end().await?;
        }
        Ok(())
    }
}

struct WebKitContext {
    session: Arc<Session>,
}

#[async_trait]
impl ContextDriver for WebKitContext {
    async fn page(&self) -> Result<Box<dyn TabDriver>> {
        Ok(Box::new(WebKitTab::open(Arc::clone(&self.session)).await?))
    }

    async fn windows(&self) -> Result<Vec<(String, String)>> {
        let mut windows = Vec::new();
        for window in self.session.windows().await? {
            let address = self.session.in_window(&window, "GET", "url", Value::Null).await?;
            windows.push((window, address.as_str().unwrap_or_default().to_owned()));
        }
        Ok(windows)
    }

    async fn adopt(&self, window: String) -> Result<Box<dyn TabDriver>> {
        Ok(Box::new(WebKitTab::adopt(Arc::clone(&self.session), window)))
    }

    async fn cookies(&self) -> Result<Vec<Cookie>> {
        let mut jar: Vec<Cookie> = Vec::new();
        for window in self.session.windows().await? {
            let found = self.session.in_window(&window, "GET", "cookie", Value::Null).await?;
            for cookie in found.as_array().context("no list of cookies")? {
                let value = cookie["value"].as_str().unwrap_or_default().to_owned();
                let cookie = Cookie::read(cookie, value, cookie["expiry"].as_i64());
                if !jar.contains(&cookie) {
                    jar.push(cookie);
                }
            }
        }
        Ok(jar)
    }

    async fn set_cookie(&self, cookie: &Cookie) -> Result<()> {
        let mut written = json!({
            "name": cookie.name, "value": cookie.value, "domain": cookie.domain, "path": cookie.path,
            "secure": cookie.secure, "httpOnly": cookie.http_only,
        });
        if let Some(word) = cookie.same_site.word() {
            written["sameSite"] = word.into();
        }
        if let Some(expiry) = cookie.expiry {
            written["expiry"] = expiry.into();
        }
        // The driver writes cookies of open documents only.
        let mut refused = None;
        for window in self.session.windows().await? {
            match self.session.in_window(&window, "POST", "cookie", json!({ "cookie": written })).await {
                Ok(_) => return Ok(()),
                Err(error) => refused = Some(error),
            }
        }
        Err(refused.map_or_else(|| anyhow!("there is no window"), anyhow::Error::from))
            .with_context(|| format!("WebKitGTK writes a cookie of {} only while a page of it is open", cookie.domain))
    }

    async fn close(&self) -> Result<()> {
        self.session.end().await
    }
}

/// What a session is asked for. A `Secure` cookie needs TLS here, on loopback too, so whatever certificate there is will do.
fn capabilities(machine: &Machine) -> Value {
    json!({ "capabilities": { "alwaysMatch": {
        "acceptInsecureCerts": true,
        "unhandledPromptBehavior": "accept",
        "webkitgtk:browserOptions": { "binary": machine.browser, "args": machine.arguments },
    } } })
}
