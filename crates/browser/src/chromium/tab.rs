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
use tokio::time::Instant;

use super::authenticator;
use super::evaluation::{self, document_gone};
use super::frames::Frames;
use super::watcher::{Progress, Watcher};
use crate::driver::{COMMAND_DEADLINE, EvalError, Look, PAGE_DEADLINE, PAINTED, Step, TabDriver};
use crate::key::Key;
use crate::link::{CallError, Heard, Link};
use crate::response::{self, ResponseLog, ResponseSeen};

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
    pub(super) async fn open(link: Arc<Link>, context: Option<&str>, logs: bool) -> Result<Self> {
        // A window of its own: a tab behind another one gets no animation frames.
        let mut params = json!({ "url": "about:blank", "newWindow": true });
        if let (Some(context), Some(params)) = (context, params.as_object_mut()) {
            params.insert("browserContextId".to_owned(), context.into());
        }
        let answer = link.call(None, "Target.createTarget", params, COMMAND_DEADLINE).await?;
        let target = answer["targetId"].as_str().context("no id of the new tab")?.to_owned();
        Self::adopt(link, target, logs).await
    }

    /// Drives a tab that is there already.
    pub(super) async fn adopt(link: Arc<Link>, target: String, logs: bool) -> Result<Self> {
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
        if logs {
            let buffers = json!({ "maxTotalBufferSize": BODY_BUFFER, "maxResourceBufferSize": BODY_BUFFER });
            tab.call("Network.enable", buffers).await?;
        }
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

    async fn wait_progress(&self, what: &str, within: Duration, reached: impl Fn(&Progress) -> bool) -> Result<()> {
        let mut progress = self.progress.clone();
        let waiting = progress.wait_for(|progress| progress.crashed || reached(progress));
        let Ok(outcome) = tokio::time::timeout(within, waiting).await else {
            bail!("{what}: the page did not load within {within:?}");
        };
        let outcome = outcome.map_err(|_| anyhow!("{what}: the browser is gone"))?;
        if outcome.crashed {
            bail!("{what}: the tab crashed or was closed");
        }
        Ok(())
    }

    async fn goto_and_load(&self, url: &str, within: Duration) -> Result<()> {
        let same_document = self.progress.borrow().same_document;
        let end = Instant::now() + within;
        let answer = self.link.call(Some(&self.session), "Page.navigate", json!({ "url": url }), within).await?;
        if let Some(error) = answer["errorText"].as_str().filter(|error| !error.is_empty()) {
            bail!("{url}: {error}");
        }
        let left = end.saturating_duration_since(Instant::now());
        // No loader means that only the fragment changed.
        let Some(loader) = answer["loaderId"].as_str() else {
            return self.wait_progress(url, left, |progress| progress.same_document > same_document).await;
        };
        let arrived = |progress: &Progress| progress.loaded && progress.loaders.iter().any(|seen| seen == loader);
        self.wait_progress(url, left, arrived).await
    }
}

#[async_trait]
impl TabDriver for ChromiumTab {
    async fn evaluate(&self, expression: &str, within: Duration) -> Result<Value, EvalError> {
        evaluation::run(&self.link, &self.session, None, expression, within).await
    }

    async fn evaluate_apart(&self, expression: &str, within: Duration) -> Result<Value, EvalError> {
        let params = json!({ "frameId": self.target, "worldName": "driver" });
        let answer = self.call("Page.createIsolatedWorld", params).await.map_err(anyhow::Error::from)?;
        evaluation::run(&self.link, &self.session, answer["executionContextId"].as_i64(), expression, within).await
    }

    async fn evaluate_in_frame(
        &self,
        part: &str,
        expression: &str,
        within: Duration,
    ) -> Result<Option<Value>, EvalError> {
        let mut frames = Frames::of(Arc::clone(&self.link), &self.target).await?;
        let answer = match frames.find(part).await? {
            Some((session, world)) => evaluation::run(&self.link, &session, world, expression, within).await.map(Some),
            None => Ok(None),
        };
        frames.close().await?;
        answer
    }

    async fn goto(&self, url: &str, within: Duration) -> Result<()> {
        let arrived = self.goto_and_load(url, within).await;
        if arrived.is_err() {
            // What never comes would hold up the next one. Nothing is known of a tab that is gone.
            let _ = self.call("Page.stopLoading", json!({})).await;
        }
        arrived
    }

    async fn reload(&self) -> Result<()> {
        let before = self.progress.borrow().commits;
        self.call("Page.reload", json!({})).await?;
        self.wait_progress("reload", PAGE_DEADLINE, |progress| progress.loaded && progress.commits > before).await
    }

    async fn step(&self, step: Step) -> Result<()> {
        let history = self.call("Page.getNavigationHistory", json!({})).await?;
        let index = history["currentIndex"].as_i64().map(|index| index + step.delta());
        let entry = index.and_then(|index| history["entries"].get(usize::try_from(index).ok()?)?["id"].as_i64());
        let entry = entry.with_context(|| format!("there is no page to go {} to", step.name()))?;
        let (commits, same_document) = {
            let progress = self.progress.borrow();
            (progress.commits, progress.same_document)
        };
        self.call("Page.navigateToHistoryEntry", json!({ "entryId": entry })).await?;
        self.wait_progress(step.name(), PAGE_DEADLINE, |progress| {
            progress.loaded && (progress.commits > commits || progress.same_document > same_document)
        })
        .await
    }

    async fn bring_to_front(&self) -> Result<()> {
        self.call("Page.bringToFront", json!({})).await?;
        Ok(())
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

    async fn picture(&self) -> Result<Vec<u8>> {
        let params = json!({ "format": "jpeg", "quality": 50, "optimizeForSpeed": true });
        let answer = self.call("Page.captureScreenshot", params).await?;
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
