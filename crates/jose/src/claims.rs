//! Claims as types, and the proof that they were verified. The rules themselves are in `registered`.

use std::sync::Arc;

use serde::de::{DeserializeOwned, DeserializeSeed as _, Deserializer, Error as _};
use serde::{Deserialize, Serialize};

use crate::registered::NumericDateValue;

/// Names a type as the claims of one kind of token. There is nothing to implement: the registered claims are judged
/// on the signed bytes, before the type sees them.
pub trait Claims: DeserializeOwned {}

/// Claims whose signature, type, issuer, audience and time were checked. Only [`crate::verify()`] and
/// [`crate::verify_expired_too`] make one:
///
/// ```compile_fail,E0451
/// let forged = cloakroom_jose::Verified { claims: (), kid: "k".into() };
/// ```
#[derive(Clone, Debug)]
pub struct Verified<C> {
    claims: C,
    kid: Arc<str>,
}

impl<C> Verified<C> {
    pub(crate) fn new(claims: C, kid: Arc<str>) -> Self {
        Self { claims, kid }
    }

    /// What the token says.
    pub fn claims(&self) -> &C {
        &self.claims
    }

    /// What the token says, without the proof.
    pub fn into_claims(self) -> C {
        self.claims
    }

    /// The name of the key that signed it.
    pub fn kid(&self) -> &str {
        &self.kid
    }
}

/// The claims of an access token (RFC 9068 §2.2; `typ` is `at+jwt`) and four of ours. Instants are Unix seconds; a
/// fraction is cut off on reading.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessClaims {
    /// The issuer: the public URL.
    pub iss: String,
    /// The account.
    pub sub: String,
    /// The one audience: the upstream or application that this token is for. Read from a string, or from an array of
    /// exactly one string; written as a string.
    #[serde(deserialize_with = "one_audience")]
    pub aud: String,
    /// The client that the token was issued to.
    pub client_id: String,
    /// From when on it is not accepted.
    #[serde(deserialize_with = "seconds")]
    pub exp: i64,
    /// When it was made.
    #[serde(deserialize_with = "seconds")]
    pub iat: i64,
    /// The name of this one token.
    pub jti: String,
    /// The session that it belongs to.
    pub sid: String,
    /// The generation of the refresh family that it was made in.
    pub r#gen: u32,
    /// The issue within that generation.
    pub iss_no: u32,
    /// When the user last authenticated.
    #[serde(deserialize_with = "seconds")]
    pub auth_time: i64,
    /// How the user authenticated (RFC 8176).
    pub amr: Vec<String>,
    /// Roles of the user, where a provider named any (RFC 9068 §2.2.3.1).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<String>,
    /// Groups of the user, likewise.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<String>,
}

impl Claims for AccessClaims {}

/// The claims of an access token that a client was granted (RFC 9068 §2.2, RFC 8693 §4): of its own, where nobody
/// authenticated and `sub` is the client, or on behalf of a person. Reads [`AccessClaims`] as well.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GrantedClaims {
    /// As in [`AccessClaims`].
    pub iss: String,
    /// The account on whose behalf it was granted, or the client itself.
    pub sub: String,
    /// As in [`AccessClaims`]: exactly one.
    #[serde(deserialize_with = "one_audience")]
    pub aud: String,
    /// The client that the token was granted to.
    pub client_id: String,
    /// As in [`AccessClaims`].
    #[serde(deserialize_with = "seconds")]
    pub exp: i64,
    /// As in [`AccessClaims`].
    #[serde(deserialize_with = "seconds")]
    pub iat: i64,
    /// As in [`AccessClaims`].
    pub jti: String,
    /// The session on whose behalf it was granted; of a client's own token, its name on the revocation feed.
    pub sid: String,
    /// As in [`AccessClaims`]; 0 of a client's own.
    pub r#gen: u32,
    /// As in [`AccessClaims`]; 0 of a client's own.
    pub iss_no: u32,
    /// When the person authenticated, if there is one.
    #[serde(default, deserialize_with = "maybe_seconds", skip_serializing_if = "Option::is_none")]
    pub auth_time: Option<i64>,
    /// How the person authenticated.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub amr: Vec<String>,
    /// As in [`AccessClaims`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<String>,
    /// As in [`AccessClaims`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<String>,
    /// What it is good for, with a space between (RFC 9068 §2.2.3). Missing where nothing was said of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    /// Who acts on behalf of the person (RFC 8693 §4.1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub act: Option<Actor>,
}

