//! Identities of an account, added and removed by its owner, who has approved that.

use super::identity::{Known, key_of};
use super::{Begun, Errand, Shown};
use crate::backing::{Backed, Tokens};
use crate::factor::PasskeyScope;
use crate::kept::{Kept, kept_of};
use crate::login::Wish;
use crate::provider::Provider;
use crate::token::Seen;
use crate::{App, Error, Fault, Refusal};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use cloakroom_core::account::Email;
use cloakroom_core::approval::Act;
use cloakroom_core::event::EventKind;
use cloakroom_core::id::AccountId;
use cloakroom_core::letter::About;
use cloakroom_core::refresh::EndReason;
use cloakroom_core::session::Session;
use cloakroom_core::time::Timestamp;
use cloakroom_oidc::Identity;
use cloakroom_store::{Error as StoreError, Order, SlipKind, Unit};

/// Sessions of an account that are looked at when an identity is removed.
const AT_ONCE: u32 = 200;

/// An identity at a provider that logs in to an account.
pub struct Linked {
    /// Names it among those of the account.
    pub id: String,
    /// What people call the provider; its id where the configuration no longer has it.
    pub name: String,
    /// The provider's id in the configuration.
    pub provider: String,
    /// Its issuer, where the configuration still has it.
    pub issuer: Option<String>,
    /// `sub`: who they are there.
    pub subject: String,
    /// The address that the provider said when it was added.
    pub email: Option<String>,
    /// When it was added.
    pub added_at: Timestamp,
}

impl App {
    /// The identities that log in to an account, at most 100.
    pub async fn linked(&self, account: AccountId) -> Result<Vec<Linked>, Fault> {
        let named = |row: Kept<Known>| {
            let provider = self.provider(&row.value.provider).ok();
            Linked {
                id: id_of(&row),
                name: provider.map_or(row.value.provider.clone(), |known| known.name.clone()),
                issuer: provider.map(|known| known.party.issuer().to_owned()),
                provider: row.value.provider,
                subject: row.value.sub,
                email: row.value.email,
                added_at: Timestamp::from_millis(row.value.linked_at),
            }
        };
        Ok(self.identities(account).await?.into_iter().map(named).collect())
    }

    pub(crate) async fn identities(&self, account: AccountId) -> Result<Vec<Kept<Known>>, Fault> {
        kept_of(&*self.store, account, SlipKind::Identity, self.clock.now()).await
    }

    /// Sends somebody who has just approved that to a provider, to add their identity there to their account. Refused as
    /// [`Refusal::StepUpNeeded`] and as [`Self::begin_with_provider`].
    pub async fn begin_link(
        &self,
        seen: &Seen,
        approval: &str,
        (provider, slot): (&str, u8),
        waiting: &[Shown<'_>],
    ) -> Result<Begun, Error> {
        let now = self.clock.now();
        let session = self.me(seen).await?.session;
        let wish = Wish { remember: session.remember, strategy: session.strategy };
        let errand = Errand { wish, return_to: "/auth/account", slot, link: Some(seen), approval: None };
        // First, since an approval is not to be used up by a provider that does not answer.
        let begun = self.begin_with_provider(provider, errand, waiting).await?;
        let unit = self.spend_act(Unit::new(), seen, (Act::AddProvider, Some(provider)), approval, now).await?;
        self.save_after_approval(unit).await?;
        Ok(begun)
    }

    /// Adds an identity to the account of somebody who is logged in. Refused as [`Refusal::IdentityTaken`] when it is another's.
    pub(super) async fn link_identity(
        &self,
        provider: &Provider,
        identity: &Identity,
        session: &Session,
        now: Timestamp,
    ) -> Result<(), Error> {
        let account = self.store.account(session.account).await?.ok_or(Refusal::SignedOut)?;
        let key = key_of(provider.party.issuer(), &identity.sub);
        let known = Self::known(provider, identity, &key, account.id, now)?;
        let event = self.event(EventKind::ProviderLinked, now)?.on(session);
        let what = match identity.email.as_deref().filter(|email| Email::parse(email).is_ok()) {
            Some(email) => format!("{} ({email}), as a site to log in with", provider.name),
            None => format!("{}, as a site to log in with", provider.name),
        };
        let about = move |place, forgot| About::FactorAdded { what, place, forgot };
        let unit = Unit::from(Order::AddSlip(known)).order(Order::Record(event));
        let unit = self.tell_of_factor(unit, &account, session, about, now)?;
        match self.save(unit).await {
            Ok(()) => {
                self.posted();
                Ok(())
            }
            Err(StoreError::Conflict) => match self.known_owner(&key).await? {
                Some(owner) if owner.id == account.id => Ok(()),
                _ => Err(Refusal::IdentityTaken.into()),
            },
            Err(error) => Err(error.into()),
        }
    }

    /// Removes an identity of somebody who has just approved that; `identity` is as [`Self::linked`] lists it. Refused as
    /// [`Refusal::LastWayIn`] when nothing else would open the account.
    pub async fn unlink(&self, seen: &Seen, approval: &str, identity: &str) -> Result<(), Error> {
        let (me, now) = (self.me(seen).await?, self.clock.now());
        let rows = self.identities(me.account.id).await?;
        let opens = |row: &Kept<Known>| self.provider(&row.value.provider).is_ok();
        let others = rows.iter().any(|row| id_of(row) != identity && opens(row));
        let row = rows.into_iter().find(|row| id_of(row) == identity).ok_or(Refusal::UnknownFactor)?;
        let passkeys = self.factors_of(me.account.id).await?.passkeys;
        let by_passkey = passkeys.iter().any(|passkey| passkey.scope == PasskeyScope::LogIn);
        // One that they have, or could set by mail; where one opens anything.
        let by_password = self.settings.log_in_by_password && (me.account.password.is_usable() || self.settings.mail);
        if !others && !by_passkey && !by_password {
            return Err(Refusal::LastWayIn.into());
        }
        let name = self.provider(&row.value.provider).map_or(row.value.provider.clone(), |known| known.name.clone());
        let act = (Act::RemoveProvider, Some(identity));
        let unit = self.spend_act(Unit::from(row.removed()), seen, act, approval, now).await?;
        let unit = unit.order(Order::Record(self.event(EventKind::ProviderUnlinked, now)?.on(&me.session)));
        // What it opened elsewhere ends with it: a log-out there could no longer reach it.
        let is_theirs =
            |backed: &Kept<Backed>| backed.value.sub == row.value.sub && backed.value.provider == row.value.provider;
        let mut unit = unit;
        for session in self.store.sessions_of(me.account.id, AT_ONCE).await? {
            let backed = self.backed(session.id, now).await?;
            let Some(mut backed) = backed.filter(is_theirs) else { continue };
            if session.id == me.session.id {
                // It goes on, but no longer in the name of that identity.
                backed.value.custody = None;
                self.seal_into(&mut backed.value, session.id, &Tokens::default())?;
                unit = unit.order(backed.changed()?);
                self.bearers.forget(session.id);
            } else {
                unit = self.end(unit, &session, EndReason::Revoked, now)?;
            }
        }
        let what = format!("{name}, as a site to log in with");
        let about = move |place, forgot| About::FactorRemoved { what, place, forgot };
        let unit = self.tell_of_factor(unit, &me.account, &me.session, about, now)?;
        self.save_after_approval(unit).await?;
        Ok(self.follow_feed().await?)
    }
}

fn id_of(row: &Kept<Known>) -> String {
    URL_SAFE_NO_PAD.encode(row.slip.key.as_bytes())
}
