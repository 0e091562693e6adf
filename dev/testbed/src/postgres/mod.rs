//! A Postgres of a test's own, which it may stop, restart and throw away.

mod server;

use server::Server;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use tempfile::TempDir;

/// A running server in a folder of its own. Dropping it stops it and deletes everything.
pub struct Postgres {
    server: Arc<Server>,
    databases: AtomicU32,
    // Behind the server: it is stopped before its folder goes.
    _folder: TempDir,
}

impl Postgres {
    /// Makes and starts one, with `fsync` on, on a free port of 127.0.0.1. Takes a second or two.
    pub async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().to_owned();
        let server = apart(move || Server::start(&path, &[]).unwrap()).await;
        Self { server: Arc::new(server), databases: AtomicU32::new(0), _folder: folder }
    }

    /// The URL of a database, with user and password. There is one called `postgres` from the beginning.
    pub fn url(&self, database: &str) -> String {
        self.server.url(database)
    }

    /// Makes a new, empty database and tells its URL.
    pub async fn new_database(&self) -> String {
        let name = format!("test_{}", self.databases.fetch_add(1, Ordering::Relaxed));
        let (server, url) = (Arc::clone(&self.server), self.url(&name));
        apart(move || server.make_database(&name).unwrap()).await;
        url
    }

    /// Stops it as a loss of power would and starts it again on the same port; returns when it takes connections.
    pub async fn restart_immediately(&self) {
        let server = Arc::clone(&self.server);
        apart(move || server.restart_immediately().unwrap()).await;
    }

    /// Stops it as a loss of power would. [`Self::start_again`] brings it back.
    pub async fn stop(&self) {
        let server = Arc::clone(&self.server);
        apart(move || server.stop().unwrap()).await;
    }

    /// Starts it again after [`Self::stop`], on the same port; returns when it takes connections.
    pub async fn start_again(&self) {
        let server = Arc::clone(&self.server);
        apart(move || server.start_again().unwrap()).await;
    }
}

/// On a thread that may wait.
async fn apart<T: Send + 'static>(run: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(run).await.unwrap()
}
