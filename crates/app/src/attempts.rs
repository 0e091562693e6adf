//! How many guesses get through: buckets in the store, so that all nodes count together. An attempt is written before anything
//! is compared, as a compare-and-swap: of guesses at the same instant one is let through.
//!
//! A device that has logged in to the account before has a bucket of its own and is not asked for any other, so nobody can
//! lock its owner out (v5.0.0-6.1.1).

use crate::kept::{Kept, kept, key, read, slip};
use crate::{App, Error, Fault, Refusal};
use cloakroom_core::device::{prefix, wide_prefix};
use cloakroom_core::event::EventKind;
use cloakroom_core::id::{AccountId, SessionId};
use cloakroom_core::limit::{Bucket, Limit, Verdict};
use cloakroom_core::time::{Lifetime, Timestamp};
use cloakroom_jose::sha256;
use cloakroom_store::{Error as StoreError, Order, Slip, SlipKind, Unit};
use serde::{Deserialize, Serialize};
use std::net::IpAddr;

/// Limits of guesses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Passwords for one account from devices that it does not know, from wherever they come.
    pub account: Limit,
    /// Passwords for one account from one of its devices.
    pub device: Limit,
    /// Wrong passwords from one network, for whatever account.
    pub network: Limit,
    /// Sign-ups, resets and the like from one network.
    pub requests: Limit,
    /// The same from the network around it, which somebody may have all of.
    pub wide_requests: Limit,
    /// Second factors and proofs of one account.
    pub factor: Limit,
    /// Mails to one address that anybody can ask for.
    pub mail: Limit,
}

impl Default for Limits {
    fn default() -> Self {
        let limit = |free, first, longest, at_most, forget_after| Limit {
            free,
            first: Lifetime::from_secs(first),
            longest: Lifetime::from_secs(longest),
            at_most,
            forget_after: Lifetime::from_secs(forget_after),
        };
        // At most 100 in a row (NIST SP 800-63B-4 §3.2.2); a month of silence is no row.
        Self {
            account: limit(5, 1, 900, Some(100), 30 * 86_400),
            device: limit(10, 1, 300, Some(100), 30 * 86_400),
            network: limit(50, 1, 60, None, 3600),
            requests: limit(300, 1, 5, None, 3600),
            // Of a /48 there are 65,536 networks. High, because of an IPv4 /16 many people have a part.
            wide_requests: limit(5000, 1, 5, None, 3600),
            factor: limit(5, 1, 900, Some(100), 30 * 86_400),
            // Shorter than a mailed link is good: whoever asks again and again, one that is good is always there.
            mail: limit(3, 300, 900, None, 6 * 3600),
        }
    }
}

/// Turns at buckets on this node: several buckets share one, which makes some wait longer than they must and nobody wrong.
pub(crate) struct Turns([tokio::sync::Mutex<()>; 64]);

impl Default for Turns {
    fn default() -> Self {
        Self(std::array::from_fn(|_| tokio::sync::Mutex::default()))
    }
}

impl Turns {
    /// Takes the turns of some buckets, in one order whoever asks.
    async fn take<'a>(&self, names: impl Iterator<Item = &'a [u8; 33]>) -> Vec<tokio::sync::MutexGuard<'_, ()>> {
        let mut places: Vec<usize> = names.map(|name| usize::from(name[32]) % self.0.len()).collect();
        places.sort_unstable();
        places.dedup();
        let mut turns = Vec::with_capacity(places.len());
        for turn in places.into_iter().filter_map(|place| self.0.get(place)) {
            turns.push(turn.lock().await);
        }
        turns
    }
}

/// Whose attempts are counted together.
pub(crate) struct Counted {
    name: [u8; 33],
    limit: Limit,
}

#[derive(Serialize, Deserialize)]
struct Row {
    failures: u32,
    last_at: i64,
}

/// An attempt that was let through, and counts as a failure until it is forgiven.
pub(crate) struct Attempt {
    buckets: Vec<[u8; 33]>,
}

/// Rounds of a race for one bucket; whoever loses them all is one of very many.
const ROUNDS: usize = 16;

impl App {
    /// Passwords for an address from a device that its account does not know. The address counts, not the account: one that
    /// does not exist is no different.
    pub(crate) fn counted_by_address(&self, email: &str) -> Counted {
        Counted { name: name(b'a', email.as_bytes()), limit: self.settings.limits.account }
    }

    /// Passwords for an account from a device of its own.
    pub(crate) fn counted_by_device(&self, account: AccountId, device: &[u8; 32]) -> Counted {
        let both = [account.as_bytes(), &device[..]].concat();
        Counted { name: name(b'd', &both), limit: self.settings.limits.device }
    }

