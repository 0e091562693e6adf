//! The units of rotations through the store: nothing is read, judged or signed.

use super::Rotates;
use crate::parts::rows::{someone, somewhere};
use anyhow::Result;
use cloakroom_core::event::{Event, EventKind};
use cloakroom_core::id::{AccountId, EventId};
use cloakroom_core::session::Session;
use cloakroom_core::time::Timestamp;
use cloakroom_jose::random;
use cloakroom_store::{Order, Store, Unit};
use std::sync::{Arc, Mutex, PoisonError};

pub(super) struct WholeStore {
    store: Arc<dyn Store>,
    sessions: Vec<Mutex<Session>>,
}

impl WholeStore {
    pub(super) async fn open(store: Arc<dyn Store>, rows: usize) -> Result<Self> {
        let now = Timestamp::from_unix_seconds(1_800_000_000);
        let account = AccountId::from_bytes(random()?);
        store.commit(Order::OpenAccount(someone(account, now)?).into()).await?;
        let mut sessions = Vec::new();
        for _ in 0..rows {
            let session = somewhere(account, now)?;
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
