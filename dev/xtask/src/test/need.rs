//! What the steps need beyond Rust and a C compiler, how its presence is seen, and how it is installed.
//!
//! Versions are pinned here, so that two machines run the same tools. Everything but the Debian packages, Keycloak and
//! the Python packages of an example lands in `target/` or in a `node_modules`; Keycloak is too large for every clone, and
//! goes to the user's cache, as those of the example do. Nothing else of the machine is touched.

use std::fs;

use super::step::Step;
use crate::shell::{self, Call};

/// One thing that must be there before a step can run.
pub(crate) struct Need {
    pub(crate) name: &'static str,
    /// Names of the steps that cannot run without it.
    pub(crate) steps: &'static [&'static str],
    pub(crate) probe: Probe,
    pub(crate) install: Install,
}

/// How its presence is seen, without the network.
pub(crate) enum Probe {
    /// Any of these programs is on `PATH` (or at that absolute place).
    Program(&'static [&'static str]),
    /// This call ends with 0.
    Call(Call),
    /// The first file exists and is not older than the second.
    Newer(&'static str, &'static str),
}

/// Where it comes from.
pub(crate) enum Install {
    /// A package of Debian; all missing ones are installed in one go, which needs root.
    Debian(&'static str),
    /// Calls that fetch it from a language's registry, in this order.
    Calls(&'static [Call]),
}

/// Folder of the foreign token libraries: `node_modules/jose` and `python/bin/python`, which has `PyJWT`. The tests learn it
/// as `CLOAKROOM_INTEROP`.
pub(crate) const INTEROP: &str = "target/interop";

/// Everything there is. Order is the order of installation: later rows may use earlier ones.
pub(crate) const NEEDS: &[Need] = &[
    Need { name: "curl", steps: &["tests"], probe: Probe::Program(&["curl"]), install: Install::Debian("curl") },
    Need {
        name: "h2load",
        steps: &["tests"],
        probe: Probe::Program(&["h2load"]),
        install: Install::Debian("nghttp2-client"),
    },
    Need {
        name: "Chromium",
        steps: &["tests"],
        probe: Probe::Program(&["/usr/lib/chromium/chromium", "chromium"]),
        install: Install::Debian("chromium"),
    },
    Need {
        name: "Firefox",
        steps: &["tests"],
        probe: Probe::Program(&["firefox-esr"]),
        install: Install::Debian("firefox-esr"),
    },
    Need {
        name: "WebKitGTK and its driver",
        steps: &["tests"],
        probe: Probe::Program(&["WebKitWebDriver"]),
        install: Install::Debian("webkit2gtk-driver"),
    },
    Need {
        // WebKitGTK has no headless mode.
        name: "Xvfb",
        steps: &["tests"],
        probe: Probe::Program(&["Xvfb"]),
        install: Install::Debian("xvfb"),
    },
    Need {
        name: "Exim",
        steps: &["tests"],
        probe: Probe::Program(&["/usr/sbin/exim4"]),
        install: Install::Debian("exim4-daemon-light"),
    },
    Need {
        name: "nginx",
        steps: &["tests"],
        probe: Probe::Program(&["/usr/sbin/nginx"]),
        install: Install::Debian("nginx"),
    },
    Need { name: "Caddy", steps: &["tests"], probe: Probe::Program(&["caddy"]), install: Install::Debian("caddy") },
    Need {
        name: "HAProxy",
        steps: &["tests"],
        probe: Probe::Program(&["/usr/sbin/haproxy"]),
        install: Install::Debian("haproxy"),
    },
    Need {
        name: "Apache",
        steps: &["tests"],
        probe: Probe::Program(&["/usr/sbin/apache2"]),
        install: Install::Debian("apache2"),
    },
    Need {
        // Apache asks with it.
        name: "LuaSocket",
        steps: &["tests"],
        probe: Probe::Program(&["/usr/share/lua/5.3/socket.lua"]),
        install: Install::Debian("lua-socket"),
    },
    Need {
        name: "PostgreSQL",
        steps: &["tests"],
        // Debian keeps the server's programs out of `PATH`, and puts this one there.
        probe: Probe::Program(&["pg_createcluster", "initdb"]),
        install: Install::Debian("postgresql"),
    },
    Need {
        name: "Node.js",
        steps: &["client", "generated", "tests"],
        probe: Probe::Program(&["node"]),
        install: Install::Debian("nodejs"),
    },
    Need {
        name: "npm",
        steps: &["client", "generated", "tests"],
        probe: Probe::Program(&["npm"]),
        install: Install::Debian("npm"),
    },
    Need {
        // Keycloak runs on it.
        name: "Java",
        steps: &["tests"],
        probe: Probe::Program(&["java"]),
        install: Install::Debian("openjdk-17-jre-headless"),
    },
    Need { name: "unzip", steps: &["tests"], probe: Probe::Program(&["unzip"]), install: Install::Debian("unzip") },
    Need {
        name: "Python with venv",
        steps: &["tests"],
        probe: Probe::Call(Call::new("python3", &["-c", "import ensurepip, venv"])),
        install: Install::Debian("python3-venv"),
    },
    Need {
        // The clock of the examples, which are processes of other people's making.
        name: "libfaketime",
        steps: &["tests"],
        probe: Probe::Program(&["faketime"]),
        install: Install::Debian("faketime"),
    },
    Need {
        name: "cargo-deny 0.20.2",
        steps: &["deny", "advisories"],
        probe: Probe::Call(Call::new("target/tools/bin/cargo-deny", &["--version"])),
        install: Install::Calls(&[Call::new(
            "cargo",
            &["install", "--quiet", "cargo-deny", "--version", "0.20.2", "--locked", "--root", "target/tools"],
        )]),
    },
    Need {
        name: "the npm packages of client/",
        steps: &["client", "generated"],
        probe: Probe::Newer("client/node_modules/.package-lock.json", "client/package-lock.json"),
        install: Install::Calls(&[Call::new("npm", &["ci", "--no-audit", "--no-fund"]).inside("client")]),
    },
    Need {
        name: "React 18 (npm)",
        steps: &["client"],
        probe: Probe::Newer(
            "client/test/react-18/node_modules/.package-lock.json",
            "client/test/react-18/package-lock.json",
        ),
        install: Install::Calls(&[Call::new("npm", &["ci", "--no-audit", "--no-fund"]).inside("client/test/react-18")]),
    },
    Need {
        name: "jose 6.2.17 (npm)",
        steps: &["tests"],
        probe: Probe::Call(Call::new(
            "node",
            &[
                "-e",
                "process.exit(require('./target/interop/node_modules/jose/package.json').version === '6.2.17' ? 0 : 1)",
            ],
        )),
        install: Install::Calls(&[Call::new(
            "npm",
            &["install", "--no-audit", "--no-fund", "--no-save", "--prefix", INTEROP, "jose@6.2.17"],
        )]),
    },
    Need {
        // In a folder of its own: npm removes what else is in one that no package.json describes.
        name: "axe-core 4.14.1 (npm)",
        steps: &["tests"],
        probe: Probe::Call(Call::new(
            "node",
            &[
                "-e",
                "process.exit(require('./target/tools/axe/node_modules/axe-core/package.json').version === '4.14.1' ? 0 : 1)",
            ],
        )),
        install: Install::Calls(&[Call::new(
            "npm",
            &["install", "--no-audit", "--no-fund", "--no-save", "--prefix", "target/tools/axe", "axe-core@4.14.1"],
        )]),
    },
    Need {
        name: "Keycloak 26.7.3 (Maven)",
        steps: &["tests"],
        probe: Probe::Call(Call::new("dev/providers/keycloak/install", &["--check"])),
        install: Install::Calls(&[Call::new("dev/providers/keycloak/install", &[])]),
    },
    Need {
        name: "oidc-provider (npm)",
        steps: &["tests"],
        probe: Probe::Newer(
            "dev/providers/oidc-provider/node_modules/.package-lock.json",
            "dev/providers/oidc-provider/package-lock.json",
        ),
        install: Install::Calls(&[
            Call::new("npm", &["ci", "--no-audit", "--no-fund"]).inside("dev/providers/oidc-provider")
        ]),
    },
    Need {
        name: "schemathesis 4.32.5 (PyPI)",
        steps: &["tests"],
        probe: Probe::Call(Call::new("dev/testbed/schemathesis/install", &["--check"])),
        install: Install::Calls(&[Call::new("dev/testbed/schemathesis/install", &[])]),
    },
    Need {
        name: "PyJWT 2.15.1 (PyPI)",
        steps: &["tests"],
        probe: Probe::Call(Call::new(
            "target/interop/python/bin/python",
            &["-c", "import jwt, cryptography; assert jwt.__version__ == '2.15.1'"],
        )),
        install: Install::Calls(&[
            Call::new("python3", &["-m", "venv", "target/interop/python"]),
            Call::new(
                "target/interop/python/bin/python",
                &["-m", "pip", "install", "--quiet", "PyJWT[crypto]==2.15.1"],
            ),
        ]),
    },
    Need {
        name: "the npm packages of examples/express",
        steps: &["tests"],
        probe: Probe::Newer("examples/express/node_modules/.package-lock.json", "examples/express/package-lock.json"),
        install: Install::Calls(&[Call::new("npm", &["ci", "--no-audit", "--no-fund"]).inside("examples/express")]),
    },
    Need {
        name: "the npm packages of examples/react-axum",
        steps: &["tests"],
        probe: Probe::Newer(
            "examples/react-axum/node_modules/.package-lock.json",
            "examples/react-axum/package-lock.json",
        ),
        install: Install::Calls(&[Call::new("npm", &["ci", "--no-audit", "--no-fund"]).inside("examples/react-axum")]),
    },
    Need {
        name: "the Python packages of examples/fastapi",
        steps: &["tests"],
        probe: Probe::Call(Call::new("examples/fastapi/install", &["--check"])),
        install: Install::Calls(&[Call::new("examples/fastapi/install", &[])]),
    },
];

/// The rows of `NEEDS` that the chosen steps want and this machine lacks.
pub(crate) fn missing(steps: &[&Step]) -> Vec<&'static Need> {
    let wanted = |need: &&Need| steps.iter().any(|step| need.steps.contains(&step.name));
    NEEDS.iter().filter(wanted).filter(|need| !need.probe.is_present()).collect()
}

impl Probe {
    fn is_present(&self) -> bool {
        match self {
            Self::Program(names) => names.iter().any(|name| shell::on_path(name)),
            Self::Call(call) => call.probe(),
            Self::Newer(made, source) => {
                let changed = |path| fs::metadata(shell::root().join(path)).and_then(|meta| meta.modified()).ok();
                changed(made).is_some_and(|made| changed(source).is_none_or(|source| made >= source))
            }
        }
    }
}
