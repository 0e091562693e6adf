//! What a token is, for clients that cannot see for themselves (RFC 7662). Whoever may not know is told what is told of a
//! forged one.

use super::Client;
use crate::token::ACCESS_TYPE;
use crate::{App, Error, Fault};
use cloakroom_core::time::Timestamp;
use cloakroom_jose::{GrantedClaims, Refused, Verified, verify_for_anybody};

/// What is told of a token.
#[derive(Clone, Debug, PartialEq)]
pub enum Introspection {
    /// Forged, over, revoked, of a kind that is not told of, or none of this client's business.
    Inactive,
    /// Good now: the members of RFC 7662 §2.2, and `act` (RFC 8693 §4.1).
    Active(serde_json::Value),
}

impl App {
    /// Tells a client about an access token: one of its own, or one that is for it. Refused as
    /// [`Refusal::RevocationsStale`](crate::Refusal::RevocationsStale) when what was revoked is not known.
    pub async fn introspect(&self, client: &Client, token: &str) -> Result<Introspection, Error> {
        let now = self.clock.now();
        let Some(verified) = self.verify_any(token, now).await? else { return Ok(Introspection::Inactive) };
        let claims = verified.claims();
        if !client.registration.may_see(&claims.client_id, &claims.aud) {
            return Ok(Introspection::Inactive);
        }
        let Some(access) = self.access_of(claims, verified.kid()) else { return Ok(Introspection::Inactive) };
        self.catch_up(now).await?;
        if now >= access.expires_at || !self.marks.allow(&access, now) {
            return Ok(Introspection::Inactive);
        }
        let claims = GrantedClaims { exp: access.expires_at.unix_seconds(), ..verified.into_claims() };
        told(&claims).map(Introspection::Active).map_err(Error::from)
    }

    /// A genuine access token of ours that is not over, whoever it is for.
    pub(super) async fn verify_any(
        &self,
        token: &str,
        now: Timestamp,
    ) -> Result<Option<Verified<GrantedClaims>>, Error> {
        let verify = || {
            let ring = self.ring.load();
            let issuer = self.settings.issuer.as_str();
            verify_for_anybody::<GrantedClaims>(token, ring.verifying(), ACCESS_TYPE, issuer, now.unix_seconds())
        };
        match verify() {
            Err(Refused::UnknownKey) => {
                self.look_for_new_keys(now).await?;
                Ok(verify().ok())
            }
            verified => Ok(verified.ok()),
        }
    }
}

fn told(claims: &GrantedClaims) -> Result<serde_json::Value, Fault> {
    let told = serde_json::to_value(claims).map_err(|error| Fault::new("claims could not be written", error))?;
    let serde_json::Value::Object(mut told) = told else { return Err(Fault::plain("claims are no object")) };
    // Of no use to anybody but our own verifiers.
    for own in ["gen", "iss_no"] {
        told.remove(own);
    }
    told.insert("active".into(), true.into());
    told.insert("token_type".into(), "Bearer".into());
    Ok(told.into())
}
