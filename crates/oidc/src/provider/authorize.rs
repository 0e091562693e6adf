//! The request that the browser carries to the provider (OpenID Connect Core 1.0 §3.1.2.1).

use super::Provider;
use crate::attempt::Attempt;
use crate::error::Error;

/// What a log-in is wished to be like; the provider may see to it, or not. (`max_age`, which is checked, belongs to the
/// attempt: [`Provider::begin`].)
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuthorizeWish {
    /// What the provider shows.
    pub prompt: Option<Prompt>,
    /// Who is probably logging in. Left out when longer than 512 bytes.
    pub login_hint: Option<String>,
    /// How well to authenticate, best first, between spaces; what came of it is in [`crate::Identity::acr`]. Left out
    /// when longer than 512 bytes.
    pub acr_values: Option<String>,
}

/// What the provider shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Prompt {
    /// Nothing: who is not logged in there is refused with `login_required`.
    None,
    /// The log-in, even to those who are logged in.
    Login,
    /// The consent.
    Consent,
    /// A choice of accounts.
    SelectAccount,
}

impl Prompt {
    const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Login => "login",
            Self::Consent => "consent",
            Self::SelectAccount => "select_account",
        }
    }
}

/// In bytes of a wish.
const LONGEST_WISH: usize = 512;

impl Provider {
    /// The address to send the browser to. Carries neither a token nor a secret: of the verifier only its hash.
    ///
    /// Fails if the provider's metadata cannot be had, or the attempt was begun with another provider.
    pub async fn authorize(&self, attempt: &Attempt, wish: &AuthorizeWish, now: i64) -> Result<String, Error> {
        if attempt.provider != self.id() {
            return Err(Error::WrongProvider);
        }
        let metadata = self.metadata(now).await?;
        let (scope, challenge) = (self.settings.scope(), attempt.challenge());
        let max_age = attempt.max_age.map(|seconds| seconds.to_string());
        let mut parameters = vec![
            ("response_type", "code"),
            ("client_id", &self.settings.client_id),
            ("redirect_uri", &self.settings.redirect_uri),
            ("scope", &scope),
            ("state", &attempt.state),
            ("nonce", &attempt.nonce),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ];
        let bounded =
            |wish: &'_ Option<String>| wish.as_deref().filter(|wish| wish.len() <= LONGEST_WISH).map(str::to_owned);
        let (login_hint, acr_values) = (bounded(&wish.login_hint), bounded(&wish.acr_values));
        let wishes = [
            ("prompt", wish.prompt.map(Prompt::as_str)),
            ("max_age", max_age.as_deref()),
            ("login_hint", login_hint.as_deref()),
            ("acr_values", acr_values.as_deref()),
        ];
        parameters.extend(wishes.iter().filter_map(|(name, value)| Some((*name, (*value)?))));
        Ok(metadata.authorization.with(&parameters))
    }
}
