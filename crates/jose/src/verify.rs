//! From text to [`Verified`] claims: sizes, form, header, key, signature, type, claims, in that order. Knows no clock
//! and no revocation.

use crate::compact::Compact;
use crate::header::Header;
use crate::registered::Registered;
use crate::{Claims, KeySet, Refused, Verified, VerifyingKey, algorithm};

/// The most that clocks may differ, in seconds; a larger leeway counts as this one (RFC 7519 §4.1.4: a few minutes).
pub const MAX_LEEWAY: i64 = 300;

/// What a token must be to be accepted. One kind of token, one issuer, one audience (RFC 8725 §3.12).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expect<'a> {
    /// The kind, such as `at+jwt`; compared without case, `application/` may be left out.
    pub typ: &'a str,
    /// The value of `iss`, exactly. The key set holds this issuer's keys and no others.
    pub issuer: &'a str,
    /// A value that `aud` contains, exactly.
    pub audience: &'a str,
    /// How far clocks may differ, in seconds: 0 to [`MAX_LEEWAY`]; values outside count as the nearest.
    pub leeway: i64,
}

/// Verifies a token at `now` (Unix seconds). `exp` and `iat` are required, `nbf` is obeyed.
pub fn verify<C: Claims>(token: &str, keys: &KeySet, expect: &Expect<'_>, now: i64) -> Result<Verified<C>, Refused> {
    accept(token, keys, expect, now, Ending::Matters)
}

/// Verifies everything but that `exp` has not passed: for the access token that accompanies a refresh. It still proves
/// that the session's owner once got it; it grants nothing by itself.
pub fn verify_expired_too<C: Claims>(
    token: &str,
    keys: &KeySet,
    expect: &Expect<'_>,
    now: i64,
) -> Result<Verified<C>, Refused> {
    accept(token, keys, expect, now, Ending::IsIgnored)
}

/// Checks form, header and signature and answers the payload's bytes, whatever they are. No proof of anything about
/// type, issuer, audience or time.
pub fn verify_signature(token: &str, keys: &KeySet) -> Result<Vec<u8>, Refused> {
    let compact = Compact::parse(token)?;
    let header = Header::parse(compact.header())?;
    authenticate(&compact, &header, by_kid(&header, keys))?;
    Ok(compact.payload().to_vec())
}

/// As [`verify_signature`], where the key is known beforehand: the header may leave out `kid`, but not name another.
pub fn verify_signature_with(token: &str, key: &VerifyingKey) -> Result<Vec<u8>, Refused> {
    let compact = Compact::parse(token)?;
    let header = Header::parse(compact.header())?;
    let named = header.kid().is_none_or(|kid| kid == key.kid());
    authenticate(&compact, &header, named.then_some(key))?;
    Ok(compact.payload().to_vec())
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Ending {
    Matters,
    IsIgnored,
}

fn accept<C: Claims>(
    token: &str,
    keys: &KeySet,
    expect: &Expect<'_>,
    now: i64,
    ending: Ending,
) -> Result<Verified<C>, Refused> {
    let compact = Compact::parse(token)?;
    let header = Header::parse(compact.header())?;
    let key = authenticate(&compact, &header, by_kid(&header, keys))?;
    if !header.is_of_type(expect.typ) {
        return Err(Refused::WrongType);
    }
    let leeway = expect.leeway.clamp(0, MAX_LEEWAY);
    let registered = Registered::parse(compact.payload())?;
    registered.check_parties(expect.issuer, expect.audience)?;
    registered.check_begin(now, leeway)?;
    if ending == Ending::Matters {
        registered.check_end(now, leeway)?;
    }
    let claims = serde_json::from_slice(compact.payload()).map_err(|_| Refused::BadClaims)?;
    Ok(Verified::new(claims, key.shared_kid()))
}

fn by_kid<'k>(header: &Header<'_>, keys: &'k KeySet) -> Option<&'k VerifyingKey> {
    keys.get(header.kid()?)
}

/// The key decides the algorithm; the header may only agree (RFC 8725 §3.1). Nothing is computed with a key before.
fn authenticate<'k>(
    compact: &Compact<'_>,
    header: &Header<'_>,
    key: Option<&'k VerifyingKey>,
) -> Result<&'k VerifyingKey, Refused> {
    if !algorithm::is_known(header.algorithm()) {
        return Err(Refused::AlgorithmNotAllowed);
    }
    let key = key.ok_or(Refused::UnknownKey)?;
    if header.algorithm() != key.header_name() {
        return Err(Refused::AlgorithmNotAllowed);
    }
    if key.signed(compact.signed(), compact.signature()) { Ok(key) } else { Err(Refused::BadSignature) }
}
