//! What happened at the bank: the oracle of the lab, since only what arrived at the server counts.
//!
//! Deeds are kept in memory and never forgotten. It does not judge whether a deed was an attack: it says who the bank
//! took for the doer, and by which credential.

use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::Serialize;
use tokio::sync::watch;

/// One thing that the bank did, or refused to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Deed {
    /// Counted from 1, without gaps, over all strategies of one bank.
    pub seq: u64,
    /// The strategy whose bank did it, such as `S10`, or `idp`.
    pub strategy: &'static str,
    /// The address under which the account was opened (it stays the same when the address is changed later).
    /// Empty: nobody that the bank knows.
    pub account: String,
    /// What it was.
    pub what: What,
    /// When, in Unix seconds of the bank's clock.
    pub at: i64,
    /// The first 16 hexadecimal digits of the SHA-256 of the credential that it was done with (at a log-in: of the one
    /// that was given out).
    pub credential: String,
    /// The `x-lab-request` of the request that did it. Empty: it had none.
    pub request: String,
}

/// What was done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum What {
    /// Somebody logged in.
    Login,
    /// The profile, with the canary in it, left the server (as JSON or in a page).
    ProfileRead,
    /// The address was changed.
    EmailChanged {
        /// The new address.
        to: String,
    },
    /// The password was changed.
    PasswordChanged,
    /// Money was transferred.
    Transferred {
        /// To whom, as asked.
        to: String,
        /// How much, in cents.
        amount: i64,
    },
    /// The account was deleted.
    AccountDeleted,
    /// A blog post was written.
    PostWritten {
        /// Its name in `/preview/{id}`.
        id: String,
    },
    /// A blog post was shown, raw.
    PostPreviewed {
        /// Its name in `/preview/{id}`.
        id: String,
    },
    /// Somebody logged out.
    LoggedOut,
    /// An access token (or a bound cookie) was renewed.
    Refreshed,
    /// The identity provider gave out an authorization code.
    CodeIssued {
        /// For which client, which is the id of a strategy.
        client: String,
    },
    /// A device key was bound to a session.
    KeyBound,
    /// A request was refused.
    Refused {
        /// With which status.
        status: u16,
    },
}

pub(crate) struct Deeds {
    done: Mutex<Vec<Deed>>,
    count: watch::Sender<u64>,
}

impl Deeds {
    pub(crate) fn new() -> Self {
        Self { done: Mutex::new(Vec::new()), count: watch::Sender::new(0) }
    }

    /// Adds a deed; its `seq` is given here.
    pub(crate) fn add(&self, mut deed: Deed) {
        let mut done = self.lock();
        deed.seq = done.len() as u64 + 1;
        let seq = deed.seq;
        done.push(deed);
        // Inside the lock, so that the number never goes back.
        self.count.send_replace(seq);
    }

    pub(crate) fn all(&self) -> Vec<Deed> {
        self.lock().clone()
    }

    pub(crate) fn of(&self, email: &str) -> Vec<Deed> {
        self.lock().iter().filter(|deed| deed.account == email).cloned().collect()
    }

    pub(crate) fn watch(&self) -> watch::Receiver<u64> {
        self.count.subscribe()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Deed>> {
        self.done.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
