//! What operators do with accounts. None of it shows or sets a password (v5.0.0-6.4.6).

use super::reset::RESET_WITHIN;
use crate::mail::{Code, Purpose, in_utc};
use crate::{App, Error, Fault, Refusal};
use cloakroom_core::account::{Account, Email, PasswordHash};
use cloakroom_core::event::EventKind;
use cloakroom_core::id::AccountId;
use cloakroom_core::letter::{About, Letter};
use cloakroom_core::refresh::{EndReason, Ended};
use cloakroom_core::time::{Lifetime, Timestamp};
use cloakroom_store::{Error as StoreError, Order, SlipKind, Unit};

/// An invitation is good for so long.
const INVITED_FOR: Lifetime = Lifetime::from_secs(3 * 86_400);

/// An account that an operator opened.
pub struct Created {
    /// Its name.
    pub id: AccountId,
    /// Where its owner sets a password, when no mail is sent. A secret; it is good once.
    pub link: Option<String>,
}

/// An account of another system.
pub struct Import<'a> {
    /// Its address.
    pub email: &'a str,
    /// The hash of its password, in a form that [`cloakroom_password::foreign()`] knows.
    pub hash: &'a str,
    /// Whether the other system has confirmed the address.
    pub verified: bool,
}

impl App {
    /// Opens an account without a password, and mails its owner how to set one; without mail the link is answered. Refused as
    /// [`Refusal::BadEmail`], [`Refusal::AddressTaken`], or [`Refusal::PasswordsOff`].
    pub async fn create_account(&self, email: &str) -> Result<Created, Error> {
        self.needs_passwords()?;
        let now = self.clock.now();
        let email = Email::parse(email).map_err(|_| Refusal::BadEmail)?;
        let account = self.fresh_account(email, PasswordHash::unusable(), None, now)?;
        let unit = Unit::new()
            .order(Order::OpenAccount(account.clone()))
            .order(Order::Record(self.event(EventKind::AccountCreated, now)?.of(account.id)));
        let link = self.invite(unit, &account, INVITED_FOR, About::Invitation, now).await?;
        Ok(Created { id: account.id, link })
    }

    /// Mails a reset to the owner of an account; without mail the link is answered. What somebody guessed too often is asked for
    /// again afterwards. Refused as [`Refusal::UnknownAccount`] or [`Refusal::PasswordsOff`].
    pub async fn send_reset(&self, id: AccountId) -> Result<Option<String>, Error> {
        self.needs_passwords()?;
        let now = self.clock.now();
        let account = self.store.account(id).await?.ok_or(Refusal::UnknownAccount)?;
        let unit = Unit::from(Order::Record(self.event(EventKind::ResetAsked, now)?.of(id)));
        self.invite(unit, &account, RESET_WITHIN, About::ResetForYou, now).await
    }

    async fn invite(
        &self,
        unit: Unit,
        account: &Account,
        good_for: Lifetime,
        about: impl FnOnce(cloakroom_core::letter::Way) -> About,
        now: Timestamp,
    ) -> Result<Option<String>, Error> {
        let code = Code { purpose: Purpose::Reset, account: account.id, subject: [0; 16], real: true };
        let (unit, issued) = self.issue(unit, code, Some(account.email.canonical()), good_for, now).await?;
        let way = self.way("/auth/reset", &issued, good_for);
        let link = (!self.settings.mail).then(|| way.link.clone());
        let letter = Letter { to: account.email.as_str().to_owned(), about: about(way) };
        let unit = if self.settings.mail { self.post(unit, Some(&letter), now)? } else { unit };
        match self.save(unit).await {
            Ok(()) => {
                self.posted();
                Ok(link)
            }
            Err(StoreError::Conflict) => Err(Refusal::AddressTaken.into()),
            Err(error) => Err(error.into()),
        }
    }

