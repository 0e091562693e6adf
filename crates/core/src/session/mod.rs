//! Our record of one log-in on one device, and how long it lives.

mod device;
mod roles;
mod strategy;

pub use device::{UNKNOWN_DEVICE, device_name};
pub use roles::Roles;
pub use strategy::Strategy;

use crate::id::{AccountId, SessionId};
use crate::refresh::Family;
use crate::time::{Lifetime, Timestamp};

/// One log-in on one device. One row, together with its refresh family.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Its name: the `sid` of its tokens.
    pub id: SessionId,
    /// Whose it is.
    pub account: AccountId,
    /// When the log-in happened: the `auth_time` of its tokens.
    pub opened_at: Timestamp,
    /// The last time somebody was seen to use it. A refresh is not use.
    pub last_used_at: Timestamp,
    /// Nothing moves this: the end of the absolute lifetime.
    pub absolute_until: Timestamp,
    /// Whether its cookies outlive the browser.
    pub remember: bool,
    /// How the log-in was proven.
    pub method: Method,
    /// How it lives in the browser.
    pub strategy: Strategy,
    /// The `User-Agent` of the log-in, at most [`Session::MAX_USER_AGENT`] bytes, for the owner's list only.
    pub user_agent: String,
    /// The address that the log-in came from, for the owner's list only.
    pub address: String,
    /// Its refresh lineage.
    pub family: Family,
    /// What its provider said of its owner, if it has one.
    pub roles: Roles,
}

impl Session {
    /// More of a `User-Agent` than this is cut, in bytes.
    pub const MAX_USER_AGENT: usize = 256;

    /// Whether a thief who copied everything that was handed out would still lack a key of the device. No strategy of
    /// today binds a session so.
    pub fn is_bound(&self) -> bool {
        match self.strategy {
            Strategy::Cookie
            | Strategy::Ticket
            | Strategy::Split
            | Strategy::SplitBearer
            | Strategy::Memory
            | Strategy::Native => false,
        }
    }
}

/// How a log-in was proven. The text of a method is stored and must never change its meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// A password alone.
    Password,
    /// A password, then a code of an authenticator app.
    PasswordAndTotp,
    /// A password, then a recovery code.
    PasswordAndRecovery,
    /// A password, then a passkey.
    PasswordAndPasskey,
    /// A passkey alone, unlocked by its owner: two factors in one.
    Passkey,
    /// A provider vouched for it.
    Provider,
    /// A provider vouched for it, and for more than one factor.
    ProviderWithFactors,
}

impl Method {
    /// Every method there is.
    pub const ALL: [Self; 7] = [
        Self::Password,
        Self::PasswordAndTotp,
        Self::PasswordAndRecovery,
        Self::PasswordAndPasskey,
        Self::Passkey,
        Self::Provider,
        Self::ProviderWithFactors,
    ];

    /// What the store keeps.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Password => "pwd",
            Self::PasswordAndTotp => "pwd+otp",
            Self::PasswordAndRecovery => "pwd+recovery",
            Self::PasswordAndPasskey => "pwd+passkey",
            Self::Passkey => "passkey",
            Self::Provider => "provider",
            Self::ProviderWithFactors => "provider+mfa",
        }
    }

    /// Reads what [`Self::as_str`] wrote.
    pub fn from_text(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|method| method.as_str() == text)
    }

    /// Values of the claim `amr` (RFC 8176 §2); a recovery code is a one-time password. Which factors a provider asked for is
    /// not said again: only whether there were several.
    pub const fn amr(self) -> &'static [&'static str] {
        match self {
            Self::Password => &["pwd"],
            Self::PasswordAndTotp | Self::PasswordAndRecovery => &["pwd", "otp", "mfa"],
            Self::PasswordAndPasskey => &["pwd", "hwk", "mfa"],
            Self::Passkey => &["hwk", "user", "mfa"],
            Self::Provider => &[],
            Self::ProviderWithFactors => &["mfa"],
        }
    }

    /// Whether more than one factor was shown.
    pub const fn is_multi_factor(self) -> bool {
        !matches!(self, Self::Password | Self::Provider)
    }

    /// Whether the password was shown.
    pub const fn used_password(self) -> bool {
        !matches!(self, Self::Passkey | Self::Provider | Self::ProviderWithFactors)
    }
}

