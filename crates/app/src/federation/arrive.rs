//! Somebody comes back from a provider: the answer is judged, the identity finds its account, a session is opened.

use super::identity::key_of;
use super::refusal;
use super::waiting::{Changed, Shown, WAIT_FOR, Waiting, mark_of};
use crate::backing::Backing;
use crate::device::Visit;
use crate::kept::{self, slip};
use crate::login::{Entered, Entry, Wish};
use crate::token::Credential;
use crate::{App, Error, Fault, Refusal};
use cloakroom_core::event::EventKind;
use cloakroom_core::return_to::ReturnTo;
use cloakroom_core::session::{Method, Strategy};
use cloakroom_jose::{same, sha256};
use cloakroom_oidc::{Callback, Identity};
use cloakroom_store::{Error as StoreError, Order, Slip, SlipKind, Unit};

/// An answer of a provider that this browser waits for. It is used up by being found.
pub struct Arrived {
    one: Waiting,
    callback: Callback,
    /// What becomes of the cookies: its own is cleared.
    pub waiting: Changed,
    /// The place among several accounts of one browser that it was begun in.
    pub slot: u8,
    /// Where to lead afterwards.
    pub return_to: ReturnTo,
    /// The name of the approval that it is to prove.
    pub approval: Option<String>,
}

/// What came of it.
pub enum Outcome {
    /// In.
    Entered(Box<Entered>),
    /// The identity logs in to the account from now on.
    Linked,
    /// The approval was given.
    Approved,
}

/// Values of `amr` by the kind of what was shown (RFC 8176 §2): what somebody knows, has, is.
const KINDS: [&[&str]; 3] = [
    &["pwd", "pin", "kba"],
    &["otp", "sms", "tel", "hwk", "swk", "sc", "pop"],
    &["fpt", "face", "iris", "retina", "vbm"],
];

impl App {
    /// Finds what an answer belongs to. `query` is that of the redirect, `waiting` the cookies. Refused as
    /// [`Refusal::AttemptOver`] when this browser does not wait for it (any longer), or not from this provider.
    pub fn find_waiting(&self, id: &str, query: &str, waiting: &[Shown<'_>]) -> Result<Arrived, Error> {
        // What cannot be read names no attempt.
        let callback = Callback::parse(query).map_err(|_| Refusal::AttemptOver)?;
        let state = callback.state.as_deref().ok_or(Refusal::AttemptOver)?;
        let is_it = |one: &Waiting| same(one.attempt.state.as_bytes(), state.as_bytes()) && one.attempt.provider == id;
        let one = self.waiting_for(state, waiting, self.clock.now()).filter(is_it).ok_or(Refusal::AttemptOver)?;
        let return_to = ReturnTo::parse(&one.return_to).unwrap_or_else(ReturnTo::home);
        let waiting = Changed { kept: None, forgotten: vec![mark_of(state)] };
        Ok(Arrived { callback, waiting, slot: one.slot, return_to, approval: one.approval.clone(), one })
    }

    /// Redeems the answer. `credential` is what this browser shows of a session: it is replaced, or is whose account gets the
    /// identity. Refused as the provider's answer deserves, or as the account does.
    pub async fn arrive(
        &self,
        arrived: &Arrived,
        visit: &Visit<'_>,
        credential: Option<Credential<'_>>,
    ) -> Result<Outcome, Error> {
        let now = self.clock.now();
        let Arrived { one, callback, .. } = arrived;
        let provider = self.provider(&one.attempt.provider)?;
        self.attempt(&self.counted_by_request(visit.address), now).await?;
        // Good once, whatever cookie somebody has kept (R97-04): neither the provider nor the trail hears of a second time.
        let state = sha256(&[b"state ", one.attempt.state.as_bytes()].concat());
        let once = slip(SlipKind::Challenge, kept::key(&[b"state", &state])?, &())?;
        let once = Slip { expires_at: Some(now.plus(WAIT_FOR)), ..once };
        match self.save(Unit::from(Order::AddSlip(once))).await {
            Ok(()) => {}
            Err(StoreError::Conflict) => return Err(Refusal::AttemptOver.into()),
            Err(error) => return Err(error.into()),
        }
        let redeemed = provider.party.redeem(&one.attempt, callback, now.unix_seconds()).await;
        let logged_in = match redeemed {
            Ok(logged_in) => logged_in,
            Err(error) => {
                self.save(Unit::from(Order::Record(self.event(EventKind::ProviderFailed, now)?.of_nobody()))).await?;
                return Err(refusal(provider, &error).into());
            }
        };
        // Judged against the time after the provider has answered: it may have taken a while.
        let now = self.clock.now();
        if let Some(link) = &one.link {
            // Somebody may take longer there than an access token lives; that the session does is what counts.
            let access = self.recognise(credential.ok_or(Refusal::AttemptOver)?).await?.ok_or(Refusal::AttemptOver)?;
            let session = self.store.session(access.session).await?.filter(|session| session.family.ended.is_none());
            let session = session.filter(|session| session.id.to_string() == *link).ok_or(Refusal::AttemptOver)?;
            let used = session.last_used_at;
            if self.settings.lifetimes.is_expired(&session, used, now) {
                return Err(Refusal::AttemptOver.into());
            }
            self.link_identity(provider, &logged_in.identity, &session, now).await?;
            return Ok(Outcome::Linked);
        }
        if let Some(approval) = &one.approval {
            let owner = self.known_owner(&key_of(provider.party.issuer(), &logged_in.identity.sub)).await?;
            let strong = provider.trusts_factors && is_strong(&logged_in.identity);
            self.approve_as(approval, owner.map(|owner| owner.id), strong).await?;
            return Ok(Outcome::Approved);
        }
        let account = self.owner_of(provider, &logged_in.identity, now).await?;
        let strong = provider.trusts_factors && is_strong(&logged_in.identity);
        let method = if strong { Method::ProviderWithFactors } else { Method::Provider };
        let strategy = Strategy::from_text(&one.strategy).ok_or_else(|| Fault::plain("a strategy that is none"))?;
        let wish = Wish { remember: one.remember, strategy };
        let backing = Backing::of(provider, logged_in, &one.attempt.nonce, now);
        self.remember_sid(&backing, account.id, now).await?;
        let arrival = self.arrival(account.id, visit, now).await?;
        let entry = Entry { method, wish, visit, arrival, replaces: credential, backing: Some(backing) };
        let entered = self.enter(account, entry, Unit::new(), now).await?;
        Ok(Outcome::Entered(Box::new(entered)))
    }
}

/// More than one factor: it says so itself, or names two of different kinds.
fn is_strong(identity: &Identity) -> bool {
    let shown = |name: &str| identity.amr.iter().any(|method| method == name);
    shown("mfa") || KINDS.iter().filter(|kind| kind.iter().any(|name| shown(name))).count() > 1
}
