//! Assertions of clients (RFC 7523): a JWT that a client signs with a key of its own, about itself, to say who it is (§2.2)
//! or to be granted a token (§2.1). Knows neither which clients there are nor which assertion came before.

use serde::de::{DeserializeOwned, Deserializer};
use serde::{Deserialize, de::DeserializeSeed as _};

use crate::claims::{one_audience, seconds};
use crate::compact::Compact;
use crate::header::Header;
use crate::registered::{NumericDateValue, Registered};
use crate::verify::{authenticate, by_kid};
use crate::{KeySet, MAX_LEEWAY, Refused};

/// What an assertion is for. One for the other is refused where it says its type (RFC 8725 §3.11).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AssertionKind {
    /// To authenticate a client (RFC 7523 §2.2): `typ` is `client-authentication+jwt`, `JWT`, or missing.
    ClientAuthentication,
    /// To be granted a token (RFC 7523 §2.1): `typ` is `authorization-grant+jwt`, `JWT`, or missing.
    Grant,
}

/// What an assertion must be to be accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExpectAssertion<'a> {
    /// What it is for.
    pub kind: AssertionKind,
    /// The value of `iss` and of `sub`, exactly: the client speaks of itself. The key set holds this client's keys and no
    /// others.
    pub client: &'a str,
    /// The values that `aud` may have, exactly; it has one.
    pub audiences: &'a [&'a str],
    /// The most that `exp` may lie ahead, and `iat` back, in seconds.
    pub longest: i64,
    /// How far clocks may differ, in seconds: 0 to [`MAX_LEEWAY`]; values outside count as the nearest.
    pub leeway: i64,
}

/// What is left to be asked of a genuine assertion: whether it has come before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assertion {
    /// Its name (`jti`), unique among its client's: 1 to [`Assertion::LONGEST_NAME`] bytes.
    pub jti: String,
    /// From when on it would be refused for its age, in Unix seconds, leeway included.
    pub over_at: i64,
}

impl Assertion {
    /// No `jti` may be longer, in bytes.
    pub const LONGEST_NAME: usize = 256;
}

#[derive(Deserialize)]
struct Payload {
    sub: String,
    #[serde(deserialize_with = "one_audience")]
    aud: String,
    #[serde(deserialize_with = "seconds")]
    exp: i64,
    #[serde(default, deserialize_with = "maybe_seconds")]
    nbf: Option<i64>,
    #[serde(default, deserialize_with = "maybe_seconds")]
    iat: Option<i64>,
    jti: String,
}

/// Verifies an assertion at `now` (Unix seconds): form, key, signature, type, then RFC 7523 §3. `jti` is required, `aud` has
/// exactly one value, `iat` may be missing.
pub fn verify_assertion(
    token: &str,
    keys: &KeySet,
    expect: &ExpectAssertion<'_>,
    now: i64,
) -> Result<Assertion, Refused> {
    let compact = Compact::parse(token)?;
    let header = Header::parse(compact.header())?;
    authenticate(&compact, &header, by_kid(&header, keys))?;
    let typ = match expect.kind {
        AssertionKind::ClientAuthentication => "client-authentication+jwt",
        AssertionKind::Grant => "authorization-grant+jwt",
    };
    if !header.is_untyped() && !header.is_of_type(typ) {
        return Err(Refused::WrongType);
    }
    Registered::parse(compact.payload())?.check_issuer(expect.client)?;
    let payload: Payload = read(compact.payload())?;
    if payload.sub != expect.client {
        return Err(Refused::WrongSubject);
    }
    if !expect.audiences.contains(&payload.aud.as_str()) {
        return Err(Refused::WrongAudience);
    }
    if payload.jti.is_empty() || payload.jti.len() > Assertion::LONGEST_NAME {
        return Err(Refused::BadClaims);
    }
    let leeway = expect.leeway.clamp(0, MAX_LEEWAY);
    let over_at = payload.exp.saturating_add(leeway);
    if now >= over_at {
        return Err(Refused::Expired);
    }
    let latest = now.saturating_add(leeway);
    if payload.nbf.is_some_and(|nbf| nbf > latest) || payload.iat.is_some_and(|iat| iat > latest) {
        return Err(Refused::NotYetValid);
    }
    let longest = expect.longest.saturating_add(leeway);
    let is_old = payload.iat.is_some_and(|iat| now.saturating_sub(iat) > longest);
    if payload.exp.saturating_sub(now) > longest || is_old {
        return Err(Refused::LivesTooLong);
    }
    Ok(Assertion { jti: payload.jti, over_at })
}

/// Whom a token says that it is from, unproven: good for looking up whose keys to verify it with, and for nothing else.
pub fn claimed_issuer(token: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Named {
        iss: String,
    }
    let compact = Compact::parse(token).ok()?;
    read::<Named>(compact.payload()).ok().map(|named| named.iss)
}

fn read<T: DeserializeOwned>(payload: &[u8]) -> Result<T, Refused> {
    serde_json::from_slice(payload).map_err(|_| Refused::BadClaims)
}

fn maybe_seconds<'de, D: Deserializer<'de>>(json: D) -> Result<Option<i64>, D::Error> {
    Ok(Some(NumericDateValue.deserialize(json)?.rounded_down))
}

#[cfg(test)]
#[path = "assertion_tests.rs"]
mod tests;
