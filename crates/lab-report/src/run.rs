//! A run of the lab as data: what the JSON file holds, and what every other form is made from. Nothing is decided here.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::verdict::Verdict;

/// What the field `schema` of a run says. It changes with the meaning of a field.
pub const SCHEMA: &str = "cloakroom-lab-run/1";

/// One run: where and how it was made, what was in it, what was seen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Run {
    /// Always [`SCHEMA`].
    pub schema: String,
    /// When it began, RFC 3339 in UTC.
    pub began_at: String,
    /// Seconds from the beginning to the end.
    pub took_seconds: u64,
    /// The command that makes it again.
    pub command: String,
    /// Decides the order of cells and every random choice.
    pub seed: u64,
    /// The version of the lab, and the commit it was built from if that is known.
    pub lab: String,
    /// The version of the Cloakroom that was attacked.
    pub cloakroom: String,
    /// The machine: operating system, processor, how many of them.
    pub machine: String,
    pub browsers: Vec<BrowserRun>,
    pub strategies: Vec<Strategy>,
    pub attacks: Vec<Attack>,
    pub usabilities: Vec<UsabilityColumn>,
    /// One for each browser state, strategy and attack that was asked for.
    pub cells: Vec<Cell>,
    /// One for each browser state, strategy and usability that was asked for.
    pub usability: Vec<UsabilityCell>,
    /// What happens to Cloakroom without one of its defences.
    pub defences: Vec<Defence>,
    /// When and by which command the defences were removed, if that was another run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub defences_from: Option<String>,
}

/// A column group: one browser with third-party cookies in one state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BrowserRun {
    /// The key that cells name, such as `chromium`, or `chromium-3pc-allowed` in a run of both states.
    pub id: String,
    /// What people call it: `Chromium`, `Firefox`, `WebKitGTK`.
    pub name: String,
    /// The build as the browser says it; empty if it did not run.
    pub version: String,
    pub third_party_cookies: ThirdPartyCookies,
    /// Why it did not run, with the command that installs it; none if it ran.
    pub not_run: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ThirdPartyCookies {
    Allow,
    Block,
}

/// A row: one way to keep a token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Strategy {
    /// Such as `S1`, or `cloakroom-cookie`.
    pub id: String,
    /// Such as `localStorage`.
    pub title: String,
    /// How it works, in one or two sentences.
    pub summary: String,
    /// Whether it is one of Cloakroom's own. The others are naive victims.
    pub is_cloakroom: bool,
    /// Where people are told to do it so; addresses or names of documents.
    pub sources: Vec<String>,
}

/// A column: one attack.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Attack {
    /// Such as `A1`.
    pub id: String,
    /// Such as `A script reads every storage`.
    pub title: String,
    /// Which kind it is, such as `Script in the page`, `Another site`, `Another machine`.
    pub group: String,
    /// As a person would meet it.
    pub story: String,
    /// How it works.
    pub mechanism: String,
    /// What stops it, in general.
    pub stopped_by: String,
    pub sources: Vec<String>,
}

/// What was seen when one attack was made on one strategy in one browser.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Cell {
    /// [`BrowserRun::id`].
    pub browser: String,
    /// [`Strategy::id`].
    pub strategy: String,
    /// [`Attack::id`].
    pub attack: String,
    pub verdict: Verdict,
    /// In a sentence: what arrived where, or why nothing can be said.
    pub why: String,
    /// The honest person's same action.
    pub honest: Control,
    /// The same attack on a victim built to be vulnerable to it, in the same browser, in the same run.
    pub falls: Control,
    pub evidence: Evidence,
    /// Other verdicts that repetitions of the same cell gave; empty if it is stable.
    pub unstable: Vec<Verdict>,
    /// Why they differ, as far as it is known; empty if it is stable.
    #[serde(default)]
    pub unstable_because: String,
    pub took_ms: u64,
}

/// Whether a control worked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Control {
    pub passed: bool,
    /// What was seen. For the attack control: on which victim.
    pub what: String,
}

/// What the verdict was read from.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Evidence {
    /// What was done, in order.
    pub steps: Vec<Step>,
    /// What servers received, in order; long values are cut, with `…` where.
    pub requests: Vec<Exchange>,
    /// A picture of the victim's window at the end: a file beside the JSON file, or a `data:` address.
    pub screenshot: Option<String>,
}

/// One thing that was done, and what came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Step {
    /// Since the cell began.
    pub at_ms: u64,
    /// Who did it.
    pub who: Actor,
    pub what: String,
    /// What came of it; empty if there is nothing to say.
    pub outcome: String,
    /// Whether the cell failed here.
    pub failed: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Actor {
    Victim,
    Attacker,
    Browser,
    Server,
}

/// One request as it was seen on the wire, and its answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Exchange {
    pub at_ms: u64,
    /// Which server of the lab's world received it, such as `victim`, `attacker`, `sibling`, `provider`, `wire`.
    pub server: String,
    pub method: String,
    pub url: String,
    /// Names in lower case, in the order of arrival.
    pub headers: Vec<(String, String)>,
    pub body: String,
    pub status: u16,
    /// Of the answer: those that matter here, such as `set-cookie`.
    pub answer_headers: Vec<(String, String)>,
}

/// A usability column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct UsabilityColumn {
    /// Such as `reload`.
    pub id: String,
    /// Such as `Survives a reload`.
    pub title: String,
    /// How it is measured.
    pub how: String,
}

/// What was measured of a strategy's everyday use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct UsabilityCell {
    pub browser: String,
    pub strategy: String,
    /// [`UsabilityColumn::id`].
    pub usability: String,
    /// Such as `yes`, `no`, `after a refresh`, or a number of bytes; `INVALID` if it could not be measured.
    pub value: String,
    /// What was seen.
    pub why: String,
}

/// One of Cloakroom's defences, removed by the lab's meddling proxy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Defence {
    /// Such as `http-only`.
    pub id: String,
    /// Such as `HttpOnly on every cookie`.
    pub title: String,
    /// What the proxy does to remove it.
    pub removed_by: String,
    /// What works again without it; empty means decoration, in the browsers of this run.
    pub works_again: Vec<WorksAgain>,
    /// The cells that were tried without it.
    pub tried: u64,
}

/// An attack that the defence had stopped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WorksAgain {
    pub browser: String,
    pub strategy: String,
    pub attack: String,
    pub with: Verdict,
    pub without: Verdict,
    pub why: String,
}
