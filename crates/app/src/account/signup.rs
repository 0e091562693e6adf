//! Sign-up: opens an account, or seems to. Whether an address is taken shows in neither answer, status nor time.
//!
//! Where addresses are confirmed, an account that is not yet is nobody's: signing up again with its address replaces the
//! password, and only the latest mail confirms.

use super::confirm::CONFIRM_WITHIN;
use crate::device::Visit;
use crate::even::even;
use crate::login::nobody;
use crate::mail::{Code, Purpose};
use crate::{App, Error, Fault, Refusal};
use cloakroom_core::account::{Account, Email, PasswordHash};
use cloakroom_core::event::EventKind;
use cloakroom_core::id::AccountId;
use cloakroom_core::letter::{About, Letter};
use cloakroom_core::time::Timestamp;
use cloakroom_store::{Error as StoreError, Order, Unit};

impl App {
    /// Opens an account for `email`. Succeeds as well when the address is taken: its owner is told by mail, a stranger
    /// is not. Refused for an address that is none and for a password against the policy, before anything is looked up.
    pub async fn sign_up(&self, email: &str, password: String, visit: &Visit<'_>) -> Result<(), Error> {
        even(self.open_or_seem_to(email, password, visit)).await
    }

    async fn open_or_seem_to(&self, email: &str, password: String, visit: &Visit<'_>) -> Result<(), Error> {
        let now = self.clock.now();
        self.needs_passwords()?;
        if !self.settings.signup {
            return Err(Refusal::SignupClosed.into());
        }
        let email = Email::parse(email).map_err(|_| Refusal::BadEmail)?;
        self.attempt(&self.counted_by_request(visit.address), now).await?;
        // Hashed in every case, so that both cost the same.
        let password = self.new_password(password, &email).await?;
        let taken = self.store.account_by_email(&email).await?;
        let may = self.settings.mail && self.may_mail(&email, now).await?;
        let unit = match &taken {
            // Where no mail may go, nothing is replaced either: the one before stays good.
            Some(owner) if self.settings.confirm_addresses && owner.email_verified_at.is_none() && may => Unit::new()
                .order(Order::SetPassword {
                    account: owner.id,
                    expected: owner.password.clone(),
                    next: password,
                    at: Some(now),
                })
                .order(Order::Record(self.event(EventKind::SignupRepeated, now)?.of(owner.id))),
            Some(owner) => Unit::from(Order::Record(self.event(EventKind::SignupRepeated, now)?.of(owner.id))),
            None => self.opening(&email, password, now)?,
        };
        let opened = unit.orders().iter().find_map(|order| match order {
            Order::OpenAccount(account) => Some(account.id),
            _ => None,
        });
        let unit = self.confirm_by_mail(unit, &email, taken.as_ref(), opened.filter(|_| may), may, now).await?;
        match self.save(unit).await {
            // Somebody else signed up with the same address in this very moment.
            Ok(()) | Err(StoreError::Conflict) => {
                self.posted();
                Ok(())
            }
            Err(error) => Err(error.into()),
        }
    }

    fn opening(&self, email: &Email, password: PasswordHash, now: Timestamp) -> Result<Unit, Fault> {
        let id = AccountId::from_bytes(cloakroom_jose::random()?);
        let account = Account {
            id,
            email: email.clone(),
            password,
            opened_at: now,
            email_verified_at: None,
            password_set_at: now,
            disabled_at: None,
            not_before: None,
        };
        Ok(Unit::new()
            .order(Order::OpenAccount(account))
            .order(Order::Record(self.event(EventKind::AccountOpened, now)?.of(id))))
    }

    /// Adds the mail of a sign-up, which is one of two that nobody but the owner of the address can tell apart.
    async fn confirm_by_mail(
        &self,
        unit: Unit,
        email: &Email,
        taken: Option<&Account>,
        opened: Option<AccountId>,
        may: bool,
        now: Timestamp,
    ) -> Result<Unit, Error> {
        if !self.settings.mail {
            return Ok(unit);
        }
        let open_still = taken.filter(|owner| owner.email_verified_at.is_none() && may);
        let to_confirm = opened.or_else(|| open_still.map(|owner| owner.id));
        let account = to_confirm.unwrap_or_else(|| nobody(email));
        let code = Code { purpose: Purpose::Confirm, account, subject: [0; 16], real: to_confirm.is_some() };
        let (unit, issued) = self.issue(unit, code, Some(email.canonical()), CONFIRM_WITHIN, now).await?;
        let about = if to_confirm.is_some() {
            About::ConfirmAddress(self.way("/auth/email/verify", &issued, CONFIRM_WITHIN))
        } else {
            About::AddressTaken { login: self.link("/auth/login"), forgot: self.link("/auth/forgot") }
        };
        // Whoever signs up a hundred times with one address fills no mailbox.
        let letter = Letter { to: taken.map_or(email, |owner| &owner.email).as_str().to_owned(), about };
        Ok(self.post(unit, may.then_some(&letter), now)?)
    }

    /// Whether one more mail that anybody can ask for may go to an address. Asked and counted for unknown ones as well.
    pub(super) async fn may_mail(&self, email: &Email, now: Timestamp) -> Result<bool, Error> {
        match self.attempt(&[self.counted_by_mail(&email.canonical())], now).await {
            Ok(_) => Ok(true),
            Err(Error::Refused(_)) => Ok(false),
            Err(failed @ Error::Failed(_)) => Err(failed),
        }
    }
}
