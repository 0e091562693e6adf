//! The queue of letters. A letter survives a restart, is tried again with growing delays, and is sent at least once: twice
//! only when a node dies between sending and writing that it did.
//!
//! Whoever writes a letter only if something exists writes a decoy if it does not: an address that is unknown must not be
//! faster by one row (v5.0.0-6.3.8).

use crate::kept::{key, slip};
use crate::{App, Fault};
use cloakroom_core::letter::Letter;
use cloakroom_core::time::{Lifetime, Timestamp};
use cloakroom_store::{Error as StoreError, Order, Slip, SlipKind, Unit};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// What brings letters to their addresses.
#[async_trait::async_trait]
pub trait Courier: Send + Sync + 'static {
    /// Sends one letter; `now` in Unix seconds is its date.
    async fn deliver(&self, letter: &Letter, now: i64) -> Result<(), Undelivered>;
}

/// A letter was not sent.
#[derive(Debug)]
pub struct Undelivered {
    /// Whether trying again is of no use.
    pub permanent: bool,
    /// For the log: no address, no text of the letter.
    pub reason: String,
}

/// A letter that could not be sent for so long is given up.
const KEEP_FOR: Lifetime = Lifetime::from_secs(3 * 86_400);

/// How long a node has for sending; then another one may try.
const FIRST_DELAY: Lifetime = Lifetime::from_secs(60);

const LONGEST_DELAY: Lifetime = Lifetime::from_secs(3600);

/// All sealed letters have one length, so that a decoy is like any other.
const PADDED_TO: usize = 4096;

/// Another node may have posted; so often it is looked.
const EVERY: Duration = Duration::from_secs(1);

/// So long after a request the letters that it has posted are sent: longer than its answer can wait for its line
/// ([`crate::even`]).
const AFTER_THE_ANSWER: Duration = Duration::from_millis(100);

const AT_ONCE: u32 = 16;

/// Letters under way at once, so that one slow address does not hold up the others.
const TOGETHER: usize = 8;

impl App {
    /// Adds a letter to a unit; without one a decoy, which nobody gets.
    pub(crate) fn post(&self, unit: Unit, letter: Option<&Letter>, now: Timestamp) -> Result<Unit, Fault> {
        let mut text =
            serde_json::to_vec(&letter).map_err(|error| Fault::new("a letter could not be written", error))?;
        text.resize(text.len().max(PADDED_TO), b' ');
        let name: [u8; 16] = cloakroom_jose::random()?;
        let sealed = self.master.seal(&bound_to(&name), &text)?;
        let letter = slip(SlipKind::Letter, key(&[&name])?, &())?;
        let letter = Slip { due_at: Some(now), expires_at: Some(now.plus(KEEP_FOR)), data: sealed, ..letter };
        Ok(unit.order(Order::AddSlip(letter)))
    }

    /// Wakes the sender: called after a commit that posted something.
    pub(crate) fn posted(&self) {
        self.posted.notify_one();
    }

    /// Sends letters as they come, until it is told to stop.
    pub async fn keep_posting(&self, courier: &dyn Courier, stop: CancellationToken) {
        loop {
            if let Err(fault) = self.deliver_letters(courier).await {
                tracing::warn!(%fault, "the queue of letters could not be read; it is tried again every second");
            }
            tokio::select! {
                // Not while the answer leaves: whether a mail is really sent would show in its time.
                () = self.posted.notified() => tokio::time::sleep(AFTER_THE_ANSWER).await,
                () = tokio::time::sleep(EVERY) => {}
                () = stop.cancelled() => return,
            }
        }
    }

    /// Sends every letter that is due now. Answers how many were sent.
    pub async fn deliver_letters(&self, courier: &dyn Courier) -> Result<usize, Fault> {
        let mut sent = 0;
        loop {
            let now = self.clock.now();
            let due = self.store.slips_due(SlipKind::Letter, now, AT_ONCE).await?;
            if due.is_empty() {
                return Ok(sent);
            }
            let mut due = due.into_iter();
            loop {
                let group: Vec<_> = due.by_ref().take(TOGETHER).map(|slip| self.deliver(courier, slip, now)).collect();
                if group.is_empty() {
                    break;
                }
                for outcome in futures_util::future::join_all(group).await {
                    sent += usize::from(outcome?);
                }
            }
        }
    }

    /// Takes one letter, sends it, and forgets it. `false` when it was not ours to send, or not sent.
    async fn deliver(&self, courier: &dyn Courier, letter: Slip, now: Timestamp) -> Result<bool, Fault> {
        let expected = letter.version;
        let delay = FIRST_DELAY.times(1_u64.checked_shl(expected).unwrap_or(u64::MAX)).min(LONGEST_DELAY);
        let taken = Slip { version: expected.saturating_add(1), due_at: Some(now.plus(delay)), ..letter };
        // Written before it is sent: whoever finds it taken leaves it alone until the delay is over.
        match self.store.commit(Order::ChangeSlip { expected, next: taken.clone() }.into()).await {
            Ok(()) => {}
            Err(StoreError::Conflict) => return Ok(false),
            Err(error) => return Err(error.into()),
        }
        let given_up = taken.expires_at.is_some_and(|at| now >= at);
        let outcome = match self.open_letter(&taken) {
            Ok(None) => Ok(()),
            Ok(Some(_)) if given_up => Err(Undelivered { permanent: true, reason: "too many days".into() }),
            Ok(Some(letter)) => courier.deliver(&letter, now.unix_seconds()).await,
            Err(fault) => Err(Undelivered { permanent: true, reason: fault.to_string() }),
        };
        let attempts = taken.version;
        let name = match &outcome {
            Ok(()) => "sent",
            Err(undelivered) if undelivered.permanent => "given-up",
            Err(_) => "postponed",
        };
        metrics::counter!("cloakroom_letters_total", "outcome" => name).increment(1);
        if let Err(Undelivered { permanent, reason }) = &outcome {
            tracing::warn!(reason, attempts, permanent, "a mail was not sent");
            if !permanent {
                return Ok(false);
            }
        }
        let done = Order::RemoveSlip { kind: SlipKind::Letter, key: taken.key, expected: taken.version };
        match self.store.commit(done.into()).await {
            Ok(()) | Err(StoreError::Conflict) => Ok(outcome.is_ok()),
            Err(error) => Err(error.into()),
        }
    }

    fn open_letter(&self, slip: &Slip) -> Result<Option<Letter>, Fault> {
        let text = self.master.open(&bound_to(slip.key.as_bytes()), &slip.data)?;
        serde_json::from_slice(&text).map_err(|_| Fault::plain("a letter of the store cannot be read"))
    }
}

fn bound_to(name: &[u8]) -> Vec<u8> {
    [b"cloakroom letter v1 ", name].concat()
}
