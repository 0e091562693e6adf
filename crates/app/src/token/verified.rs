//! Verification: the signature once per token, what was revoked on every request.

use super::credential::Way;
use super::{Address, Credential};
use crate::{App, Error, Fault, Refusal, WhenStale};
use cloakroom_core::access::Access;
use cloakroom_core::id::SessionId;
use cloakroom_core::ticket::{Good, Ticket};
use cloakroom_core::time::{Lifetime, Timestamp};
use cloakroom_jose::{AccessClaims, Expect, Refused};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

/// Tokens that were verified, or made here, by their whole text. Only genuine ones get in, so a flood of forged ones evicts nothing.
pub(crate) struct Verified(quick_cache::sync::Cache<Box<str>, Arc<Seen>>);

impl Verified {
    pub(crate) fn new(capacity: usize) -> Self {
        Self(quick_cache::sync::Cache::new(capacity))
    }
}

/// A verified access token, or a ticket whose session was read: proof that it is genuine. It says nothing about now:
/// [`App::authenticate`] judges that on every request.
pub struct Seen {
    access: Access,
    claims: AccessClaims,
    ring: u64,
    by: By,
    noted_at: AtomicI64,
    for_upstreams: RwLock<Vec<Minted>>,
    pub(super) address: OnceLock<Arc<Address>>,
}

/// An `Authorization` for upstreams of one audience.
struct Minted {
    audience: Box<str>,
    tells_address: bool,
    authorization: Arc<str>,
}

impl Seen {
    fn new(access: Access, claims: AccessClaims, ring: u64, by: By) -> Self {
        let (noted_at, for_upstreams) = (AtomicI64::new(i64::MIN), RwLock::default());
        Self { access, claims, ring, by, noted_at, for_upstreams, address: OnceLock::new() }
    }

    /// Proven by a ticket, by the ring of this version.
    pub(super) fn by_ticket(access: Access, claims: AccessClaims, ring: u64) -> Self {
        Self::new(access, claims, ring, By::Ticket)
    }

    /// Whether the log-in that it comes from has shown more than one factor.
    pub fn is_multi_factor(&self) -> bool {
        self.claims.amr.iter().any(|method| method == "mfa")
    }

    /// Roles that a provider named.
    pub fn roles(&self) -> &[String] {
        &self.claims.roles
    }

    /// Groups that a provider named.
    pub fn groups(&self) -> &[String] {
        &self.claims.groups
    }

    /// What it says.
    pub fn access(&self) -> &Access {
        &self.access
    }
}

/// What it was proven by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum By {
    Token(Way),
    Ticket,
}

/// Where proving a credential has led.
enum Proof {
    /// Genuine, alive, not revoked as far as this node knows.
    Good(Arc<Seen>),
    /// Its session has to be read.
    Ticket(Ticket),
    /// A key signed it that this node does not know, or not yet.
    UnknownKey,
}

/// Seconds by which the clocks of two nodes, or of one before and after it was set, may differ. An expired token is not
/// accepted by it: expiry is judged here, to the second.
const LEEWAY: i64 = 5;

/// How long the use of a session is not noted again: the resolution of `last_used_at`.
const NOTE_EVERY: Lifetime = Lifetime::from_secs(30);

impl App {
    /// Judges what a request shows: genuine, alive, not revoked. Never waits for anything; a token seen before costs two
    /// look-ups in memory. `None` when only the store can tell: then ask [`Self::authenticate`].
    ///
    /// Refused as [`Refusal::AccessExpired`] when a refresh would help, else as [`Refusal::SignedOut`].
    pub fn authenticate_now(&self, credential: Credential<'_>) -> Result<Option<Arc<Seen>>, Error> {
        let now = self.clock.now();
        if self.feed_is_stale(now) {
            return Ok(None);
        }
        match self.prove(credential, now)? {
            Proof::Good(seen) => Ok(Some(seen)),
            Proof::Ticket(_) | Proof::UnknownKey => Ok(None),
        }
    }

