//! Forward-auth: another proxy carries the requests and asks here about each, on a listener of its own. A page's script must
//! never reach it: what is answered has a token in it.
//!
//! The proxy tells the request by `X-Forwarded-Method` and `X-Forwarded-Uri` (as Caddy and Traefik do), its host, scheme and
//! client as always. One family of names only: of two, a client could fill in the one that the proxy leaves alone.

use super::client::client;
use super::edge::Edge;
use super::meters::By;
use cloakroom_app::token::Seen;
use cloakroom_gateway::{Body, ClientInfo, Judgement, Passed, Problem};
use cloakroom_web::Client;
use http::header::{AUTHORIZATION, CACHE_CONTROL, FORWARDED, HOST, LOCATION};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, Uri, Version};
use hyper::body::Incoming;
use std::fmt::Write as _;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

/// Where it is asked, and what the proxy makes of an answer. Paths, since some proxies pass the client's query on.
const PLACES: [(&str, Mode); 3] = [
    ("/auth/verify", Mode::Whole),
    ("/auth/verify-subrequest", Mode::Subrequest),
    ("/auth/verify-refusal", Mode::Refusal),
];

/// Envoy adds the path of the request behind it, and takes nothing but 200 for a yes.
const ENVOY: &str = "/auth/verify/";

const METHOD: &str = "x-forwarded-method";
const URI: &str = "x-forwarded-uri";
const COOKIE: HeaderName = HeaderName::from_static("cloakroom-cookie");
const ACCOUNT: HeaderName = HeaderName::from_static("cloakroom-account");
const SESSION: HeaderName = HeaderName::from_static("cloakroom-session");
const ROLES: HeaderName = HeaderName::from_static("cloakroom-roles");
const GROUPS: HeaderName = HeaderName::from_static("cloakroom-groups");
const EMAIL: HeaderName = HeaderName::from_static("cloakroom-email");
const FORM_TOKEN: HeaderName = HeaderName::from_static("cloakroom-form-token");

/// What the proxy does with an answer.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    /// It passes a refusal on as it is.
    Whole,
    /// It understands 2xx, 401 and 403 and drops the rest of an answer: nginx.
    Subrequest,
    /// It was refused as a subrequest, and asks for what to tell the client.
    Refusal,
}

/// What the log says of a question: the request that it is about, as soon as that is known; the question itself until then.
struct Noted {
    line: Option<(Method, String)>,
    client: IpAddr,
}

impl Edge {
    /// Answers one question of a proxy, counts it, and writes its line.
    pub(super) async fn verify(&self, question: Request<Incoming>, peer: IpAddr) -> Response<Body> {
        let started_at = Instant::now();
        let mut noted = Noted { line: self.logged(question.method(), question.uri().path()), client: peer };
        let mut response = self.judge(question, peer, &mut noted).await;
        self.note(&mut response, By::ForwardAuth, started_at, noted.line, noted.client);
        response
    }

    async fn judge(&self, question: Request<Incoming>, peer: IpAddr, noted: &mut Noted) -> Response<Body> {
        let path = question.uri().path();
        let is_envoy = path.starts_with(ENVOY);
        let place = PLACES.iter().find(|(place, _)| *place == path).map(|(_, mode)| *mode);
        let Some(mode) = place.or(is_envoy.then_some(Mode::Whole)) else { return Problem::VerifyOnly.response() };
        if !self.trusted_proxies.iter().any(|network| network.contains(peer.to_canonical())) {
            return Problem::NotAProxy.response();
        }
        let (mut question, _) = question.into_parts();
        // Proxies that ask speak X-Forwarded-*; the other family is a client's.
        question.headers.remove(FORWARDED);
        let (asked, host) = client(peer, false, &question.headers, &self.trusted_proxies);
        let Some(parts) = told(question, host.as_ref()) else {
            let refused = Problem::BadQuestion.response();
            return if mode == Mode::Subrequest { subrequest(refused.status()) } else { refused };
        };
        *noted = Noted { line: self.logged(&parts.method, parts.uri.path()), client: asked.address };
        let refused = self.web.refuse_early(&parts, &asked, host.as_ref());
        let reader = self.web.reader(&parts);
        let target = parts.uri.clone();
        let judged = if let Some(refused) = refused {
            Judgement::Answer(Box::new(refused.map(Body::wrap)))
        } else {
            let info = ClientInfo { address: asked.address, https: asked.https, host: host.clone(), prefix: None };
            self.gateway.judge(parts, info).await
        };
        let mut response = match judged {
            Judgement::Pass(_) if mode == Mode::Refusal => again(&target.to_string()),
            Judgement::Pass(passed) => {
                return pass(&passed, if is_envoy { StatusCode::OK } else { StatusCode::NO_CONTENT });
            }
            // A yes to a preflight would be taken for one to the request.
            Judgement::Answer(answer) if answer.status().is_success() => Problem::UnseenPreflight.response(),
            Judgement::Answer(answer) => *answer,
        };
        if mode == Mode::Subrequest {
            return subrequest(response.status());
        }
        self.web.finish(response.headers_mut(), &asked);
        self.web.share(response.headers_mut(), reader);
        make_absolute(response.headers_mut(), &asked, host.as_ref());
        response
    }
}

