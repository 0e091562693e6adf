//! What a ceremony has to remember between its two halves, as JSON. Which half it belongs to is part of it, so that one
//! ceremony cannot be finished as another.
//!
//! It holds a challenge and no key. It is trusted when it comes back, so it stays on the server.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use webauthn_rs::prelude::{DiscoverableAuthentication, PasskeyRegistration};

use super::{Fault, Passkey, Refused};

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) enum State {
    Create {
        ceremony: PasskeyRegistration,
    },
    Get {
        /// A [`DiscoverableAuthentication`].
        ceremony: Value,
        /// Credential ids in base64url; `None` where any passkey of the site may answer.
        allowed: Option<Vec<String>>,
    },
}

impl State {
    /// A state of a log-in or an approval, with `challenge` in place of the one that the library drew.
    pub(super) fn of_get(
        ceremony: &DiscoverableAuthentication,
        challenge: Option<[u8; 32]>,
        allowed: Option<&[Passkey]>,
    ) -> Result<Self, Fault> {
        let mut ceremony = serde_json::to_value(ceremony).map_err(|_| Fault::Library)?;
        if let Some(challenge) = challenge {
            let place = ceremony.pointer_mut("/ast/challenge").ok_or(Fault::Library)?;
            *place = Value::String(URL_SAFE_NO_PAD.encode(challenge));
        }
        let allowed =
            allowed.map(|passkeys| passkeys.iter().map(|passkey| URL_SAFE_NO_PAD.encode(&passkey.id)).collect());
        Ok(Self::Get { ceremony, allowed })
    }

    pub(super) fn to_json(&self) -> Result<String, Fault> {
        serde_json::to_string(self).map_err(|_| Fault::Library)
    }

    pub(super) fn creation(json: &str) -> Result<PasskeyRegistration, Refused> {
        match serde_json::from_str(json) {
            Ok(Self::Create { ceremony }) => Ok(ceremony),
            _ => Err(Refused::Kept),
        }
    }

    /// The ceremony, unless the credential is none of those that were asked for.
    pub(super) fn get(json: &str, credential: &[u8]) -> Result<DiscoverableAuthentication, Refused> {
        let Ok(Self::Get { ceremony, allowed }) = serde_json::from_str(json) else { return Err(Refused::Kept) };
        if allowed.is_some_and(|allowed| !allowed.contains(&URL_SAFE_NO_PAD.encode(credential))) {
            return Err(Refused::Unknown);
        }
        serde_json::from_value(ceremony).map_err(|_| Refused::Kept)
    }
}
