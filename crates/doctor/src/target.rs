//! Which site is examined: scheme, host and port, as people type them.

use thiserror::Error;
use url::{Host, Url};

/// A site to examine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    url: Url,
    host: String,
    port: u16,
}

/// Why a text names no site.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum NotATarget {
    /// It is no URL.
    #[error("that is no URL; say it as people type it, such as https://app.example.com")]
    Unreadable,
    /// It is one of another scheme.
    #[error("only http and https can be examined")]
    Scheme,
    /// It carries a user name or a password, which would end up in reports.
    #[error("a URL with a user name or a password is not taken")]
    Credentials,
    /// It names a page.
    #[error("name the site without a path, as in server.public_url: https://app.example.com")]
    Path,
}

impl Target {
    /// Reads `https://app.example.com`, with a port if it is not the usual one and nothing after it.
    pub fn parse(text: &str) -> Result<Self, NotATarget> {
        let url = Url::parse(text).map_err(|_| NotATarget::Unreadable)?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(NotATarget::Scheme);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(NotATarget::Credentials);
        }
        if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
            return Err(NotATarget::Path);
        }
        let host = url.host_str().ok_or(NotATarget::Unreadable)?.to_owned();
        let port = url.port_or_known_default().ok_or(NotATarget::Unreadable)?;
        Ok(Self { url, host, port })
    }

    /// Scheme, host and port, without a slash at its end: `https://app.example.com`.
    pub fn origin(&self) -> String {
        self.url.origin().ascii_serialization()
    }

    /// Whether people reach it over TLS.
    pub fn is_https(&self) -> bool {
        self.url.scheme() == "https"
    }

    /// The host as it stands in URLs: an IPv6 address in brackets.
    pub(crate) fn host(&self) -> &str {
        &self.host
    }

    /// The host as resolvers and certificates know it: no brackets.
    pub(crate) fn bare_host(&self) -> &str {
        self.host.trim_start_matches('[').trim_end_matches(']')
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Whether it is on the usual port of its scheme.
    pub(crate) fn is_on_usual_port(&self) -> bool {
        self.url.port().is_none()
    }

    /// Whether its name always means this machine (RFC 6761 §6.3, RFC 1122 §3.2.1.3, RFC 4291 §2.5.3).
    pub(crate) fn is_loopback(&self) -> bool {
        match self.url.host() {
            Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        }
    }

    /// What a `Location` or an attribute leads to, seen from a path of this site.
    pub(crate) fn join(&self, from: &str, to: &str) -> Option<Url> {
        self.url.join(from).ok()?.join(to).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_site_is_scheme_host_and_port() {
        let target = Target::parse("https://App.example.com").unwrap();
        assert_eq!((target.origin().as_str(), target.port()), ("https://app.example.com", 443));
        assert!(target.is_https() && target.is_on_usual_port() && !target.is_loopback());
        let target = Target::parse("http://[::1]:8080/").unwrap();
        assert_eq!((target.host(), target.bare_host(), target.port()), ("[::1]", "::1", 8080));
        assert!(target.is_loopback() && !target.is_on_usual_port());
    }

    #[test]
    fn what_is_no_site_is_refused_with_the_reason() {
        for (text, why) in [
            ("app.example.com", NotATarget::Unreadable),
            ("ftp://app.example.com", NotATarget::Scheme),
            ("https://a:b@app.example.com", NotATarget::Credentials),
            ("https://app.example.com/auth/login", NotATarget::Path),
            ("https://app.example.com/?a", NotATarget::Path),
        ] {
            assert_eq!(Target::parse(text), Err(why), "{text}");
        }
    }
}
