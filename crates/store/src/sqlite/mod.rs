//! SQLite behind the contracts: one writer thread, a few readers, a thread for checkpoints.
//!
//! Another process, such as the command line beside a running server, may use the same file at the same time.
//! Deliberately absent: files on a network; SQLite's write-ahead log needs memory shared by all who open it.

mod checkpoint;
mod connection;
mod migration;
mod readers;
pub(crate) mod statement;
pub(crate) mod value;
mod writer;

#[cfg(test)]
mod tests;

use crate::slip::{Slip, SlipKey, SlipKind};
use crate::{
    Accounts, Error, Events, Keys, Outage, Revocations, Sessions, Slips, Store, Unit, account, event, key, revocation,
    session, slip,
};
use checkpoint::{Checkpoints, Limits};
use cloakroom_core::access::Revocation;
use cloakroom_core::account::{Account, Email};
use cloakroom_core::event::Event;
use cloakroom_core::id::{AccountId, SessionId};
use cloakroom_core::keyring::KeyRecord;
use cloakroom_core::session::Session;
use cloakroom_core::time::Timestamp;
use connection::Seat;
use readers::Readers;
use std::fs::OpenOptions;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{mpsc, oneshot, watch};
use writer::{Message, WAITING, Writer};

/// Point reads take microseconds: more connections would only wait for the same cores.
const READERS: usize = 4;

/// A store in one file, or in memory.
pub struct Sqlite {
    outbox: mpsc::Sender<Message>,
    readers: Arc<Readers>,
    done: watch::Receiver<()>,
    hints: watch::Sender<u64>,
}

impl Sqlite {
    /// Opens the database in this file and brings it to the schema of today. A file that is not there is made, readable by
    /// its owner only; its folder must be there. Blocks for as long as the disk needs, and up to seconds while another
    /// process is opening the same file.
    ///
    /// Answers [`Error::SchemaTooNew`] or [`Error::Foreign`] without touching a file that is not this program's, and
    /// [`Error::Unavailable`] when it cannot be opened.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let path = std::path::absolute(path).map_err(|error| cannot_open(path, &error))?;
        let writer = {
            // One at a time, because closing the file that `create` makes would drop the locks that SQLite has on the
            // same file anywhere in this process (POSIX advisory locks).
            let _turn = OPENING.lock().unwrap_or_else(PoisonError::into_inner);
            create(&path).map_err(|error| cannot_open(&path, &error))?;
            connection::writer(&path)?
        };
        let readers = (0..READERS).map(|_| connection::reader(&path).map(Seat::new)).collect::<Result<_, _>>()?;
        Self::begin(Seat::new(writer), readers, Some(Checkpoints::begin(&path, Limits::USUAL)?))
    }

    /// A new database in memory, gone when it is dropped. Reads and writes take turns on one connection: SQLite's way of
    /// sharing a database in memory between connections locks whole tables and answers "locked" without waiting.
    pub fn in_memory() -> Result<Self, Error> {
        let seat = Seat::new(connection::memory()?);
        Self::begin(seat.clone(), vec![seat], None)
    }

    fn begin(seat: Seat, readers: Vec<Seat>, checkpoints: Option<Checkpoints>) -> Result<Self, Error> {
        let (outbox, inbox) = mpsc::channel(WAITING);
        let (done, is_done) = watch::channel(());
        let readers = Arc::new(Readers::new(readers));
        let hints = watch::Sender::new(0);
        Writer { inbox, seat, readers: Arc::clone(&readers), checkpoints, hints: hints.clone(), done }.begin()?;
        Ok(Self { outbox, readers, done: is_done, hints })
    }
}

static OPENING: Mutex<()> = Mutex::new(());

/// Makes the file if it is not there. SQLite gives the files beside it the same permissions.
fn create(path: &Path) -> std::io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
    }
}

fn cannot_open(path: &Path, error: &std::io::Error) -> Error {
    Error::Unavailable(Outage::Io(format!("cannot open {}: {error}", path.display())))
}

fn closed() -> Error {
    Error::Unavailable(Outage::Closed)
}

