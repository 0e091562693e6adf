//! A proxy of Debian's, with the files of `examples/forward-auth`, in which only the addresses are others.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tempfile::TempDir;
use tokio::net::{TcpSocket, TcpStream};

/// Which.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    Nginx,
    Caddy,
    HaProxy,
    Apache,
    /// nginx with `naive.conf`.
    Naive,
}

/// A running one. It ends when it is dropped.
pub(crate) struct Proxy {
    child: Child,
    has_workers: bool,
    _folder: TempDir,
}

/// A free port, kept free: bound here but not listening. All four bind with `SO_REUSEADDR`.
pub(crate) struct Port {
    pub(crate) number: u16,
    _kept: TcpSocket,
}

impl Port {
    pub(crate) fn free() -> Self {
        let kept = TcpSocket::new_v4().unwrap();
        kept.set_reuseaddr(true).unwrap();
        kept.bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
        Self { number: kept.local_addr().unwrap().port(), _kept: kept }
    }
}

/// Where things really are.
pub(crate) struct Addresses {
    pub(crate) public: u16,
    pub(crate) app: SocketAddr,
    pub(crate) cloakroom: u16,
    pub(crate) verify: SocketAddr,
}

impl Proxy {
    pub(crate) async fn start(kind: Kind, addresses: &Addresses) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let naive = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/proxies/naive.conf");
        let files = std::fs::read_dir(examples()).unwrap().map(|entry| entry.unwrap().path());
        // Whoever has tried the example has left a folder there.
        for path in files.chain([naive]).filter(|path| path.is_file()) {
            let text = std::fs::read_to_string(&path).unwrap();
            let text = text
                .replace("127.0.0.1:8000", &format!("127.0.0.1:{}", addresses.public))
                .replace("localhost:8000", &format!("localhost:{}", addresses.public))
                .replace("127.0.0.1:3000", &addresses.app.to_string())
                .replace("127.0.0.1:8080", &format!("127.0.0.1:{}", addresses.cloakroom))
                .replace("127.0.0.1:9091", &addresses.verify.to_string());
            std::fs::write(folder.path().join(path.file_name().unwrap()), text).unwrap();
        }
        let (program, arguments) = kind.command(folder.path());
        // nginx and Apache give their workers to another user when root starts them: that one has to enter.
        open_to_all(folder.path());
        let child = Command::new(program)
            .args(arguments)
            .current_dir(folder.path())
            .env("XDG_DATA_HOME", folder.path())
            .env("XDG_CONFIG_HOME", folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("{program}: {error}; `cargo xtask test` installs it"));
        let has_workers = !matches!(kind, Kind::Caddy | Kind::HaProxy);
        let mut proxy = Self { child, has_workers, _folder: folder };
        proxy.is_up(addresses.public).await;
        proxy
    }

    async fn is_up(&mut self, port: u16) {
        let mut beats = tokio::time::interval(Duration::from_millis(10));
        let up = async {
            while TcpStream::connect(("127.0.0.1", port)).await.is_err() {
                assert!(self.child.try_wait().unwrap().is_none(), "the proxy has ended: see its words above");
                beats.tick().await;
            }
        };
        tokio::time::timeout(Duration::from_mins(1), up).await.expect("the proxy does not listen");
    }
}

impl Drop for Proxy {
    /// nginx and Apache are asked to end, and take their workers with them; the others have none, and Caddy would wait for open
    /// connections.
    fn drop(&mut self) {
        if self.has_workers {
            drop(Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status());
        } else {
            drop(self.child.kill());
        }
        drop(self.child.wait());
    }
}

impl Kind {
    fn command(self, folder: &Path) -> (&'static str, Vec<String>) {
        let folder = folder.display().to_string();
        match self {
            Self::Nginx => ("/usr/sbin/nginx", nginx(folder, "nginx.conf")),
            Self::Naive => ("/usr/sbin/nginx", nginx(folder, "naive.conf")),
            Self::Caddy => ("/usr/bin/caddy", vec!["run".into(), "--config".into(), "Caddyfile".into()]),
            Self::HaProxy => ("/usr/sbin/haproxy", vec!["-f".into(), "haproxy.cfg".into()]),
            Self::Apache => (
                "/usr/sbin/apache2",
                vec!["-d".into(), folder, "-f".into(), "apache.conf".into(), "-D".into(), "FOREGROUND".into()],
            ),
        }
    }
}

fn nginx(folder: String, file: &str) -> Vec<String> {
    vec!["-p".into(), folder, "-c".into(), file.into(), "-g".into(), "daemon off;".into()]
}

fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/forward-auth")
}

fn open_to_all(folder: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o755)).unwrap();
}
