//! Revocation by whoever a token was granted to (RFC 7009): an entry of the feed, seen by every node and every API at once.

use super::Client;
use crate::{App, Error, Refusal};
use cloakroom_core::access::Revocation;
use cloakroom_core::event::EventKind;
use cloakroom_core::refresh::{EndReason, RefreshToken};
use cloakroom_core::service;
use cloakroom_core::session::Strategy;
use cloakroom_store::{Error as StoreError, Order, Unit};

impl App {
    /// Revokes an access token that was granted to this client for itself. What is not a token, or no longer, is as it should
    /// be. Refused as [`RevocationOfOthers`](service::Refusal::RevocationOfOthers), and as
    /// [`NotRevocable`](service::Refusal::NotRevocable) where a token is of a person's session: that is its person's to end.
    pub async fn revoke_token(&self, client: &Client, token: &str) -> Result<(), Error> {
        let now = self.clock.now();
        let Some(verified) = self.verify_any(token, now).await? else { return Ok(()) };
        let claims = verified.claims();
        if claims.client_id != client.registration.id.as_str() {
            return Err(Refusal::Service(service::Refusal::RevocationOfOthers).into());
        }
        if claims.sub != claims.client_id {
            return Err(Refusal::Service(service::Refusal::NotRevocable).into());
        }
        let Some(access) = self.access_of(claims, verified.kid()) else { return Ok(()) };
        let entry = Revocation::Session(access.session);
        let event = self.event(EventKind::TokenRevoked, now)?.of_nobody();
        let unit = Unit::from(Order::Revoke { entry, until: self.outlived_at(now) }).order(Order::Record(event));
        self.save(unit).await?;
        Ok(self.follow_feed().await?)
    }

    /// Ends the session of a refresh token that a program holds, as whoever holds it can (RFC 7009 §2.1). `false` when it is no
    /// such token; one whose session is over already is as it should be.
    pub async fn revoke_refresh(&self, token: &str) -> Result<bool, Error> {
        let now = self.clock.now();
        let Ok(token) = RefreshToken::parse(token) else { return Ok(false) };
        let Some(session) = self.store.session(token.session()).await? else { return Ok(true) };
        // Other strategies' tokens belong in cookies, and end by a log-out.
        if session.strategy != Strategy::Native || !self.is_genuine(&token, &session) || session.family.ended.is_some()
        {
            return Ok(true);
        }
        let unit = self.end(Unit::new(), &session, EndReason::LoggedOut, now)?;
        match self.save(unit).await {
            // It ended in this moment by another hand, which is what was asked for.
            Ok(()) | Err(StoreError::Conflict) => Ok(self.follow_feed().await.map(|()| true)?),
            Err(error) => Err(error.into()),
        }
    }
}
