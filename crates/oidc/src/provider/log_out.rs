//! Log-out, both ways: ours tells the provider (RP-Initiated Logout 1.0), the provider tells us (Back-Channel Logout
//! 1.0).

use cloakroom_jose::OpenIdKind;

use super::Provider;
use crate::error::Error;
use crate::logout_token::{self, LogoutToken};

impl Provider {
    /// The address that ends the session at the provider and then leads to `back_to`, which must be registered there.
    /// `None` if the provider offers none. The ID token says who logs out, so that nobody is asked; it is no
    /// credential.
    pub async fn log_out_url(
        &self,
        id_token: Option<&str>,
        back_to: &str,
        state: Option<&str>,
        now: i64,
    ) -> Result<Option<String>, Error> {
        let metadata = self.metadata(now).await?;
        let Some(address) = &metadata.end_session else { return Ok(None) };
        let mut parameters =
            vec![("client_id", self.settings.client_id.as_str()), ("post_logout_redirect_uri", back_to)];
        parameters.extend(id_token.map(|id_token| ("id_token_hint", id_token)));
        parameters.extend(state.map(|state| ("state", state)));
        Ok(Some(address.with(&parameters)))
    }

    /// Judges what came to the back-channel log-out URI. The caller refuses a [`LogoutToken::jti`] that it has seen.
    pub async fn judge_logout_token(&self, token: &str, now: i64) -> Result<LogoutToken, Error> {
        let ready = self.ready(now).await?;
        let (payload, _) = self.verified(&ready, token, OpenIdKind::LogoutToken, now).await?;
        logout_token::judge(&payload, now)
    }
}
