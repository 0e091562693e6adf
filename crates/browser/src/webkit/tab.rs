//! One window of `WebKitGTK`: navigation, evaluation, input and pictures by `WebDriver` commands.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tokio::sync::watch;

use super::session::{CallError, Session};
use crate::driver::{COMMAND_DEADLINE, EvalError, Look, PAINTED, Step, TabDriver, parse_answer};
use crate::key::Key;
use crate::response::ResponseSeen;

/// The window's own size, which no page is told.
const USUAL: (u32, u32) = (1024, 768);

pub(super) struct WebKitTab {
    session: Arc<Session>,
    /// Its name in the protocol. It changes when a page never came, see `goto`.
    window: Mutex<String>,
}

impl WebKitTab {
    pub(super) async fn open(session: Arc<Session>) -> Result<Self> {
        let window = session.take_window().await?;
        Ok(Self::adopt(session, window))
    }

    /// Drives a window that is there already.
    pub(super) fn adopt(session: Arc<Session>, window: String) -> Self {
        Self { session, window: Mutex::new(window) }
    }

    fn window(&self) -> String {
        self.window.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn call(&self, method: &str, path: &str, body: Value) -> Result<Value, CallError> {
        self.session.in_window(&self.window(), method, path, body).await
    }

    async fn perform(&self, source: Value) -> Result<()> {
        self.call("POST", "actions", json!({ "actions": [source] })).await?;
        Ok(())
    }

    async fn keys(&self, characters: impl Iterator<Item = char>) -> Result<()> {
        let actions: Vec<Value> = characters
            .flat_map(|character| ["keyDown", "keyUp"].map(|kind| json!({ "type": kind, "value": character })))
            .collect();
        self.perform(json!({ "type": "key", "id": "keyboard", "actions": actions })).await
    }

    async fn viewport(&self) -> Result<(u32, u32)> {
        let seen = self.evaluate("JSON.stringify([innerWidth, innerHeight])", COMMAND_DEADLINE).await?;
        let side = |at: usize| seen[at].as_u64().and_then(|side| u32::try_from(side).ok()).context("no size");
        Ok((side(0)?, side(1)?))
    }

    /// Resizes the window, and waits until the page knows.
    async fn resize(&self, width: u32, height: u32) -> Result<()> {
        self.call("POST", "window/rect", json!({ "width": width, "height": height })).await?;
        self.evaluate(PAINTED, COMMAND_DEADLINE).await?;
        Ok(())
    }
}

#[async_trait]
impl TabDriver for WebKitTab {
    async fn evaluate(&self, expression: &str, within: Duration) -> Result<Value, EvalError> {
        let script = script(expression);
        read(self.session.in_window_within(&self.window(), "POST", "execute/async", script, within).await)
    }

    /// In the page's own world: there is no other one here.
    async fn evaluate_apart(&self, expression: &str, within: Duration) -> Result<Value, EvalError> {
        self.evaluate(expression, within).await
    }

    async fn evaluate_in_frame(
        &self,
        part: &str,
        expression: &str,
        within: Duration,
    ) -> Result<Option<Value>, EvalError> {
        match self.session.in_frame(&self.window(), part, script(expression), within).await {
            Ok(None) => Ok(None),
            Ok(Some(answer)) => read(Ok(answer)).map(Some),
            Err(error) => read(Err(error)).map(Some),
        }
    }

    async fn goto(&self, url: &str, within: Duration) -> Result<()> {
        let window = self.window();
        let arrived = self.session.goto(&window, url, within).await;
        if matches!(&arrived, Err(CallError::Refused { error, .. }) if error == "timeout") {
            // Every further command of this window would wait for the page as well, and none ends that.
            let fresh = self.session.replace(&window).await?;
            *self.window.lock().unwrap_or_else(PoisonError::into_inner) = fresh;
        }
        Ok(arrived?)
    }

    async fn reload(&self) -> Result<()> {
        self.call("POST", "refresh", json!({})).await?;
        Ok(())
    }

    async fn step(&self, step: Step) -> Result<()> {
        self.call("POST", step.name(), json!({})).await?;
        Ok(())
    }

    /// Every window has a place of its own on a screen that has no order of windows.
    async fn bring_to_front(&self) -> Result<()> {
        self.call("GET", "window", Value::Null).await?;
        Ok(())
    }

