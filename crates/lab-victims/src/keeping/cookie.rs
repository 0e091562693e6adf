//! S8 to S11: a JWT in one cookie is the only credential. What differs is the cookie's attributes.
//!
//! Nothing is remembered by the server: log-out clears the cookie, and a copy of it stays good for the rest of its day.

use super::{Caller, Entered, Keeping, Scene};
use crate::accounts::{Account, AccountId};
use crate::reply::{self, Refusal, Reply};
use crate::token::{Claims, DAY};

/// The name that the tutorials give it.
const NAME: &str = "token";

pub(crate) struct TokenCookie {
    /// What stands behind the value, without `Max-Age`.
    pub(crate) attributes: &'static str,
}

impl Keeping for TokenCookie {
    fn caller(&self, scene: &Scene<'_>) -> Result<Caller, Refusal> {
        let token = scene.ask.cookie(NAME).ok_or(Refusal::NOBODY)?;
        let (account, _) = scene.world.signer.read(token, scene.strategy, scene.now)?;
        Ok(Caller { account, credential: token.to_owned() })
    }

    fn enter(&self, scene: &Scene<'_>, id: AccountId, account: &Account) -> Result<Entered, Refusal> {
        let token = scene.world.signer.sign(&Claims::new(scene.strategy, id, &account.email, scene.now, DAY))?;
        let mut reply = reply::done();
        reply::set_cookie(&mut reply, &format!("{NAME}={token}; Max-Age={DAY}; {}", self.attributes));
        Ok(Entered { reply, credential: token })
    }

    fn leave(&self, _scene: &Scene<'_>) -> Reply {
        let mut reply = reply::done();
        reply::set_cookie(&mut reply, &format!("{NAME}=; Max-Age=0; {}", self.attributes));
        reply
    }
}
