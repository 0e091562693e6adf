//! Accounts: who there is.
//!
//! Deliberately absent: deleting one. An id is the `sub` of tokens elsewhere and is never used again.

#[cfg(test)]
pub(crate) mod exam;
pub(crate) mod postgres;
pub(crate) mod sqlite;

use crate::Error;
use cloakroom_core::account::{Account, Email};
use cloakroom_core::id::AccountId;

/// Reads accounts.
#[async_trait::async_trait]
pub trait Accounts {
    /// The account with this id, if there is one.
    async fn account(&self, id: AccountId) -> Result<Option<Account>, Error>;

    /// The account whose address has the same [canonical](Email::canonical) form, if there is one.
    async fn account_by_email(&self, email: &Email) -> Result<Option<Account>, Error>;
}
