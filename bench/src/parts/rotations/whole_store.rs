//! The units of rotations through the store: nothing is read, judged or signed.

use super::Rotates;
use anyhow::{Result, anyhow};
use cloakroom_core::account::{Account, Email, PasswordHash};
use cloakroom_core::event::{Event, EventKind};
use cloakroom_core::id::{AccountId, EventId, KeyId, SessionId};
use cloakroom_core::refresh::Family;
use cloakroom_core::session::{Method, Session};
use cloakroom_core::time::{Lifetime, Timestamp};
use cloakroom_jose::random;
use cloakroom_store::{Order, Sqlite, Store as _, Unit};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

pub(super) struct WholeStore {
    store: Sqlite,
    sessions: Vec<Mutex<Session>>,
}

impl WholeStore {
    pub(super) async fn open(folder: &Path, rows: usize) -> Result<Self> {
        let store = Sqlite::open(&folder.join("cloakroom.db"))?;
        let now = Timestamp::from_unix_seconds(1_800_000_000);
        let account = AccountId::from_bytes(random()?);
        let email = Email::parse("bench@example.com").map_err(|error| anyhow!("{error}"))?;
        let password = PasswordHash::from_phc("$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA".to_owned());
        let opened = Account { id: account, email, password, opened_at: now, password_set_at: now };
        store.commit(Order::OpenAccount(opened).into()).await?;
        let mut sessions = Vec::new();
        for _ in 0..rows {
            let session = Session {
                id: SessionId::from_bytes(random()?),
                account,
                opened_at: now,
                last_used_at: now,
                absolute_until: now.plus(Lifetime::from_secs(30 * 86_400)),
                remember: true,
                method: Method::Password,
                user_agent: "x".repeat(111),
                address: "2001:db8:85a3::8a2e:370:7334".to_owned(),
                family: Family::opened(random()?, KeyId::from_bytes(random()?), now),
            };
            store.commit(Order::OpenSession(session.clone()).into()).await?;
            sessions.push(Mutex::new(session));
        }
        Ok(Self { store, sessions })
    }

    pub(super) async fn close(&self) {
        self.store.close().await;
    }

    /// The next rotation of a session, as a use case orders it.
    fn unit(&self, task: usize) -> Result<Unit> {
        let mut session = self.sessions[task].lock().unwrap_or_else(PoisonError::into_inner);
        let expected = session.family.version();
        session.family.generation += 1;
        let event = Event {
            id: EventId::from_bytes(random()?),
            at: session.opened_at,
            kind: EventKind::RefreshRotated,
            account: Some(session.account),
            session: Some(session.id),
            key: None,
        };
        let change = Order::ChangeFamily { session: session.id, expected, next: session.family.clone() };
        Ok(Unit::new().order(change).order(Order::Record(event)))
    }
}

impl Rotates for WholeStore {
    async fn rotate(&self, task: usize) -> Result<()> {
        Ok(self.store.commit(self.unit(task)?).await?)
    }
}
