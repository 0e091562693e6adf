//! What came to the redirect URI: whether it belongs to the attempt, and what its code is worth.

use cloakroom_jose::{OpenIdKind, same};

use super::Provider;
use crate::answer::{ask, denied};
use crate::attempt::Attempt;
use crate::callback::Callback;
use crate::client_authentication::post;
use crate::error::Error;
use crate::id_token::{Expected, Identity, Nonce, judge};
use crate::tokens::Tokens;

/// A log-in that worked. No `Debug`.
pub struct LoggedIn {
    /// Who it is.
    pub identity: Identity,
    /// What the provider handed out.
    pub tokens: Tokens,
}

impl Provider {
    /// Judges what came to the redirect URI and redeems the code. The attempt is over, whatever comes of it: an answer
    /// is judged once.
    ///
    /// Before anything is sent: the attempt is one with this provider, `state` is its, `iss` is this issuer where it is
    /// there or promised, and there is a code. Before anything is answered: the ID token is ours, of this attempt, and
    /// goes with the access token.
    pub async fn redeem(&self, attempt: &Attempt, callback: &Callback, now: i64) -> Result<LoggedIn, Error> {
        self.belongs(attempt, callback, now).await?;
        if let Some(error) = &callback.error {
            return Err(denied(error));
        }
        let code = callback.code.as_deref().filter(|code| !code.is_empty()).ok_or(Error::CodeMissing)?;
        let parameters = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", &self.settings.redirect_uri),
            ("code_verifier", &attempt.verifier),
        ];
        let ready = self.ready(now).await?;
        let request = post(&self.settings, &ready.metadata.token, &parameters, now)?;
        let tokens = Tokens::parse(&ask(&*self.fetch, request).await?, now)?;
        let id_token = tokens.id_token.as_ref().ok_or(Error::TokenResponse("has no id_token"))?;
        let (payload, algorithm) = self.verified(&ready, id_token.reveal(), OpenIdKind::IdToken, now).await?;
        let expected = Expected {
            client_id: &self.settings.client_id,
            nonce: Nonce::Is(&attempt.nonce),
            max_age: attempt.max_age,
            access_token: tokens.access_token.reveal(),
            algorithm,
        };
        Ok(LoggedIn { identity: judge(payload, &expected, now)?, tokens })
    }

    /// RFC 6749 §10.12, RFC 9207 §2.4, RFC 9700 §4.4.2; holds for errors too.
    async fn belongs(&self, attempt: &Attempt, callback: &Callback, now: i64) -> Result<(), Error> {
        if attempt.provider != self.id() {
            return Err(Error::WrongProvider);
        }
        let state = callback.state.as_deref().unwrap_or_default();
        // An attempt without a state would be one that nobody began.
        if attempt.state.is_empty() || !same(state.as_bytes(), attempt.state.as_bytes()) {
            return Err(Error::WrongState);
        }
        match callback.iss.as_deref() {
            Some(iss) if iss == self.issuer() => Ok(()),
            Some(_) => Err(Error::WrongIssuer),
            None if self.metadata(now).await?.names_issuer => Err(Error::IssuerMissing),
            None => Ok(()),
        }
    }
}
