//! The ring, opened: keys parsed once, looked up by every request. Replaced as a whole when the store's ring changes.

use crate::{Fault, Settings};
use cloakroom_core::id::KeyId;
use cloakroom_core::keyring::{self, KeyRecord, Purpose};
use cloakroom_core::time::Timestamp;
use cloakroom_jose::{Algorithm, JwkSet, KeySet, MacKey, MasterKey, SigningKey};
use std::collections::HashMap;

/// All keys that are good for something.
pub struct Ring {
    records: Vec<KeyRecord>,
    signing: HashMap<KeyId, SigningKey>,
    macs: HashMap<KeyId, MacKey>,
    verifying: KeySet,
    pub(crate) version: u64,
}

impl Ring {
    /// Opens the sealed keys. Fails when `master` is not the key that they were sealed under, naming what to do.
    pub(super) fn open(records: Vec<KeyRecord>, version: u64, master: &MasterKey) -> Result<Self, Fault> {
        let mut ring = Self {
            records,
            signing: HashMap::new(),
            macs: HashMap::new(),
            verifying: KeySet::new(Vec::new())?,
            version,
        };
        let mut verifying = Vec::new();
        for record in ring.records.iter().filter(|record| record.withdrawn_at.is_none()) {
            let secret = master.open(&bound_to(record), &record.sealed).map_err(|_| {
                Fault::plain(
                    "a key of the ring does not open: is this the master key that this database was made with?",
                )
            })?;
            if record.purpose == Purpose::Access {
                let algorithm: Algorithm =
                    record.algorithm.parse().map_err(|_| Fault::plain("a key has an unknown algorithm"))?;
                let key = SigningKey::from_secret_bytes(algorithm, &record.id.to_string(), &secret)?;
                verifying.push(key.verifying_key());
                ring.signing.insert(record.id, key);
            } else {
                ring.macs.insert(record.id, MacKey::from_secret_bytes(&secret)?);
            }
        }
        ring.verifying = KeySet::new(verifying)?;
        Ok(ring)
    }

    /// The records, withdrawn ones included.
    pub fn records(&self) -> &[KeyRecord] {
        &self.records
    }

    /// Every key that an access token of ours can be signed with, retired ones included.
    pub fn verifying(&self) -> &KeySet {
        &self.verifying
    }

    /// The key that signs access tokens at `now`.
    pub(crate) fn signer(&self, now: Timestamp) -> Result<&SigningKey, Fault> {
        keyring::current(&self.records, Purpose::Access, now)
            .and_then(|record| self.signing.get(&record.id))
            .ok_or_else(|| Fault::plain("the ring has no key to sign with"))
    }

    /// The MAC key of a purpose at `now`.
    pub(crate) fn mac_now(&self, purpose: Purpose, now: Timestamp) -> Result<(KeyId, &MacKey), Fault> {
        keyring::current(&self.records, purpose, now)
            .and_then(|record| Some((record.id, self.macs.get(&record.id)?)))
            .ok_or_else(|| Fault::plain("the ring has no key of that purpose"))
    }

    /// The name of the refresh key that new generations are derived with at `now`.
    pub(crate) fn refresh_key(&self, now: Timestamp) -> Result<KeyId, Fault> {
        self.mac_now(Purpose::Refresh, now).map(|(id, _)| id)
    }

    /// A MAC key by name, if it exists, has that purpose and was not withdrawn.
    pub(crate) fn mac(&self, id: KeyId, purpose: Purpose) -> Option<&MacKey> {
        self.records.iter().find(|record| record.id == id && record.purpose == purpose)?;
        self.macs.get(&id)
    }

    /// What `/.well-known/jwks.json` shows at `now`. Empty for HS256, whose keys verify nothing elsewhere.
    pub fn jwks(&self, settings: &Settings, now: Timestamp) -> JwkSet {
        let shown = keyring::published(&self.records, &settings.rotation, now);
        JwkSet::new(shown.iter().filter_map(|record| self.signing.get(&record.id)?.public_jwk()).collect())
    }
}

/// What a sealed key is bound to: it opens only as the key that it was sealed as.
pub(super) fn bound_to(record: &KeyRecord) -> Vec<u8> {
    format!("cloakroom key v1 {} {} {}", record.id, record.purpose.as_str(), record.algorithm).into_bytes()
}
