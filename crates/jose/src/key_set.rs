//! The keys that a verifier trusts, by name. Fetches nothing: a name that is not here is unknown (RFC 8725 §3.10).

use std::collections::HashMap;

use crate::{JwkSet, KeyError, VerifyingKey};

/// Keys of one issuer, each with a name of its own (RFC 8725 §3.8: trust in a key is per issuer).
#[derive(Clone, Debug, Default)]
pub struct KeySet {
    // The standard map's hash is keyed: names come from strangers.
    by_kid: HashMap<Box<str>, VerifyingKey>,
}

impl KeySet {
    /// Refuses two keys of one name: which of them a token means would be a guess.
    pub fn new(keys: Vec<VerifyingKey>) -> Result<Self, KeyError> {
        let mut by_kid = HashMap::with_capacity(keys.len());
        for key in keys {
            if by_kid.insert(Box::from(key.kid()), key).is_some() {
                return Err(KeyError::DuplicateKid);
            }
        }
        Ok(Self { by_kid })
    }

    /// The keys of a set that was read or is to be shown.
    pub fn from_jwks(set: &JwkSet) -> Result<Self, KeyError> {
        Self::new(set.keys().iter().map(VerifyingKey::from_jwk).collect::<Result<_, _>>()?)
    }

    /// The key of exactly this name.
    pub fn get(&self, kid: &str) -> Option<&VerifyingKey> {
        self.by_kid.get(kid)
    }

    /// How many keys there are.
    pub fn len(&self) -> usize {
        self.by_kid.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.by_kid.is_empty()
    }
}
