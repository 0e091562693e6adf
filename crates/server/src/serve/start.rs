//! The house put together: store, app, web, gateway, doors. And taken apart again in the opposite order.

use super::admin::Admin;
use super::chores;
use super::courier;
use super::door::Doors;
use super::edge::Edge;
use super::gate::WebGate;
use super::meters::Meters;
use super::providers;
use super::sockets::Sockets;
use super::tls;
use crate::config::{Config, RESERVED, StoreAt, Tls};
use anyhow::Context as _;
use arc_swap::ArcSwap;
use cloakroom_app::{App, Clock, Settings};
use cloakroom_gateway::{Extras, Gateway, Routes};
use cloakroom_jose::MasterKey;
use cloakroom_store::{Postgres, Sqlite, Store};
use cloakroom_web::Web;
use rustls::ServerConfig;
use std::hash::RandomState;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// A server that runs.
pub struct Running {
    /// Where the public listener really is.
    pub public: Vec<SocketAddr>,
    /// Where the admin listener really is.
    pub admin: SocketAddr,
    /// Addresses that it answers proxies on.
    pub forward_auth: Vec<SocketAddr>,
    edge: Arc<Edge>,
    store: Arc<dyn Store>,
    doors: Doors,
    tls: Option<Arc<ArcSwap<ServerConfig>>>,
    second_factor: Vec<String>,
    drain_for: Duration,
}

/// Puts the house together and opens its doors. Everything that can be wrong is told here.
pub async fn start(
    config: &Config,
    sockets: Sockets,
    master: MasterKey,
    clock: Arc<dyn Clock>,
) -> anyhow::Result<Running> {
    if config.settings.offered.iter().any(|strategy| strategy.is_weaker()) {
        tracing::warn!(
            "the strategy \"memory\" is offered: a script in a page can ask for an access token and carry it away (docs/strategies/memory.md)"
        );
    }
    if let Some(domain) = config.site.cookies.domain() {
        tracing::warn!(
            domain,
            "cookie.domain is set: cookies lose the prefix __Host-, and every host of the domain can steal and replace sessions (docs/operate/domains.md)"
        );
    }
    let courier = config.mail.as_ref().map(courier::open).transpose()?;
    let store = open_store(&config.store).await?;
    let app = {
        let (providers, clients) = (providers::open(config)?, providers::open_clients(config)?);
        let settings = Settings { providers, clients, ..config.settings.clone() };
        App::open(Arc::clone(&store), clock, settings, master).await?
    };
    let web = Web::new(app, config.site.clone()).context("a page's template does not compile")?;
    let extras = Extras { strip: config.strip.clone(), ..Extras::default() };
    let gateway = Gateway::with(
        routes(config)?,
        Arc::new(WebGate { web: Arc::clone(&web), second_factor: config.second_factor.clone() }),
        config.limits.clone(),
        extras,
    )?;
    let edge = Arc::new(Edge {
        web,
        gateway,
        trusted_proxies: config.trusted_proxies.clone(),
        meters: Meters::new(),
        log_requests: config.log.requests,
        requests: AtomicU64::new(0),
        ids: RandomState::new(),
    });
    let doors = Doors {
        room: Arc::new(Semaphore::new(config.max_connections)),
        header_for: config.header_for,
        max_header_bytes: config.limits.max_header_bytes,
        idle_for: config.limits.idle_for,
        connections: TaskTracker::new(),
        closing: CancellationToken::new(),
        cut: CancellationToken::new(),
    };
    let tls = config.tls.as_ref().map(tls::load).transpose()?.map(|tls| Arc::new(ArcSwap::new(tls)));

    let mut public = Vec::new();
    for listener in sockets.public {
        public.push(listener.local_addr()?);
        let edge = Arc::clone(&edge);
        doors.open(listener, tls.clone(), move |request, peer, encrypted| {
            let edge = Arc::clone(&edge);
            async move { edge.handle(request, peer, encrypted).await }
        });
    }
    for listener in sockets.redirect {
        let edge = Arc::clone(&edge);
        doors.open(listener, None, move |request, peer, encrypted| {
            let edge = Arc::clone(&edge);
            async move { edge.handle(request, peer, encrypted).await }
        });
    }
    let mut forward_auth = Vec::new();
    for listener in sockets.forward_auth {
        forward_auth.push(listener.local_addr()?);
        let edge = Arc::clone(&edge);
        doors.open(listener, None, move |question, peer, _| {
            let edge = Arc::clone(&edge);
            async move { edge.verify(question, peer).await }
        });
    }
    let admin = sockets.admin.local_addr()?;
    let inside = Arc::new(Admin { web: Arc::clone(&edge.web), token: config.admin_token.clone() });
    // Operators have room of their own: probes are answered when the public doors are full.
    let back_door = Doors { room: Arc::new(Semaphore::new(64)), ..doors.clone() };
    back_door.open(sockets.admin, None, move |request, peer, _| {
        let inside = Arc::clone(&inside);
        async move { inside.handle(request, peer).await }
    });
    doors.connections.spawn(chores::keep_doing(Arc::clone(&edge), doors.closing.clone()));
    let (follower, closing) = (Arc::clone(edge.web.app()), doors.closing.clone());
    doors.connections.spawn(async move { follower.keep_following(closing).await });
    if let Some(courier) = courier {
        doors.connections.spawn(courier.keep_posting(
            Arc::clone(edge.web.app()),
            doors.closing.clone(),
            doors.cut.clone(),
        ));
    }
    let second_factor = config.second_factor.clone();
    Ok(Running { public, admin, forward_auth, edge, store, doors, tls, second_factor, drain_for: config.drain_for })
}

