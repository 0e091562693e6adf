//! Takes a refresh token back (RFC 7009).

use super::Provider;
use crate::answer::{ask, refusal};
use crate::client_authentication::post;
use crate::error::Error;

impl Provider {
    /// Revokes a refresh token where the provider offers it; where it does not, there is nothing to do, and that is no
    /// error. A token that is not good any more is revoked already (RFC 7009 §2.2).
    pub async fn revoke(&self, refresh_token: &str, now: i64) -> Result<(), Error> {
        let metadata = self.metadata(now).await?;
        let Some(to) = &metadata.revocation else { return Ok(()) };
        let parameters = [("token", refresh_token), ("token_type_hint", "refresh_token")];
        let response = ask(&*self.fetch, post(&self.settings, to, &parameters, now)?).await?;
        if response.status == 200 { Ok(()) } else { Err(refusal(&response)) }
    }
}
