//! A log-in and the device that it comes from.

use crate::kept::{self, Kept, kept, kept_of, slip};
use crate::{App, Fault};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use cloakroom_core::account::Account;
use cloakroom_core::device::{Device, Reason, prefix, reasons};
use cloakroom_core::event::EventKind;
use cloakroom_core::id::AccountId;
use cloakroom_core::letter::{About, Letter};
use cloakroom_core::session::{Session, device_name};
use cloakroom_core::time::{Lifetime, Timestamp};
use cloakroom_jose::sha256;
use cloakroom_store::{Order, Slip, SlipKey, SlipKind, Unit};
use std::net::IpAddr;

use crate::mail::{Code, Purpose};

/// More values of one cookie than this are not looked at.
pub const MOST_DEVICES: usize = 4;

/// Where a request comes from, as far as can be known.
#[derive(Clone, Copy)]
pub struct Visit<'a> {
    /// The values of the device cookie that came along, or what a program has kept in its place: a sibling host can plant one
    /// beside ours, and which of them the account knows is found out by asking.
    pub devices: [Option<&'a str>; MOST_DEVICES],
    /// `User-Agent`, as sent.
    pub user_agent: &'a str,
    /// The client's address.
    pub address: IpAddr,
}

/// The device of a log-in, before it is known whether it succeeds.
pub(crate) struct Arrival {
    hash: Option<[u8; 32]>,
    known: Option<Kept<Device>>,
    family: String,
    prefix: String,
}

/// The mail about a new device can be answered for so long.
pub(crate) const REVOKE_FOR: Lifetime = Lifetime::from_secs(7 * 86_400);

/// A device that was not used for so long is forgotten: as long as browsers keep its cookie.
const REMEMBERED_FOR: Lifetime = Lifetime::from_secs(400 * 86_400);

/// An account is new for so long.
const NEW_FOR: Lifetime = Lifetime::from_secs(86_400);

/// An account has no more devices than this.
const MOST: usize = 50;

/// A cookie of ours has exactly so many characters.
const DEVICE_CHARACTERS: usize = 43;

impl Visit<'_> {
    /// The hashes by which the store knows the devices that it may come from.
    pub(crate) fn device_hashes(&self) -> impl Iterator<Item = [u8; 32]> {
        let whole = |value: &&&str| value.len() == DEVICE_CHARACTERS;
        self.devices.iter().flatten().filter(whole).map(|value| device_hash(value))
    }

    /// The network that it comes from.
    pub(crate) fn prefix(&self) -> String {
        prefix(self.address)
    }
}

impl App {
    /// Looks whether a device is one of an account's. Costs the same for an account that has many, and for none.
    pub(crate) async fn arrival(
        &self,
        account: AccountId,
        visit: &Visit<'_>,
        now: Timestamp,
    ) -> Result<Arrival, Fault> {
        let (family, prefix) = (device_name(visit.user_agent), visit.prefix());
        for hash in visit.device_hashes() {
            let known = kept(&*self.store, SlipKind::Device, &device_key(account, &hash)?, now).await?;
            if known.is_some() {
                return Ok(Arrival { hash: Some(hash), known, family, prefix });
            }
        }
        Ok(Arrival { hash: None, known: None, family, prefix })
    }

