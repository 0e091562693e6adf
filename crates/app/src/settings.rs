//! What the configuration decides, in the terms of the use cases. Nothing here can be invalid: `server` resolved it.

use crate::attempts::Limits;
use crate::client::Client;
use crate::provider::Provider;
use cloakroom_core::account::PasswordPolicy;
use cloakroom_core::keyring::Rotation;
use cloakroom_core::refresh::Policy;
use cloakroom_core::secret::Plain;
use cloakroom_core::session::{Lifetimes, Strategy};
use cloakroom_core::time::Lifetime;
use cloakroom_password::Hashing;
use std::sync::Arc;

/// Settings of the use cases.
#[expect(clippy::struct_excessive_bools, reason = "four independent settings, each read by its name")]
#[derive(Clone, Debug)]
pub struct Settings {
    /// `iss` of every token, and `aud` of the ones in cookies: the public URL without a trailing slash.
    pub issuer: String,
    /// `aud` of access tokens that programs and pages hold themselves (`memory`, `native`). Never the issuer: one is of no
    /// use as a cookie.
    pub bearer_audience: String,
    /// The strategy of a log-in that asks for none.
    pub strategy: Strategy,
    /// Every strategy that a log-in may ask for, `strategy` among them.
    pub offered: Vec<Strategy>,
    /// How many sessions an account may have, if that is bounded.
    pub max_sessions: Option<MaxSessions>,
    /// How the revocation feed is followed and told.
    pub feed: Feed,
    /// How long sessions and tokens live.
    pub lifetimes: Lifetimes,
    /// The refresh protocol's numbers.
    pub refresh: Policy,
    /// What people call the site: its host name. In mails and authenticator apps.
    pub site_name: String,
    /// Scheme, host and port of the origin that approvals have of their own, if they have one.
    pub approval_origin: Option<String>,
    /// Whether there is mail.
    pub mail: bool,
    /// Whether somebody can log in only after they have confirmed their address. Needs mail.
    pub confirm_addresses: bool,
    /// Whether people log in with passwords; else with providers and passkeys alone.
    pub log_in_by_password: bool,
    /// Whether people can open accounts by themselves.
    pub signup: bool,
    /// Providers that people can log in with, in the order in which they are offered.
    pub providers: Vec<Arc<Provider>>,
    /// Services that the configuration knows; more can be in the store.
    pub clients: Vec<Arc<Client>>,
    /// How many guesses get through.
    pub limits: Limits,
    /// How many steps of 30 seconds before the current one a code of an app may be of: 0 or 1.
    pub totp_steps_back: u8,
    /// What a new password must be.
    pub passwords: PasswordPolicy,
    /// Words that a new password must not be made of, besides those of the account and the site.
    pub password_words: Vec<String>,
    /// How passwords are hashed.
    pub hashing: Hashing,
    /// How the key ring turns.
    pub rotation: Rotation,
    /// How many verified tokens are remembered, so that the next request with one costs no signature check.
    pub verified_tokens: usize,
}

/// A bound on the live sessions of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MaxSessions {
    /// At least 1.
    pub at_most: u32,
    /// What a log-in beyond it does.
    pub when_full: WhenFull,
}

/// What a log-in does when its account has all the sessions that it may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhenFull {
    /// It ends the session that was used longest ago.
    EndOldest,
    /// It is refused.
    Refuse,
}

/// How the revocation feed is followed and told. Its `Debug` does not show the token.
#[derive(Clone)]
pub struct Feed {
    /// After this long without hearing from the feed, nobody is let in on what is known.
    pub stale_after: Lifetime,
    /// What happens then.
    pub when_stale: WhenStale,
    /// What services show to read the feed; without one it is not offered.
    pub token: Option<Arc<Plain>>,
}

/// What happens to a request when the feed has been silent for too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhenStale {
    /// It is refused as [`Refusal::RevocationsStale`](crate::Refusal::RevocationsStale).
    Refuse,
    /// The session is looked up in the store, and the request refused if that fails too.
    LookUp,
}

impl Default for Feed {
    fn default() -> Self {
        Self { stale_after: Lifetime::from_secs(10), when_stale: WhenStale::Refuse, token: None }
    }
}

impl std::fmt::Debug for Feed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Feed")
            .field("stale_after", &self.stale_after)
            .field("when_stale", &self.when_stale)
            .finish_non_exhaustive()
    }
}
