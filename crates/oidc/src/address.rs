//! Where a provider is asked: https, or plain http on this machine if the issuer itself is there (RFC 9700 §2.6).

use url::{Host, Url};

/// An address that may be asked or given to a browser.
#[derive(Clone, Debug)]
pub(crate) struct Address(Url);

/// Why an address is not taken. The text does not repeat the address: it may hold a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadAddress {
    /// Not an absolute URL with a host, or longer than 2048 bytes.
    #[error("it is not an absolute URL such as https://id.example/realms/main")]
    NotAUrl,
    /// Plain http to another machine, or another scheme.
    #[error("it must be https; plain http is for loopback hosts only")]
    NotHttps,
    /// A name, a password, or a fragment inside; or, for an issuer, a query.
    #[error("it must hold no user name, no password, no fragment, and an issuer no query")]
    HoldsMore,
}

/// In bytes.
const LONGEST: usize = 2048;

impl Address {
    /// Reads a URL; with `plain`, http on this machine will do.
    pub(crate) fn parse(text: &str, plain: bool) -> Result<Self, BadAddress> {
        let url = Some(text).filter(|text| text.len() <= LONGEST).and_then(|text| Url::parse(text).ok());
        let url = url.ok_or(BadAddress::NotAUrl)?;
        let host = url.host().ok_or(BadAddress::NotAUrl)?;
        match url.scheme() {
            "https" => {}
            "http" if plain && is_loopback(&host) => {}
            _ => return Err(BadAddress::NotHttps),
        }
        if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
            return Err(BadAddress::HoldsMore);
        }
        Ok(Self(url))
    }

    /// Reads an issuer (OpenID Connect Discovery 1.0 §2).
    pub(crate) fn issuer(text: &str) -> Result<Self, BadAddress> {
        let address = Self::parse(text, true)?;
        if address.0.query().is_some() { Err(BadAddress::HoldsMore) } else { Ok(address) }
    }

    /// Whether it is plain http.
    pub(crate) fn is_plain(&self) -> bool {
        self.0.scheme() == "http"
    }

    /// As a request needs it.
    pub(crate) fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// With these parameters after those that it has (RFC 6749 §3.1).
    pub(crate) fn with(&self, parameters: &[(&str, &str)]) -> String {
        let mut url = self.0.clone();
        url.query_pairs_mut().extend_pairs(parameters);
        url.into()
    }
}

fn is_loopback(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => *name == "localhost" || name.ends_with(".localhost"),
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r97_15_only_https_is_asked_and_http_on_this_machine() {
        for fine in ["https://a.example/k", "http://127.0.0.1:1/k", "http://[::1]:1/k", "http://localhost/k?a=b"] {
            assert!(Address::parse(fine, true).is_ok(), "{fine}");
        }
        assert_eq!(Address::parse("http://127.0.0.1/k", false).err(), Some(BadAddress::NotHttps));
        for plain in ["http://a.example/", "http://10.0.0.1/", "http://localhost.example/", "http://[::2]/", "ftp://a/"]
        {
            assert_eq!(Address::parse(plain, true).err(), Some(BadAddress::NotHttps), "{plain}");
        }
        let long = format!("https://a.example/{}", "a".repeat(LONGEST));
        for none in ["", "/k", "a.example/k", "https://", "https:///", &long] {
            assert_eq!(Address::parse(none, true).err(), Some(BadAddress::NotAUrl), "{none}");
        }
        for more in ["https://u@a.example/", "https://u:p@a.example/", "https://a.example/#f"] {
            assert_eq!(Address::parse(more, true).err(), Some(BadAddress::HoldsMore), "{more}");
        }
        assert_eq!(Address::issuer("https://a.example/?").err(), Some(BadAddress::HoldsMore));
    }

    #[test]
    fn parameters_are_encoded_and_follow_those_that_are_there() {
        let address = Address::parse("https://a.example/f?x=1", false).unwrap();
        assert_eq!(address.with(&[("a", "b&c=d e"), ("ü", "#")]), "https://a.example/f?x=1&a=b%26c%3Dd+e&%C3%BC=%23");
    }
}