    /// Judges what a request shows, with the help of the store where memory does not tell: a ticket that this node has
    /// not seen, a key that another node has just made, a feed that has been silent.
    ///
    /// Refused as [`Self::authenticate_now`], and as [`Refusal::RevocationsStale`] when the store does not answer.
    pub async fn authenticate(&self, credential: Credential<'_>) -> Result<Arc<Seen>, Error> {
        if let Some(seen) = self.authenticate_now(credential)? {
            return Ok(seen);
        }
        let now = self.clock.now();
        let in_the_dark = match self.catch_up(now).await {
            Err(_) if self.settings.feed.when_stale == WhenStale::LookUp => true,
            caught_up => {
                caught_up?;
                false
            }
        };
        let seen = match self.prove(credential, now)? {
            Proof::Good(seen) if in_the_dark => self.look_up(seen, now).await?,
            Proof::Good(seen) => seen,
            Proof::Ticket(ticket) => return self.seen_by_ticket(&credential.text(), &ticket, now).await,
            Proof::UnknownKey => {
                self.look_for_new_keys(now).await?;
                match self.prove(credential, now)? {
                    Proof::Good(seen) => seen,
                    Proof::Ticket(_) | Proof::UnknownKey => return Err(Refusal::SignedOut.into()),
                }
            }
        };
        Ok(seen)
    }

    fn prove(&self, credential: Credential<'_>, now: Timestamp) -> Result<Proof, Error> {
        let (text, way) = (credential.text(), credential.way());
        // Proven by a ring that has changed since is not proven: a key may have been withdrawn.
        let ring = self.ring.load().version;
        let known = self.verified.0.get(&*text).filter(|seen| seen.ring == ring);
        let seen = match known {
            Some(seen) if seen.by == By::Token(way) => seen,
            Some(seen) if seen.by == By::Ticket && way == Way::Cookies => {
                // Its session is read again as often as a token would be refreshed.
                if now >= seen.access.expires_at {
                    return Ticket::parse(&text).map(Proof::Ticket).map_err(|_| Refusal::SignedOut.into());
                }
                seen
            }
            Some(_) => return Err(Refusal::SignedOut.into()),
            None => match (way, Ticket::parse(&text)) {
                // It opens nothing itself, but a refresh that it accompanies gives what does.
                (Way::Cookies, Ok(ticket)) if ticket.good() == Good::ForCompany => {
                    return Err(Refusal::AccessExpired.into());
                }
                (Way::Cookies, Ok(ticket)) => return Ok(Proof::Ticket(ticket)),
                _ => match self.verify(&text, credential, now)? {
                    Some(seen) => seen,
                    None => return Ok(Proof::UnknownKey),
                },
            },
        };
        if !self.marks.allow(&seen.access, now) {
            let refresh_helps = self.marks.only_outdate(&seen.access, now);
            return Err(if refresh_helps { Refusal::AccessExpired } else { Refusal::SignedOut }.into());
        }
        if now >= seen.access.expires_at {
            return Err(Refusal::AccessExpired.into());
        }
        self.note_use(&seen, now);
        Ok(Proof::Good(seen))
    }

    /// The same proof from a token that may have expired, or a ticket whose session may be over: for what accompanies a
    /// refresh or a log-out. What was revoked is not asked; the session's row is judged by the caller.
    pub(crate) async fn recognise(&self, credential: Credential<'_>) -> Result<Option<Access>, Error> {
        let (text, way) = (credential.text(), credential.way());
        let now = self.clock.now();
        if let Ok(ticket) = Ticket::parse(&text) {
            let session = if way == Way::Cookies { self.session_of_ticket(&ticket).await? } else { None };
            return Ok(session.map(|session| self.access_of_ticket(&session, ticket.key(), now)));
        }
        match self.recognise_token(&text, way, now) {
            Err(Refused::UnknownKey) => {
                self.look_for_new_keys(now).await?;
                Ok(self.recognise_token(&text, way, now).ok())
            }
            done => Ok(done.ok()),
        }
    }

    fn recognise_token(&self, token: &str, way: Way, now: Timestamp) -> Result<Access, Refused> {
        let ring = self.ring.load();
        let known = self.verified.0.get(token).filter(|seen| seen.ring == ring.version && seen.by == By::Token(way));
        if let Some(seen) = known {
            return Ok(seen.access.clone());
        }
        let verified = cloakroom_jose::verify_expired_too::<AccessClaims>(
            token,
            ring.verifying(),
            &self.expect(way),
            now.unix_seconds(),
        )?;
        self.access(verified.claims(), verified.kid()).ok_or(Refused::BadClaims)
    }

    /// The session that a genuine credential names, expired or not: what a form token can be bound to.
    pub async fn session_of(&self, credential: Credential<'_>) -> Option<SessionId> {
        self.recognise(credential).await.ok().flatten().map(|access| access.session)
    }

