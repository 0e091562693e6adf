//! Bringing a database to the schema of today.
//!
//! Everything is in the schema `cloakroom`. Migrations only go forward, one embedded file each; how many were run stands
//! in `cloakroom.schema_version`, which changes together with the schema or not at all. Deliberately absent: going back
//! (a backup does that).

use super::failure::driver;
use crate::Error;
use tokio_postgres::{Client, Transaction};

/// In the order in which they are run. One that was released is never edited.
const MIGRATIONS: [&str; 3] = [
    include_str!("migrations/0001_first.sql"),
    include_str!("migrations/0002_slips.sql"),
    include_str!("migrations/0003_roles.sql"),
];

/// Of several nodes that start together one runs what is missing, and the others wait for that. Only they take this lock: its
/// number is the letters of `ClkR`.
const LOCK: &str = "SELECT pg_catalog.pg_advisory_xact_lock(1131178834)";

/// What is there: the encoding, whether the schema exists, its tables and sequences, and the columns of `schema_version`.
const LOOK: &str = "
    SELECT pg_catalog.current_setting('server_encoding'),
           pg_catalog.to_regnamespace('cloakroom') IS NOT NULL,
           (SELECT count(*) FROM pg_catalog.pg_class
            WHERE relnamespace = pg_catalog.to_regnamespace('cloakroom') AND relkind <> 'i'),
           (SELECT count(*) FROM pg_catalog.pg_attribute
            WHERE attrelid = pg_catalog.to_regclass('cloakroom.schema_version')
              AND (attname, atttypid::regtype::text) IN (('one', 'integer'), ('application', 'text'), ('version', 'bigint')))
    ";

/// Runs what is missing. Refuses a schema of another program, or of a later version of this one, without a change.
pub(super) async fn run(client: &mut Client) -> Result<(), Error> {
    let driver = |error| driver(&error);
    client.batch_execute("SET lock_timeout = '60s'").await.map_err(driver)?;
    let transaction = client.build_transaction().isolation_level(tokio_postgres::IsolationLevel::ReadCommitted);
    let transaction = transaction.start().await.map_err(driver)?;
    transaction.batch_execute(LOCK).await.map_err(driver)?;
    let done = position(&transaction).await?;
    for migration in MIGRATIONS.iter().skip(done) {
        transaction.batch_execute(migration).await.map_err(driver)?;
    }
    if done < MIGRATIONS.len() {
        let update = "UPDATE cloakroom.schema_version SET version = $1";
        transaction.execute(update, &[&known()]).await.map_err(driver)?;
    }
    transaction.commit().await.map_err(driver)
}

/// How many migrations were run. Makes the schema when there is none.
async fn position(transaction: &Transaction<'_>) -> Result<usize, Error> {
    let driver = |error| driver(&error);
    let foreign = |why: &str| Err(Error::Foreign(format!("its schema cloakroom {why}")));
    let look = transaction.query_one(LOOK, &[]).await.map_err(driver)?;
    let encoding: &str = look.try_get(0).map_err(driver)?;
    let (exists, relations, columns): (bool, i64, i64) =
        (look.try_get(1).map_err(driver)?, look.try_get(2).map_err(driver)?, look.try_get(3).map_err(driver)?);
    if encoding != "UTF8" {
        return Err(Error::Foreign(format!("its encoding is {encoding}, not UTF8")));
    }
    if !exists {
        transaction.batch_execute("CREATE SCHEMA cloakroom").await.map_err(driver)?;
        return Ok(0);
    }
    match (relations, columns) {
        // Made by somebody who may, for us who may not.
        (0, _) => return Ok(0),
        (_, 3) => {}
        _ => return foreign(&format!("holds {relations} tables that are not ours")),
    }
    let rows = "SELECT application, version FROM cloakroom.schema_version";
    let rows = transaction.query(rows, &[]).await.map_err(driver)?;
    let [row] = rows.as_slice() else { return foreign("does not say whose it is") };
    let application: &str = row.try_get(0).map_err(driver)?;
    if application != "Cloakroom" {
        return foreign("is of another program");
    }
    let (found, known) = (row.try_get(1).map_err(driver)?, known());
    if found > known {
        return Err(Error::SchemaTooNew { found, known });
    }
    usize::try_from(found).or_else(|_| foreign(&format!("has the version {found}")))
}

fn known() -> i64 {
    MIGRATIONS.len().try_into().unwrap_or(i64::MAX)
}
