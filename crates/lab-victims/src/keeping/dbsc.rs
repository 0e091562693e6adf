//! S18: the session of S15, and a second cookie of five minutes that only the device's key can renew (Device Bound
//! Session Credentials, w3c/webappsec-dbsc). In a browser without DBSC it is S15, and the page says so.
//!
//! A challenge is good once, for the session that it was given to. Once a session is bound, both cookies are asked for;
//! `Secure-Session-Skipped` is never believed, since anybody can send it.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use http::header::HeaderName;
use http::{HeaderMap, Method, StatusCode};
use serde::Deserialize;
use serde_json::json;

use super::{Caller, Entered, Keeping, Scene};
use crate::accounts::{Account, AccountId};
use crate::deeds::What;
use crate::proof::{self, Key, Named};
use crate::reply::{self, Refusal, Reply};
use crate::secret::unguessable;

const SESSION: &str = "__Host-Http-session";
const BOUND: &str = "__Host-Http-bound";
const ATTRIBUTES: &str = "Path=/; Secure; HttpOnly; SameSite=Strict";

/// Eight hours, in seconds: a session.
const LIFETIME: i64 = 8 * 3600;
/// Five minutes, in seconds: a bound cookie, and a challenge at registration.
const BOUND_FOR: i64 = 300;
/// Between the expiry in the browser and here, and for requests that were under way when the cookie changed, in seconds.
const SLACK: i64 = 30;
/// A browser that did not register within this, in seconds, is asked again at the next visit.
const ASK_AGAIN: i64 = 60;

const DEVICE: Refusal = Refusal::of(StatusCode::UNAUTHORIZED, "device-proof-required");
/// Ends the registration, and nothing else.
const NO_KEY: Refusal = Refusal::of(StatusCode::FORBIDDEN, "not-registered");
/// Ends the session in the browser.
const NO_SESSION: Refusal = Refusal::of(StatusCode::UNAUTHORIZED, "no-such-session");

#[derive(Deserialize)]
struct Proof {
    jti: String,
}

struct Session {
    account: AccountId,
    end: i64,
    /// What the next proof may sign, each with its end; the last two.
    challenges: Vec<(String, i64)>,
    /// When the browser was last asked to register.
    asked: Option<i64>,
    bound: Option<Bound>,
}

struct Bound {
    /// `session_identifier`.
    id: String,
    key: Key,
    /// The cookie and its end; behind it those before, which are good until requests under way have arrived.
    cookies: Vec<(String, i64)>,
    since: i64,
}

impl Session {
    fn challenge(&mut self, lifetime: i64, now: i64) -> String {
        let challenge = unguessable();
        self.challenges.insert(0, (challenge.clone(), now.saturating_add(lifetime)));
        self.challenges.truncate(2);
        challenge
    }

    /// Takes the challenge away; false if it was not given to this session, or is over.
    fn spend(&mut self, challenge: &str, now: i64) -> bool {
        let place = self.challenges.iter().position(|(given, end)| given == challenge && *end > now);
        place.is_some_and(|place| {
            self.challenges.remove(place);
            true
        })
    }
}

impl Bound {
    fn cookie(&mut self, now: i64) -> String {
        for (_, end) in &mut self.cookies {
            *end = (*end).min(now.saturating_add(SLACK));
        }
        let cookie = unguessable();
        self.cookies.insert(0, (cookie.clone(), now.saturating_add(BOUND_FOR + SLACK)));
        self.cookies.truncate(2);
        cookie
    }

    fn is_good(&self, cookie: Option<&str>, now: i64) -> bool {
        // Requests that left before the first bound cookie had arrived.
        let just_bound = cookie.is_none() && now < self.since.saturating_add(SLACK);
        just_bound || self.cookies.iter().any(|(good, end)| Some(good.as_str()) == cookie && *end > now)
    }
}

#[derive(Default)]
pub(crate) struct DeviceBound(Mutex<HashMap<String, Session>>);

