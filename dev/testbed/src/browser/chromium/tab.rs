//! One tab of Chromium: navigation, evaluation, input and pictures by `DevTools` commands.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, bail};
use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tokio::sync::{mpsc, watch};

use super::authenticator;
use super::watcher::{Progress, Watcher};
use crate::browser::driver::{COMMAND_DEADLINE, EvalError, Look, PAGE_DEADLINE, PAINTED, TabDriver, parse_answer};
use crate::browser::key::Key;
use crate::browser::link::{CallError, Heard, Link};
use crate::browser::response::{self, ResponseLog, ResponseSeen};

/// Bodies the browser keeps for us, per tab and in all.
const BODY_BUFFER: u64 = 64 << 20;

pub(super) struct ChromiumTab {
    link: Arc<Link>,
    target: String,
    session: String,
    progress: watch::Receiver<Progress>,
    moves: watch::Receiver<()>,
    scripts_off: AtomicBool,
    log: Arc<watch::Sender<ResponseLog>>,
    queue: mpsc::WeakUnboundedSender<Heard>,
}

impl ChromiumTab {
    pub(super) async fn open(link: Arc<Link>, context: Option<&str>) -> Result<Self> {
        // A window of its own: a tab behind another one gets no animation frames.
        let mut params = json!({ "url": "about:blank", "newWindow": true });
        if let (Some(context), Some(params)) = (context, params.as_object_mut()) {
            params.insert("browserContextId".to_owned(), context.into());
        }
        let answer = link.call(None, "Target.createTarget", params, COMMAND_DEADLINE).await?;
        let target = answer["targetId"].as_str().context("no id of the new tab")?.to_owned();
        Self::adopt(link, target).await
    }

    /// Drives a tab that is there already.
    pub(super) async fn adopt(link: Arc<Link>, target: String) -> Result<Self> {
        let (events, queue) = link.listen();
        let params = json!({ "targetId": target, "flatten": true });
        let answer = link.call(None, "Target.attachToTarget", params, COMMAND_DEADLINE).await?;
        let session = answer["sessionId"].as_str().context("no session of the new tab")?.to_owned();

        let (sender, progress) = watch::channel(Progress::default());
        let (step, moves) = watch::channel(());
        let log = Arc::new(watch::Sender::new(ResponseLog::default()));
        let watcher = Watcher {
            link: Arc::clone(&link),
            session: session.clone(),
            main_frame: target.clone(),
            progress: sender,
            moves: step,
            log: Arc::clone(&log),
        };
        tokio::spawn(watcher.run(events));

        let tab = Self { link, target, session, progress, moves, scripts_off: AtomicBool::new(false), log, queue };
        tab.call("Page.enable", json!({})).await?;
        tab.call("Page.setLifecycleEventsEnabled", json!({ "enabled": true })).await?;
        let buffers = json!({ "maxTotalBufferSize": BODY_BUFFER, "maxResourceBufferSize": BODY_BUFFER });
        tab.call("Network.enable", buffers).await?;
        tab.call("Emulation.setFocusEmulationEnabled", json!({ "enabled": true })).await?;
        Ok(tab)
    }

    async fn call(&self, method: &str, params: Value) -> Result<Value, CallError> {
        self.link.call(Some(&self.session), method, params, COMMAND_DEADLINE).await
    }

    /// Input that makes the page leave may lose its answer; the input has arrived all the same.
    async fn input(&self, method: &str, params: Value) -> Result<()> {
        match self.call(method, params).await {
            Err(error) if !document_gone(&error) => Err(error.into()),
            _ => Ok(()),
        }
    }

    async fn wait_progress(&self, what: &str, reached: impl Fn(&Progress) -> bool) -> Result<()> {
        let mut progress = self.progress.clone();
        let waiting = progress.wait_for(|progress| progress.crashed || reached(progress));
        let Ok(outcome) = tokio::time::timeout(PAGE_DEADLINE, waiting).await else {
            bail!("{what}: the page did not load within {PAGE_DEADLINE:?}");
        };
        let outcome = outcome.map_err(|_| anyhow!("{what}: the browser is gone"))?;
        if outcome.crashed {
            bail!("{what}: the tab crashed or was closed");
        }
        Ok(())
    }

