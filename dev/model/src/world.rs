//! The state of the modelled world: one row in the store, what the nodes have seen, one browser, perhaps a thief.
//!
//! Instants are kept relative: [`NOW`] never changes, a tick moves everything else into the past. Together with
//! `canonical.rs` this makes the state space finite although executions are endless.

use crate::rules::{Ask, KEY};
use crate::setup::Setup;
use cloakroom_core::access::{Access, Mark, Revocation};
use cloakroom_core::id::{AccountId, KeyId, SessionId};
use cloakroom_core::refresh::Family;
use cloakroom_core::time::Timestamp;

/// The present.
pub(crate) const NOW: Timestamp = Timestamp::from_millis(1_000_000);
pub(crate) const SESSION: SessionId = SessionId::from_bytes([2; 16]);
/// Server nodes on the one store.
pub(crate) const NODES: usize = 2;

/// An access token, and the refresh token of its generation that came in the same answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Token {
    /// `gen`.
    pub generation: u32,
    /// `iss_no`.
    pub issue: u32,
    /// `iat`.
    pub issued_at: Timestamp,
    /// `exp`.
    pub expires_at: Timestamp,
}

/// How far one refresh has come.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Leg {
    /// None under way.
    Idle,
    /// On its way to a node, or, once it has arrived, about to read the row.
    Asking {
        /// What it presents.
        ask: Ask,
        /// When it was sent, or when it arrived.
        since: Timestamp,
        /// Whether a node has it; that instant is the one that it is judged at.
        arrived: bool,
    },
    /// A node has read the row and judged; nothing is written yet.
    Judged {
        /// What it presents.
        ask: Ask,
        /// When it arrived.
        at: Timestamp,
        /// What was read.
        read: Row,
    },
    /// Committed; the answer is under way with fresh cookies.
    Answering {
        /// When the request arrived.
        at: Timestamp,
        /// What it carries.
        token: Token,
    },
}

/// The row of a family, as a node read it. Orders only so that states can be sorted.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Row {
    pub(crate) generation: u32,
    pub(crate) issue: u32,
    pub(crate) rotated_at: Timestamp,
    pub(crate) issued_at: Timestamp,
    pub(crate) acknowledged_at: Option<Timestamp>,
    pub(crate) late_repeats: u8,
    pub(crate) ended: bool,
    /// The issue that accompanied the rotation.
    pub(crate) bond: u32,
}

/// Who copied the jar, and has become of it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Thief {
    /// Generations of which he holds the refresh token, the oldest first.
    pub(crate) refresh: Vec<u32>,
    /// Access tokens that still matter, the oldest first.
    pub(crate) tokens: Vec<Token>,
    /// Until when an access token of an earlier generation stays good to him.
    pub(crate) residue: Timestamp,
    /// His refresh under way.
    pub(crate) leg: Leg,
}

/// What the properties need to remember, and no rule looks at.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is what one property remembers")]
pub(crate) struct Ghost {
    /// Generations in a row in which a message was lost or took time.
    pub(crate) slow_run: u8,
    /// Whether the newest generation is one of them.
    pub(crate) slow: bool,
    /// Whether the run of late repeats ended the family, not an old token.
    pub(crate) silent_end: bool,
    /// Two access tokens of one generation and issue were minted.
    pub(crate) twins: bool,
    /// An access token that had been outdated was accepted again.
    pub(crate) revived: bool,
    /// A used-up token was paid for after its successor was known to be in use.
    pub(crate) used_up_paid: bool,
    /// The owner was served although the thief's use of the newest generation was known for longer than a race window.
    pub(crate) uncaught: bool,
    /// The thief opened the newest generation.
    pub(crate) by_thief: bool,
    /// The owner holds, or held, a token of the newest generation.
    pub(crate) owner_in: bool,
    /// Generations in a row that the thief opened and that the owner had to repeat late.
    pub(crate) silent_run: u8,
    /// Ticks of the newest generation in which both had an accepted token of it.
    pub(crate) overlap: u8,
    /// Refreshes of the thief that were answered with tokens; counted only where they are limited.
    pub(crate) answers: u8,
    /// Ticks since the copy in which the thief had an accepted token.
    pub(crate) exposure: u8,
}

