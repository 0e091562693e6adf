//! Installs an extension in Chromium, and waits until it runs: what happens before is not told to it.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{call, evaluation};
use crate::driver::COMMAND_DEADLINE;
use crate::link::Link;

/// How often it is asked whether its worker is there.
const ASK_AGAIN: Duration = Duration::from_millis(20);

/// Gives `true` once the worker's script has run to its end and its listeners are known.
const ACTIVATED: &str = "new Promise(done => {
  const look = () => { if (self.serviceWorker.state === 'activated') done('true') };
  self.serviceWorker.addEventListener('statechange', look);
  look();
})";

/// `folder` is its whole path.
pub(super) async fn install(link: &Link, folder: &Path) -> Result<()> {
    // Contexts are windows of the incognito kind to it.
    let params = json!({ "path": folder, "enableInIncognito": true });
    let answer = call(link, "Extensions.loadUnpacked", params).await?;
    let id = answer["id"].as_str().context("no id of the extension")?;
    let manifest = std::fs::read(folder.join("manifest.json"))?;
    // Chromium has just read it without complaint; with what is no plain JSON to us it is not waited for.
    let manifest: Value = serde_json::from_slice(&manifest).unwrap_or_default();
    if !manifest["background"]["service_worker"].is_string() {
        return Ok(());
    }
    let worker = worker(link, &format!("chrome-extension://{id}/")).await?;
    let params = json!({ "targetId": worker, "flatten": true });
    let answer = call(link, "Target.attachToTarget", params).await?;
    let session = answer["sessionId"].as_str().context("no session of the extension")?;
    evaluation::run(link, session, None, ACTIVATED, COMMAND_DEADLINE).await.context("the extension does not start")?;
    // A worker that is looked at never sleeps, which is not how it is otherwise.
    call(link, "Target.detachFromTarget", json!({ "sessionId": session })).await?;
    Ok(())
}

/// The worker of this origin, once it is there.
async fn worker(link: &Link, origin: &str) -> Result<String> {
    let end = Instant::now() + COMMAND_DEADLINE;
    let mut again = tokio::time::interval(ASK_AGAIN);
    loop {
        again.tick().await;
        let answer = call(link, "Target.getTargets", json!({})).await?;
        let found = answer["targetInfos"].as_array().into_iter().flatten().find(|target| {
            target["type"] == "service_worker" && target["url"].as_str().is_some_and(|url| url.starts_with(origin))
        });
        if let Some(worker) = found.and_then(|worker| worker["targetId"].as_str()) {
            return Ok(worker.to_owned());
        }
        if Instant::now() >= end {
            bail!("the extension's worker did not start");
        }
    }
}
