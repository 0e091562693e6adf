//! Verification: the signature once per token, what was revoked on every request.

use crate::{App, Error, Fault, Refusal};
use cloakroom_core::access::Access;
use cloakroom_core::time::{Lifetime, Timestamp};
use cloakroom_jose::{AccessClaims, Expect, Refused};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

/// Verified tokens, by their whole text. Only genuine ones get in, so a flood of forged ones evicts nothing.
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
    noted_at: AtomicI64,
    for_upstreams: RwLock<Vec<(Box<str>, Arc<str>)>>,
}

impl Seen {
    /// What it says.
    pub fn access(&self) -> &Access {
        &self.access
    }
}

/// How long the use of a session is not noted again: the resolution of `last_used_at`.
const NOTE_EVERY: Lifetime = Lifetime::from_secs(30);

impl App {
    /// Judges the access token of a request: genuine, alive, not revoked. Never waits for anything; a token seen
    /// before costs two look-ups in memory.
    ///
    /// Refused as [`Refusal::AccessExpired`] when a refresh would help, else as [`Refusal::SignedOut`].
    pub fn authenticate(&self, token: &str) -> Result<Arc<Seen>, Error> {
        let now = self.clock.now();
        let seen = match self.verified.0.get(token) {
            Some(seen) => seen,
            None => self.verify(token, now)?,
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
        let issuer = &self.settings.issuer;
        let expect = Expect { typ: super::mint::ACCESS_TYPE, issuer, audience: issuer, leeway: 0 };
        let now = self.clock.now().unix_seconds();
        let verified =
            cloakroom_jose::verify_expired_too::<AccessClaims>(token, ring.verifying(), &expect, now).ok()?;
        access(verified.claims(), verified.kid())
    }

    /// The session that a genuine access token names, expired or not: what a form token can be bound to.
    pub fn session_of(&self, token: &str) -> Option<cloakroom_core::id::SessionId> {
        if let Some(seen) = self.verified.0.get(token) {
            return Some(seen.access.session);
        }
        self.recognise(token).map(|access| access.session)
    }

    fn verify(&self, token: &str, now: Timestamp) -> Result<Arc<Seen>, Error> {
        let ring = self.ring.load();
        let issuer = &self.settings.issuer;
        let expect = Expect { typ: super::mint::ACCESS_TYPE, issuer, audience: issuer, leeway: 0 };
        let verified = cloakroom_jose::verify::<AccessClaims>(token, ring.verifying(), &expect, now.unix_seconds())
            .map_err(|refused| if refused == Refused::Expired { Refusal::AccessExpired } else { Refusal::SignedOut })?;
        let access = access(verified.claims(), verified.kid()).ok_or(Refusal::SignedOut)?;
        let seen = Arc::new(Seen {
            access,
            claims: verified.into_claims(),
            noted_at: AtomicI64::new(i64::MIN),
            for_upstreams: RwLock::default(),
        });
        self.verified.0.insert(token.into(), Arc::clone(&seen));
        Ok(seen)
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

fn access(claims: &AccessClaims, kid: &str) -> Option<Access> {
    Some(Access {
        account: claims.sub.parse().ok()?,
        session: claims.sid.parse().ok()?,
        generation: claims.r#gen,
        issue: claims.iss_no,
        issued_at: Timestamp::from_unix_seconds(claims.iat),
        expires_at: Timestamp::from_unix_seconds(claims.exp),
        key: kid.parse().ok()?,
    })
}
