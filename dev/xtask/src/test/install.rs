//! Says what is missing, then installs it; or refuses.
//!
//! It never asks and never becomes root by itself: without root it prints the command that a person can run.

use anyhow::{Result, bail};

use super::need::{Install, Need};
use crate::shell::{self, Call};

/// What is left to do about missing things.
pub(crate) enum Ready {
    /// Everything is there.
    Yes,
    /// Something is missing and may not, or cannot, be installed; it has been said which.
    No,
}

/// Announces and installs `missing`; with `refuse` it only names them.
#[expect(clippy::print_stdout, reason = "its report is its output")]
pub(crate) fn install(missing: &[&Need], refuse: bool) -> Result<Ready> {
    if missing.is_empty() {
        println!("nothing is missing");
        return Ok(Ready::Yes);
    }
    let packages = packages(missing);
    println!("missing:");
    for need in missing {
        println!("  {:<30} {}", need.name, source(need));
    }
    if refuse {
        println!("\nnothing was installed (--no-install); run without it, or install the above by hand");
        return Ok(Ready::No);
    }
    if !packages.is_empty() && !may_use_apt() {
        println!("\nDebian packages need root; run this, then try again:\n");
        println!("  sudo apt-get install --no-install-recommends {}", packages.join(" "));
        return Ok(Ready::No);
    }
    println!("\ninstalling ...");
    if !packages.is_empty() {
        apt(&packages)?;
    }
    for call in missing.iter().flat_map(|need| calls(need)) {
        println!("$ {call}");
        if !call.succeeds(&[])? {
            bail!("`{call}` failed");
        }
    }
    Ok(Ready::Yes)
}

fn packages(missing: &[&Need]) -> Vec<&'static str> {
    missing.iter().filter_map(|need| if let Install::Debian(name) = need.install { Some(name) } else { None }).collect()
}

fn calls(need: &Need) -> &'static [Call] {
    match need.install {
        Install::Debian(_) => &[],
        Install::Calls(calls) => calls,
    }
}

fn source(need: &Need) -> String {
    match need.install {
        Install::Debian(package) => format!("Debian package {package}"),
        Install::Calls(calls) => calls.iter().map(ToString::to_string).collect::<Vec<_>>().join(" && "),
    }
}

fn may_use_apt() -> bool {
    let id = std::process::Command::new("id").arg("-u").output();
    shell::on_path("apt-get") && id.is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}

#[expect(clippy::print_stdout, reason = "its report is its output")]
fn apt(packages: &[&str]) -> Result<()> {
    let update = ["update", "-qq"].map(str::to_owned).to_vec();
    let mut install = ["install", "-y", "-qq", "--no-install-recommends"].map(str::to_owned).to_vec();
    install.extend(packages.iter().map(ToString::to_string));
    for arguments in [update, install] {
        println!("$ apt-get {}", arguments.join(" "));
        let mut command = std::process::Command::new("apt-get");
        command.args(&arguments).env("DEBIAN_FRONTEND", "noninteractive");
        if !command.status()?.success() {
            bail!("`apt-get {}` failed", arguments.join(" "));
        }
    }
    Ok(())
}
