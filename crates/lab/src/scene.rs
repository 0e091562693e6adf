//! One cell while it happens: a fresh browser context, a victim, an attacker, and the record of what was done.

use std::time::Instant;

use anyhow::{Context as _, Result, bail};
use cloakroom_browser::{Browser, Context, Launch, Page};
use cloakroom_lab_report::{Actor, Evidence, Step};
use cloakroom_lab_victims::{Deed, What};
use serde_json::json;

use crate::beside::{Aging, Beside, Place};
use crate::person::{Person, READY, does, open_as_nobody};
use crate::world::{Seen, World, millis};

/// How a cell ends that found out what it wanted to: the verdict and the sentence that says what was seen.
pub(crate) type Outcome = (cloakroom_lab_report::Verdict, String);

/// How the honest use went.
pub(crate) enum Honest {
    Lives,
    /// The page says that this browser lacks what its strategy needs.
    Unsupported(String),
    /// The browser would have it, but not under a driver.
    OnlyByHand(String),
}

/// A browser context that a cell has left, for the next cell of the same row: it saves the browser the work of beginning anew.
/// The next victim still comes by themselves: nobody is logged in any more before they log in.
pub(crate) struct Kept {
    row: String,
    context: Context,
    page: Page,
}

impl Kept {
    /// Whether it is a cell of this row that may have it.
    pub(crate) fn is_for(&self, row: &str) -> bool {
        self.row == row
    }

    /// What cannot be closed any more is closed with the browser.
    pub(crate) async fn close(self) {
        drop(self.context.close().await);
    }
}

/// One cell.
pub(crate) struct Scene<'a> {
    pub(crate) world: &'a World,
    pub(crate) browser: &'a Browser,
    /// The strategy's id.
    pub(crate) row: &'a str,
    /// Makes names of its own.
    pub(crate) number: u64,
    pub(crate) context: Context,
    /// The victim's tab.
    pub(crate) page: Page,
    pub(crate) victim: Person,
    /// The attacker has an account of his own, as anybody can.
    pub(crate) thief: Person,
    /// What was sent before this cell is none of its business.
    pub(crate) mark: usize,
    /// Whether a part of a script was given up because the machine took too long: what did not happen then says nothing.
    pub(crate) hurried: bool,
    launch: &'a Launch,
    beside: &'a Beside,
    began: Instant,
    steps: Vec<Step>,
    /// Whether another cell happened in this context before.
    is_used: bool,
}

impl<'a> Scene<'a> {
    /// Sets it: accounts, and a tab in the context that was kept for this row, or else in an empty one. `number` makes names
    /// of its own.
    pub(crate) async fn set(place: &Place<'a>, row: &'a str, number: u64, kept: Option<Kept>) -> Result<Self> {
        let Place { world, browser, launch, beside } = *place;
        let is_used = kept.is_some();
        let (context, page) = if let Some(kept) = kept {
            (kept.context, kept.page)
        } else {
            let context = browser.context().await?;
            let page = context.page().await?;
            (context, page)
        };
        let (victim, thief) = (Person::named("victim", number), Person::named("thief", number));
        for person in [&victim, &thief] {
            world.open_account(row, &person.email, &person.canary).await?;
        }
        let mark = world.wire.mark();
        Ok(Self {
            world,
            browser,
            row,
            number,
            context,
            page,
            victim,
            thief,
            mark,
            hurried: false,
            launch,
            beside,
            began: Instant::now(),
            steps: Vec::new(),
            is_used,
        })
    }

    /// Writes down what was done, and what came of it.
    pub(crate) fn step(&mut self, who: Actor, what: impl Into<String>, outcome: impl Into<String>) {
        let at_ms = millis(self.began.elapsed());
        self.steps.push(Step { at_ms, who, what: what.into(), outcome: outcome.into(), failed: false });
    }

    /// Writes down where it failed.
    pub(crate) fn failed(&mut self, what: &str, error: &anyhow::Error) {
        let at_ms = millis(self.began.elapsed());
        let outcome = format!("{error:#}");
        self.steps.push(Step { at_ms, who: Actor::Browser, what: what.to_owned(), outcome, failed: true });
    }

