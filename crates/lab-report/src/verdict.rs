//! What became of one attack on one strategy in one browser. The words are those of `docs/lab/README.md`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What was observed. The order is from the best to the worst, so that two verdicts can be compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Verdict {
    /// Nobody asked for this cell, or its browser is not installed.
    NotRun,
    /// The attack has nothing here that it could be made against.
    Na,
    /// The attack was made, its controls worked, and nothing arrived.
    Safe,
    /// The attacker learns one or more bits of state.
    Oracle,
    /// The attacker can only log the victim out, or break the session.
    Deny,
    /// Something limited: claims only, a window of time, a further condition. The cell says which.
    Part,
    /// A copied credential works until its owner uses the session again; then the family is revoked.
    Detect,
    /// The attacker acts inside the victim's session, only while his code runs in the victim's browser.
    Ride,
    /// A credential or a page outlives the log-out.
    Stale,
    /// Safe against other sites, but a sibling of the same site acts inside the session.
    Sib,
    /// The attacker causes a change of state without reading the answer.
    Forge,
    /// The victim ends up using a credential that the attacker chose.
    Fixate,
    /// A copied credential works elsewhere.
    Replay,
    /// The attacker obtains a new, independent credential.
    Mint,
    /// The attacker obtains a credential that is usable away from the victim's machine.
    Leak,
    /// A control failed: nothing can be said.
    Invalid,
}

impl Verdict {
    /// Every verdict, from the best to the worst, and `Invalid` last.
    pub const ALL: [Self; 16] = [
        Self::NotRun,
        Self::Na,
        Self::Safe,
        Self::Oracle,
        Self::Deny,
        Self::Part,
        Self::Detect,
        Self::Ride,
        Self::Stale,
        Self::Sib,
        Self::Forge,
        Self::Fixate,
        Self::Replay,
        Self::Mint,
        Self::Leak,
        Self::Invalid,
    ];

    /// The word that reports show, such as `LEAK`.
    pub fn word(self) -> &'static str {
        match self {
            Self::NotRun => "NOT RUN",
            Self::Na => "NA",
            Self::Safe => "SAFE",
            Self::Oracle => "ORACLE",
            Self::Deny => "DENY",
            Self::Part => "PART",
            Self::Detect => "DETECT",
            Self::Ride => "RIDE",
            Self::Stale => "STALE",
            Self::Sib => "SIB",
            Self::Forge => "FORGE",
            Self::Fixate => "FIXATE",
            Self::Replay => "REPLAY",
            Self::Mint => "MINT",
            Self::Leak => "LEAK",
            Self::Invalid => "INVALID",
        }
    }

    /// What the word means, in a sentence for a person.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::NotRun => "Not run: nobody asked for it, or the browser is not installed.",
            Self::Na => "Does not apply: there is nothing here that this attack could be made against.",
            Self::Safe => "The attack was made, both controls worked, and nothing arrived.",
            Self::Oracle => "The attacker learns one or more bits of state, such as whether somebody is logged in.",
            Self::Deny => "The attacker can only log the victim out, or break the session.",
            Self::Part => {
                "Something limited: claims only, a window of time, or under a further condition that the cell names."
            }
            Self::Detect => {
                "A copied credential works until its owner uses the session again; then both are thrown out."
            }
            Self::Ride => "The attacker acts inside the session, only while his code runs in the victim's browser.",
            Self::Stale => "A credential or a page outlives the log-out.",
            Self::Sib => "Safe against other sites; a sibling sub-domain acts inside the session.",
            Self::Forge => "The attacker changes something in the victim's name, without reading the answer.",
            Self::Fixate => "The victim ends up using a credential that the attacker chose.",
            Self::Replay => "A copied credential works on another machine.",
            Self::Mint => "The attacker obtains a new, independent credential.",
            Self::Leak => "The attacker obtains a credential that is usable away from the victim's machine.",
            Self::Invalid => "A control failed, so nothing can be said.",
        }
    }

    /// Whether `self` is worse news than `before` for somebody who relies on it. A cell that can no longer be judged is
    /// worse than any judgement, because a failed control hides what it would have found. That an attack has something to be
    /// made against, and fails, is not worse than that it has nothing.
    pub fn worse_than(self, before: Self) -> bool {
        self > before && self != Self::NotRun && (self, before) != (Self::Safe, Self::Na)
    }
}
