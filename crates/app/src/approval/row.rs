//! An approval as the store keeps it.

use crate::kept::{self, Kept, kept};
use crate::{App, Error, Fault, Refusal};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use cloakroom_core::approval::{Act, Call};
use cloakroom_core::id::SessionId;
use cloakroom_core::time::{Lifetime, Timestamp};
use cloakroom_jose::sha256;
use cloakroom_store::{SlipKey, SlipKind};
use serde::{Deserialize, Serialize};

/// What names of approvals begin with.
const NAMED: &[u8] = b"approval";

/// So long its owner has to approve.
pub(super) const OPEN_FOR: Lifetime = Lifetime::from_secs(10 * 60);

/// So long what was approved can be used (design §3.7).
pub(super) const GOOD_FOR: Lifetime = Lifetime::from_secs(2 * 60);

/// After so many wrong proofs it is over (v5.0.0-6.6.3).
pub(super) const TRIES: u8 = 5;

#[derive(Serialize, Deserialize)]
pub(super) struct Row {
    pub(super) session: [u8; 16],
    pub(super) what: What,
    /// Names and values of the body's fields, as they are shown.
    pub(super) shown: Vec<(String, String)>,
    /// A local path to go to afterwards.
    pub(super) return_to: Option<String>,
    pub(super) state: State,
    pub(super) tries: u8,
    /// The hash of what the page that approved was given, where it goes on by itself.
    pub(super) page: Option<[u8; 32]>,
    /// The mailed code, as a MAC, and the key of that.
    pub(super) mailed: Option<([u8; 16], [u8; 32])>,
}

#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum What {
    /// One call to an application.
    Call { method: String, path: String, body: [u8; 32] },
    /// One change of ours, and what it is done with.
    Act { act: Act, value: Option<String> },
}

#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum State {
    Waiting,
    Approved,
    Declined,
}

impl Row {
    pub(super) fn session(&self) -> SessionId {
        SessionId::from_bytes(self.session)
    }

    /// What a passkey signs.
    pub(super) fn challenge(&self, id: &[u8; 16]) -> Option<[u8; 32]> {
        let call = match &self.what {
            What::Call { method, path, body } => Call::parse(method, path, *body)?,
            // No method of HTTP is called so.
            What::Act { act, value } => {
                let value = value.as_ref().map_or([0; 32], |value| sha256(value.as_bytes()));
                Call::parse("ACT", &format!("/{}", act.as_str()), value)?
            }
        };
        Some(sha256(&call.message(id, self.session())))
    }
}

impl App {
    /// Reads an approval that is not over. Refused as [`Refusal::ApprovalOver`], also for a name that never was one.
    pub(super) async fn approval(&self, id: &str, now: Timestamp) -> Result<([u8; 16], Kept<Row>), Error> {
        let bytes = parse(id).ok_or(Refusal::ApprovalOver)?;
        let found = kept::<Row>(&*self.store, SlipKind::Challenge, &key(&bytes)?, now).await?;
        Ok((bytes, found.ok_or(Refusal::ApprovalOver)?))
    }
}

/// Whoever reads the store learns no name that way.
pub(super) fn key(id: &[u8; 16]) -> Result<SlipKey, Fault> {
    kept::key(&[NAMED, &sha256(id)])
}

/// Whether a challenge is an approval.
pub(super) fn is_one(key: &SlipKey) -> bool {
    key.as_bytes().starts_with(NAMED)
}

pub(super) fn name(id: &[u8; 16]) -> String {
    URL_SAFE_NO_PAD.encode(id)
}

fn parse(id: &str) -> Option<[u8; 16]> {
    let mut bytes = [0; 16];
    (id.len() == 22 && matches!(URL_SAFE_NO_PAD.decode_slice(id, &mut bytes), Ok(16))).then_some(bytes)
}