    /// Adds to a unit what a log-in says of its device: it is known from now on, and its owner is told if it is news. Answers
    /// with the value for the device's cookie, or for a program to keep, where it gets a new one.
    pub(crate) async fn welcome(
        &self,
        unit: Unit,
        arrival: Arrival,
        account: &Account,
        session: &Session,
        now: Timestamp,
    ) -> Result<(Unit, Option<String>), Fault> {
        let Arrival { known, family, prefix, .. } = arrival;
        let all: Vec<Kept<Device>> = kept_of(&*self.store, account.id, SlipKind::Device, now).await?;
        let mut cookie = None;
        let mut key = None;
        if known.is_none() {
            let secret = self.new_device()?;
            key = Some(device_key(account.id, &device_hash(&secret))?);
            cookie = Some(secret);
        }
        let devices: Vec<Device> = all.iter().map(|kept| kept.value.clone()).collect();
        let is_new = now.since(account.opened_at) < NEW_FOR;
        let news = reasons(known.as_ref().map(|known| &known.value), &devices, is_new, &family, &prefix);
        let expires_at = Some(now.plus(REMEMBERED_FOR));
        let device = known.as_ref().map(|known| known.slip.key.clone()).or_else(|| key.clone());
        let unit = match (known, key) {
            (Some(mut known), _) => {
                known.value = known.value.seen(&family, &prefix, now);
                let slip = slip(SlipKind::Device, known.slip.key, &known.value)?;
                let version = known.slip.version.wrapping_add(1);
                // Two log-ins at once on one device: either one's word is as good.
                unit.order(Order::PutSlip(Slip { account: Some(account.id), expires_at, version, ..slip }))
            }
            (None, Some(key)) => {
                let slip = slip(SlipKind::Device, key, &Device::first_seen(family, prefix, now))?;
                let unit = unit.order(Order::PutSlip(Slip { account: Some(account.id), expires_at, ..slip }));
                make_room(unit, all, now)
            }
            (None, None) => unit,
        };
        if news.is_empty() {
            return Ok((unit, cookie));
        }
        let unit = unit.order(Order::Record(self.event(EventKind::DeviceNoticed, now)?.on(session)));
        if !self.settings.mail {
            return Ok((unit, cookie));
        }
        let unit = self.tell_of_device(unit, account, session, device.as_ref(), &news, now).await?;
        Ok((unit, cookie))
    }

    async fn tell_of_device(
        &self,
        unit: Unit,
        account: &Account,
        session: &Session,
        device: Option<&SlipKey>,
        news: &[Reason],
        now: Timestamp,
    ) -> Result<Unit, Fault> {
        let code = Code { purpose: Purpose::Revoke, account: account.id, subject: *session.id.as_bytes(), real: true };
        let device = device.map(|device| URL_SAFE_NO_PAD.encode(device.as_bytes()));
        let (unit, issued) = self.issue(unit, code, device, REVOKE_FOR, now).await?;
        let letter = Letter {
            to: account.email.as_str().to_owned(),
            about: About::NewDevice {
                place: self.place(&session.user_agent, &session.address, now),
                reasons: news.iter().map(|reason| reason.sentence().to_owned()).collect(),
                revoke: self.way("/auth/devices/revoke", &issued, REVOKE_FOR),
            },
        };
        self.post(unit, Some(&letter), now)
    }
}

impl Arrival {
    /// The hash of a device that the account knows.
    pub(crate) fn known(&self) -> Option<&[u8; 32]> {
        self.known.as_ref().and(self.hash.as_ref())
    }
}

/// Private windows come and go: the device that was used longest ago makes room. It expires now instead of being removed: two
/// log-ins at once that send away the same one both succeed.
fn make_room(unit: Unit, mut all: Vec<Kept<Device>>, now: Timestamp) -> Unit {
    all.sort_by_key(|kept| kept.value.last_seen);
    let over = (all.len() + 1).saturating_sub(MOST);
    all.into_iter().take(over).fold(unit, |unit, oldest| {
        unit.order(Order::PutSlip(Slip {
            expires_at: Some(now),
            version: oldest.slip.version.wrapping_add(1),
            ..oldest.slip
        }))
    })
}

fn device_hash(secret: &str) -> [u8; 32] {
    sha256(&[b"cloakroom device v1", secret.as_bytes()].concat())
}

/// A device's name in the store.
pub(super) fn device_key(account: AccountId, hash: &[u8; 32]) -> Result<SlipKey, Fault> {
    kept::key(&[account.as_bytes(), hash])
}