    /// `None` when its key is unknown.
    fn verify(&self, token: &str, credential: Credential<'_>, now: Timestamp) -> Result<Option<Arc<Seen>>, Error> {
        let (ring, way) = (self.ring.load(), credential.way());
        let expect = self.expect(way);
        match cloakroom_jose::verify::<AccessClaims>(token, ring.verifying(), &expect, now.unix_seconds()) {
            Ok(verified) => {
                let kid = verified.kid().to_owned();
                let seen = self.remember(token, verified.into_claims(), &kid, ring.version, way);
                seen.map(Some).ok_or_else(|| Refusal::SignedOut.into())
            }
            Err(Refused::UnknownKey) => Ok(None),
            // Halves of two tokens: another tab has refreshed, and a refresh gives this one its half.
            Err(Refused::BadSignature) if matches!(credential, Credential::Halves { .. }) => {
                Err(Refusal::AccessExpired.into())
            }
            Err(Refused::Expired) => Err(Refusal::AccessExpired.into()),
            Err(_) => Err(Refusal::SignedOut.into()),
        }
    }

    fn expect(&self, way: Way) -> Expect<'_> {
        let issuer = self.settings.issuer.as_str();
        let audience = match way {
            Way::Cookies => issuer,
            Way::Bearer => &self.settings.bearer_audience,
        };
        Expect { typ: super::mint::ACCESS_TYPE, issuer, audience, leeway: LEEWAY }
    }

    /// What the feed would have said, from the session's row.
    async fn look_up(&self, seen: Arc<Seen>, now: Timestamp) -> Result<Arc<Seen>, Error> {
        let access = &seen.access;
        let found = async {
            Ok::<_, cloakroom_store::Error>((
                self.store.session(access.session).await?,
                self.store.account(access.account).await?,
            ))
        };
        let Ok((session, account)) = found.await else { return Err(Refusal::RevocationsStale.into()) };
        let (Some(session), Some(account)) = (session, account) else { return Err(Refusal::SignedOut.into()) };
        let family = &session.family;
        let outdated = family.generation == access.generation
            && access.issue < family.issue
            && now.since(family.issued_at) >= self.settings.refresh.race_window;
        let below_floor = account.not_before.is_some_and(|floor| session.opened_at < floor);
        if family.ended.is_some() || outdated || below_floor {
            return Err(Refusal::SignedOut.into());
        }
        Ok(seen)
    }

    /// Remembers a token that was just proven genuine, or just made, by the ring of this version.
    pub(super) fn remember(
        &self,
        token: &str,
        mut claims: AccessClaims,
        kid: &str,
        ring: u64,
        way: Way,
    ) -> Option<Arc<Seen>> {
        let access = self.access(&claims, kid)?;
        claims.exp = access.expires_at.unix_seconds();
        let seen = Arc::new(Seen::new(access, claims, ring, By::Token(way)));
        self.verified.0.insert(token.into(), Arc::clone(&seen));
        Some(seen)
    }

    /// Remembers a ticket whose session was just read.
    pub(super) fn remember_ticket(&self, ticket: &str, seen: &Arc<Seen>) {
        self.verified.0.insert(ticket.into(), Arc::clone(seen));
    }

    /// The `Authorization` that an upstream gets for this session, `Bearer` and a token (RFC 6750 §2.1): minted once per
    /// access token and audience.
    pub fn bearer_for(&self, seen: &Seen, audience: &str) -> Result<Arc<str>, Fault> {
        self.bearer(seen, audience, None)
    }

    /// The same with their address in it, as [`Self::address_of`] answers it.
    pub fn bearer_with(&self, seen: &Seen, audience: &str, address: &Address) -> Result<Arc<str>, Fault> {
        self.bearer(seen, audience, Some(address))
    }

    fn bearer(&self, seen: &Seen, audience: &str, address: Option<&Address>) -> Result<Arc<str>, Fault> {
        let is_it = |one: &&Minted| &*one.audience == audience && one.tells_address == address.is_some();
        let known = |minted: &[Minted]| minted.iter().find(is_it).map(|one| Arc::clone(&one.authorization));
        if let Some(token) = known(&seen.for_upstreams.read().unwrap_or_else(PoisonError::into_inner)) {
            return Ok(token);
        }
        let token = self.mint_for(&seen.claims, audience, address, self.clock.now())?;
        let token: Arc<str> = format!("Bearer {token}").into();
        let mut minted = seen.for_upstreams.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(token) = known(&minted) {
            return Ok(token);
        }
        let tells_address = address.is_some();
        minted.push(Minted { audience: audience.into(), tells_address, authorization: Arc::clone(&token) });
        Ok(token)
    }

    pub(super) fn note_use(&self, seen: &Seen, now: Timestamp) {
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
    ///
    /// `None` for what a client was granted, for itself or on behalf of somebody: it opens nothing here, whatever its audience.
    fn access(&self, claims: &AccessClaims, kid: &str) -> Option<Access> {
        if claims.client_id != super::OUR_CLIENT {
            return None;
        }
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
