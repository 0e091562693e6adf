//! Another address for an account: approved by its owner, confirmed from the new one, told to the old one with a way back.

use crate::mail::{Code, Purpose};
use crate::token::Seen;
use crate::{App, Error, Refusal};
use cloakroom_core::account::{Account, Email};
use cloakroom_core::approval::Act;
use cloakroom_core::event::EventKind;
use cloakroom_core::letter::{About, Letter};
use cloakroom_core::refresh::{EndReason, Ended};
use cloakroom_core::time::{Lifetime, Timestamp};
use cloakroom_store::{Error as StoreError, Order, Unit};

use crate::device::Visit;

const CONFIRM_WITHIN: Lifetime = Lifetime::from_secs(3600);

/// The old address can take the change back for so long.
const BACK_WITHIN: Lifetime = Lifetime::from_secs(7 * 86_400);

impl App {
    /// Asks the new address whether it is their own, for somebody who has just approved the change. Nothing changes until it is
    /// confirmed. The same answer for an address that another account has: its owner gets another mail.
    pub async fn change_email(&self, seen: &Seen, approval: &str, next: &str) -> Result<(), Error> {
        let (me, now) = (self.me(seen).await?, self.clock.now());
        self.needs_mail()?;
        // The new address is confirmed with the account's password.
        self.needs_passwords()?;
        let next = Email::parse(next).map_err(|_| Refusal::BadEmail)?;
        let unit = self.spend_act(Unit::new(), seen, (Act::ChangeEmail, Some(next.as_str())), approval, now).await?;
        let taken = self.store.account_by_email(&next).await?.filter(|other| other.id != me.account.id);
        let may = self.may_mail(&next, now).await?;
        let code = Code { purpose: Purpose::NewAddress, account: me.account.id, subject: [0; 16], real: true };
        // Sealed with the address that it is a change of: another one in between makes it worthless.
        // So does another password: whoever asked may have been thrown out by it.
        let set_at = me.account.password_set_at.millis();
        let both = format!("{}\n{}\n{set_at}", me.account.email.canonical(), next.as_str());
        let (unit, issued) = self.issue(unit, code, Some(both), CONFIRM_WITHIN, now).await?;
        let about = match &taken {
            None => About::ConfirmNewAddress(self.way("/auth/email/confirm", &issued, CONFIRM_WITHIN)),
            Some(_) => About::AddressTaken { login: self.link("/auth/login"), forgot: self.link("/auth/forgot") },
        };
        let letter = Letter { to: next.as_str().to_owned(), about };
        self.save_after_approval(self.post(unit, may.then_some(&letter), now)?).await
    }

    /// Changes the address, by a token that was mailed to the new one. Refused as [`Refusal::CodeInvalid`], also when another
    /// account has that address by now.
    ///
    /// The password of the account is asked for as well, and refused as [`Refusal::WrongCredentials`]: nobody's address gets onto
    /// somebody else's account by one press of a button.
    pub async fn confirm_new_email(&self, shown: &str, password: String, visit: &Visit<'_>) -> Result<(), Error> {
        let now = self.clock.now();
        self.needs_passwords()?;
        let found = self.find_code(Purpose::NewAddress, shown, now).await?;
        let (old, next, set_at) = change(found.email.as_deref()).ok_or(Refusal::CodeInvalid)?;
        let account = self.store.account(found.account).await?.ok_or(Refusal::CodeInvalid)?;
        if account.email.canonical() != old.canonical() || account.disabled_at.is_some() {
            return Err(Refusal::CodeInvalid.into());
        }
        let attempt = self.same_password(&account, password, now).await?;
        let unit = found
            .spend(self.forgive(Unit::new(), &attempt, now)?)?
            .order(Order::ExpectPassword { account: account.id, set_at })
            .order(Order::SetEmail {
                account: account.id,
                expected: account.email.clone(),
                next: next.clone(),
                verified_at: Some(now),
            })
            .order(Order::Record(self.event(EventKind::EmailChanged, now)?.of(account.id)));
        let unit = self.way_back(unit, &account, &next, visit, now).await?;
        self.save_mailed(unit).await
    }

