//! The one file that maps refusals to HTTP: status, code, and a sentence that says what to do (RFC 9457). Exhaustive, no
//! `_` arm over refusals. A fault shows an incident number; its text goes to the log.

use crate::{Client, Response, Web};
use cloakroom_app::{Error, Fault, Refusal};
use cloakroom_core::account::PasswordRefusal;
use http::StatusCode;
use http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use serde_json::json;

/// What went wrong, as a client may branch on it. The text of a code never changes its meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// The body or query cannot be read.
    BadRequest,
    /// An address that is none.
    BadEmail,
    /// A password against the policy.
    BadPassword(PasswordRefusal),
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
            Self::Fault => (StatusCode::INTERNAL_SERVER_ERROR, "fault", "Something went wrong on our side"),
            Self::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, "unavailable", "Please try again in a moment"),
        }
    }

    /// What to do about it, in one or two sentences for a person.
    pub fn advice(self) -> String {
        match self {
            Self::BadRequest => "Send a JSON object, or a form, with the fields that the route asks for.".into(),
            Self::BadEmail => cloakroom_core::account::NotAnEmail.to_string(),
            Self::BadPassword(PasswordRefusal::TooShort { min_characters }) => {
                format!("Use at least {min_characters} characters. A few words in a row are fine.")
            }
            Self::BadPassword(PasswordRefusal::ContainsEmail) => {
                "It is mostly your email address. Use words that are not part of it.".into()
            }
            Self::BadPassword(PasswordRefusal::Repetitive) => {
                "It is one short piece over and over. Use a few different words.".into()
            }
            Self::WrongCredentials => "Check both and try again.".into(),
            Self::SignedOut => "Log in first.".into(),
            Self::AccessExpired => "POST /auth/refresh, then repeat the request.".into(),
            Self::NeedsScript => "You are logged in, but this site keeps its tokens in the memory of its pages, which a visit \
                                  to an address cannot show. Open the application itself."
                .into(),
            Self::SessionEnded => "Log in again.".into(),
            Self::RefreshRaced => "Nothing was set: repeat the request with the cookies you have.".into(),
            Self::CrossSite => {
                "Only pages of this site, and of listed sibling origins, may do that. A client that sends neither \
                 Sec-Fetch-Site nor Origin uses a token from GET /auth/csrf."
                    .into()
            }
            Self::FormTokenNeeded => {
                "Send the token from GET /auth/csrf in the header Cloakroom-Csrf, or in the field cloakroom_csrf of the form."
                    .into()
            }
            Self::DuplicateCookie => {
                "Another site under the same domain may have planted it. Clear the cookies of this site.".into()
            }
            Self::CookiesTooLarge => "Clear the cookies of this site.".into(),
            Self::HttpsRequired => "Use https, and treat what you just sent as seen by others.".into(),
            Self::ServiceWorkerRefused => "List its path in server.service_workers if it is yours.".into(),
            Self::Misdirected => {
                "Use the name in server.public_url, or the host of an upstream; what stands in front must pass it on.".into()
            }
            Self::NotFound => "Check the address.".into(),
            Self::MethodNotAllowed => "The header Allow names the methods that work.".into(),
            Self::TooLarge => "Routes under /auth take at most 16 KiB.".into(),
            Self::TooSlow => "Try again.".into(),
            Self::UnsupportedMediaType => "Send application/json.".into(),
            Self::Busy => "Try again in a few seconds.".into(),
            Self::StrategyNotOffered => "Leave the field strategy out, or ask for one that session.offered lists.".into(),
            Self::NativeInBrowser => "Leave the field strategy out: a browser keeps its session in cookies. A program \
                                      sends no Cookie, Origin or Sec-Fetch header."
                .into(),
            Self::AccountDisabled => "Ask whoever runs this site.".into(),
            Self::TooManySessions => "Log out somewhere else first, or wait until a session there has ended.".into(),
            Self::UnknownSession => "GET /auth/sessions lists those of the account.".into(),
            Self::RevocationsStale => {
                "The store that tells it does not answer; nobody is let in on old news. Try again in a moment.".into()
            }
            Self::FeedNotOffered => "Set revocation.feed_token in the configuration.".into(),
            Self::NotAService => "Send Authorization: Bearer with the value of revocation.feed_token.".into(),
            Self::SightingsOff => "Nothing was noted, and nothing needs to be: session.sightings is false.".into(),
            Self::Fault => "The incident number helps us to find what happened.".into(),
            Self::Unavailable => "Look whether what you wanted has happened before you try again.".into(),
        }
    }
}

