//! Secrets in the clear, as a type that cannot be printed, compared in variable time, or forgotten in memory.

use zeroize::{Zeroize, ZeroizeOnDrop};

/// Bytes that grant something to whoever holds them. No `Debug`, no `Display`, no `Clone`, no `==`;
/// overwritten when dropped. What may be stored is never this type.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct Plain(Vec<u8>);

impl Plain {
    /// Takes the bytes over; the caller keeps no copy.
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// Looks at the secret. Each call is a place to ask whether it can end in a log line.
    pub fn reveal(&self) -> &[u8] {
        &self.0
    }
}

/// A password as it was typed, after normalisation to NFKC (NIST SP 800-63B-4 §3.1.1.2), not longer than
/// [`Password::MAX_BYTES`]. No `Debug`; overwritten when dropped.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct Password(String);

impl Password {
    /// Longer input is refused before it is normalised or hashed, in bytes of UTF-8.
    pub const MAX_BYTES: usize = 1024;

    /// Normalises what was typed. `None` when it is empty or longer than [`Self::MAX_BYTES`].
    pub fn new(mut typed: String) -> Option<Self> {
        use unicode_normalization::UnicodeNormalization as _;
        if typed.is_empty() || typed.len() > Self::MAX_BYTES {
            typed.zeroize();
            return None;
        }
        let normal = typed.nfkc().collect();
        typed.zeroize();
        Some(Self(normal))
    }

    /// Its length in characters, as a policy counts them (code points after normalisation).
    pub fn characters(&self) -> usize {
        self.0.chars().count()
    }

    /// Looks at the password, for the hash.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ni_08_a_password_is_normalised_and_never_cut() {
        let ligature = Password::new("o\u{FB03}ce".into()).unwrap();
        assert_eq!(ligature.reveal(), "office");
        assert!(Password::new(String::new()).is_none());
        assert!(Password::new("x".repeat(Password::MAX_BYTES)).is_some());
        assert!(Password::new("x".repeat(Password::MAX_BYTES + 1)).is_none());
    }
}