    async fn way_back(
        &self,
        unit: Unit,
        account: &Account,
        next: &Email,
        visit: &Visit<'_>,
        now: Timestamp,
    ) -> Result<Unit, Error> {
        // One for each change: a second change does not take away the way back from the first.
        let subject = cloakroom_jose::random()?;
        let code = Code { purpose: Purpose::Back, account: account.id, subject, real: true };
        let (unit, issued) = self.issue(unit, code, Some(account.email.as_str().to_owned()), BACK_WITHIN, now).await?;
        let about = About::AddressChanged {
            to: next.partly(),
            place: self.place(visit.user_agent, &visit.address.to_string(), now),
            back: self.way("/auth/email/back", &issued, BACK_WITHIN),
        };
        Ok(self.post(unit, Some(&Letter { to: account.email.as_str().to_owned(), about }), now)?)
    }

    /// Takes a change of address back, by a token that was mailed to the old one: every session ends, the password is asked for
    /// no longer, second factors that were added since are removed, and the old address gets a reset. Refused as [`Refusal::CodeInvalid`].
    pub async fn take_email_back(&self, shown: &str) -> Result<(), Error> {
        let now = self.clock.now();
        let found = self.find_code(Purpose::Back, shown, now).await?;
        let old = found.email.as_deref().and_then(|old| Email::parse(old).ok()).ok_or(Refusal::CodeInvalid)?;
        let account = self.store.account(found.account).await?.ok_or(Refusal::CodeInvalid)?;
        let ended = Ended { at: now, reason: EndReason::Revoked };
        // A thief who changed it twice was given a way back, too.
        let mut unit = self.outdate_later(found.spend(Unit::new())?, &found).await?;
        // What was added to the account since is a thief's as well, and would keep its owner out.
        if let Some(changed_at) = found.issued_at(BACK_WITHIN) {
            // As well as what came shortly before: who takes an account over adds what lets them in first.
            unit = self.forget_factors_since(unit, account.id, changed_at.minus(BACK_WITHIN), now).await?;
        }
        // Somebody else may have signed up with the address since. Unless they have confirmed it, it is not theirs.
        let squatter = self.store.account_by_email(&old).await?.filter(|other| other.id != account.id);
        if let Some(squatter) = squatter.filter(|other| other.email_verified_at.is_none()) {
            let revoked_until = self.outlived_at(now);
            unit = unit
                .order(Order::EndSessions { account: squatter.id, except: None, ended, revoked_until })
                .order(Order::RaiseFloor { account: squatter.id, to: now, until: revoked_until })
                .order(Order::DeleteAccount(squatter.id))
                .order(Order::Record(self.event(EventKind::AccountDeleted, now)?.of(squatter.id)));
        }
        let unit = unit
            .order(Order::SetEmail {
                account: account.id,
                expected: account.email.clone(),
                next: old.clone(),
                verified_at: Some(now),
            })
            .order(Order::SetPassword {
                account: account.id,
                expected: account.password.clone(),
                next: cloakroom_core::account::PasswordHash::unusable(),
                at: Some(now),
            })
            .order(Order::EndSessions {
                account: account.id,
                except: None,
                ended,
                revoked_until: self.outlived_at(now),
            })
            .order(Order::RaiseFloor { account: account.id, to: now, until: self.outlived_at(now) })
            .order(Order::Record(self.event(EventKind::EmailRestored, now)?.of(account.id)));
        let restored = Account { email: old.clone(), ..account };
        let (unit, letter) = self.reset_letter(unit, Some(&restored), &old, now).await?;
        let unit = self.post(unit, letter.as_ref(), now)?;
        self.save_mailed(unit).await?;
        Ok(self.follow_feed().await?)
    }

    async fn save_mailed(&self, unit: Unit) -> Result<(), Error> {
        match self.save(unit).await {
            Ok(()) => {
                self.posted();
                Ok(())
            }
            // Used in this moment, or the address was taken.
            Err(StoreError::Conflict) => Err(Refusal::CodeInvalid.into()),
            Err(error) => Err(error.into()),
        }
    }
}

fn change(kept: Option<&str>) -> Option<(Email, Email, Timestamp)> {
    let mut parts = kept?.split('\n');
    let (old, next, set_at) = (parts.next()?, parts.next()?, parts.next()?);
    Some((Email::parse(old).ok()?, Email::parse(next).ok()?, Timestamp::from_millis(set_at.parse().ok()?)))
}
