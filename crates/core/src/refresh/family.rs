//! The state of a refresh lineage, one row beside its session.

use crate::id::KeyId;
use crate::time::Timestamp;

/// A refresh lineage: which generation is the newest, and what is known about its use.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Family {
    /// The newest generation; 0 at log-in.
    pub generation: u32,
    /// When that generation was opened.
    pub rotated_at: Timestamp,
    /// The newest access-token issue within the generation; 0 first.
    pub issue: u32,
    /// When that issue was made.
    pub issued_at: Timestamp,
    /// When an access token of this generation was first seen in use; empty until then.
    pub acknowledged_at: Option<Timestamp>,
    /// Generations in a row whose first repeat came late.
    pub late_repeats: u8,
    /// The issue of the access token that accompanied the rotation to this generation; 0 where none could. A browser whose
    /// answer was lost still has that one: another issue beside the same refresh token shows a second jar (decision 0010).
    pub rotated_with: u32,
    /// The refresh key that the newest generation's token is derived with.
    pub key: KeyId,
    /// Random per session; without it a stolen refresh key derives nothing.
    pub seed: [u8; 16],
    /// When and why it ended, if it did.
    pub ended: Option<Ended>,
}

/// The end of a family, which is the end of its session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ended {
    /// When.
    pub at: Timestamp,
    /// Why.
    pub reason: EndReason,
}

/// Why a session ended. The text is stored and must never change its meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EndReason {
    /// Its owner logged out.
    LoggedOut,
    /// Its owner ended it from another session.
    Revoked,
    /// A used-up refresh token came back.
    Replayed,
    /// A newer session took its place: an account has only so many.
    Displaced,
    /// An operator ended it, alone or with others.
    Withdrawn,
    /// Its owner logged out at the provider that it was opened with.
    LoggedOutThere,
}

impl EndReason {
    /// Every reason there is.
    pub const ALL: [Self; 6] =
        [Self::LoggedOut, Self::Revoked, Self::Replayed, Self::Displaced, Self::Withdrawn, Self::LoggedOutThere];

    /// As the store keeps it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::LoggedOut => "logged-out",
            Self::Revoked => "revoked",
            Self::Replayed => "replayed",
            Self::Displaced => "displaced",
            Self::Withdrawn => "withdrawn",
            Self::LoggedOutThere => "logged-out-there",
        }
    }

    /// Reads what [`Self::as_str`] wrote.
    pub fn from_text(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == text)
    }
}

/// What a change was judged against; the store carries it out only if the row still says the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Version {
    /// Generation at the time of the judgement.
    pub generation: u32,
    /// Issue at the time of the judgement.
    pub issue: u32,
}

impl Family {
    /// A new lineage at its log-in.
    pub fn opened(seed: [u8; 16], key: KeyId, now: Timestamp) -> Self {
        Self {
            generation: 0,
            rotated_at: now,
            issue: 0,
            issued_at: now,
            acknowledged_at: None,
            late_repeats: 0,
            rotated_with: 0,
            key,
            seed,
            ended: None,
        }
    }

    /// What a change judged now must still find.
    pub fn version(&self) -> Version {
        Version { generation: self.generation, issue: self.issue }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_read_what_they_write() {
        for reason in EndReason::ALL {
            assert_eq!(EndReason::from_text(reason.as_str()), Some(reason));
        }
    }
}
