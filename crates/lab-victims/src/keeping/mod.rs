//! One way to keep a log-in per file: what is given out after the password was right, and how it is recognised again.
//!
//! None of them knows what the bank does for whom it recognised (`service.rs`).

mod bearer;
mod behind;
mod cookie;
mod dbsc;
mod dpop;
mod opaque;
mod provider;
mod refresh_cookie;
mod sealed;
mod split;

use crate::accounts::{Account, AccountId};
use crate::ask::{Ask, Fields};
use crate::deeds::{Deed, What};
use crate::reply::{Refusal, Reply};
use crate::secret::fingerprint;
use crate::world::World;

pub(crate) use bearer::Bearer;
pub(crate) use behind::Behind;
pub(crate) use cookie::TokenCookie;
pub(crate) use dbsc::DeviceBound;
pub(crate) use dpop::Dpop;
pub(crate) use opaque::{Fault, Opaque};
pub(crate) use provider::Provider;
pub(crate) use refresh_cookie::RefreshCookie;
pub(crate) use sealed::Sealed;
pub(crate) use split::{SplitCookies, SplitHeader};

/// One request at one bank, with the one instant that it is judged at.
pub(crate) struct Scene<'a> {
    pub(crate) world: &'a World,
    /// The id of the strategy.
    pub(crate) strategy: &'static str,
    pub(crate) ask: &'a Ask,
    pub(crate) fields: &'a Fields,
    /// Unix seconds.
    pub(crate) now: i64,
}

/// Who the bank takes the caller for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Caller {
    pub(crate) account: AccountId,
    /// The credential's text, for its fingerprint.
    pub(crate) credential: String,
}

impl Scene<'_> {
    /// Adds a deed of this request.
    pub(crate) fn did(&self, who: Option<&Account>, what: What, credential: Option<&str>) {
        self.world.deeds.add(Deed {
            seq: 0,
            strategy: self.strategy,
            account: who.map(|account| account.opened_as.clone()).unwrap_or_default(),
            what,
            at: self.now,
            credential: credential.map(fingerprint).unwrap_or_default(),
            request: self.ask.header("x-lab-request").unwrap_or_default().to_owned(),
        });
    }

    /// The account that a code of the provider stands for, at this bank.
    fn redeemed(&self) -> Result<(AccountId, Account), Refusal> {
        let said = |name: &str| self.fields.get(name).map_or("", String::as_str);
        let (code, verifier) = (said("code"), said("code_verifier"));
        let email = self
            .world
            .codes
            .redeem(code, self.strategy, said("redirect_uri"), verifier, self.now)
            .ok_or(Refusal::INVALID_GRANT)?;
        let id = self.world.accounts.opened_as(self.strategy, &email).ok_or(Refusal::INVALID_GRANT)?;
        let account = self.world.accounts.get(id).ok_or(Refusal::INVALID_GRANT)?;
        Ok((id, account))
    }
}

/// What a log-in gave out.
pub(crate) struct Entered {
    pub(crate) reply: Reply,
    pub(crate) credential: String,
}

pub(crate) trait Keeping: Send + Sync {
    /// Who calls, or why nobody does.
    fn caller(&self, scene: &Scene<'_>) -> Result<Caller, Refusal>;

    /// Gives out a credential: the password was right, or a provider vouched.
    fn enter(&self, scene: &Scene<'_>, id: AccountId, account: &Account) -> Result<Entered, Refusal>;

    /// Takes back what can be taken back.
    fn leave(&self, scene: &Scene<'_>) -> Reply;

    /// The answer of a route that only this strategy has.
    fn own_route(&self, _scene: &Scene<'_>) -> Option<Result<Reply, Refusal>> {
        None
    }

    /// Adds what every answer of this strategy carries.
    fn dress(&self, _scene: &Scene<'_>, _reply: &mut Reply) {}
}
