//! Why a transfer broke, once its head was out and no status could say it any more.

use std::fmt;

/// What a [`crate::Body`] ends with when it does not end well. Its text names no header, path or body content.
#[derive(Debug)]
pub struct Error {
    side: Side,
    reason: Reason,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// Where it broke.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The client left, was silent for too long, or sent too much.
    Client,
    /// The upstream did.
    Upstream,
    /// We broke it off.
    Ours,
}

/// How it broke.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The connection ended or failed before the message was complete.
    Broken,
    /// No byte moved for longer than the limit.
    Idle,
    /// More bytes than the limit.
    TooLarge,
    /// The session that it belonged to ended.
    SessionEnded,
}

impl Error {
    pub(crate) fn new(side: Side, reason: Reason) -> Self {
        Self { side, reason, source: None }
    }

    pub(crate) fn broken(side: Side, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self { side, reason: Reason::Broken, source: Some(source.into()) }
    }

    /// Where it broke.
    pub fn side(&self) -> Side {
        self.side
    }

    /// How it broke.
    pub fn reason(&self) -> Reason {
        self.reason
    }

    /// Whether the same request may do better later: never after too many bytes or the end of its session.
    pub fn retry(&self) -> bool {
        matches!(self.reason, Reason::Broken | Reason::Idle)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let side = match self.side {
            Side::Client => "client",
            Side::Upstream => "upstream",
            Side::Ours => "gateway",
        };
        let reason = match self.reason {
            Reason::Broken => "the transfer broke",
            Reason::Idle => "no byte moved for too long",
            Reason::TooLarge => "the body is too large",
            Reason::SessionEnded => "the session ended",
        };
        write!(f, "{side}: {reason}")
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_ref().map(|source| &**source as &(dyn std::error::Error + 'static))
    }
}
