//! What the configuration decides, in the terms of HTTP. Nothing here can be invalid: `server` resolved it.

use crate::{CookieNames, HeaderPolicy, SameSite};
use cloakroom_core::time::Lifetime;

/// The site that is protected.
#[derive(Clone, Debug)]
pub struct Site {
    /// Scheme, host and port that people see, without a trailing slash: `https://app.example.com`.
    pub origin: String,
    /// Further origins whose pages may call unsafe methods here: listed siblings, `scheme://host[:port]` each.
    pub trusted_origins: Vec<String>,
    /// Names and prefix of the cookies.
    pub cookies: CookieNames,
    /// `SameSite` of the access cookie; the refresh cookie is always `Strict`.
    pub same_site: SameSite,
    /// Header values for every response.
    pub headers: HeaderPolicy,
    /// Paths that may be registered as service workers.
    pub service_workers: Vec<String>,
    /// How long an access token lives, for `Cache-Control` of the JWKS.
    pub jwks_max_age: Lifetime,
}

impl Site {
    /// Whether people reach the site over TLS.
    pub fn is_https(&self) -> bool {
        self.origin.starts_with("https://")
    }

    /// Whether `origin` is this site's or a listed one.
    pub(crate) fn trusts(&self, origin: &str) -> bool {
        origin == self.origin || self.trusted_origins.iter().any(|trusted| trusted == origin)
    }
}
