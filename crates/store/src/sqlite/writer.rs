//! The one thread that writes: it puts the units that wait into one durable transaction, each within a savepoint.
//!
//! One sync of the disk then answers up to [`GROUP`] of them. When nothing waits, a unit is committed at once: no time
//! is spent on waiting for company. Deliberately absent: any judgement; a unit says itself what it expects.

use super::checkpoint::{self, Checkpoints};
use super::connection::Seat;
use super::readers::Readers;
use super::statement::touch;
use crate::{Error, Order, Outage, Unit, account, event, key, revocation, session, slip};
use rusqlite::Connection;
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot, watch};

/// At most this many units in one transaction.
const GROUP: usize = 256;
/// At most this many units wait; who comes then waits for a place. Twice a group, so that the next one fills meanwhile.
pub(super) const WAITING: usize = 2 * GROUP;

pub(super) enum Message {
    Commit(Unit, oneshot::Sender<Result<(), Error>>),
    Close,
}

pub(super) struct Writer {
    pub(super) inbox: mpsc::Receiver<Message>,
    pub(super) seat: Seat,
    pub(super) readers: Arc<Readers>,
    /// None in memory, where there is no log.
    pub(super) checkpoints: Option<Checkpoints>,
    /// Changed after every commit that may have added to the revocation feed.
    pub(super) hints: watch::Sender<u64>,
    /// Dropped when everything is closed.
    pub(super) done: watch::Sender<()>,
}

impl Writer {
    pub(super) fn begin(self) -> Result<(), Error> {
        std::thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || self.run())
            .map(|_| ())
            .map_err(|error| Error::Unavailable(Outage::Io(error.to_string())))
    }

    fn run(mut self) {
        // Ends when the store was closed, or dropped, and nothing waits any longer.
        while let Some(first) = self.inbox.blocking_recv() {
            let mut group = Vec::new();
            let mut next = Some(first);
            while let Some(message) = next {
                match message {
                    Message::Commit(unit, reply) => group.push((unit, reply)),
                    Message::Close => self.inbox.close(),
                }
                next = if group.len() < GROUP { self.inbox.try_recv().ok() } else { None };
            }
            self.commit(group);
        }
        self.finish();
    }

    fn commit(&self, group: Vec<(Unit, oneshot::Sender<Result<(), Error>>)>) {
        if group.is_empty() {
            return;
        }
        let (units, replies): (Vec<_>, Vec<_>) = group.into_iter().unzip();
        let outcomes = self.seat.with(|connection| commit(connection, &units)).unwrap_or_else(|error| {
            tracing::error!(%error, units = units.len(), "the store could not commit");
            vec![Err(error); units.len()]
        });
        if units.iter().zip(&outcomes).any(|(unit, outcome)| outcome.is_ok() && unit.revokes()) {
            self.hints.send_modify(|hint| *hint = hint.wrapping_add(1));
        }
        for (reply, outcome) in replies.into_iter().zip(outcomes) {
            // Who no longer listens finds out by reading.
            let _ = reply.send(outcome);
        }
        if let Some(checkpoints) = &self.checkpoints
            && let Err(error) = self.seat.with(|connection| checkpoints.tend(connection))
        {
            tracing::warn!(%error, "the store's log could not be looked at");
        }
    }

    fn finish(self) {
        let connection = self.seat.take();
        self.readers.close();
        if let Some(checkpoints) = self.checkpoints {
            checkpoints.end();
            if let Some(Err(error)) = connection.as_ref().map(checkpoint::empty) {
                tracing::warn!(%error, "the store's log stays as it is; the next start reads it");
            }
        }
        drop(connection);
        drop(self.done);
    }
}

/// One transaction. `Err` means that none of the units happened as far as anybody can tell.
pub(super) fn commit(connection: &Connection, units: &[Unit]) -> Result<Vec<Result<(), Error>>, Error> {
    touch(connection, "BEGIN IMMEDIATE", [])?;
    let committed = carry_out_each(connection, units).and_then(|outcomes| {
        touch(connection, "COMMIT", [])?;
        Ok(outcomes)
    });
    if !connection.is_autocommit() {
        touch(connection, "ROLLBACK", [])?;
    }
    // Whatever it was called by the statement that met it, to everybody else in the group it is an outage.
    committed.map_err(|error| match error {
        Error::Unavailable(_) => error,
        other => Error::Unavailable(Outage::Io(other.to_string())),
    })
}

