//! The judgement: one pure function, one row of the protocol's table per arm.

use super::family::{Family, Version};
use crate::id::KeyId;
use crate::time::{Lifetime, Timestamp};

/// What the configuration says about refreshing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Longer than two round trips that are still believed: a retry that is sent just before an answer arrives is answered
    /// two of them after the rotation (`dev/model` shows a false alarm for anything shorter).
    pub race_window: Lifetime,
    /// A first repeat later than this after the rotation counts as late: two tabs race within milliseconds.
    pub late_after: Lifetime,
    /// This many late generations in a row end the family.
    pub late_limit: u8,
    /// Whether verifiers report the first use of a generation. Without it a generation counts as acknowledged
    /// from its rotation on, and an answer lost for longer than `race_window` costs the session.
    pub sightings: bool,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            race_window: Lifetime::from_secs(10),
            late_after: Lifetime::from_secs(2),
            late_limit: 5,
            sightings: true,
        }
    }
}

/// A refresh token as it came in, after its MAC was compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Presented {
    /// The generation that it claims.
    pub generation: u32,
    /// Whether its MAC is that of this session, that generation and a key of the ring.
    pub genuine: bool,
    /// What came along to show that it was not planted.
    pub beside: Beside,
}

/// What accompanies a refresh token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Beside {
    /// Nothing of the same session.
    Nothing,
    /// A proof of the same session that does not change with every answer: a ticket for company, the body of a program.
    Proof,
    /// An access token of the same session, expired or not.
    Token {
        /// Its generation.
        generation: u32,
        /// Its issue.
        issue: u32,
    },
}

impl Presented {
    /// The issue beside it, where one of its own generation is; one that no token has where the two do not belong together.
    fn issue(&self) -> Option<u32> {
        match self.beside {
            Beside::Nothing | Beside::Proof => None,
            Beside::Token { generation, issue } => Some(if generation == self.generation { issue } else { u32::MAX }),
        }
    }
}

/// What to do. Each order carries what it was judged against.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Open the next generation.
    Rotate(Rotate),
    /// The answer seems to have been lost: the same refresh token again, and one more access token.
    Repeat(Repeat),
    /// Another tab was faster: fresh cookies are in the jar already. Change nothing, set nothing.
    Raced,
    /// A used-up token came back after its successor was in use: end the family.
    Replay(Replay),
    /// Nothing is done and nothing is revealed.
    Refuse(Refusal),
}

/// The order to open the next generation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rotate {
    /// Carried out only if the row still has this version.
    pub expected: Version,
    /// The family afterwards.
    pub next: Family,
}

/// The order to answer once more within the newest generation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repeat {
    /// Carried out only if the row still has this version.
    pub expected: Version,
    /// The family afterwards.
    pub next: Family,
    /// From this instant on only the issue of `next` is accepted of this generation.
    pub older_issues_until: Timestamp,
}

/// The order to end the family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Replay {
    /// Whether it is the run of late repeats that ended it, not an old token.
    pub silent: bool,
}

/// Why nothing was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The MAC is wrong, or the generation lies ahead of the family: forged.
    Forged,
    /// No access token of the same session came with it.
    Unaccompanied,
    /// The family has ended.
    Ended,
}

/// Judges a presented refresh token. Expiry (idle, absolute) is judged before, by
/// [`Lifetimes::is_expired`](crate::session::Lifetimes::is_expired). `key` is the refresh key of today, which the next
/// generation is derived with.
pub fn judge(family: &Family, presented: Presented, key: KeyId, now: Timestamp, policy: &Policy) -> Verdict {
    if !presented.genuine || presented.generation > family.generation {
        return Verdict::Refuse(Refusal::Forged);
    }
    if family.ended.is_some() {
        return Verdict::Refuse(Refusal::Ended);
    }
    if presented.beside == Beside::Nothing {
        return Verdict::Refuse(Refusal::Unaccompanied);
    }
    match family.generation - presented.generation {
        0 => Verdict::Rotate(rotate(family, presented, key, now)),
        1 => previous(family, presented, now, policy),
        _ => Verdict::Replay(Replay { silent: false }),
    }
}

/// Opens the next generation without a refresh token: its owner has just proven anew who they are, beside an access token of
/// the newest generation with this `issue`. Where the answer is lost, the refresh token before it is repeated as after any
/// other rotation.
pub fn renew(family: &Family, issue: u32, key: KeyId, now: Timestamp) -> Rotate {
    let beside = Beside::Token { generation: family.generation, issue };
    rotate(family, Presented { generation: family.generation, genuine: true, beside }, key, now)
}

fn rotate(family: &Family, presented: Presented, key: KeyId, now: Timestamp) -> Rotate {
    // A generation that nobody had to repeat breaks the run. One whose first repeat came early broke it then.
    let late_repeats = if family.issue == 0 { 0 } else { family.late_repeats };
    Rotate {
        expected: family.version(),
        next: Family {
            generation: family.generation.saturating_add(1),
            rotated_at: now,
            issue: 0,
            issued_at: now,
            acknowledged_at: None,
            late_repeats,
            rotated_with: presented.issue().unwrap_or(0),
            key,
            ..family.clone()
        },
    }
}

fn previous(family: &Family, presented: Presented, now: Timestamp, policy: &Policy) -> Verdict {
    let acknowledged_at = if policy.sightings {
        family.acknowledged_at
    } else {
        Some(family.acknowledged_at.unwrap_or(family.rotated_at))
    };
    match acknowledged_at {
        Some(at) if now.since(at) <= policy.race_window => Verdict::Raced,
        Some(_) => Verdict::Replay(Replay { silent: false }),
        // The jar that rotated asks again with the very token that it had then; a copy that went its own way has another.
        None if presented.issue().is_some_and(|issue| issue != family.rotated_with) => {
            Verdict::Replay(Replay { silent: false })
        }
        None => repeat(family, now, policy),
    }
}

fn repeat(family: &Family, now: Timestamp, policy: &Policy) -> Verdict {
    let first = family.issue == 0;
    let late = now.since(family.rotated_at) > policy.late_after;
    let late_repeats = match (first, late) {
        (true, true) => family.late_repeats.saturating_add(1),
        (true, false) => 0,
        (false, _) => family.late_repeats,
    };
    if late_repeats >= policy.late_limit {
        return Verdict::Replay(Replay { silent: true });
    }
    Verdict::Repeat(Repeat {
        expected: family.version(),
        next: Family { issue: family.issue.saturating_add(1), issued_at: now, late_repeats, ..family.clone() },
        older_issues_until: now.plus(policy.race_window),
    })
}

#[cfg(test)]
#[path = "judge_tests.rs"]
mod tests;
