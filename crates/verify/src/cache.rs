//! Tokens that were proven, by their whole text: a signature is checked once. Only genuine ones get in, so a flood of
//! forged ones evicts nothing. Whether one is still good is not asked here.

use std::sync::Arc;

use crate::token::Seen;

/// Proven tokens.
pub(crate) struct Cache(quick_cache::sync::Cache<Box<str>, Arc<Seen>>);

impl Cache {
    /// Room for so many tokens.
    pub(crate) fn new(capacity: usize) -> Self {
        Self(quick_cache::sync::Cache::new(capacity))
    }

    /// What is known of exactly this text.
    pub(crate) fn get(&self, token: &str) -> Option<Arc<Seen>> {
        self.0.get(token)
    }

    /// Remembers a token that was proven.
    pub(crate) fn insert(&self, token: &str, seen: &Arc<Seen>) {
        self.0.insert(token.into(), Arc::clone(seen));
    }

    /// Forgets what is over.
    pub(crate) fn remove(&self, token: &str) {
        self.0.remove(token);
    }

    /// How many are held.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}
