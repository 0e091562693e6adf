//! One tab of Firefox: navigation, evaluation, input and pictures by `BiDi` commands.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tokio::sync::{mpsc, watch};

use super::marionette::Marionette;
use super::watcher::Watcher;
use crate::driver::{COMMAND_DEADLINE, EvalError, Look, PAGE_DEADLINE, PAINTED, Step, TabDriver, parse_answer};
use crate::key::Key;
use crate::link::{CallError, Heard, Link};
use crate::response::{self, ResponseLog, ResponseSeen};

const SCHEME: &str = include_str!("scheme.js");
const UNDER: &str = include_str!("under.js");

pub(super) struct FirefoxTab {
    link: Arc<Link>,
    marionette: Arc<Marionette>,
    context: String,
    log: Arc<watch::Sender<ResponseLog>>,
    queue: mpsc::WeakUnboundedSender<Heard>,
    _alive: watch::Receiver<()>,
}

impl FirefoxTab {
    /// Drives a tab that is there already.
    pub(super) fn adopt(link: Arc<Link>, marionette: Arc<Marionette>, context: String) -> Self {
        let (events, queue) = link.listen();
        let (sender, alive) = watch::channel(());
        let log = Arc::new(watch::Sender::new(ResponseLog::default()));
        let contexts = HashSet::from([context.clone()]);
        let watcher = Watcher { link: Arc::clone(&link), contexts, log: Arc::clone(&log), tab: sender };
        tokio::spawn(watcher.run(events));
        Self { link, marionette, context, log, queue, _alive: alive }
    }

    async fn call(&self, method: &str, params: Value) -> Result<Value, CallError> {
        self.link.call(None, method, params, COMMAND_DEADLINE).await
    }

    /// Input that makes the page leave may lose its answer; the input has arrived all the same.
    async fn input(&self, context: &str, source: Value) -> Result<()> {
        let params = json!({ "context": context, "actions": [source] });
        match self.call("input.performActions", params).await {
            Err(error) if !document_gone(&error) => Err(error.into()),
            _ => Ok(()),
        }
    }

    async fn keys(&self, characters: impl Iterator<Item = char>) -> Result<()> {
        let actions: Vec<Value> = characters
            .flat_map(|character| ["keyDown", "keyUp"].map(|kind| json!({ "type": kind, "value": character })))
            .collect();
        self.input(&self.context, json!({ "type": "key", "id": "keyboard", "actions": actions })).await
    }

    /// Waits until the present document, or the one that replaces it meanwhile, has loaded.
    async fn wait_loaded(&self) -> Result<()> {
        let loaded = "new Promise(done => { \
            if (document.readyState === 'complete') done('true'); \
            addEventListener('load', () => done('true')); \
            addEventListener('pagehide', () => done('gone')); \
        })";
        let end = tokio::time::Instant::now() + PAGE_DEADLINE;
        loop {
            let left = end.saturating_duration_since(tokio::time::Instant::now());
            match self.evaluate(loaded, left).await {
                Err(EvalError::DocumentGone) if !left.is_zero() => {}
                outcome => return outcome.map(|_| ()).context("the page did not load"),
            }
        }
    }

    async fn evaluate_in(&self, target: Value, expression: &str, within: Duration) -> Result<Value, EvalError> {
        let params = json!({
            "expression": expression, "target": target, "awaitPromise": true, "resultOwnership": "none",
        });
        let answer = match self.link.call(None, "script.evaluate", params, within).await {
            Ok(answer) => answer,
            Err(error) if document_gone(&error) => return Err(EvalError::DocumentGone),
            Err(error) => return Err(EvalError::Failed(error.into())),
        };
        if answer["type"] == "exception" {
            return Err(EvalError::Thrown(answer["exceptionDetails"]["text"].as_str().unwrap_or("?").to_owned()));
        }
        parse_answer(answer["result"]["value"].as_str())
    }

