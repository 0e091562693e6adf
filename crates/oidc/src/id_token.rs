//! The ID token's own rules (OpenID Connect Core 1.0 §3.1.3.7, §12.2), after signature, kind, issuer, audience and time
//! were verified, and what it says about a person.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use cloakroom_jose::{Algorithm, Claims, Refused, same, sha256, sha512};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::error::Error;

/// How far the provider's clock may differ from ours, in seconds.
pub(crate) const LEEWAY: i64 = 60;
/// No token is taken that was made longer ago, in seconds.
const OLDEST: i64 = 24 * 60 * 60;
/// In bytes (OpenID Connect Core 1.0 §2).
const LONGEST_SUBJECT: usize = 255;
/// How many methods of `amr` are kept.
const MOST_METHODS: usize = 32;

/// The members of a payload; `cloakroom-jose` proved that none comes twice.
#[derive(Deserialize)]
#[serde(transparent)]
pub(crate) struct Payload(pub(crate) Map<String, Value>);

impl Claims for Payload {}

/// Who logged in, by the word of the provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The user's name at the provider, never given to another: 1 to 255 bytes. With the issuer, the key of an account.
    pub sub: String,
    /// The provider's name of the session, for back-channel log-out.
    pub sid: Option<String>,
    /// An address; says nothing about who owns it unless `email_verified`, and is never the key of an account.
    pub email: Option<String>,
    /// Only `true` if the provider says so with the JSON value `true`.
    pub email_verified: bool,
    /// How the user is called.
    pub name: Option<String>,
    /// When the user authenticated there, in Unix seconds.
    pub auth_time: Option<i64>,
    /// How (RFC 8176); at most 32.
    pub amr: Vec<String>,
    /// How well (OpenID Connect Core 1.0 §2).
    pub acr: Option<String>,
    /// All claims of the ID token, for [`crate::claim()`].
    pub claims: Map<String, Value>,
}

/// Which nonce an ID token must have.
#[derive(Clone, Copy)]
pub(crate) enum Nonce<'a> {
    /// This one: after a log-in.
    Is(&'a str),
    /// This one or none: after a refresh.
    IsOrMissing(&'a str),
    /// None: after a refresh, where the first is not known.
    Missing,
}

/// What an ID token is held against.
pub(crate) struct Expected<'a> {
    pub(crate) client_id: &'a str,
    pub(crate) nonce: Nonce<'a>,
    pub(crate) max_age: Option<u32>,
    /// What came along, with the algorithm that the ID token was signed with.
    pub(crate) access_token: &'a str,
    pub(crate) algorithm: Algorithm,
}

/// Judges the claims of a verified ID token.
pub(crate) fn judge(payload: Payload, expected: &Expected<'_>, now: i64) -> Result<Identity, Error> {
    let claims = payload.0;
    is_id_token(&claims)?;
    is_for(&claims, expected.client_id)?;
    is_recent(&claims, now)?;
    has_nonce(&claims, expected.nonce)?;
    has_hash(&claims, expected)?;
    let auth_time = claims.get("auth_time").and_then(seconds);
    if let Some(max_age) = expected.max_age {
        let auth_time = auth_time.ok_or(Error::AuthTimeMissing)?;
        if now.saturating_sub(auth_time) > i64::from(max_age).saturating_add(LEEWAY) {
            return Err(Error::AuthenticationTooOld);
        }
        if auth_time > now.saturating_add(LEEWAY) {
            return Err(Error::TokenRefused(Refused::NotYetValid));
        }
    }
    let methods = claims.get("amr").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    let amr = methods.take(MOST_METHODS).map(str::to_owned).collect();
    Ok(Identity {
        sub: subject(&claims)?.ok_or(Error::Subject)?,
        sid: text(&claims, "sid").filter(|sid| is_name(sid)),
        email: text(&claims, "email"),
        email_verified: claims.get("email_verified") == Some(&Value::Bool(true)),
        name: text(&claims, "name"),
        auth_time,
        amr,
        acr: text(&claims, "acr"),
        claims,
    })
}

/// The claims of a logout token (`events`) and the kind that Keycloak writes into its payloads betray tokens of the
/// same issuer that are something else, where the header's `typ` says no more than `JWT` (RFC 8725 §3.12).
fn is_id_token(claims: &Map<String, Value>) -> Result<(), Error> {
    let other = matches!(claims.get("typ").and_then(Value::as_str), Some("Bearer" | "Refresh" | "Offline" | "Logout"));
    if other || claims.contains_key("events") { Err(Error::TokenRefused(Refused::WrongType)) } else { Ok(()) }
}

/// One audience is us, as was verified; of several, `azp` tells who may use the token. If it is there, it is us.
fn is_for(claims: &Map<String, Value>, client_id: &str) -> Result<(), Error> {
    let several = claims.get("aud").and_then(Value::as_array).is_some_and(|audiences| audiences.len() > 1);
    match claims.get("azp") {
        None if !several => Ok(()),
        Some(Value::String(azp)) if azp == client_id => Ok(()),
        _ => Err(Error::AudienceMismatch),
    }
}

