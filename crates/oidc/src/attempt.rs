//! One log-in under way: what was made up for it, and what its answer is held against.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use cloakroom_jose::sha256;
use serde::{Deserialize, Serialize};

/// One log-in under way. [`crate::Provider::begin`] makes it; the caller keeps it sealed, bound to the browser, and
/// takes it away with the first answer (RFC 9700 §4.7.1). No `Debug`, no `Clone`: all three texts are secrets until
/// then.
#[derive(Serialize, Deserialize)]
pub struct Attempt {
    /// The parameter `state`: names the attempt among those of one browser.
    #[serde(rename = "s")]
    pub state: String,
    /// The `nonce` of the ID token.
    #[serde(rename = "n")]
    pub nonce: String,
    /// The `code_verifier` (RFC 7636 §4.1).
    #[serde(rename = "v")]
    pub verifier: String,
    /// [`crate::Settings::id`] of the provider that it was begun with (RFC 9700 §4.4.2).
    #[serde(rename = "p")]
    pub provider: String,
    /// How long ago the user may have authenticated, in seconds.
    #[serde(rename = "a", default, skip_serializing_if = "Option::is_none")]
    pub max_age: Option<u32>,
}

impl Attempt {
    /// Takes 96 bytes that nobody can predict and that are used for nothing else: 32 for each text.
    pub(crate) fn from_random(random: [u8; 96], provider: &str, max_age: Option<u32>) -> Self {
        let mut texts = random.chunks(32).map(|bytes| URL_SAFE_NO_PAD.encode(bytes));
        let mut next = || texts.next().unwrap_or_default();
        Self { state: next(), nonce: next(), verifier: next(), provider: provider.to_owned(), max_age }
    }

    /// The `code_challenge` of the method S256 (RFC 7636 §4.2).
    pub(crate) fn challenge(&self) -> String {
        URL_SAFE_NO_PAD.encode(sha256(self.verifier.as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attempt(random: [u8; 96]) -> Attempt {
        Attempt::from_random(random, "main", None)
    }

    #[test]
    fn r97_06_the_three_texts_are_32_bytes_each_and_share_none() {
        let mut random = [0; 96];
        for (number, byte) in random.iter_mut().enumerate() {
            *byte = u8::try_from(number / 32).unwrap();
        }
        let attempt = attempt(random);
        let of = |byte: u8| URL_SAFE_NO_PAD.encode([byte; 32]);
        assert_eq!([&attempt.state, &attempt.nonce, &attempt.verifier], [&of(0), &of(1), &of(2)]);
        assert_eq!(attempt.verifier.len(), 43);
    }

    #[test]
    fn the_challenge_is_that_of_rfc_7636_appendix_b() {
        let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk".to_owned();
        let attempt = Attempt { verifier, ..attempt([0; 96]) };
        assert_eq!(attempt.challenge(), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    }

    #[test]
    fn an_attempt_survives_its_cookie() {
        let attempt = Attempt::from_random([7; 96], "main", Some(300));
        let text = serde_json::to_string(&attempt).unwrap();
        assert!(text.len() < 200, "{}", text.len());
        let read: Attempt = serde_json::from_str(&text).unwrap();
        assert_eq!((read.state, read.nonce, read.verifier), (attempt.state, attempt.nonce, attempt.verifier));
        assert_eq!((read.provider.as_str(), read.max_age), ("main", Some(300)));
    }
}
