//! Confirming an address: whoever reads its mail owns it.

use crate::attempts::Attempt as Tried;
use crate::device::Visit;
use crate::even::even;
use crate::login::nobody;
use crate::mail::{Code, Purpose};
use crate::{App, Error, Refusal};
use cloakroom_core::account::{Account, Email};
use cloakroom_core::event::EventKind;
use cloakroom_core::letter::{About, Letter};
use cloakroom_core::time::{Lifetime, Timestamp};
use cloakroom_password::{Attempt, Comparison};
use cloakroom_store::{Error as StoreError, Order, Unit};

/// A mailed confirmation is good for so long.
pub(super) const CONFIRM_WITHIN: Lifetime = Lifetime::from_secs(24 * 3600);

impl App {
    /// Confirms the address that a token, or its typed code, was mailed to, together with the password of the sign-up: whoever
    /// signs up with somebody else's address gets nobody to confirm a password that is not theirs.
    ///
    /// Refused as [`Refusal::CodeInvalid`], or as [`Refusal::WrongCredentials`], which leaves the token good.
    pub async fn confirm_email(&self, shown: &str, password: String) -> Result<(), Error> {
        let now = self.clock.now();
        let found = self.find_code(Purpose::Confirm, shown, now).await?;
        let email = found.email.as_deref().and_then(|email| Email::parse(email).ok()).ok_or(Refusal::CodeInvalid)?;
        let account = self.store.account(found.account).await?.ok_or(Refusal::CodeInvalid)?;
        let attempt = self.same_password(&account, password, now).await?;
        let unit = self
            .forgive(found.spend(Unit::new())?, &attempt, now)?
            .order(Order::ExpectPassword { account: account.id, set_at: account.password_set_at })
            .order(Order::VerifyEmail { account: account.id, email, at: now })
            .order(Order::Record(self.event(EventKind::EmailVerified, now)?.of(account.id)));
        match self.save(unit).await {
            Ok(()) => Ok(()),
            // Used in this moment, or the account has another address or password by now.
            Err(StoreError::Conflict) => Err(Refusal::CodeInvalid.into()),
            Err(error) => Err(error.into()),
        }
    }

    /// Compares the password of somebody who confirms what was mailed to them. Refused as [`Refusal::WrongCredentials`].
    pub(super) async fn same_password(
        &self,
        account: &Account,
        password: String,
        now: Timestamp,
    ) -> Result<Tried, Error> {
        let password = Attempt::new(password).ok_or(Refusal::PasswordUnreadable)?;
        let attempt = self.attempt(&[self.counted_by_factor(account.id)], now).await?;
        let Comparison::Same { .. } = self.passwords.compare(password, Some(account.password.clone())).await? else {
            let event = self.event(EventKind::LoginFailed, now)?.of(account.id);
            self.save(Unit::from(Order::Record(event))).await?;
            return Err(Refusal::WrongCredentials.into());
        };
        Ok(attempt)
    }

    /// Mails a confirmation once more. The same answer, in the same time, for an address without an account and for one that
    /// is confirmed already.
    pub async fn resend_confirmation(&self, email: &str, visit: &Visit<'_>) -> Result<(), Error> {
        even(self.mail_confirmation(email, visit)).await
    }

    async fn mail_confirmation(&self, email: &str, visit: &Visit<'_>) -> Result<(), Error> {
        let now = self.clock.now();
        self.needs_mail()?;
        let email = Email::parse(email).map_err(|_| Refusal::BadEmail)?;
        self.attempt(&self.counted_by_request(visit.address), now).await?;
        let found = self.store.account_by_email(&email).await?;
        let open = found.filter(|account| account.email_verified_at.is_none() && account.disabled_at.is_none());
        // Where no mail may go, the one before stays good: nobody can make it worthless by asking again and again.
        let may = self.may_mail(&email, now).await?;
        let open = open.filter(|_| may);
        let account = open.as_ref().map_or_else(|| nobody(&email), |account| account.id);
        let code = Code { purpose: Purpose::Confirm, account, subject: [0; 16], real: open.is_some() };
        let (unit, issued) = self.issue(Unit::new(), code, Some(email.canonical()), CONFIRM_WITHIN, now).await?;
        let letter = open.map(|account| Letter {
            to: account.email.as_str().to_owned(),
            about: About::ConfirmAddress(self.way("/auth/email/verify", &issued, CONFIRM_WITHIN)),
        });
        self.save(self.post(unit, letter.as_ref(), now)?).await?;
        self.posted();
        Ok(())
    }

    pub(super) fn needs_mail(&self) -> Result<(), Error> {
        if self.settings.mail { Ok(()) } else { Err(Refusal::MailOff.into()) }
    }
}
