//! A tab as its user sees it: what can be done inside the page is done here, once for all engines. Nothing here sleeps; every
//! wait ends with an event in the page or with its deadline.

use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, bail};
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::time::Instant;

use super::authenticator::{Authenticator, Credential};
use super::axe::{self, Violation};
use super::driver::{COMMAND_DEADLINE, EvalError, Look, PAGE_DEADLINE, Step, TabDriver};
use super::engine::Engine;
use super::expression::by_value;
use super::frame::Frame;
use super::key::Key;
use super::response::ResponseSeen;

/// How long the page may stay silent beyond a deadline that it watches itself.
const GRACE: Duration = Duration::from_secs(5);

/// How often an element is looked for again because it had moved.
const PLACES: usize = 10;

const WAIT: &str = include_str!("wait.js");
const FIND: &str = include_str!("find.js");
const CENSUS: &str = include_str!("census.js");

/// One tab.
pub struct Page {
    tab: Box<dyn TabDriver>,
    engine: Engine,
    /// Outlives a screenshot with another one.
    look: Mutex<Look>,
}

impl Page {
    pub(super) fn new(tab: Box<dyn TabDriver>, engine: Engine) -> Self {
        Self { tab, engine, look: Mutex::default() }
    }

    /// Which engine shows this page.
    pub fn engine(&self) -> Engine {
        self.engine
    }

    /// Goes to `url`, waits for `load`, and gives the address arrived at. Any HTTP status is an arrival.
    pub async fn goto(&self, url: &str) -> Result<String> {
        self.goto_within(url, PAGE_DEADLINE).await
    }

    /// [`Self::goto`] with another deadline than 20 s. After a page that did not load in time the tab is of use for
    /// the next one; in `WebKitGTK` it is a new tab then, without history.
    pub async fn goto_within(&self, url: &str, within: Duration) -> Result<String> {
        self.tab.goto(url, within).await.with_context(|| format!("going to {url}"))?;
        self.url().await
    }

    /// The address of the present document.
    pub async fn url(&self) -> Result<String> {
        self.tab.url().await
    }

    /// Loads the page again and waits for `load`.
    pub async fn reload(&self) -> Result<()> {
        self.tab.reload().await
    }

    /// Goes one entry back in the history, which may restore a page from the back/forward cache, and waits for it.
    pub async fn back(&self) -> Result<()> {
        self.tab.step(Step::Back).await
    }

    /// Goes one entry forward, in the same way.
    pub async fn forward(&self) -> Result<()> {
        self.tab.step(Step::Forward).await
    }

    /// Puts its window before the others.
    pub async fn bring_to_front(&self) -> Result<()> {
        self.tab.bring_to_front().await
    }

