//! Clients that operators register on the command line: kept as slips (decision 0011), found by their names.

use super::{Client, Proof};
use crate::kept::{self, Kept, kept, read, slip};
use crate::{App, Error, Fault, Refusal};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use cloakroom_core::event::EventKind;
use cloakroom_core::service::{ClientId, Grant, Registration};
use cloakroom_core::time::Timestamp;
use cloakroom_jose::{JwkSet, KeySet, random, sha256};
use cloakroom_store::{Error as StoreError, Order, Slip, SlipKey, SlipKind, Unit};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// No more are listed: an installation has dozens.
const MOST: u32 = 1000;

/// What the store keeps.
#[derive(Serialize, Deserialize)]
struct Row {
    id: String,
    name: String,
    grants: Vec<String>,
    audience: Option<String>,
    audiences: Vec<String>,
    scopes: String,
    /// SHA-256 of the secret; or
    secret: Option<[u8; 32]>,
    /// a set of public keys, as it was read from a file.
    keys: Option<String>,
    created_at: i64,
}

/// A client to be registered.
pub struct NewClient {
    /// What it is and may do.
    pub registration: Registration,
    /// Its public keys (RFC 7517 §5); without them it gets a secret.
    pub keys: Option<String>,
}

/// A client that was registered.
pub struct Registered {
    /// What it is and may do.
    pub registration: Registration,
    /// Whether it proves itself by keys; otherwise by a secret.
    pub has_keys: bool,
    /// When it was registered.
    pub created_at: Timestamp,
}

impl App {
    /// Registers a client. The secret of one without keys is answered here and never again: 256 random bits. Refused as
    /// [`Refusal::ClientTaken`] when there is one of that name, and as [`Refusal::BadKeys`].
    pub async fn create_client(&self, new: &NewClient) -> Result<Option<String>, Error> {
        let now = self.clock.now();
        let registration = &new.registration;
        if self.client(registration.id.as_str()).await?.is_some() {
            return Err(Refusal::ClientTaken.into());
        }
        if let Some(keys) = &new.keys {
            key_set(keys).ok_or(Refusal::BadKeys)?;
        }
        let secret = match new.keys {
            Some(_) => None,
            None => Some(format!("ccs_{}", URL_SAFE_NO_PAD.encode(random::<32>()?))),
        };
        let row = Row {
            id: registration.id.to_string(),
            name: registration.name.clone(),
            grants: registration.grants.iter().map(|grant| grant.name().to_owned()).collect(),
            audience: registration.audience.clone(),
            audiences: registration.audiences.clone(),
            scopes: registration.scopes.to_string(),
            secret: secret.as_ref().map(|secret| sha256(secret.as_bytes())),
            keys: new.keys.clone(),
            created_at: now.millis(),
        };
        // Due from now on, and never done with: that is how all of them are found.
        let slip = Slip { due_at: Some(now), ..slip(SlipKind::Client, key_of(&registration.id)?, &row)? };
        let event = self.event(EventKind::ClientCreated, now)?.of_nobody();
        match self.save(Unit::from(Order::AddSlip(slip)).order(Order::Record(event))).await {
            Ok(()) => Ok(secret),
            Err(StoreError::Conflict) => Err(Refusal::ClientTaken.into()),
            Err(error) => Err(error.into()),
        }
    }

    /// Every client of the store, at most 1000, those that were registered first first.
    pub async fn list_clients(&self) -> Result<Vec<Registered>, Fault> {
        let slips = self.store.slips_due(SlipKind::Client, self.clock.now(), MOST).await?;
        slips.into_iter().map(|slip| Ok(registered(&read::<Row>(slip)?.value)?.0)).collect()
    }

    /// Removes a client: it gets no token any more. Those that it has end by themselves, within `session.access_for`. Refused as
    /// [`Refusal::UnknownClient`].
    pub async fn remove_client(&self, id: &ClientId) -> Result<(), Error> {
        let now = self.clock.now();
        let row: Option<Kept<Row>> = kept(&*self.store, SlipKind::Client, &key_of(id)?, now).await?;
        let removed = row.ok_or(Refusal::UnknownClient)?.removed();
        let event = self.event(EventKind::ClientRemoved, now)?.of_nobody();
        match self.save(Unit::from(removed).order(Order::Record(event))).await {
            Ok(()) => Ok(()),
            Err(StoreError::Conflict) => Err(Refusal::UnknownClient.into()),
            Err(error) => Err(error.into()),
        }
    }

    pub(super) async fn registered_client(&self, id: &ClientId) -> Result<Option<Client>, Fault> {
        let row = kept::<Row>(&*self.store, SlipKind::Client, &key_of(id)?, self.clock.now()).await?;
        let Some(row) = row else { return Ok(None) };
        let (registered, proof) = registered(&row.value)?;
        Ok(Some(Client { registration: registered.registration, proof }))
    }
}

fn registered(row: &Row) -> Result<(Registered, Proof), Fault> {
    let unreadable = || Fault::plain("a client of the store cannot be read");
    let grants: Option<Vec<_>> = row.grants.iter().map(|name| Grant::from_name(name)).collect();
    let registration = Registration {
        id: row.id.parse().map_err(|_| unreadable())?,
        name: row.name.clone(),
        grants: grants.ok_or_else(unreadable)?,
        audience: row.audience.clone(),
        audiences: row.audiences.clone(),
        scopes: row.scopes.parse().map_err(|_| unreadable())?,
    };
    let proof = match (&row.secret, &row.keys) {
        (Some(hash), None) => Proof::Secret(*hash),
        (None, Some(keys)) => Proof::Keys(Arc::new(key_set(keys).ok_or_else(unreadable)?)),
        _ => return Err(unreadable()),
    };
    let created_at = Timestamp::from_millis(row.created_at);
    Ok((Registered { registration, has_keys: row.keys.is_some(), created_at }, proof))
}

/// At least one key that can verify here.
fn key_set(text: &str) -> Option<KeySet> {
    let set = JwkSet::parse(text.as_bytes()).ok()?;
    KeySet::from_jwks(&set).ok().filter(|keys| !keys.is_empty())
}

fn key_of(id: &ClientId) -> Result<SlipKey, Fault> {
    kept::key(&[id.as_str().as_bytes()])
}
