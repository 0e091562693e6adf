//! Firefox by `WebDriver` `BiDi`: one WebSocket, a user context per context, a window per tab.

mod marionette;
mod tab;
mod watcher;

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use self::marionette::Marionette;
use self::tab::FirefoxTab;
use super::cookie::Cookie;
use super::driver::{BrowserDriver, COMMAND_DEADLINE, ContextDriver, TabDriver};
use super::link::{CallError, Link};
use super::process::{Process, Says};
use super::profile::Profile;

/// What must be set before the start. Firefox sets the rest of what automation needs itself, when the remote agent runs
/// (`RecommendedPreferences.sys.mjs`).
const PREFERENCES: [(&str, &str); 30] = [
    // Every name is this machine: whatever else still asks somebody finds nobody.
    ("network.dns.forceResolve", "\"127.0.0.1\""),
    ("network.proxy.type", "0"),
    ("network.trr.mode", "5"),
    ("network.prefetch-next", "false"),
    ("network.dns.disablePrefetch", "true"),
    ("network.http.speculative-parallel-limit", "0"),
    ("network.captive-portal-service.enabled", "false"),
    ("network.connectivity-service.enabled", "false"),
    ("app.update.disabledForTesting", "true"),
    ("app.normandy.enabled", "false"),
    ("app.normandy.api_url", "\"\""),
    ("services.settings.server", "\"data:,#remote-settings-dummy/v1\""),
    ("datareporting.policy.dataSubmissionEnabled", "false"),
    ("datareporting.healthreport.uploadEnabled", "false"),
    ("datareporting.usage.uploadEnabled", "false"),
    ("toolkit.telemetry.enabled", "false"),
    ("toolkit.telemetry.server", "\"\""),
    ("browser.safebrowsing.malware.enabled", "false"),
    ("browser.safebrowsing.phishing.enabled", "false"),
    ("browser.safebrowsing.downloads.enabled", "false"),
    ("browser.startup.page", "0"),
    ("browser.startup.homepage_override.mstone", "\"ignore\""),
    ("browser.newtabpage.enabled", "false"),
    ("browser.shell.checkDefaultBrowser", "false"),
    ("extensions.update.enabled", "false"),
    ("media.gmp-manager.updateEnabled", "false"),
    ("remote.log.truncate", "true"),
    // A free port, which it writes into the profile.
    ("marionette.port", "0"),
    // Virtual authenticators answer, and nobody looks for a key in a socket.
    ("security.webauth.webauthn_enable_softtoken", "true"),
    ("security.webauth.webauthn_enable_usbtoken", "false"),
];

/// Everything the tabs follow, see `watcher.rs`.
const EVENTS: [&str; 4] =
    ["browsingContext.contextCreated", "network.responseStarted", "network.responseCompleted", "network.fetchError"];

/// Scripts may be run in the browser's own windows, see `tab.rs`.
const SYSTEM_ACCESS: &str = "-remote-allow-system-access";

/// The user context that is kept in the profile, as `BiDi` calls it.
const KEPT: &str = "default";

pub(super) struct Firefox {
    link: Arc<Link>,
    marionette: Arc<Marionette>,
    version: String,
    process: Process,
}

impl Firefox {
    pub(super) async fn launch(program: &Path, profile: Profile) -> Result<Self> {
        let mut preferences = String::new();
        for (name, value) in PREFERENCES {
            writeln!(preferences, "user_pref(\"{name}\", {value});")?;
        }
        std::fs::write(profile.path().join("user.js"), preferences)?;
        let path = profile.path().display().to_string();
        let args =
            ["-headless", "-no-remote", "-profile", &path, "--remote-debugging-port=0", "-marionette", SYSTEM_ACCESS];
        let args = args.map(str::to_owned);
        let marionette = Arc::new(Marionette::of(profile.path()));
        let (process, address) =
            Process::start(program, &args, profile, Says::AfterMarker("WebDriver BiDi listening on")).await?;

        let link = Arc::new(Link::open(&format!("{address}/session")).await?);
        let capabilities = json!({ "alwaysMatch": { "unhandledPromptBehavior": { "default": "accept" } } });
        let answer = call(&link, "session.new", json!({ "capabilities": capabilities })).await?;
        let reported = &answer["capabilities"];
        let name = reported["browserName"].as_str().context("the browser has no name")?;
        let number = reported["browserVersion"].as_str().context("the browser has no version")?;
        call(&link, "session.subscribe", json!({ "events": EVENTS })).await?;
        Ok(Self { link, marionette, version: format!("{name}/{number}"), process })
    }
}

