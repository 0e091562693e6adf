//! Which site may be looked at: whatever is on this machine, and hosts that the person who asks has named as well. What is
//! done there is decided elsewhere.

use std::net::IpAddr;

use anyhow::{Result, bail};
use url::{Host, Url};

/// Most hosts that are confirmed for one audit.
const MOST_HOSTS: usize = 16;

/// The address to begin at, and the hosts that belong to it.
#[derive(Debug, Clone)]
pub struct Target {
    url: Url,
    /// Beside loopback: lower case, without a port.
    confirmed: Vec<String>,
}

impl Target {
    /// `url` is where the audit begins; `confirmed` are names of hosts that its owner vouches for. The error says which
    /// name is missing: only loopback needs none.
    pub fn new(url: &str, confirmed: &[String]) -> Result<Self> {
        let Ok(url) = Url::parse(url) else { bail!("{url:?} is no URL; say it as https://shop.example.com/") };
        if !matches!(url.scheme(), "http" | "https") || !url.username().is_empty() || url.password().is_some() {
            bail!("only http and https URLs without a user name can be audited");
        }
        if confirmed.len() > MOST_HOSTS {
            bail!("more than {MOST_HOSTS} hosts in one audit");
        }
        let confirmed = confirmed.iter().map(|name| name.trim().to_ascii_lowercase()).collect();
        let target = Self { url, confirmed };
        let host = target.host();
        if !target.covers(&host) {
            bail!(
                "{host} is not this machine. Audit only what is yours: if it is, say so with --host {host} (the name as it stands in the URL)"
            );
        }
        Ok(target)
    }

    /// Where the audit begins.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// The host of that address, without a port and brackets.
    pub fn host(&self) -> String {
        bare(self.url.host_str().unwrap_or_default())
    }

    /// Hosts that are not loopback and need their owner's word.
    pub fn to_confirm(&self) -> Vec<String> {
        self.confirmed.iter().filter(|name| !is_loopback(name)).cloned().collect()
    }

    /// Whether a host is looked at: the begin's own if it is loopback, and those that were confirmed. Other loopback hosts
    /// count only beside a loopback site.
    pub fn covers(&self, host: &str) -> bool {
        let host = bare(host);
        self.confirmed.contains(&host) || (is_loopback(&host) && is_loopback(&self.host()))
    }

    /// Whether it is on this machine.
    pub fn is_local(&self) -> bool {
        is_loopback(&self.host())
    }
}

/// Whether a name or address always means this machine (RFC 6761 6.3, RFC 1122 3.2.1.3, RFC 4291 2.5.3).
pub(crate) fn is_loopback(host: &str) -> bool {
    let host = bare(host);
    match Host::parse(&host) {
        Ok(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost") || is_address(&name),
        Ok(Host::Ipv4(address)) => address.is_loopback(),
        Ok(Host::Ipv6(address)) => address.is_loopback(),
        Err(_) => is_address(&host),
    }
}

fn is_address(host: &str) -> bool {
    host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Lower case, without brackets and the dot at the end.
fn bare(host: &str) -> String {
    host.trim_start_matches('[').trim_end_matches(']').trim_end_matches('.').to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_needs_no_word() {
        for url in ["http://localhost:3000", "https://app.localhost/", "http://127.8.9.1", "http://[::1]:8080/a"] {
            let target = Target::new(url, &[]).unwrap();
            assert!(target.is_local() && target.to_confirm().is_empty(), "{url}");
        }
    }

    #[test]
    fn a_foreign_host_is_refused_unless_its_name_is_said() {
        for url in ["https://shop.example.com", "http://10.0.0.1", "http://localhost.example.com", "http://[::2]"] {
            let error = Target::new(url, &["other.example.com".to_owned()]).unwrap_err().to_string();
            assert!(error.contains("--host"), "{error}");
        }
        let target = Target::new("https://Shop.example.com:8443/x", &["shop.example.COM".to_owned()]).unwrap();
        assert_eq!(target.to_confirm(), ["shop.example.com"]);
        assert!(target.covers("shop.example.com") && !target.covers("evil.example.com"));
        // A confirmed site does not open up what runs on this machine.
        assert!(!target.covers("localhost"));
    }

    #[test]
    fn what_is_no_web_address_is_refused() {
        for url in ["shop.example.com", "ftp://localhost/", "http://a:b@localhost/", "file:///etc/passwd"] {
            assert!(Target::new(url, &[]).is_err(), "{url}");
        }
    }
}
