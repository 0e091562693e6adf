//! Rows as the use cases write them, for what is measured of the store alone.

use super::house::BROWSER;
use anyhow::{Result, anyhow};
use cloakroom_core::account::{Account, Email, PasswordHash};
use cloakroom_core::id::{AccountId, KeyId, SessionId};
use cloakroom_core::refresh::Family;
use cloakroom_core::session::{Method, Roles, Session, Strategy};
use cloakroom_core::time::{Lifetime, Timestamp};
use cloakroom_jose::random;

/// An account that nobody can log in to.
pub(super) fn someone(id: AccountId, now: Timestamp) -> Result<Account> {
    Ok(Account {
        id,
        email: Email::parse("rows@example.com").map_err(|error| anyhow!("{error}"))?,
        password: PasswordHash::from_phc("$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA".to_owned()),
        opened_at: now,
        email_verified_at: None,
        password_set_at: now,
        disabled_at: None,
        not_before: None,
    })
}

/// A session of it.
pub(super) fn somewhere(account: AccountId, now: Timestamp) -> Result<Session> {
    Ok(Session {
        id: SessionId::from_bytes(random()?),
        account,
        opened_at: now,
        last_used_at: now,
        absolute_until: now.plus(Lifetime::from_secs(30 * 86_400)),
        remember: true,
        method: Method::Password,
        strategy: Strategy::Cookie,
        user_agent: BROWSER.to_owned(),
        address: "2001:db8:85a3::8a2e:370:7334".to_owned(),
        family: Family::opened(random()?, KeyId::from_bytes(random()?), now),
        roles: Roles::default(),
    })
}