impl Claims for GrantedClaims {}

/// Who acts on behalf of somebody, and who did before (RFC 8693 §4.1). Only the outermost one acts now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Actor {
    /// The client.
    pub sub: String,
    /// The client that acted before it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub act: Option<Box<Actor>>,
}

impl Actor {
    /// How many have acted, this one included.
    pub fn depth(&self) -> usize {
        std::iter::successors(Some(self), |actor| actor.act.as_deref()).count()
    }
}

fn maybe_seconds<'de, D: Deserializer<'de>>(json: D) -> Result<Option<i64>, D::Error> {
    seconds(json).map(Some)
}

pub(crate) fn seconds<'de, D: Deserializer<'de>>(json: D) -> Result<i64, D::Error> {
    Ok(NumericDateValue.deserialize(json)?.rounded_down)
}

pub(crate) fn one_audience<'de, D: Deserializer<'de>>(json: D) -> Result<String, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Audience {
        Text(String),
        Array([String; 1]),
    }
    match Audience::deserialize(json) {
        Ok(Audience::Text(one) | Audience::Array([one])) => Ok(one),
        Err(_) => Err(D::Error::custom("expected one audience")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wire() -> serde_json::Value {
        serde_json::json!({
            "iss": "https://app.example", "sub": "a", "aud": "https://api.example", "client_id": "c", "exp": 200, "iat": 100,
            "jti": "j", "sid": "s", "gen": 3, "iss_no": 2, "auth_time": 90, "amr": ["pwd", "otp"],
        })
    }

    #[test]
    fn access_claims_have_the_names_of_rfc_9068_and_survive_a_round_trip() {
        let claims: AccessClaims = serde_json::from_value(wire()).unwrap();
        assert_eq!((claims.r#gen, claims.iss_no, claims.auth_time), (3, 2, 90));
        assert_eq!(serde_json::to_value(&claims).unwrap(), wire());
    }

    #[test]
    fn rfc8693_4_1_the_chain_of_actors_is_nested_and_survives_a_round_trip() {
        // The example of RFC 8693 §4.1, figure 6, within our claims.
        let act = serde_json::json!({"sub": "https://service16.example.com", "act": {"sub": "https://service77.example.com"}});
        let mut granted = wire();
        granted["act"] = act.clone();
        granted["scope"] = "a b".into();
        let claims: GrantedClaims = serde_json::from_value(granted.clone()).unwrap();
        assert_eq!(claims.act.as_ref().map(Actor::depth), Some(2));
        assert_eq!(serde_json::to_value(&claims).unwrap(), granted);
        // What a person holds reads as well, with nobody acting.
        let own: GrantedClaims = serde_json::from_value(wire()).unwrap();
        assert_eq!((own.act, own.scope, own.auth_time), (None, None, Some(90)));
    }

    #[test]
    fn j87_14_access_claims_take_exactly_one_audience() {
        let with = |aud: serde_json::Value| {
            let mut wire = wire();
            wire["aud"] = aud;
            serde_json::from_value::<AccessClaims>(wire).map(|claims| claims.aud).ok()
        };
        assert_eq!(with(serde_json::json!("x")).as_deref(), Some("x"));
        assert_eq!(with(serde_json::json!(["x"])).as_deref(), Some("x"));
        for aud in [serde_json::json!([]), serde_json::json!(["x", "y"]), serde_json::json!(1), serde_json::json!(null)]
        {
            assert_eq!(with(aud), None);
        }
    }

    #[test]
    fn j87_23_fractional_seconds_are_read_and_other_types_are_not() {
        let with = |exp: serde_json::Value| {
            let mut wire = wire();
            wire["exp"] = exp;
            serde_json::from_value::<AccessClaims>(wire).map(|claims| claims.exp).ok()
        };
        assert_eq!(with(serde_json::json!(200.9)), Some(200));
        assert_eq!(with(serde_json::json!("200")), None);
        assert_eq!(with(serde_json::json!(-1)), None);
    }
}
