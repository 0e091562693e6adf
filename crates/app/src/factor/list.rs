//! The factors of an account, for its owner and for the judgement of approvals.

use super::passkey::PasskeyScope;
use crate::token::Seen;
use crate::{App, Error, Fault};
use cloakroom_core::account::Account;
use cloakroom_core::approval::Enrolled;
use cloakroom_core::id::AccountId;
use cloakroom_core::time::Timestamp;

/// What an account has besides its password.
pub struct Factors {
    /// Since when it has an authenticator app.
    pub totp: Option<Timestamp>,
    /// Recovery codes that are left, where there are any at all.
    pub recovery: Option<u32>,
    /// Its passkeys, the oldest first.
    pub passkeys: Vec<ListedPasskey>,
}

/// A passkey as its owner sees it.
pub struct ListedPasskey {
    /// Its name in requests, which grants nothing.
    pub id: String,
    /// What its owner calls it.
    pub name: String,
    /// Where it works.
    pub scope: PasskeyScope,
    /// Since when.
    pub added_at: Timestamp,
    /// When it was last used, if it was.
    pub used_at: Option<Timestamp>,
}

impl App {
    /// The factors of the account that asks.
    pub async fn factors(&self, seen: &Seen) -> Result<Factors, Error> {
        Ok(self.factors_of(seen.access().account).await?)
    }

    /// The factors of an account.
    pub async fn factors_of(&self, account: AccountId) -> Result<Factors, Fault> {
        let now = self.clock.now();
        let mut passkeys: Vec<_> = self
            .every_passkey_of(account, now)
            .await?
            .into_iter()
            .map(|row| ListedPasskey {
                id: row.name(),
                scope: row.value.scope,
                added_at: Timestamp::from_millis(row.value.added_at),
                used_at: row.value.used_at.map(Timestamp::from_millis),
                name: row.value.name,
            })
            .collect();
        passkeys.sort_by_key(|passkey| passkey.added_at);
        Ok(Factors {
            totp: self.totp_of(account, now).await?.map(|row| Timestamp::from_millis(row.value.added_at)),
            recovery: self.recovery_of(account, now).await?.map(|row| row.value.left),
            passkeys,
        })
    }

    /// What an account can approve with.
    pub(crate) async fn enrolled(&self, account: &Account, now: Timestamp) -> Result<Enrolled, Fault> {
        let scope = self.parties.approving();
        Ok(Enrolled {
            // Where it logs nobody in, nobody can change one that has leaked: it approves nothing either.
            password: self.settings.log_in_by_password && account.password.is_usable(),
            totp: self.totp_of(account.id, now).await?.is_some(),
            recovery: self.recovery_of(account.id, now).await?.is_some_and(|row| row.value.left > 0),
            passkey: !self.passkeys_of(account.id, scope, now).await?.is_empty(),
            login_passkey: !self.passkeys_of(account.id, PasskeyScope::LogIn, now).await?.is_empty(),
            passkey_logs_in: scope == PasskeyScope::LogIn,
            mail: self.settings.mail && account.email_verified_at.is_some(),
            provider: !self.proving_providers(account.id).await?.is_empty(),
        })
    }
}
