//! One provider: who we are there, and copies of its metadata and keys. One file for each thing that is done with it.

mod authorize;
pub(crate) mod documents;
mod log_out;
mod redeem;
mod refresh;
mod revoke;

use std::sync::Arc;

use cloakroom_jose::KeySet;

use crate::attempt::Attempt;
use crate::cached::{Cached, Freshness};
use crate::fetch::Fetch;
use crate::metadata::Metadata;
use crate::settings::{Settings, SettingsError};

pub use authorize::{AuthorizeWish, Prompt};
pub use redeem::LoggedIn;
pub use refresh::{Earlier, Refreshed};

const HOUR: i64 = 60 * 60;
const DAY: i64 = 24 * HOUR;

/// A provider. Share it in an `Arc`: its copies are what makes it cheap. All instants are Unix seconds.
pub struct Provider {
    settings: Settings,
    fetch: Arc<dyn Fetch>,
    /// Whether the issuer is plain http, on this machine.
    plain: bool,
    metadata: Cached<Metadata>,
    keys: Cached<KeySet>,
}

impl Provider {
    /// Asks nothing yet: a provider that is away keeps nobody from starting.
    pub fn new(settings: Settings, fetch: Arc<dyn Fetch>) -> Result<Self, SettingsError> {
        let plain = settings.check()?.is_plain();
        Ok(Self {
            settings,
            fetch,
            plain,
            metadata: Cached::new(Freshness { fresh_for: DAY, kept_for: 7 * DAY }),
            keys: Cached::new(Freshness { fresh_for: HOUR, kept_for: 7 * DAY }),
        })
    }

    /// [`Settings::id`].
    pub fn id(&self) -> &str {
        &self.settings.id
    }

    /// [`Settings::issuer`].
    pub fn issuer(&self) -> &str {
        &self.settings.issuer
    }

    /// Whether this is one of [`Settings::scopes`].
    pub fn asks_for(&self, scope: &str) -> bool {
        self.settings.scopes.iter().any(|asked| asked == scope)
    }

    /// Begins a log-in with this provider. `random` is 96 bytes that nobody can predict and that are used for nothing
    /// else; with `max_age`, the user must have authenticated there no longer ago than so many seconds, or does so now
    /// (OpenID Connect Core 1.0 §3.1.2.1).
    pub fn begin(&self, random: [u8; 96], max_age: Option<u32>) -> Attempt {
        Attempt::from_random(random, self.id(), max_age)
    }
}
