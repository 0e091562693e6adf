//! Virtual authenticators and what they hold, in the words of `WebAuthn` 3, 11: `DevTools` and Marionette differ from them in
//! spelling only. Deliberately absent: attestation and extensions.

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

/// An authenticator that was plugged in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authenticator(String);

impl Authenticator {
    /// Built in, keeps passkeys, verifies its user, and waits for nobody to touch it.
    pub(super) fn options() -> Value {
        json!({
            "protocol": "ctap2", "transport": "internal", "hasResidentKey": true, "hasUserVerification": true,
            "isUserConsenting": true, "isUserVerified": true,
        })
    }

    pub(super) fn read(answer: &Value) -> Result<Self> {
        Ok(Self(answer["authenticatorId"].as_str().context("no id of the authenticator")?.to_owned()))
    }

    /// A parameter that names it.
    pub(super) fn named(&self) -> Value {
        json!({ "authenticatorId": self.0 })
    }
}

/// A credential, with its private key: it has no `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct Credential {
    /// Base64url without padding, as `PublicKeyCredential.id`.
    pub id: String,
    /// The domain that it is for.
    pub rp_id: String,
    /// What the site called its user, base64url without padding; none where the authenticator was not asked to keep it.
    pub user_handle: Option<String>,
    /// How often it has signed.
    pub sign_count: u64,
    /// Whether it can be found without its id: a passkey.
    pub is_discoverable: bool,
    private_key: String,
}

impl Credential {
    pub(super) fn read_all(answer: &Value) -> Result<Vec<Self>> {
        answer["credentials"].as_array().context("no list of credentials")?.iter().map(Self::read).collect()
    }

    fn read(json: &Value) -> Result<Self> {
        let text = |name: &str| json[name].as_str().map(str::to_owned);
        Ok(Self {
            id: text("credentialId").context("a credential without an id")?,
            rp_id: text("rpId").context("a credential for no site")?,
            user_handle: text("userHandle").filter(|handle| !handle.is_empty()),
            sign_count: json["signCount"].as_u64().context("a credential without a count")?,
            is_discoverable: json["isResidentCredential"].as_bool().unwrap_or_default(),
            private_key: text("privateKey").context("a credential without a key")?,
        })
    }

    /// Parameters that put it into an authenticator.
    pub(super) fn addressed(&self, authenticator: &Authenticator) -> Value {
        let mut credential = json!({
            "credentialId": self.id, "rpId": self.rp_id, "signCount": self.sign_count,
            "isResidentCredential": self.is_discoverable, "privateKey": self.private_key,
        });
        if let Some(handle) = &self.user_handle {
            credential["userHandle"] = handle.as_str().into();
        }
        let mut params = authenticator.named();
        params["credential"] = credential;
        params
    }
}
