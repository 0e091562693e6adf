//! The whole, as its owner holds it: build, replace routes, handle a request, drain.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use http::HeaderName;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::gate::Gate;
use crate::limits::Limits;
use crate::link::Link;
use crate::routes::Routes;
use crate::upstream::Upstream;

/// The reverse proxy. One per process, shared by all connections.
pub struct Gateway<G> {
    pub(crate) gate: Arc<G>,
    pub(crate) limits: Limits,
    pub(crate) table: ArcSwap<Table>,
    pub(crate) strip: Vec<HeaderName>,
    pub(crate) tunnels: TaskTracker,
    /// Event streams end, no new tunnels.
    pub(crate) stopping: CancellationToken,
    /// Tunnels are closed.
    pub(crate) cut: CancellationToken,
    roots: Option<rustls::RootCertStore>,
}

/// What most owners leave as it is.
#[derive(Clone, Debug, Default)]
pub struct Extras {
    /// Request fields that are removed besides the known identity fields.
    pub strip: Vec<HeaderName>,
    /// Whom `https` upstreams must be certified by. `None`: the system's roots, read when a route needs them.
    pub roots: Option<rustls::RootCertStore>,
}

/// The gateway cannot be built.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// TLS parameters, or no certificate to trust on this system.
    #[error("certificates for https upstreams: {0}")]
    Trust(String),
    /// An upstream's URL is no address.
    #[error("upstream {0:?} has no usable address")]
    Address(String),
}

/// Routes and the ways to their upstreams; [`Routes::upstreams`] and `links` have the same order.
pub(crate) struct Table {
    pub(crate) routes: Routes,
    /// `None` where nothing is forwarded.
    pub(crate) links: Vec<Option<Arc<Link>>>,
}

impl<G: Gate> Gateway<G> {
    /// A gateway with the system's roots for `https` upstreams. Must be called inside a tokio runtime.
    pub fn new(routes: Routes, gate: Arc<G>, limits: Limits) -> Result<Self, SetupError> {
        Self::with(routes, gate, limits, Extras::default())
    }

    /// A gateway with extras.
    pub fn with(routes: Routes, gate: Arc<G>, limits: Limits, extras: Extras) -> Result<Self, SetupError> {
        let table = Table::new(routes, &limits, extras.roots.as_ref())?;
        Ok(Self {
            gate,
            limits,
            table: ArcSwap::from_pointee(table),
            strip: extras.strip,
            tunnels: TaskTracker::new(),
            stopping: CancellationToken::new(),
            cut: CancellationToken::new(),
            roots: extras.roots,
        })
    }

    /// Replaces the routes. Requests under way end on the old ones. Connections to upstreams are made anew.
    pub fn replace_routes(&self, routes: Routes) -> Result<(), SetupError> {
        self.table.store(Arc::new(Table::new(routes, &self.limits, self.roots.as_ref())?));
        Ok(())
    }

    /// Ends event streams at once (their clients reconnect), opens no more tunnels, and closes the ones that are still
    /// open: so early that they are gone after `grace`, or after the two steps of [`Limits::tunnel_close_for`] if it is
    /// shorter. Returns when no tunnel is left. Other requests are the server's to wait for.
    pub async fn drain(&self, grace: Duration) {
        self.stopping.cancel();
        self.tunnels.close();
        let open_for = grace.saturating_sub(self.limits.tunnel_close_for.saturating_mul(2));
        if tokio::time::timeout(open_for, self.tunnels.wait()).await.is_err() {
            self.cut.cancel();
            self.tunnels.wait().await;
        }
    }

    /// How many tunnels are open.
    pub fn open_tunnels(&self) -> usize {
        self.tunnels.len()
    }
}

impl Table {
    fn new(routes: Routes, limits: &Limits, roots: Option<&rustls::RootCertStore>) -> Result<Self, SetupError> {
        let https = routes.upstreams().iter().filter_map(|one| one.to.as_ref()).any(|to| to.scheme() == "https");
        let tls = if https { Some(Arc::new(tls(roots)?)) } else { None };
        let link = |upstream: &Upstream| {
            let Some(to) = &upstream.to else { return Ok(None) };
            let link = Link::new(upstream, to, limits, tls.as_ref()).map(Arc::new);
            link.map(Some).ok_or_else(|| SetupError::Address(upstream.name.clone()))
        };
        let links = routes.upstreams().iter().map(link).collect::<Result<_, _>>()?;
        Ok(Self { routes, links })
    }
}

fn tls(roots: Option<&rustls::RootCertStore>) -> Result<rustls::ClientConfig, SetupError> {
    use hyper_rustls::ConfigBuilderExt;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let trust = |error: &dyn std::fmt::Display| SetupError::Trust(error.to_string());
    let builder = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| trust(&error))?;
    let builder = match roots {
        Some(roots) => builder.with_root_certificates(roots.clone()),
        None => builder.with_native_roots().map_err(|error| trust(&error))?,
    };
    Ok(builder.with_no_client_auth())
}
