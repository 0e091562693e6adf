//! The one file that maps refusals to HTTP: status, code, and a sentence that says what to do (RFC 9457). Exhaustive, no
//! `_` arm over refusals. A fault shows an incident number; its text goes to the log.

mod advice;
pub(crate) mod by_client;
mod by_provider;
mod code;

pub(crate) use by_provider::ByProvider;
pub(crate) use code::Code;

use crate::{Client, Response, Web};
use cloakroom_app::{Error, Fault, Refusal};
use cloakroom_core::time::Lifetime;
use http::StatusCode;
use http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use serde_json::json;

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
    /// How long to wait before trying again.
    pub wait: Option<Lifetime>,
    /// One more member of the problem document.
    pub more: Option<Box<(&'static str, serde_json::Value)>>,
    incident: Option<String>,
}

impl Problem {
    /// A problem that its code tells completely.
    pub fn new(code: Code) -> Self {
        Self { code, login: None, allow: None, clear: false, wait: None, more: None, incident: None }
    }

    /// A wrong method, with the ones that work.
    pub(crate) fn allowing(allow: String) -> Self {
        Self { allow: Some(allow), ..Self::new(Code::MethodNotAllowed) }
    }

    /// Whole seconds to wait, rounded up: after so many it works.
    pub(crate) fn wait_seconds(&self) -> Option<u64> {
        self.wait.map(|wait| wait.millis().div_ceil(1000).max(1))
    }

    /// The same with the address of the log-in page.
    #[must_use]
    pub fn with_login(mut self, login: String) -> Self {
        self.login = Some(login);
        self
    }

    /// The same with one more member.
    #[must_use]
    pub(crate) fn with(mut self, name: &'static str, value: serde_json::Value) -> Self {
        self.more = Some(Box::new((name, value)));
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
            Refusal::WeakPassword(weak) => Code::WeakPassword(weak),
            Refusal::TooManyAttempts { .. } => Code::TooManyAttempts,
            Refusal::PasswordLocked => Code::PasswordLocked,
            Refusal::CodeInvalid => Code::TokenInvalid,
            Refusal::MailOff => Code::MailOff,
            Refusal::SignupClosed => Code::SignupClosed,
            Refusal::PasswordsOff => Code::PasswordsOff,
            Refusal::ChallengeOver => Code::ChallengeOver,
            Refusal::ProofWrong => Code::ProofWrong,
            Refusal::ProofNotAccepted => Code::ProofNotAccepted,
            Refusal::UnknownDevice => Code::UnknownDevice,
            Refusal::UnknownFactor => Code::UnknownFactor,
            Refusal::PasskeyRefused => Code::PasskeyRefused,
            Refusal::StepUpNeeded(act) => Code::StepUpNeeded(act),
            Refusal::ApprovalOver => Code::ApprovalOver,
            Refusal::NotACall => Code::NotACall,
            Refusal::GrantRefused => Code::GrantRefused,
            Refusal::AddressTaken => Code::AddressTaken,
            Refusal::BadHash => Code::BadHash,
            Refusal::Busy => Code::Busy,
            Refusal::SignedOut => Code::SignedOut,
            Refusal::AccessExpired => Code::AccessExpired,
            Refusal::SessionEnded { .. } => Code::SessionEnded,
            Refusal::RefreshRaced => Code::RefreshRaced,
            Refusal::FormTokenInvalid => Code::FormTokenNeeded,
            Refusal::UnknownKey => Code::NotFound,
            Refusal::UnknownAccount => Code::UnknownAccount,
            Refusal::UnknownSession => Code::UnknownSession,
            Refusal::AccountDisabled => Code::AccountDisabled,
            Refusal::TooManySessions => Code::TooManySessions,
            Refusal::StrategyNotOffered => Code::StrategyNotOffered,
            Refusal::RevocationsStale => Code::RevocationsStale,
            Refusal::SightingsOff => Code::SightingsOff,
            Refusal::UnknownProvider => Code::Provider(ByProvider::Unknown),
            Refusal::ProviderUnreachable => Code::Provider(ByProvider::Unreachable),
            Refusal::ProviderTokenNeeded => Code::Provider(ByProvider::TokenNeeded),
            Refusal::ProviderDenied => Code::Provider(ByProvider::Denied),
            Refusal::ProviderRefused => Code::Provider(ByProvider::Refused),
            Refusal::AttemptOver => Code::Provider(ByProvider::AttemptOver),
            Refusal::AddressUnconfirmed => Code::Provider(ByProvider::AddressUnconfirmed),
            Refusal::LinkNeeded => Code::Provider(ByProvider::LinkNeeded),
            Refusal::IdentityTaken => Code::Provider(ByProvider::IdentityTaken),
            Refusal::OtherIdentity => Code::Provider(ByProvider::OtherIdentity),
            Refusal::LastWayIn => Code::Provider(ByProvider::LastWayIn),
            Refusal::LogoutTokenRefused => Code::Provider(ByProvider::LogoutTokenRefused),
            Refusal::Service(why) => Code::Service(why),
            Refusal::ClientTaken => Code::ClientTaken,
            Refusal::UnknownClient => Code::UnknownClient,
            Refusal::BadKeys => Code::BadKeys,
        };
        let wait = if let Refusal::TooManyAttempts { wait } = refusal { Some(wait) } else { None };
        let problem = Self { clear: refusal == Refusal::SessionEnded { clear: true }, wait, ..Self::new(code) };
        match refusal {
            Refusal::StepUpNeeded(act) => {
                problem.with("step_up", json!({ "open": "/auth/step-up", "act": act.as_str() }))
            }
            _ => problem,
        }
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
            fields.extend(problem.more.iter().map(|more| (more.0.to_owned(), more.1.clone())));
        }
        let mut response = Response::new(body.to_string().into());
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(seconds) = problem.wait_seconds() {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        } else if status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(RETRY_AFTER, HeaderValue::from_static("2"));
        }
        if let Some(allow) = problem.allow.as_deref().and_then(|allow| HeaderValue::from_str(allow).ok()) {
            headers.insert(ALLOW, allow);
        }
        self.finish(headers, client);
        response
    }
}
