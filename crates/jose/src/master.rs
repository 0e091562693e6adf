//! The key that seals the other keys while they lie in the store: AES-256-GCM with a random nonce. Where it comes
//! from (a file, the environment) is not known here.

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use zeroize::Zeroizing;

use crate::{KeyError, random};

/// 32 bytes that open everything sealed. No `Debug`; overwritten when dropped. Good for 2^32 sealings
/// (NIST SP 800-38D §8.3), far more than a ring ever has keys.
pub struct MasterKey {
    key: RandomizedNonceKey,
    secret: Zeroizing<[u8; 32]>,
}

impl MasterKey {
    /// A new one.
    pub fn generate() -> Result<Self, KeyError> {
        Self::new(Zeroizing::new(random()?))
    }

    /// Reads 32 bytes as base64url, base64 (padded or not), or 64 hexadecimal digits; white space around them (the end
    /// of a file's line) is ignored.
    pub fn from_text(text: &str) -> Result<Self, KeyError> {
        let text = text.trim();
        if text.len() == 64 {
            return Self::new(from_hex(text).ok_or(KeyError::Malformed)?);
        }
        let unpadded = text.strip_suffix('=').unwrap_or(text);
        let engine = if unpadded.contains(['+', '/']) { &STANDARD_NO_PAD } else { &URL_SAFE_NO_PAD };
        let bytes = Zeroizing::new(engine.decode(unpadded).map_err(|_| KeyError::Malformed)?);
        let mut secret = Zeroizing::new([0; 32]);
        match bytes.len() {
            ..32 => return Err(KeyError::TooShort),
            32 => secret.copy_from_slice(&bytes),
            _ => return Err(KeyError::TooLarge),
        }
        Self::new(secret)
    }

    /// As base64url without padding, for a file.
    pub fn to_text(&self) -> Zeroizing<String> {
        Zeroizing::new(URL_SAFE_NO_PAD.encode(*self.secret))
    }

    /// Encrypts and authenticates. `aad` names what is sealed (the key's id and purpose), so that one sealed value
    /// cannot be put in another's place. Answers nonce (12 bytes), ciphertext, tag (16 bytes).
    pub fn seal(&self, aad: &[u8], plaintext: &[u8]) -> Result<Vec<u8>, KeyError> {
        let mut body = Vec::with_capacity(plaintext.len().saturating_add(AES_256_GCM.tag_len()));
        body.extend_from_slice(plaintext);
        let nonce = self.key.seal_in_place_append_tag(Aad::from(aad), &mut body)?;
        Ok([nonce.as_ref(), body.as_slice()].concat())
    }

    /// Opens what [`Self::seal`] sealed under the same `aad`.
    pub fn open(&self, aad: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        let (nonce, body) = sealed.split_first_chunk::<NONCE_LEN>().ok_or(KeyError::NotOpened)?;
        let mut body = Zeroizing::new(body.to_vec());
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let length = self.key.open_in_place(nonce, Aad::from(aad), &mut body).map_err(|_| KeyError::NotOpened)?.len();
        body.truncate(length);
        Ok(body)
    }

    fn new(secret: Zeroizing<[u8; 32]>) -> Result<Self, KeyError> {
        Ok(Self { key: RandomizedNonceKey::new(&AES_256_GCM, &*secret)?, secret })
    }
}

fn from_hex(text: &str) -> Option<Zeroizing<[u8; 32]>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let mut secret = Zeroizing::new([0; 32]);
    let (pairs, []) = text.as_bytes().as_chunks::<2>() else { return None };
    for (byte, [high, low]) in secret.iter_mut().zip(pairs) {
        *byte = digit(*high)? << 4 | digit(*low)?;
    }
    Some(secret)
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::STANDARD;

    use super::*;

    #[test]
    fn what_was_sealed_opens_under_the_same_key_and_name_only() {
        let key = MasterKey::generate().unwrap();
        for plaintext in [&b""[..], b"a secret", &[7; 4096]] {
            let sealed = key.seal(b"access/1", plaintext).unwrap();
            assert_eq!(sealed.len(), 12 + plaintext.len() + 16);
            assert_eq!(*key.open(b"access/1", &sealed).unwrap(), plaintext);
            assert_eq!(key.open(b"access/2", &sealed), Err(KeyError::NotOpened));
            assert_eq!(MasterKey::generate().unwrap().open(b"access/1", &sealed), Err(KeyError::NotOpened));
        }
        assert_ne!(key.seal(b"", b"same").unwrap(), key.seal(b"", b"same").unwrap());
    }

    #[test]
    fn any_flipped_bit_or_missing_byte_of_a_sealed_value_is_noticed() {
        let key = MasterKey::generate().unwrap();
        let sealed = key.seal(b"a", b"secret").unwrap();
        for position in 0..sealed.len() * 8 {
            let mut flipped = sealed.clone();
            flipped[position / 8] ^= 1 << (position % 8);
            assert_eq!(key.open(b"a", &flipped), Err(KeyError::NotOpened), "bit {position}");
        }
        for length in 0..sealed.len() {
            assert_eq!(key.open(b"a", &sealed[..length]), Err(KeyError::NotOpened), "{length} bytes");
        }
    }

    #[test]
    fn a_master_key_is_read_from_base64url_base64_and_hex() {
        let secret = [0xfb; 32];
        let sealed = MasterKey::new(Zeroizing::new(secret)).unwrap().seal(b"a", b"secret").unwrap();
        let hex = "fb".repeat(32);
        let base64url = URL_SAFE_NO_PAD.encode(secret);
        assert!(base64url.contains('-') || base64url.contains('_'));
        for text in [
            format!("{base64url}\n"),
            format!("{base64url}="),
            STANDARD.encode(secret),
            STANDARD.encode(secret).trim_end_matches('=').to_owned(),
            hex.to_uppercase(),
            format!(" {hex}\r\n"),
            MasterKey::new(Zeroizing::new(secret)).unwrap().to_text().to_string(),
        ] {
            assert_eq!(*MasterKey::from_text(&text).unwrap().open(b"a", &sealed).unwrap(), b"secret", "{text}");
        }
    }

    #[test]
    fn a_master_key_has_exactly_32_bytes() {
        for (text, expected) in [
            (String::new(), KeyError::TooShort),
            (URL_SAFE_NO_PAD.encode([1; 31]), KeyError::TooShort),
            (URL_SAFE_NO_PAD.encode([1; 33]), KeyError::TooLarge),
            ("g".repeat(64), KeyError::Malformed),
            ("é".repeat(32), KeyError::Malformed),
            ("a passphrase with spaces".to_owned(), KeyError::Malformed),
        ] {
            assert_eq!(MasterKey::from_text(&text).err(), Some(expected), "{text:?}");
        }
    }
}
