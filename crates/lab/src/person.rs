//! The honest person: what they do in their browser, by the functions that the application's own page has for its buttons.

use anyhow::{Context as _, Result, bail};
use cloakroom_browser::Page;
use serde_json::{Value, json};

use crate::world::PASSWORD;

/// True once the application has started, whether somebody is logged in or not.
pub(crate) const READY: &str = "window.bank && (await window.bank.ready, true)";

/// Somebody with an account.
#[derive(Debug, Clone)]
pub(crate) struct Person {
    pub(crate) email: String,
    /// A word that stands nowhere but in this person's profile.
    pub(crate) canary: String,
}

/// A call of a function of the page, which gives its value, or `{ refused: status }`.
pub(crate) fn call(function: &str, arguments: &[Value]) -> String {
    let arguments: Vec<_> = arguments.iter().map(ToString::to_string).collect();
    format!(
        "(async () => {{ try {{ return {{ value: (await window.bank.{function}({})) ?? null }} }} \
         catch (error) {{ return {{ refused: error.status ?? String(error) }} }} }})()",
        arguments.join(", ")
    )
}

/// Calls a function of the page; an error if the application refused.
pub(crate) async fn does(page: &Page, function: &str, arguments: &[Value]) -> Result<Value> {
    let mut answer = tries(page, function, arguments).await?;
    match answer.get_mut("value") {
        Some(value) => Ok(value.take()),
        None => bail!("{function} was refused: {}", answer.get("refused").unwrap_or(&Value::Null)),
    }
}

/// Calls a function of the page, whatever comes of it.
pub(crate) async fn tries(page: &Page, function: &str, arguments: &[Value]) -> Result<Value> {
    page.eval(&call(function, arguments)).await.with_context(|| format!("bank.{function}"))
}

/// Opens the application, and logs out whoever is logged in there, as an honest person does on a machine that others have used.
/// Whether there was somebody.
pub(crate) async fn open_as_nobody(page: &Page, home: &str) -> Result<bool> {
    page.goto(home).await?;
    page.wait_for(READY).await?;
    if tries(page, "profile", &[]).await?.get("refused").is_some() {
        return Ok(false);
    }
    does(page, "logout", &[]).await.context("an honest log-out of who was here before")?;
    page.goto(home).await?;
    page.wait_for(READY).await?;
    Ok(true)
}

impl Person {
    /// Somebody with names of their own.
    pub(crate) fn named(who: &str, number: u64) -> Self {
        Self { email: format!("{who}{number}@example.com"), canary: format!("{who}-canary-{number}-zq") }
    }

    /// Logs in on a page of the application.
    pub(crate) async fn log_in(&self, page: &Page) -> Result<()> {
        does(page, "login", &[json!(self.email), json!(PASSWORD)]).await.map(drop)
    }

    /// Logs in as with the tick in Cloakroom's own log-in page.
    pub(crate) async fn log_in_remembered(&self, page: &Page) -> Result<()> {
        let body = json!({ "email": self.email, "password": PASSWORD, "remember": true }).to_string();
        let asked = format!(
            "fetch('/auth/login', {{ method: 'POST', headers: {{ 'Content-Type': 'application/json' }}, body: {} }}).then((answer) => answer.status)",
            json!(body)
        );
        let status = page.eval(&asked).await?;
        if status != json!(200) {
            bail!("the log-in with \"remember me\" was answered {status}");
        }
        Ok(())
    }

    /// Whether the page shows this person's profile: it was fetched with a credential of theirs.
    pub(crate) async fn sees_own_profile(&self, page: &Page) -> Result<bool> {
        Ok(tries(page, "profile", &[]).await?.to_string().contains(&self.canary))
    }
}
