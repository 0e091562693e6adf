//! Postgres behind the contracts: a pool of connections, and one more that listens.
//!
//! Any number of processes may use the same database; what is said of races in the contracts is said of all of them.
//! Deliberately absent: poolers that hand one connection to many (`PgBouncer` in its transaction mode cannot listen), and
//! reading from replicas, which can be behind.

mod address;
mod commit;
mod failure;
mod listener;
mod lock;
mod migration;
mod plan;
mod pool;
pub(crate) mod statement;
mod tls;
pub(crate) mod value;

#[cfg(test)]
mod tests;

use crate::slip::{Slip, SlipKey, SlipKind};
use crate::{
    Accounts, Error, Events, Keys, Outage, Revocations, Sessions, Slips, Store, Unit, account, event, key, revocation,
    session, slip,
};
use cloakroom_core::access::Revocation;
use cloakroom_core::account::{Account, Email};
use cloakroom_core::event::Event;
use cloakroom_core::id::{AccountId, SessionId};
use cloakroom_core::keyring::KeyRecord;
use cloakroom_core::session::Session;
use cloakroom_core::time::Timestamp;
use pool::Pool;
use statement::Statement;
use std::sync::Arc;
use tokio::sync::{RwLock, watch};
use tokio::task::AbortHandle;
use tokio_postgres::Row;

/// So many lines of the trail are given their places by one statement: about a tenth of a second.
const PLACED_AT_ONCE: u32 = 10_000;

/// A store in a database of Postgres, in its schema `cloakroom`. Tried with version 15.
pub struct Postgres {
    inner: Arc<Inner>,
    listener: AbortHandle,
}

struct Inner {
    pool: Pool,
    hints: watch::Sender<u64>,
    /// Held for reading by every unit, for writing by who closes.
    gate: RwLock<()>,
}

impl Postgres {
    /// As many connections as serve a node well: more only wait for the same disk.
    pub const CONNECTIONS: usize = 16;

    /// Opens the database of this URL (`postgres://user:password@host:port/database?sslmode=…`, as libpq reads it) and
    /// brings it to the schema of today. Uses at most `connections` of them, and one more to listen. Wants a Tokio runtime with its
    /// timers and network, and takes seconds at most, or a minute while another node changes the schema.
    ///
    /// `sslmode` is `disable`, `prefer` (as without one), `require`, which encrypt without asking who answers, or
    /// `verify-full`, which asks for a certificate that this machine trusts, or one of `sslrootcert=FILE`. Not supported: the
    /// modes `allow` and `verify-ca`, certificates of the client, lists of revoked certificates, and password files.
    ///
    /// Answers [`Error::SchemaTooNew`] or [`Error::Foreign`] without touching what is not this program's,
    /// [`Error::Unavailable`] when it cannot be reached, and [`Error::Fault`] when the URL is none. No error shows the URL.
    pub async fn open(url: &str, connections: usize) -> Result<Self, Error> {
        let address = address::parse(url)?;
        migrate(&address).await?;
        let pool = Pool::new(&address, tls::connector(&address.trust)?, connections)?;
        let hints = watch::Sender::new(0);
        let listener = tokio::spawn(listener::run(address, hints.clone())).abort_handle();
        Ok(Self { inner: Arc::new(Inner { pool, hints, gate: RwLock::new(()) }), listener })
    }

    async fn all<T>(&self, statements: &[Statement], read: impl Fn(&Row) -> Result<T, Error>) -> Result<Vec<T>, Error> {
        self.inner.pool.rows(statements).await?.iter().map(read).collect()
    }

    async fn one<T>(&self, found: Statement, read: impl Fn(&Row) -> Result<T, Error>) -> Result<Option<T>, Error> {
        self.inner.pool.rows(&[found]).await?.first().map(read).transpose()
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.listener.abort();
    }
}

/// On a connection of its own, which is gone afterwards.
async fn migrate(address: &address::Address) -> Result<(), Error> {
    let (mut client, connection) = pool::connect(address).await?;
    let (answer, ()) = tokio::join!(
        async move {
            let answer = migration::run(&mut client).await;
            drop(client);
            answer
        },
        async {
            // Its errors come to who waits for an answer as well.
            let _ = connection.await;
        }
    );
    answer
}

fn closed() -> Error {
    Error::Unavailable(Outage::Closed)
}

