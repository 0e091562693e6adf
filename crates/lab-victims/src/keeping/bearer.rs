//! S1 to S7: the page sends `Authorization: Bearer`, wherever it keeps the token; also the control whose token never ends.
//!
//! The refresh token is a random text in a list of the server, as in the tutorials: log-out takes it off the list, a
//! refresh does not. The access token is good until it ends, whatever happens.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use http::{Method, StatusCode};
use serde_json::json;

use super::{Caller, Entered, Keeping, Scene};
use crate::accounts::{Account, AccountId};
use crate::catalogue::WITH_PROVIDER;
use crate::deeds::What;
use crate::reply::{self, Refusal, Reply};
use crate::secret::unguessable;
use crate::token::{Claims, REFRESH};

pub(crate) struct Bearer {
    /// Of an access token, in seconds.
    lifetime: i64,
    /// `None`: there are no refresh tokens.
    refresh: Option<Mutex<HashMap<String, (AccountId, i64)>>>,
}

impl Bearer {
    /// Access tokens of so many seconds, and refresh tokens of a week.
    pub(crate) fn renewable(lifetime: i64) -> Self {
        Self { lifetime, refresh: Some(Mutex::default()) }
    }

    /// Access tokens of so many seconds, and nothing to renew them with.
    pub(crate) fn alone(lifetime: i64) -> Self {
        Self { lifetime, refresh: None }
    }

    fn access(&self, scene: &Scene<'_>, id: AccountId, account: &Account) -> Result<String, Refusal> {
        scene.world.signer.sign(&Claims::new(scene.strategy, id, &account.email, scene.now, self.lifetime))
    }

    /// The token endpoint, for the code of the provider: the browser is its own client, and holds no secret.
    fn redeem(&self, scene: &Scene<'_>) -> Result<Reply, Refusal> {
        let (id, account) = scene.redeemed()?;
        let entered = self.enter(scene, id, &account)?;
        scene.did(Some(&account), What::Login, Some(&entered.credential));
        Ok(entered.reply)
    }

    fn renew(&self, scene: &Scene<'_>) -> Result<Reply, Refusal> {
        let tokens = self.refresh.as_ref().ok_or(Refusal::UNKNOWN)?;
        let token = scene.fields.get("refresh_token").ok_or(Refusal::MISSING)?;
        let (id, exp) = *tokens.lock().unwrap_or_else(PoisonError::into_inner).get(token).ok_or(Refusal::NOBODY)?;
        if exp <= scene.now {
            return Err(Refusal::NOBODY);
        }
        let account = scene.world.accounts.get(id).ok_or(Refusal::NOBODY)?;
        let access = self.access(scene, id, &account)?;
        scene.did(Some(&account), What::Refreshed, Some(token));
        Ok(reply::json(StatusCode::OK, &json!({ "access_token": access })))
    }
}

impl Keeping for Bearer {
    fn caller(&self, scene: &Scene<'_>) -> Result<Caller, Refusal> {
        let token = scene.ask.authorization("Bearer").ok_or(Refusal::NOBODY)?;
        let (account, _) = scene.world.signer.read(token, scene.strategy, scene.now)?;
        Ok(Caller { account, credential: token.to_owned() })
    }

    fn enter(&self, scene: &Scene<'_>, id: AccountId, account: &Account) -> Result<Entered, Refusal> {
        let access = self.access(scene, id, account)?;
        let mut body = json!({ "access_token": access, "email": account.email });
        if let Some(tokens) = &self.refresh {
            let refresh = unguessable();
            if let Some(members) = body.as_object_mut() {
                members.insert("refresh_token".to_owned(), refresh.clone().into());
            }
            tokens
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .insert(refresh, (id, scene.now.saturating_add(REFRESH)));
        }
        Ok(Entered { reply: reply::json(StatusCode::OK, &body), credential: access })
    }

    fn leave(&self, scene: &Scene<'_>) -> Reply {
        if let (Some(tokens), Some(token)) = (&self.refresh, scene.fields.get("refresh_token")) {
            tokens.lock().unwrap_or_else(PoisonError::into_inner).remove(token);
        }
        reply::done()
    }

    fn own_route(&self, scene: &Scene<'_>) -> Option<Result<Reply, Refusal>> {
        match (&scene.ask.method, scene.ask.path.as_str()) {
            (&Method::POST, "/api/refresh") => Some(self.renew(scene)),
            (&Method::POST, "/token") if WITH_PROVIDER.contains(&scene.strategy) => Some(self.redeem(scene)),
            _ => None,
        }
    }
}
