//! Very many sessions, put into a store by its database: copies of a row that the store wrote, but for ids and owners.
//!
//! The names of the columns are read from the database, so that a new one is copied as well.

use crate::parts::rows::{someone, somewhere};
use crate::postgres::connect;
use anyhow::{Result, ensure};
use cloakroom_app::{Clock as _, SystemClock};
use cloakroom_core::id::AccountId;
use cloakroom_jose::random;
use cloakroom_store::{Order, Postgres, Sqlite, Store};
use rusqlite::Connection;
use std::path::Path;

/// Sessions of each account.
const EACH: u32 = 10;

/// Writes the rows that are copied, and closes the store.
async fn originals(store: &dyn Store) -> Result<()> {
    let (id, now) = (AccountId::from_bytes(random()?), SystemClock.now());
    store.commit(Order::OpenAccount(someone(id, now)?).into()).await?;
    store.commit(Order::OpenSession(somewhere(id, now)?).into()).await?;
    store.close().await;
    Ok(())
}

/// The columns in their order, some of them replaced by an expression.
fn columns(names: &[String], replaced: &[(&str, &str)]) -> String {
    let one = |name: &String| {
        let other = replaced.iter().find(|(replaced, _)| replaced == name);
        other.map_or_else(|| format!("original.{name}"), |(_, expression)| (*expression).to_owned())
    };
    names.iter().map(one).collect::<Vec<_>>().join(", ")
}

/// Makes the file with so many sessions in it.
pub(super) fn sqlite(file: &Path, count: u32) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(originals(&Sqlite::open(file)?))?;
    let connection = Connection::open(file)?;
    // It is written once; what is measured is the server on it.
    connection.execute_batch("PRAGMA synchronous = OFF; PRAGMA cache_size = -400000; BEGIN;")?;
    let of = |table: &str| -> Result<Vec<String>> {
        let mut statement = connection.prepare("SELECT name FROM pragma_table_info(?1) ORDER BY cid")?;
        let names = statement.query_map([table], |row| row.get(0))?;
        Ok(names.collect::<Result<_, _>>()?)
    };
    let people = count / EACH;
    let account = columns(
        &of("account")?,
        &[("id", "person.id"), ("email", "person.email"), ("canonical_email", "person.email")],
    );
    let session = columns(
        &of("session")?,
        &[
            ("id", "randomblob(16)"),
            ("seed", "randomblob(16)"),
            ("account", &format!("(SELECT id FROM person WHERE number = n.i % {people})")),
        ],
    );
    connection.execute_batch(&format!(
        "CREATE TEMP TABLE person (number INTEGER PRIMARY KEY, id BLOB NOT NULL, email TEXT NOT NULL);
         INSERT INTO person
             WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < {people} - 1)
             SELECT i, randomblob(16), 'person-' || i || '@example.com' FROM n;
         INSERT INTO account SELECT {account} FROM person, (SELECT * FROM account LIMIT 1) AS original ORDER BY person.id;
         INSERT INTO session
             WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count} - 1)
             SELECT {session} FROM n, (SELECT * FROM session LIMIT 1) AS original ORDER BY 1;
         COMMIT;
         PRAGMA wal_checkpoint(TRUNCATE);"
    ))?;
    let there: u32 =
        connection.query_row("SELECT count(*) FROM session WHERE ended_at IS NULL", [], |row| row.get(0))?;
    ensure!(there == count, "{there} sessions are there");
    Ok(())
}

/// Puts so many sessions into the database of this URL, which is empty.
pub(super) fn postgres(url: &str, count: u32) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        originals(&Postgres::open(url, 2).await?).await?;
        let client = connect(url).await?;
        let of = async |table: &str| -> Result<Vec<String>> {
            let sql = "SELECT column_name::text FROM information_schema.columns
                       WHERE table_schema = 'cloakroom' AND table_name = $1 ORDER BY ordinal_position";
            Ok(client.query(sql, &[&table]).await?.iter().map(|row| row.get(0)).collect())
        };
        let people = count / EACH;
        let address = "'person-' || n || '@example.com'";
        let account = columns(
            &of("account").await?,
            &[("id", "decode(md5('person ' || n), 'hex')"), ("email", address), ("canonical_email", address)],
        );
        let session = columns(
            &of("session").await?,
            &[
                ("id", "decode(md5('session ' || n), 'hex')"),
                ("seed", "decode(md5('seed ' || n), 'hex')"),
                ("account", &format!("decode(md5('person ' || n % {people}), 'hex')")),
            ],
        );
        let fill = format!(
            "SET synchronous_commit = off;
             INSERT INTO cloakroom.account SELECT {account}
                 FROM generate_series(0, {people} - 1) AS n, (SELECT * FROM cloakroom.account LIMIT 1) AS original;
             INSERT INTO cloakroom.session SELECT {session}
                 FROM generate_series(1, {count} - 1) AS n, (SELECT * FROM cloakroom.session LIMIT 1) AS original;"
        );
        client.batch_execute(&fill).await?;
        // What autovacuum would do a minute later; and the pages are on the disk before anything is measured.
        client.batch_execute("VACUUM ANALYZE").await?;
        client.batch_execute("CHECKPOINT").await?;
        let sql = "SELECT count(*) FROM cloakroom.session WHERE ended_at IS NULL";
        let there: i64 = client.query_one(sql, &[]).await?.get(0);
        ensure!(there == i64::from(count), "{there} sessions are there");
        Ok(())
    })
}
