//! Proxy, Cloakroom and application together.

use crate::app::{AUDIENCE, App};
use crate::proxy::{Addresses, Kind, Port, Proxy};
use cloakroom_testbed::{Guest, House};
use cloakroom_verify::clock::ManualClock;
use std::time::Duration;

/// What people see as one site.
pub(crate) struct Site {
    pub(crate) house: House,
    pub(crate) app: App,
    pub(crate) kind: Kind,
    port: Port,
    clock: ManualClock,
    _proxy: Proxy,
}

impl Site {
    pub(crate) async fn start(kind: Kind) -> Self {
        let port = Port::free();
        let house = House::with_mail(&configuration(port.number)).await;
        let clock = ManualClock::at(1_800_000_000_000);
        let keys = format!("{}/.well-known/jwks.json", house.origin());
        let app = App::start(&format!("http://localhost:{}", port.number), &keys, clock.clone()).await;
        let addresses = Addresses {
            public: port.number,
            app: app.address,
            cloakroom: house.port(),
            verify: house.running().forward_auth[0],
        };
        let proxy = Proxy::start(kind, &addresses).await;
        Self { house, app, kind, port, clock, _proxy: proxy }
    }

    /// Where people go.
    pub(crate) fn port(&self) -> u16 {
        self.port.number
    }

    /// What stands in their address bar.
    pub(crate) fn origin(&self) -> String {
        format!("http://localhost:{}", self.port.number)
    }

    /// A visitor of the proxy.
    pub(crate) fn guest(&self) -> Guest {
        self.house.guest_by(self.port.number)
    }

    /// One who has logged in, through the proxy.
    pub(crate) async fn signed_in(&self) -> Guest {
        let guest = self.guest();
        guest.sign_up("ann@example.com").await;
        guest.log_in("ann@example.com").await;
        self.app.take();
        guest
    }

    /// Moves the clocks of all.
    pub(crate) fn advance(&self, seconds: u64) {
        self.house.advance(seconds);
        self.clock.advance(Duration::from_secs(seconds));
    }

    pub(crate) async fn close(self) {
        self.house.close().await;
    }
}

/// What `examples/forward-auth/cloakroom.toml` says, with other addresses.
fn configuration(port: u16) -> String {
    let example = include_str!("../../../../examples/forward-auth/cloakroom.toml");
    assert!(example.contains(AUDIENCE), "the example has another audience");
    // The house listens and keeps things where it likes.
    let own = ["listen = [\"127.0.0.1:8080\"]", "[store]", "url = ", "master_key_file = "];
    let lines = example.lines().filter(|line| !own.iter().any(|own| line.starts_with(own)));
    lines
        .map(|line| {
            line.replace("127.0.0.1:9091", "127.0.0.1:0").replace("localhost:8000", &format!("localhost:{port}"))
        })
        .collect::<Vec<_>>()
        .join("\n")
        + "\n[[upstream]]\nname = \"open-host\"\nhost = \"open.localhost\"\npath = \"/\"\naccess = \"public\""
        + "\n[cors]\norigins = [\"http://localhost:1\"]\n[mail]\nconfirm_addresses = false\n"
}
