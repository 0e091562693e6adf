//! Firefox by `WebDriver` `BiDi`: one WebSocket, a user context per context, a window per tab.

mod marionette;
mod start;
mod tab;
mod watcher;

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
use super::launch::Launch;
use super::link::{CallError, Link};
use super::process::{Process, Says, Start};

/// Everything the tabs follow, see `watcher.rs`.
const EVENTS: [&str; 4] =
    ["browsingContext.contextCreated", "network.responseStarted", "network.responseCompleted", "network.fetchError"];

/// The user context that is kept in the profile, as `BiDi` calls it.
const KEPT: &str = "default";

pub(super) struct Firefox {
    link: Arc<Link>,
    marionette: Arc<Marionette>,
    version: String,
    takes_any_certificate: bool,
    frugal: bool,
    process: Process,
}

impl Firefox {
    pub(super) async fn launch(program: &Path, launch: &Launch) -> Result<Self> {
        let (profile, extension) = (launch.profile()?, launch.extension()?);
        start::prepare(launch, profile.path())?;
        let marionette = Arc::new(Marionette::of(profile.path()));
        let start = Start {
            program,
            arguments: start::arguments(launch, profile.path()),
            profile,
            says: Says::AfterMarker("WebDriver BiDi listening on"),
            headed: launch.headed,
        };
        let (process, address) = start.process().await?;

        let link = Arc::new(Link::open(&format!("{address}/session")).await?);
        let takes_any_certificate = launch.trusted.is_some();
        let capabilities = json!({ "alwaysMatch": {
            "acceptInsecureCerts": takes_any_certificate, "unhandledPromptBehavior": { "default": "accept" },
        } });
        let answer = call(&link, "session.new", json!({ "capabilities": capabilities })).await?;
        let reported = &answer["capabilities"];
        let name = reported["browserName"].as_str().context("the browser has no name")?;
        let number = reported["browserVersion"].as_str().context("the browser has no version")?;
        if !launch.frugal {
            call(&link, "session.subscribe", json!({ "events": EVENTS })).await?;
        }
        if let Some(folder) = extension {
            let data = json!({ "type": "path", "path": folder });
            call(&link, "webExtension.install", json!({ "extensionData": data })).await?;
        }
        let (version, frugal) = (format!("{name}/{number}"), launch.frugal);
        Ok(Self { link, marionette, version, takes_any_certificate, frugal, process })
    }
}

impl Firefox {
    async fn opened(&self, id: &str) -> Result<Box<dyn ContextDriver>> {
        if !self.frugal {
            // Without a collector Firefox keeps no bodies.
            let wanted = json!({ "dataTypes": ["response"], "maxEncodedDataSize": 10_000_000, "userContexts": [id] });
            call(&self.link, "network.addDataCollector", wanted).await?;
        }
        Ok(Box::new(FirefoxContext {
            link: Arc::clone(&self.link),
            marionette: Arc::clone(&self.marionette),
            id: id.to_owned(),
            in_tabs: self.frugal,
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
        let answer =
            call(&self.link, "browser.createUserContext", json!({ "acceptInsecureCerts": self.takes_any_certificate }))
                .await?;
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
    in_tabs: bool,
}

#[async_trait]
impl ContextDriver for FirefoxContext {
    async fn page(&self) -> Result<Box<dyn TabDriver>> {
        // A window of its own: a tab behind another one gets hardly any animation frames.
        let kind = if self.in_tabs { "tab" } else { "window" };
        let params = json!({ "type": kind, "userContext": self.id });
        let answer = call(&self.link, "browsingContext.create", params).await?;
        let page = answer["context"].as_str().context("no id of the new tab")?;
        self.adopt(page.to_owned()).await
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

    async fn set_cookie(&self, cookie: &Cookie) -> Result<()> {
        let same_site = cookie.same_site.word().map_or_else(|| "default".to_owned(), str::to_ascii_lowercase);
        let mut written = json!({
            "name": cookie.name, "value": { "type": "string", "value": cookie.value }, "domain": cookie.domain,
            "path": cookie.path, "secure": cookie.secure, "httpOnly": cookie.http_only, "sameSite": same_site,
        });
        if let Some(expiry) = cookie.expiry {
            written["expiry"] = expiry.into();
        }
        let partition = json!({ "type": "storageKey", "userContext": self.id });
        call(&self.link, "storage.setCookie", json!({ "cookie": written, "partition": partition })).await?;
        Ok(())
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
