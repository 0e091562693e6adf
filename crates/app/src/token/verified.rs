//! Verification: the signature once per token, what was revoked on every request.

use crate::{App, Error, Fault, Refusal};
use cloakroom_core::access::Access;
use cloakroom_core::time::{Lifetime, Timestamp};
use cloakroom_jose::{AccessClaims, Expect, Refused};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

/// Tokens that were verified, or made here, by their whole text. Only genuine ones get in, so a flood of forged ones evicts nothing.
pub(crate) struct Verified(quick_cache::sync::Cache<Box<str>, Arc<Seen>>);

impl Verified {
    pub(crate) fn new(capacity: usize) -> Self {
        Self(quick_cache::sync::Cache::new(capacity))
    }
}

/// A verified access token: proof that its signature, issuer, audience and type were checked. It says nothing about
/// now: [`App::authenticate`] judges that on every request.
pub struct Seen {
    access: Access,
    claims: AccessClaims,
    ring: u64,
    noted_at: AtomicI64,
    for_upstreams: RwLock<Vec<(Box<str>, Arc<str>)>>,
}

impl Seen {
    /// What it says.
    pub fn access(&self) -> &Access {
        &self.access
    }
}

/// Seconds by which the clocks of two nodes, or of one before and after it was set, may differ. An expired token is not
/// accepted by it: expiry is judged here, to the second.
const LEEWAY: i64 = 5;

/// How long the use of a session is not noted again: the resolution of `last_used_at`.
const NOTE_EVERY: Lifetime = Lifetime::from_secs(30);

impl App {
    /// Judges the access token of a request: genuine, alive, not revoked. Never waits for anything; a token seen
    /// before costs two look-ups in memory.
    ///
    /// Refused as [`Refusal::AccessExpired`] when a refresh would help, else as [`Refusal::SignedOut`].
    pub fn authenticate(&self, token: &str) -> Result<Arc<Seen>, Error> {
        let now = self.clock.now();
        // Proven by a ring that has changed since is not proven: a key may have been withdrawn.
        let ring = self.ring.load().version;
        let seen = match self.verified.0.get(token) {
            Some(seen) if seen.ring == ring => seen,
            _ => self.verify(token, now)?,
        };
        if !self.marks.allow(&seen.access, now) {
            return Err(Refusal::SignedOut.into());
        }
        if now >= seen.access.expires_at {
            return Err(Refusal::AccessExpired.into());
        }
        self.note_use(&seen, now);
        Ok(seen)
    }

    /// The same proof from a token that may have expired: for what accompanies a refresh or a log-out. What was
    /// revoked is not asked; the session's row is judged by the caller.
    pub(crate) fn recognise(&self, token: &str) -> Option<Access> {
        let ring = self.ring.load();
        if let Some(seen) = self.verified.0.get(token).filter(|seen| seen.ring == ring.version) {
            return Some(seen.access.clone());
        }
        let issuer = &self.settings.issuer;
        let expect = Expect { typ: super::mint::ACCESS_TYPE, issuer, audience: issuer, leeway: LEEWAY };
        let now = self.clock.now().unix_seconds();
        let verified =
            cloakroom_jose::verify_expired_too::<AccessClaims>(token, ring.verifying(), &expect, now).ok()?;
        self.access(verified.claims(), verified.kid())
    }

    /// The session that a genuine access token names, expired or not: what a form token can be bound to.
    pub fn session_of(&self, token: &str) -> Option<cloakroom_core::id::SessionId> {
        self.recognise(token).map(|access| access.session)
    }

    fn verify(&self, token: &str, now: Timestamp) -> Result<Arc<Seen>, Error> {
        let ring = self.ring.load();
        let issuer = &self.settings.issuer;
        let expect = Expect { typ: super::mint::ACCESS_TYPE, issuer, audience: issuer, leeway: LEEWAY };
        let verified = cloakroom_jose::verify::<AccessClaims>(token, ring.verifying(), &expect, now.unix_seconds())
            .map_err(|refused| if refused == Refused::Expired { Refusal::AccessExpired } else { Refusal::SignedOut })?;
        let kid = verified.kid().to_owned();
        self.remember(token, verified.into_claims(), &kid, ring.version).ok_or_else(|| Refusal::SignedOut.into())
    }

    /// Remembers a token that was just proven genuine, or just made, by the ring of this version.
    pub(super) fn remember(&self, token: &str, mut claims: AccessClaims, kid: &str, ring: u64) -> Option<Arc<Seen>> {
        let access = self.access(&claims, kid)?;
        claims.exp = access.expires_at.unix_seconds();
        let (noted_at, for_upstreams) = (AtomicI64::new(i64::MIN), RwLock::default());
        let seen = Arc::new(Seen { access, claims, ring, noted_at, for_upstreams });
        self.verified.0.insert(token.into(), Arc::clone(&seen));
        Some(seen)
    }

    /// The `Authorization` that an upstream gets for this session, `Bearer` and a token (RFC 6750 §2.1): minted once per
    /// access token and audience.
    pub fn bearer_for(&self, seen: &Seen, audience: &str) -> Result<Arc<str>, Fault> {
        let known = |minted: &[(Box<str>, Arc<str>)]| {
            minted.iter().find(|(name, _)| &**name == audience).map(|(_, token)| Arc::clone(token))
        };
        if let Some(token) = known(&seen.for_upstreams.read().unwrap_or_else(PoisonError::into_inner)) {
            return Ok(token);
        }
        let token = self.mint_for(&seen.claims, audience, self.clock.now())?;
        let token: Arc<str> = format!("Bearer {token}").into();
        let mut minted = seen.for_upstreams.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(token) = known(&minted) {
            return Ok(token);
        }
        minted.push((audience.into(), Arc::clone(&token)));
        Ok(token)
    }

    fn note_use(&self, seen: &Seen, now: Timestamp) {
        let noted_at = seen.noted_at.load(Ordering::Relaxed);
        if noted_at != i64::MIN && now.since(Timestamp::from_millis(noted_at)) < NOTE_EVERY {
            return;
        }
        seen.noted_at.store(now.millis(), Ordering::Relaxed);
        self.sightings.note(&seen.access, now);
    }
}

impl App {
    /// What the claims of a genuine token say. It never lives longer than tokens are made to live today: revocations are
    /// remembered for just that long, whatever an older configuration, or a thief of a key, wrote into `exp`.
    fn access(&self, claims: &AccessClaims, kid: &str) -> Option<Access> {
        let issued_at = Timestamp::from_unix_seconds(claims.iat);
        let expires_at = Timestamp::from_unix_seconds(claims.exp);
        Some(Access {
            account: claims.sub.parse().ok()?,
            session: claims.sid.parse().ok()?,
            generation: claims.r#gen,
            issue: claims.iss_no,
            issued_at,
            expires_at: expires_at.min(issued_at.plus(self.settings.lifetimes.access_for)),
            key: kid.parse().ok()?,
        })
    }
}