#[async_trait::async_trait]
impl Store for Postgres {
    async fn commit(&self, unit: Unit) -> Result<(), Error> {
        if unit.is_empty() {
            return Ok(());
        }
        unit.check_sizes()?;
        let inner = Arc::clone(&self.inner);
        // In a task of its own, because who asked can go away, and a unit must not be left half sent.
        let committing = tokio::spawn(async move {
            let _open = inner.gate.read().await;
            let outcome = commit::commit(&inner.pool, &unit).await;
            // Also when nobody knows whether it happened.
            if unit.revokes() && outcome != Err(Error::Conflict) {
                listener::hint(&inner.hints);
            }
            outcome
        });
        committing.await.unwrap_or_else(|_| Err(closed()))
    }

    async fn ping(&self) -> Result<(), Error> {
        self.keys_version().await.map(|_| ())
    }

    async fn close(&self) {
        let _all = self.inner.gate.write().await;
        self.inner.pool.close();
        self.listener.abort();
    }
}

#[async_trait::async_trait]
impl Accounts for Postgres {
    async fn account(&self, id: AccountId) -> Result<Option<Account>, Error> {
        self.one(account::postgres::account(id), account::postgres::read).await
    }

    async fn account_by_email(&self, email: &Email) -> Result<Option<Account>, Error> {
        self.one(account::postgres::account_by_email(email), account::postgres::read).await
    }

    async fn accounts(&self, after: Option<AccountId>, limit: u32) -> Result<Vec<Account>, Error> {
        self.all(&[account::postgres::accounts(after, limit)], account::postgres::read).await
    }

    async fn count_accounts(&self) -> Result<u64, Error> {
        let counted = self.one(account::postgres::count(), account::postgres::read_count).await?;
        Ok(counted.unwrap_or(0))
    }
}

#[async_trait::async_trait]
impl Sessions for Postgres {
    async fn session(&self, id: SessionId) -> Result<Option<Session>, Error> {
        self.one(session::postgres::session(id), session::postgres::read).await
    }

    async fn sessions_of(&self, account: AccountId, limit: u32) -> Result<Vec<Session>, Error> {
        self.all(&[session::postgres::sessions_of(account, limit)], session::postgres::read).await
    }
}

#[async_trait::async_trait]
impl Keys for Postgres {
    async fn keys(&self) -> Result<Vec<KeyRecord>, Error> {
        self.all(&[key::postgres::keys()], key::postgres::read).await
    }

    async fn keys_version(&self) -> Result<u64, Error> {
        let version = self.one(key::postgres::keys_version(), key::postgres::read_version).await?;
        version.ok_or_else(|| Error::Corrupt { table: "ring", column: "version", row: "1".to_owned() })
    }
}

#[async_trait::async_trait]
impl Events for Postgres {
    async fn events_after(&self, seq: u64, limit: u32) -> Result<Vec<(u64, Event)>, Error> {
        self.all(&event::postgres::events_after(seq, limit), event::postgres::read).await
    }

    async fn events_of(&self, account: AccountId, limit: u32) -> Result<Vec<(u64, Event)>, Error> {
        // A read is given up after a while, and nobody may have read the trail for long: so some at a time.
        while !self.inner.pool.rows(&[event::postgres::has_unread(account)]).await?.is_empty() {
            self.inner.pool.rows(&[event::postgres::place(PLACED_AT_ONCE)]).await?;
        }
        self.all(&[event::postgres::events_of(account, limit)], event::postgres::read).await
    }
}

#[async_trait::async_trait]
impl Revocations for Postgres {
    async fn revocations_after(&self, seq: u64, limit: u32) -> Result<Vec<(u64, Revocation, Timestamp)>, Error> {
        self.all(&[revocation::postgres::revocations_after(seq, limit)], revocation::postgres::read).await
    }

    async fn newest_revocation(&self) -> Result<u64, Error> {
        let newest = self.one(revocation::postgres::newest_revocation(), revocation::postgres::read_newest).await?;
        newest.ok_or_else(|| Error::Corrupt { table: "feed", column: "newest", row: "1".to_owned() })
    }

    fn hints(&self) -> watch::Receiver<u64> {
        self.inner.hints.subscribe()
    }
}

#[async_trait::async_trait]
impl Slips for Postgres {
    async fn slip(&self, kind: SlipKind, key: &SlipKey) -> Result<Option<Slip>, Error> {
        self.one(slip::postgres::slip(kind, key), slip::postgres::read).await
    }

    async fn slips_of(&self, account: AccountId, kind: SlipKind, limit: u32) -> Result<Vec<Slip>, Error> {
        self.all(&[slip::postgres::slips_of(account, kind, limit)], slip::postgres::read).await
    }

    async fn slips_due(&self, kind: SlipKind, now: Timestamp, limit: u32) -> Result<Vec<Slip>, Error> {
        self.all(&[slip::postgres::slips_due(kind, now, limit)], slip::postgres::read).await
    }
}