impl DeviceBound {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, Session>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A fetch of this site's script never is `no-cors` with this header: the browser takes it away. So the key is the
    /// browser's, not one that a hostile script made.
    fn register(&self, scene: &Scene<'_>) -> Result<Reply, Refusal> {
        let said = |name: &str| scene.ask.header(name);
        let by_browser = said("sec-fetch-mode") == Some("no-cors")
            && said("sec-fetch-dest") == Some("empty")
            && said("sec-fetch-site") == Some("same-origin");
        let proof = response(&scene.ask.headers).filter(|_| by_browser).ok_or(NO_KEY)?;
        let Some(Named::Key(key)) = proof::named(&proof, "dbsc+jwt") else { return Err(NO_KEY) };
        let claims: Proof = key.claims(&proof).ok_or(NO_KEY)?;
        let mut sessions = self.lock();
        let name = scene.ask.cookie(SESSION).ok_or(NO_KEY)?;
        let session = sessions.get_mut(name).filter(|session| session.end > scene.now).ok_or(NO_KEY)?;
        if session.bound.is_some() || !session.spend(&claims.jti, scene.now) {
            return Err(NO_KEY);
        }
        session.bound = Some(Bound { id: unguessable(), key, cookies: Vec::new(), since: scene.now });
        let (reply, account) = renewed(scene, session)?;
        drop(sessions);
        scene.did(scene.world.accounts.get(account).as_ref(), What::KeyBound, Some(name));
        Ok(reply)
    }

    fn refresh(&self, scene: &Scene<'_>) -> Result<Reply, Refusal> {
        let id = scene.ask.header("sec-secure-session-id").ok_or(NO_SESSION)?.trim_matches('"');
        let name = scene.ask.cookie(SESSION).ok_or(NO_SESSION)?;
        let mut sessions = self.lock();
        let session = sessions.get_mut(name).filter(|session| session.end > scene.now).ok_or(NO_SESSION)?;
        let key = session.bound.as_ref().filter(|bound| bound.id == id).ok_or(NO_SESSION)?.key.clone();
        let Some(proof) = response(&scene.ask.headers) else { return Ok(ask_for_proof(session, id, scene.now)) };
        // At a refresh the key is ours to know, not the proof's to name.
        let claims = match proof::named(&proof, "dbsc+jwt") {
            Some(Named::Nothing) => key.claims::<Proof>(&proof),
            _ => None,
        };
        let Some(claims) = claims else {
            // No accident makes a wrong signature: whoever sent it has the cookie and not the key.
            sessions.remove(name);
            return Err(NO_SESSION);
        };
        if !session.spend(&claims.jti, scene.now) {
            return Ok(ask_for_proof(session, id, scene.now));
        }
        let (reply, account) = renewed(scene, session)?;
        drop(sessions);
        scene.did(scene.world.accounts.get(account).as_ref(), What::Refreshed, Some(name));
        Ok(reply)
    }
}

/// The proof, quoted as a structured field or bare as Chromium sends it; `None` unless there is exactly one.
fn response(headers: &HeaderMap) -> Option<String> {
    let mut lines = headers.get_all("secure-session-response").iter();
    let (Some(line), None) = (lines.next(), lines.next()) else { return None };
    Some(line.to_str().ok()?.trim().trim_matches('"').to_owned())
}

/// A script may read this too; it is of no use to it, since `register` takes no proof from a script.
fn ask_to_register(reply: &mut Reply, session: &mut Session, now: i64) {
    session.asked = Some(now);
    let challenge = session.challenge(BOUND_FOR, now);
    let name = HeaderName::from_static("secure-session-registration");
    reply::set(reply, name, &format!("(ES256);path=\"/dbsc/register\";challenge=\"{challenge}\""));
}

fn next_challenge(reply: &mut Reply, session: &mut Session, id: &str, now: i64) {
    let challenge = session.challenge(LIFETIME, now);
    let name = HeaderName::from_static("secure-session-challenge");
    reply::set(reply, name, &format!("\"{challenge}\";id=\"{id}\""));
}

fn ask_for_proof(session: &mut Session, id: &str, now: i64) -> Reply {
    let mut reply = Refusal::of(StatusCode::FORBIDDEN, "sign-this").reply();
    next_challenge(&mut reply, session, id, now);
    reply
}

