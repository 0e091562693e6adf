//! Making what was granted: access tokens after RFC 9068 that name who acts.

use super::Client;
use crate::token::{ACCESS_TYPE, jti};
use crate::{App, Fault};
use cloakroom_core::access::Access;
use cloakroom_core::id::{AccountId, SessionId};
use cloakroom_core::service::Scope;
use cloakroom_core::time::{Lifetime, Timestamp};
use cloakroom_jose::{GrantedClaims, random};

/// A token that was granted. No `Debug`: it holds a secret.
pub struct Granted {
    /// The token.
    pub access_token: String,
    /// How long it lives from now on.
    pub expires_in: Lifetime,
    /// What it is good for.
    pub scope: Scope,
}

impl App {
    /// A client's own token: `sub` is the client, and there is no person in it. Its `sid` is a name of its own, by which the
    /// revocation feed can end it.
    pub(super) fn mint_own(
        &self,
        client: &Client,
        audience: &str,
        scope: Scope,
        now: Timestamp,
    ) -> Result<Granted, Fault> {
        let id = client.registration.id.to_string();
        let claims = GrantedClaims {
            iss: self.settings.issuer.clone(),
            sub: id.clone(),
            aud: audience.to_owned(),
            client_id: id,
            exp: now.plus(self.settings.lifetimes.access_for).unix_seconds(),
            iat: now.unix_seconds(),
            jti: jti()?,
            sid: SessionId::from_bytes(random()?).to_string(),
            r#gen: 0,
            iss_no: 0,
            auth_time: None,
            amr: Vec::new(),
            roles: Vec::new(),
            groups: Vec::new(),
            scope: Some(scope.to_string()),
            act: None,
        };
        self.mint_granted(&claims, scope, now)
    }

    pub(super) fn mint_granted(&self, claims: &GrantedClaims, scope: Scope, now: Timestamp) -> Result<Granted, Fault> {
        let access_token = self.ring.load().signer(now)?.sign(ACCESS_TYPE, claims)?;
        let expires_in = Timestamp::from_unix_seconds(claims.exp).since(Timestamp::from_unix_seconds(claims.iat));
        Ok(Granted { access_token, expires_in, scope })
    }

    /// What the revocation feed is asked about a genuine token, whoever holds it. Of a client's own there is no account.
    pub(super) fn access_of(&self, claims: &GrantedClaims, kid: &str) -> Option<Access> {
        let is_own = claims.sub == claims.client_id;
        let issued_at = Timestamp::from_unix_seconds(claims.iat);
        let longest = issued_at.plus(self.settings.lifetimes.access_for);
        Some(Access {
            account: if is_own { AccountId::NOBODY } else { claims.sub.parse().ok()? },
            session: claims.sid.parse().ok()?,
            generation: claims.r#gen,
            issue: claims.iss_no,
            issued_at,
            expires_at: Timestamp::from_unix_seconds(claims.exp).min(longest),
            key: kid.parse().ok()?,
        })
    }
}
