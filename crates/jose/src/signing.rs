//! Keys that sign, and the making of a token. Decides nothing about what a token says.

use std::sync::Arc;

use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair,
};
use aws_lc_rs::{hmac, rsa};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use zeroize::Zeroizing;

use crate::mac::hmac_key;
use crate::{Algorithm, Jwk, KeyError, MAX_TOKEN, VerifyingKey, random, rsa_modulus};

/// No private key may be longer, in bytes of its PKCS#8 document.
const MAX_SECRET: usize = 16 * 1024;

/// A private (or, for HS256, shared) key with its name and its one algorithm. No `Debug`, no `Clone`; its bytes are
/// overwritten when dropped, here and in aws-lc.
pub struct SigningKey {
    pair: Pair,
    secret: Zeroizing<Vec<u8>>,
    verifying: VerifyingKey,
}

enum Pair {
    EdDsa(Ed25519KeyPair),
    Es256(EcdsaKeyPair),
    Rs256(RsaKeyPair),
    Hs256(Arc<hmac::Key>),
}

impl SigningKey {
    /// A new key. RS256 gets 2048 bits: it is chosen for the sake of clients that know nothing else, and those are the
    /// ones that longer keys surprise; see [`Algorithm::Rs256`] for what that means. HS256 gets 32 random bytes.
    pub fn generate(algorithm: Algorithm, kid: &str) -> Result<Self, KeyError> {
        match algorithm {
            Algorithm::EdDsa => {
                Self::from_secret_bytes(algorithm, kid, Ed25519KeyPair::generate()?.to_pkcs8v1()?.as_ref())
            }
            Algorithm::Es256 => {
                let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING)?;
                Self::from_secret_bytes(algorithm, kid, pair.to_pkcs8v1()?.as_ref())
            }
            Algorithm::Rs256 => {
                let document = rsa::KeyPair::generate(KeySize::Rsa2048)?.as_der()?;
                Self::from_secret_bytes(algorithm, kid, document.as_ref())
            }
            Algorithm::Hs256 => Self::from_secret_bytes(algorithm, kid, &*Zeroizing::new(random::<32>()?)),
        }
    }

    /// Reads a key: PKCS#8 in DER, or for HS256 the raw bytes, 32 to 1024 of them (RFC 8725 §3.5).
    pub fn from_secret_bytes(algorithm: Algorithm, kid: &str, bytes: &[u8]) -> Result<Self, KeyError> {
        if bytes.len() > MAX_SECRET {
            return Err(KeyError::TooLarge);
        }
        let (pair, verifying) = match algorithm {
            Algorithm::EdDsa => {
                let pair = Ed25519KeyPair::from_pkcs8(bytes)?;
                let public = pair.public_key().as_ref().try_into().map_err(|_| KeyError::Malformed)?;
                let verifying = VerifyingKey::from_ed25519(kid, public)?;
                (Pair::EdDsa(pair), verifying)
            }
            Algorithm::Es256 => {
                let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, bytes)?;
                let verifying = VerifyingKey::from_p256(kid, pair.public_key().as_ref())?;
                (Pair::Es256(pair), verifying)
            }
            Algorithm::Rs256 => {
                let pair = RsaKeyPair::from_pkcs8(bytes)?;
                let (modulus, exponent) =
                    rsa_modulus::components(pair.public_key().as_ref()).ok_or(KeyError::Malformed)?;
                let verifying = VerifyingKey::from_rsa(kid, modulus, exponent)?;
                (Pair::Rs256(pair), verifying)
            }
            Algorithm::Hs256 => {
                let key = Arc::new(hmac_key(bytes)?);
                let verifying = VerifyingKey::from_mac(kid, Arc::clone(&key))?;
                (Pair::Hs256(key), verifying)
            }
        };
        Ok(Self { pair, secret: Zeroizing::new(bytes.to_vec()), verifying })
    }

    /// What [`Self::from_secret_bytes`] reads, to be sealed and stored.
    pub fn to_secret_bytes(&self) -> Zeroizing<Vec<u8>> {
        self.secret.clone()
    }

    /// The algorithm that it signs with.
    pub fn algorithm(&self) -> Algorithm {
        self.verifying.algorithm()
    }

    /// Its name.
    pub fn kid(&self) -> &str {
        self.verifying.kid()
    }

    /// The other half: what verifies.
    pub fn verifying_key(&self) -> VerifyingKey {
        self.verifying.clone()
    }

    /// Makes a token: a compact JWS with the header `{"alg","typ","kid"}` over the claims as JSON. Claims that are not
    /// an object, and tokens that [`crate::verify()`] would refuse for their size, are errors.
    pub fn sign(&self, typ: &str, claims: &impl Serialize) -> Result<String, KeyError> {
        #[derive(Serialize)]
        struct Header<'a> {
            alg: &'a str,
            typ: &'a str,
            kid: &'a str,
        }
        let header = Header { alg: self.verifying.header_name(), typ, kid: self.kid() };
        let header = serde_json::to_vec(&header).map_err(|_| KeyError::BadClaims)?;
        let payload = serde_json::to_vec(claims).map_err(|_| KeyError::BadClaims)?;
        if payload.first() != Some(&b'{') {
            return Err(KeyError::BadClaims);
        }
        let mut token = String::with_capacity(512_usize.saturating_add(payload.len().saturating_mul(2)));
        URL_SAFE_NO_PAD.encode_string(header, &mut token);
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(payload, &mut token);
        let signature = self.signature(token.as_bytes())?;
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(signature, &mut token);
        if token.len() > MAX_TOKEN { Err(KeyError::TooLarge) } else { Ok(token) }
    }

    /// The key as a JWKS shows it. `None` for HS256: its verifying key is its secret.
    pub fn public_jwk(&self) -> Option<Jwk> {
        let text = |bytes: &[u8]| Some(URL_SAFE_NO_PAD.encode(bytes));
        let mut jwk = Jwk {
            usage: Some("sig".to_owned()),
            alg: Some(self.algorithm().as_str().to_owned()),
            kid: Some(self.kid().to_owned()),
            ..Jwk::default()
        };
        match &self.pair {
            Pair::EdDsa(pair) => {
                "OKP".clone_into(&mut jwk.kty);
                jwk.crv = Some("Ed25519".to_owned());
                jwk.x = text(pair.public_key().as_ref());
            }
            Pair::Es256(pair) => {
                let (_, coordinates) = pair.public_key().as_ref().split_first()?;
                let (x, y) = coordinates.split_at_checked(32)?;
                "EC".clone_into(&mut jwk.kty);
                jwk.crv = Some("P-256".to_owned());
                (jwk.x, jwk.y) = (text(x), text(y));
            }
            Pair::Rs256(pair) => {
                "RSA".clone_into(&mut jwk.kty);
                let (modulus, exponent) = rsa_modulus::components(pair.public_key().as_ref())?;
                (jwk.n, jwk.e) = (text(modulus), text(exponent));
            }
            Pair::Hs256(_) => return None,
        }
        Some(jwk)
    }

    fn signature(&self, message: &[u8]) -> Result<Vec<u8>, KeyError> {
        Ok(match &self.pair {
            Pair::EdDsa(pair) => pair.try_sign(message)?.as_ref().to_vec(),
            Pair::Es256(pair) => pair.sign(&SystemRandom::new(), message)?.as_ref().to_vec(),
            Pair::Rs256(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature)?;
                signature
            }
            Pair::Hs256(key) => hmac::sign(key, message).as_ref().to_vec(),
        })
    }
}
