//! What a verified token says. Only a verifier makes one; the text of the token is not kept in it.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use cloakroom_core::access::Access;
use cloakroom_core::id::AccountId;
use cloakroom_core::time::Timestamp;
use cloakroom_jose::{Claims, Refused, Verified};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::keys::Held;
use crate::problem::Refusal;

/// A verified access token (RFC 9068): proof that it was genuine, in time and not revoked when the request came. Cheap to
/// clone.
///
/// For something that lives longer than a request, ask again: [`crate::Verifier::ended`].
#[derive(Clone)]
pub struct AccessToken(pub(crate) Arc<Seen>);

/// A token whose signature, type, issuer and audience were checked. Says nothing about now.
pub(crate) struct Seen {
    claims: Value,
    /// What the revocation feed is asked about; `None` where no feed is followed.
    pub(crate) access: Option<Access>,
    kid: Box<str>,
    issued_at: i64,
    /// Unix seconds; from then on it is over.
    pub(crate) expires_at: i64,
    /// The keys that proved it.
    pub(crate) held: Arc<Held>,
    /// Whether its use was reported.
    pub(crate) is_sighted: AtomicBool,
}

/// Any claims: their rules were kept before they come here.
#[derive(Deserialize)]
#[serde(transparent)]
pub(crate) struct Payload(Value);

impl Claims for Payload {}

impl Seen {
    /// Reads the claims of a proven token. `is_ours`: they must name what a revocation can name. `longest`: seconds that it
    /// may live, whatever its `exp` says.
    pub(crate) fn new(
        verified: Verified<Payload>,
        held: Arc<Held>,
        is_ours: bool,
        longest: Option<i64>,
        accept_services: bool,
    ) -> Result<Self, Refused> {
        let kid = Box::from(verified.kid());
        let Payload(claims) = verified.into_claims();
        // RFC 9068 §2.2 requires it, and a caller without a name is one that nobody reckons with.
        if text(&claims, "sub").is_none_or(str::is_empty) {
            return Err(Refused::BadClaims);
        }
        // An API that reckons with people alone takes every subject for one.
        if is_of_service(&claims) && !accept_services {
            return Err(Refused::NoPerson);
        }
        let (issued_at, expires_at) = (seconds(&claims, "iat"), seconds(&claims, "exp"));
        let (Some(issued_at), Some(expires_at)) = (issued_at, expires_at) else { return Err(Refused::BadClaims) };
        let expires_at = longest.map_or(expires_at, |longest| expires_at.min(issued_at.saturating_add(longest)));
        if let Some(act) = claims.get("act") {
            check_actors(act)?;
        }
        let access =
            if is_ours { Some(access(&claims, &kid, issued_at, expires_at).ok_or(Refused::BadClaims)?) } else { None };
        Ok(Self { claims, access, kid, issued_at, expires_at, held, is_sighted: AtomicBool::new(false) })
    }

    /// Whether it is good only together with a proof of its client's key (RFC 7800).
    pub(crate) fn is_bound(&self) -> bool {
        self.claims.get("cnf").is_some()
    }

    /// Whether its use says that its person is there: not of a service, for itself or on behalf of somebody.
    pub(crate) fn is_used_by_person(&self) -> bool {
        !is_of_service(&self.claims) && self.claims.get("act").is_none()
    }

    /// The name of the key that proved it.
    pub(crate) fn kid(&self) -> &str {
        &self.kid
    }
}

fn access(claims: &Value, kid: &str, issued_at: i64, expires_at: i64) -> Option<Access> {
    let number = |name: &str| claims.get(name)?.as_u64()?.try_into().ok();
    Some(Access {
        // Names of accounts and of clients are never alike.
        account: if is_of_service(claims) { AccountId::NOBODY } else { text(claims, "sub")?.parse().ok()? },
        session: text(claims, "sid")?.parse().ok()?,
        generation: number("gen")?,
        issue: number("iss_no")?,
        issued_at: Timestamp::from_unix_seconds(issued_at),
        expires_at: Timestamp::from_unix_seconds(expires_at),
        key: kid.parse().ok()?,
    })
}

/// Whether nobody but the client itself stands behind it (RFC 9068 §2.2: `sub` is the client then).
fn is_of_service(claims: &Value) -> bool {
    text(claims, "client_id").is_some_and(|client| text(claims, "sub") == Some(client))
}

/// No chain is longer, whatever an issuer writes: it is read on requests.
const MAX_ACTORS: usize = 8;

