//! Authorization codes of the identity provider: given out by it, redeemed at the banks' token endpoints. Once, within
//! a minute, by who knows the verifier (RFC 6749 §4.1, RFC 7636).

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use crate::secret::{encode, sha256, unguessable};

/// A minute, in seconds.
const LIFETIME: i64 = 60;

pub(crate) struct Code {
    /// The id of the strategy whose bank asked.
    pub(crate) client: &'static str,
    /// The address that the account was opened with.
    pub(crate) email: String,
    pub(crate) redirect_uri: String,
    /// `code_challenge`, of S256.
    pub(crate) challenge: String,
}

#[derive(Default)]
pub(crate) struct Codes(Mutex<HashMap<String, (Code, i64)>>);

impl Codes {
    /// The text of a new code.
    pub(crate) fn give(&self, code: Code, now: i64) -> String {
        let text = unguessable();
        let mut codes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        codes.retain(|_, (_, end)| *end > now);
        codes.insert(text.clone(), (code, now.saturating_add(LIFETIME)));
        text
    }

    /// Whose log-in the code stands for. It is gone then, whether or not it was good.
    pub(crate) fn redeem(
        &self,
        text: &str,
        client: &str,
        redirect_uri: &str,
        verifier: &str,
        now: i64,
    ) -> Option<String> {
        let (code, end) = self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(text)?;
        let proves = encode(&sha256(verifier.as_bytes())) == code.challenge;
        let good = end > now && code.client == client && code.redirect_uri == redirect_uri && proves;
        good.then_some(code.email)
    }
}
