//! An opaque name of a session that the server remembers: S15, and the controls that do the same badly.
//!
//! A session ends at log-out (but for the control that forgets to), or after eight hours.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::{Caller, Entered, Keeping, Scene};
use crate::accounts::{Account, AccountId};
use crate::reply::{self, Refusal, Reply};
use crate::secret::unguessable;

/// Eight hours, in seconds.
const LIFETIME: i64 = 8 * 3600;

/// What one of these does wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The name that the browser brought before the log-in is the session's name after it, whoever chose it.
    Fixation,
    /// Log-out only clears the cookie.
    NoRevocation,
    /// `?token=` in any address is as good as the cookie, and the log-in leads to such an address.
    InAddress,
}

pub(crate) struct Opaque {
    name: &'static str,
    attributes: &'static str,
    faults: &'static [Fault],
    sessions: Mutex<HashMap<String, (AccountId, i64)>>,
}

impl Opaque {
    pub(crate) fn new(name: &'static str, attributes: &'static str, faults: &'static [Fault]) -> Self {
        Self { name, attributes, faults, sessions: Mutex::default() }
    }

    fn brought<'a>(&self, scene: &'a Scene<'_>) -> Option<&'a str> {
        let in_address = || self.has(Fault::InAddress).then(|| scene.ask.query.get("token")).flatten();
        scene.ask.cookie(self.name).or_else(|| in_address().map(String::as_str))
    }

    fn has(&self, fault: Fault) -> bool {
        self.faults.contains(&fault)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, (AccountId, i64)>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Keeping for Opaque {
    fn caller(&self, scene: &Scene<'_>) -> Result<Caller, Refusal> {
        let name = self.brought(scene).ok_or(Refusal::NOBODY)?;
        let (account, end) = *self.lock().get(name).ok_or(Refusal::NOBODY)?;
        if end <= scene.now {
            return Err(Refusal::NOBODY);
        }
        Ok(Caller { account, credential: name.to_owned() })
    }

    fn enter(&self, scene: &Scene<'_>, id: AccountId, _account: &Account) -> Result<Entered, Refusal> {
        let kept = self.has(Fault::Fixation).then(|| self.brought(scene)).flatten().map(str::to_owned);
        let name = kept.unwrap_or_else(unguessable);
        self.lock().insert(name.clone(), (id, scene.now.saturating_add(LIFETIME)));
        let mut reply = if self.has(Fault::InAddress) && scene.ask.wants_page() {
            reply::redirect(&format!("/?token={name}"))
        } else {
            reply::done()
        };
        reply::set_cookie(&mut reply, &format!("{}={name}; {}", self.name, self.attributes));
        Ok(Entered { reply, credential: name })
    }

    fn leave(&self, scene: &Scene<'_>) -> Reply {
        if let Some(name) = self.brought(scene).filter(|_| !self.has(Fault::NoRevocation)) {
            self.lock().remove(name);
        }
        let mut reply = reply::done();
        reply::set_cookie(&mut reply, &format!("{}=; Max-Age=0; {}", self.name, self.attributes));
        reply
    }

    /// With the fault, everybody has a session from the first visit on.
    fn dress(&self, scene: &Scene<'_>, reply: &mut Reply) {
        let sets = reply.headers().contains_key(http::header::SET_COOKIE);
        if self.has(Fault::Fixation) && !sets && scene.ask.cookie(self.name).is_none() {
            reply::set_cookie(reply, &format!("{}={}; {}", self.name, unguessable(), self.attributes));
        }
    }
}
