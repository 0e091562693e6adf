//! Sign-up: opens an account, or seems to. Whether an address is taken shows in neither answer, status nor time.

use crate::{App, Error, Refusal};
use cloakroom_core::account::{Account, Email};
use cloakroom_core::event::EventKind;
use cloakroom_core::id::AccountId;
use cloakroom_core::secret::Password;
use cloakroom_store::{Error as StoreError, Order, Unit};

impl App {
    /// Opens an account for `email`. Succeeds as well when the address is taken: its owner can be told, a stranger
    /// is not. Refused for an address that is none and for a password against the policy, before anything is looked up.
    pub async fn sign_up(&self, email: &str, password: String) -> Result<(), Error> {
        let now = self.clock.now();
        let email = Email::parse(email).map_err(|_| Refusal::BadEmail)?;
        let password = Password::new(password).ok_or(Refusal::PasswordUnreadable)?;
        self.settings.passwords.judge(&password, &email).map_err(Refusal::BadPassword)?;

        // Hashed in every case, so that both cost the same.
        let password = self.passwords.hash(password).await?;
        let taken = self.store.account_by_email(&email).await?;
        let unit = if let Some(owner) = &taken {
            Unit::new().order(Order::Record(self.event(EventKind::SignupRepeated, now)?.of(owner.id)))
        } else {
            let id = AccountId::from_bytes(cloakroom_jose::random()?);
            let account = Account {
                id,
                email,
                password,
                opened_at: now,
                password_set_at: now,
                disabled_at: None,
                not_before: None,
            };
            Unit::new()
                .order(Order::OpenAccount(account))
                .order(Order::Record(self.event(EventKind::AccountOpened, now)?.of(id)))
        };
        match self.save(unit).await {
            // Somebody else signed up with the same address in this very moment.
            Ok(()) | Err(StoreError::Conflict) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}
