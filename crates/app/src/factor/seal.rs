//! Secrets of factors in the store: sealed under the master key, each under the name of what it is and whose.

use crate::{App, Fault};
use cloakroom_core::id::AccountId;
use serde::Serialize;
use serde::de::DeserializeOwned;

impl App {
    /// Seals a value of an account. `what` never changes its meaning.
    pub(super) fn seal<T: Serialize>(&self, what: &str, account: AccountId, value: &T) -> Result<Vec<u8>, Fault> {
        let text = serde_json::to_vec(value).map_err(|error| Fault::new("a factor could not be written", error))?;
        let text = zeroize::Zeroizing::new(text);
        Ok(self.master.seal(&bound_to(what, account), &text)?)
    }

    /// Opens what [`Self::seal`] sealed.
    pub(super) fn unseal<T: DeserializeOwned>(
        &self,
        what: &str,
        account: AccountId,
        sealed: &[u8],
    ) -> Result<T, Fault> {
        let text = self.master.open(&bound_to(what, account), sealed)?;
        serde_json::from_slice(&text).map_err(|_| Fault::plain("a factor of the store cannot be read"))
    }
}

fn bound_to(what: &str, account: AccountId) -> Vec<u8> {
    format!("cloakroom factor v1 {what} {account}").into_bytes()
}
