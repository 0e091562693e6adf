//! What can go wrong, and by which status and words a client is told.

use super::by_client;
use super::by_provider::ByProvider;
use cloakroom_app::strength::Weak;
use cloakroom_core::account::PasswordRefusal;
use cloakroom_core::approval::Act;
use http::StatusCode;

/// What went wrong, as a client may branch on it. The text of a code never changes its meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// The body or query cannot be read.
    BadRequest,
    /// An address that is none.
    BadEmail,
    /// A password against the policy.
    BadPassword(PasswordRefusal),
    /// A password that is easily guessed.
    WeakPassword(Weak),
    /// Too many guesses came before this one.
    TooManyAttempts,
    /// The password is no longer asked for on unknown devices.
    PasswordLocked,
    /// A mailed token or code is not good.
    TokenInvalid,
    /// There is no mail here.
    MailOff,
    /// Nobody logs in with a password here.
    PasswordsOff,
    /// Nobody can sign up here.
    SignupClosed,
    /// The password was right; a second factor is asked for.
    SecondFactorAsked,
    /// The route asks for a session that has shown a second factor.
    SecondFactorNeeded,
    /// A question waited too long for its answer.
    ChallengeOver,
    /// A factor or a proof is wrong.
    ProofWrong,
    /// This proof is not good here.
    ProofNotAccepted,
    /// There is no such account. Only operators are told.
    UnknownAccount,
    /// The account has no such device.
    UnknownDevice,
    /// The account has no such factor.
    UnknownFactor,
    /// The passkey's answer is no good.
    PasskeyRefused,
    /// Its owner has to approve a change first.
    StepUpNeeded(Act),
    /// Its owner has to approve this call first.
    CallNeedsStepUp,
    /// The approval is over.
    ApprovalOver,
    /// What is to be approved cannot be.
    NotACall,
    /// The approval is not for this call, or not for what a change is to be done with.
    GrantRefused,
    /// The body of a call that needs an approval is too large.
    CallTooLarge,
    /// Approvals happen on another origin.
    ApprovalElsewhere,
    /// Another account has the address.
    AddressTaken,
    /// The hash of a password is of no known kind.
    BadHash,
    /// Address and password do not belong together.
    WrongCredentials,
    /// Nobody is logged in.
    SignedOut,
    /// The access token has expired; a refresh helps.
    AccessExpired,
    /// The session's token is in the memory of a page: a navigation cannot show it.
    NeedsScript,
    /// The session is over.
    SessionEnded,
    /// Another tab refreshed just now.
    RefreshRaced,
    /// The request comes from another site.
    CrossSite,
    /// A form token is needed and missing, or wrong.
    FormTokenNeeded,
    /// One of our cookies came twice.
    DuplicateCookie,
    /// The cookies are larger than anything we set.
    CookiesTooLarge,
    /// Plain http on an https site.
    HttpsRequired,
    /// A script asked to become a service worker on a path that is not listed.
    ServiceWorkerRefused,
    /// The request asks for a host that is not this site's.
    Misdirected,
    /// Proxies ask on a listener of their own.
    VerifiedElsewhere,
    /// No such route.
    NotFound,
    /// The route exists for other methods.
    MethodNotAllowed,
    /// The body is larger than the route takes.
    TooLarge,
    /// The body did not arrive in time.
    TooSlow,
    /// The content type is not one that the route reads.
    UnsupportedMediaType,
    /// Too much waits already.
    Busy,
    /// The strategy is not offered.
    StrategyNotOffered,
    /// A browser asked for what only a program gets.
    NativeInBrowser,
    /// The account is disabled.
    AccountDisabled,
    /// The account has all the sessions that it may have.
    TooManySessions,
    /// The account has no such session.
    UnknownSession,
    /// What was revoked lately is not known.
    RevocationsStale,
    /// The feed is not offered to services.
    FeedNotOffered,
    /// The secret of the feed is missing or wrong.
    NotAService,
    /// Sightings are turned off.
    SightingsOff,
    /// A log-in by another site.
    Provider(ByProvider),
    /// What a client asks for at the token endpoint.
    Service(cloakroom_core::service::Refusal),
    /// There is a client of that name. Only operators are told.
    ClientTaken,
    /// There is no such client. Only operators are told.
    UnknownClient,
    /// A set of keys cannot be used. Only operators are told.
    BadKeys,
    /// Something that should not happen.
    Fault,
    /// The store does not answer.
    Unavailable,
}

