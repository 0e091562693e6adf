//! Randomness, hashes and encodings of the bank. Nothing about accounts or requests.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// Bytes that nobody can guess.
#[expect(clippy::expect_used, reason = "without randomness there is no lab, and no caller could do anything about it")]
pub(crate) fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    aws_lc_rs::rand::fill(&mut bytes).expect("the system gives randomness");
    bytes
}

/// A name of 192 bits that nobody can guess, in base64url.
pub(crate) fn unguessable() -> String {
    encode(&random::<24>())
}

/// What stands for a credential in a deed: 16 hexadecimal digits of its SHA-256.
pub(crate) fn fingerprint(credential: &str) -> String {
    use std::fmt::Write as _;
    sha256(credential.as_bytes()).iter().take(8).fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

pub(crate) fn sha256(bytes: &[u8]) -> Vec<u8> {
    digest(&SHA256, bytes).as_ref().to_vec()
}

/// base64url without padding (RFC 7515 §2).
pub(crate) fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The inverse of [`encode`].
pub(crate) fn decode(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}
