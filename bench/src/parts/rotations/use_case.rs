//! The use case: what `POST /auth/refresh` does, without HTTP.

use super::Rotates;
use crate::parts::house::{self, House};
use anyhow::Result;
use cloakroom_app::session::Opened;
use cloakroom_store::Store;
use std::sync::Arc;
use tokio::sync::Mutex;

pub(super) struct UseCase {
    app: House,
    store: Arc<dyn Store>,
    /// What each browser holds.
    jars: Vec<Mutex<Opened>>,
}

impl UseCase {
    pub(super) async fn open(store: Arc<dyn Store>, jars: usize) -> Result<Self> {
        let app = house::open(Arc::clone(&store), house::CHEAP_PASSWORDS).await?;
        let (mut visitor, first) = house::enter(&app).await?;
        let mut opened = vec![Mutex::new(first)];
        while opened.len() < jars {
            opened.push(Mutex::new(visitor.log_in(&app).await?));
        }
        Ok(Self { app, store, jars: opened })
    }

    pub(super) async fn close(&self) {
        self.store.close().await;
    }
}

impl Rotates for UseCase {
    async fn rotate(&self, task: usize) -> Result<()> {
        let mut jar = self.jars[task].lock().await;
        let next = house::refresh(&self.app, &jar).await?;
        *jar = next;
        Ok(())
    }
}