impl Firefox {
    async fn opened(&self, id: &str) -> Result<Box<dyn ContextDriver>> {
        // Without a collector Firefox keeps no bodies.
        let wanted = json!({ "dataTypes": ["response"], "maxEncodedDataSize": 10_000_000, "userContexts": [id] });
        call(&self.link, "network.addDataCollector", wanted).await?;
        Ok(Box::new(FirefoxContext {
            link: Arc::clone(&self.link),
            marionette: Arc::clone(&self.marionette),
            id: id.to_owned(),
        }))
    }
}

#[async_trait]
impl BrowserDriver for Firefox {
    fn version(&self) -> &str {
        &self.version
    }

    fn process_id(&self) -> i32 {
        self.process.id()
    }

    async fn context(&self) -> Result<Box<dyn ContextDriver>> {
        let answer = call(&self.link, "browser.createUserContext", json!({})).await?;
        let id = answer["userContext"].as_str().context("no id of the new context")?;
        self.opened(id).await
    }

    async fn kept_context(&self) -> Result<Box<dyn ContextDriver>> {
        self.opened(KEPT).await
    }

    async fn close(&self) -> Result<()> {
        match call(&self.link, "browser.close", json!({})).await {
            // It may hang up before it answers.
            Ok(_) | Err(CallError::Dead { .. }) => self.process.quit().await,
            Err(error) => Err(error.into()),
        }
    }
}

struct FirefoxContext {
    link: Arc<Link>,
    marionette: Arc<Marionette>,
    id: String,
}

#[async_trait]
impl ContextDriver for FirefoxContext {
    async fn page(&self) -> Result<Box<dyn TabDriver>> {
        Ok(Box::new(FirefoxTab::open(Arc::clone(&self.link), Arc::clone(&self.marionette), &self.id).await?))
    }

    async fn windows(&self) -> Result<Vec<(String, String)>> {
        let answer = call(&self.link, "browsingContext.getTree", json!({ "maxDepth": 0 })).await?;
        let windows = answer["contexts"].as_array().context("no list of windows")?.iter();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let mine = windows.filter(|window| window["userContext"] == self.id.as_str());
        Ok(mine.map(|window| (text(&window["context"]), text(&window["url"]))).collect())
    }

    async fn adopt(&self, window: String) -> Result<Box<dyn TabDriver>> {
        Ok(Box::new(FirefoxTab::adopt(Arc::clone(&self.link), Arc::clone(&self.marionette), window)))
    }

    async fn cookies(&self) -> Result<Vec<Cookie>> {
        let partition = json!({ "type": "storageKey", "userContext": self.id });
        let answer = call(&self.link, "storage.getCookies", json!({ "partition": partition })).await?;
        let cookies = answer["cookies"].as_array().context("no list of cookies")?;
        Ok(cookies
            .iter()
            .map(|cookie| Cookie::read(cookie, bytes(&cookie["value"]), cookie["expiry"].as_i64()))
            .collect())
    }

    async fn close(&self) -> Result<()> {
        if self.id == KEPT {
            bail!("the context of the profile ends with its browser");
        }
        call(&self.link, "browser.removeUserContext", json!({ "userContext": self.id })).await?;
        Ok(())
    }
}

/// `BiDi`'s `network.BytesValue`; bytes that are not UTF-8 are replaced.
fn bytes(value: &Value) -> String {
    let text = value["value"].as_str().unwrap_or_default();
    if value["type"] == "base64" {
        return String::from_utf8_lossy(&STANDARD.decode(text).unwrap_or_default()).into_owned();
    }
    text.to_owned()
}

async fn call(link: &Link, method: &str, params: Value) -> Result<Value, CallError> {
    link.call(None, method, params, COMMAND_DEADLINE).await
}