    /// `world` is the execution context; the page's own if there is none.
    async fn evaluate_in(&self, world: Option<i64>, expression: &str, within: Duration) -> Result<Value, EvalError> {
        let mut params = json!({ "expression": expression, "awaitPromise": true, "returnByValue": true });
        if let Some(world) = world {
            params["contextId"] = world.into();
        }
        let answer = match self.link.call(Some(&self.session), "Runtime.evaluate", params, within).await {
            Ok(answer) => answer,
            Err(error) if document_gone(&error) => return Err(EvalError::DocumentGone),
            Err(error) => return Err(EvalError::Failed(error.into())),
        };
        let exception = &answer["exceptionDetails"];
        if exception.is_object() {
            let details = &exception["exception"];
            let text = details["description"].as_str().or_else(|| details["value"].as_str());
            return Err(EvalError::Thrown(text.or_else(|| exception["text"].as_str()).unwrap_or("?").to_owned()));
        }
        parse_answer(answer["result"]["value"].as_str())
    }
}

#[async_trait]
impl TabDriver for ChromiumTab {
    async fn evaluate(&self, expression: &str, within: Duration) -> Result<Value, EvalError> {
        self.evaluate_in(None, expression, within).await
    }

    async fn evaluate_apart(&self, expression: &str, within: Duration) -> Result<Value, EvalError> {
        let params = json!({ "frameId": self.target, "worldName": "testbed" });
        let answer = self.call("Page.createIsolatedWorld", params).await.map_err(anyhow::Error::from)?;
        self.evaluate_in(answer["executionContextId"].as_i64(), expression, within).await
    }

    async fn goto(&self, url: &str) -> Result<()> {
        let same_document = self.progress.borrow().same_document;
        let answer = self.link.call(Some(&self.session), "Page.navigate", json!({ "url": url }), PAGE_DEADLINE).await?;
        if let Some(error) = answer["errorText"].as_str().filter(|error| !error.is_empty()) {
            bail!("{url}: {error}");
        }
        // No loader means that only the fragment changed.
        let Some(loader) = answer["loaderId"].as_str() else {
            return self.wait_progress(url, |progress| progress.same_document > same_document).await;
        };
        self.wait_progress(url, |progress| progress.loaded && progress.loaders.iter().any(|seen| seen == loader)).await
    }

    async fn reload(&self) -> Result<()> {
        let before = self.progress.borrow().commits;
        self.call("Page.reload", json!({})).await?;
        self.wait_progress("reload", |progress| progress.loaded && progress.commits > before).await
    }

    async fn back(&self) -> Result<()> {
        let history = self.call("Page.getNavigationHistory", json!({})).await?;
        let current = history["currentIndex"].as_u64().and_then(|index| usize::try_from(index).ok());
        let entry = current.and_then(|index| index.checked_sub(1)).and_then(|index| history["entries"].get(index));
        let entry = entry.and_then(|entry| entry["id"].as_i64()).context("there is no page to go back to")?;
        let (commits, same_document) = {
            let progress = self.progress.borrow();
            (progress.commits, progress.same_document)
        };
        self.call("Page.navigateToHistoryEntry", json!({ "entryId": entry })).await?;
        self.wait_progress("back", |progress| {
            progress.loaded && (progress.commits > commits || progress.same_document > same_document)
        })
        .await
    }

    async fn url(&self) -> Result<String> {
        // Asked of the renderer: the browser process learns of a changed fragment a moment later.
        let tree = self.call("Page.getFrameTree", json!({})).await?;
        let frame = &tree["frameTree"]["frame"];
        let address = frame["unreachableUrl"].as_str().or_else(|| frame["url"].as_str());
        let fragment = frame["urlFragment"].as_str().unwrap_or_default();
        Ok(format!("{}{fragment}", address.context("the tab has no address")?))
    }

