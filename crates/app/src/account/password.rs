//! Whether there are passwords, and what a new one must be.

use crate::{App, Error, Refusal};
use cloakroom_core::account::{Email, PasswordHash};
use cloakroom_core::secret::Password;
use cloakroom_password::strength;

/// Words that belong to the product.
const OURS: [&str; 2] = ["cloakroom", "password"];

impl App {
    /// Refused as [`Refusal::PasswordsOff`] where a password opens nothing.
    pub(crate) fn needs_passwords(&self) -> Result<(), Refusal> {
        if self.settings.log_in_by_password { Ok(()) } else { Err(Refusal::PasswordsOff) }
    }

    /// Judges a new password for an account, and hashes it. Refused as [`Refusal::BadPassword`] or [`Refusal::WeakPassword`].
    pub(crate) async fn new_password(&self, typed: String, email: &Email) -> Result<PasswordHash, Error> {
        let password = Password::new(typed).ok_or(Refusal::PasswordUnreadable)?;
        self.settings.passwords.judge(&password, email).map_err(Refusal::BadPassword)?;
        let address = email.canonical();
        let mut words: Vec<&str> = address.split(['@', '.', '+', '-', '_']).collect();
        words.push(&address);
        words.extend(self.settings.site_name.split('.'));
        words.extend(OURS);
        strength::judge(&password, &words).map_err(Refusal::WeakPassword)?;
        self.settings.passwords.judge_words(&password, &self.settings.password_words).map_err(Refusal::BadPassword)?;
        Ok(self.passwords.hash(password).await?)
    }
}
