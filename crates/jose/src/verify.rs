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

/// The kinds of token that OpenID Connect does not give a type of their own, or only advises to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpenIdKind {
    /// An ID token: `typ` is missing or `JWT` (OpenID Connect Core 1.0 §2).
    IdToken,
    /// A logout token: `logout+jwt`, or missing or `JWT` from providers of before (Back-Channel Logout 1.0 §2.4).
    LogoutToken,
}

/// What a token of an OpenID provider must be to be accepted, as [`Expect`] for typed tokens. The two exclude each other:
/// whatever has a type of its own, an access token (RFC 9068) among them, is none of [`OpenIdKind`], and nothing untyped
/// passes [`verify`]. To tell the two kinds apart where neither is typed is for the caller, by their claims (`nonce`,
/// `events`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExpectOpenId<'a> {
    /// The kind.
    pub kind: OpenIdKind,
    /// As in [`Expect`].
    pub issuer: &'a str,
    /// As in [`Expect`]: the client's id.
    pub audience: &'a str,
    /// As in [`Expect`].
    pub leeway: i64,
}

/// Verifies a token at `now` (Unix seconds). `exp` and `iat` are required, `nbf` is obeyed.
pub fn verify<C: Claims>(token: &str, keys: &KeySet, expect: &Expect<'_>, now: i64) -> Result<Verified<C>, Refused> {
    accept(token, keys, |header| header.is_of_type(expect.typ), expect, now, Ending::Matters)
}

/// As [`verify`](fn@verify), for an ID token or a logout token of an OpenID provider.
pub fn verify_openid<C: Claims>(
    token: &str,
    keys: &KeySet,
    expect: &ExpectOpenId<'_>,
    now: i64,
) -> Result<Verified<C>, Refused> {
    let ExpectOpenId { kind, issuer, audience, leeway } = *expect;
    let typ = "logout+jwt";
    let is_of_kind =
        |header: &Header<'_>| header.is_untyped() || (kind == OpenIdKind::LogoutToken && header.is_of_type(typ));
    accept(token, keys, is_of_kind, &Expect { typ, issuer, audience, leeway }, now, Ending::Matters)
}

/// Verifies everything but that `exp` has not passed: for the access token that accompanies a refresh. It still proves
/// that the session's owner once got it; it grants nothing by itself.
pub fn verify_expired_too<C: Claims>(
    token: &str,
    keys: &KeySet,
    expect: &Expect<'_>,
    now: i64,
) -> Result<Verified<C>, Refused> {
    accept(token, keys, |header| header.is_of_type(expect.typ), expect, now, Ending::IsIgnored)
}

/// Verifies a token of ours whoever it is for, at `now` (Unix seconds): to answer questions about it (RFC 7662) or to revoke
/// it (RFC 7009). **Never to let somebody in**: the audience is not looked at.
pub fn verify_for_anybody<C: Claims>(
    token: &str,
    keys: &KeySet,
    typ: &str,
    issuer: &str,
    now: i64,
) -> Result<Verified<C>, Refused> {
    let compact = Compact::parse(token)?;
    let header = Header::parse(compact.header())?;
    let key = authenticate(&compact, &header, by_kid(&header, keys))?;
    if !header.is_of_type(typ) {
        return Err(Refused::WrongType);
    }
    let registered = Registered::parse(compact.payload())?;
    registered.check_issuer(issuer)?;
    registered.check_begin(now, MAX_LEEWAY)?;
    registered.check_end(now, 0)?;
    let claims = serde_json::from_slice(compact.payload()).map_err(|_| Refused::BadClaims)?;
    Ok(Verified::new(claims, key.shared_kid()))
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
    is_of_kind: impl FnOnce(&Header<'_>) -> bool,
    expect: &Expect<'_>,
    now: i64,
    ending: Ending,
) -> Result<Verified<C>, Refused> {
    let compact = Compact::parse(token)?;
    let header = Header::parse(compact.header())?;
    let key = authenticate(&compact, &header, by_kid(&header, keys))?;
    if !is_of_kind(&header) {
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

pub(crate) fn by_kid<'k>(header: &Header<'_>, keys: &'k KeySet) -> Option<&'k VerifyingKey> {
    keys.get(header.kid()?)
}

/// The key decides the algorithm; the header may only agree (RFC 8725 §3.1). Nothing is computed with a key before.
pub(crate) fn authenticate<'k>(
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