impl Running {
    /// The use cases, for who wires more around them.
    pub fn app(&self) -> &Arc<App> {
        self.edge.web.app()
    }

    /// Does all chores now.
    pub async fn do_chores(&self) -> anyhow::Result<()> {
        Ok(chores::all_now(&self.edge).await?)
    }

    /// Takes over what can change while requests run: upstreams, certificate and key. The rest needs a restart.
    pub fn reload(&self, config: &Config) -> anyhow::Result<()> {
        anyhow::ensure!(
            config.second_factor == self.second_factor,
            "which upstreams require a second factor changes with a restart only"
        );
        anyhow::ensure!(
            config.providers.iter().filter(|provider| provider.keeps_tokens).all(|provider| self.keeps(&provider.id)),
            "an upstream gets tokens of a provider (token_from) after a restart only"
        );
        // Everything is read before anything is taken over: half a reload would be neither configuration.
        let files: Option<&Tls> = config.tls.as_ref();
        let (loaded, routes) = (files.map(tls::load).transpose()?, routes(config)?);
        self.edge.gateway.replace_routes(routes)?;
        if let (Some(current), Some(loaded)) = (&self.tls, loaded) {
            current.store(loaded);
        }
        Ok(())
    }

    fn keeps(&self, provider: &str) -> bool {
        self.app().providers().iter().any(|one| one.keeps_tokens && one.party.id() == provider)
    }

    /// Stops: no new connections, open requests may end, streams and tunnels are closed, then the rest is cut. What was
    /// only in memory is written last.
    pub async fn stop(self) -> anyhow::Result<()> {
        self.doors.closing.cancel();
        self.edge.web.stop();
        self.doors.connections.close();
        let drained = async {
            tokio::join!(self.edge.gateway.drain(self.drain_for), self.doors.connections.wait());
        };
        if timeout(self.drain_for, drained).await.is_err() {
            self.doors.cut.cancel();
            self.doors.connections.wait().await;
        }
        self.edge.web.app().close().await?;
        self.store.close().await;
        Ok(())
    }
}

/// Opens the store that the configuration names.
pub(crate) async fn open_store(at: &StoreAt) -> anyhow::Result<Arc<dyn Store>> {
    Ok(match at {
        StoreAt::Sqlite(path) => {
            Arc::new(Sqlite::open(path).with_context(|| format!("cannot open the database {}", path.display()))?)
        }
        // The address is not shown: it carries a password.
        StoreAt::Postgres(url) => Arc::new(
            Postgres::open(url.reveal(), Postgres::CONNECTIONS)
                .await
                .context("cannot open the database that store.url names")?,
        ),
    })
}

fn routes(config: &Config) -> anyhow::Result<Routes> {
    Routes::new(config.upstreams.clone(), &RESERVED)
        .map_err(|errors| anyhow::anyhow!("{}", errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")))
}
