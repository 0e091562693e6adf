//! The devices of an account, for its owner.

use super::Visit;
use super::notice::device_key;
use crate::kept::{Kept, kept, kept_of};
use crate::token::Seen;
use crate::{App, Error, Refusal};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use cloakroom_core::device::Device;
use cloakroom_core::event::EventKind;
use cloakroom_core::time::Timestamp;
use cloakroom_store::{Error as StoreError, Order, SlipKey, SlipKind, Unit};

/// A device as its owner sees it.
pub struct ListedDevice {
    /// Its name in requests: 43 characters that grant nothing.
    pub id: String,
    /// What is known of it.
    pub device: Device,
    /// Whether it is the one that asks.
    pub here: bool,
}

impl App {
    /// The devices that the account which asks was logged in from, the one used last first.
    pub async fn devices(&self, seen: &Seen, visit: &Visit<'_>) -> Result<Vec<ListedDevice>, Error> {
        let (account, now) = (seen.access().account, self.clock.now());
        let here = visit.device_hashes().map(|hash| device_key(account, &hash)).collect::<Result<Vec<_>, _>>()?;
        let devices: Vec<Kept<Device>> = kept_of(&*self.store, account, SlipKind::Device, now).await?;
        let mut listed: Vec<_> = devices
            .into_iter()
            .map(|kept| ListedDevice {
                id: URL_SAFE_NO_PAD.encode(kept.slip.key.as_bytes().get(16..).unwrap_or_default()),
                here: here.contains(&kept.slip.key),
                device: kept.value,
            })
            .collect();
        listed.sort_by_key(|one| std::cmp::Reverse(one.device.last_seen));
        Ok(listed)
    }

    /// Gives a device of the account which asks a name, and trusts it or not. Refused as [`Refusal::UnknownDevice`].
    pub async fn change_device(&self, seen: &Seen, id: &str, name: Option<String>, trusted: bool) -> Result<(), Error> {
        let (key, now) = (self.own_device(seen, id)?, self.clock.now());
        let mut device =
            kept::<Device>(&*self.store, SlipKind::Device, &key, now).await?.ok_or(Refusal::UnknownDevice)?;
        let name = name.map(|name| name.chars().filter(|c| !c.is_control()).take(Device::MAX_NAME).collect::<String>());
        device.value.name = name.map(|name| name.trim().to_owned()).filter(|name| !name.is_empty());
        let mut unit = Unit::new();
        if device.value.trusted != trusted {
            unit = unit.order(Order::Record(self.event(EventKind::DeviceTrusted, now)?.of(seen.access().account)));
        }
        device.value.trusted = trusted;
        self.carry_out_on_device(unit.order(device.changed()?)).await
    }

    /// Forgets a device of the account which asks: its next log-in is that of a new one. Its sessions stay. Refused as
    /// [`Refusal::UnknownDevice`].
    pub async fn forget_device(&self, seen: &Seen, id: &str) -> Result<(), Error> {
        let (key, now) = (self.own_device(seen, id)?, self.clock.now());
        self.forget(seen, &key, now).await
    }

    async fn forget(&self, seen: &Seen, key: &SlipKey, now: Timestamp) -> Result<(), Error> {
        let device = kept::<Device>(&*self.store, SlipKind::Device, key, now).await?.ok_or(Refusal::UnknownDevice)?;
        let event = self.event(EventKind::DeviceForgotten, now)?.of(seen.access().account);
        self.carry_out_on_device(Unit::from(device.removed()).order(Order::Record(event))).await
    }

    async fn carry_out_on_device(&self, unit: Unit) -> Result<(), Error> {
        match self.save(unit).await {
            Ok(()) => Ok(()),
            // It was changed or forgotten in this moment.
            Err(StoreError::Conflict) => Err(Refusal::UnknownDevice.into()),
            Err(error) => Err(error.into()),
        }
    }

    #[expect(clippy::unused_self, reason = "reads as an act of the house")]
    fn own_device(&self, seen: &Seen, id: &str) -> Result<SlipKey, Error> {
        let mut hash = [0; 32];
        match URL_SAFE_NO_PAD.decode_slice(id, &mut hash) {
            Ok(32) => Ok(device_key(seen.access().account, &hash)?),
            _ => Err(Refusal::UnknownDevice.into()),
        }
    }
}
