//! The logout token's own rules (OpenID Connect Back-Channel Logout 1.0 §2.4, §2.6), after signature, kind, issuer,
//! audience and time were verified. Whether its `jti` was seen before is for the caller, who remembers.

use cloakroom_jose::Refused;
use serde_json::Value;

use crate::error::Error;
use crate::id_token::{Payload, is_name, is_recent, seconds, subject, text};

const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

/// Whose sessions are to end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogoutToken {
    /// All sessions of this user, unless `sid` names one.
    pub sub: Option<String>,
    /// The one session. At least one of both is there.
    pub sid: Option<String>,
    /// The name of this token, 1 to 255 bytes: the same one is not obeyed twice.
    pub jti: String,
    /// Until when `jti` has to be remembered, in Unix seconds; add the leeway of 60 seconds.
    pub exp: i64,
}

/// Judges the claims of a verified logout token.
pub(crate) fn judge(payload: &Payload, now: i64) -> Result<LogoutToken, Error> {
    let claims = &payload.0;
    is_recent(claims, now)?;
    if !claims.get("events").and_then(|events| events.get(EVENT)).is_some_and(Value::is_object) {
        return Err(Error::LogoutToken("does not tell of a log-out"));
    }
    // What has a nonce is an ID token, whatever else it says.
    if claims.contains_key("nonce") {
        return Err(Error::LogoutToken("has a nonce"));
    }
    let sub = subject(claims)?;
    let sid = match claims.get("sid") {
        None => None,
        Some(Value::String(sid)) if is_name(sid) => Some(sid.clone()),
        Some(_) => return Err(Error::LogoutToken("has an unusable sid")),
    };
    if sub.is_none() && sid.is_none() {
        return Err(Error::LogoutToken("names neither a user nor a session"));
    }
    let jti = text(claims, "jti").filter(|jti| is_name(jti)).ok_or(Error::LogoutToken("has no usable jti"))?;
    let exp = claims.get("exp").and_then(seconds).ok_or(Error::TokenRefused(Refused::BadClaims))?;
    Ok(LogoutToken { sub, sid, jti, exp })
}