    async fn url(&self) -> Result<String> {
        let address = self.call("GET", "url", Value::Null).await?;
        Ok(address.as_str().context("the tab has no address")?.to_owned())
    }

    async fn click(&self, x: f64, y: f64) -> Result<()> {
        // Whole pixels only.
        #[expect(clippy::cast_possible_truncation, reason = "a point of the viewport")]
        let (x, y) = (x.round() as i64, y.round() as i64);
        let actions = json!([
            { "type": "pointerMove", "x": x, "y": y, "origin": "viewport", "duration": 0 },
            { "type": "pointerDown", "button": 0 },
            { "type": "pointerUp", "button": 0 },
        ]);
        self.perform(
            json!({ "type": "pointer", "id": "mouse", "parameters": { "pointerType": "mouse" }, "actions": actions }),
        )
        .await
    }

    async fn type_text(&self, text: &str) -> Result<()> {
        self.keys(text.chars().map(|character| if character == '\n' { '\u{E007}' } else { character })).await
    }

    async fn press(&self, key: &Key) -> Result<()> {
        self.keys(std::iter::once(key.webdriver)).await
    }

    async fn set_look(&self, look: Look) -> Result<()> {
        if look.is_dark == Some(true) {
            bail!("WebKitGTK has no command for the dark colour scheme");
        }
        let Some((width, height)) = look.viewport else { return self.resize(USUAL.0, USUAL.1).await };
        self.resize(width, height).await?;
        // What the window has around the page is seen by what is missing.
        let (seen_width, seen_height) = self.viewport().await?;
        let around = (width.saturating_sub(seen_width), height.saturating_sub(seen_height));
        self.resize(width + around.0, height + around.1).await?;
        let seen = self.viewport().await?;
        if seen != (width, height) {
            bail!("the window of WebKitGTK does not take {width} by {height}, but {} by {}", seen.0, seen.1);
        }
        Ok(())
    }

    async fn screenshot(&self) -> Result<Vec<u8>> {
        self.evaluate(PAINTED, COMMAND_DEADLINE).await?;
        self.picture().await
    }

    async fn picture(&self) -> Result<Vec<u8>> {
        let picture = self.call("GET", "screenshot", Value::Null).await?;
        Ok(STANDARD.decode(picture.as_str().context("no picture")?)?)
    }

    async fn set_javascript(&self, _enabled: bool) -> Result<()> {
        bail!("WebKitGTK has no command that switches a page's scripts off")
    }

    fn moves_without_scripts(&self) -> Option<watch::Receiver<()>> {
        None
    }

    async fn web_authn(&self, _command: &str, _params: Value) -> Result<Value> {
        bail!("WebKitGTK has no WebAuthn")
    }

    async fn responses(&self) -> Result<Vec<ResponseSeen>> {
        bail!("WebKitGTK's driver tells of no responses")
    }

    async fn close(&self) -> Result<()> {
        self.call("DELETE", "window", Value::Null).await?;
        Ok(())
    }
}

/// What the driver is told to run for an expression.
fn script(expression: &str) -> Value {
    let script = format!(
        "const done = arguments[arguments.length - 1];\n\
         const thrown = error => done({{ thrown: String(error), stack: String(error?.stack ?? '') }});\n\
         Promise.resolve().then(() => ({expression}\n)).then(value => done({{ value }}), thrown);"
    );
    json!({ "script": script, "args": [] })
}

/// What came of it.
fn read(answer: Result<Value, CallError>) -> Result<Value, EvalError> {
    let answer = match answer {
        Ok(answer) => answer,
        Err(CallError::Refused { error, message }) if error == "javascript error" => {
            return Err(if document_gone(&message) { EvalError::DocumentGone } else { EvalError::Thrown(message) });
        }
        Err(error) => return Err(EvalError::Failed(error.into())),
    };
    match answer["thrown"].as_str() {
        Some(thrown) => Err(EvalError::Thrown(thrown.to_owned())),
        None => parse_answer(answer["value"].as_str()),
    }
}

/// What the driver says when the document left while a script was under way.
fn document_gone(message: &str) -> bool {
    ["navigat", "unload", "Callback was not called"].iter().any(|known| message.contains(known))
}
