//! What a unit of work locks, and the order in which it does.
//!
//! Two units that lock the same things in different orders wait for each other until Postgres ends one of them. So a unit
//! that locks more than one row first locks all of them: accounts, then sessions, then slips, then the ring, each kind in the
//! order of its ids. The feed comes after everything else (`plan`), and sweeps wait for nobody. Postgres sees what is left.
//!
//! A slip that is not there yet has no row, and still two units that add the same two could wait for each other. So who names
//! several slips first takes a number for each name and locks the numbers. There are few of them, because the server has room
//! for few; where two names have one number, nothing but time is lost.
//!
//! And a unit that counts or ends what belongs to an account has the account's row before its other statements begin,
//! because each of them sees what was committed before it began, and nothing newer.

use super::statement::{Statement, statement};
use super::value::Value;
use crate::slip::{Slip, SlipKey, SlipKind};
use crate::{Order, Unit, key};
use cloakroom_core::id::AccountId;
use std::collections::BTreeSet;

#[derive(Default)]
struct Locks {
    accounts: BTreeSet<[u8; 16]>,
    sessions: BTreeSet<[u8; 16]>,
    /// Accounts all of whose sessions that have not ended are meant.
    sessions_of: BTreeSet<[u8; 16]>,
    every_session: bool,
    /// Accounts all of whose sessions and slips go with them.
    deleted: BTreeSet<[u8; 16]>,
    /// Accounts that get another address.
    moved: BTreeSet<[u8; 16]>,
    slips: BTreeSet<(&'static str, Vec<u8>)>,
    /// All the slips of these kinds of an account are meant.
    slips_of: BTreeSet<([u8; 16], &'static str)>,
    /// Accounts that slips refer to.
    referred: BTreeSet<[u8; 16]>,
    ring: bool,
    /// Whether statements rely on the locks being there before they begin.
    first: bool,
}

/// The statements that lock what the unit needs locked before it begins; none when its first statement locks enough.
pub(super) fn locks(unit: &Unit) -> Vec<Statement> {
    let mut locks = Locks::default();
    for order in unit.orders() {
        locks.add(order);
    }
    locks.statements()
}

impl Locks {
    fn add(&mut self, order: &Order) {
        match order {
            // What is new is locked by nobody, and an address that two want is told apart by its index.
            Order::OpenAccount(_) | Order::Revoke { .. } | Order::Record(_) | Order::Sweep { .. } => {}
            Order::SetPassword { account, .. }
            | Order::DisableAccount { account, .. }
            | Order::RaiseFloor { account, .. }
            | Order::VerifyEmail { account, .. } => {
                self.accounts.insert(*account.as_bytes());
            }
            Order::OpenSession(session) => {
                self.accounts.insert(*session.account.as_bytes());
            }
            Order::SetEmail { account, .. } => {
                self.accounts.insert(*account.as_bytes());
                self.moved.insert(*account.as_bytes());
            }
            Order::DeleteAccount(account) => {
                self.accounts.insert(*account.as_bytes());
                self.deleted.insert(*account.as_bytes());
                self.first = true;
            }
            Order::AddSlip(slip) | Order::PutSlip(slip) | Order::ChangeSlip { next: slip, .. } => self.write(slip),
            Order::RemoveSlip { kind, key, .. } | Order::ExpectSlip { kind, key, .. } => self.name(*kind, key),
            Order::RemoveSlips { account, kind } => {
                self.accounts.insert(*account.as_bytes());
                self.slips_of.insert((*account.as_bytes(), kind.as_str()));
                self.first = true;
            }
            Order::ExpectPassword { account, .. } | Order::ExpectRoom { account, .. } => {
                self.accounts.insert(*account.as_bytes());
                self.first = true;
            }
            Order::EndOldest { account, .. } | Order::EndSessions { account, .. } => {
                self.accounts.insert(*account.as_bytes());
                self.sessions_of.insert(*account.as_bytes());
                self.first = true;
            }
            Order::EndEverything { .. } => {
                self.every_session = true;
                self.first = true;
            }
            Order::ChangeFamily { session, .. }
            | Order::SetRoles { session, .. }
            | Order::EndSession { session, .. } => {
                self.sessions.insert(*session.as_bytes());
            }
            Order::Sight(sighting) => {
                self.sessions.insert(*sighting.session.as_bytes());
            }
            Order::ExpectKeys(_) | Order::InsertKey(_) | Order::WithdrawKey { .. } | Order::DeleteKey(_) => {
                self.ring = true;
                self.first = true;
            }
        }
    }

    fn name(&mut self, kind: SlipKind, key: &SlipKey) {
        self.slips.insert((kind.as_str(), key.as_bytes().to_vec()));
    }

    fn write(&mut self, slip: &Slip) {
        self.name(slip.kind, &slip.key);
        self.referred.extend(slip.account.as_ref().map(AccountId::as_bytes));
    }

    fn statements(&self) -> Vec<Statement> {
        let mut statements = Vec::new();
        if !self.first && self.accounts.len() + self.sessions.len() + self.slips.len() <= 1 {
            return statements;
        }
        self.lock_accounts(&mut statements);
        self.lock_sessions(&mut statements);
        self.lock_slips(&mut statements);
        if self.ring {
            statements.push(key::postgres::lock());
        }
        statements
    }

    fn lock_accounts(&self, statements: &mut Vec<Statement>) {
        let referred: BTreeSet<_> = self.referred.difference(&self.accounts).copied().collect();
        if !self.accounts.is_empty() {
            // One that goes or gets another address is locked against references to it as well. Postgres does so then anyway,
            // and a stronger lock that comes later can close a circle.
            let sql = if !self.moved.is_empty() || !self.deleted.is_empty() {
                "SELECT 1 FROM cloakroom.account WHERE id = ANY($1) ORDER BY id FOR UPDATE"
            } else {
                "SELECT 1 FROM cloakroom.account WHERE id = ANY($1) ORDER BY id FOR NO KEY UPDATE"
            };
            statements.push(statement(sql, [ids(&self.accounts)]));
        }
        if !referred.is_empty() {
            let sql = "SELECT 1 FROM cloakroom.account WHERE id = ANY($1) ORDER BY id FOR KEY SHARE";
            statements.push(statement(sql, [ids(&referred)]));
        }
    }

    fn lock_sessions(&self, statements: &mut Vec<Statement>) {
        if self.every_session {
            // Waits for everybody who is writing sessions and keeps the next ones out; reading goes on.
            statements.push(statement("LOCK TABLE cloakroom.session IN EXCLUSIVE MODE", []));
        } else if !self.deleted.is_empty() {
            statements.push(statement(
                "SELECT 1 FROM cloakroom.session
                 WHERE id = ANY($1) OR (account = ANY($2) AND ended_at IS NULL) OR account = ANY($3)
                 ORDER BY id FOR NO KEY UPDATE",
                [ids(&self.sessions), ids(&self.sessions_of), ids(&self.deleted)],
            ));
        } else if !self.sessions_of.is_empty() || !self.sessions.is_empty() {
            statements.push(statement(
                "SELECT 1 FROM cloakroom.session WHERE id = ANY($1) OR (account = ANY($2) AND ended_at IS NULL)
                 ORDER BY id FOR NO KEY UPDATE",
                [ids(&self.sessions), ids(&self.sessions_of)],
            ));
        }
    }

    fn lock_slips(&self, statements: &mut Vec<Statement>) {
        let names = || -> [Value; 2] {
            let (kinds, keys) = self.slips.iter().cloned().unzip();
            [Value::Texts(kinds), Value::Keys(keys)]
        };
        if self.slips.len() > 1 {
            // The one number is that of `migration`, in the other of the two spaces of such locks.
            statements.push(statement(
                "SELECT pg_advisory_xact_lock(1131178834, number)
                 FROM (SELECT DISTINCT hashtext(kind || encode(key, 'hex')) & 1023 AS number
                       FROM unnest($1::text[], $2::bytea[]) AS named (kind, key) ORDER BY number) AS numbers",
                names(),
            ));
        }
        if !self.deleted.is_empty() || !self.slips_of.is_empty() {
            let (accounts, kinds) = self.slips_of.iter().copied().unzip();
            let [slip_kinds, slip_keys] = names();
            statements.push(statement(
                "SELECT 1 FROM cloakroom.slip WHERE (kind, key) IN (
                     SELECT kind, key FROM unnest($1::text[], $2::bytea[]) AS named (kind, key)
                     UNION SELECT kind, key FROM cloakroom.slip WHERE account = ANY($3)
                     UNION SELECT slip.kind, slip.key
                           FROM unnest($4::bytea[], $5::text[]) AS meant (account, kind)
                           JOIN cloakroom.slip ON slip.account = meant.account AND slip.kind = meant.kind)
                 ORDER BY kind, key FOR UPDATE",
                [slip_kinds, slip_keys, ids(&self.deleted), Value::Ids(accounts), Value::Texts(kinds)],
            ));
        } else if !self.slips.is_empty() {
            statements.push(statement(
                "SELECT 1 FROM cloakroom.slip
                 WHERE (kind, key) IN (SELECT kind, key FROM unnest($1::text[], $2::bytea[]) AS named (kind, key))
                 ORDER BY kind, key FOR UPDATE",
                names(),
            ));
        }
    }
}

fn ids(ids: &BTreeSet<[u8; 16]>) -> Value {
    Value::Ids(ids.iter().copied().collect())
}