/// `act` names who acts, at every level (RFC 8693 §4.1).
fn check_actors(mut act: &Value) -> Result<(), Refused> {
    for _ in 0..MAX_ACTORS {
        if text(act, "sub").is_none_or(str::is_empty) {
            return Err(Refused::BadClaims);
        }
        match act.get("act") {
            None => return Ok(()),
            Some(before) => act = before,
        }
    }
    Err(Refused::BadClaims)
}

fn text<'a>(claims: &'a Value, name: &str) -> Option<&'a str> {
    claims.get(name)?.as_str()
}

/// Whole seconds; a fraction is cut off. `cloakroom-jose` has refused what is negative or beyond 2^53.
fn seconds(claims: &Value, name: &str) -> Option<i64> {
    let value = claims.get(name)?;
    #[expect(clippy::cast_possible_truncation, reason = "a whole number of at most 2^53 is an i64 without loss")]
    value.as_i64().or_else(|| value.as_f64().map(|seconds| seconds.floor() as i64))
}

impl AccessToken {
    /// Whether a service calls for itself: there is no person, and [`Self::subject`] is its `client_id`. Never, unless the
    /// verifier was built with [`accept_services`](crate::Builder::accept_services).
    pub fn is_of_service(&self) -> bool {
        is_of_service(&self.0.claims)
    }

    /// The person on whose behalf the call is made: [`Self::subject`], unless a service calls for itself.
    pub fn person(&self) -> Option<&str> {
        Some(self.subject()).filter(|_| !self.is_of_service())
    }

    /// Who acts on behalf of the person, by `client_id`: the caller first, then those who called it (`act`, RFC 8693 §4.1). Only
    /// the first is to be asked about permissions; the others are for the log. Nobody where the person acts alone.
    pub fn actors(&self) -> impl Iterator<Item = &str> {
        let outermost = self.0.claims.get("act");
        std::iter::successors(outermost, |act| act.get("act")).filter_map(|act| text(act, "sub"))
    }

    /// `sub`: who calls. Never empty. Unique within the issuer.
    pub fn subject(&self) -> &str {
        text(&self.0.claims, "sub").unwrap_or_default()
    }

    /// `client_id`: on behalf of which client, where the issuer says so.
    pub fn client_id(&self) -> Option<&str> {
        text(&self.0.claims, "client_id")
    }

    /// `sid`: the session that it belongs to, where the issuer says so.
    pub fn session(&self) -> Option<&str> {
        text(&self.0.claims, "sid")
    }

    /// `jti`: the name of this one token.
    pub fn token_id(&self) -> Option<&str> {
        text(&self.0.claims, "jti")
    }

    /// The name of the key that signed it.
    pub fn key_id(&self) -> &str {
        &self.0.kid
    }

    /// `iat`, in Unix seconds.
    pub fn issued_at(&self) -> i64 {
        self.0.issued_at
    }

    /// When it is over, in Unix seconds: `exp`, or sooner where the verifier was told how long tokens live.
    pub fn expires_at(&self) -> i64 {
        self.0.expires_at
    }

    /// The scopes that were granted (`scope`, RFC 9068 §2.2.3). A `scope` that is not a text grants none.
    pub fn scopes(&self) -> impl Iterator<Item = &str> {
        text(&self.0.claims, "scope").unwrap_or_default().split(' ').filter(|scope| !scope.is_empty())
    }

    /// Whether exactly this scope was granted.
    pub fn has_scope(&self, scope: &str) -> bool {
        self.scopes().any(|granted| granted == scope)
    }

    /// Refuses (403 `insufficient_scope`) unless every one of these scopes, written with spaces between, was granted.
    pub fn require_scope(&self, scope: &str) -> Result<(), Refusal> {
        let needed = scope.split(' ').filter(|scope| !scope.is_empty());
        if needed.into_iter().all(|scope| self.has_scope(scope)) {
            Ok(())
        } else {
            Err(Refusal::InsufficientScope { scope: scope.into() })
        }
    }

    /// Every claim, as it was written: an object.
    pub fn claims(&self) -> &Value {
        &self.0.claims
    }

    /// The claims as a type of yours. What the issuer leaves out or writes differently is an error, so give what is optional
    /// an `Option`.
    pub fn claims_as<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        T::deserialize(&self.0.claims)
    }
}

/// Whom it names, not what else it says.
impl fmt::Debug for AccessToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessToken").field("subject", &self.subject()).finish_non_exhaustive()
    }
}
