//! The programs that are measured with, or compared with, and installing those that are missing.

use anyhow::{Context as _, Result, ensure};
use std::process::Command;

/// A program that a part needs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tool {
    Nginx,
    Wrk,
    Apache,
    Postgres,
    Exim,
}

impl Tool {
    fn is_there(self) -> bool {
        let starts = |program: &str| Command::new(program).arg("--version").output().is_ok();
        match self {
            Self::Nginx => starts("nginx"),
            Self::Wrk => starts("wrk"),
            Self::Apache => std::path::Path::new("/usr/lib/apache2/modules/mod_auth_openidc.so").exists(),
            // Where `dev/testbed` starts it from.
            Self::Exim => std::path::Path::new("/usr/sbin/exim4").exists(),
            // Debian keeps the server's programs out of `PATH`, and puts this one there.
            Self::Postgres => starts("pg_createcluster") || starts("initdb"),
        }
    }

    /// Its Debian package.
    fn package(self) -> &'static str {
        match self {
            Self::Nginx => "nginx-light",
            Self::Wrk => "wrk",
            // Brings Apache with it.
            Self::Apache => "libapache2-mod-auth-openidc",
            Self::Postgres => "postgresql",
            Self::Exim => "exim4-daemon-light",
        }
    }
}

/// Says what is missing, then installs it; or refuses, with what to do.
pub(crate) fn ensure_there(needed: &[Tool], refuse: bool) -> Result<()> {
    let all = [Tool::Nginx, Tool::Wrk, Tool::Apache, Tool::Postgres, Tool::Exim];
    let missing = all.into_iter().filter(|tool| needed.contains(tool) && !tool.is_there());
    let missing: Vec<_> = missing.map(Tool::package).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let by_hand = format!("apt-get install --no-install-recommends {}", missing.join(" "));
    ensure!(!refuse, "missing, and --no-install was given; run: {by_hand}");
    ensure!(is_root(), "missing, and only root can install it; run: sudo {by_hand}");
    println!("missing: {} (Debian packages); installing with {by_hand}", missing.join(", "));
    for arguments in
        [vec!["update", "-qq"], [vec!["install", "-y", "-qq", "--no-install-recommends"], missing.clone()].concat()]
    {
        let mut command = Command::new("apt-get");
        command.args(&arguments).env("DEBIAN_FRONTEND", "noninteractive");
        ensure!(command.status().context("apt-get does not start")?.success(), "`{by_hand}` failed");
    }
    // A package starts its program as a service, which nobody asked for.
    for (package, service) in [("nginx-light", "nginx"), ("postgresql", "postgresql"), ("exim4-daemon-light", "exim4")]
    {
        if missing.contains(&package) {
            drop(Command::new("service").args([service, "stop"]).output());
        }
    }
    Ok(())
}

pub(crate) fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}
