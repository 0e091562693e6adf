//! A Postgres of a measurement's own: `fsync` on, on the disk of the repository, its other settings those of a new one
//! but for what `dev/testbed/src/postgres/server.rs` says.

#[expect(dead_code, reason = "it is the testbed's, which uses all of it")]
#[path = "../../dev/testbed/src/postgres/server.rs"]
mod server;

use crate::context::Context;
use anyhow::{Context as _, Result};
use server::Server;
use std::path::PathBuf;
use tokio_postgres::NoTls;

/// A running server, stopped and deleted when it is dropped.
pub(crate) struct Postgres {
    server: Option<Server>,
    folder: PathBuf,
}

impl Postgres {
    /// Makes one and starts it. Takes a second or two.
    pub(crate) fn start(cx: &Context, name: &str) -> Result<Self> {
        let start = |folder: PathBuf| {
            let mut postgres = Self { server: None, folder };
            postgres.server = Some(Server::start(&postgres.folder, &[])?);
            anyhow::Ok(postgres)
        };
        // Root may work below a folder that the user `postgres` may not enter.
        let elsewhere = std::env::temp_dir().join(format!("cloakroom-bench-{}-{name}", std::process::id()));
        start(cx.folder(name)?).or_else(|_| start(elsewhere)).context("no Postgres could be started")
    }

    /// Makes a new database and tells its URL.
    pub(crate) fn database(&self, name: &str) -> Result<String> {
        let server = self.server.as_ref().context("the server is stopped")?;
        server.make_database(name)?;
        Ok(server.url(name))
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        drop(self.server.take());
        drop(std::fs::remove_dir_all(&self.folder));
    }
}

/// A connection as such, with nothing of ours around it. Wants a Tokio runtime, which drives it.
pub(crate) async fn connect(url: &str) -> Result<tokio_postgres::Client> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    tokio::spawn(async move {
        // Its errors come to who waits for an answer as well.
        let _ = connection.await;
    });
    Ok(client)
}