/// The request that a question is about. `None`: the proxy does not tell it, or in two ways.
fn told(question: Parts, host: Option<&HeaderValue>) -> Option<Parts> {
    let only = |name: &str| {
        let mut values = question.headers.get_all(name).iter();
        values.next().filter(|_| values.next().is_none()).cloned()
    };
    let (method, uri) = (only(METHOD)?, only(URI)?);
    let method = Method::from_bytes(method.as_bytes()).ok()?;
    // Byte for byte as the application will get it: what is cut off here (from `#` on) would be there.
    let is_whole = |read: &Uri| read.scheme().is_none() && read.to_string().as_bytes() == uri.as_bytes();
    let uri = Uri::try_from(uri.as_bytes()).ok().filter(|read| read.path().starts_with('/') && is_whole(read))?;
    let mut parts = question;
    parts.headers.insert(HOST, host?.clone());
    parts.headers.remove(METHOD);
    parts.headers.remove(URI);
    (parts.method, parts.uri, parts.version) = (method, uri, Version::HTTP_11);
    Some(parts)
}

/// Yes: what the upstream is to get instead of what the client sent. Every field is there, empty or not: a proxy that copies
/// them overwrites the client's own.
fn pass(passed: &Passed, status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    let seen = passed.identity.subject.as_ref().and_then(|subject| Arc::clone(subject).downcast::<Seen>().ok());
    let (account, session, roles, groups) = match &seen {
        Some(seen) => (
            seen.access().account.to_string(),
            seen.access().session.to_string(),
            listed(seen.roles()),
            listed(seen.groups()),
        ),
        None => Default::default(),
    };
    let headers = response.headers_mut();
    let nothing = || HeaderValue::from_static("");
    for (name, value) in [
        (AUTHORIZATION, passed.authorization.clone()),
        (COOKIE, passed.cookie.clone()),
        (FORM_TOKEN, passed.identity.form_token.clone()),
        (EMAIL, passed.identity.address.clone()),
        (ACCOUNT, HeaderValue::from_str(&account).ok()),
        (SESSION, HeaderValue::from_str(&session).ok()),
        (ROLES, HeaderValue::from_str(&roles).ok()),
        (GROUPS, HeaderValue::from_str(&groups).ok()),
    ] {
        let mut value = value.unwrap_or_else(nothing);
        value.set_sensitive(true);
        headers.insert(name, value);
    }
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Names with commas between them; what is not plain in one is percent-encoded.
pub(super) fn listed(names: &[String]) -> String {
    let mut list = String::new();
    for name in names {
        if !list.is_empty() {
            list.push(',');
        }
        for byte in name.bytes() {
            if byte.is_ascii_graphic() && byte != b',' && byte != b'%' {
                list.push(char::from(byte));
            } else {
                let _ = write!(list, "%{byte:02X}");
            }
        }
    }
    list
}

/// No, in the two words that nginx understands; what it cannot say for itself stays an error.
fn subrequest(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = match status {
        StatusCode::UNAUTHORIZED => StatusCode::UNAUTHORIZED,
        status if status.is_server_error() => status,
        _ => StatusCode::FORBIDDEN,
    };
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Refused a moment ago and good now (a refresh came between): the client sends it once more, whatever its method is.
fn again(target: &str) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::TEMPORARY_REDIRECT;
    if let Ok(target) = HeaderValue::from_str(target) {
        response.headers_mut().insert(LOCATION, target);
    }
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// A local address would be read by some proxies as one of this listener. The host was found to be one of the site's.
fn make_absolute(headers: &mut HeaderMap, client: &Client, host: Option<&HeaderValue>) {
    let Some(local) = headers.get(LOCATION).and_then(|to| to.to_str().ok()).filter(|to| to.starts_with('/')) else {
        return;
    };
    let Some(host) = host.and_then(|host| host.to_str().ok()) else { return };
    let scheme = if client.https { "https" } else { "http" };
    if let Ok(absolute) = HeaderValue::from_str(&format!("{scheme}://{host}{local}")) {
        headers.insert(LOCATION, absolute);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_with_commas_stay_one_name() {
        assert_eq!(listed(&["admin".into(), "a,b%".into(), "r\u{e9}gion 1".into()]), "admin,a%2Cb%25,r%C3%A9gion%201");
        assert_eq!(listed(&[]), "");
    }
}