    /// Passwords from one network.
    pub(crate) fn counted_by_network(&self, prefix: &str) -> Counted {
        Counted { name: name(b'n', prefix.as_bytes()), limit: self.settings.limits.network }
    }

    /// What anybody can ask for, from one network and from the one around it.
    pub(crate) fn counted_by_request(&self, address: IpAddr) -> [Counted; 2] {
        let limits = self.settings.limits;
        let near = Counted { name: name(b'r', prefix(address).as_bytes()), limit: limits.requests };
        [near, Counted { name: name(b'R', wide_prefix(address).as_bytes()), limit: limits.wide_requests }]
    }

    /// Second factors and proofs of an account.
    pub(crate) fn counted_by_factor(&self, account: AccountId) -> Counted {
        Counted { name: name(b'f', account.as_bytes()), limit: self.settings.limits.factor }
    }

    /// Second factors after a password, from a device of the account: a bucket of its own, as for passwords.
    pub(crate) fn counted_by_factor_on(&self, account: AccountId, device: &[u8; 32]) -> Counted {
        let both = [account.as_bytes(), &device[..]].concat();
        Counted { name: name(b'g', &both), limit: self.settings.limits.factor }
    }

    /// Proofs within a session: whoever guesses elsewhere makes nobody wait here.
    pub(crate) fn counted_by_session(&self, session: SessionId) -> Counted {
        Counted { name: name(b's', session.as_bytes()), limit: self.settings.limits.factor }
    }

    /// Codes mailed to the owner of an account for their own approvals. Apart from what anybody can ask for: no stranger keeps
    /// them from getting one.
    pub(crate) fn counted_by_code(&self, account: AccountId) -> Counted {
        Counted { name: name(b'c', account.as_bytes()), limit: self.settings.limits.mail }
    }

    /// Warnings to the owner of an account: one, and then none for a while.
    pub(crate) fn counted_by_warning(&self, account: AccountId) -> Counted {
        let limit = Limit {
            free: 1,
            first: Lifetime::from_secs(3600),
            longest: Lifetime::from_secs(86_400),
            ..self.settings.limits.mail
        };
        Counted { name: name(b'w', account.as_bytes()), limit }
    }

    /// Wrong proofs of clients from one network.
    pub(crate) fn counted_by_client_failure(&self, address: IpAddr) -> Counted {
        Counted { name: name(b'k', prefix(address).as_bytes()), limit: self.settings.limits.network }
    }

    /// Mails to an address.
    pub(crate) fn counted_by_mail(&self, email: &str) -> Counted {
        Counted { name: name(b'm', email.as_bytes()), limit: self.settings.limits.mail }
    }

    /// Lets an attempt through and counts it, in all of these or in none. Refused as [`Refusal::TooManyAttempts`] with the time
    /// to wait, or as [`Refusal::PasswordLocked`].
    pub(crate) async fn attempt(&self, counted: &[Counted], now: Timestamp) -> Result<Attempt, Error> {
        // Those of one bucket come one after the other on this node, so that races are lost to other nodes alone: people behind
        // one address who come at the same instant are no attack.
        let _turns = self.turns.take(counted.iter().map(|one| &one.name)).await;
        for _ in 0..ROUNDS {
            let mut unit = Unit::new();
            let mut wait = Lifetime::ZERO;
            for one in counted {
                let bucket = key(&[&one.name])?;
                // Read once: one that has expired and was not swept yet is replaced as it was found, and no other.
                let found = self.store.slip(SlipKind::Bucket, &bucket).await?.map(read::<Row>).transpose()?;
                let alive = found.as_ref().filter(|row| row.slip.expires_at.is_none_or(|at| now < at));
                let order = match one.limit.judge(alive.map(Kept::bucket), now) {
                    Verdict::Never => return refuse(Refusal::PasswordLocked),
                    Verdict::Wait(length) => {
                        wait = wait.max(length);
                        continue;
                    }
                    Verdict::Try(next) => {
                        let row = Row { failures: next.failures, last_at: next.last_at.millis() };
                        let expires_at = Some(now.plus(one.limit.forget_after));
                        let next = Slip { expires_at, ..slip(SlipKind::Bucket, bucket, &row)? };
                        match found {
                            None => Order::AddSlip(next),
                            Some(old) => Order::ChangeSlip {
                                expected: old.slip.version,
                                next: Slip { version: old.slip.version.wrapping_add(1), ..next },
                            },
                        }
                    }
                };
                unit = unit.order(order);
            }
            if wait > Lifetime::ZERO {
                return refuse(Refusal::TooManyAttempts { wait });
            }
            match self.store.commit(unit).await {
                Ok(()) => return Ok(Attempt { buckets: counted.iter().map(|one| one.name).collect() }),
                Err(StoreError::Conflict) => {}
                Err(error) => return Err(error.into()),
            }
        }
        refuse(Refusal::TooManyAttempts { wait: Lifetime::from_secs(1) })
    }

