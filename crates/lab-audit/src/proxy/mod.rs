//! Everything that the browser sends and receives goes through here: what belongs to the audited hosts is recorded, what goes
//! elsewhere is passed on unread, if the site's own answers have named the place, and refused otherwise. Nothing is changed but `Accept-Encoding`, so that bodies can be read.
//!
//! The browser believes the proxy's certificates because it was started to; the site's own certificate is judged in
//! `upstream.rs`. What is recorded is judged in `look`.

mod certificate;
mod door;
mod upstream;
mod wire;

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context as _, Result};
use cloakroom_browser::{Engine, Launch, Spki};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use self::certificate::Authority;
pub(crate) use self::upstream::{Answer, Upstream};
pub(crate) use self::wire::{Exchange, Head, Wire};
use crate::target::Target;

/// Host names that the proxy answers itself, in the attacker's place. The first is another site than any.
pub(crate) const ATTACKER: &str = "attacker.cloakroom-audit.test";
/// Below the audited host, so of the same site in every browser's eyes.
pub(crate) const SIBLING: &str = "cloakroom-audit";

/// No more other hosts are listed.
const MOST_OTHERS: usize = 200;

/// The proxy; it ends when it is dropped.
pub(crate) struct Proxy {
    address: SocketAddr,
    shared: Arc<Shared>,
    serving: JoinHandle<()>,
}

/// Hosts that are not looked at.
#[derive(Default, Clone)]
pub(crate) struct Others {
    /// What was sent there was passed on unread.
    pub(crate) visited: BTreeSet<String>,
    /// Nothing that the site answered names them: the browser wanted something for itself, or a script of others did.
    pub(crate) refused: BTreeSet<String>,
}

/// What its connections share.
struct Shared {
    target: Target,
    authority: Authority,
    upstream: Upstream,
    wire: Wire,
    others: Mutex<Others>,
    /// The proxy's own.
    port: u16,
    /// What the attacker's own page is at present.
    page: Mutex<String>,
}

impl Proxy {
    /// Opens a free port on loopback, and serves.
    pub(crate) async fn open(target: &Target) -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.context("no free port on 127.0.0.1")?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            target: target.clone(),
            authority: Authority::new()?,
            upstream: Upstream::new()?,
            wire: Wire::default(),
            others: Mutex::default(),
            port: address.port(),
            page: Mutex::default(),
        });
        let serving = tokio::spawn(door::serve(listener, Arc::clone(&shared)));
        Ok(Self { address, shared, serving })
    }

    /// How a browser is started that sends everything here, loopback included.
    pub(crate) fn launch(&self, engine: Engine, headed: bool) -> Launch {
        let here = format!("http://{}", self.address);
        let (flags, preferences) = match engine {
            Engine::Chromium => {
                (vec![format!("--proxy-server={here}"), "--proxy-bypass-list=<-loopback>".to_owned()], Vec::new())
            }
            Engine::Firefox => (Vec::new(), self.firefox()),
            Engine::WebKit => (vec![format!("--proxy={here}")], Vec::new()),
        };
        Launch { trusted: Some(self.spki()), headed, flags, preferences, ..Launch::default() }
    }

    fn firefox(&self) -> Vec<(String, Value)> {
        let port = self.address.port();
        let settings = [
            ("network.proxy.type", json!(1)),
            ("network.proxy.http", json!("127.0.0.1")),
            ("network.proxy.http_port", json!(port)),
            ("network.proxy.ssl", json!("127.0.0.1")),
            ("network.proxy.ssl_port", json!(port)),
            ("network.proxy.no_proxies_on", json!("")),
            ("network.proxy.allow_hijacking_localhost", json!(true)),
        ];
        settings.map(|(name, value)| (name.to_owned(), value)).to_vec()
    }

    fn spki(&self) -> Spki {
        self.shared.authority.spki()
    }

    /// Everything that was recorded so far.
    pub(crate) fn wire(&self) -> &Wire {
        &self.shared.wire
    }

    /// A way to the audited hosts beside the browser.
    pub(crate) fn upstream(&self) -> &Upstream {
        &self.shared.upstream
    }

    /// Where else the browser went, or wanted to go.
    pub(crate) fn others(&self) -> Others {
        self.shared.others.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// An origin of another site, in the attacker's hands.
    pub(crate) fn attacker(&self) -> String {
        format!("{}://{ATTACKER}", self.shared.target.url().scheme())
    }

    /// An origin of the same site as the audited host, in the attacker's hands: a host below it, or another port where there
    /// are no hosts below (`SameSite` and `Sec-Fetch-Site` do not look at ports).
    pub(crate) fn sibling(&self) -> String {
        let url = self.shared.target.url();
        let (scheme, host) = (url.scheme(), url.host_str().unwrap_or_default());
        match url.host() {
            Some(url::Host::Domain(name)) if name.contains('.') => format!("{scheme}://{SIBLING}.{name}"),
            _ => format!("{scheme}://{host}:{}", self.address.port()),
        }
    }

    /// From now on the attacker's hosts answer with this page.
    pub(crate) fn show(&self, page: &str) {
        page.clone_into(&mut self.shared.page.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// How many requests are under way.
    pub(crate) fn open_requests(&self) -> watch::Receiver<usize> {
        self.shared.wire.open()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Shared {
    /// Whether the attacker answers there: in names of his own, and at the proxy's own port of an audited host.
    fn is_attacker(&self, host: &str, port: Option<u16>) -> bool {
        let below = host.strip_prefix(SIBLING).and_then(|rest| rest.strip_prefix('.'));
        let is_named = host == ATTACKER || below.is_some_and(|rest| self.target.covers(rest));
        is_named || (port == Some(self.port) && self.target.covers(host))
    }

    /// Whether something may be sent to a host that is not audited: the site's own answers must have named it.
    fn lets_out(&self, host: &str) -> bool {
        let is_known = self.others.lock().unwrap_or_else(PoisonError::into_inner).visited.contains(host);
        let named = is_known || self.wire.mentions(host);
        let mut others = self.others.lock().unwrap_or_else(PoisonError::into_inner);
        let list = if named { &mut others.visited } else { &mut others.refused };
        if list.len() < MOST_OTHERS {
            list.insert(host.to_owned());
        }
        named
    }
}
