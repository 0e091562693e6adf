//! The first half of a ceremony: what the browser is asked for, and what has to be remembered until it answers.

use webauthn_rs::prelude::{Passkey as Record, RequestChallengeResponse, Uuid, WebauthnError};
use webauthn_rs_proto::{ResidentKeyRequirement, UserVerificationPolicy};

use super::state::State;
use super::{Party, Passkey};

/// A ceremony that has begun.
pub struct Begun {
    /// For the page: the JSON of `navigator.credentials.create` or `get`, `{"publicKey": {…}}`, bytes in base64url, as
    /// `PublicKeyCredential.parseCreationOptionsFromJSON` and `parseRequestOptionsFromJSON` read what is inside.
    pub options: String,
    /// For the server, opaque JSON. It must not be taken from the browser, and must be good once and for minutes.
    pub state: String,
}

/// Why no ceremony can begin. A fault of ours, not of the browser.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The name of the account is empty.
    #[error("a passkey needs the name of its account")]
    Name,
    /// There is no passkey to ask for; asking for none would ask for any.
    #[error("there is no passkey to ask for")]
    Nothing,
    /// A stored passkey cannot be read.
    #[error("a stored passkey cannot be read")]
    Stored,
    /// `webauthn-rs` does not do what it did when this was written.
    #[error("webauthn-rs refuses to begin a ceremony")]
    Library,
}

impl Party {
    /// Begins to enrol a passkey (`WebAuthn` §7.1): discoverable, with verification of its user, without attestation.
    /// `account` becomes the user handle, `name` is shown by authenticators, `existing` are the passkeys of the account,
    /// whose authenticators are left out.
    pub fn begin_registration(&self, account: [u8; 16], name: &str, existing: &[Passkey]) -> Result<Begun, Fault> {
        let existing = existing.iter().map(|passkey| passkey.id.clone()).collect();
        let begun = self.webauthn.start_passkey_registration(Uuid::from_bytes(account), name, name, Some(existing));
        let (mut options, ceremony) = begun.map_err(|error| match error {
            WebauthnError::InvalidUsername => Fault::Name,
            _ => Fault::Library,
        })?;
        // The library discourages it, to spare the memory of security keys. Without it nobody logs in without an address.
        let selection = options.public_key.authenticator_selection.get_or_insert_default();
        selection.resident_key = Some(ResidentKeyRequirement::Required);
        selection.require_resident_key = true;
        selection.user_verification = UserVerificationPolicy::Required;
        let options = serde_json::to_string(&options).map_err(|_| Fault::Library)?;
        Ok(Begun { options, state: State::Create { ceremony }.to_json()? })
    }

    /// Begins to ask for one of `passkeys`, those of an account that is known (`WebAuthn` §7.2), with verification of its
    /// user. With `challenge`, exactly these bytes are signed; they must hold randomness of ours or be otherwise
    /// impossible to foresee, and never be asked for twice (§13.4.3).
    pub fn begin(&self, passkeys: &[Passkey], challenge: Option<[u8; 32]>) -> Result<Begun, Fault> {
        let records = passkeys.iter().map(|passkey| serde_json::from_str(&passkey.data).map_err(|_| Fault::Stored));
        let records = records.collect::<Result<Vec<Record>, Fault>>()?;
        if records.is_empty() {
            return Err(Fault::Nothing);
        }
        // Only for the list of credentials with the ways that lead to each. The ceremony itself is the discoverable one,
        // which is given the record when it finishes: with the counter as it is then.
        let (list, _) = self.webauthn.start_passkey_authentication(&records).map_err(|_| Fault::Library)?;
        self.ask(challenge, Some(passkeys), |options| {
            options.public_key.allow_credentials = list.public_key.allow_credentials;
        })
    }

    /// Begins a log-in without an address: any passkey of this site may answer, with verification of its user.
    pub fn begin_discoverable(&self) -> Result<Begun, Fault> {
        self.ask(None, None, |_| ())
    }

    fn ask(
        &self,
        challenge: Option<[u8; 32]>,
        allowed: Option<&[Passkey]>,
        complete: impl FnOnce(&mut RequestChallengeResponse),
    ) -> Result<Begun, Fault> {
        let (mut options, ceremony) = self.webauthn.start_discoverable_authentication().map_err(|_| Fault::Library)?;
        // The library means it for the autofill of a form; a page that wants that adds it.
        options.mediation = None;
        options.public_key.extensions = None;
        if let Some(challenge) = challenge {
            options.public_key.challenge = challenge.to_vec();
        }
        complete(&mut options);
        let options = serde_json::to_string(&options).map_err(|_| Fault::Library)?;
        Ok(Begun { options, state: State::of_get(&ceremony, challenge, allowed)?.to_json()? })
    }
}
