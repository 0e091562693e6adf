//! A database with a name that nobody else has, on the server that `CLOAKROOM_TEST_POSTGRES` names; dropped with this.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use tokio_postgres::{Client, NoTls};

pub(crate) struct Database {
    server: String,
    name: String,
    url: String,
}

impl Database {
    /// Makes one, empty.
    pub(crate) async fn new() -> Self {
        let server = std::env::var_os("CLOAKROOM_TEST_POSTGRES").map(|url| url.into_string().unwrap());
        let server = server.unwrap_or_else(|| panic!("CLOAKROOM_TEST_POSTGRES is the URL of a Postgres for tests"));
        let name = format!("cloakroom_nodes_{:016x}", RandomState::new().build_hasher().finish());
        let make = format!("CREATE DATABASE {name} ENCODING 'UTF8' TEMPLATE template0");
        connect(&server).await.batch_execute(&make).await.unwrap();
        let mut url: url::Url = server.parse().unwrap();
        url.set_path(&name);
        Self { server, name, url: url.into() }
    }

    /// Its URL, with user and password.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let (server, drop) = (self.server.clone(), format!("DROP DATABASE {} WITH (FORCE)", self.name));
        // The runtime of the test may be at its end.
        let dropping = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async { connect(&server).await.batch_execute(&drop).await })
        });
        if !std::thread::panicking() {
            dropping.join().unwrap().unwrap();
        }
    }
}

/// A connection as anybody could open one.
pub(crate) async fn connect(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}
