//! A key that verifies, bound to one name and one algorithm (RFC 8725 §3.1, §3.2), parsed once.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::hmac;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::algorithm::{self, Algorithm};
use crate::{Jwk, KeyError, rsa_modulus};

/// A key that verifies tokens of its algorithm and no others. Cheap to clone.
#[derive(Clone)]
pub struct VerifyingKey {
    kid: Arc<str>,
    algorithm: Algorithm,
    /// The name that a header must use; only differs from that of `algorithm` for `Ed25519`.
    name: &'static str,
    material: Material,
}

#[derive(Clone)]
enum Material {
    Public(Arc<ParsedPublicKey>),
    Mac(Arc<hmac::Key>),
}

impl VerifyingKey {
    /// Reads a public key (RFC 7517). It needs a `kid`; `use` and `key_ops`, where present, must allow verifying;
    /// without `alg` it is bound to the only algorithm of ours that its type fits.
    ///
    /// A key of Ed25519 answers to `EdDSA`, unless its own `alg` is `Ed25519` (RFC 9864): then to that name only.
    /// A symmetric key (`oct`) is [`KeyError::Unsupported`]: secrets do not arrive as JWKs.
    pub fn from_jwk(jwk: &Jwk) -> Result<Self, KeyError> {
        if jwk.usage.as_deref().is_some_and(|usage| usage != "sig")
            || jwk.key_ops.as_ref().is_some_and(|operations| !operations.iter().any(|one| one == "verify"))
        {
            return Err(KeyError::Unsupported);
        }
        let kid = jwk.kid.as_deref().ok_or(KeyError::BadKid)?;
        let alg = jwk.alg.as_deref();
        match (jwk.kty.as_str(), jwk.crv.as_deref()) {
            ("OKP", Some("Ed25519")) => {
                let key = Self::from_ed25519(kid, &exactly_32(jwk.x.as_deref())?)?;
                match alg {
                    None | Some("EdDSA") => Ok(key),
                    Some(algorithm::ED25519) => Ok(Self { name: algorithm::ED25519, ..key }),
                    Some(_) => Err(KeyError::Unsupported),
                }
            }
            ("EC", Some("P-256")) if alg.is_none_or(|alg| alg == "ES256") => {
                let (x, y) = (exactly_32(jwk.x.as_deref())?, exactly_32(jwk.y.as_deref())?);
                Self::from_p256(kid, &[&[4], &x[..], &y[..]].concat())
            }
            ("RSA", _) if alg.is_none_or(|alg| alg == "RS256") => {
                Self::from_rsa(kid, &decoded(jwk.n.as_deref())?, &decoded(jwk.e.as_deref())?)
            }
            _ => Err(KeyError::Unsupported),
        }
    }

    /// The key's name.
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// The algorithm that it is bound to.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Whether this is a signature of this key over exactly these bytes. Nothing about a token follows from it.
    pub fn signed(&self, message: &[u8], signature: &[u8]) -> bool {
        match &self.material {
            Material::Public(key) => key.verify_sig(message, signature).is_ok(),
            // In constant time, and of full length only.
            Material::Mac(key) => hmac::verify(key, message, signature).is_ok(),
        }
    }

    /// A raw public key of Ed25519.
    pub(crate) fn from_ed25519(kid: &str, public: &[u8; 32]) -> Result<Self, KeyError> {
        if is_of_low_order(public) {
            return Err(KeyError::Weak);
        }
        Self::public(kid, Algorithm::EdDsa, ParsedPublicKey::new(&ED25519, public)?)
    }

    /// A point of P-256, uncompressed: 4, x, y (65 bytes). aws-lc refuses a point that is not on the curve.
    pub(crate) fn from_p256(kid: &str, point: &[u8]) -> Result<Self, KeyError> {
        Self::public(kid, Algorithm::Es256, ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point)?)
    }

    /// A modulus and a public exponent, big-endian.
    pub(crate) fn from_rsa(kid: &str, modulus: &[u8], exponent: &[u8]) -> Result<Self, KeyError> {
        rsa_modulus::check(modulus, exponent)?;
        let components = RsaPublicKeyComponents { n: modulus, e: exponent };
        Self::public(kid, Algorithm::Rs256, components.to_parsed_public_key(&RSA_PKCS1_2048_8192_SHA256)?)
    }

    /// The key of HMAC-SHA-256.
    pub(crate) fn from_mac(kid: &str, key: Arc<hmac::Key>) -> Result<Self, KeyError> {
        Self::new(kid, Algorithm::Hs256, Material::Mac(key))
    }

    /// The name by which a token's header must call the algorithm.
    pub(crate) fn header_name(&self) -> &'static str {
        self.name
    }

    pub(crate) fn shared_kid(&self) -> Arc<str> {
        Arc::clone(&self.kid)
    }

    fn public(kid: &str, algorithm: Algorithm, key: ParsedPublicKey) -> Result<Self, KeyError> {
        Self::new(kid, algorithm, Material::Public(Arc::new(key)))
    }

    fn new(kid: &str, algorithm: Algorithm, material: Material) -> Result<Self, KeyError> {
        let printable = kid.bytes().all(|byte| (b' '..=b'~').contains(&byte));
        if kid.is_empty() || kid.len() > 256 || !printable {
            return Err(KeyError::BadKid);
        }
        Ok(Self { kid: kid.into(), algorithm, name: algorithm.as_str(), material })
    }
}

/// Its name and algorithm, never the key: one of HMAC would be a secret.
impl fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifyingKey").field("kid", &self.kid).field("alg", &self.name).finish_non_exhaustive()
    }
}

fn decoded(member: Option<&str>) -> Result<Vec<u8>, KeyError> {
    URL_SAFE_NO_PAD.decode(member.ok_or(KeyError::Malformed)?).map_err(|_| KeyError::Malformed)
}

/// A coordinate has all its octets, leading zeros included (RFC 7518 §6.2.1.2, RFC 8037 §2).
fn exactly_32(member: Option<&str>) -> Result<[u8; 32], KeyError> {
    decoded(member)?.try_into().map_err(|_| KeyError::Malformed)
}

/// The points of order 1, 2, 4 and 8, in every encoding: with such a key, one signature fits many messages.
fn is_of_low_order(public: &[u8; 32]) -> bool {
    const fn filled(first: u8, middle: u8, last: u8) -> [u8; 32] {
        let mut bytes = [middle; 32];
        bytes[0] = first;
        bytes[31] = last;
        bytes
    }
    /// Values of y, without the sign of x: 0, 1, -1, p, p + 1, and the two of order 8.
    const LOW: [[u8; 32]; 7] = [
        filled(0, 0, 0),
        filled(1, 0, 0),
        filled(0xec, 0xff, 0x7f),
        filled(0xed, 0xff, 0x7f),
        filled(0xee, 0xff, 0x7f),
        [
            0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0, 0xd5, 0xdf,
            0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05,
        ],
        [
            0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67, 0x0f, 0x2a, 0x20,
            0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a,
        ],
    ];
    let [rest @ .., last] = public;
    LOW.iter().any(|[low_rest @ .., low_last]| rest == low_rest && last & 0x7f == *low_last)
}
