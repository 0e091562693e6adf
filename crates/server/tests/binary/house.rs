//! A configuration with its folder and its ports, and the server that runs on it.

use crate::deadline::until;
use crate::program::{Program, command};
use crate::visitor::{Visitor, get};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use tempfile::TempDir;
use tokio::net::TcpSocket;

/// What a server runs on.
pub(crate) struct House {
    /// The configuration, as the file will hold it.
    pub(crate) config: Value,
    folder: TempDir,
    public: Port,
    admin: Port,
}

/// A free port, kept free: bound here but not listening, so that nobody else is given it, and the program may listen on
/// it again and again (`SO_REUSEADDR`).
pub(crate) struct Port {
    number: u16,
    _kept: TcpSocket,
}

impl Port {
    /// Takes one.
    pub(crate) fn free() -> Self {
        let kept = TcpSocket::new_v4().unwrap();
        kept.set_reuseaddr(true).unwrap();
        kept.bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
        Self { number: kept.local_addr().unwrap().port(), _kept: kept }
    }

    /// Its number.
    pub(crate) fn number(&self) -> u16 {
        self.number
    }

    /// Its address.
    pub(crate) fn address(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], self.number))
    }
}

impl House {
    /// One in front of an upstream: `/app` signed-in, `/open` optional, the rest public.
    pub(crate) fn before(upstream: SocketAddr) -> Self {
        let (public, admin) = (Port::free(), Port::free());
        let to = format!("http://{upstream}");
        let config = json!({
            "server": {
                "public_url": format!("http://localhost:{}", public.number()),
                "listen": [public.address()],
                "admin_listen": admin.address(),
                "drain_for": "20s",
            },
            // The cheapest hash that the configuration takes: these stories are not about it.
            "password": { "memory_kib": 7168, "passes": 1 },
            "upstream": [
                { "name": "rest", "path": "/", "to": to, "access": "public" },
                { "name": "app", "path": "/app", "to": to, "access": "signed-in", "audience": "app" },
                { "name": "open", "path": "/open", "to": to, "access": "optional", "audience": "open" },
            ],
        });
        Self { config, folder: tempfile::tempdir().unwrap(), public, admin }
    }

    /// Where its files are.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The configuration file, written anew.
    pub(crate) fn write(&self) -> PathBuf {
        let file = self.folder().join("cloakroom.toml");
        std::fs::write(&file, toml::to_string(&self.config).unwrap()).unwrap();
        file
    }

    /// Port of the public listener.
    pub(crate) fn port(&self) -> u16 {
        self.public.number()
    }

    /// Port of the admin listener.
    pub(crate) fn admin_port(&self) -> u16 {
        self.admin.number()
    }

    /// A visitor with an empty cookie jar.
    pub(crate) fn visitor(&self) -> Visitor {
        Visitor::at(self.port())
    }

    /// Starts the server and waits until it is ready.
    pub(crate) async fn serve(&self) -> Program {
        let mut program = self.start();
        self.ready(&mut program).await;
        program
    }

    /// Starts the server.
    pub(crate) fn start(&self) -> Program {
        self.write();
        Program::start(command(self.folder(), ["serve", "--config", "cloakroom.toml"]))
    }

    /// Waits until the server says that it is ready.
    pub(crate) async fn ready(&self, program: &mut Program) {
        until("the server is ready", async || {
            let answer = get(self.admin.number(), "/readyz").await;
            assert!(answer.is_some() || !program.has_ended(), "it has ended: {}", program.errors());
            answer.filter(|answer| answer.status == 200).map(drop)
        })
        .await;
    }
}
