//! What Cloakroom remembers: one contract per stored thing, and SQLite or Postgres behind them.
//!
//! Reads go through the contracts ([`Accounts`], [`Sessions`], [`Keys`], [`Events`], [`Revocations`], [`Slips`]) and see a
//! snapshot. Changes go through [`Store::commit`]: a [`Unit`] is a list of orders that is carried out all or nothing, and
//! every order that depends on what was read carries what it expects to find. If any expectation fails, nothing of the
//! unit happens and the answer is [`Error::Conflict`]: the use case reads and judges again. So no transaction is ever
//! open while a use case thinks, and a backend is free to put many units into one durable transaction.
//!
//! Deliberately absent: rules about users (`core`), retries and caches (`app`), SQL or driver types in any public item.

#![warn(missing_docs)]

pub mod account;
mod error;
pub mod event;
pub mod key;
mod postgres;
pub mod revocation;
pub mod session;
pub mod slip;
mod sqlite;
mod unit;

#[cfg(test)]
mod exam;

pub use account::Accounts;
pub use error::{Error, Outage};
pub use event::Events;
pub use key::Keys;
pub use postgres::Postgres;
pub use revocation::Revocations;
pub use session::{Sessions, Sighting};
pub use slip::{Slip, SlipKey, SlipKind, Slips};
pub use sqlite::Sqlite;
pub use unit::{Order, Unit};

/// Everything that is remembered, whatever it is kept in.
#[async_trait::async_trait]
pub trait Store: Accounts + Sessions + Keys + Events + Revocations + Slips + Send + Sync + 'static {
    /// Carries a unit of work out, all of it or nothing. `Ok` means durable: it survives the end of the process and
    /// of the machine, and every read that begins afterwards sees it.
    ///
    /// Answers [`Error::Conflict`] when an expectation of the unit failed, and then nothing of it happened. After
    /// [`Error::Unavailable`] the outcome is unknown, as it is when the returned future is dropped before it is ready:
    /// read before trying again. A text with U+0000 is a fault where it cannot be kept (Postgres), and so is a slip with more
    /// than [`Slip::MAX_DATA`] bytes, everywhere.
    async fn commit(&self, unit: Unit) -> Result<(), Error>;

    /// Whether reads are answered and the writer is at work, for readiness checks. Writes nothing.
    async fn ping(&self) -> Result<(), Error>;

    /// Carries out the units that were handed in before, writes everything to its final place and lets go of it.
    /// Later calls of any other method answer [`Outage::Closed`]; closing twice is closing once. A store that is dropped
    /// without it loses nothing that was answered with `Ok`.
    async fn close(&self);
}