    /// Where it happens.
    pub(crate) fn place(&self) -> Place<'a> {
        Place { world: self.world, browser: self.browser, launch: self.launch, beside: self.beside }
    }

    /// What was written down so far.
    pub(crate) fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// The host of the application, without its port.
    pub(crate) fn host(&self) -> String {
        self.world.names.app_host(self.row)
    }

    /// An address of the application.
    pub(crate) fn app(&self, path: &str) -> String {
        format!("{}{path}", self.world.names.app(self.row))
    }

    /// An address of the attacker's site.
    pub(crate) fn evil(&self, path: &str) -> String {
        format!("{}{path}", self.world.names.evil())
    }

    /// Where the attacker collects what is sent to him in this cell; what is still under way from an earlier one goes to waste.
    pub(crate) fn loot(&self) -> String {
        self.evil(&self.world.evil.loot_path())
    }

    /// An address of the sibling host.
    pub(crate) fn sibling(&self, path: &str) -> String {
        format!("{}{path}", self.world.names.sibling())
    }

    /// The victim opens the application, logs in, looks at their profile and sends money to a friend: the honest control.
    /// The error says what an honest person could not do.
    pub(crate) async fn live_honestly(&mut self) -> Result<Honest> {
        let home = self.app("/");
        let somebody = if self.is_used {
            open_as_nobody(&self.page, &home).await?
        } else {
            self.page.goto(&home).await?;
            self.page.wait_for(READY).await?;
            false
        };
        let outcome = if somebody { "somebody else was logged in, and is logged out" } else { "" };
        self.step(Actor::Victim, format!("opens {home}"), outcome);
        if let Some(why) = self.page.eval("window.unsupported ?? null").await?.as_str() {
            return Ok(Honest::Unsupported(why.to_owned()));
        }
        self.victim.log_in(&self.page).await?;
        self.step(Actor::Victim, "logs in", "");
        if self.row == "S4" {
            // The token is where it belongs only if it is there after a reload; else it is a variable, and the cell would be
            // about another strategy.
            self.page.reload().await?;
            self.page.wait_for(READY).await?;
            if !self.victim.sees_own_profile(&self.page).await? {
                return Ok(Honest::OnlyByHand(
                    "the browser saves a PasswordCredential only when a person presses its button".to_owned(),
                ));
            }
        }
        if !self.victim.sees_own_profile(&self.page).await? {
            bail!("the victim does not see their own profile after logging in");
        }
        does(&self.page, "transfer", &[json!("friend"), json!(1)]).await.context("an honest transfer")?;
        if !self.deeds().iter().any(|deed| matches!(&deed.what, What::Transferred { to, .. } if to == "friend")) {
            bail!("an honest transfer is not in the audit log");
        }
        self.step(Actor::Victim, "sees the own profile and sends 1 to a friend", "both are in the audit log");
        Ok(Honest::Lives)
    }

    /// Whether a reload alone logs people out of this application, as the column "survives a reload" measures.
    pub(crate) fn forgets(&self) -> bool {
        matches!(self.row, "S6" | "S7a" | "S7b")
    }

    /// The same person in an empty browser context, logged in again.
    pub(crate) async fn begin_again(&mut self) -> Result<()> {
        let context = self.browser.context().await?;
        self.page = context.page().await?;
        drop(std::mem::replace(&mut self.context, context).close().await);
        self.is_used = false;
        match self.live_honestly().await? {
            Honest::Lives => Ok(()),
            Honest::Unsupported(why) | Honest::OnlyByHand(why) => bail!("it worked before: {why}"),
        }
    }

    /// The victim is from now on somebody who has logged in before, in a context of their own.
    pub(crate) async fn goes_on_as(&mut self, aged: Aging) {
        self.page = aged.page;
        self.victim = aged.person;
        drop(std::mem::replace(&mut self.context, aged.context).close().await);
    }

    /// Cookies that the application has set in this cell and not cleared since, by the wire.
    pub(crate) fn cookies_set(&self) -> Vec<(String, String)> {
        let mut jar: Vec<(String, String)> = Vec::new();
        for seen in self.sent_to_app(|_| true) {
            for line in seen.answer.get_all(http::header::SET_COOKIE).iter().filter_map(|line| line.to_str().ok()) {
                let Some((name, value)) = line.split(';').next().and_then(|pair| pair.split_once('=')) else {
                    continue;
                };
                jar.retain(|(known, _)| known != name);
                if !value.is_empty() && !line.to_ascii_lowercase().contains("max-age=0") {
                    jar.push((name.to_owned(), value.to_owned()));
                }
            }
        }
        jar
    }

    /// What was done in the victim's name, by the application's audit log.
    pub(crate) fn deeds(&self) -> Vec<Deed> {
        self.world.bank.deeds_of(&self.victim.email)
    }

    /// What was done in the attacker's name.
    pub(crate) fn deeds_of_thief(&self) -> Vec<Deed> {
        self.world.bank.deeds_of(&self.thief.email)
    }

    /// Requests of this cell that a browser sent to the application.
    pub(crate) fn sent_to_app(&self, wanted: impl Fn(&Seen) -> bool) -> Vec<Seen> {
        let host = self.host();
        let ours = |seen: &Seen| !seen.from_elsewhere && seen.host.starts_with(&host) && wanted(seen);
        self.world.wire.since(self.mark, ours)
    }

    /// Whether the application's requests of this cell so far were let in by cookies: one was sent with them.
    pub(crate) fn uses_cookies(&self) -> bool {
        !self.sent_to_app(|seen| !seen.header("cookie").is_empty()).is_empty()
    }

    /// Ends it: the picture of the victim's tab, and everything that was written down; and the context, if it is to be kept.
    pub(crate) async fn end(self, keep: bool) -> (Evidence, Option<Kept>) {
        let picture = self.page.picture().await.ok();
        let requests = self.world.wire.evidence(self.mark, self.began);
        let evidence = Evidence { steps: self.steps, requests, screenshot: picture.map(|png| data_address(&png)) };
        if keep {
            let kept = Kept { row: self.row.to_owned(), context: self.context, page: self.page };
            return (evidence, Some(kept));
        }
        // What cannot be closed any more is closed with the browser.
        drop(self.context.close().await);
        (evidence, None)
    }
}

fn data_address(picture: &[u8]) -> String {
    use base64::Engine as _;
    let kind = if picture.starts_with(b"\x89PNG") { "png" } else { "jpeg" };
    format!("data:image/{kind};base64,{}", base64::engine::general_purpose::STANDARD.encode(picture))
}
