//! Who is there.

use crate::token::Seen;
use crate::{App, Error, Refusal};
use cloakroom_core::account::Account;
use cloakroom_core::id::AccountId;
use cloakroom_core::session::Session;
use cloakroom_core::time::Timestamp;

/// An account, the session it was asked through, and when that session's access token ends.
pub struct Me {
    /// Who.
    pub account: Account,
    /// Through which session.
    pub session: Session,
    /// When the access token that was shown ends.
    pub expires_at: Timestamp,
}

impl App {
    /// Looks up whose session an authenticated token belongs to. Refused as [`Refusal::SignedOut`] when the row says
    /// that it is over although the token did not know yet.
    pub async fn me(&self, seen: &Seen) -> Result<Me, Error> {
        let access = seen.access();
        let session = self.store.session(access.session).await?.ok_or(Refusal::SignedOut)?;
        let account = self.store.account(access.account).await?.ok_or(Refusal::SignedOut)?;
        if session.family.ended.is_some() || session.account != account.id {
            return Err(Refusal::SignedOut.into());
        }
        Ok(Me { account, session, expires_at: access.expires_at })
    }

    /// The account of a session that was just opened or refreshed.
    pub async fn account(&self, id: AccountId) -> Result<Account, Error> {
        Ok(self.store.account(id).await?.ok_or(Refusal::SignedOut)?)
    }

    /// The sessions of an account that have not ended, the one used last first; at most 100.
    pub async fn sessions(&self, seen: &Seen) -> Result<Vec<Session>, Error> {
        let now = self.clock.now();
        let mut sessions = self.store.sessions_of(seen.access().account, 100).await?;
        sessions.retain(|session| !self.settings.lifetimes.is_expired(session, session.last_used_at, now));
        Ok(sessions)
    }
}
