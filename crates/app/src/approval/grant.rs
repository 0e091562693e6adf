//! Grants: good for one call of one session, once, on whichever node.

use crate::kept::{self, kept, slip};
use crate::token::Seen;
use crate::{App, Error, Fault, Refusal};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use cloakroom_core::approval::Call;
use cloakroom_core::event::EventKind;
use cloakroom_core::id::SessionId;
use cloakroom_core::session::Session;
use cloakroom_core::time::Timestamp;
use cloakroom_jose::sha256;
use cloakroom_store::{Error as StoreError, Order, Slip, SlipKey, SlipKind, Unit};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
struct Row {
    session: [u8; 16],
    /// Tokens of earlier generations were made before it was approved.
    generation: u32,
    method: String,
    path: String,
    body: [u8; 32],
    /// The fields that were shown.
    shown: Vec<String>,
}

/// Base64url of 32 bytes.
const CHARACTERS: usize = 43;

/// Makes a grant: the secret for its owner, and what the store keeps of it.
pub(super) fn make(
    session: &Session,
    method: &str,
    path: &str,
    body: [u8; 32],
    shown: Vec<String>,
    expires_at: Timestamp,
) -> Result<(String, Slip), Fault> {
    let secret: [u8; 32] = cloakroom_jose::random()?;
    let row = Row {
        session: *session.id.as_bytes(),
        generation: session.family.generation,
        method: method.to_owned(),
        path: path.to_owned(),
        body,
        shown,
    };
    let slip = slip(SlipKind::Grant, key(&secret)?, &row)?;
    let slip = Slip { account: Some(session.account), expires_at: Some(expires_at), ..slip };
    Ok((URL_SAFE_NO_PAD.encode(secret), slip))
}

impl App {
    /// Uses a grant for a call whose route's rule names the fields to `show`. Refused as [`Refusal::GrantRefused`] unless it is for
    /// exactly this call, in this session, was given over those fields, and was not used before.
    pub async fn use_grant(&self, seen: &Seen, grant: &str, call: &Call, show: &[String]) -> Result<(), Error> {
        let now = self.clock.now();
        let access = seen.access();
        let mut secret = [0; 32];
        let is_one = grant.len() == CHARACTERS && matches!(URL_SAFE_NO_PAD.decode_slice(grant, &mut secret), Ok(32));
        let found = if is_one { kept::<Row>(&*self.store, SlipKind::Grant, &key(&secret)?, now).await? } else { None };
        let fits = |row: &Row| {
            SessionId::from_bytes(row.session) == access.session
                && access.generation >= row.generation
                && row.method == call.method
                && row.path == call.path
                && row.body == call.body_sha256
                && row.shown == show
        };
        let Some(row) = found.filter(|row| fits(&row.value)) else {
            let event = self.event(EventKind::ApprovalRefused, now)?.about(access.account, access.session);
            self.save(Unit::from(Order::Record(event))).await?;
            return Err(Refusal::GrantRefused.into());
        };
        let event = self.event(EventKind::ApprovalUsed, now)?.about(access.account, access.session);
        match self.save(Unit::from(row.removed()).order(Order::Record(event))).await {
            Ok(()) => Ok(()),
            Err(StoreError::Conflict) => Err(Refusal::GrantRefused.into()),
            Err(error) => Err(error.into()),
        }
    }
}

fn key(secret: &[u8; 32]) -> Result<SlipKey, Fault> {
    kept::key(&[&sha256(secret)])
}
