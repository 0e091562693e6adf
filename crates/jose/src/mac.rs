//! HMAC-SHA-256 for values that only we make and only we check: derived refresh tokens, form tokens. Makes no JWS.

use aws_lc_rs::hmac;
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use crate::{KeyError, random};

/// The shortest key, in bytes: as long as the hash (RFC 7518 §3.2, RFC 8725 §3.5).
pub(crate) const SHORTEST: usize = 32;

/// The longest, in bytes.
pub(crate) const LONGEST: usize = 1024;

/// A key of HMAC-SHA-256. No `Debug`; overwritten when dropped.
pub struct MacKey {
    key: hmac::Key,
    secret: Zeroizing<Vec<u8>>,
}

impl MacKey {
    /// 32 random bytes.
    pub fn generate() -> Result<Self, KeyError> {
        Self::from_secret_bytes(&*Zeroizing::new(random::<32>()?))
    }

    /// The raw key: 32 to 1024 bytes.
    pub fn from_secret_bytes(secret: &[u8]) -> Result<Self, KeyError> {
        Ok(Self { key: hmac_key(secret)?, secret: Zeroizing::new(secret.to_vec()) })
    }

    /// The raw key, to be sealed and stored.
    pub fn to_secret_bytes(&self) -> Zeroizing<Vec<u8>> {
        self.secret.clone()
    }

    /// The authentication code of a message. Two uses of one key need messages that cannot be mistaken for each other.
    pub fn mac(&self, message: &[u8]) -> [u8; 32] {
        let mut code = [0; 32];
        // The two have one length, that of SHA-256; `zip` has no way to fail.
        for (to, from) in code.iter_mut().zip(hmac::sign(&self.key, message).as_ref()) {
            *to = *from;
        }
        code
    }

    /// Whether this is the code of that message: all 32 bytes, compared in constant time.
    pub fn verify(&self, message: &[u8], code: &[u8]) -> bool {
        hmac::verify(&self.key, message, code).is_ok()
    }
}

/// Whether two secrets are equal, in a time that depends on their lengths alone.
pub fn same(one: &[u8], other: &[u8]) -> bool {
    one.ct_eq(other).into()
}

pub(crate) fn hmac_key(secret: &[u8]) -> Result<hmac::Key, KeyError> {
    match secret.len() {
        ..SHORTEST => Err(KeyError::TooShort),
        SHORTEST..=LONGEST => Ok(hmac::Key::new(hmac::HMAC_SHA256, secret)),
        _ => Err(KeyError::TooLarge),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_is_that_of_rfc_4231_test_case_6() {
        let key = MacKey::from_secret_bytes(&[0xaa; 131]).unwrap();
        let code = key.mac(b"Test Using Larger Than Block-Size Key - Hash Key First");
        assert_eq!(code[..8], [0x60, 0xe4, 0x31, 0x59, 0x1e, 0xe0, 0xb6, 0x7f]);
        assert_eq!(code[24..], [0x05, 0x46, 0x04, 0x0f, 0x0e, 0xe3, 0x7f, 0x54]);
    }

    #[test]
    fn a_code_verifies_for_its_message_and_key_only_and_only_in_full() {
        let key = MacKey::generate().unwrap();
        let code = key.mac(b"message");
        assert!(key.verify(b"message", &code));
        assert!(MacKey::from_secret_bytes(&key.to_secret_bytes()).unwrap().verify(b"message", &code));
        assert!(!key.verify(b"Message", &code));
        assert!(!MacKey::generate().unwrap().verify(b"message", &code));
        for length in 0..32 {
            assert!(!key.verify(b"message", &code[..length]));
        }
        assert!(!key.verify(b"message", &[&code[..], &[0]].concat()));
        for position in 0..256 {
            let mut flipped = code;
            flipped[position / 8] ^= 1 << (position % 8);
            assert!(!key.verify(b"message", &flipped), "bit {position}");
        }
    }

    #[test]
    fn j87_09_keys_shorter_than_the_hash_are_refused() {
        assert_eq!(MacKey::from_secret_bytes(&[7; 31]).err(), Some(KeyError::TooShort));
        assert_eq!(MacKey::from_secret_bytes(b"").err(), Some(KeyError::TooShort));
        assert_eq!(MacKey::from_secret_bytes(&[7; 1025]).err(), Some(KeyError::TooLarge));
        assert!(MacKey::from_secret_bytes(&[7; 32]).is_ok());
    }

    #[test]
    fn same_compares_bytes_and_lengths() {
        assert!(same(b"", b""));
        assert!(same(b"abc", b"abc"));
        assert!(!same(b"abc", b"abd"));
        assert!(!same(b"abc", b"ab"));
    }
}
