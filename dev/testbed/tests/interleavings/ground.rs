//! What all worlds of a run stand on: the store as each node sees it, one configuration, one master key.

use cloakroom_app::{App, ManualClock, Settings};
use cloakroom_jose::MasterKey;
use cloakroom_store::Store;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

pub(crate) struct Ground {
    pub(crate) stores: Vec<Arc<dyn Store>>,
    settings: Settings,
    master: MasterKey,
    accounts: AtomicUsize,
}

impl Ground {
    /// One node for each of these, which keep the same.
    pub(crate) fn new(stores: Vec<Arc<dyn Store>>) -> Self {
        let text = "[server]\npublic_url = \"http://localhost:8080\"\n[password]\nmemory_kib = 7168\npasses = 1\n\
                    [[upstream]]\nto = \"http://127.0.0.1:1\"\naccess = \"signed-in\"\n";
        let settings = cloakroom_server::config::parse(text, std::iter::empty()).unwrap().settings;
        Self { stores, settings, master: MasterKey::generate().unwrap(), accounts: AtomicUsize::new(0) }
    }

    /// Starts a node, which knows only what is stored.
    pub(crate) async fn start(&self, node: usize, clock: &Arc<ManualClock>) -> Arc<App> {
        let master = MasterKey::from_text(&self.master.to_text()).unwrap();
        App::open(Arc::clone(&self.stores[node]), clock.clone(), self.settings.clone(), master).await.unwrap()
    }

    /// An address that nobody has yet.
    pub(crate) fn new_address(&self) -> String {
        format!("owner{}@example.com", self.accounts.fetch_add(1, Ordering::Relaxed))
    }

    #[cfg(feature = "postgres-tests")]
    pub(crate) async fn close(self) {
        for store in &self.stores {
            store.close().await;
        }
    }
}
