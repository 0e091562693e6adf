//! The listening sockets, bound before anything else so that a wrong address is the first thing that is told.

use crate::config::Config;
use anyhow::Context as _;
use std::net::SocketAddr;
use tokio::net::TcpListener;

/// Bound sockets.
pub struct Sockets {
    /// For people.
    pub public: Vec<TcpListener>,
    /// For people who came by plain http.
    pub redirect: Vec<TcpListener>,
    /// For proxies that ask whether a request may pass.
    pub forward_auth: Vec<TcpListener>,
    /// For operators.
    pub admin: TcpListener,
}

impl Sockets {
    /// Binds what the configuration names.
    pub async fn bind(config: &Config) -> anyhow::Result<Self> {
        Ok(Self {
            public: all(&config.listen).await?,
            redirect: all(&config.redirect_listen).await?,
            forward_auth: all(&config.forward_auth_listen).await?,
            admin: one(config.admin_listen).await?,
        })
    }
}

async fn all(addresses: &[SocketAddr]) -> anyhow::Result<Vec<TcpListener>> {
    let mut bound = Vec::new();
    for address in addresses {
        match one(*address).await {
            Ok(listener) => bound.push(listener),
            // A machine without IPv6 still serves IPv4.
            Err(error) if address.is_ipv6() && addresses.len() > 1 && !in_use(&error) => {
                tracing::warn!(%address, "not listening there: {error:#}");
            }
            Err(error) => return Err(error),
        }
    }
    Ok(bound)
}

async fn one(address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| {
        format!("cannot listen on {address}: is another program there? Choose another address in the configuration")
    })
}

fn in_use(error: &anyhow::Error) -> bool {
    error.downcast_ref::<std::io::Error>().is_some_and(|error| error.kind() == std::io::ErrorKind::AddrInUse)
}