    /// `BiDi` has no command for the colour scheme. The browser's own window, which the flag `-remote-allow-system-access`
    /// opens to scripts, knows what the developer tools do.
    async fn set_colour_scheme(&self, is_dark: Option<bool>) -> Result<()> {
        let tree = self.call("browsingContext.getTree", json!({ "moz:scope": "chrome", "maxDepth": 0 })).await?;
        let window = tree["contexts"][0]["context"].as_str().context("the browser has no window")?;
        let scheme = is_dark.map_or("none", |dark| if dark { "dark" } else { "light" });
        let script = format!("({SCHEME})({}, {})", json!(self.context), json!(scheme));
        self.evaluate_in(json!({ "context": window }), &script, COMMAND_DEADLINE).await?;
        Ok(())
    }

    /// The innermost browsing context under a point, and the point in it. Firefox hands an event of the mouse to the process of
    /// the context that is named, which does not hand it on to a frame of another site. (By
    /// `remote.events.async.mouse.enabled` it goes the way of a real mouse, which does not reach windows behind others.)
    async fn under(&self, x: f64, y: f64) -> Result<(String, f64, f64)> {
        let (mut context, mut x, mut y) = (self.context.clone(), x, y);
        loop {
            let target = json!({ "context": context, "sandbox": "driver" });
            let found = self.evaluate_in(target, &format!("({UNDER})({x}, {y})"), COMMAND_DEADLINE).await?;
            let Some(number) = found["number"].as_u64().and_then(|number| usize::try_from(number).ok()) else {
                return Ok((context, x, y));
            };
            let params = json!({ "root": context, "maxDepth": 1 });
            let tree = self.call("browsingContext.getTree", params).await?;
            let frame = tree["contexts"][0]["children"][number]["context"].as_str();
            frame.context("the frame under the point has gone")?.clone_into(&mut context);
            x = found["x"].as_f64().context("no point in the frame")?;
            y = found["y"].as_f64().context("no point in the frame")?;
        }
    }

    async fn capture(&self, format: Value) -> Result<Vec<u8>> {
        let params = json!({ "context": self.context, "origin": "viewport", "format": format });
        let answer = self.call("browsingContext.captureScreenshot", params).await?;
        Ok(STANDARD.decode(answer["data"].as_str().context("no picture")?)?)
    }
}

#[async_trait]
impl TabDriver for FirefoxTab {
    async fn evaluate(&self, expression: &str, within: Duration) -> Result<Value, EvalError> {
        self.evaluate_in(json!({ "context": self.context }), expression, within).await
    }

    async fn evaluate_apart(&self, expression: &str, within: Duration) -> Result<Value, EvalError> {
        self.evaluate_in(json!({ "context": self.context, "sandbox": "driver" }), expression, within).await
    }

    async fn evaluate_in_frame(
        &self,
        part: &str,
        expression: &str,
        within: Duration,
    ) -> Result<Option<Value>, EvalError> {
        let tree = self.call("browsingContext.getTree", json!({ "root": self.context })).await;
        let mut tree = tree.map_err(anyhow::Error::from)?;
        let Some(frame) = find(&tree["contexts"][0].take(), part) else { return Ok(None) };
        match self.evaluate_in(json!({ "context": frame }), expression, within).await {
            // It has gone meanwhile.
            Err(EvalError::Failed(error)) if error.to_string().contains("no such frame") => Ok(None),
            outcome => outcome.map(Some),
        }
    }

    async fn goto(&self, url: &str, within: Duration) -> Result<()> {
        let params = json!({ "context": self.context, "url": url, "wait": "complete" });
        self.link.call(None, "browsingContext.navigate", params, within).await?;
        Ok(())
    }

    async fn reload(&self) -> Result<()> {
        let params = json!({ "context": self.context, "wait": "complete" });
        self.link.call(None, "browsingContext.reload", params, PAGE_DEADLINE).await?;
        Ok(())
    }

    async fn step(&self, step: Step) -> Result<()> {
        self.call("browsingContext.traverseHistory", json!({ "context": self.context, "delta": step.delta() }))
            .await
            .with_context(|| format!("there is no page to go {} to", step.name()))?;
        self.wait_loaded().await
    }

