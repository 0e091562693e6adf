//! What an application is told of a person beyond who it is, where the configuration says so: the address.

use super::Seen;
use crate::{App, Error, Refusal};
use std::sync::Arc;

/// The address of an account.
#[derive(Debug)]
pub struct Address {
    /// As its owner wrote it.
    pub email: String,
    /// Whether it is known to be theirs: by a mail, or by the word of a provider.
    pub is_confirmed: bool,
}

impl App {
    /// The address of whoever a credential stands for, read from the store once for each access token. Refused as
    /// [`Refusal::SignedOut`] when the account is gone.
    pub async fn address_of(&self, seen: &Seen) -> Result<Arc<Address>, Error> {
        if let Some(known) = seen.address.get() {
            return Ok(Arc::clone(known));
        }
        let account = self.store.account(seen.access().account).await?.ok_or(Refusal::SignedOut)?;
        let is_confirmed = account.email_verified_at.is_some();
        let read = Arc::new(Address { email: account.email.as_str().to_owned(), is_confirmed });
        Ok(Arc::clone(seen.address.get_or_init(|| read)))
    }
}
