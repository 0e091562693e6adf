//! New tokens for an old refresh token (RFC 6749 §6, OpenID Connect Core 1.0 §12).

use cloakroom_jose::OpenIdKind;

use super::Provider;
use super::documents::Ready;
use crate::answer::ask;
use crate::client_authentication::post;
use crate::error::Error;
use crate::id_token::{Expected, Identity, Nonce, judge};
use crate::tokens::Tokens;

/// What is known from the log-in; a refreshed ID token must not say otherwise.
#[derive(Clone, Copy)]
pub struct Earlier<'a> {
    /// [`crate::Identity::sub`].
    pub sub: &'a str,
    /// [`crate::Attempt::nonce`], which some providers repeat. With `None`, an ID token that has a nonce is refused:
    /// whose it is could not be told.
    pub nonce: Option<&'a str>,
}

/// What a refresh has given. No `Debug`.
pub struct Refreshed {
    /// What the provider handed out. Its refresh token may be the only good one that is left: it is kept, whatever is said of
    /// the rest.
    pub tokens: Tokens,
    /// Who it is, as of now, if an ID token came along; or why that is no good. Then the access token must not be used either, but
    /// for [`Error::Outage`], which only says that the provider's keys could not be had.
    pub identity: Result<Option<Identity>, Error>,
}

impl Provider {
    /// Refreshes. [`Error::InvalidGrant`] is final, the session is over there; [`Error::Outage`] says nothing. The
    /// caller stores a new refresh token before it uses anything else of the answer (RFC 9700 §4.14.2).
    pub async fn refresh(&self, refresh_token: &str, earlier: &Earlier<'_>, now: i64) -> Result<Refreshed, Error> {
        let parameters = [("grant_type", "refresh_token"), ("refresh_token", refresh_token)];
        let ready = self.ready(now).await?;
        let request = post(&self.settings, &ready.metadata.token, &parameters, now)?;
        let tokens = Tokens::parse(&ask(&*self.fetch, request).await?, now)?;
        let identity = self.judge_refreshed(&ready, &tokens, earlier, now).await;
        Ok(Refreshed { tokens, identity })
    }

    async fn judge_refreshed(
        &self,
        ready: &Ready,
        tokens: &Tokens,
        earlier: &Earlier<'_>,
        now: i64,
    ) -> Result<Option<Identity>, Error> {
        let Some(id_token) = &tokens.id_token else { return Ok(None) };
        let (payload, algorithm) = self.verified(ready, id_token.reveal(), OpenIdKind::IdToken, now).await?;
        let expected = Expected {
            client_id: &self.settings.client_id,
            nonce: earlier.nonce.map_or(Nonce::Missing, Nonce::IsOrMissing),
            max_age: None,
            access_token: tokens.access_token.reveal(),
            algorithm,
        };
        let identity = judge(payload, &expected, now)?;
        if identity.sub == earlier.sub { Ok(Some(identity)) } else { Err(Error::SubChanged) }
    }
}
