//! What the configuration decides, in the terms of HTTP. Nothing here can be invalid: `server` resolved it.

use crate::{CookieNames, SameSite};
use cloakroom_core::time::Lifetime;
use http::HeaderValue;

/// The site that is protected.
#[derive(Clone, Debug)]
pub struct Site {
    /// Scheme, host and port that people see, without a trailing slash: `https://app.example.com`.
    pub origin: String,
    /// Scheme, host and port of the origin that approvals have of their own, if they have one.
    pub approval_origin: Option<String>,
    /// Host names that requests may ask for besides the origin's own: lower case, no port.
    pub hosts: Vec<String>,
    /// Further origins whose pages may call unsafe methods here: listed siblings, `scheme://host[:port]` each.
    pub trusted_origins: Vec<String>,
    /// Origins of which some may read answers here with the person's cookies (CORS); `None` leaves CORS to the upstreams.
    /// Each is among the trusted ones as well.
    pub readers: Option<Vec<String>>,
    /// Names and prefix of the cookies.
    pub cookies: CookieNames,
    /// How many accounts one browser can hold at once; 1 turns the paths `/u/1/…` off.
    pub slots: u8,
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

    /// The host name of the origin.
    fn name(&self) -> &str {
        let own = self.origin.split_once("://").map_or("", |(_, rest)| rest);
        own.rsplit_once(':').filter(|(_, port)| port.bytes().all(|b| b.is_ascii_digit())).map_or(own, |(own, _)| own)
    }

    /// Whether a host is exactly that of the origin.
    pub fn is_named(&self, host: &str) -> bool {
        host.eq_ignore_ascii_case(self.name())
    }

    /// Whether a request for this host is meant for this site: a name that somebody else resolved to our address is not
    /// (DNS rebinding), and would be told to upstreams as the truth. On a loopback site every loopback name is the same.
    pub(crate) fn is_called(&self, host: &str) -> bool {
        let own = self.name();
        let loopback = |name: &str| matches!(name, "localhost" | "127.0.0.1" | "[::1]") || name.ends_with(".localhost");
        let host = host.to_ascii_lowercase();
        host == own || self.hosts.contains(&host) || (loopback(own) && loopback(&host))
    }

    /// Whether the configuration names a host, besides that of the origin.
    pub(crate) fn is_listed(&self, host: &str) -> bool {
        self.hosts.contains(&host.to_ascii_lowercase())
    }

    /// Whether cookies of the session go to a host because they are set for a domain.
    pub(crate) fn shares_with(&self, host: &str) -> bool {
        let within = |rest: &str| rest.is_empty() || rest.ends_with('.');
        self.cookies.domain().is_some_and(|domain| host.to_ascii_lowercase().strip_suffix(domain).is_some_and(within))
    }

    /// The origin of a listed host where the sessions of this site are good: its scheme and port are those of the public one.
    /// `None` for every other name.
    pub fn sibling(&self, host: &str) -> Option<String> {
        let known = self.hosts.iter().find(|known| known.eq_ignore_ascii_case(host) && self.shares_with(known))?;
        let (scheme, rest) = self.origin.split_once("://")?;
        let port = rest.strip_prefix(self.name())?;
        Some(format!("{scheme}://{known}{port}"))
    }

    /// Whether `origin` is this site's or a listed one.
    pub(crate) fn trusts(&self, origin: &str) -> bool {
        origin == self.origin || self.trusted_origins.iter().any(|trusted| trusted == origin)
    }
}

/// Values of the headers that an operator may change.
#[derive(Clone, Debug)]
pub struct HeaderPolicy {
    /// `Strict-Transport-Security`, sent over https only.
    pub hsts: HeaderValue,
    /// A policy for the HTML of upstreams that send none of their own. `frame-ancestors` is always added.
    pub upstream_csp: Option<HeaderValue>,
    /// `Content-Security-Policy: frame-ancestors …`, on every response.
    pub frame_ancestors: HeaderValue,
    /// `Referrer-Policy`.
    pub referrer: HeaderValue,
    /// `Permissions-Policy`.
    pub permissions: HeaderValue,
}

impl Default for HeaderPolicy {
    fn default() -> Self {
        Self {
            hsts: HeaderValue::from_static("max-age=31536000; includeSubDomains"),
            upstream_csp: None,
            frame_ancestors: HeaderValue::from_static("frame-ancestors 'self'"),
            referrer: HeaderValue::from_static("strict-origin-when-cross-origin"),
            permissions: HeaderValue::from_static(
                "camera=(), display-capture=(), geolocation=(), hid=(), identity-credentials-get=(), microphone=(), \
                 midi=(), otp-credentials=(), payment=(), publickey-credentials-create=(self), \
                 publickey-credentials-get=(self), serial=(), usb=()",
            ),
        }
    }
}
