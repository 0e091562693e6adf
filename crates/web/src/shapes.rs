//! What every route reads and answers, beside the table of routes. A test holds the two complete against each other, and a
//! handler that asks for a field that is not here fails in every test that reaches it (`call.rs`).

use crate::problem::{ByProvider, Code};
use cloakroom_app::strength::Weak;
use cloakroom_core::account::PasswordRefusal;
use cloakroom_core::approval::Act;

/// What the route of this method and path reads and answers; the path is written as in the table.
pub(crate) fn shape_of(method: &str, path: &str) -> Option<&'static Shape> {
    SHAPES.iter().find(|shape| (shape.method, shape.path) == (method, path))
}

/// What one route reads and answers.
#[derive(Clone, Copy)]
pub(crate) struct Shape {
    pub(crate) method: &'static str,
    pub(crate) path: &'static str,
    /// Fields of the body.
    pub(crate) fields: &'static [Field],
    /// Parameters of the query, each a text that may be missing.
    pub(crate) query: &'static [&'static str],
    /// What it answers when it did what it is for.
    pub(crate) answers: &'static [Answer],
    /// Problems of its own, besides those of its guard and of its body.
    pub(crate) problems: &'static [&'static [Code]],
}

/// A field of a body.
#[derive(Clone, Copy)]
pub(crate) struct Field {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    pub(crate) needed: bool,
}

/// What a field holds.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Any text.
    Text,
    /// A text that counts as missing when it is empty.
    Code,
    /// An email address; whether it is one is judged.
    Email,
    /// A password; whether it is good is judged.
    Password,
    /// Yes or no; in a form, a ticked box.
    Flag,
    /// What an authenticator answered: a JSON object, or its text.
    Passkey,
    /// A list of names.
    Names,
    /// Reports of tokens in use.
    Sightings,
    /// The way to a token (RFC 6749 §1.3).
    Grant,
}

