//! The rules under test: the judgement of `cloakroom-core` as it is, the same with a known fault, or with a proposed
//! change. Every variant wraps the real function; none copies it.

use cloakroom_core::id::KeyId;
use cloakroom_core::refresh::{self, Beside, Family, Policy, Presented, Refusal, Repeat, Replay, Verdict};
use cloakroom_core::time::{Lifetime, Timestamp};

/// The refresh key of today; the model does not rotate it.
pub(crate) const KEY: KeyId = KeyId::from_bytes([1; 16]);

/// What differs from the shipped rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Variant {
    /// Nothing: the rules as they ship.
    Shipped,
    /// Fault: whatever is not the current token ends the family.
    StrictRotation,
    /// Fault: the previous token is good for a race window after the rotation, in use or not, and never after.
    PlainGrace,
    /// Fault: the row is checked, then written without comparing.
    CheckThenUpdate,
    /// Fault: that a generation was seen in use is never taken into account.
    IgnoredAcknowledgement,
    /// Fault: a repeat does not outdate the issues before it.
    OlderIssuesKept,
    /// Fault: an old generation is judged before its MAC is compared.
    ForgedCounts,
    /// Fault: a browser whose issue was outdated is sent to the log-in, not to a refresh.
    OutdatedSignsOut,
    /// Fault: a lost answer is given again to any jar, whatever access token accompanies the previous refresh token. So
    /// it is where a proof comes along that never changes: `memory`, `split-bearer`, `native`.
    AnyJar,
    /// Proposal: a current token is answered as raced until a race window has passed since its newest issue.
    Paced,
}

/// A presented refresh token and the access token beside it, as a jar holds them: both of one answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ask {
    /// The generation of both.
    pub generation: u32,
    /// The issue of the access token.
    pub issue: u32,
}

/// Settings of the protocol and what differs.
#[derive(Clone, Debug)]
pub struct Rules {
    /// As in `cloakroom-core`.
    pub policy: Policy,
    /// Life of an access token.
    pub access_for: Lifetime,
    /// What differs from the shipped rules.
    pub variant: Variant,
}

impl Rules {
    /// The verdict on a genuine, accompanied token.
    pub(crate) fn judge(&self, family: &Family, ask: Ask, now: Timestamp) -> Verdict {
        let beside = match self.variant {
            Variant::AnyJar => Beside::Proof,
            _ => Beside::Token { generation: ask.generation, issue: ask.issue },
        };
        self.judge_presented(family, Presented { generation: ask.generation, genuine: true, beside }, now)
    }

    /// The verdict on any token, forged ones included.
    pub(crate) fn judge_presented(&self, family: &Family, presented: Presented, now: Timestamp) -> Verdict {
        let real = |family: &Family| refresh::judge(family, presented, KEY, now, &self.policy);
        let verdict = real(family);
        let is_old = presented.generation < family.generation;
        match self.variant {
            Variant::StrictRotation if is_old && !matches!(verdict, Verdict::Refuse(_)) => replay(),
            Variant::PlainGrace if is_old => {
                let in_time = now.since(family.rotated_at) <= self.policy.race_window;
                match verdict {
                    // A grace period knows no acknowledgement: within it the previous token always pays.
                    Verdict::Raced | Verdict::Replay(_) if in_time && presented.generation + 1 == family.generation => {
                        real(&Family { acknowledged_at: None, ..family.clone() })
                    }
                    Verdict::Repeat(_) if !in_time => replay(),
                    other => other,
                }
            }
            Variant::IgnoredAcknowledgement => real(&Family { acknowledged_at: None, ..family.clone() }),
            Variant::ForgedCounts if is_old && verdict == Verdict::Refuse(Refusal::Forged) => replay(),
            Variant::Paced => match verdict {
                Verdict::Rotate(_) if now.since(family.issued_at) <= self.policy.race_window => Verdict::Raced,
                other => other,
            },
            _ => verdict,
        }
    }

    /// From when on the issues before this repeat are outdated, if they are at all.
    pub(crate) fn outdates(&self, order: &Repeat) -> Option<Timestamp> {
        (self.variant != Variant::OlderIssuesKept).then_some(order.older_issues_until)
    }

    /// Whether the store compares what a change was judged against.
    pub(crate) fn compares(&self) -> bool {
        self.variant != Variant::CheckThenUpdate
    }

    /// Whether a repeat is carried out only if the generation is still not known to be in use.
    pub(crate) fn compares_use(&self) -> bool {
        !matches!(self.variant, Variant::PlainGrace | Variant::IgnoredAcknowledgement)
    }

    /// Whether a browser whose issue was outdated is told that it is signed out, not that a refresh would help.
    pub(crate) fn signs_out_outdated(&self) -> bool {
        self.variant == Variant::OutdatedSignsOut
    }

    /// Whether the judgement looks at the issue beside a refresh token.
    pub(crate) fn is_bound(&self) -> bool {
        self.variant != Variant::AnyJar
    }
}

fn replay() -> Verdict {
    Verdict::Replay(Replay { silent: false })
}
