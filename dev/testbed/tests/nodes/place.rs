//! Where a story plays: one node on SQLite, or three on Postgres. The words are the same.

use crate::database::Database;
use crate::rows;
use cloakroom_testbed::Nodes;
use rusqlite::types::Value;

pub(crate) struct Place {
    pub(crate) nodes: Nodes,
    database: Option<Database>,
}

impl Place {
    /// Postgres.
    pub(crate) async fn on_postgres(more: &str) -> Self {
        let database = Database::new().await;
        let nodes = Nodes::with(&[database.url(); 3], more).await.unwrap();
        Self { nodes, database: Some(database) }
    }

    /// SQLite.
    pub(crate) async fn on_sqlite(more: &str) -> Self {
        Self { nodes: Nodes::on_a_file(more).await, database: None }
    }

    /// Everything that is stored, as text.
    pub(crate) async fn dump(&self) -> String {
        match &self.database {
            Some(database) => rows::dump(database.url()).await,
            None => self.dump_of_the_file(),
        }
    }

    fn dump_of_the_file(&self) -> String {
        let database = rusqlite::Connection::open(self.nodes.folder().join("cloakroom.db")).unwrap();
        let texts = |sql: &str| -> Vec<String> {
            let mut statement = database.prepare(sql).unwrap();
            let columns = statement.column_count();
            let read = |row: &rusqlite::Row<'_>| (0..columns).map(|column| row.get(column)).collect();
            let rows = statement.query_map([], read).unwrap();
            rows.map(|row: rusqlite::Result<Vec<Value>>| format!("{:?}", row.unwrap())).collect()
        };
        let tables: Vec<String> = {
            let mut statement = database.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").unwrap();
            statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
        };
        let rows = tables.iter().map(|table| (table, texts(&format!("SELECT * FROM \"{table}\""))));
        rows.map(|(table, rows)| format!("{table}\n{}", rows.join("\n"))).collect::<Vec<_>>().join("\n")
    }

    /// Stops everything; nothing that was given out stands in the log or in the database.
    pub(crate) async fn close(self) {
        if let Some(database) = &self.database {
            let dump = rows::dump(database.url()).await;
            std::fs::write(self.nodes.folder().join("dump"), dump).unwrap();
        }
        self.nodes.close().await;
    }
}

/// Tells each story on both backends, with this configuration more.
macro_rules! on_both {
    ($more:expr; $($story:ident)+) => {$(
        mod $story {
            use super::*;

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn on_sqlite() {
                super::$story(Place::on_sqlite($more).await).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn on_postgres() {
                super::$story(Place::on_postgres($more).await).await;
            }
        }
    )+};
}
pub(crate) use on_both;
