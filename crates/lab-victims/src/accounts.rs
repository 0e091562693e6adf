//! The bank's accounts, in memory, each belonging to the bank of one strategy.
//!
//! Passwords are salted SHA-256, as in bad tutorials: the lab logs in thousands of times and measures storage, not
//! password hashing. It does not know sessions, tokens or HTTP.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::secret::{random, sha256};

/// What an account has at the beginning, in cents.
const FIRST_BALANCE: i64 = 100_000_000;

/// An account, by its place in the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct AccountId(usize);

impl AccountId {
    /// As it stands in `sub` of a token.
    pub(crate) fn to_text(self) -> String {
        self.0.to_string()
    }

    /// The inverse of [`Self::to_text`].
    pub(crate) fn from_text(text: &str) -> Option<Self> {
        text.parse().ok().map(Self)
    }
}

#[derive(Clone)]
pub(crate) struct Account {
    /// The strategy whose bank it belongs to.
    pub(crate) strategy: &'static str,
    /// The address it was opened with: its name in the deeds.
    pub(crate) opened_as: String,
    pub(crate) email: String,
    /// The unique word of this account's profile.
    pub(crate) canary: String,
    /// In cents.
    pub(crate) balance: i64,
    salt: [u8; 16],
    hash: Vec<u8>,
    deleted: bool,
}

#[derive(Default)]
struct Inner {
    list: Vec<Account>,
    by_email: HashMap<(&'static str, String), AccountId>,
    by_first_email: HashMap<(&'static str, String), AccountId>,
}

/// Why money did not move.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoTransfer {
    NotPositive,
    NotEnough,
}

#[derive(Default)]
pub(crate) struct Accounts(Mutex<Inner>);

impl Accounts {
    /// Opens an account; one that had this address loses it.
    pub(crate) fn open(&self, strategy: &'static str, email: &str, password: &str, canary: &str) {
        let salt = random::<16>();
        let account = Account {
            strategy,
            opened_as: email.to_owned(),
            email: email.to_owned(),
            canary: canary.to_owned(),
            balance: FIRST_BALANCE,
            salt,
            hash: hash(&salt, password),
            deleted: false,
        };
        let mut inner = self.lock();
        let id = AccountId(inner.list.len());
        inner.list.push(account);
        inner.by_email.insert((strategy, email.to_owned()), id);
        inner.by_first_email.insert((strategy, email.to_owned()), id);
    }

    /// The account that was opened with this address, whatever its address is now.
    pub(crate) fn opened_as(&self, strategy: &'static str, email: &str) -> Option<AccountId> {
        self.lock().by_first_email.get(&(strategy, email.to_owned())).copied()
    }

    /// The account of this address at this bank.
    pub(crate) fn find(&self, strategy: &'static str, email: &str) -> Option<(AccountId, Account)> {
        let inner = self.lock();
        let id = *inner.by_email.get(&(strategy, email.to_owned()))?;
        Some((id, inner.list.get(id.0)?.clone()))
    }

    /// The account, unless it was deleted.
    pub(crate) fn get(&self, id: AccountId) -> Option<Account> {
        self.lock().list.get(id.0).filter(|account| !account.deleted).cloned()
    }

    pub(crate) fn is_password(account: &Account, password: &str) -> bool {
        !account.deleted && account.hash == hash(&account.salt, password)
    }

    /// False if somebody else at this bank has that address.
    pub(crate) fn change_email(&self, id: AccountId, email: &str) -> bool {
        let mut inner = self.lock();
        let Some(account) = inner.list.get(id.0) else { return false };
        let (old, new) = ((account.strategy, account.email.clone()), (account.strategy, email.to_owned()));
        if inner.by_email.get(&new).is_some_and(|other| *other != id) {
            return false;
        }
        inner.by_email.remove(&old);
        inner.by_email.insert(new, id);
        if let Some(account) = inner.list.get_mut(id.0) {
            email.clone_into(&mut account.email);
        }
        true
    }

    pub(crate) fn change_password(&self, id: AccountId, password: &str) {
        if let Some(account) = self.lock().list.get_mut(id.0) {
            account.salt = random::<16>();
            account.hash = hash(&account.salt, password);
        }
    }

    /// Moves `amount` cents; a receiver that is no customer is somebody at another bank.
    pub(crate) fn transfer(&self, id: AccountId, to: &str, amount: i64) -> Result<(), NoTransfer> {
        let mut inner = self.lock();
        let Some(giver) = inner.list.get_mut(id.0) else { return Err(NoTransfer::NotEnough) };
        if amount <= 0 {
            return Err(NoTransfer::NotPositive);
        }
        if giver.balance < amount {
            return Err(NoTransfer::NotEnough);
        }
        giver.balance -= amount;
        let receiver = (giver.strategy, to.to_owned());
        let receiver = inner.by_email.get(&receiver).copied();
        if let Some(receiver) = receiver.and_then(|receiver| inner.list.get_mut(receiver.0)) {
            receiver.balance = receiver.balance.saturating_add(amount);
        }
        Ok(())
    }

    pub(crate) fn delete(&self, id: AccountId) {
        if let Some(account) = self.lock().list.get_mut(id.0) {
            account.deleted = true;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn hash(salt: &[u8; 16], password: &str) -> Vec<u8> {
    sha256(&[salt, password.as_bytes()].concat())
}
