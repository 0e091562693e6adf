//! What the steps need beyond Rust and a C compiler, how its presence is seen, and how it is installed.
//!
//! Versions are pinned here, so that two machines run the same tools. Everything but the Debian packages lands
//! in `target/` or in `client/node_modules`; nothing else of the machine is touched.

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
        name: "Python with venv",
        steps: &["tests"],
        probe: Probe::Call(Call::new("python3", &["-c", "import ensurepip, venv"])),
        install: Install::Debian("python3-venv"),
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