fn carry_out_each(connection: &Connection, units: &[Unit]) -> Result<Vec<Result<(), Error>>, Error> {
    let mut outcomes = Vec::with_capacity(units.len());
    for unit in units {
        touch(connection, "SAVEPOINT unit", [])?;
        let outcome = unit.orders().iter().try_for_each(|order| carry_out(connection, order));
        if let Err(error) = &outcome {
            // A full disk or a failed read can end the whole transaction; then no unit of it has happened.
            if connection.is_autocommit() {
                return Err(error.clone());
            }
            touch(connection, "ROLLBACK TO unit", [])?;
        }
        touch(connection, "RELEASE unit", [])?;
        outcomes.push(outcome);
    }
    Ok(outcomes)
}

fn carry_out(connection: &Connection, order: &Order) -> Result<(), Error> {
    match order {
        Order::OpenAccount(account) => account::sqlite::open(connection, account),
        Order::SetPassword { account, expected, next, at } => {
            account::sqlite::set_password(connection, *account, expected, next, *at)
        }
        Order::VerifyEmail { account, email, at } => account::sqlite::verify_email(connection, *account, email, *at),
        Order::SetEmail { account, expected, next, verified_at } => {
            account::sqlite::set_email(connection, *account, expected, next, *verified_at)
        }
        Order::DeleteAccount(account) => account::sqlite::delete(connection, *account),
        Order::DisableAccount { account, at } => account::sqlite::disable(connection, *account, *at),
        Order::RaiseFloor { account, to, until } => account::sqlite::raise_floor(connection, *account, *to, *until),
        Order::OpenSession(session) => session::sqlite::open(connection, session),
        Order::ExpectPassword { account, set_at } => account::sqlite::expect_password(connection, *account, *set_at),
        Order::ExpectRoom { account, below, now, idle_since } => {
            session::sqlite::expect_room(connection, *account, *below, *now, *idle_since)
        }
        Order::EndOldest { account, keep, now, idle_since, ended, revoked_until } => {
            session::sqlite::end_oldest(connection, *account, *keep, (*now, *idle_since), *ended, *revoked_until)
        }
        Order::ChangeFamily { session, expected, next } => {
            session::sqlite::change_family(connection, *session, *expected, next)
        }
        Order::SetRoles { session, next } => session::sqlite::set_roles(connection, *session, next),
        Order::EndSession { session, ended } => session::sqlite::end(connection, *session, *ended),
        Order::EndSessions { account, except, ended, revoked_until } => {
            session::sqlite::end_all(connection, *account, *except, *ended, *revoked_until)
        }
        Order::EndEverything { ended, before, until } => {
            session::sqlite::end_everything(connection, *ended, *before, *until)
        }
        Order::Sight(sighting) => session::sqlite::sight(connection, sighting),
        Order::ExpectKeys(version) => key::sqlite::expect_version(connection, *version),
        Order::InsertKey(key) => key::sqlite::add(connection, key),
        Order::WithdrawKey { key, at } => key::sqlite::withdraw(connection, *key, *at),
        Order::DeleteKey(key) => key::sqlite::delete(connection, *key),
        Order::Revoke { entry, until } => revocation::sqlite::revoke(connection, entry, *until),
        Order::Record(event) => event::sqlite::record(connection, event),
        Order::AddSlip(slip) => slip::sqlite::add(connection, slip),
        Order::PutSlip(slip) => slip::sqlite::put(connection, slip),
        Order::ChangeSlip { expected, next } => slip::sqlite::change_to(connection, *expected, next),
        Order::RemoveSlip { kind, key, expected } => slip::sqlite::remove(connection, *kind, key, *expected),
        Order::RemoveSlips { account, kind } => slip::sqlite::remove_all(connection, *account, *kind),
        Order::ExpectSlip { kind, key, expected } => slip::sqlite::expect_version(connection, *kind, key, *expected),
        Order::Sweep { now, ended_before } => {
            revocation::sqlite::sweep(connection, *now)?;
            session::sqlite::sweep(connection, *ended_before)?;
            slip::sqlite::sweep(connection, *now)
        }
    }
}