    async fn bring_to_front(&self) -> Result<()> {
        self.call("browsingContext.activate", json!({ "context": self.context })).await?;
        Ok(())
    }

    async fn url(&self) -> Result<String> {
        let tree = self.call("browsingContext.getTree", json!({ "root": self.context, "maxDepth": 0 })).await?;
        Ok(tree["contexts"][0]["url"].as_str().context("the tab has no address")?.to_owned())
    }

    async fn settle(&self) -> Result<()> {
        // A tab in the background draws nothing.
        let drawn = "new Promise(done => { \
            requestAnimationFrame(() => requestAnimationFrame(() => requestAnimationFrame(() => done('true')))); \
            setTimeout(() => done('false'), document.hidden ? 250 : 5000); \
        })";
        self.evaluate(drawn, Duration::from_secs(10)).await?;
        Ok(())
    }

    async fn click(&self, x: f64, y: f64) -> Result<()> {
        let (context, x, y) = self.under(x, y).await?;
        let actions = json!([
            { "type": "pointerMove", "x": x, "y": y, "origin": "viewport" },
            { "type": "pointerDown", "button": 0 },
            { "type": "pointerUp", "button": 0 },
        ]);
        let mouse =
            json!({ "type": "pointer", "id": "mouse", "parameters": { "pointerType": "mouse" }, "actions": actions });
        self.input(&context, mouse).await
    }

    async fn type_text(&self, text: &str) -> Result<()> {
        self.keys(text.chars().map(|character| if character == '\n' { '\u{E007}' } else { character })).await
    }

    async fn press(&self, key: &Key) -> Result<()> {
        self.keys(std::iter::once(key.webdriver)).await
    }

    async fn set_look(&self, look: Look) -> Result<()> {
        let viewport = look.viewport.map(|(width, height)| json!({ "width": width, "height": height }));
        let ratio = look.viewport.map(|_| 1.0);
        let params = json!({ "context": self.context, "viewport": viewport, "devicePixelRatio": ratio });
        self.call("browsingContext.setViewport", params).await?;
        self.set_colour_scheme(look.is_dark).await
    }

    async fn screenshot(&self) -> Result<Vec<u8>> {
        self.evaluate(PAINTED, COMMAND_DEADLINE).await?;
        self.capture(json!({ "type": "image/png" })).await
    }

    async fn picture(&self) -> Result<Vec<u8>> {
        self.capture(json!({ "type": "image/jpeg", "quality": 0.5 })).await
    }

    async fn set_javascript(&self, _enabled: bool) -> Result<()> {
        bail!("Firefox has no BiDi command that switches a page's scripts off")
    }

    fn moves_without_scripts(&self) -> Option<watch::Receiver<()>> {
        None
    }

    async fn web_authn(&self, command: &str, params: Value) -> Result<Value> {
        self.marionette.web_authn(command, params).await
    }

    async fn responses(&self) -> Result<Vec<ResponseSeen>> {
        Ok(response::read(&self.log, &self.queue).await)
    }

    async fn close(&self) -> Result<()> {
        self.call("browsingContext.close", json!({ "context": self.context })).await?;
        Ok(())
    }
}

/// The first browsing context below `tree` whose address contains `part`; nearer ones come first.
fn find(tree: &Value, part: &str) -> Option<String> {
    let mut level: Vec<&Value> = vec![tree];
    while !level.is_empty() {
        level = level.into_iter().flat_map(|tree| tree["children"].as_array().into_iter().flatten()).collect();
        let found = level.iter().find(|frame| frame["url"].as_str().is_some_and(|url| url.contains(part)));
        if let Some(found) = found {
            return found["context"].as_str().map(str::to_owned);
        }
    }
    None
}

/// What Firefox says when the document left while a command was under way.
fn document_gone(error: &CallError) -> bool {
    let CallError::Refused { message, .. } = error else { return false };
    ["AbortError", "Document was unloaded", "actor destroyed", "DiscardedBrowsingContextError"]
        .iter()
        .any(|known| message.contains(known))
}
