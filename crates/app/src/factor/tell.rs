//! The owner of an account is told by mail when a way to prove who they are comes or goes.

use crate::{App, Fault};
use cloakroom_core::account::Account;
use cloakroom_core::letter::{About, Letter, Place};
use cloakroom_core::session::Session;
use cloakroom_core::time::Timestamp;
use cloakroom_store::Unit;

impl App {
    /// Adds a letter about a factor to a unit, where there is mail.
    pub(crate) fn tell_of_factor(
        &self,
        unit: Unit,
        account: &Account,
        session: &Session,
        about: impl FnOnce(Place, String) -> About,
        now: Timestamp,
    ) -> Result<Unit, Fault> {
        if !self.settings.mail {
            return Ok(unit);
        }
        let place = self.place(&session.user_agent, &session.address, now);
        let about = about(place, self.link("/auth/forgot"));
        self.post(unit, Some(&Letter { to: account.email.as_str().to_owned(), about }), now)
    }
}
