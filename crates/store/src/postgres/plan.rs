//! A unit of work as statements.

use super::lock::locks;
use super::statement::Statement;
use crate::{Order, Unit, account, event, key, revocation, session, slip};
use cloakroom_core::access::Revocation;
use cloakroom_core::time::Timestamp;

/// What is to be sent, in this order.
pub(super) struct Plan {
    /// Locks, then the orders in theirs.
    pub(super) statements: Vec<Statement>,
    /// What the feed is told afterwards.
    pub(super) entries: Vec<Entry>,
    /// What is swept from the feed after that.
    pub(super) sweeps: Vec<Statement>,
}

/// What adds to the feed.
pub(super) enum Entry {
    This(Revocation, Timestamp),
    /// One for each of the sessions that the statement at this place says it ended.
    EndedBy(usize, Timestamp),
}

impl Plan {
    pub(super) fn of(unit: &Unit) -> Self {
        let mut plan = Self { statements: locks(unit), entries: Vec::new(), sweeps: Vec::new() };
        let mut lines = 0;
        for order in unit.orders() {
            plan.add(order, &mut lines);
        }
        plan
    }

    /// Whether what the feed is told is known before anything was carried out.
    pub(super) fn is_known(&self) -> bool {
        self.entries.iter().all(|entry| matches!(entry, Entry::This(..)))
    }

    fn add(&mut self, order: &Order, lines: &mut i64) {
        let statement = match order {
            Order::OpenAccount(account) => account::postgres::open(account),
            Order::SetPassword { account, expected, next, at } => {
                account::postgres::set_password(*account, expected, next, *at)
            }
            Order::VerifyEmail { account, email, at } => account::postgres::verify_email(*account, email, *at),
            Order::SetEmail { account, expected, next, verified_at } => {
                account::postgres::set_email(*account, expected, next, *verified_at)
            }
            Order::DeleteAccount(account) => account::postgres::delete(*account),
            Order::DisableAccount { account, at } => account::postgres::disable(*account, *at),
            Order::RaiseFloor { account, to, until } => {
                self.entries.push(Entry::This(Revocation::Account { account: *account, before: *to }, *until));
                account::postgres::raise_floor(*account, *to)
            }
            Order::OpenSession(session) => session::postgres::open(session),
            Order::ExpectPassword { account, set_at } => account::postgres::expect_password(*account, *set_at),
            Order::ExpectRoom { account, below, now, idle_since } => {
                session::postgres::expect_room(*account, *below, *now, *idle_since)
            }
            Order::EndOldest { account, keep, now, idle_since, ended, revoked_until } => {
                self.entries.push(Entry::EndedBy(self.statements.len(), *revoked_until));
                session::postgres::end_oldest(*account, *keep, (*now, *idle_since), *ended)
            }
            Order::ChangeFamily { session, expected, next } => {
                session::postgres::change_family(*session, *expected, next)
            }
            Order::SetRoles { session, next } => session::postgres::set_roles(*session, next),
            Order::EndSession { session, ended } => session::postgres::end(*session, *ended),
            Order::EndSessions { account, except, ended, revoked_until } => {
                self.entries.push(Entry::EndedBy(self.statements.len(), *revoked_until));
                session::postgres::end_all(*account, *except, *ended)
            }
            Order::EndEverything { ended, before, until } => {
                self.entries.push(Entry::This(Revocation::Everything { before: *before }, *until));
                session::postgres::end_everything(*ended)
            }
            Order::Sight(sighting) => session::postgres::sight(sighting),
            Order::ExpectKeys(version) => key::postgres::expect_version(*version),
            Order::InsertKey(key) => key::postgres::add(key),
            Order::WithdrawKey { key, at } => key::postgres::withdraw(*key, *at),
            Order::DeleteKey(key) => key::postgres::delete(*key),
            Order::Revoke { entry, until } => {
                self.entries.push(Entry::This(*entry, *until));
                return;
            }
            Order::Record(event) => {
                *lines += 1;
                event::postgres::record(event, *lines)
            }
            Order::AddSlip(slip) => slip::postgres::add(slip),
            Order::PutSlip(slip) => slip::postgres::put(slip),
            Order::ChangeSlip { expected, next } => slip::postgres::change_to(*expected, next),
            Order::RemoveSlip { kind, key, expected } => slip::postgres::remove(*kind, key, *expected),
            Order::RemoveSlips { account, kind } => slip::postgres::remove_all(*account, *kind),
            Order::ExpectSlip { kind, key, expected } => slip::postgres::expect_version(*kind, key, *expected),
            Order::Sweep { now, ended_before } => {
                self.sweeps.push(revocation::postgres::sweep(*now));
                self.statements.extend(session::postgres::sweep(*ended_before));
                self.statements.push(slip::postgres::sweep(*now));
                return;
            }
        };
        self.statements.push(statement);
    }
}
