//! Who is there.

use crate::token::Seen;
use crate::{App, Error, Fault, Refusal};
use cloakroom_core::account::{Account, Email};
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

    /// The account with an address, for an operator. `None` also for text that is no address.
    pub async fn account_by_email(&self, email: &str) -> Result<Option<Account>, Fault> {
        match Email::parse(email) {
            Ok(email) => Ok(self.store.account_by_email(&email).await?),
            Err(_) => Ok(None),
        }
    }

    /// The sessions of the account that asks that have not ended, the one used last first; at most 100.
    pub async fn sessions(&self, seen: &Seen) -> Result<Vec<Session>, Error> {
        Ok(self.sessions_of(seen.access().account).await?)
    }

    /// The sessions of an account that have not ended, the one used last first; at most 100.
    pub async fn sessions_of(&self, account: AccountId) -> Result<Vec<Session>, Fault> {
        let now = self.clock.now();
        let mut sessions = self.store.sessions_of(account, 100).await?;
        for session in &mut sessions {
            // What this node saw and has not written yet.
            self.sightings.add_to(session);
        }
        sessions.sort_by_key(|session| std::cmp::Reverse(session.last_used_at));
        sessions.retain(|session| !self.settings.lifetimes.is_expired(session, session.last_used_at, now));
        Ok(sessions)
    }
}