#[async_trait::async_trait]
impl Store for Sqlite {
    async fn commit(&self, unit: Unit) -> Result<(), Error> {
        if unit.is_empty() {
            return Ok(());
        }
        unit.check_sizes()?;
        let (reply, answer) = oneshot::channel();
        self.outbox.send(Message::Commit(unit, reply)).await.map_err(|_| closed())?;
        answer.await.unwrap_or_else(|_| Err(closed()))
    }

    async fn ping(&self) -> Result<(), Error> {
        if self.outbox.is_closed() {
            return Err(closed());
        }
        self.readers.read(key::sqlite::keys_version).map(|_| ())
    }

    async fn close(&self) {
        // Refused when it is being closed already: then wait for that.
        let _ = self.outbox.send(Message::Close).await;
        let mut done = self.done.clone();
        while done.changed().await.is_ok() {}
    }
}

#[async_trait::async_trait]
impl Accounts for Sqlite {
    async fn account(&self, id: AccountId) -> Result<Option<Account>, Error> {
        self.readers.read(|connection| account::sqlite::account(connection, id))
    }

    async fn account_by_email(&self, email: &Email) -> Result<Option<Account>, Error> {
        self.readers.read(|connection| account::sqlite::account_by_email(connection, email))
    }

    async fn accounts(&self, after: Option<AccountId>, limit: u32) -> Result<Vec<Account>, Error> {
        self.readers.read(|connection| account::sqlite::accounts(connection, after, limit))
    }

    async fn count_accounts(&self) -> Result<u64, Error> {
        self.readers.read(account::sqlite::count)
    }
}

#[async_trait::async_trait]
impl Sessions for Sqlite {
    async fn session(&self, id: SessionId) -> Result<Option<Session>, Error> {
        self.readers.read(|connection| session::sqlite::session(connection, id))
    }

    async fn sessions_of(&self, account: AccountId, limit: u32) -> Result<Vec<Session>, Error> {
        self.readers.read(|connection| session::sqlite::sessions_of(connection, account, limit))
    }
}

#[async_trait::async_trait]
impl Keys for Sqlite {
    async fn keys(&self) -> Result<Vec<KeyRecord>, Error> {
        self.readers.read(key::sqlite::keys)
    }

    async fn keys_version(&self) -> Result<u64, Error> {
        self.readers.read(key::sqlite::keys_version)
    }
}

#[async_trait::async_trait]
impl Events for Sqlite {
    async fn events_after(&self, seq: u64, limit: u32) -> Result<Vec<(u64, Event)>, Error> {
        self.readers.read(|connection| event::sqlite::events_after(connection, seq, limit))
    }

    async fn events_of(&self, account: AccountId, limit: u32) -> Result<Vec<(u64, Event)>, Error> {
        self.readers.read(|connection| event::sqlite::events_of(connection, account, limit))
    }
}

#[async_trait::async_trait]
impl Revocations for Sqlite {
    async fn revocations_after(&self, seq: u64, limit: u32) -> Result<Vec<(u64, Revocation, Timestamp)>, Error> {
        self.readers.read(|connection| revocation::sqlite::revocations_after(connection, seq, limit))
    }

    async fn newest_revocation(&self) -> Result<u64, Error> {
        self.readers.read(revocation::sqlite::newest_revocation)
    }

    fn hints(&self) -> watch::Receiver<u64> {
        self.hints.subscribe()
    }
}

#[async_trait::async_trait]
impl Slips for Sqlite {
    async fn slip(&self, kind: SlipKind, key: &SlipKey) -> Result<Option<Slip>, Error> {
        self.readers.read(|connection| slip::sqlite::slip(connection, kind, key))
    }

    async fn slips_of(&self, account: AccountId, kind: SlipKind, limit: u32) -> Result<Vec<Slip>, Error> {
        self.readers.read(|connection| slip::sqlite::slips_of(connection, account, kind, limit))
    }

    async fn slips_due(&self, kind: SlipKind, now: Timestamp, limit: u32) -> Result<Vec<Slip>, Error> {
        self.readers.read(|connection| slip::sqlite::slips_due(connection, kind, now, limit))
    }
}
