//! Who calls: the one thing an API behind Cloakroom has to do. A bearer token (RFC 6750 §2.1) in, its verified
//! claims out. No session, no call to the issuer per request.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use cloakroom_jose::{AccessClaims, Expect, KeySet, Refused, verify};

use crate::problem::Problem;
use crate::state::Api;

/// How far the issuer's clock and ours may differ, in seconds.
const LEEWAY: i64 = 5;

/// Whoever is named by a token that was verified. As an argument of a handler it is the handler's guard.
pub(crate) struct Caller {
    /// The account; notes are kept under it.
    pub(crate) sub: String,
    /// When the token ends, in Unix seconds. A stream that was opened with it ends then too.
    pub(crate) until: i64,
}

impl FromRequestParts<Arc<Api>> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Arc<Api>) -> Result<Self, Problem> {
        let token = bearer(&parts.headers).ok_or(Problem::TokenMissing)?;
        let mut keys = api.keys.current().await.ok_or(Problem::KeysUnavailable)?;
        let mut judged = judge(api, token, &keys);
        if matches!(judged, Err(Refused::UnknownKey)) {
            // The issuer may have rotated since we last asked.
            keys = api.keys.fetched().await.ok_or(Problem::KeysUnavailable)?;
            judged = judge(api, token, &keys);
        }
        judged.map_err(|refused| {
            tracing::debug!(%refused, "token refused");
            Problem::TokenInvalid
        })
    }
}

fn judge(api: &Api, token: &str, keys: &KeySet) -> Result<Caller, Refused> {
    let expect = Expect { typ: "at+jwt", issuer: &api.issuer, audience: &api.audience, leeway: LEEWAY };
    let claims = verify::<AccessClaims>(token, keys, &expect, (api.now)())?.into_claims();
    Ok(Caller { sub: claims.sub, until: claims.exp.saturating_add(LEEWAY) })
}

/// The token of the only `Authorization` header; two of them are none.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut all = headers.get_all(header::AUTHORIZATION).iter();
    let (Some(value), None) = (all.next(), all.next()) else { return None };
    let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token)
}
