//! What a unit of work locks, and the order in which it does.
//!
//! Two units that lock the same things in different orders wait for each other until Postgres ends one of them. So a unit
//! that locks more than one row first locks all of them: accounts, then sessions, then the ring, each kind in the order of
//! its ids. The feed comes after everything else (`plan`), and sweeps wait for nobody. Postgres sees what is left.
//!
//! And a unit that counts or ends what belongs to an account has the account's row before its other statements begin,
//! because each of them sees what was committed before it began, and nothing newer.

use super::statement::{Statement, statement};
use super::value::Value;
use crate::{Order, Unit, key};
use std::collections::BTreeSet;

#[derive(Default)]
struct Locks {
    accounts: BTreeSet<[u8; 16]>,
    sessions: BTreeSet<[u8; 16]>,
    /// Accounts all of whose sessions that have not ended are meant.
    sessions_of: BTreeSet<[u8; 16]>,
    every_session: bool,
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
            | Order::RaiseFloor { account, .. } => {
                self.accounts.insert(*account.as_bytes());
            }
            Order::OpenSession(session) => {
                self.accounts.insert(*session.account.as_bytes());
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
            Order::ChangeFamily { session, .. } | Order::EndSession { session, .. } => {
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

    fn statements(self) -> Vec<Statement> {
        let mut statements = Vec::new();
        if !self.first && self.accounts.len() + self.sessions.len() <= 1 {
            return statements;
        }
        if !self.accounts.is_empty() {
            statements.push(statement(
                "SELECT 1 FROM cloakroom.account WHERE id = ANY($1) ORDER BY id FOR NO KEY UPDATE",
                [ids(self.accounts)],
            ));
        }
        if self.every_session {
            // Waits for everybody who is writing sessions and keeps the next ones out; reading goes on.
            statements.push(statement("LOCK TABLE cloakroom.session IN EXCLUSIVE MODE", []));
        } else if !self.sessions_of.is_empty() || !self.sessions.is_empty() {
            statements.push(statement(
                "SELECT 1 FROM cloakroom.session WHERE id = ANY($1) OR (account = ANY($2) AND ended_at IS NULL)
                 ORDER BY id FOR NO KEY UPDATE",
                [ids(self.sessions), ids(self.sessions_of)],
            ));
        }
        if self.ring {
            statements.push(key::postgres::lock());
        }
        statements
    }
}

fn ids(ids: BTreeSet<[u8; 16]>) -> Value {
    Value::Ids(ids.into_iter().collect())
}
