//! An application that logs people in by a provider, as a test describes it to any of them.

use serde_json::Value;

/// An application that logs people in by the code flow. It needs PKCE (S256), and gets refresh tokens.
#[derive(Clone)]
pub struct Client {
    /// `client_id`.
    pub id: String,
    /// How it says who it is at the token endpoint.
    pub authentication: Authentication,
    /// Where codes may be sent: exact URLs.
    pub redirect_uris: Vec<String>,
    /// Where people may be sent after a log-out: exact URLs. None: nowhere.
    pub post_logout_redirect_uris: Vec<String>,
    /// Where a logout token with the `sid` is posted when a session ends (`OpenID` Connect Back-Channel Logout 1.0).
    pub backchannel_logout_url: Option<String>,
}

/// How a client says who it is.
#[derive(Clone)]
pub enum Authentication {
    /// By a secret: `client_secret_basic`. (Keycloak takes `client_secret_post` as well.)
    Secret(String),
    /// By a signature, `private_key_jwt`, of one of these public keys: a JWK Set (RFC 7517).
    PrivateKeyJwt(Value),
}
