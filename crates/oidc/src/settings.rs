//! What an operator says about one provider, checked before anything is asked.

use std::sync::Arc;

use cloakroom_jose::{Algorithm, SigningKey};

use crate::address::{Address, BadAddress};
use crate::secret::Secret;

/// One provider and who we are there. No `Debug`: it holds the client's secret.
pub struct Settings {
    /// Our name for the provider: 1 to 64 letters, digits, `-` and `_`.
    pub id: String,
    /// Its issuer identifier, exactly as its metadata and tokens spell it.
    pub issuer: String,
    /// Our name there: 1 to 255 printable ASCII characters.
    pub client_id: String,
    /// How we prove that it is us.
    pub authentication: ClientAuthentication,
    /// Where the browser comes back to; best one of its own for each provider (RFC 9700 §4.4.2.2). https, or http on a
    /// loopback host.
    pub redirect_uri: String,
    /// What to ask for beyond `openid`, which is always asked for. At most 32.
    pub scopes: Vec<String>,
}

/// How the client authenticates. A public client is not offered (OAuth 2.0 for Browser-Based Applications §6.1).
pub enum ClientAuthentication {
    /// `private_key_jwt` (RFC 7523 §2.2): preferred, nothing that is sent can be used elsewhere or twice.
    PrivateKey(Arc<SigningKey>),
    /// `client_secret_basic` (RFC 6749 §2.3.1).
    SecretBasic(Secret),
    /// `client_secret_post` (RFC 6749 §2.3.1), for providers that know nothing else.
    SecretPost(Secret),
}

/// What is wrong with [`Settings`]. The text says what to do and repeats no value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// [`Settings::id`].
    #[error("the id must be 1 to 64 letters, digits, - or _")]
    Id,
    /// [`Settings::issuer`].
    #[error("the issuer: {0}")]
    Issuer(BadAddress),
    /// [`Settings::client_id`].
    #[error("the client id must be 1 to 255 printable ASCII characters")]
    ClientId,
    /// [`Settings::redirect_uri`].
    #[error("the redirect URI: {0}")]
    RedirectUri(BadAddress),
    /// [`Settings::scopes`].
    #[error("a scope must be 1 to 128 printable ASCII characters without space, \" and \\; at most 32 of them")]
    Scope,
    /// An empty secret.
    #[error("the client secret is empty")]
    Secret,
    /// A key of HS256: the provider could sign in our name.
    #[error("the client's key must be of EdDSA, ES256 or RS256")]
    Key,
}

impl Settings {
    /// Whether all of it can be used; answers the issuer as an address.
    pub(crate) fn check(&self) -> Result<Address, SettingsError> {
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        if !(1..=64).contains(&self.id.len()) || !self.id.bytes().all(is_name) {
            return Err(SettingsError::Id);
        }
        if !(1..=255).contains(&self.client_id.len())
            || !self.client_id.bytes().all(|byte| (b' '..=b'~').contains(&byte))
        {
            return Err(SettingsError::ClientId);
        }
        // RFC 6749 §3.3.
        let is_scope = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\');
        let is_token = |scope: &String| (1..=128).contains(&scope.len()) && scope.bytes().all(is_scope);
        if self.scopes.len() > 32 || !self.scopes.iter().all(is_token) {
            return Err(SettingsError::Scope);
        }
        match &self.authentication {
            ClientAuthentication::SecretBasic(secret) | ClientAuthentication::SecretPost(secret)
                if secret.reveal().is_empty() =>
            {
                return Err(SettingsError::Secret);
            }
            ClientAuthentication::PrivateKey(key) if key.algorithm() == Algorithm::Hs256 => {
                return Err(SettingsError::Key);
            }
            _ => {}
        }
        Address::parse(&self.redirect_uri, true).map_err(SettingsError::RedirectUri)?;
        Address::issuer(&self.issuer).map_err(SettingsError::Issuer)
    }

    /// The parameter `scope`: `openid` first, and once.
    pub(crate) fn scope(&self) -> String {
        let further = self.scopes.iter().map(String::as_str).filter(|scope| *scope != "openid");
        std::iter::once("openid").chain(further).collect::<Vec<_>>().join(" ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> Settings {
        Settings {
            id: "main".into(),
            issuer: "https://id.example/realms/main".into(),
            client_id: "app".into(),
            authentication: ClientAuthentication::SecretBasic(Secret::new("s".into())),
            redirect_uri: "https://app.example/auth/callback/main".into(),
            scopes: vec!["email".into(), "openid".into()],
        }
    }

    fn refusal(change: impl FnOnce(&mut Settings)) -> Option<SettingsError> {
        let mut settings = settings();
        change(&mut settings);
        settings.check().err()
    }

    #[test]
    fn each_mistake_has_its_error() {
        assert_eq!(refusal(|_| {}), None);
        for id in ["", "a/b", "ä", &"a".repeat(65)] {
            assert_eq!(refusal(|settings| settings.id = id.into()), Some(SettingsError::Id));
        }
        for client in ["", "a\n", &"a".repeat(256)] {
            assert_eq!(refusal(|settings| settings.client_id = client.into()), Some(SettingsError::ClientId));
        }
        for scope in ["", "a b", "a\"", "a\\"] {
            assert_eq!(refusal(|settings| settings.scopes = vec![scope.into()]), Some(SettingsError::Scope));
        }
        let plain = refusal(|settings| settings.redirect_uri = "http://app.example/".into());
        assert_eq!(plain, Some(SettingsError::RedirectUri(BadAddress::NotHttps)));
        let empty = refusal(|settings| {
            settings.authentication = ClientAuthentication::SecretPost(Secret::new(String::new()));
        });
        assert_eq!(empty, Some(SettingsError::Secret));
    }

    #[test]
    fn r97_15_an_issuer_is_https_or_on_this_machine_and_has_no_query() {
        let issuer = |issuer: &str| refusal(|settings| settings.issuer = issuer.into());
        assert_eq!(issuer("http://127.0.0.1:8080/realms/main"), None);
        assert_eq!(issuer("http://id.example"), Some(SettingsError::Issuer(BadAddress::NotHttps)));
        for more in ["https://id.example?a=b", "https://id.example#a"] {
            assert_eq!(issuer(more), Some(SettingsError::Issuer(BadAddress::HoldsMore)));
        }
    }

    #[test]
    fn bba_01_a_key_that_the_provider_holds_too_is_no_private_key() {
        let with = |algorithm| {
            let key = Arc::new(SigningKey::generate(algorithm, "k").unwrap());
            refusal(|settings| settings.authentication = ClientAuthentication::PrivateKey(key))
        };
        assert_eq!(with(Algorithm::Hs256), Some(SettingsError::Key));
        assert_eq!(with(Algorithm::Es256), None);
    }

    #[test]
    fn openid_is_asked_for_first_and_once() {
        assert_eq!(settings().scope(), "openid email");
    }
}