/// How long sessions and their tokens live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifetimes {
    /// An access token; minutes.
    pub access_for: Lifetime,
    /// A session that nobody uses.
    pub idle_for: Lifetime,
    /// A session, used or not.
    pub absolute_for: Lifetime,
}

impl Lifetimes {
    /// Profile `standard`: 30 days, idle or not (NIST SP 800-63B-4 AAL1).
    pub const STANDARD: Self = Self::of(Lifetime::from_secs(30 * 86_400), Lifetime::from_secs(30 * 86_400));
    /// Profile `careful`: 24 hours, one hour idle (AAL2).
    pub const CAREFUL: Self = Self::of(Lifetime::from_secs(86_400), Lifetime::from_secs(3600));
    /// Profile `strict`: 12 hours, 15 minutes idle (AAL3).
    pub const STRICT: Self = Self::of(Lifetime::from_secs(12 * 3600), Lifetime::from_secs(15 * 60));

    const fn of(absolute_for: Lifetime, idle_for: Lifetime) -> Self {
        Self { access_for: Lifetime::from_secs(300), idle_for, absolute_for }
    }

    /// Whether a session is past its idle or absolute end. `last_used_at` is handed in because the newest
    /// sighting may not have reached the store yet.
    pub fn is_expired(&self, session: &Session, last_used_at: Timestamp, now: Timestamp) -> bool {
        let used = session.last_used_at.max(last_used_at);
        now >= session.absolute_until || now.since(used) >= self.idle_for
    }

    /// When a session ends if nobody uses it again.
    pub fn expires_at(&self, session: &Session) -> Timestamp {
        session.absolute_until.min(session.last_used_at.plus(self.idle_for))
    }

    /// When an access token made now must end: never after the session itself, idle or not.
    pub fn access_until(&self, session: &Session, now: Timestamp) -> Timestamp {
        now.plus(self.access_for).min(self.expires_at(session))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::KeyId;

    fn session(now: Timestamp) -> Session {
        Session {
            id: SessionId::from_bytes([1; 16]),
            account: AccountId::from_bytes([2; 16]),
            opened_at: now,
            last_used_at: now,
            absolute_until: now.plus(Lifetimes::STRICT.absolute_for),
            remember: false,
            method: Method::Password,
            strategy: Strategy::Cookie,
            user_agent: String::new(),
            address: String::new(),
            family: Family::opened([0; 16], KeyId::from_bytes([3; 16]), now),
            roles: Roles::default(),
        }
    }

    #[test]
    fn ni_01_idle_and_absolute_ends_are_both_kept() {
        let start = Timestamp::from_millis(1_000_000);
        let (session, limits) = (session(start), Lifetimes::STRICT);
        let idle = start.plus(limits.idle_for);
        assert!(!limits.is_expired(&session, start, idle.minus(Lifetime::from_millis(1))));
        assert!(limits.is_expired(&session, start, idle));
        // Use keeps it alive past the idle end, but never past the absolute one.
        assert!(!limits.is_expired(&session, idle.minus(Lifetime::from_secs(1)), idle));
        let end = session.absolute_until;
        assert!(limits.is_expired(&session, end, end));
        let second = Lifetime::from_secs(1);
        let used = Session { last_used_at: end.minus(second), ..session.clone() };
        assert_eq!(limits.access_until(&used, end.minus(second)), end);
        assert_eq!(limits.access_until(&session, idle.minus(second)), idle, "not a token over the idle end");
    }

    #[test]
    fn methods_read_what_they_write() {
        for method in Method::ALL {
            assert_eq!(Method::from_text(method.as_str()), Some(method));
        }
    }
}
