//! A cookie as the jar holds it. Parsing `Set-Cookie` is deliberately not done here: the browser did it.

use serde_json::Value;

/// The `SameSite` attribute (RFC 6265bis 5.6.7).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SameSite {
    Strict,
    Lax,
    None,
    /// The attribute was absent; what that means is up to the browser.
    Unset,
}

impl SameSite {
    pub(super) fn parse(word: Option<&str>) -> Self {
        match word.map(str::to_ascii_lowercase).as_deref() {
            Some("strict") => Self::Strict,
            Some("lax") => Self::Lax,
            Some("none") => Self::None,
            _ => Self::Unset,
        }
    }

    /// As it stands in `Set-Cookie`; none where the attribute is absent.
    pub(super) fn word(self) -> Option<&'static str> {
        match self {
            Self::Strict => Some("Strict"),
            Self::Lax => Some("Lax"),
            Self::None => Some("None"),
            Self::Unset => None,
        }
    }
}

/// One cookie of a context's jar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cookie {
    pub name: String,
    /// Bytes that are not UTF-8 are replaced.
    pub value: String,
    /// With a leading dot when the cookie had a `Domain` attribute, without when it belongs to one host.
    pub domain: String,
    pub path: String,
    pub secure: bool,
    pub http_only: bool,
    pub same_site: SameSite,
    /// Seconds since 1970; none for a session cookie.
    pub expiry: Option<i64>,
}

impl Cookie {
    /// Reads the fields that both protocols name alike; `value` and `expiry` differ and are given.
    pub(super) fn read(json: &Value, value: String, expiry: Option<i64>) -> Self {
        let text = |key: &str| json[key].as_str().unwrap_or_default().to_owned();
        let flag = |key: &str| json[key].as_bool().unwrap_or_default();
        Self {
            name: text("name"),
            value,
            domain: text("domain"),
            path: text("path"),
            secure: flag("secure"),
            http_only: flag("httpOnly"),
            same_site: SameSite::parse(json["sameSite"].as_str()),
            expiry,
        }
    }
}
