//! `WebKitGTK` by `WebDriver` over HTTP: a screen without a monitor, and for each context a driver of its own with one session,
//! because a driver has no more. Enough for pages that are typed into, clicked, sent and read.
//!
//! Deliberately absent, because `WebKitGTK` has no way to it: `WebAuthn`, the log of responses, the dark colour scheme, pages
//! without scripts, a context that is kept in the profile, cookies of documents that are not open.

mod session;
mod tab;

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context as _, Result, bail};
use async_trait::async_trait;
use serde_json::{Value, json};

use self::session::Session;
use self::tab::WebKitTab;
use super::cookie::Cookie;
use super::driver::{BrowserDriver, ContextDriver, TabDriver};
use super::process::{Process, Says};
use super::profile::Profile;

/// Where Debian's `webkit2gtk-driver` puts the browser and its driver.
const BROWSERS: [&str; 2] =
    ["/usr/lib/x86_64-linux-gnu/webkit2gtk-4.1/MiniBrowser", "/usr/lib/aarch64-linux-gnu/webkit2gtk-4.1/MiniBrowser"];
const DRIVER: &str = "/usr/bin/WebKitWebDriver";
const SCREEN: &str = "/usr/bin/Xvfb";

/// What a session needs to start another one.
#[derive(Clone)]
struct Machine {
    browser: &'static str,
    display: String,
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
    pub(super) async fn launch() -> Result<Self> {
        let browser = BROWSERS.into_iter().find(|path| Path::new(path).exists());
        let (Some(browser), true, true) = (browser, Path::new(DRIVER).exists(), Path::new(SCREEN).exists()) else {
            bail!(
                "WebKitGTK is not installed: `cargo xtask test` installs it, or \
                 `sudo apt-get install --no-install-recommends webkit2gtk-driver xvfb`"
            );
        };
        let profile = Profile::new()?;
        let args = ["-displayfd", "1", "-screen", "0", "1600x1200x24", "-nolisten", "tcp"].map(str::to_owned);
        let (process, number) = Process::start(Path::new(SCREEN), &args, profile.clone(), Says::FirstLine).await?;
        let machine = Machine { browser, display: format!(":{number}"), profile, group: process.id() };
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

    async fn close(&self) -> Result<()> {
        self.session.end().await
    }
}

/// What a session is asked for. A `Secure` cookie needs TLS here, on loopback too, so whatever certificate there is will do.
fn capabilities(browser: &str) -> Value {
    json!({ "capabilities": { "alwaysMatch": {
        "acceptInsecureCerts": true,
        "unhandledPromptBehavior": "accept",
        "webkitgtk:browserOptions": { "binary": browser, "args": ["--automation"] },
    } } })
}