/// Everything.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct World {
    /// The store.
    pub(crate) row: Row,
    /// The revocation feed: for each generation that matters the newest entry.
    pub(crate) feed: Vec<Revocation>,
    /// What each node has seen and not written: when the newest generation was first used.
    pub(crate) seen: [Option<Timestamp>; NODES],
    /// The owner's cookies.
    pub(crate) jar: Token,
    /// The owner's refreshes.
    pub(crate) legs: Vec<Leg>,
    /// The thief, once he has copied the jar.
    pub(crate) thief: Option<Thief>,
    /// Bookkeeping of the properties.
    pub(crate) ghost: Ghost,
}

impl World {
    /// Just logged in.
    pub(crate) fn opened(setup: &Setup) -> Self {
        let row = Row::of(&Family::opened([0; 16], KEY, NOW));
        let jar = Token { generation: 0, issue: 0, issued_at: NOW, expires_at: NOW.plus(setup.rules.access_for) };
        let ghost = Ghost { owner_in: true, ..Ghost::default() };
        Self { row, feed: Vec::new(), seen: [None; NODES], jar, legs: vec![Leg::Idle; setup.tabs], thief: None, ghost }
    }

    /// Whether a verifying node accepts this token in the present, by the code that ships.
    pub(crate) fn accepts(&self, token: &Token) -> bool {
        self.accepts_at(token, NOW)
    }

    pub(crate) fn accepts_at(&self, token: &Token, at: Timestamp) -> bool {
        at < token.expires_at && !self.is_outdated(token, at)
    }

    /// Whether it is the revocation feed that refuses this token.
    pub(crate) fn is_outdated(&self, token: &Token, at: Timestamp) -> bool {
        let end = self.row.ended.then_some(Revocation::Session(SESSION));
        let mark = self.feed.iter().chain(&end).fold(Mark::default(), Mark::with);
        !mark.allows(&token.access(), at)
    }

    /// Whether the thief holds a token that is accepted in the present.
    pub(crate) fn exposed(&self) -> bool {
        !self.row.ended
            && self
                .thief
                .as_ref()
                .is_some_and(|thief| NOW < thief.residue || thief.tokens.iter().any(|token| self.accepts(token)))
    }
}

impl Leg {
    /// Since when it is where it is: sent, or arrived at a node; `None` when there is none under way.
    pub(crate) fn since(&self) -> Option<Timestamp> {
        match self {
            Self::Idle => None,
            Self::Asking { since: at, .. } | Self::Judged { at, .. } | Self::Answering { at, .. } => Some(*at),
        }
    }
}

impl Token {
    /// As the shipped code sees it.
    fn access(&self) -> Access {
        Access {
            account: AccountId::from_bytes([3; 16]),
            session: SESSION,
            generation: self.generation,
            issue: self.issue,
            issued_at: self.issued_at,
            expires_at: self.expires_at,
            key: KeyId::from_bytes([4; 16]),
        }
    }

    /// What its holder presents at a refresh.
    pub(crate) fn ask(&self) -> Ask {
        Ask { generation: self.generation, issue: self.issue }
    }
}

impl Row {
    /// From the family that the shipped code works on.
    pub(crate) fn of(family: &Family) -> Self {
        Self {
            generation: family.generation,
            issue: family.issue,
            rotated_at: family.rotated_at,
            issued_at: family.issued_at,
            acknowledged_at: family.acknowledged_at,
            late_repeats: family.late_repeats,
            ended: family.ended.is_some(),
            bond: family.rotated_with,
        }
    }

    /// As the shipped code sees it. Key and seed never change in the model; an end is never judged by its time.
    pub(crate) fn family(&self) -> Family {
        use cloakroom_core::refresh::{EndReason, Ended};
        Family {
            generation: self.generation,
            rotated_at: self.rotated_at,
            issue: self.issue,
            issued_at: self.issued_at,
            acknowledged_at: self.acknowledged_at,
            late_repeats: self.late_repeats,
            rotated_with: self.bond,
            key: KEY,
            seed: [0; 16],
            ended: self.ended.then_some(Ended { at: NOW, reason: EndReason::Replayed }),
        }
    }
}
