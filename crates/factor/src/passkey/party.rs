//! The relying party: for whom passkeys are made, and from which origin they may be used.

use url::{Host, Url};
use webauthn_rs::{Webauthn, WebauthnBuilder};

/// One relying party with the one origin its pages have. A second host name that has a scope of its own is a second one.
#[derive(Clone, Debug)]
pub struct Party {
    pub(super) webauthn: Webauthn,
}

/// A relying party that no browser would accept, or that would accept too much.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// The origin is no scheme, host name and port, or it is an IP address, for which there are no passkeys.
    #[error("the origin must be a scheme, a host name and a port, and nothing else")]
    Origin,
    /// Browsers offer passkeys on https, and on http for loopback names only (W3C Secure Contexts §3.1).
    #[error("passkeys need https, or a loopback name")]
    Insecure,
    /// The id is neither the host name of the origin nor a parent domain of it.
    #[error("the relying party id must be the host name of the origin or a parent domain of it")]
    Scope,
}

impl Party {
    /// `rp_id` is the domain that passkeys are bound to for ever, `origin` where the pages are served, its port included,
    /// `name` what browsers may show.
    pub fn new(rp_id: &str, origin: &str, name: &str) -> Result<Self, Unfit> {
        let url = Url::parse(origin).map_err(|_| Unfit::Origin)?;
        let Some(Host::Domain(host)) = url.host() else { return Err(Unfit::Origin) };
        // The serialisation has no path; what differs from it by more than a slash has one, or a query, or a user.
        if url.as_str() != format!("{}/", url.origin().ascii_serialization()) {
            return Err(Unfit::Origin);
        }
        let loopback = host == "localhost" || host.ends_with(".localhost");
        if url.scheme() != "https" && !(url.scheme() == "http" && loopback) {
            return Err(Unfit::Insecure);
        }
        // The library takes the host `example.com.` for a child of the empty domain.
        if rp_id.is_empty() {
            return Err(Unfit::Scope);
        }
        // Its defaults: this port only, no sub-domains.
        let builder = WebauthnBuilder::new(rp_id, &url).map_err(|_| Unfit::Scope)?;
        let webauthn = builder.rp_name(name).build().map_err(|_| Unfit::Scope)?;
        Ok(Self { webauthn })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn new(rp_id: &str, origin: &str) -> Option<Unfit> {
        Party::new(rp_id, origin, "Cloakroom").err()
    }

    #[test]
    fn an_origin_under_the_domain_is_accepted() {
        for (rp_id, origin) in [
            ("example.com", "https://example.com"),
            ("example.com", "https://example.com/"),
            ("example.com", "https://login.example.com:8443"),
            ("localhost", "http://localhost:4000"),
            ("approve.localhost", "http://approve.localhost:4000"),
            ("localhost", "https://localhost"),
        ] {
            assert_eq!(new(rp_id, origin), None, "{rp_id} {origin}");
        }
    }

    #[test]
    fn a_domain_that_is_not_above_the_origin_is_refused() {
        for (rp_id, origin) in [
            ("example.org", "https://example.com"),
            ("login.example.com", "https://example.com"),
            ("ample.com", "https://example.com"),
            ("", "https://example.com"),
            ("", "https://example.com."),
            ("https://example.com", "https://example.com"),
        ] {
            assert_eq!(new(rp_id, origin), Some(Unfit::Scope), "{rp_id} {origin}");
        }
    }

    #[test]
    fn what_is_no_origin_is_refused() {
        for origin in [
            "",
            "example.com",
            "https://example.com/auth",
            "https://example.com?a",
            "https://example.com/#a",
            "https://me@example.com",
            "https://127.0.0.1",
            "https://[::1]:1",
            "data:,a",
            "null",
        ] {
            assert_eq!(new("example.com", origin), Some(Unfit::Origin), "{origin}");
        }
    }

    #[test]
    fn plain_http_is_for_loopback_names() {
        for origin in ["http://example.com", "http://notlocalhost", "http://localhost.example.com", "ws://localhost"] {
            let host = Url::parse(origin).unwrap().host_str().unwrap().to_owned();
            assert_eq!(new(&host, origin), Some(Unfit::Insecure), "{origin}");
        }
    }
}
