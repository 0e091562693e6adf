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
    /// The owner of an address confirmed it by mail.
    EmailVerified = "email.verified",
    /// An account has another address.
    EmailChanged = "email.changed",
    /// The change of an address was taken back from the old one.
    EmailRestored = "email.restored",
    /// Somebody asked for a reset of a password.
    ResetAsked = "password.reset-asked",
    /// A password was set by a mailed token; every session of the account was ended.
    PasswordReset = "password.reset",
    /// An operator opened an account.
    AccountCreated = "account.created",
    /// An operator opened an account with a password hash of another system.
    AccountImported = "account.imported",
    /// An account was deleted with everything that it had.
    AccountDeleted = "account.deleted",
    /// Everything that is kept of an account was given out.
    AccountExported = "account.exported",
    /// A guess was refused unread: too many came before it.
    AttemptRefused = "login.refused-too-many",
    /// So many guesses in a row failed that a reset is required.
    PasswordLocked = "password.locked",
    /// A password was right and a second factor is awaited.
    SecondFactorAsked = "login.second-factor-asked",
    /// A second factor was wrong.
    SecondFactorFailed = "login.second-factor-failed",
    /// A log-in from a device that was not seen before.
    DeviceNoticed = "device.noticed",
    /// A device was forgotten by its owner, or its log-in revoked by mail.
    DeviceForgotten = "device.forgotten",
    /// A device is trusted, or no longer so.
    DeviceTrusted = "device.trusted",
    /// A second factor, recovery codes or a passkey were added.
    FactorAdded = "factor.added",
    /// A second factor, recovery codes or a passkey were removed.
    FactorRemoved = "factor.removed",
    /// A recovery code was used.
    RecoveryUsed = "factor.recovery-used",
    /// An approval was asked for.
    ApprovalOpened = "approval.opened",
    /// Its owner approved one call.
    ApprovalGiven = "approval.given",
    /// A proof for an approval was wrong.
    ApprovalFailed = "approval.failed",
    /// An approval was used for its call.
    ApprovalUsed = "approval.used",
    /// A call came with an approval that is not for it, or none any more.
    ApprovalRefused = "approval.refused",
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
    /// Somebody logged out at the provider that a session was opened with.
    SessionLoggedOutThere = "session.logged-out-there",
    /// An identity at a provider logs in to an account from now on.
    ProviderLinked = "provider.linked",
    /// It does so no longer.
    ProviderUnlinked = "provider.unlinked",
    /// What came from a provider was no good.
    ProviderFailed = "provider.failed",
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
    /// A client was registered on the command line.
    ClientCreated = "client.created",
    /// A client was removed.
    ClientRemoved = "client.removed",
    /// A service was granted a token on behalf of somebody.
    TokenExchanged = "token.exchanged",
    /// A client revoked a token of its own.
    TokenRevoked = "token.revoked",
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