impl Code {
    /// Status, code text, title.
    pub const fn parts(self) -> (StatusCode, &'static str, &'static str) {
        match self {
            Self::BadRequest => (StatusCode::BAD_REQUEST, "bad-request", "The request cannot be read"),
            Self::BadEmail => (StatusCode::UNPROCESSABLE_ENTITY, "bad-email", "That is not an email address"),
            Self::BadPassword(_) => (StatusCode::UNPROCESSABLE_ENTITY, "bad-password", "Choose another password"),
            Self::WeakPassword(_) => (StatusCode::UNPROCESSABLE_ENTITY, "weak-password", "Choose another password"),
            Self::TooManyAttempts => {
                (StatusCode::TOO_MANY_REQUESTS, "too-many-attempts", "Too many attempts, please wait")
            }
            Self::PasswordLocked => (StatusCode::TOO_MANY_REQUESTS, "password-locked", "Please set a new password"),
            Self::TokenInvalid => (StatusCode::UNPROCESSABLE_ENTITY, "code-invalid", "That link or code is not good"),
            Self::MailOff => (StatusCode::NOT_FOUND, "mail-off", "This site sends no mail"),
            Self::PasswordsOff => (StatusCode::FORBIDDEN, "passwords-off", "There are no passwords here"),
            Self::SignupClosed => (StatusCode::FORBIDDEN, "signup-closed", "Accounts are opened by invitation"),
            Self::SecondFactorAsked => {
                (StatusCode::UNAUTHORIZED, "second-factor-asked", "One more step: your second factor")
            }
            Self::SecondFactorNeeded => {
                (StatusCode::FORBIDDEN, "second-factor-needed", "This page asks for a second factor")
            }
            Self::ChallengeOver => (StatusCode::GONE, "challenge-over", "That took too long"),
            Self::ProofWrong => (StatusCode::UNPROCESSABLE_ENTITY, "proof-wrong", "That was not right"),
            Self::ProofNotAccepted => (StatusCode::FORBIDDEN, "proof-not-accepted", "That way is not good enough here"),
            Self::UnknownAccount => (StatusCode::NOT_FOUND, "unknown-account", "There is no such account"),
            Self::UnknownDevice => (StatusCode::NOT_FOUND, "unknown-device", "There is no such device"),
            Self::UnknownFactor => (StatusCode::NOT_FOUND, "unknown-factor", "There is no such factor"),
            Self::PasskeyRefused => {
                (StatusCode::UNPROCESSABLE_ENTITY, "passkey-refused", "The passkey was not accepted")
            }
            Self::StepUpNeeded(_) | Self::CallNeedsStepUp => {
                (StatusCode::UNAUTHORIZED, "step-up-needed", "Please approve this first")
            }
            Self::ApprovalOver => (StatusCode::GONE, "step-up-over", "This approval is over"),
            Self::NotACall => (StatusCode::UNPROCESSABLE_ENTITY, "step-up-unreadable", "That cannot be approved"),
            Self::GrantRefused => (StatusCode::FORBIDDEN, "step-up-refused", "The approval is not for this"),
            Self::CallTooLarge => {
                (StatusCode::PAYLOAD_TOO_LARGE, "step-up-too-large", "The call is too large to be approved")
            }
            Self::ApprovalElsewhere => {
                (StatusCode::MISDIRECTED_REQUEST, "approval-elsewhere", "Approvals have an address of their own")
            }
            Self::AddressTaken => (StatusCode::CONFLICT, "address-taken", "Another account has this address"),
            Self::BadHash => (StatusCode::UNPROCESSABLE_ENTITY, "bad-hash", "That hash is of no known kind"),
            Self::WrongCredentials => {
                (StatusCode::UNAUTHORIZED, "wrong-credentials", "Email and password do not belong together")
            }
            Self::SignedOut => (StatusCode::UNAUTHORIZED, "signed-out", "Nobody is logged in"),
            Self::AccessExpired => (StatusCode::UNAUTHORIZED, "access-expired", "The access token has expired"),
            Self::NeedsScript => {
                (StatusCode::UNAUTHORIZED, "needs-script", "This address is for scripts of the application")
            }
            Self::SessionEnded => (StatusCode::UNAUTHORIZED, "session-ended", "The session has ended"),
            Self::RefreshRaced => (StatusCode::CONFLICT, "refresh-raced", "Another tab has just refreshed"),
            Self::CrossSite => (StatusCode::FORBIDDEN, "cross-site", "The request comes from another site"),
            Self::FormTokenNeeded => (StatusCode::FORBIDDEN, "form-token-needed", "A form token is needed"),
            Self::DuplicateCookie => (StatusCode::BAD_REQUEST, "duplicate-cookie", "A session cookie came twice"),
            Self::CookiesTooLarge => {
                (StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, "cookies-too-large", "The cookies are too large")
            }
            Self::HttpsRequired => (StatusCode::FORBIDDEN, "https-required", "This site is served over https"),
            Self::ServiceWorkerRefused => {
                (StatusCode::FORBIDDEN, "service-worker-refused", "This script may not become a service worker")
            }
            Self::Misdirected => (StatusCode::MISDIRECTED_REQUEST, "misdirected", "This site has another name"),
            Self::VerifiedElsewhere => (StatusCode::NOT_FOUND, "verified-elsewhere", "Proxies ask elsewhere"),
            Self::NotFound => (StatusCode::NOT_FOUND, "not-found", "There is nothing here"),
            Self::MethodNotAllowed => (StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", "Not with this method"),
            Self::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "too-large", "The body is too large"),
            Self::TooSlow => (StatusCode::REQUEST_TIMEOUT, "too-slow", "The body did not arrive in time"),
            Self::UnsupportedMediaType => {
                (StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported-media-type", "The content type is not read here")
            }
            Self::Busy => (StatusCode::SERVICE_UNAVAILABLE, "busy", "Too many log-ins at once"),
            Self::StrategyNotOffered => {
                (StatusCode::UNPROCESSABLE_ENTITY, "strategy-not-offered", "That strategy is not offered here")
            }
            Self::NativeInBrowser => {
                (StatusCode::FORBIDDEN, "native-in-browser", "Tokens in the body are for programs, not for browsers")
            }
            Self::AccountDisabled => (StatusCode::FORBIDDEN, "account-disabled", "This account is disabled"),
            Self::TooManySessions => {
                (StatusCode::CONFLICT, "too-many-sessions", "This account is logged in at too many places")
            }
            Self::UnknownSession => (StatusCode::NOT_FOUND, "unknown-session", "There is no such session"),
            Self::RevocationsStale => {
                (StatusCode::SERVICE_UNAVAILABLE, "revocations-stale", "It is not known who was logged out lately")
            }
            Self::FeedNotOffered => (StatusCode::NOT_FOUND, "feed-not-offered", "The revocation feed is not offered"),
            Self::NotAService => (StatusCode::UNAUTHORIZED, "not-a-service", "The token of the feed is needed"),
            Self::SightingsOff => (StatusCode::CONFLICT, "sightings-off", "Sightings are turned off here"),
            Self::Provider(by) => by.parts(),
            Self::Service(why) => by_client::parts(why),
            Self::ClientTaken => (StatusCode::CONFLICT, "client-taken", "There is a client of that name"),
            Self::UnknownClient => (StatusCode::NOT_FOUND, "unknown-client", "There is no such client"),
            Self::BadKeys => (StatusCode::UNPROCESSABLE_ENTITY, "bad-keys", "That set of keys cannot be used"),
            Self::Fault => (StatusCode::INTERNAL_SERVER_ERROR, "fault", "Something went wrong on our side"),
            Self::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, "unavailable", "Please try again in a moment"),
        }
    }
}
