//! Chromium by the `DevTools` protocol: one WebSocket, a flattened session per tab, a `BrowserContext` per context.
//!
//! The pipe transport (`--remote-debugging-pipe`) would need file descriptors 3 and 4 set up by unsafe code, so a port
//! chosen by the browser on 127.0.0.1 is used.

mod authenticator;
mod evaluation;
mod extension;
mod frames;
mod start;
mod tab;
mod watcher;

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use async_trait::async_trait;
use serde_json::{Value, json};

use self::tab::ChromiumTab;
use super::cookie::Cookie;
use super::driver::{BrowserDriver, COMMAND_DEADLINE, ContextDriver, TabDriver};
use super::launch::Launch;
use super::link::{CallError, Link};
use super::process::{Process, Says, Start};

pub(super) struct Chromium {
    link: Arc<Link>,
    version: String,
    frugal: bool,
    process: Process,
}

impl Chromium {
    pub(crate) async fn launch(program: &Path, launch: &Launch) -> Result<Self> {
        let (profile, extension) = (launch.profile()?, launch.extension()?);
        start::prepare(launch, profile.path())?;
        let start = Start {
            program,
            arguments: start::arguments(launch, profile.path()),
            profile,
            says: Says::AfterMarker("DevTools listening on"),
            headed: launch.headed,
        };
        let (process, address) = start.process().await?;
        let link = Arc::new(Link::open(&address).await?);
        let answer = call(&link, "Browser.getVersion", json!({})).await?;
        let version = answer["product"].as_str().context("the browser has no version")?.to_owned();
        if let Some(folder) = extension {
            extension::install(&link, &folder).await?;
        }
        Ok(Self { link, version, frugal: launch.frugal, process })
    }
}

#[async_trait]
impl BrowserDriver for Chromium {
    fn version(&self) -> &str {
        &self.version
    }

    fn process_id(&self) -> i32 {
        self.process.id()
    }

    async fn context(&self) -> Result<Box<dyn ContextDriver>> {
        let answer = call(&self.link, "Target.createBrowserContext", json!({})).await?;
        let id = answer["browserContextId"].as_str().context("no id of the new context")?.to_owned();
        Ok(Box::new(ChromiumContext { link: Arc::clone(&self.link), id: Some(id), logs: !self.frugal }))
    }

    async fn kept_context(&self) -> Result<Box<dyn ContextDriver>> {
        Ok(Box::new(ChromiumContext { link: Arc::clone(&self.link), id: None, logs: !self.frugal }))
    }

    async fn close(&self) -> Result<()> {
        match call(&self.link, "Browser.close", json!({})).await {
            // It may hang up before it answers.
            Ok(_) | Err(CallError::Dead { .. }) => self.process.quit().await,
            Err(error) => Err(error.into()),
        }
    }
}

struct ChromiumContext {
    link: Arc<Link>,
    /// None for the profile's own, which no command names.
    id: Option<String>,
    /// Whether its pages keep a log of responses.
    logs: bool,
}

#[async_trait]
impl ContextDriver for ChromiumContext {
    async fn page(&self) -> Result<Box<dyn TabDriver>> {
        Ok(Box::new(ChromiumTab::open(Arc::clone(&self.link), self.id.as_deref(), self.logs).await?))
    }

    async fn windows(&self) -> Result<Vec<(String, String)>> {
        let answer = call(&self.link, "Target.getTargets", json!({})).await?;
        let targets = answer["targetInfos"].as_array().context("no list of targets")?.iter();
        let mine = |target: &&Value| {
            let jar = self.id.as_deref().is_none_or(|id| target["browserContextId"] == id);
            jar && target["type"] == "page"
        };
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        Ok(targets.filter(mine).map(|target| (text(&target["targetId"]), text(&target["url"]))).collect())
    }

    async fn adopt(&self, window: String) -> Result<Box<dyn TabDriver>> {
        Ok(Box::new(ChromiumTab::adopt(Arc::clone(&self.link), window, self.logs).await?))
    }

    async fn cookies(&self) -> Result<Vec<Cookie>> {
        let params = self.id.as_ref().map_or_else(|| json!({}), |id| json!({ "browserContextId": id }));
        let answer = call(&self.link, "Storage.getCookies", params).await?;
        let cookies = answer["cookies"].as_array().context("no list of cookies")?;
        Ok(cookies.iter().map(read_cookie).collect())
    }

    async fn set_cookie(&self, cookie: &Cookie) -> Result<()> {
        let mut written = json!({
            "name": cookie.name, "value": cookie.value, "path": cookie.path, "secure": cookie.secure,
            "httpOnly": cookie.http_only,
        });
        // A cookie of one host is named by an address there; with a domain it would be one of a whole domain.
        if cookie.domain.starts_with('.') {
            written["domain"] = cookie.domain.as_str().into();
        } else {
            let scheme = if cookie.secure { "https" } else { "http" };
            written["url"] = format!("{scheme}://{}{}", cookie.domain, cookie.path).into();
        }
        if let Some(word) = cookie.same_site.word() {
            written["sameSite"] = word.into();
        }
        if let Some(expiry) = cookie.expiry {
            written["expires"] = expiry.into();
        }
        let mut params = json!({ "cookies": [written] });
        if let Some(id) = &self.id {
            params["browserContextId"] = id.as_str().into();
        }
        call(&self.link, "Storage.setCookies", params).await?;
        Ok(())
    }

    async fn close(&self) -> Result<()> {
        let Some(id) = &self.id else { bail!("the context of the profile ends with its browser") };
        call(&self.link, "Target.disposeBrowserContext", json!({ "browserContextId": id })).await?;
        Ok(())
    }
}

fn read_cookie(cookie: &Value) -> Cookie {
    let value = cookie["value"].as_str().unwrap_or_default().to_owned();
    // A fraction of a second says nothing a test could want; session cookies say -1.
    #[expect(clippy::cast_possible_truncation, reason = "seconds since 1970, far inside i64")]
    let expiry = cookie["expires"].as_f64().filter(|expires| *expires >= 0.0).map(|expires| expires as i64);
    Cookie::read(cookie, value, expiry)
}

async fn call(link: &Link, method: &str, params: Value) -> Result<Value, CallError> {
    link.call(None, method, params, COMMAND_DEADLINE).await
}
