//! The audit trail: what happened, to whom, as one closed list. No secret and no free text from a client
//! has a place in it.

use crate::id::{AccountId, EventId, KeyId, SessionId};
use crate::time::Timestamp;

/// One line of the audit trail. Written in the same unit of work as the change that it tells of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Its own name.
    pub id: EventId,
    /// The instant of the change, the same as in every row of that change.
    pub at: Timestamp,
    /// What happened.
    pub kind: EventKind,
    /// Whose account, where there is one.
    pub account: Option<AccountId>,
    /// Which session, where there is one.
    pub session: Option<SessionId>,
    /// Which key of the ring, where there is one.
    pub key: Option<KeyId>,
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $variant:ident = $text:literal,)*) => {
        /// What can happen. The text of a kind is stored and must never change its meaning.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum EventKind { $($(#[$doc])* $variant,)* }

        impl EventKind {
            /// Every kind there is.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// As the store and the log write it.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }

            /// Reads what [`Self::as_str`] wrote.
            pub fn from_text(text: &str) -> Option<Self> {
                match text { $($text => Some(Self::$variant),)* _ => None }
            }
        }
    };
}

kinds! {
    /// An account was opened by sign-up.
    AccountOpened = "account.opened",
    /// Somebody signed up with an address that is taken: nothing changed; its owner can be told.
    SignupRepeated = "account.signup-repeated",
    /// A log-in opened a session.
    LoginSucceeded = "login.succeeded",
    /// A log-in with a known address and a wrong password.
    LoginFailed = "login.failed",
    /// The hash of a password was renewed with the parameters of today.
    PasswordRehashed = "password.rehashed",
    /// A refresh opened the next generation of a family.
    RefreshRotated = "refresh.rotated",
    /// A refresh was answered a second time, because its answer seems to have been lost.
    RefreshRepeated = "refresh.repeated",
    /// A used-up refresh token came back: its family was ended.
    RefreshReplayed = "refresh.replayed",
    /// Somebody logged out.
    SessionLoggedOut = "session.logged-out",
    /// Somebody ended one of their sessions from another.
    SessionRevoked = "session.revoked",
    /// A session made room for a newer one.
    SessionDisplaced = "session.displaced",
    /// A log-in was refused because the account has all the sessions that it may have.
    SessionsFull = "session.refused-full",
    /// An operator ended one session.
    SessionWithdrawn = "session.withdrawn",
    /// An operator ended every session there is.
    EverythingRevoked = "everything.revoked",
    /// An operator ended everything that an account has.
    AccountRevoked = "account.revoked",
    /// An operator disabled an account.
    AccountDisabled = "account.disabled",
    /// An operator enabled an account again.
    AccountEnabled = "account.enabled",
    /// Somebody set a new password: all sessions of the account were ended, and a new one was opened for who did it.
    PasswordChanged = "password.changed",
    /// All sessions of an account were ended at once by its owner.
    SessionsEndedAll = "session.ended-all",
    /// All sessions of an account but one were ended by its owner.
    SessionsEndedOthers = "session.ended-others",
    /// A key was made.
    KeyMade = "key.made",
    /// A key was withdrawn: nothing that it signed is accepted any longer.
    KeyWithdrawn = "key.withdrawn",
    /// A key that nothing alive can need any longer was deleted.
    KeyDeleted = "key.deleted",
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_reads_what_it_writes() {
        for kind in EventKind::ALL {
            assert_eq!(EventKind::from_text(kind.as_str()), Some(*kind));
        }
    }
}
