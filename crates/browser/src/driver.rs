//! What an engine must be able to do for the shared interface. Waiting, selectors and everything else that can be done
//! inside the page is deliberately not part of it: `page.rs` does that once for all engines.

use std::time::Duration;

use anyhow::Result;
use async_trait::async_trait;
use serde_json::Value;
use tokio::sync::watch;

use super::cookie::Cookie;
use super::key::Key;
use super::response::ResponseSeen;

/// How long a single command may take when it does not wait for a page.
pub(super) const COMMAND_DEADLINE: Duration = Duration::from_secs(30);
/// How long a navigation, or a condition without a deadline of its own, may take.
pub(super) const PAGE_DEADLINE: Duration = Duration::from_secs(20);

#[async_trait]
pub(super) trait BrowserDriver: Send + Sync {
    fn version(&self) -> &str;
    fn process_id(&self) -> i32;
    async fn context(&self) -> Result<Box<dyn ContextDriver>>;
    /// The jar that is kept in the profile.
    async fn kept_context(&self) -> Result<Box<dyn ContextDriver>>;
    async fn close(&self) -> Result<()>;
}

#[async_trait]
pub(super) trait ContextDriver: Send + Sync {
    async fn page(&self) -> Result<Box<dyn TabDriver>>;
    /// Every window of this jar, whoever opened it: its name in the protocol, and its address.
    async fn windows(&self) -> Result<Vec<(String, String)>>;
    /// Drives a window that is there already.
    async fn adopt(&self, window: String) -> Result<Box<dyn TabDriver>>;
    async fn cookies(&self) -> Result<Vec<Cookie>>;
    async fn set_cookie(&self, cookie: &Cookie) -> Result<()>;
    async fn close(&self) -> Result<()>;
}

#[async_trait]
pub(super) trait TabDriver: Send + Sync {
    /// Runs an expression that gives (a promise of) a string of JSON or `undefined`, which becomes null,
    /// or the word `gone`, which is no JSON, when the document was left.
    async fn evaluate(&self, expression: &str, within: Duration) -> Result<Value, EvalError>;
    /// The same in a world of its own: it shares the document with the page, but neither its globals nor what the page may
    /// not do (Content Security Policy, Trusted Types).
    async fn evaluate_apart(&self, expression: &str, within: Duration) -> Result<Value, EvalError>;
    /// The same in the page's own world of the first frame, of whatever site, whose address contains `part`; none if there
    /// is no such frame.
    async fn evaluate_in_frame(
        &self,
        part: &str,
        expression: &str,
        within: Duration,
    ) -> Result<Option<Value>, EvalError>;
    async fn goto(&self, url: &str, within: Duration) -> Result<()>;
    async fn reload(&self) -> Result<()>;
    /// Goes one entry through the history, and waits until the page there is complete.
    async fn step(&self, step: Step) -> Result<()>;
    async fn bring_to_front(&self) -> Result<()>;
    async fn url(&self) -> Result<String>;
    /// Waits until what was done so far has been drawn, where a click would otherwise come too early.
    async fn settle(&self) -> Result<()> {
        Ok(())
    }
    /// Presses and releases the main button at a point of the viewport, in CSS pixels.
    async fn click(&self, x: f64, y: f64) -> Result<()>;
    async fn type_text(&self, text: &str) -> Result<()>;
    async fn press(&self, key: &Key) -> Result<()>;
    /// Changes what is emulated. It stays over navigations.
    async fn set_look(&self, look: Look) -> Result<()>;
    /// The viewport as PNG, once what is emulated has been painted.
    async fn screenshot(&self) -> Result<Vec<u8>>;
    /// The viewport as it is now, small rather than exact: JPEG where the engine can, else PNG.
    async fn picture(&self) -> Result<Vec<u8>>;
    async fn set_javascript(&self, enabled: bool) -> Result<()>;
    /// While the page's scripts are off: changes whenever the tab got to another document or its document got further.
    fn moves_without_scripts(&self) -> Option<watch::Receiver<()>>;
    /// Carries out a command on virtual authenticators (`WebAuthn` 3, 11): `command` as both protocols name it, without their
    /// prefix, and binary values as base64url.
    async fn web_authn(&self, command: &str, params: Value) -> Result<Value>;
    async fn responses(&self) -> Result<Vec<ResponseSeen>>;
    async fn close(&self) -> Result<()>;
}

/// A way through the history.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    Back,
    Forward,
}

impl Step {
    /// How many entries further.
    pub(super) fn delta(self) -> i64 {
        match self {
            Self::Back => -1,
            Self::Forward => 1,
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Back => "back",
            Self::Forward => "forward",
        }
    }
}

/// What a page is made to believe of the screen; `None` is what the browser has.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Look {
    /// Width and height in CSS pixels, one device pixel each.
    pub(super) viewport: Option<(u32, u32)>,
    pub(super) is_dark: Option<bool>,
}

/// Why an expression gave no value.
#[derive(Debug, thiserror::Error)]
pub(super) enum EvalError {
    /// The document was replaced before the answer came; the next document may be asked again.
    #[error("the page went to another document before the expression was done")]
    DocumentGone,
    /// The expression threw, or its promise was rejected.
    #[error("{0}")]
    Thrown(String),
    #[error(transparent)]
    Failed(#[from] anyhow::Error),
}

/// The JSON an expression gave, as described at [`TabDriver::evaluate`].
pub(super) fn parse_answer(answer: Option<&str>) -> Result<Value, EvalError> {
    match answer {
        None => Ok(Value::Null),
        Some("gone") => Err(EvalError::DocumentGone),
        Some(json) => serde_json::from_str(json).map_err(|error| EvalError::Failed(error.into())),
    }
}

/// Two animation frames: after them a changed viewport or colour scheme has been laid out and painted.
pub(super) const PAINTED: &str =
    "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done('true'))))";
