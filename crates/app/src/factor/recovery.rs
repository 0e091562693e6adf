//! Recovery codes: ten, shown once, each good once. The store has their hashes, sealed.

use super::check::Checked;
use crate::kept::{self, Kept, kept, slip};
use crate::token::Seen;
use crate::{App, Error, Fault, Refusal};
use cloakroom_core::approval::Act;
use cloakroom_core::event::EventKind;
use cloakroom_core::id::AccountId;
use cloakroom_core::letter::About;
use cloakroom_core::time::Timestamp;
use cloakroom_factor::recovery;
use cloakroom_jose::sha256;
use cloakroom_store::{Order, Slip, SlipKey, SlipKind, Unit};
use serde::{Deserialize, Serialize};

/// Sealed, because a code that people can type has too few bits for a plain hash (v5.0.0-6.5.2).
#[derive(Serialize, Deserialize)]
pub(crate) struct Row {
    sealed: Vec<u8>,
    pub(crate) left: u32,
    pub(super) made_at: i64,
}

const WHAT: &str = "recovery";

impl App {
    /// Makes new codes in the place of all before, for somebody who has just approved that. They are shown once.
    pub async fn new_recovery_codes(&self, seen: &Seen, approval: &str) -> Result<Vec<String>, Error> {
        let (me, now) = (self.me(seen).await?, self.clock.now());
        if !self.enrolled(&me.account, now).await?.second_factor() {
            return Err(Refusal::UnknownFactor.into());
        }
        let unit = self.spend_act(Unit::new(), seen, (Act::NewRecoveryCodes, None), approval, now).await?;
        let (unit, codes) = self.make_recovery_codes(unit, me.account.id, now).await?;
        let unit = unit.order(Order::Record(self.event(EventKind::FactorAdded, now)?.on(&me.session)));
        let about = |place, forgot| About::FactorAdded { what: "a new set of recovery codes".into(), place, forgot };
        let unit = self.tell_of_factor(unit, &me.account, &me.session, about, now)?;
        self.save_after_approval(unit).await?;
        Ok(codes)
    }

    /// Adds the first codes of an account to the unit that enrols its first second factor.
    pub(super) async fn first_recovery_codes(
        &self,
        unit: Unit,
        account: AccountId,
        now: Timestamp,
    ) -> Result<(Unit, Option<Vec<String>>), Fault> {
        if self.recovery_of(account, now).await?.is_some_and(|row| row.value.left > 0) {
            return Ok((unit, None));
        }
        let (unit, codes) = self.make_recovery_codes(unit, account, now).await?;
        Ok((unit, Some(codes)))
    }

    /// Adds to the unit that removes a factor that the codes go with the last one. `gone` is the factor being removed: `totp` or
    /// the only passkey.
    pub(super) async fn forget_recovery_codes(
        &self,
        unit: Unit,
        account: AccountId,
        gone: Option<&str>,
        now: Timestamp,
    ) -> Result<Unit, Fault> {
        let passkeys = self.every_passkey_of(account, now).await?.len();
        let totp = self.totp_of(account, now).await?.is_some();
        let left = match gone {
            Some("totp") => passkeys > 0,
            _ => totp || passkeys > 1,
        };
        let row = self.recovery_of(account, now).await?;
        Ok(match row {
            Some(row) if !left => unit.order(row.removed()),
            _ => unit,
        })
    }

    async fn make_recovery_codes(
        &self,
        unit: Unit,
        account: AccountId,
        now: Timestamp,
    ) -> Result<(Unit, Vec<String>), Fault> {
        let mut random = [[0; 16]; recovery::COUNT];
        for one in &mut random {
            *one = cloakroom_jose::random()?;
        }
        let codes = recovery::codes(&random);
        let hashes: Vec<_> = codes.iter().filter_map(|code| recovery::normal(code)).map(hash).collect();
        let left = u32::try_from(hashes.len()).unwrap_or(u32::MAX);
        let row = Row { sealed: self.seal(WHAT, account, &hashes)?, left, made_at: now.millis() };
        let old = self.recovery_of(account, now).await?;
        let next = Slip { account: Some(account), ..slip(SlipKind::Recovery, key(account)?, &row)? };
        let order = match old {
            None => Order::AddSlip(next),
            Some(old) => Order::ChangeSlip {
                expected: old.slip.version,
                next: Slip { version: old.slip.version.wrapping_add(1), ..next },
            },
        };
        Ok((unit.order(order), codes))
    }

    pub(crate) async fn recovery_of(&self, account: AccountId, now: Timestamp) -> Result<Option<Kept<Row>>, Fault> {
        kept::<Row>(&*self.store, SlipKind::Recovery, &key(account)?, now).await
    }

    pub(super) async fn check_recovery(
        &self,
        account: AccountId,
        code: &str,
        now: Timestamp,
    ) -> Result<Option<Checked>, Fault> {
        let Some(mut row) = self.recovery_of(account, now).await? else { return Ok(None) };
        let Some(shown) = recovery::normal(code).map(hash) else { return Ok(None) };
        let mut hashes: Vec<[u8; 32]> = self.unseal(WHAT, account, &row.value.sealed)?;
        let before = hashes.len();
        hashes.retain(|known| !cloakroom_jose::same(known, &shown));
        if hashes.len() == before {
            return Ok(None);
        }
        row.value.left = u32::try_from(hashes.len()).unwrap_or(u32::MAX);
        row.value.sealed = self.seal(WHAT, account, &hashes)?;
        let left = row.value.left;
        Ok(Some(Checked::new(row.changed()?).leaving(left)))
    }
}

fn key(account: AccountId) -> Result<SlipKey, Fault> {
    kept::key(&[account.as_bytes()])
}

#[expect(clippy::needless_pass_by_value, reason = "the shape that `map` wants")]
fn hash(code: String) -> [u8; 32] {
    sha256(&[b"cloakroom recovery v1", code.as_bytes()].concat())
}