/// The session's instructions, a new bound cookie, and the challenge for the next time.
fn renewed(scene: &Scene<'_>, session: &mut Session) -> Result<(Reply, AccountId), Refusal> {
    let bound = session.bound.as_mut().ok_or(NO_SESSION)?;
    let (id, cookie) = (bound.id.clone(), bound.cookie(scene.now));
    let mut reply = reply::json(
        StatusCode::OK,
        &json!({
            "session_identifier": id,
            "refresh_url": "/dbsc/refresh",
            "scope": {
                "origin": scene.ask.origin,
                "include_site": false,
                "scope_specification": [{ "type": "exclude", "domain": "*", "path": "/api/login" }],
            },
            "credentials": [{ "type": "cookie", "name": BOUND, "attributes": ATTRIBUTES }],
        }),
    );
    reply::set_cookie(&mut reply, &format!("{BOUND}={cookie}; Max-Age={BOUND_FOR}; {ATTRIBUTES}"));
    next_challenge(&mut reply, session, &id, scene.now);
    Ok((reply, session.account))
}

impl Keeping for DeviceBound {
    fn caller(&self, scene: &Scene<'_>) -> Result<Caller, Refusal> {
        let name = scene.ask.cookie(SESSION).ok_or(Refusal::NOBODY)?;
        let sessions = self.lock();
        let session = sessions.get(name).filter(|session| session.end > scene.now).ok_or(Refusal::NOBODY)?;
        if session.bound.as_ref().is_some_and(|bound| !bound.is_good(scene.ask.cookie(BOUND), scene.now)) {
            return Err(DEVICE);
        }
        Ok(Caller { account: session.account, credential: name.to_owned() })
    }

    fn enter(&self, scene: &Scene<'_>, id: AccountId, _account: &Account) -> Result<Entered, Refusal> {
        let name = unguessable();
        let end = scene.now.saturating_add(LIFETIME);
        let mut session = Session { account: id, end, challenges: Vec::new(), asked: None, bound: None };
        let mut reply = reply::done();
        // A form is answered by a redirect; the page that it leads to asks then.
        if !scene.ask.wants_page() {
            ask_to_register(&mut reply, &mut session, scene.now);
        }
        self.lock().insert(name.clone(), session);
        reply::set_cookie(&mut reply, &format!("{SESSION}={name}; {ATTRIBUTES}"));
        // A bound cookie of the log-in before is of no use to this one.
        reply::set_cookie(&mut reply, &format!("{BOUND}=; Max-Age=0; {ATTRIBUTES}"));
        Ok(Entered { reply, credential: name })
    }

    fn leave(&self, scene: &Scene<'_>) -> Reply {
        if let Some(name) = scene.ask.cookie(SESSION) {
            self.lock().remove(name);
        }
        let mut reply = reply::done();
        for name in [SESSION, BOUND] {
            reply::set_cookie(&mut reply, &format!("{name}=; Max-Age=0; {ATTRIBUTES}"));
        }
        reply
    }

    fn own_route(&self, scene: &Scene<'_>) -> Option<Result<Reply, Refusal>> {
        match (&scene.ask.method, scene.ask.path.as_str()) {
            (&Method::POST, "/dbsc/register") => Some(self.register(scene)),
            (&Method::POST, "/dbsc/refresh") => Some(self.refresh(scene)),
            _ => None,
        }
    }

    /// Tells the page whether its session is bound, and asks again where the browser has not bound it.
    fn dress(&self, scene: &Scene<'_>, reply: &mut Reply) {
        let mut sessions = self.lock();
        let session = scene.ask.cookie(SESSION).and_then(|name| sessions.get_mut(name));
        let Some(session) = session.filter(|session| session.end > scene.now) else { return };
        let bound = if session.bound.is_some() { "1" } else { "0" };
        reply::set(reply, HeaderName::from_static("x-bound"), bound);
        let visit = scene.ask.header("sec-fetch-mode") == Some("navigate") && reply.status() == StatusCode::OK;
        let asked = session.asked.is_some_and(|asked| scene.now < asked.saturating_add(ASK_AGAIN));
        if visit && session.bound.is_none() && !asked {
            ask_to_register(reply, session, scene.now);
        }
    }
}
