//! Forgetting what was added to an account since somebody else had it: a thief's app must not keep the owner out.

use crate::{App, Fault};
use cloakroom_core::id::AccountId;
use cloakroom_core::time::Timestamp;
use cloakroom_store::Unit;

impl App {
    /// Adds to a unit that every second factor, and every identity at a provider, which was added at this instant or later is removed.
    pub(crate) async fn forget_factors_since(
        &self,
        mut unit: Unit,
        account: AccountId,
        since: Timestamp,
        now: Timestamp,
    ) -> Result<Unit, Fault> {
        let since = since.millis();
        if let Some(totp) = self.totp_of(account, now).await?.filter(|row| row.value.added_at >= since) {
            unit = unit.order(totp.removed());
        }
        if let Some(codes) = self.recovery_of(account, now).await?.filter(|row| row.value.made_at >= since) {
            unit = unit.order(codes.removed());
        }
        for passkey in self.every_passkey_of(account, now).await?.iter().filter(|row| row.value.added_at >= since) {
            unit = unit.order(passkey.removed());
        }
        for identity in self.identities(account).await?.iter().filter(|row| row.value.linked_at >= since) {
            unit = unit.order(identity.removed());
        }
        Ok(unit)
    }
}
