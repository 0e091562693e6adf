//! S14: the access token in the page's memory, the refresh token in an `HttpOnly; Strict` cookie of `/refresh`.
//!
//! A refresh token is good once; one that was used up comes back from a thief or from his victim, so it ends the whole
//! family (RFC 9700 §4.14.2).

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use http::{Method, StatusCode};
use serde_json::json;

use super::{Caller, Entered, Keeping, Scene};
use crate::accounts::{Account, AccountId};
use crate::deeds::What;
use crate::reply::{self, Refusal, Reply};
use crate::secret::unguessable;
use crate::token::{ACCESS, Claims, REFRESH};

const NAME: &str = "refresh_token";
const ATTRIBUTES: &str = "Path=/refresh; Secure; HttpOnly; SameSite=Strict";

struct Refresh {
    account: AccountId,
    family: String,
    end: i64,
    used: bool,
}

/// The refresh tokens that were given out, used-up ones too, as long as their family lives.
#[derive(Default)]
pub(crate) struct RefreshCookie(Mutex<HashMap<String, Refresh>>);

impl RefreshCookie {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, Refresh>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn give(&self, scene: &Scene<'_>, id: AccountId, account: &Account, family: String) -> Result<Entered, Refusal> {
        let access = scene.world.signer.sign(&Claims::new(scene.strategy, id, &account.email, scene.now, ACCESS))?;
        let refresh = unguessable();
        let end = scene.now.saturating_add(REFRESH);
        self.lock().insert(refresh.clone(), Refresh { account: id, family, end, used: false });
        let mut reply = reply::json(StatusCode::OK, &json!({ "access_token": access, "email": account.email }));
        reply::set_cookie(&mut reply, &format!("{NAME}={refresh}; Max-Age={REFRESH}; {ATTRIBUTES}"));
        Ok(Entered { reply, credential: access })
    }

    fn renew(&self, scene: &Scene<'_>) -> Result<Reply, Refusal> {
        let token = scene.ask.cookie(NAME).ok_or(Refusal::NOBODY)?;
        let (id, family) = {
            let mut tokens = self.lock();
            let refresh = tokens.get_mut(token).filter(|refresh| refresh.end > scene.now).ok_or(Refusal::NOBODY)?;
            let (id, family, again) = (refresh.account, refresh.family.clone(), refresh.used);
            refresh.used = true;
            if again {
                tokens.retain(|_, refresh| refresh.family != family);
                return Err(Refusal::NOBODY);
            }
            (id, family)
        };
        let account = scene.world.accounts.get(id).ok_or(Refusal::NOBODY)?;
        let given = self.give(scene, id, &account, family)?;
        scene.did(Some(&account), What::Refreshed, Some(token));
        Ok(given.reply)
    }

    /// Log-out has to be below `/refresh`, else the cookie would not come along.
    fn end(&self, scene: &Scene<'_>) -> Reply {
        if let Some(token) = scene.ask.cookie(NAME) {
            let mut tokens = self.lock();
            if let Some(family) = tokens.get(token).map(|refresh| refresh.family.clone()) {
                tokens.retain(|_, refresh| refresh.family != family);
            }
        }
        self.leave(scene)
    }
}

impl Keeping for RefreshCookie {
    fn caller(&self, scene: &Scene<'_>) -> Result<Caller, Refusal> {
        let token = scene.ask.authorization("Bearer").ok_or(Refusal::NOBODY)?;
        let (account, _) = scene.world.signer.read(token, scene.strategy, scene.now)?;
        Ok(Caller { account, credential: token.to_owned() })
    }

    fn enter(&self, scene: &Scene<'_>, id: AccountId, account: &Account) -> Result<Entered, Refusal> {
        self.give(scene, id, account, unguessable())
    }

    fn leave(&self, _scene: &Scene<'_>) -> Reply {
        let mut reply = reply::done();
        reply::set_cookie(&mut reply, &format!("{NAME}=; Max-Age=0; {ATTRIBUTES}"));
        reply
    }

    fn own_route(&self, scene: &Scene<'_>) -> Option<Result<Reply, Refusal>> {
        match (&scene.ask.method, scene.ask.path.as_str()) {
            // A browser sends the cookie to the first only; a program with a copy of it finds both.
            (&Method::POST, "/refresh" | "/api/refresh") => Some(self.renew(scene)),
            (&Method::POST, "/refresh/logout") => Some(Ok(self.end(scene))),
            _ => None,
        }
    }
}
