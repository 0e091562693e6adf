//! What all banks of one lab share: accounts, deeds, posts, the clock, a third party's script, their logs.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use crate::accounts::Accounts;
use crate::codes::Codes;
use crate::deeds::Deeds;
use crate::token::Signer;

/// The longest log of one strategy, in lines; older lines are dropped.
const LONGEST_LOG: usize = 10_000;

pub(crate) struct World {
    pub(crate) now: fn() -> i64,
    pub(crate) accounts: Accounts,
    pub(crate) codes: Codes,
    pub(crate) deeds: Deeds,
    pub(crate) signer: Signer,
    /// By name: strategy, author, HTML.
    posts: Mutex<HashMap<String, (&'static str, String)>>,
    /// The address of a third party's script.
    analytics: Mutex<Option<String>>,
    logs: Mutex<HashMap<&'static str, Vec<String>>>,
}

impl World {
    pub(crate) fn new(now: fn() -> i64) -> Self {
        Self {
            now,
            accounts: Accounts::default(),
            codes: Codes::default(),
            deeds: Deeds::new(),
            signer: Signer::new(),
            posts: Mutex::default(),
            analytics: Mutex::default(),
            logs: Mutex::default(),
        }
    }

    pub(crate) fn keep_post(&self, id: String, strategy: &'static str, html: String) {
        self.posts.lock().unwrap_or_else(PoisonError::into_inner).insert(id, (strategy, html));
    }

    /// The HTML of a post, as it was written.
    pub(crate) fn post(&self, strategy: &'static str, id: &str) -> Option<String> {
        let posts = self.posts.lock().unwrap_or_else(PoisonError::into_inner);
        posts.get(id).filter(|(home, _)| *home == strategy).map(|(_, html)| html.clone())
    }

    pub(crate) fn set_analytics(&self, address: Option<String>) {
        *self.analytics.lock().unwrap_or_else(PoisonError::into_inner) = address;
    }

    pub(crate) fn analytics(&self) -> Option<String> {
        self.analytics.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn log(&self, strategy: &'static str, line: String) {
        let mut logs = self.logs.lock().unwrap_or_else(PoisonError::into_inner);
        let lines = logs.entry(strategy).or_default();
        if lines.len() >= LONGEST_LOG {
            lines.drain(..LONGEST_LOG / 2);
        }
        lines.push(line);
    }

    pub(crate) fn access_log(&self, strategy: &str) -> Vec<String> {
        self.logs.lock().unwrap_or_else(PoisonError::into_inner).get(strategy).cloned().unwrap_or_default()
    }
}