    async fn click(&self, x: f64, y: f64) -> Result<()> {
        let event = |kind: &str, buttons: u8| json!({ "type": kind, "x": x, "y": y, "button": if kind == "mouseMoved" { "none" } else { "left" }, "buttons": buttons, "clickCount": u8::from(kind != "mouseMoved") });
        for (kind, buttons) in [("mouseMoved", 0), ("mousePressed", 1), ("mouseReleased", 0)] {
            self.input("Input.dispatchMouseEvent", event(kind, buttons)).await?;
        }
        Ok(())
    }

    async fn type_text(&self, text: &str) -> Result<()> {
        self.input("Input.insertText", json!({ "text": text })).await
    }

    async fn press(&self, key: &Key) -> Result<()> {
        let mut event = json!({
            "type": if key.text.is_some() { "keyDown" } else { "rawKeyDown" },
            "key": key.name, "code": key.code, "windowsVirtualKeyCode": key.virtual_code,
        });
        if let (Some(text), Some(event)) = (&key.text, event.as_object_mut()) {
            event.insert("text".to_owned(), text.as_str().into());
        }
        self.input("Input.dispatchKeyEvent", event).await?;
        let event = json!({
            "type": "keyUp", "key": key.name, "code": key.code, "windowsVirtualKeyCode": key.virtual_code,
        });
        self.input("Input.dispatchKeyEvent", event).await
    }

    async fn set_look(&self, look: Look) -> Result<()> {
        if let Some((width, height)) = look.viewport {
            let metrics = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
            self.call("Emulation.setDeviceMetricsOverride", metrics).await?;
        } else {
            self.call("Emulation.clearDeviceMetricsOverride", json!({})).await?;
        }
        let scheme = |dark| json!({ "name": "prefers-color-scheme", "value": if dark { "dark" } else { "light" } });
        let features: Vec<Value> = look.is_dark.map(scheme).into_iter().collect();
        self.call("Emulation.setEmulatedMedia", json!({ "features": features })).await?;
        Ok(())
    }

    async fn screenshot(&self) -> Result<Vec<u8>> {
        // Without scripts there is no animation frame to ask for, and nothing but style that could change.
        if !self.scripts_off.load(Ordering::Relaxed) {
            self.evaluate(PAINTED, COMMAND_DEADLINE).await?;
        }
        let answer = self.call("Page.captureScreenshot", json!({ "format": "png" })).await?;
        Ok(STANDARD.decode(answer["data"].as_str().context("no picture")?)?)
    }

    async fn set_javascript(&self, enabled: bool) -> Result<()> {
        self.call("Emulation.setScriptExecutionDisabled", json!({ "value": !enabled })).await?;
        self.scripts_off.store(!enabled, Ordering::Relaxed);
        Ok(())
    }

    fn moves_without_scripts(&self) -> Option<watch::Receiver<()>> {
        self.scripts_off.load(Ordering::Relaxed).then(|| self.moves.clone())
    }

    async fn web_authn(&self, command: &str, params: Value) -> Result<Value> {
        // A second time it changes nothing.
        self.call("WebAuthn.enable", json!({})).await?;
        let answer = self.call(&authenticator::command(command), authenticator::to_devtools(params)).await?;
        Ok(authenticator::from_devtools(answer))
    }

    async fn responses(&self) -> Result<Vec<ResponseSeen>> {
        Ok(response::read(&self.log, &self.queue).await)
    }

    async fn close(&self) -> Result<()> {
        self.link.call(None, "Target.closeTarget", json!({ "targetId": self.target }), COMMAND_DEADLINE).await?;
        Ok(())
    }
}

/// What Chromium says when the document left while a command was under way.
fn document_gone(error: &CallError) -> bool {
    let CallError::Refused { message, .. } = error else { return false };
    ["Execution context was destroyed", "Inspected target navigated or closed", "Cannot find context with specified id"]
        .iter()
        .any(|known| message.contains(known))
}