    /// Takes over an account with the hash of its password, which is hashed anew at its owner's next log-in. Refused as
    /// [`Refusal::BadEmail`], [`Refusal::BadHash`] or [`Refusal::AddressTaken`].
    pub async fn import_account(&self, import: &Import<'_>) -> Result<AccountId, Error> {
        let now = self.clock.now();
        let email = Email::parse(import.email).map_err(|_| Refusal::BadEmail)?;
        let imported = cloakroom_password::foreign(import.hash).map_err(|_| Refusal::BadHash)?;
        let account = self.fresh_account(email, imported.hash, import.verified.then_some(now), now)?;
        let unit = Unit::new()
            .order(Order::OpenAccount(account.clone()))
            .order(Order::Record(self.event(EventKind::AccountImported, now)?.of(account.id)));
        match self.save(unit).await {
            Ok(()) => Ok(account.id),
            Err(StoreError::Conflict) => Err(Refusal::AddressTaken.into()),
            Err(error) => Err(error.into()),
        }
    }

    #[expect(clippy::unused_self, reason = "entropy is the house's to give")]
    fn fresh_account(
        &self,
        email: Email,
        password: PasswordHash,
        email_verified_at: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<Account, Fault> {
        Ok(Account {
            id: AccountId::from_bytes(cloakroom_jose::random()?),
            email,
            password,
            opened_at: now,
            email_verified_at,
            password_set_at: now,
            disabled_at: None,
            not_before: None,
        })
    }

    /// Deletes an account with everything that it has. Lines of the trail stay: they hold names that mean nobody any longer.
    /// What is alive of it ends everywhere. Refused as [`Refusal::UnknownAccount`].
    pub async fn delete_account(&self, id: AccountId) -> Result<(), Error> {
        let now = self.clock.now();
        let account = self.store.account(id).await?.ok_or(Refusal::UnknownAccount)?;
        let ended = Ended { at: now, reason: EndReason::Withdrawn };
        let unit = Unit::new()
            .order(Order::EndSessions { account: id, except: None, ended, revoked_until: self.outlived_at(now) })
            .order(Order::RaiseFloor { account: id, to: now, until: self.outlived_at(now) })
            .order(Order::DeleteAccount(id))
            .order(Order::Record(self.event(EventKind::AccountDeleted, now)?.of(id)));
        let unit = if self.settings.mail && account.email_verified_at.is_some() {
            let letter = Letter { to: account.email.as_str().to_owned(), about: About::AccountDeleted };
            self.post(unit, Some(&letter), now)?
        } else {
            unit
        };
        match self.save(unit).await {
            Ok(()) => {
                self.posted();
                Ok(self.follow_feed().await?)
            }
            Err(StoreError::Conflict) => Err(Refusal::UnknownAccount.into()),
            Err(error) => Err(error.into()),
        }
    }

    /// Removes every second factor of an account whose owner has lost them, and ends its sessions. Its owner is told (v5.0.0-6.4.4:
    /// who they are is for the operator to find out before). Answers whether there was any: without one nothing happens. Refused
    /// as [`Refusal::UnknownAccount`].
    pub async fn remove_factors(&self, id: AccountId) -> Result<bool, Error> {
        let now = self.clock.now();
        let account = self.store.account(id).await?.ok_or(Refusal::UnknownAccount)?;
        let factors = self.factors_of(id).await?;
        if factors.totp.is_none() && factors.passkeys.is_empty() && factors.recovery.is_none() {
            return Ok(false);
        }
        let ended = Ended { at: now, reason: EndReason::Withdrawn };
        let mut unit = Unit::new();
        for kind in [SlipKind::Totp, SlipKind::Recovery, SlipKind::Passkey] {
            unit = unit.order(Order::RemoveSlips { account: id, kind });
        }
        unit = unit
            .order(Order::EndSessions { account: id, except: None, ended, revoked_until: self.outlived_at(now) })
            .order(Order::Record(self.event(EventKind::FactorRemoved, now)?.of(id)));
        if self.settings.mail {
            let about = About::FactorsRemovedForYou { at: in_utc(now), account: self.link("/auth/account") };
            unit = self.post(unit, Some(&Letter { to: account.email.as_str().to_owned(), about }), now)?;
        }
        self.save(unit).await?;
        self.posted();
        self.follow_feed().await?;
        Ok(true)
    }

    /// A page of accounts in the order of their names, after the one that is given.
    pub async fn accounts(&self, after: Option<AccountId>, limit: u32) -> Result<Vec<Account>, Fault> {
        Ok(self.store.accounts(after, limit).await?)
    }
}
