//! The same bank behind Cloakroom: it gives out nothing and keeps nothing.
//!
//! Who calls is in `x-lab-account`, which the lab sets after it has verified the token that Cloakroom sent along.
//! Log-in and log-out are Cloakroom's.

use super::{Caller, Entered, Keeping, Scene};
use crate::accounts::{Account, AccountId};
use crate::reply::{Refusal, Reply};

pub(crate) struct Behind;

impl Keeping for Behind {
    fn caller(&self, scene: &Scene<'_>) -> Result<Caller, Refusal> {
        let email = scene.ask.header("x-lab-account").ok_or(Refusal::NOBODY)?;
        // Cloakroom does not learn when the bank's address of somebody changes.
        let account = scene.world.accounts.opened_as(scene.strategy, email).ok_or(Refusal::NOBODY)?;
        // The token itself, if the lab passes it on; the fingerprint then tells which session it was.
        let credential = scene.ask.authorization("Bearer").unwrap_or(email).to_owned();
        Ok(Caller { account, credential })
    }

    fn enter(&self, _scene: &Scene<'_>, _id: AccountId, _account: &Account) -> Result<Entered, Refusal> {
        Err(Refusal::UNKNOWN)
    }

    fn leave(&self, _scene: &Scene<'_>) -> Reply {
        Refusal::UNKNOWN.reply()
    }
}
