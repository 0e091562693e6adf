//! The admin API: who may use it, which route is meant, and reading its bodies. What the routes do is in `accounts.rs`.

use super::Admin;
use super::wrong::Wrong;
use crate::foreign_account::ForeignAccount;
use bytes::Bytes;
use cloakroom_app::{Error, Fault, Refusal};
use cloakroom_core::id::AccountId;
use cloakroom_web::{Client, Response, Slot};
use http::header::{AUTHORIZATION, CONTENT_TYPE, ORIGIN};
use http::{HeaderMap, Method, Request};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::body::Incoming;
use serde::de::DeserializeOwned;
use std::net::IpAddr;
use std::time::Duration;
use tokio::time::timeout;

/// The longest body, in bytes: an address and a hash fit many times.
const MAX_BODY: usize = 16 * 1024;

/// How long a body may take.
const BODY_FOR: Duration = Duration::from_secs(10);

/// A request that was not done: refused here, or by a use case.
pub(super) enum Undone {
    Wrong(Wrong),
    Refused(Error),
}

impl From<Wrong> for Undone {
    fn from(wrong: Wrong) -> Self {
        Self::Wrong(wrong)
    }
}

impl From<Error> for Undone {
    fn from(error: Error) -> Self {
        Self::Refused(error)
    }
}

impl From<Fault> for Undone {
    fn from(fault: Fault) -> Self {
        Self::Refused(fault.into())
    }
}

impl Admin {
    /// Answers a request of the admin API.
    pub(super) async fn operate(&self, request: Request<Incoming>, peer: IpAddr) -> Response {
        let done = match self.admits(request.headers()) {
            Ok(()) => self.route(request).await,
            Err(wrong) => Err(wrong.into()),
        };
        match done {
            Ok(response) => response,
            Err(Undone::Wrong(wrong)) => wrong.answer(),
            Err(Undone::Refused(error)) => {
                let client = Client { address: peer, https: false, by_proxy: false, slot: Slot::default() };
                self.web.problem(&error.into(), &client)
            }
        }
    }

    /// A page can reach a loopback address of whoever looks at it, and a name of its own can be pointed there: what browsers
    /// say of themselves is refused before the token is looked at.
    fn admits(&self, headers: &HeaderMap) -> Result<(), Wrong> {
        if headers.contains_key(ORIGIN) || headers.contains_key("sec-fetch-site") {
            return Err(Wrong::Browser);
        }
        let token = self.token.as_ref().ok_or(Wrong::Off)?;
        let mut sent = headers.get_all(AUTHORIZATION).iter();
        let (Some(one), None) = (sent.next(), sent.next()) else { return Err(Wrong::Token) };
        let shown = match one.as_bytes().split_at_checked(7) {
            Some((scheme, shown)) if scheme.eq_ignore_ascii_case(b"bearer ") => shown,
            _ => return Err(Wrong::Token),
        };
        if cloakroom_jose::same(shown, token.plain().reveal()) { Ok(()) } else { Err(Wrong::Token) }
    }

    async fn route(&self, request: Request<Incoming>) -> Result<Response, Undone> {
        let path = request.uri().path().strip_prefix("/admin").unwrap_or_default().to_owned();
        let segments: Vec<&str> = path.split('/').skip(1).collect();
        let method = request.method().clone();
        match (segments.as_slice(), &method) {
            (["accounts"], &Method::GET) => self.list(request.uri().query().unwrap_or_default()).await,
            (["accounts"], &Method::POST) => self.create(read(request, "Send {\"email\":\"…\"}.").await?).await,
            (["accounts"], _) => Err(Wrong::Method("GET, POST").into()),
            (["accounts", "import"], &Method::POST) => {
                let advice = "Send {\"email\":\"…\",\"hash\":\"…\",\"verified\":true}; verified may be left out.";
                let body = body_of(request, advice).await?;
                self.import(ForeignAccount::read(&body).map_err(Wrong::Body)?).await
            }
            (["accounts", "import"], _) => Err(Wrong::Method("POST").into()),
            (["accounts", id], _) => self.one(id_of(id)?, &method).await,
            (["accounts", id, "export"], &Method::GET) => self.export(id_of(id)?).await,
            (["accounts", _, "export"], _) => Err(Wrong::Method("GET").into()),
            (["accounts", id, "disable"], &Method::POST) => self.disable(id_of(id)?, true).await,
            (["accounts", id, "enable"], &Method::POST) => self.disable(id_of(id)?, false).await,
            (["accounts", id, "remove-factors"], &Method::POST) => self.remove_factors(id_of(id)?).await,
            (["accounts", id, "reset"], &Method::POST) => self.reset(id_of(id)?).await,
            (["accounts", _, "disable" | "enable" | "reset" | "remove-factors"], _) => {
                Err(Wrong::Method("POST").into())
            }
            _ => Err(Wrong::NotFound.into()),
        }
    }
}

fn id_of(text: &str) -> Result<AccountId, Undone> {
    text.parse().map_err(|_| Undone::Refused(Refusal::UnknownAccount.into()))
}

/// Reads a body in JSON. `advice` says what it should have been.
async fn read<T: DeserializeOwned>(request: Request<Incoming>, advice: &'static str) -> Result<T, Wrong> {
    let body = body_of(request, advice).await?;
    // serde's words are not passed on: they may repeat what was sent.
    serde_json::from_slice(&body).map_err(|_| Wrong::Body(advice))
}

async fn body_of(request: Request<Incoming>, advice: &'static str) -> Result<Bytes, Wrong> {
    let kind = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    if !kind.eq_ignore_ascii_case("application/json") {
        return Err(Wrong::NotJson);
    }
    let body = timeout(BODY_FOR, Limited::new(request.into_body(), MAX_BODY).collect());
    match body.await.map_err(|_| Wrong::TooSlow)? {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(Wrong::TooLarge),
        Err(_) => Err(Wrong::Body(advice)),
    }
}
