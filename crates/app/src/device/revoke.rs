//! "That was not me": ends the session that a mail told of, forgets its device, and undoes what can have come of it.

use super::notice::REVOKE_FOR;
use crate::kept::kept;
use crate::mail::{Found, Purpose};
use crate::{App, Error, Fault, Refusal};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use cloakroom_core::account::PasswordHash;
use cloakroom_core::device::Device;
use cloakroom_core::event::EventKind;
use cloakroom_core::id::SessionId;
use cloakroom_core::refresh::{EndReason, Ended};
use cloakroom_core::time::Timestamp;
use cloakroom_store::{Error as StoreError, Order, SlipKey, SlipKind, Unit};

/// Where an account has more live sessions, all of them end: whoever opens that many wants to hide one.
const MOST: u32 = 1000;

impl App {
    /// Ends the session of a mailed token, or of its typed code, and undoes what can have come of it: sessions that were opened
    /// since end too (a second log-in from the same device was no news), factors that were added since are removed, the device
    /// is forgotten. Whoever logged in by the password knows it: it is asked for no longer, and the owner gets a reset. Refused
    /// as [`Refusal::CodeInvalid`].
    pub async fn revoke_by_mail(&self, shown: &str) -> Result<(), Error> {
        let now = self.clock.now();
        let found = self.find_code(Purpose::Revoke, shown, now).await?;
        let id = SessionId::from_bytes(found.subject);
        let account = self.store.account(found.account).await?.ok_or(Refusal::CodeInvalid)?;
        let event = self.event(EventKind::DeviceForgotten, now)?.about(account.id, id);
        let mut unit = found.spend(Unit::new())?.order(Order::Record(event));
        if let Some(key) = device_of(&found)
            && let Some(device) = kept::<Device>(&*self.store, SlipKind::Device, &key, now).await?
        {
            unit = unit.order(device.removed());
        }
        unit = self.end_since(unit, &found, now).await?;
        if let Some(since) = found.issued_at(REVOKE_FOR) {
            unit = self.forget_factors_since(unit, account.id, since, now).await?;
        }
        let session = self.store.session(id).await?;
        if session.is_none_or(|session| session.method.used_password()) {
            unit = unit.order(Order::SetPassword {
                account: account.id,
                expected: account.password.clone(),
                next: PasswordHash::unusable(),
                at: Some(now),
            });
            let (with_code, letter) = self.reset_letter(unit, Some(&account), &account.email, now).await?;
            unit = self.post(with_code, letter.as_ref(), now)?;
        }
        match self.save(unit).await {
            Ok(()) => {
                self.posted();
                Ok(self.follow_feed().await?)
            }
            Err(StoreError::Conflict) => Err(Refusal::CodeInvalid.into()),
            Err(error) => Err(error.into()),
        }
    }

    async fn end_since(&self, mut unit: Unit, found: &Found, now: Timestamp) -> Result<Unit, Fault> {
        let since = found.issued_at(REVOKE_FOR);
        let sessions = self.store.sessions_of(found.account, MOST).await?;
        if sessions.len() >= MOST as usize {
            let ended = Ended { at: now, reason: EndReason::Revoked };
            let revoked_until = self.outlived_at(now);
            return Ok(unit.order(Order::EndSessions { account: found.account, except: None, ended, revoked_until }));
        }
        for session in sessions.iter().filter(|session| Some(session.opened_at) >= since) {
            unit = self.end(unit, session, EndReason::Revoked, now)?;
        }
        Ok(unit)
    }
}

fn device_of(found: &Found) -> Option<SlipKey> {
    SlipKey::new(&URL_SAFE_NO_PAD.decode(found.email.as_deref()?).ok()?)
}