    /// Adds to a unit that an attempt was none of a thief's: its buckets are empty again.
    pub(crate) fn forgive(&self, unit: Unit, attempt: &Attempt, now: Timestamp) -> Result<Unit, Fault> {
        // Of what came from a network only this one attempt is taken back (`give_back`): whoever guesses there may have an
        // account, too.
        attempt
            .buckets
            .iter()
            .filter(|name| name.first() != Some(&b'n'))
            .try_fold(unit, |unit, name| Ok(unit.order(empty(name, now, self.settings.limits.account.forget_after)?)))
    }

    /// Takes an attempt that was none of a thief's back from the bucket of its network. Whoever loses every race for it leaves
    /// it counted, which costs the network one free attempt of an hour.
    pub(crate) async fn give_back(&self, attempt: &Attempt, now: Timestamp) -> Result<(), Fault> {
        let Some(name) = attempt.buckets.iter().find(|name| name.first() == Some(&b'n')) else { return Ok(()) };
        for _ in 0..ROUNDS {
            let Some(mut row) = kept::<Row>(&*self.store, SlipKind::Bucket, &key(&[name])?, now).await? else { break };
            row.value.failures = row.value.failures.saturating_sub(1);
            match self.store.commit(row.changed()?.into()).await {
                Err(StoreError::Conflict) => {}
                done => return Ok(done?),
            }
        }
        Ok(())
    }

    /// Adds to a unit that the password of an account is asked for again, on each of its devices and elsewhere: it was replaced.
    pub(crate) async fn unlock(
        &self,
        unit: Unit,
        email: &str,
        account: AccountId,
        now: Timestamp,
    ) -> Result<Unit, Fault> {
        let keep = self.settings.limits.account.forget_after;
        let mut names = vec![name(b'a', email.as_bytes()), name(b'f', account.as_bytes())];
        // A device is called in the store as its bucket is here: account and hash.
        let devices = self.store.slips_of(account, SlipKind::Device, 100).await?;
        names.extend(devices.iter().map(|device| name(b'd', device.key.as_bytes())));
        names.iter().try_fold(unit, |unit, name| Ok(unit.order(empty(name, now, keep)?)))
    }

    /// Whether an attempt that was let through was the last one there is: its owner is told then, once.
    pub(crate) async fn was_the_last(&self, attempt: &Attempt, now: Timestamp) -> Result<bool, Fault> {
        for name in &attempt.buckets {
            let limit = match name.first() {
                Some(b'a') => self.settings.limits.account,
                Some(b'd') => self.settings.limits.device,
                _ => continue,
            };
            let found = kept::<Row>(&*self.store, SlipKind::Bucket, &key(&[name])?, now).await?;
            if limit.judge(found.as_ref().map(Kept::bucket), now) == Verdict::Never {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// A line of the trail for a failed guess: and what it led to.
    pub(crate) fn failure_of(locked: bool) -> EventKind {
        if locked { EventKind::PasswordLocked } else { EventKind::LoginFailed }
    }
}

fn refuse(refusal: Refusal) -> Result<Attempt, Error> {
    metrics::counter!("cloakroom_attempts_refused_total").increment(1);
    // No line of the trail for each: a flood of guesses would be a flood of rows.
    tracing::info!(locked = refusal == Refusal::PasswordLocked, "an attempt was refused unread");
    Err(refusal.into())
}

impl Kept<Row> {
    fn bucket(&self) -> Bucket {
        Bucket { failures: self.value.failures, last_at: Timestamp::from_millis(self.value.last_at) }
    }
}

/// An empty bucket counts nothing. Never conflicts: whoever is under way meanwhile may try again.
fn empty(name: &[u8; 33], now: Timestamp, keep: Lifetime) -> Result<Order, Fault> {
    let row = Row { failures: 0, last_at: now.millis() };
    let slip = slip(SlipKind::Bucket, key(&[name])?, &row)?;
    Ok(Order::PutSlip(Slip { expires_at: Some(now.plus(keep)), version: version_of(now), ..slip }))
}

/// What was read before is no longer there, whatever its version was.
fn version_of(now: Timestamp) -> u32 {
    u32::try_from(now.millis() & 0x7fff_ffff).unwrap_or_default() | 0x8000_0000
}

/// A bucket's name: a hash, so that what was typed into the log-in stands in no row.
fn name(kind: u8, whose: &[u8]) -> [u8; 33] {
    let mut name = [kind; 33];
    for (to, from) in name.iter_mut().skip(1).zip(sha256(whose)) {
        *to = from;
    }
    name
}