/// A problem on its way to a client.
#[derive(Debug)]
pub struct Problem {
    /// What went wrong.
    pub code: Code,
    /// Where to log in, for the problems that a log-in solves.
    pub login: Option<String>,
    /// `Allow`, for a wrong method.
    pub allow: Option<String>,
    /// Whether the cookies that were presented are to be cleared.
    pub clear: bool,
    incident: Option<String>,
}

impl Problem {
    /// A problem that its code tells completely.
    pub fn new(code: Code) -> Self {
        Self { code, login: None, allow: None, clear: false, incident: None }
    }

    /// A wrong method, with the ones that work.
    pub(crate) fn allowing(allow: String) -> Self {
        Self { allow: Some(allow), ..Self::new(Code::MethodNotAllowed) }
    }

    /// The same with the address of the log-in page.
    #[must_use]
    pub fn with_login(mut self, login: String) -> Self {
        self.login = Some(login);
        self
    }

    /// The number that a fault was logged under.
    pub fn incident(&self) -> Option<&str> {
        self.incident.as_deref()
    }
}

impl From<Code> for Problem {
    fn from(code: Code) -> Self {
        Self::new(code)
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let code = match refusal {
            Refusal::BadEmail => Code::BadEmail,
            Refusal::BadPassword(why) => Code::BadPassword(why),
            Refusal::PasswordUnreadable => Code::BadRequest,
            Refusal::WrongCredentials => Code::WrongCredentials,
            Refusal::Busy => Code::Busy,
            Refusal::SignedOut => Code::SignedOut,
            Refusal::AccessExpired => Code::AccessExpired,
            Refusal::SessionEnded { .. } => Code::SessionEnded,
            Refusal::RefreshRaced => Code::RefreshRaced,
            Refusal::FormTokenInvalid => Code::FormTokenNeeded,
            Refusal::UnknownKey | Refusal::UnknownAccount => Code::NotFound,
            Refusal::UnknownSession => Code::UnknownSession,
            Refusal::AccountDisabled => Code::AccountDisabled,
            Refusal::TooManySessions => Code::TooManySessions,
            Refusal::StrategyNotOffered => Code::StrategyNotOffered,
            Refusal::RevocationsStale => Code::RevocationsStale,
            Refusal::SightingsOff => Code::SightingsOff,
        };
        Self { clear: refusal == Refusal::SessionEnded { clear: true }, ..Self::new(code) }
    }
}

impl From<Fault> for Problem {
    fn from(fault: Fault) -> Self {
        // The number is the only thing that log and client share.
        let incident = incident();
        tracing::error!(incident, fault = %fault, "a request failed");
        let code = if fault.transient { Code::Unavailable } else { Code::Fault };
        Self { incident: Some(incident), ..Self::new(code) }
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match error {
            Error::Refused(refusal) => refusal.into(),
            Error::Failed(fault) => fault.into(),
        }
    }
}

fn incident() -> String {
    use std::hash::{BuildHasher as _, RandomState};
    // Unique enough to find a line in a log; it grants nothing.
    format!("{:012x}", RandomState::new().hash_one(std::thread::current().id()) & 0xFFFF_FFFF_FFFF)
}

impl Web {
    /// Renders a problem as `application/problem+json`.
    pub fn problem(&self, problem: &Problem, client: &Client) -> Response {
        let (status, code, title) = problem.code.parts();
        let mut body = json!({
            "type": format!("urn:cloakroom:problem:{code}"),
            "title": title,
            "status": status.as_u16(),
            "detail": problem.code.advice(),
            "code": code,
        });
        if let Some(fields) = body.as_object_mut() {
            if let Some(login) = &problem.login {
                fields.insert("login".into(), login.as_str().into());
            }
            if let Some(incident) = &problem.incident {
                fields.insert("incident".into(), incident.as_str().into());
            }
        }
        let mut response = Response::new(body.to_string().into());
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(RETRY_AFTER, HeaderValue::from_static("2"));
        }
        if let Some(allow) = problem.allow.as_deref().and_then(|allow| HeaderValue::from_str(allow).ok()) {
            headers.insert(ALLOW, allow);
        }
        self.finish(headers, client);
        response
    }
}
