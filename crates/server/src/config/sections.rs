//! Resolving single values: each reader notes a mistake with its path, or gives the value or its default.

use super::Mistake;
use super::secret::Secret;
use cloakroom_core::time::Lifetime;
use http::HeaderValue;
use std::net::SocketAddr;
use url::Url;

/// Notes mistakes under one section.
pub(super) struct Section<'a> {
    pub(super) path: String,
    pub(super) mistakes: &'a mut Vec<Mistake>,
}

impl Section<'_> {
    pub(super) fn wrong(&mut self, key: &str, reason: impl Into<String>) {
        self.mistakes.push(Mistake::new(format!("{}.{key}", self.path), reason));
    }

    pub(super) fn lifetime(&mut self, key: &str, value: Option<&String>, default: Lifetime) -> Lifetime {
        let Some(text) = value else { return default };
        text.parse().unwrap_or_else(|error: cloakroom_core::time::NotALifetime| {
            self.wrong(key, error.to_string());
            default
        })
    }

    /// A number within bounds.
    pub(super) fn number<N: PartialOrd + std::fmt::Display + Copy>(
        &mut self,
        key: &str,
        value: Option<N>,
        default: N,
        bounds: (N, N),
    ) -> N {
        let value = value.unwrap_or(default);
        if value < bounds.0 || value > bounds.1 {
            self.wrong(key, format!("{value} is not between {} and {}", bounds.0, bounds.1));
            return default;
        }
        value
    }

    pub(super) fn addresses(&mut self, key: &str, value: Option<&Vec<String>>, default: &[&str]) -> Vec<SocketAddr> {
        let texts = value.cloned().unwrap_or_else(|| default.iter().map(ToString::to_string).collect());
        texts.iter().filter_map(|text| self.address(key, text)).collect()
    }

    pub(super) fn address(&mut self, key: &str, text: &str) -> Option<SocketAddr> {
        let read = text.parse().ok();
        if read.is_none() {
            self.wrong(
                key,
                format!("{text:?} is not an address with a port, such as \"127.0.0.1:8080\" or \"[::1]:8080\""),
            );
        }
        read
    }

    pub(super) fn header(&mut self, key: &str, value: Option<&String>, default: HeaderValue) -> HeaderValue {
        let Some(text) = value else { return default };
        HeaderValue::from_str(text).unwrap_or_else(|_| {
            self.wrong(key, "this cannot be the value of a header: use printable ASCII in one line");
            default
        })
    }

    /// One of a few words.
    pub(super) fn one_of<T: Copy>(&mut self, key: &str, value: Option<&String>, default: T, words: &[(&str, T)]) -> T {
        let Some(text) = value else { return default };
        if let Some((_, value)) = words.iter().find(|(word, _)| word == text) {
            return *value;
        }
        let known: Vec<_> = words.iter().map(|(word, _)| format!("\"{word}\"")).collect();
        self.wrong(key, format!("{text:?} is not one of {}", known.join(", ")));
        default
    }

    /// A secret that a program shows. It is never repeated in a mistake.
    pub(super) fn token(&mut self, key: &str, value: Option<&String>) -> Option<Secret> {
        let token = value?;
        if token.len() < 32 || token.len() > 256 || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            self.wrong(key, "use 32 to 256 visible ASCII characters that nobody can guess: openssl rand -hex 32");
        }
        Some(Secret::of(token.clone()))
    }

    /// An origin as browsers write it: scheme, host, port if it is not the usual one, and nothing else.
    pub(super) fn origin(&mut self, key: &str, text: &str) -> Option<String> {
        let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.host().is_some());
        let Some(url) = url else {
            self.wrong(key, format!("{text:?} is not an address such as \"https://app.example.com\""));
            return None;
        };
        let bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
        if !bare || !url.username().is_empty() || url.password().is_some() {
            self.wrong(key, "give scheme, host and port only: no path, query or user name");
            return None;
        }
        Some(url.origin().ascii_serialization())
    }
}

/// Whether an origin's host can only be this machine.
pub(super) fn is_loopback(origin: &str) -> bool {
    let Ok(url) = Url::parse(origin) else { return false };
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}
