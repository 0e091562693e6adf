//! A forgotten password. A reset ends every session, tells the owner, and logs nobody in; a second factor stays asked for
//! (v5.0.0-6.4.3).

use crate::device::Visit;
use crate::even::even;
use crate::login::nobody;
use crate::mail::{Code, Found, Purpose};
use crate::{App, Error, Fault, Refusal};
use cloakroom_core::account::{Account, Email, PasswordHash};
use cloakroom_core::event::EventKind;
use cloakroom_core::letter::{About, Letter};
use cloakroom_core::refresh::{EndReason, Ended};
use cloakroom_core::time::{Lifetime, Timestamp};
use cloakroom_store::{Error as StoreError, Order, Unit};

/// A mailed reset is good for so long.
pub(super) const RESET_WITHIN: Lifetime = Lifetime::from_secs(30 * 60);

impl App {
    /// Mails a reset, in the place of the one before. The same answer, in the same time, for an address without an account.
    pub async fn forgot_password(&self, email: &str, visit: &Visit<'_>) -> Result<(), Error> {
        even(self.mail_reset(email, visit)).await
    }

    async fn mail_reset(&self, email: &str, visit: &Visit<'_>) -> Result<(), Error> {
        let now = self.clock.now();
        self.needs_passwords()?;
        self.needs_mail()?;
        let email = Email::parse(email).map_err(|_| Refusal::BadEmail)?;
        self.attempt(&self.counted_by_request(visit.address), now).await?;
        let account = self.store.account_by_email(&email).await?.filter(|account| account.disabled_at.is_none());
        let may = self.may_mail(&email, now).await?;
        let event = self.event(EventKind::ResetAsked, now)?;
        let unit = Unit::from(Order::Record(match &account {
            Some(account) => event.of(account.id),
            None => event.of_nobody(),
        }));
        // Where no mail may go, the one before stays good: nobody can make it worthless by asking again and again.
        let (unit, letter) = self.reset_letter(unit, account.as_ref().filter(|_| may), &email, now).await?;
        self.save(self.post(unit, letter.as_ref(), now)?).await?;
        self.posted();
        Ok(())
    }

    /// Adds a reset to a unit, in the place of the one before, and makes the letter that brings it; a decoy without an account.
    pub(crate) async fn reset_letter(
        &self,
        unit: Unit,
        account: Option<&Account>,
        email: &Email,
        now: Timestamp,
    ) -> Result<(Unit, Option<Letter>), Fault> {
        let id = account.map_or_else(|| nobody(email), |account| account.id);
        let code = Code { purpose: Purpose::Reset, account: id, subject: [0; 16], real: account.is_some() };
        let (unit, issued) = self.issue(unit, code, Some(email.canonical()), RESET_WITHIN, now).await?;
        let letter = account.map(|account| Letter {
            to: account.email.as_str().to_owned(),
            about: About::ResetPassword(self.way("/auth/reset", &issued, RESET_WITHIN)),
        });
        Ok((unit, letter))
    }

    /// Sets a new password by a mailed token, or its typed code. Refused as [`Refusal::CodeInvalid`], and for a password against
    /// the policy, which uses nothing up; or as [`Refusal::PasswordsOff`].
    pub async fn reset_password(&self, shown: &str, password: String, visit: &Visit<'_>) -> Result<(), Error> {
        self.needs_passwords()?;
        let now = self.clock.now();
        self.attempt(&self.counted_by_request(visit.address), now).await?;
        let found = self.find_code(Purpose::Reset, shown, now).await?;
        let account = self.store.account(found.account).await?.ok_or(Refusal::CodeInvalid)?;
        // Mailed to an address that the account no longer has: worth nothing.
        let still = found.email.as_deref() == Some(account.email.canonical().as_str());
        if !still || account.disabled_at.is_some() {
            return Err(Refusal::CodeInvalid.into());
        }
        let next = self.new_password(password, &account.email).await?;
        let unit = self.replace_password(&found, &account, next, visit, now).await?;
        match self.save(unit).await {
            Ok(()) => {
                self.posted();
                Ok(self.follow_feed().await?)
            }
            Err(StoreError::Conflict) => Err(Refusal::CodeInvalid.into()),
            Err(error) => Err(error.into()),
        }
    }

    async fn replace_password(
        &self,
        found: &Found,
        account: &Account,
        next: PasswordHash,
        visit: &Visit<'_>,
        now: Timestamp,
    ) -> Result<Unit, Fault> {
        let set = Order::SetPassword { account: account.id, expected: account.password.clone(), next, at: Some(now) };
        let verify = Order::VerifyEmail { account: account.id, email: account.email.clone(), at: now };
        let ended = Ended { at: now, reason: EndReason::Revoked };
        let unit = found
            .spend(Unit::new())?
            .order(set)
            // Whoever reads its mail owns the address.
            .order(verify)
            .order(Order::EndSessions {
                account: account.id,
                except: None,
                ended,
                revoked_until: self.outlived_at(now),
            })
            .order(Order::RaiseFloor { account: account.id, to: now, until: self.outlived_at(now) })
            .order(Order::Record(self.event(EventKind::PasswordReset, now)?.of(account.id)));
        let unit = self.unlock(unit, &account.email.canonical(), account.id, now).await?;
        let about = About::PasswordChanged {
            place: self.place(visit.user_agent, &visit.address.to_string(), now),
            forgot: self.link("/auth/forgot"),
        };
        self.post(unit, Some(&Letter { to: account.email.as_str().to_owned(), about }), now)
    }
}
