//! The second half of a ceremony: is what the browser answered good?

use webauthn_rs::prelude::{Passkey as Record, PublicKeyCredential, RegisterPublicKeyCredential};

use super::quiet::quietly;
use super::response::{MAX_ID, parse, preconditions};
use super::state::State;
use super::{Party, Passkey, Refused};

/// A passkey that answered.
pub struct Used {
    /// Which of them, by its credential id.
    pub id: Vec<u8>,
    /// What to store in its place, where its counter or the state of its backup moved. A caller that loses the race to
    /// store it judges again: of two uses of one counter, one is a copy's.
    pub changed: Option<Passkey>,
}

impl Party {
    /// Judges an enrolment (`WebAuthn` §7.1). The caller still sees to it that no other account has the credential id.
    pub fn finish_registration(&self, response: &str, state: &str) -> Result<Passkey, Refused> {
        let ceremony = State::creation(state)?;
        let response: RegisterPublicKeyCredential = parse(response)?;
        preconditions(&response.type_, &response.response.client_data_json)?;
        let record = quietly(|| self.webauthn.finish_passkey_registration(&response, &ceremony))?;
        if record.cred_id().len() > MAX_ID {
            return Err(Refused::Malformed);
        }
        Passkey::of(&record)
    }

    /// Judges a log-in or an approval (`WebAuthn` §7.2) by `passkeys`: those of the account, as they are stored now.
    pub fn finish(&self, response: &str, state: &str, passkeys: &[Passkey]) -> Result<Used, Refused> {
        let response: PublicKeyCredential = parse(response)?;
        let ceremony = State::get(state, &response.raw_id)?;
        preconditions(&response.type_, &response.response.client_data_json)?;
        let passkey = passkeys.iter().find(|passkey| passkey.id == response.raw_id).ok_or(Refused::Unknown)?;
        let mut record: Record = serde_json::from_str(&passkey.data).map_err(|_| Refused::Kept)?;
        let result = quietly(|| self.webauthn.finish_discoverable_authentication_v2(&response, ceremony, &record))?;
        let changed = match record.update_credential(&result) {
            Some(true) => Some(Passkey::of(&record)?),
            _ => None,
        };
        Ok(Used { id: response.raw_id, changed })
    }
}

impl Passkey {
    fn of(record: &Record) -> Result<Self, Refused> {
        let data = serde_json::to_string(record).map_err(|_| Refused::Kept)?;
        Ok(Self { id: record.cred_id().clone(), data })
    }
}
