//! Tokens that a client gets for itself: because it is who it is (RFC 6749 §4.4), or by what it has signed (RFC 7523 §2.1).

use super::{Client, Granted};
use crate::{App, Error, Refusal};
use cloakroom_core::service::{self, Grant};
use cloakroom_core::time::Timestamp;
use cloakroom_jose::{AssertionKind, claimed_issuer};
use std::net::IpAddr;

/// What a client wishes for. Nothing of it is judged yet.
#[derive(Clone, Debug, Default)]
pub struct Wish {
    /// Values of `audience` and `resource`.
    pub targets: Vec<String>,
    /// `scope`.
    pub scope: Option<String>,
}

impl App {
    /// `client_credentials`. Refused as any of [`service::Refusal`].
    pub fn grant_client_credentials(&self, client: &Client, wish: &Wish) -> Result<Granted, Error> {
        client.registration.may(Grant::ClientCredentials).map_err(Refusal::Service)?;
        self.grant_own(client, wish, Grant::ClientCredentials)
    }

    /// `urn:ietf:params:oauth:grant-type:jwt-bearer`. The assertion says who asks; where the client has authenticated as
    /// well, it must be the same (RFC 7521 §4.1). It is used up. Wrong ones count, by network.
    ///
    /// Refused as any of [`service::Refusal`]; whoever signs for another than itself gets nothing.
    pub async fn grant_jwt_bearer(
        &self,
        authenticated: Option<&Client>,
        assertion: &str,
        wish: &Wish,
        from: IpAddr,
    ) -> Result<Granted, Error> {
        let now = self.clock.now();
        let judged = self.judge_jwt_bearer(authenticated, assertion, now).await;
        let client = self.count_if_wrong(judged, from, now).await?;
        self.grant_own(&client, wish, Grant::JwtBearer)
    }

    async fn judge_jwt_bearer(
        &self,
        authenticated: Option<&Client>,
        assertion: &str,
        now: Timestamp,
    ) -> Result<Client, Error> {
        let refuse = |refusal| Error::from(Refusal::Service(refusal));
        let issuer = claimed_issuer(assertion).ok_or_else(|| refuse(service::Refusal::AssertionInvalid))?;
        let client = self.client(&issuer).await?.ok_or_else(|| refuse(service::Refusal::AssertionInvalid))?;
        if authenticated.is_some_and(|other| other.registration.id != client.registration.id) {
            return Err(refuse(service::Refusal::AssertionAboutOthers));
        }
        let assertion = self.verify_assertion(&client, assertion, AssertionKind::Grant, now).await?;
        // Only whoever has signed learns what its client may.
        client.registration.may(Grant::JwtBearer).map_err(refuse)?;
        if !self.use_up(&client, &assertion).await? {
            return Err(refuse(service::Refusal::AssertionReplayed));
        }
        Ok(client)
    }

    fn grant_own(&self, client: &Client, wish: &Wish, grant: Grant) -> Result<Granted, Error> {
        let registration = &client.registration;
        let target = registration.target(&wish.targets).map_err(Refusal::Service)?;
        let scope = registration.scope(wish.scope.as_deref(), None).map_err(Refusal::Service)?;
        let made = self.mint_own(client, target, scope, self.clock.now())?;
        count(grant);
        // No line of the trail: nothing of anybody's was touched, and very many of them are asked for.
        tracing::info!(client = %registration.id, audience = target, grant = grant.name(), "a token was granted");
        Ok(made)
    }
}

/// Counts a token that was granted, for the metrics.
pub(super) fn count(grant: Grant) {
    metrics::counter!("cloakroom_tokens_granted_total", "grant" => grant.name()).increment(1);
}
