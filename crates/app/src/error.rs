//! The two ways in which a use case does not succeed: it refuses, or it fails.

use cloakroom_core::account::PasswordRefusal;
use cloakroom_core::approval::Act;
use cloakroom_core::time::Lifetime;
use std::error::Error as StdError;

/// What a use case answers when it does not do what was asked.
#[derive(Debug)]
pub enum Error {
    /// Expected: the client is told what to do. `web` maps each to one status and code.
    Refused(Refusal),
    /// Unexpected: the client is told an incident number, the log is told the rest.
    Failed(Fault),
}

/// Every expected way to say no. None carries anything that the client sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The address is not one.
    BadEmail,
    /// The new password does not meet the policy.
    BadPassword(PasswordRefusal),
    /// The password is empty or longer than anything that is hashed.
    PasswordUnreadable,
    /// Address and password do not belong together; also when there is no such account.
    WrongCredentials,
    /// The new password is easy to guess.
    WeakPassword(cloakroom_password::Weak),
    /// Too many guesses came before this one, which was not looked at.
    TooManyAttempts {
        /// How long until the next one is.
        wait: Lifetime,
    },
    /// So many guesses failed in a row that the password is no longer asked for on this device: a reset is required.
    PasswordLocked,
    /// A mailed token or code is not good, or no longer.
    CodeInvalid,
    /// This needs mail, and none is configured.
    MailOff,
    /// Nobody logs in with a password here.
    PasswordsOff,
    /// Nobody can open an account here by themselves.
    SignupClosed,
    /// A log-in that waits for its second factor has waited too long, or never was.
    ChallengeOver,
    /// The second factor, or the proof of an approval, is wrong.
    ProofWrong,
    /// This way to prove who one is is not good here.
    ProofNotAccepted,
    /// The device is not one of the account's.
    UnknownDevice,
    /// The account has no such factor.
    UnknownFactor,
    /// What the authenticator answered is no good.
    PasskeyRefused,
    /// Its owner has to approve this first.
    StepUpNeeded(Act),
    /// An approval that is not there, over, used, or somebody else's.
    ApprovalOver,
    /// What is to be approved cannot be: its address, method or body is none, or reads in two ways.
    NotACall,
    /// What came with a call is no approval of exactly this call in this session; or a change was approved for another value.
    GrantRefused,
    /// More passwords wait to be hashed than the pool takes.
    Busy,
    /// Nobody is logged in.
    SignedOut,
    /// The access token is genuine and has expired; a refresh helps.
    AccessExpired,
    /// The refresh token is of no use. `clear` when its session is known to be over, so that its cookies can go.
    SessionEnded {
        /// Whether the presented cookies may be cleared.
        clear: bool,
    },
    /// Another tab refreshed just now: the cookies in the jar are fresh.
    RefreshRaced,
    /// The form's token is missing, expired, or belongs to another session.
    FormTokenInvalid,
    /// There is no such key.
    UnknownKey,
    /// There is no such account.
    UnknownAccount,
    /// Another account has this address. Only operators are told.
    AddressTaken,
    /// The hash of a password is of no kind that is known.
    BadHash,
    /// There is no such session of this account.
    UnknownSession,
    /// The account is disabled.
    AccountDisabled,
    /// The account has all the sessions that it may have.
    TooManySessions,
    /// The strategy is not one that a log-in may ask for here.
    StrategyNotOffered,
    /// What was revoked lately is not known, and the store does not say: nobody is let in.
    RevocationsStale,
    /// Sightings are turned off here.
    SightingsOff,
    /// There is no such provider.
    UnknownProvider,
    /// The provider does not answer.
    ProviderUnreachable,
    /// An application wants a token of a provider, and there is none (any longer) for this session: a log-in there gives one.
    ProviderTokenNeeded,
    /// The provider did not log somebody in: it, or they, said no.
    ProviderDenied,
    /// What came from the provider is no good.
    ProviderRefused,
    /// This browser does not wait for that answer of a provider, or no longer.
    AttemptOver,
    /// The provider names no address, or none that it has confirmed.
    AddressUnconfirmed,
    /// An account has that address already: its owner has to log in to it and add the provider there.
    LinkNeeded,
    /// The identity logs in to another account.
    IdentityTaken,
    /// Who logged in at the provider to approve something is not who has to.
    OtherIdentity,
    /// It is the only way into the account that is left.
    LastWayIn,
    /// What says that somebody has logged out at a provider is no good.
    LogoutTokenRefused,
    /// A client does not get what it asks for at the token endpoint.
    Service(cloakroom_core::service::Refusal),
    /// There is a client of that name. Only operators are told.
    ClientTaken,
    /// There is no such client in the store. Only operators are told.
    UnknownClient,
    /// A set of keys is none, or has none that is of use here. Only operators are told.
    BadKeys,
}

/// Something that should not happen did. Its text is for the log.
#[derive(Debug)]
pub struct Fault {
    context: &'static str,
    /// Whether trying again later can help.
    pub transient: bool,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Fault {
    /// A fault with what was being done, and what went wrong.
    pub fn new(context: &'static str, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self { context, transient: false, source: Some(source.into()) }
    }

    /// A fault without a cause of its own.
    pub fn plain(context: &'static str) -> Self {
        Self { context, transient: false, source: None }
    }
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.context)?;
        let mut source = self.source.as_deref().map(|source| source as &dyn StdError);
        while let Some(cause) = source {
            write!(f, ": {cause}")?;
            source = cause.source();
        }
        Ok(())
    }
}

impl StdError for Fault {}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Refused(refusal) => write!(f, "refused: {refusal:?}"),
            Self::Failed(fault) => fault.fmt(f),
        }
    }
}

impl From<cloakroom_core::service::Refusal> for Refusal {
    fn from(refusal: cloakroom_core::service::Refusal) -> Self {
        Self::Service(refusal)
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        Self::Failed(fault)
    }
}

impl From<cloakroom_password::Error> for Error {
    fn from(error: cloakroom_password::Error) -> Self {
        match error {
            cloakroom_password::Error::Busy => Self::Refused(Refusal::Busy),
            fault @ cloakroom_password::Error::Fault(_) => {
                Self::Failed(Fault::new("a password could not be hashed", fault))
            }
        }
    }
}

impl From<cloakroom_store::Error> for Fault {
    fn from(error: cloakroom_store::Error) -> Self {
        let transient = matches!(error, cloakroom_store::Error::Conflict | cloakroom_store::Error::Unavailable(..));
        Self { context: "the store did not do what was asked", transient, source: Some(error.into()) }
    }
}

impl From<cloakroom_store::Error> for Error {
    fn from(error: cloakroom_store::Error) -> Self {
        Self::Failed(error.into())
    }
}

impl From<cloakroom_jose::KeyError> for Fault {
    fn from(error: cloakroom_jose::KeyError) -> Self {
        Self::new("a key could not be used", error)
    }
}

impl From<cloakroom_jose::KeyError> for Error {
    fn from(error: cloakroom_jose::KeyError) -> Self {
        Self::Failed(error.into())
    }
}
