//! An authenticator in software (`WebAuthn` §6), which signs with another library than the one that verifies.
//!
//! It keeps one passkey, and says of its user and its backup whatever it is told to.

use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair,
};

/// Flags of authenticator data (`WebAuthn` §6.1).
pub(crate) const PRESENT: u8 = 1;
pub(crate) const VERIFIED: u8 = 1 << 2;
pub(crate) const BACKUP_ELIGIBLE: u8 = 1 << 3;
pub(crate) const BACKED_UP: u8 = 1 << 4;
const ATTESTED: u8 = 1 << 6;

enum Key {
    Es256(EcdsaKeyPair),
    Rs256(RsaKeyPair),
    EdDsa(Ed25519KeyPair),
}

/// A clone is what the standard calls one: another authenticator with the same key.
#[derive(Clone)]
pub(crate) struct Authenticator {
    key: Arc<Key>,
    pub(crate) id: Vec<u8>,
    pub(crate) user_handle: Option<Vec<u8>>,
    pub(crate) flags: u8,
    /// `None` for one that does not count.
    pub(crate) counter: Option<u32>,
}

impl Authenticator {
    pub(crate) fn es256() -> Self {
        Self::of(Key::Es256(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap()))
    }

    pub(crate) fn rs256() -> Self {
        Self::of(Key::Rs256(RsaKeyPair::generate(KeySize::Rsa2048).unwrap()))
    }

    pub(crate) fn eddsa() -> Self {
        Self::of(Key::EdDsa(Ed25519KeyPair::generate().unwrap()))
    }

    /// One that counts its signatures.
    pub(crate) fn counting() -> Self {
        Self { counter: Some(0), ..Self::es256() }
    }

    fn of(key: Key) -> Self {
        let mut id = vec![0; 32];
        aws_lc_rs::rand::fill(&mut id).unwrap();
        Self { key: Arc::new(key), id, user_handle: None, flags: PRESENT | VERIFIED, counter: None }
    }

    /// The attestation object of a new credential, with the statement `none` (`WebAuthn` §6.5.4, §8.7).
    pub(crate) fn make_credential(&mut self, rp_id: &str, user_handle: &[u8], flags: u8) -> Vec<u8> {
        self.user_handle = Some(user_handle.to_owned());
        let mut data = self.data(rp_id, flags | ATTESTED);
        data.extend([0; 16]);
        data.extend(u16::try_from(self.id.len()).unwrap().to_be_bytes());
        data.extend(&self.id);
        data.extend(self.key.cose());
        let mut object = b"\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData".to_vec();
        object.extend(byte_string(&data));
        object
    }

    /// Authenticator data and the signature over it and the client data (`WebAuthn` §6.3.3).
    pub(crate) fn get_assertion(&mut self, rp_id: &str, client_data: &[u8], flags: u8) -> (Vec<u8>, Vec<u8>) {
        self.counter = self.counter.map(|counter| counter + 1);
        let data = self.data(rp_id, flags);
        let signature = self.key.sign(&[&data, digest(&SHA256, client_data).as_ref()].concat());
        (data, signature)
    }

    fn data(&self, rp_id: &str, flags: u8) -> Vec<u8> {
        let mut data = digest(&SHA256, rp_id.as_bytes()).as_ref().to_vec();
        data.push(flags);
        data.extend(self.counter.unwrap_or(0).to_be_bytes());
        data
    }
}

impl Key {
    /// The public key as COSE writes it (RFC 9053 §7.1, RFC 8230 §4), in canonical CBOR.
    fn cose(&self) -> Vec<u8> {
        match self {
            Self::Es256(key) => {
                let point = key.public_key().as_ref();
                let (x, y) = point[1..].split_at(32);
                [b"\xa5\x01\x02\x03\x26\x20\x01\x21", &byte_string(x)[..], b"\x22", &byte_string(y)].concat()
            }
            Self::Rs256(key) => {
                // RSAPublicKey (RFC 8017 A.1.1): a sequence of two integers, the first with a leading zero.
                let der = key.public_key().as_ref();
                assert_eq!(
                    (der.len(), &der[4..9], &der[265..267]),
                    (270, &b"\x02\x82\x01\x01\x00"[..], &b"\x02\x03"[..])
                );
                let (modulus, exponent) = (byte_string(&der[9..265]), byte_string(&der[267..]));
                [b"\xa4\x01\x03\x03\x39\x01\x00\x20", &modulus[..], b"\x21", &exponent].concat()
            }
            Self::EdDsa(key) => {
                [b"\xa4\x01\x01\x03\x27\x20\x06\x21", &byte_string(key.public_key().as_ref())[..]].concat()
            }
        }
    }

    fn sign(&self, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match self {
            Self::Es256(key) => key.sign(&random, message).unwrap().as_ref().to_vec(),
            Self::Rs256(key) => {
                let mut signature = vec![0; key.public_modulus_len()];
                key.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature).unwrap();
                signature
            }
            Self::EdDsa(key) => key.sign(message).as_ref().to_vec(),
        }
    }
}

/// A byte string of CBOR (RFC 8949 §3.1, major type 2).
fn byte_string(bytes: &[u8]) -> Vec<u8> {
    let mut string = match u8::try_from(bytes.len()) {
        Ok(length) if length >= 24 => vec![0x58, length],
        Ok(length) => vec![0x40 | length],
        Err(_) => [&[0x59][..], &u16::try_from(bytes.len()).unwrap().to_be_bytes()].concat(),
    };
    string.extend(bytes);
    string
}
