//! Reads what a browser answered, its size bounded first. Nothing here is verified.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use webauthn_rs::prelude::PublicKeyCredential;

use super::{Check, Party, Refused};

/// A longer response is refused unread, in bytes. Without attestation one is about 1 KiB.
const MAX_RESPONSE: usize = 16 * 1024;
/// `WebAuthn` §4, credential id, in bytes.
pub(super) const MAX_ID: usize = 1023;

impl Party {
    /// The account whose passkey answered a log-in, as the response says it (the user handle). Not verified: it says
    /// where to look for passkeys, and [`Party::finish`] judges with those.
    pub fn account_of(response: &str) -> Option<[u8; 16]> {
        parse::<PublicKeyCredential>(response).ok()?.get_user_unique_id()?.try_into().ok()
    }

    /// The credential that answered a log-in or an approval, as the response says it. Not verified.
    pub fn credential_of(response: &str) -> Option<Vec<u8>> {
        let id = parse::<PublicKeyCredential>(response).ok()?.raw_id;
        (id.len() <= MAX_ID).then_some(id)
    }
}

pub(super) fn parse<T: DeserializeOwned>(response: &str) -> Result<T, Refused> {
    if response.len() > MAX_RESPONSE {
        return Err(Refused::Malformed);
    }
    serde_json::from_str(response).map_err(|_| Refused::Malformed)
}

/// Refuses a response that is no public key credential, or came out of a frame of another site (`WebAuthn` §7.2, step 14,
/// which the library does for enrolments only).
pub(super) fn preconditions(kind: &str, client_data: &[u8]) -> Result<(), Refused> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Frame {
        #[serde(default)]
        cross_origin: Option<bool>,
        #[serde(default)]
        top_origin: Option<String>,
    }
    if kind != "public-key" {
        return Err(Refused::Malformed);
    }
    let frame: Frame = serde_json::from_slice(client_data).map_err(|_| Refused::Malformed)?;
    if frame.cross_origin == Some(true) || frame.top_origin.is_some() {
        return Err(Refused::Wrong(Check::Frame));
    }
    Ok(())
}
