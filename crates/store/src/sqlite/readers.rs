//! Reading: a few connections, used on the thread that asks.
//!
//! A point read takes less time (2.7 µs) than handing it to another thread and back, so there is no pool of threads.
//! Every read is one statement, and so sees one snapshot. A lock is held for the statement only, never over an await.

use super::connection::Seat;
use crate::{Error, Outage};
use rusqlite::Connection;
use std::sync::atomic::{AtomicUsize, Ordering};

pub(super) struct Readers {
    seats: Vec<Seat>,
    turn: AtomicUsize,
}

impl Readers {
    pub(super) fn new(seats: Vec<Seat>) -> Self {
        Self { seats, turn: AtomicUsize::new(0) }
    }

    /// Reads with the first connection that is free, or waits for one of those that are not.
    pub(super) fn read<T>(&self, run: impl FnOnce(&Connection) -> Result<T, Error>) -> Result<T, Error> {
        let start = self.turn.fetch_add(1, Ordering::Relaxed) % self.seats.len().max(1);
        let mut run = run;
        for seat in self.seats.iter().cycle().skip(start).take(self.seats.len()) {
            match seat.try_with(run) {
                Ok(answer) => return answer,
                Err(unused) => run = unused,
            }
        }
        self.seats.get(start).ok_or(Error::Unavailable(Outage::Closed))?.with(run)
    }

    /// Waits for the reads that are going on and lets go of every connection.
    pub(super) fn close(&self) {
        for seat in &self.seats {
            drop(seat.take());
        }
    }
}
