//! Where we fetch from: https, or plain http on this machine. Keys and revocations that anybody on the way could change
//! would prove nothing.

use http::Uri;
use url::{Host, Url};

/// An address that may be asked.
#[derive(Clone, Debug)]
pub(crate) struct Address(Url);

/// Why an address is not taken. The text says what to do and does not repeat the address: it may hold a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadAddress {
    /// Not an absolute URL with a host.
    #[error("it is not an absolute URL such as https://issuer.example/.well-known/jwks.json")]
    NotAUrl,
    /// Plain http to another machine, or another scheme.
    #[error("it must be https; plain http is for loopback hosts only")]
    NotHttps,
    /// A name or a password inside.
    #[error("it must hold no user name, no password and no fragment")]
    HoldsMore,
}

impl Address {
    /// Reads a URL.
    pub(crate) fn parse(text: &str) -> Result<Self, BadAddress> {
        let url = Url::parse(text).map_err(|_| BadAddress::NotAUrl)?;
        let host = url.host().ok_or(BadAddress::NotAUrl)?;
        match url.scheme() {
            "https" => {}
            "http" if is_loopback(&host) => {}
            _ => return Err(BadAddress::NotHttps),
        }
        if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
            return Err(BadAddress::HoldsMore);
        }
        Ok(Self(url))
    }

    /// Whether TLS is spoken there.
    pub(crate) fn is_https(&self) -> bool {
        self.0.scheme() == "https"
    }

    /// As a request needs it.
    pub(crate) fn uri(&self) -> Result<Uri, BadAddress> {
        self.0.as_str().parse().map_err(|_| BadAddress::NotAUrl)
    }

    /// With one more parameter in its query.
    pub(crate) fn with(&self, name: &str, value: &str) -> Result<Uri, BadAddress> {
        let mut url = self.0.clone();
        url.query_pairs_mut().append_pair(name, value);
        Self(url).uri()
    }

    /// The same host with another path, and without a query.
    pub(crate) fn at(&self, path: &str) -> Self {
        let mut url = self.0.clone();
        url.set_path(path);
        url.set_query(None);
        Self(url)
    }

    /// Its path, `/` at least.
    pub(crate) fn path(&self) -> &str {
        self.0.path()
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
    fn only_https_and_loopback_hosts_are_asked() {
        for fine in ["https://a.example/k", "http://127.0.0.1:1/k", "http://[::1]:1/k", "http://localhost/k"] {
            assert!(Address::parse(fine).is_ok(), "{fine}");
        }
        for plain in
            ["http://a.example/k", "http://10.0.0.1/", "http://localhost.example/", "http://[::2]/", "ftp://a/"]
        {
            assert_eq!(Address::parse(plain).err(), Some(BadAddress::NotHttps), "{plain}");
        }
        for none in ["", "/k", "a.example/k", "https://", "https:///"] {
            assert_eq!(Address::parse(none).err(), Some(BadAddress::NotAUrl), "{none}");
        }
        for more in ["https://u@a.example/", "https://u:p@a.example/", "https://a.example/#f"] {
            assert_eq!(Address::parse(more).err(), Some(BadAddress::HoldsMore), "{more}");
        }
    }

    #[test]
    fn a_parameter_is_added_to_what_is_there() {
        let address = Address::parse("https://a.example/f?x=1").unwrap();
        assert_eq!(address.with("after", "7").unwrap(), "https://a.example/f?x=1&after=7");
        assert_eq!(address.at("/g").uri().unwrap(), "https://a.example/g");
    }
}
