//! A set of public keys as an issuer publishes it (RFC 7517 §5), read within bounds.

use crate::{Jwk, KeyError, VerifyingKey};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// A set of public keys. Is read with [`JwkSet::parse`] only, which bounds it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct JwkSet {
    keys: Vec<Jwk>,
}

impl JwkSet {
    /// No set may be longer, in bytes.
    pub const MAX_BYTES: usize = 64 * 1024;
    /// No set may have more keys, usable or not.
    pub const MAX_KEYS: usize = 64;

    /// The set to show, in this order.
    pub fn new(keys: Vec<Jwk>) -> Self {
        Self { keys }
    }

    /// Reads somebody's set and keeps the keys that can verify here. Keys of other types, algorithms and uses, and keys
    /// without a name, are skipped (RFC 7517 §5). A key that is meant for us and cannot be right (off its curve, below
    /// 2048 bits, a second one of that name) refuses the whole set: an issuer that publishes it is in trouble.
    pub fn parse(bytes: &[u8]) -> Result<Self, KeyError> {
        #[derive(Deserialize)]
        struct Set<'a> {
            #[serde(borrow)]
            keys: Vec<&'a RawValue>,
        }
        #[derive(Deserialize)]
        struct Kind {
            kty: String,
            kid: Option<String>,
        }
        if bytes.len() > Self::MAX_BYTES {
            return Err(KeyError::TooLarge);
        }
        let set: Set<'_> = serde_json::from_slice(bytes).map_err(|_| KeyError::Malformed)?;
        if set.keys.len() > Self::MAX_KEYS {
            return Err(KeyError::TooLarge);
        }
        let mut keys: Vec<Jwk> = Vec::new();
        for raw in set.keys {
            let kind: Kind = serde_json::from_str(raw.get()).map_err(|_| KeyError::Malformed)?;
            if !matches!(kind.kty.as_str(), "OKP" | "EC" | "RSA") || kind.kid.is_none() {
                continue;
            }
            let jwk: Jwk = serde_json::from_str(raw.get()).map_err(|_| KeyError::Malformed)?;
            match VerifyingKey::from_jwk(&jwk) {
                Ok(_) if keys.iter().any(|other| other.kid == jwk.kid) => return Err(KeyError::DuplicateKid),
                Ok(_) => keys.push(jwk),
                Err(KeyError::Unsupported) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(Self { keys })
    }

    /// The keys, in the order of the set.
    pub fn keys(&self) -> &[Jwk] {
        &self.keys
    }
}