/// A good answer.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    /// JSON of this schema.
    Json(u16, &'static str),
    /// Nothing to say: 204.
    Nothing,
    /// Nothing to say: 200.
    Empty,
    /// Somewhere else: 303.
    Redirect,
    /// A page for people: 200.
    Page,
    /// A file: 200 with this content type.
    File(&'static str),
    /// JSON, or events, as `Accept` asks: 200.
    Events(&'static str),
}

use Answer::{Empty, Events, File, Json, Nothing, Page, Redirect};

const fn needed(name: &'static str, kind: Kind) -> Field {
    Field { name, kind, needed: true }
}

const fn may(name: &'static str, kind: Kind) -> Field {
    Field { name, kind, needed: false }
}

const EMAIL: Field = needed("email", Kind::Email);
const PASSWORD: Field = needed("password", Kind::Password);
const TOKEN: Field = needed("token", Kind::Text);
const ID: Field = needed("id", Kind::Text);
const STEP_UP: Field = may("step_up", Kind::Text);
const RETURN_TO: Field = may("return_to", Kind::Text);
const REMEMBER: Field = may("remember", Kind::Flag);
const STRATEGY: Field = may("strategy", Kind::Text);
const DEVICE: Field = may("device", Kind::Text);
const NAME: Field = may("name", Kind::Text);
const SCOPE: Field = may("scope", Kind::Text);
const HINT: Field = may("token_type_hint", Kind::Text);
const CLIENT_ID: Field = may("client_id", Kind::Text);
const CLIENT_SECRET: Field = may("client_secret", Kind::Text);
const CLIENT_ASSERTION: Field = may("client_assertion", Kind::Text);
const CLIENT_ASSERTION_TYPE: Field = may("client_assertion_type", Kind::Text);

const COUNTED: &[Code] = &[Code::TooManyAttempts, Code::Busy];
const CHOSEN: &[Code] = &[Code::BadPassword(PasswordRefusal::ContainsEmail), Code::WeakPassword(Weak::Common)];
const ENTERS: &[Code] = &[
    Code::BadEmail,
    Code::WrongCredentials,
    Code::SecondFactorAsked,
    Code::PasswordLocked,
    Code::AccountDisabled,
    Code::TooManySessions,
    Code::StrategyNotOffered,
    Code::NativeInBrowser,
];
const PROVED: &[Code] = &[Code::ChallengeOver, Code::ProofWrong, Code::ProofNotAccepted, Code::PasskeyRefused];
const MAILED: &[Code] = &[Code::TokenInvalid, Code::MailOff];
const APPROVED: &[Code] = &[Code::StepUpNeeded(Act::ChangeEmail), Code::ApprovalOver, Code::GrantRefused];
const APPROVING: &[Code] = &[
    Code::StepUpNeeded(Act::AddApprovalPasskey),
    Code::ApprovalOver,
    Code::ProofWrong,
    Code::ProofNotAccepted,
    Code::ApprovalElsewhere,
];
const GONE_ON: &[Code] = &[
    Code::Provider(ByProvider::Unknown),
    Code::Provider(ByProvider::OtherHost),
    Code::Provider(ByProvider::Unreachable),
    Code::Provider(ByProvider::Denied),
    Code::Provider(ByProvider::Refused),
    Code::Provider(ByProvider::AttemptOver),
    Code::Provider(ByProvider::AddressUnconfirmed),
    Code::Provider(ByProvider::LinkNeeded),
    Code::Provider(ByProvider::IdentityTaken),
    Code::Provider(ByProvider::OtherIdentity),
    Code::Provider(ByProvider::LastWayIn),
];

macro_rules! shapes {
    ($($method:literal $path:literal [$($field:expr),*] [$($query:literal),*] [$($answer:expr),*] [$($problems:expr),*];)*) => {
        &[$(Shape { method: $method, path: $path, fields: &[$($field),*], query: &[$($query),*], answers: &[$($answer),*], problems: &[$($problems),*] },)*]
    };
}

#[rustfmt::skip]
pub(crate) static SHAPES: &[Shape] = shapes! {
    "POST" "/auth/signup" [EMAIL, PASSWORD, RETURN_TO] ["return_to"] [Json(202, "Accepted"), Page] [CHOSEN, COUNTED, &[Code::BadEmail, Code::SignupClosed, Code::PasswordsOff]];
    "POST" "/auth/login" [EMAIL, PASSWORD, REMEMBER, STRATEGY, DEVICE, RETURN_TO] ["return_to"] [Json(200, "Opened"), Redirect] [ENTERS, COUNTED, &[Code::PasswordsOff]];
    "POST" "/auth/login/factor" [ID, DEVICE, may("totp", Kind::Code), may("recovery", Kind::Code), may("passkey", Kind::Passkey), RETURN_TO] ["return_to"] [Json(200, "Opened"), Redirect] [ENTERS, COUNTED, PROVED, &[Code::PasswordsOff]];
    "POST" "/auth/login/passkey/begin" [] [] [Json(200, "Question")] [COUNTED];
    "POST" "/auth/login/passkey" [needed("state", Kind::Text), needed("response", Kind::Passkey), REMEMBER, STRATEGY, DEVICE, RETURN_TO] ["return_to"] [Json(200, "Opened"), Redirect] [ENTERS, COUNTED, PROVED];
    "GET" "/auth/provider/{id}" [] ["return_to", "remember"] [Redirect] [GONE_ON, COUNTED, ENTERS, &[Code::CrossSite]];
    "GET" "/auth/callback/{id}" [] ["code", "state", "iss", "error"] [Redirect, Page] [GONE_ON, COUNTED, ENTERS, APPROVING];
    "POST" "/auth/backchannel/{id}" [needed("logout_token", Kind::Text)] [] [File("text/plain")] [GONE_ON, COUNTED, &[Code::Provider(ByProvider::LogoutTokenRefused)]];
    "POST" "/auth/providers/link" [needed("provider", Kind::Text), STEP_UP] [] [Json(200, "GoOn"), Redirect] [APPROVED, GONE_ON];
    "POST" "/auth/providers/unlink" [needed("identity", Kind::Text), STEP_UP] [] [Nothing, Redirect] [APPROVED, GONE_ON, &[Code::UnknownFactor]];
    "GET" "/auth/logged-out" [] ["state"] [Redirect] [];
    "GET" "/auth/onward" [] ["host", "return_to"] [Redirect] [];
    "POST" "/auth/logout" [] [] [Nothing, Json(200, "GoOn"), Redirect] [];
    "POST" "/auth/logout/others" [] [] [Nothing, Redirect] [];
    "POST" "/auth/logout/all" [] [] [Nothing, Json(200, "GoOn"), Redirect] [];
    "POST" "/auth/refresh" [may("refresh_token", Kind::Text)] [] [Json(200, "Opened")] [&[Code::SessionEnded, Code::RefreshRaced, Code::NativeInBrowser]];
    "GET" "/auth/refresh" [] ["return_to", "hop"] [Redirect, Page] [];
    "GET" "/auth/sessions" [] [] [Json(200, "Sessions")] [];
    "DELETE" "/auth/sessions/{id}" [] [] [Nothing] [&[Code::UnknownSession]];
    "POST" "/auth/sessions/end" [needed("session", Kind::Text)] [] [Nothing, Redirect] [&[Code::UnknownSession]];
    "POST" "/auth/password/change" [needed("current", Kind::Password), PASSWORD, STEP_UP] [] [Json(200, "Opened"), Redirect] [CHOSEN, COUNTED, APPROVED, &[Code::WrongCredentials, Code::PasswordLocked, Code::PasswordsOff]];
    "POST" "/auth/password/forgot" [EMAIL] [] [Json(202, "Accepted"), Page] [MAILED, COUNTED, &[Code::BadEmail, Code::PasswordsOff]];
    "POST" "/auth/password/reset" [TOKEN, PASSWORD] [] [Nothing, Redirect] [MAILED, CHOSEN, COUNTED, &[Code::PasswordsOff]];
    "POST" "/auth/email/verify" [TOKEN, PASSWORD] [] [Nothing, Redirect, Page] [MAILED, COUNTED, &[Code::WrongCredentials]];
    "POST" "/auth/email/resend" [EMAIL] [] [Json(202, "Accepted"), Page] [MAILED, COUNTED, &[Code::BadEmail]];
    "POST" "/auth/email/change" [EMAIL, STEP_UP] [] [Json(202, "Accepted"), Redirect] [MAILED, APPROVED, COUNTED, &[Code::BadEmail, Code::AddressTaken, Code::PasswordsOff]];
    "POST" "/auth/email/confirm" [TOKEN, PASSWORD] [] [Nothing, Redirect, Page] [MAILED, COUNTED, &[Code::WrongCredentials, Code::AddressTaken, Code::PasswordsOff]];
    "POST" "/auth/email/back" [TOKEN] [] [Nothing, Redirect, Page] [MAILED, COUNTED, &[Code::AddressTaken]];
    "GET" "/auth/devices" [] [] [Json(200, "Devices")] [];
    "POST" "/auth/devices/change" [needed("device", Kind::Text), NAME, may("trusted", Kind::Flag)] [] [Nothing, Redirect] [&[Code::UnknownDevice]];
    "POST" "/auth/devices/forget" [needed("device", Kind::Text)] [] [Nothing, Redirect] [&[Code::UnknownDevice]];
    "POST" "/auth/devices/revoke" [TOKEN] [] [Nothing, Redirect, Page] [MAILED, COUNTED];
    "GET" "/auth/factors" [] [] [Json(200, "Factors")] [];
    "POST" "/auth/totp/begin" [STEP_UP] [] [Json(200, "TotpBegun"), Page] [APPROVED];
    "POST" "/auth/totp/finish" [ID, needed("code", Kind::Text)] [] [Json(200, "Opened"), Redirect, Page] [PROVED];
    "POST" "/auth/totp/remove" [STEP_UP] [] [Nothing, Json(200, "Opened"), Redirect] [APPROVED, &[Code::UnknownFactor]];
    "POST" "/auth/recovery-codes" [STEP_UP] [] [Json(200, "RecoveryCodes"), Page] [APPROVED, &[Code::UnknownFactor]];
    "POST" "/auth/passkeys/begin" [STEP_UP] [] [Json(200, "Enrolling")] [APPROVED];
    "POST" "/auth/passkeys/finish" [ID, needed("response", Kind::Passkey), NAME] [] [Json(200, "Opened"), Redirect, Page] [PROVED];
    "POST" "/auth/passkeys/remove" [needed("passkey", Kind::Text), STEP_UP] [] [Nothing, Json(200, "Opened"), Redirect] [APPROVED, &[Code::UnknownFactor]];
    "POST" "/auth/step-up" [may("act", Kind::Text), may("method", Kind::Text), may("path", Kind::Text), may("body_sha256", Kind::Text), may("body", Kind::Text), may("show", Kind::Names), may("email", Kind::Email), may("passkey", Kind::Text), may("provider", Kind::Text), may("identity", Kind::Text), RETURN_TO] [] [Json(201, "Opening"), Redirect, Page] [&[Code::NotACall, Code::BadEmail, Code::UnknownFactor, Code::TooManyAttempts, Code::ProofNotAccepted, Code::AddressTaken, Code::MailOff], GONE_ON];
    "POST" "/auth/step-up/collect" [ID] [] [Json(200, "Collected"), Json(202, "Waiting")] [&[Code::ApprovalOver]];
    "POST" "/auth/step-up/passkey" [ID, needed("page", Kind::Text)] [] [Json(200, "Enrolling")] [APPROVING];
    "POST" "/auth/step-up/passkey-finish" [ID, needed("response", Kind::Passkey), NAME] [] [Json(200, "RecoveryCodes"), Redirect, Page] [APPROVING, PROVED];
    "POST" "/auth/step-up/{id}" [may("password", Kind::Password), may("totp", Kind::Code), may("recovery", Kind::Code), may("mail", Kind::Code), may("passkey", Kind::Passkey), may("provider", Kind::Text), may("send", Kind::Text), may("decline", Kind::Text)] [] [Nothing, Json(200, "Proven"), Page] [APPROVING, PROVED, COUNTED, MAILED, GONE_ON, &[Code::PasswordLocked, Code::StrategyNotOffered]];
    "GET" "/auth/step-up/{id}" [] [] [Page] [APPROVING];
    "GET" "/auth/revocations" [] ["after"] [Events("Revocations")] [];
    "POST" "/auth/sightings" [needed("seen", Kind::Sightings)] [] [Nothing] [&[Code::SightingsOff]];
    "GET" "/auth/me" [] [] [Json(200, "Me")] [];
    "GET" "/auth/csrf" [] [] [Json(200, "FormToken")] [];
    "POST" "/auth/reports" [] [] [Nothing] [];
    "GET" "/auth/probe" [] [] [File("text/event-stream")] [COUNTED];
    "GET" "/auth/verify" [] [] [Nothing] [&[Code::VerifiedElsewhere]];
    "POST" "/auth/token" [needed("grant_type", Kind::Grant), SCOPE, may("audience", Kind::Names), may("resource", Kind::Names), may("assertion", Kind::Text), may("subject_token", Kind::Text), may("subject_token_type", Kind::Text), may("requested_token_type", Kind::Text), may("actor_token", Kind::Text), may("actor_token_type", Kind::Text), may("refresh_token", Kind::Text), CLIENT_ID, CLIENT_SECRET, CLIENT_ASSERTION, CLIENT_ASSERTION_TYPE] [] [Json(200, "Granted")] [];
    "POST" "/auth/token/revoke" [TOKEN, HINT, CLIENT_ID, CLIENT_SECRET, CLIENT_ASSERTION, CLIENT_ASSERTION_TYPE] [] [Empty] [];
    "POST" "/auth/token/introspect" [TOKEN, HINT, CLIENT_ID, CLIENT_SECRET, CLIENT_ASSERTION, CLIENT_ASSERTION_TYPE] [] [Json(200, "Introspection")] [];
    "GET" "/.well-known/oauth-authorization-server" [] [] [Json(200, "Document")] [];
    "GET" "/auth/openapi.json" [] [] [Json(200, "Document")] [];
    "GET" "/auth/client.js" [] [] [File("text/javascript")] [];
    "GET" "/auth/approve.js" [] [] [File("text/javascript")] [];
    "GET" "/auth/assets/pages.js" [] [] [File("text/javascript")] [];
    "GET" "/auth/assets/style.css" [] [] [File("text/css")] [];
    "GET" "/.well-known/jwks.json" [] [] [File("application/jwk-set+json")] [];
    "GET" "/auth" [] [] [Redirect] [];
    "GET" "/auth/" [] [] [Redirect] [];
    "GET" "/auth/login" [] ["return_to", "notice"] [Page, Redirect] [];
    "GET" "/auth/signup" [] ["return_to", "notice"] [Page, Redirect] [&[Code::SignupClosed, Code::PasswordsOff]];
    "GET" "/auth/forgot" [] [] [Page] [MAILED, &[Code::PasswordsOff]];
    "GET" "/auth/reset" [] [] [Page] [MAILED, &[Code::PasswordsOff]];
    "GET" "/auth/email/verify" [] [] [Page] [MAILED];
    "GET" "/auth/email/confirm" [] [] [Page] [MAILED];
    "GET" "/auth/email/back" [] [] [Page] [MAILED];
    "GET" "/auth/email/resend" [] [] [Page] [MAILED];
    "GET" "/auth/devices/revoke" [] [] [Page] [MAILED];
    "GET" "/auth/account" [] ["notice"] [Page, Redirect] [];
    "GET" "/auth/account/{id}" [] [] [Page, Redirect] [&[Code::ApprovalOver]];
};
