//! The life of keys: when one is made, first used, published, no longer used, and forgotten.
//!
//! A key is announced before it signs, so that a verifier which caches the JWKS never meets an unknown `kid`;
//! it is published as long as a token that it signed can be alive, and kept longer than that, because an
//! expired access token must still accompany a refresh until its session's absolute end.

use crate::id::KeyId;
use crate::time::{Lifetime, Timestamp};

/// What a key is for. A key is used for one purpose and with one algorithm only (RFC 8725 §3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// Signs access tokens.
    Access,
    /// Derives refresh tokens.
    Refresh,
    /// Authenticates form tokens and other short-lived values that come back to us.
    Form,
}

impl Purpose {
    /// Every purpose there is.
    pub const ALL: [Self; 3] = [Self::Access, Self::Refresh, Self::Form];

    /// As the store keeps it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Access => "access",
            Self::Refresh => "refresh",
            Self::Form => "form",
        }
    }

    /// Reads what [`Self::as_str`] wrote.
    pub fn from_text(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|purpose| purpose.as_str() == text)
    }
}

/// A key of the ring as the store keeps it. The key itself is sealed under a master key that is not in the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRecord {
    /// Its name, the `kid`.
    pub id: KeyId,
    /// What it is for.
    pub purpose: Purpose,
    /// The JOSE name of its algorithm, such as `EdDSA`.
    pub algorithm: String,
    /// Nonce, ciphertext and tag of the private key.
    pub sealed: Vec<u8>,
    /// When it was made.
    pub made_at: Timestamp,
    /// From when on it is the one that signs.
    pub active_from: Timestamp,
    /// When it was withdrawn, if it was: nothing that it made is accepted.
    pub withdrawn_at: Option<Timestamp>,
}

/// How the ring turns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rotation {
    /// The algorithm that access tokens are signed with.
    pub algorithm: String,
    /// How long a key is the one that signs.
    pub rotate_every: Lifetime,
    /// How long before its first use a key is published: more than verifiers cache the JWKS.
    pub announce_for: Lifetime,
    /// How long after its last use a key of access tokens is published: the longest life of one, and a margin.
    pub publish_for: Lifetime,
    /// How long after its last use a key is kept: the longest absolute lifetime of a session, and a margin.
    pub keep_for: Lifetime,
}

/// What has to happen to the ring now.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Plan {
    /// Keys to make: purpose, algorithm, and from when on they are used.
    pub make: Vec<(Purpose, String, Timestamp)>,
    /// Keys that nothing alive can need.
    pub delete: Vec<KeyId>,
}

/// The algorithm name of keys that only we use: HMAC with SHA-256.
pub const MAC: &str = "HS256";

/// The key of a purpose that is in use at `now`: the newest that has become active and was not withdrawn.
pub fn current(keys: &[KeyRecord], purpose: Purpose, now: Timestamp) -> Option<&KeyRecord> {
    alive(keys, purpose).filter(|key| key.active_from <= now).max_by_key(|key| (key.active_from, key.made_at, key.id))
}

/// The keys of access tokens that the JWKS shows at `now`, newest first: those to come, the one in use, and those whose
/// tokens can be alive.
pub fn published<'a>(keys: &'a [KeyRecord], rotation: &Rotation, now: Timestamp) -> Vec<&'a KeyRecord> {
    let mut shown: Vec<_> = alive(keys, Purpose::Access)
        .filter(|key| last_used_at(keys, key, now).is_none_or(|at| now.since(at) < rotation.publish_for))
        .collect();
    shown.sort_by_key(|key| std::cmp::Reverse((key.active_from, key.made_at, key.id)));
    shown
}

/// What has to happen so that every purpose has a key in use now, and the next one is announced in time.
pub fn plan(keys: &[KeyRecord], rotation: &Rotation, now: Timestamp) -> Plan {
    let mut plan = Plan::default();
    for purpose in Purpose::ALL {
        let algorithm = if purpose == Purpose::Access { rotation.algorithm.as_str() } else { MAC };
        let newest = alive(keys, purpose).max_by_key(|key| (key.active_from, key.made_at, key.id));
        let from = match (newest, current(keys, purpose, now)) {
            (None, _) | (_, None) => Some(now),
            // Another algorithm was configured: announce its first key at once.
            (Some(newest), _) if newest.algorithm != algorithm => Some(now.plus(rotation.announce_for)),
            (Some(newest), _) => {
                let due = newest.active_from.plus(rotation.rotate_every);
                (due.minus(rotation.announce_for) <= now).then(|| due.max(now.plus(rotation.announce_for)))
            }
        };
        if let Some(from) = from {
            plan.make.push((purpose, algorithm.to_owned(), from));
        }
    }
    plan.delete = keys
        .iter()
        .filter(|key| match key.withdrawn_at {
            Some(at) => now.since(at) >= rotation.keep_for,
            None => last_used_at(keys, key, now).is_some_and(|at| now.since(at) >= rotation.keep_for),
        })
        .map(|key| key.id)
        .collect();
    plan
}

fn alive(keys: &[KeyRecord], purpose: Purpose) -> impl Iterator<Item = &KeyRecord> {
    keys.iter().filter(move |key| key.purpose == purpose && key.withdrawn_at.is_none())
}

/// When a key was succeeded; `None` while it is in use or still to come.
fn last_used_at(keys: &[KeyRecord], key: &KeyRecord, now: Timestamp) -> Option<Timestamp> {
    alive(keys, key.purpose)
        .filter(|other| {
            (other.active_from, other.made_at, other.id) > (key.active_from, key.made_at, key.id)
                && other.active_from <= now
        })
        .map(|other| other.active_from)
        .min()
}

#[cfg(test)]
mod tests;
