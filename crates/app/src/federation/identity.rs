//! Whose identity it is. The rules keep somebody who controls a provider's account, or an address there, out of accounts that
//! are not theirs (peers: pre-hijacked accounts, linking by address alone).

use crate::kept::slip;
use crate::provider::Provider;
use crate::{App, Error, Fault, Refusal};
use cloakroom_core::account::{Account, Email, PasswordHash};
use cloakroom_core::event::EventKind;
use cloakroom_core::id::AccountId;
use cloakroom_core::time::Timestamp;
use cloakroom_jose::sha256;
use cloakroom_oidc::Identity;
use cloakroom_store::{Error as StoreError, Order, Slip, SlipKey, SlipKind, Unit};
use serde::{Deserialize, Serialize};

/// What could let somebody in again, or keep the owner out.
const LEFT_BEHIND: [SlipKind; 10] = [
    SlipKind::Code,
    SlipKind::Challenge,
    SlipKind::Device,
    SlipKind::Totp,
    SlipKind::Recovery,
    SlipKind::Passkey,
    SlipKind::Grant,
    SlipKind::Identity,
    SlipKind::ProviderSession,
    SlipKind::ProviderSid,
];

/// Rounds of a race with somebody who opens or links the same.
const ATTEMPTS: usize = 4;

/// What the store keeps of an identity.
#[derive(Serialize, Deserialize)]
pub(crate) struct Known {
    pub(super) provider: String,
    pub(super) sub: String,
    pub(crate) linked_at: i64,
    /// What the provider said when it was added, for people to tell two apart; no log-in goes by it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) email: Option<String>,
}

/// Names an identity: issuer and `sub` together, never one of them (OIDC Core 5.7).
pub(super) fn key_of(issuer: &str, sub: &str) -> SlipKey {
    let length = u64::try_from(issuer.len()).unwrap_or(u64::MAX).to_be_bytes();
    SlipKey::from(sha256(&[b"cloakroom identity v1", &length[..], issuer.as_bytes(), sub.as_bytes()].concat()))
}

impl App {
    /// The account of an identity, opened if it must and may be. Refused as [`Refusal::AddressUnconfirmed`],
    /// [`Refusal::LinkNeeded`], [`Refusal::SignupClosed`] or [`Refusal::AccountDisabled`].
    pub(super) async fn owner_of(
        &self,
        provider: &Provider,
        identity: &Identity,
        now: Timestamp,
    ) -> Result<Account, Error> {
        let key = key_of(provider.party.issuer(), &identity.sub);
        for _ in 0..ATTEMPTS {
            if let Some(account) = self.known_owner(&key).await? {
                if account.disabled_at.is_some() {
                    let event = self.event(EventKind::LoginFailed, now)?.of(account.id);
                    self.save(Unit::from(Order::Record(event))).await?;
                    return Err(Refusal::AccountDisabled.into());
                }
                return Ok(account);
            }
            let (account, unit) = self.newcomer(provider, identity, now).await?;
            let known = Self::known(provider, identity, &key, account.id, now)?;
            match self.save(unit.order(Order::AddSlip(known))).await {
                Ok(()) => return Ok(account),
                // The same person in another tab, or somebody who signed up with this address in this moment.
                Err(StoreError::Conflict) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(Fault::plain("a log-in with a provider lost every race").into())
    }

    pub(super) async fn known_owner(&self, key: &SlipKey) -> Result<Option<Account>, Error> {
        let Some(slip) = self.store.slip(SlipKind::Identity, key).await? else { return Ok(None) };
        let account = slip.account.ok_or_else(|| Fault::plain("an identity belongs to nobody"))?;
        Ok(self.store.account(account).await?)
    }

    /// The account of an identity that is seen for the first time, with the orders that make it so.
    async fn newcomer(
        &self,
        provider: &Provider,
        identity: &Identity,
        now: Timestamp,
    ) -> Result<(Account, Unit), Error> {
        let confirmed = identity.email_verified || provider.trusts_addresses;
        let email = identity.email.as_deref().filter(|_| confirmed).and_then(|email| Email::parse(email).ok());
        let email = email.ok_or(Refusal::AddressUnconfirmed)?;
        let Some(owner) = self.store.account_by_email(&email).await? else {
            if !provider.opens_accounts {
                return Err(Refusal::SignupClosed.into());
            }
            return Ok(self.open_for(email, now)?);
        };
        // Nobody has confirmed this address here, so nobody has ever been let in: whoever signed up with it does not keep it from
        // its owner, nor a password to what is the owner's now.
        let never_used = self.settings.confirm_addresses && owner.email_verified_at.is_none();
        if !never_used || owner.disabled_at.is_some() {
            return Err(Refusal::LinkNeeded.into());
        }
        let unit = self
            .end_everything_of(Unit::new(), owner.id, now)
            .order(Order::SetPassword {
                account: owner.id,
                expected: owner.password.clone(),
                next: PasswordHash::unusable(),
                at: Some(now),
            })
            .order(Order::VerifyEmail { account: owner.id, email: owner.email.clone(), at: now })
            .order(Order::Record(self.event(EventKind::EmailVerified, now)?.of(owner.id)))
            .order(Order::Record(self.event(EventKind::ProviderLinked, now)?.of(owner.id)));
        // Confirmation may not always have been asked for: whatever somebody could have left behind goes.
        let unit = LEFT_BEHIND
            .iter()
            .fold(unit, |unit, kind| unit.order(Order::RemoveSlips { account: owner.id, kind: *kind }));
        let account =
            Account { password: PasswordHash::unusable(), email_verified_at: Some(now), password_set_at: now, ..owner };
        Ok((account, unit))
    }

    fn open_for(&self, email: Email, now: Timestamp) -> Result<(Account, Unit), Fault> {
        let account = Account {
            id: AccountId::from_bytes(cloakroom_jose::random()?),
            email,
            password: PasswordHash::unusable(),
            opened_at: now,
            email_verified_at: Some(now),
            password_set_at: now,
            disabled_at: None,
            not_before: None,
        };
        let unit = Unit::new()
            .order(Order::OpenAccount(account.clone()))
            .order(Order::Record(self.event(EventKind::AccountOpened, now)?.of(account.id)))
            .order(Order::Record(self.event(EventKind::ProviderLinked, now)?.of(account.id)));
        Ok((account, unit))
    }

    pub(super) fn known(
        provider: &Provider,
        identity: &Identity,
        key: &SlipKey,
        account: AccountId,
        now: Timestamp,
    ) -> Result<Slip, Fault> {
        let provider = provider.party.id().to_owned();
        let email = identity.email.clone().filter(|email| Email::parse(email).is_ok());
        let known = Known { provider, sub: identity.sub.clone(), linked_at: now.millis(), email };
        Ok(Slip { account: Some(account), ..slip(SlipKind::Identity, key.clone(), &known)? })
    }
}
