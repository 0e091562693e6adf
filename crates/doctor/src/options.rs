//! What somebody who asks for an examination can choose.

use std::time::Duration;

/// What can be chosen. [`Options::default`] is what most want.
#[derive(Debug, Clone)]
pub struct Options {
    /// Certificates (PEM) of the authority to believe instead of those that this machine trusts. At most 1 MiB.
    pub authorities: Option<Vec<u8>>,
    /// How long one request may take, connecting included.
    pub timeout: Duration,
    /// Ids of checks that are left out.
    pub skip: Vec<String>,
    /// The port of the admin listener, which should not be reachable.
    pub admin_port: u16,
    /// The port where people come by plain http. Without it 80, if the site is on the usual port of https.
    pub http_port: Option<u16>,
    /// The version that `User-Agent: cloakroom-doctor/…` tells: visible ASCII.
    pub version: String,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            authorities: None,
            timeout: Duration::from_secs(10),
            skip: Vec::new(),
            admin_port: 9090,
            http_port: None,
            version: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }
}