/// Whether `iat` lies no more than a day back; that it is there and not in the future was verified.
pub(crate) fn is_recent(claims: &Map<String, Value>, now: i64) -> Result<(), Error> {
    let iat = claims.get("iat").and_then(seconds).ok_or(Error::TokenRefused(Refused::BadClaims))?;
    if now.saturating_sub(iat) > OLDEST { Err(Error::TooOld) } else { Ok(()) }
}

fn has_nonce(claims: &Map<String, Value>, nonce: Nonce<'_>) -> Result<(), Error> {
    let is_right = match (nonce, claims.get("nonce")) {
        (Nonce::Is(wanted) | Nonce::IsOrMissing(wanted), Some(Value::String(nonce))) => {
            same(nonce.as_bytes(), wanted.as_bytes())
        }
        (Nonce::IsOrMissing(_) | Nonce::Missing, None) => true,
        _ => false,
    };
    if is_right { Ok(()) } else { Err(Error::NonceMismatch) }
}

/// The left half of the access token's hash, by the hash of the ID token's algorithm: that of Ed25519 is SHA-512.
fn has_hash(claims: &Map<String, Value>, expected: &Expected<'_>) -> Result<(), Error> {
    let Some(hash) = claims.get("at_hash") else { return Ok(()) };
    let token = expected.access_token.as_bytes();
    let wanted = match expected.algorithm {
        Algorithm::EdDsa => left_half(&sha512(token)),
        Algorithm::Es256 | Algorithm::Rs256 | Algorithm::Hs256 => left_half(&sha256(token)),
    };
    if hash.as_str().is_some_and(|hash| same(hash.as_bytes(), wanted.as_bytes())) {
        Ok(())
    } else {
        Err(Error::AccessTokenMismatch)
    }
}

fn left_half(hash: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(hash.get(..hash.len() / 2).unwrap_or_default())
}

/// `sub`, if it is there: 1 to 255 bytes.
pub(crate) fn subject(claims: &Map<String, Value>) -> Result<Option<String>, Error> {
    match claims.get("sub") {
        None => Ok(None),
        Some(Value::String(sub)) if is_name(sub) => Ok(Some(sub.clone())),
        Some(_) => Err(Error::Subject),
    }
}

pub(crate) fn is_name(text: &str) -> bool {
    (1..=LONGEST_SUBJECT).contains(&text.len())
}

pub(crate) fn text(claims: &Map<String, Value>, name: &str) -> Option<String> {
    claims.get(name).and_then(Value::as_str).map(str::to_owned)
}

/// A `NumericDate` (RFC 7519 §2) in whole seconds, rounded down; `None` for what is none.
pub(crate) fn seconds(value: &Value) -> Option<i64> {
    /// Beyond, a number of JSON no longer counts single seconds.
    const LATEST: i64 = 1 << 53;
    #[expect(clippy::cast_precision_loss, reason = "2^53 is a double without loss")]
    let range = 0.0..=LATEST as f64;
    #[expect(clippy::cast_possible_truncation, reason = "a number of at most 2^53 is an i64; its fraction is cut off")]
    let whole = value.as_f64().filter(|seconds| range.contains(seconds)).map(|seconds| seconds as i64);
    whole
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn openid_core_3_1_3_6_the_hash_is_the_left_half_by_the_algorithm() {
        // The example of appendix A.3 of OpenID Connect Core 1.0.
        let token = "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y";
        let check = |hash: Value, algorithm: Algorithm| {
            let claims = json!({"at_hash": hash});
            let nonce = Nonce::Missing;
            let expected = Expected { client_id: "c", nonce, max_age: None, access_token: token, algorithm };
            has_hash(claims.as_object().unwrap(), &expected)
        };
        assert_eq!(check(json!("77QmUPtjPfzWtF2AnpK9RQ"), Algorithm::Rs256), Ok(()));
        assert_eq!(check(json!("77QmUPtjPfzWtF2AnpK9RQ"), Algorithm::EdDsa), Err(Error::AccessTokenMismatch));
        assert_eq!(check(json!(left_half(&sha512(token.as_bytes()))), Algorithm::EdDsa), Ok(()));
        for wrong in [json!(""), json!(null), json!("77QmUPtjPfzWtF2AnpK9RR"), json!("77QmUPtjPfzWtF2AnpK9RQ==")] {
            assert_eq!(check(wrong, Algorithm::Es256), Err(Error::AccessTokenMismatch));
        }
    }

    #[test]
    fn dates_are_whole_seconds() {
        assert_eq!(seconds(&json!(7)), Some(7));
        assert_eq!(seconds(&json!(7.9)), Some(7));
        for none in [json!(-1), json!("7"), json!(1e17), json!(null)] {
            assert_eq!(seconds(&none), None, "{none}");
        }
    }
}
