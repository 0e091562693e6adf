//! Everything that is kept of one account, for its owner (GDPR Art. 15 and 20). No secret is in it, nor a hash of one.

use crate::device::ListedDevice;
use crate::factor::Factors;
use crate::federation::Linked;
use crate::kept::{Kept, kept_of};
use crate::{App, Error, Refusal};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use cloakroom_core::account::Account;
use cloakroom_core::device::Device;
use cloakroom_core::event::{Event, EventKind};
use cloakroom_core::id::AccountId;
use cloakroom_core::session::Session;
use cloakroom_store::{Order, SlipKind, Unit};

/// All that is kept of an account.
pub struct Export {
    /// The account.
    pub account: Account,
    /// Its sessions that have not ended.
    pub sessions: Vec<Session>,
    /// Its devices.
    pub devices: Vec<ListedDevice>,
    /// Its factors.
    pub factors: Factors,
    /// Its identities at providers.
    pub identities: Vec<Linked>,
    /// Lines of the audit trail about it, the newest first; at most [`Export::MAX_EVENTS`].
    pub events: Vec<Event>,
}

impl Export {
    /// Older lines than so many are left out.
    pub const MAX_EVENTS: u32 = 10_000;
}

impl App {
    /// Gives out everything that is kept of an account, and notes that in the trail. Refused as [`Refusal::UnknownAccount`].
    pub async fn export_account(&self, id: AccountId) -> Result<Export, Error> {
        let export = self.look_at_account(id).await?;
        let event = self.event(EventKind::AccountExported, self.clock.now())?.of(id);
        self.save(Unit::from(Order::Record(event))).await?;
        Ok(export)
    }

    /// The same for an operator who looks, which is not noted. Refused as [`Refusal::UnknownAccount`].
    pub async fn look_at_account(&self, id: AccountId) -> Result<Export, Error> {
        let now = self.clock.now();
        let account = self.store.account(id).await?.ok_or(Refusal::UnknownAccount)?;
        let devices: Vec<Kept<Device>> = kept_of(&*self.store, id, SlipKind::Device, now).await?;
        let devices = devices
            .into_iter()
            .map(|kept| ListedDevice {
                id: URL_SAFE_NO_PAD.encode(kept.slip.key.as_bytes().get(16..).unwrap_or_default()),
                here: false,
                device: kept.value,
            })
            .collect();
        let events = self.store.events_of(id, Export::MAX_EVENTS).await?;
        Ok(Export {
            account,
            sessions: self.sessions_of(id).await?,
            devices,
            factors: self.factors_of(id).await?,
            identities: self.linked(id).await?,
            events: events.into_iter().map(|(_, event)| event).collect(),
        })
    }
}