    /// The first frame, of whatever site, whose address contains `part`; it may yet have to come. In `WebKitGTK` only frames of
    /// the page itself, not those of frames.
    pub fn frame(&self, part: &str) -> Frame<'_> {
        Frame::new(&*self.tab, part)
    }

    /// The value of a JavaScript expression, which may use `await`, after `JSON.stringify`; `undefined` becomes null.
    /// What it throws becomes the error's text. It runs in the page, with what the page made of the built-ins.
    pub async fn eval(&self, expression: &str) -> Result<Value> {
        Ok(self.tab.evaluate(&by_value(expression), COMMAND_DEADLINE).await?)
    }

    /// Clicks with the mouse in the middle of the first element that matches, once it is there, enabled, scrolled into
    /// view and covered by nothing else.
    pub async fn click(&self, selector: &str) -> Result<()> {
        let mut point = self.find(selector, "click").await?;
        // What was typed before may yet scroll its field back into view; then the place that was found is somewhere else.
        for _ in 0..PLACES {
            self.tab.settle().await?;
            point = self.find(selector, "click").await?;
            if point["moved"] == false {
                break;
            }
        }
        let (Some(x), Some(y)) = (point["x"].as_f64(), point["y"].as_f64()) else {
            bail!("the page gave no point to click at for {selector:?}");
        };
        self.tab.click(x, y).await.with_context(|| format!("clicking {selector:?}"))
    }

    /// Clicks with the mouse at a point of the viewport, in CSS pixels from its upper left corner: on whatever is there, a
    /// frame of another site and what nobody can see included. To the page it is a person.
    pub async fn click_at(&self, x: f64, y: f64) -> Result<()> {
        self.tab.settle().await?;
        self.tab.click(x, y).await.with_context(|| format!("clicking at {x}, {y}"))
    }

    /// Replaces the text of the first field that matches by typing.
    pub async fn fill(&self, selector: &str, text: &str) -> Result<()> {
        self.find(selector, "fill").await?;
        let typing =
            async { if text.is_empty() { self.press("Delete").await } else { self.tab.type_text(text).await } };
        typing.await.with_context(|| format!("filling {selector:?}"))
    }

    /// Presses and releases a key in the focused element: one character, or a name such as `Enter` or `ArrowDown`.
    pub async fn press(&self, key: &str) -> Result<()> {
        self.tab.press(&Key::parse(key)?).await
    }

    /// Waits up to 20 s until a JavaScript expression is truthy, across navigations, and gives its value.
    pub async fn wait_for(&self, condition: &str) -> Result<Value> {
        self.wait_for_within(condition, PAGE_DEADLINE).await
    }

    /// [`Self::wait_for`] with another deadline. The error names the condition, the address and the page's text.
    pub async fn wait_for_within(&self, condition: &str, within: Duration) -> Result<Value> {
        let end = Instant::now() + within;
        if let Some(moves) = self.tab.moves_without_scripts() {
            return self.wait_without_scripts(condition, within, moves).await;
        }
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let script = format!("({WAIT})(async () => ({condition}\n), {})", left.as_millis());
            match self.tab.evaluate(&script, left + GRACE).await {
                Ok(outcome) if outcome["met"] == true => return Ok(outcome["value"].clone()),
                Ok(outcome) => return Err(unmet(condition, within, &outcome)),
                Err(EvalError::DocumentGone) if !left.is_zero() => {}
                Err(error) => return Err(anyhow!(error).context(format!("waiting for `{condition}`"))),
            }
        }
    }

    /// Waits up to 20 s until the address contains `part` and that document has loaded; gives the address.
    pub async fn wait_url(&self, part: &str) -> Result<String> {
        let condition = format!("document.readyState === 'complete' && location.href.includes({})", json!(part));
        self.wait_for(&condition).await?;
        self.url().await
    }

    /// The rendered text of the first element that matches.
    pub async fn text(&self, selector: &str) -> Result<String> {
        let value = self.eval(&format!("document.querySelector({})?.innerText", json!(selector))).await?;
        value.as_str().map(str::to_owned).with_context(|| format!("nothing matches {selector:?}"))
    }

    /// Writes the viewport as PNG of `width` by `height` pixels. The size and the colour scheme are undone afterwards.
    pub async fn screenshot(&self, path: &Path, width: u32, height: u32, dark: bool) -> Result<()> {
        self.tab.set_look(Look { viewport: Some((width, height)), is_dark: Some(dark) }).await?;
        let picture = self.tab.screenshot().await;
        self.tab.set_look(self.look(|_| {})).await?;
        tokio::fs::write(path, picture?).await.with_context(|| format!("writing {}", path.display()))
    }

    /// The viewport as it is now, without waiting for anything: a JPEG of low quality, as evidence; in `WebKitGTK` a PNG.
    pub async fn picture(&self) -> Result<Vec<u8>> {
        self.tab.picture().await.context("taking a picture")
    }

    /// From now on the page is shown to somebody who prefers dark colours, in this tab.
    pub async fn emulate_dark(&self) -> Result<()> {
        self.tab.set_look(self.look(|look| look.is_dark = Some(true))).await
    }

    /// The same with light colours, which is what browsers prefer by themselves.
    pub async fn emulate_light(&self) -> Result<()> {
        self.tab.set_look(self.look(|look| look.is_dark = Some(false))).await
    }

    /// From now on the viewport is `width` by `height` CSS pixels, one device pixel each.
    pub async fn set_viewport(&self, width: u32, height: u32) -> Result<()> {
        self.tab.set_look(self.look(|look| look.viewport = Some((width, height)))).await
    }

    /// What axe finds wrong in the document, by the rules of WCAG 2.0 to 2.2, levels A and AA, and its best practices. It runs
    /// beside the page, whose policy neither hinders it nor notices. Frames are not looked into.
    pub async fn axe(&self) -> Result<Vec<Violation>> {
        let found = self.tab.evaluate_apart(&axe::script()?, PAGE_DEADLINE).await.context("running axe")?;
        axe::read(&found)
    }

    /// Switches the page's own scripts off or on, from the next document on. Chromium only. While they are off,
    /// [`Self::eval`] works for what needs no timer, and conditions are asked whenever the document got further.
    pub async fn set_javascript(&self, enabled: bool) -> Result<()> {
        self.tab.set_javascript(enabled).await
    }

    /// Plugs in an authenticator that is made of software, such as phones and laptops have one built in: it keeps passkeys,
    /// verifies its user, and consents to everything at once. In Chromium it belongs to this tab, in Firefox to all tabs of
    /// the browser: people who are not to share one get browsers of their own. `WebKitGTK` has no `WebAuthn`.
    pub async fn add_authenticator(&self) -> Result<Authenticator> {
        let answer = self.tab.web_authn("AddVirtualAuthenticator", Authenticator::options()).await?;
        Authenticator::read(&answer)
    }

    /// Unplugs it, with everything in it.
    pub async fn remove_authenticator(&self, authenticator: Authenticator) -> Result<()> {
        self.tab.web_authn("RemoveVirtualAuthenticator", authenticator.named()).await?;
        Ok(())
    }

    /// Whether it verifies its user from now on, as with the right finger, or fails to, as with another one.
    pub async fn set_user_verified(&self, authenticator: &Authenticator, verified: bool) -> Result<()> {
        let mut params = authenticator.named();
        params["isUserVerified"] = verified.into();
        self.tab.web_authn("SetUserVerified", params).await?;
        Ok(())
    }

    /// The credentials that it holds, private keys included.
    pub async fn credentials(&self, authenticator: &Authenticator) -> Result<Vec<Credential>> {
        Credential::read_all(&self.tab.web_authn("GetCredentials", authenticator.named()).await?)
    }

    /// Puts a credential of another authenticator into this one: a passkey that was synchronised, or cloned.
    pub async fn add_credential(&self, authenticator: &Authenticator, credential: &Credential) -> Result<()> {
        self.tab.web_authn("AddCredential", credential.addressed(authenticator)).await?;
        Ok(())
    }

    /// Every response this tab has received so far, redirects and bodies included, `Set-Cookie` excluded. Waits a few
    /// seconds at most for bodies still under way. In Chromium frames of another site are missing.
    pub async fn responses(&self) -> Result<Vec<ResponseSeen>> {
        self.tab.responses().await
    }

    /// Everything that a script of this page's origin could read without the network: storages, caches, script-visible
    /// cookies, properties of `window` that the page added, the document itself. One object, a key per source, made to be
    /// searched as text. Top-level `let` and `const`, closures and modules are out of reach and not in it.
    /// `truncated` is true when there was more than it could hold.
    pub async fn census(&self) -> Result<Value> {
        self.eval(&format!("({CENSUS})()")).await.context("taking the census")
    }

    /// Closes the tab.
    pub async fn close(self) -> Result<()> {
        self.tab.close().await
    }

    /// Without timers in the page the condition is asked again whenever the document got further; nothing else can change
    /// a page that has no scripts, except what the test itself does.
    async fn wait_without_scripts(
        &self,
        condition: &str,
        within: Duration,
        mut moves: watch::Receiver<()>,
    ) -> Result<Value> {
        let end = Instant::now() + within;
        let mut thrown = String::new();
        loop {
            moves.mark_unchanged();
            match self.tab.evaluate(&by_value(condition), within + GRACE).await {
                Ok(Value::Null | Value::Bool(false)) => thrown.clear(),
                Ok(value) if value == 0 || value == "" => thrown.clear(),
                Ok(value) => return Ok(value),
                Err(EvalError::DocumentGone) => {}
                Err(EvalError::Thrown(text)) => thrown = text,
                Err(error) => return Err(anyhow!(error).context(format!("waiting for `{condition}`"))),
            }
            let Ok(next) = tokio::time::timeout_at(end, moves.changed()).await else {
                let state = "{ url: location.href, text: (document.body?.innerText ?? '').slice(0, 2000) }";
                let mut outcome = self.eval(&format!("({state})")).await?;
                outcome["thrown"] = thrown.into();
                return Err(unmet(condition, within, &outcome));
            };
            next.context("the browser is gone")?;
        }
    }

    fn look(&self, change: impl FnOnce(&mut Look)) -> Look {
        let mut look = self.look.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut look);
        *look
    }

    async fn find(&self, selector: &str, purpose: &str) -> Result<Value> {
        self.wait_for(&format!("({FIND})({}, {})", json!(selector), json!(purpose)))
            .await
            .map_err(|error| error.context(format!("no element to {purpose}: {selector:?}")))
    }
}

fn unmet(condition: &str, within: Duration, outcome: &Value) -> anyhow::Error {
    let said = |key: &str| outcome[key].as_str().unwrap_or_default().to_owned();
    let (url, text, thrown) = (said("url"), said("text"), said("thrown"));
    let thrown = if thrown.is_empty() { thrown } else { format!("; it threw: {thrown}") };
    anyhow!("`{condition}` did not become true within {within:?} at {url}{thrown}; the page says: {text:?}")
}
