//! Who somebody is: the account, its address, and what a password must be.
//!
//! Deliberately absent: hashing (it takes time and memory), mail, second factors.

mod email;
mod password;

pub use email::{Email, NotAnEmail};
pub use password::{PasswordPolicy, PasswordRefusal};

use crate::id::AccountId;
use crate::time::Timestamp;

/// Who. One row; the password only as an Argon2id string in PHC format.
#[derive(Clone, PartialEq, Eq)]
pub struct Account {
    /// Its name, which is the `sub` of tokens: it never changes and is never reused.
    pub id: AccountId,
    /// The address as it was typed at sign-up, for showing and for mail.
    pub email: Email,
    /// The hash to compare a password with.
    pub password: PasswordHash,
    /// When it was opened.
    pub opened_at: Timestamp,
    /// When its owner proved to receive mail at this very address, if so.
    pub email_verified_at: Option<Timestamp>,
    /// When its password was last set.
    pub password_set_at: Timestamp,
    /// Since when nobody can log in to it, if so.
    pub disabled_at: Option<Timestamp>,
    /// Sessions that were opened before this are over, whatever their rows say.
    pub not_before: Option<Timestamp>,
}

/// An Argon2id hash in PHC string format: what the store keeps of a password. Its `Debug` shows nothing.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(String);

impl PasswordHash {
    /// Takes a PHC string, as the hasher made it or the store kept it.
    pub fn from_phc(phc: String) -> Self {
        Self(phc)
    }

    /// Of an account without a password: nothing compares as the same.
    pub fn unusable() -> Self {
        Self("!".to_owned())
    }

    /// Whether there is a password at all.
    pub fn is_usable(&self) -> bool {
        self.0 != "!"
    }

    /// The PHC string.
    pub fn as_phc(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PasswordHash(..)")
    }
}
