//! Accounts: who there is.
//!
//! Deliberately absent: what an account has besides its row, but for its end. An id is the `sub` of tokens elsewhere and is
//! never used again, also when its account is gone.

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

    /// At most `limit` accounts whose id is greater than `after`, in the order of their ids; from the first one on without
    /// `after`. Who asks again with the last id that came leaves none out that is there all the while.
    async fn accounts(&self, after: Option<AccountId>, limit: u32) -> Result<Vec<Account>, Error>;

    /// How many accounts there are. Counts them one by one: for operators, not for requests.
    async fn count_accounts(&self) -> Result<u64, Error>;
}
