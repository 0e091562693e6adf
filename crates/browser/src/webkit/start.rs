//! What `WebKitGTK` is started with: a screen that nobody sees, or the caller's, and the arguments of its browser.

use std::path::Path;

use anyhow::{Result, bail};

use crate::engine::SCREEN;
use crate::launch::{Launch, ThirdParty};
use crate::process::{Says, Start};
use crate::profile::Profile;

/// Leads the process group where no screen does.
const SHELL: &str = "/bin/sh";

/// The program that all others join: a screen, which says its number, or one that only waits.
pub(super) fn first(headed: bool, profile: Profile) -> Start<'static> {
    let (program, arguments): (_, &[&str]) = if headed {
        (SHELL, &["-c", "echo; exec sleep infinity"])
    } else {
        (SCREEN, &["-displayfd", "1", "-screen", "0", "1600x1200x24", "-nolisten", "tcp"])
    };
    let arguments = arguments.iter().map(|argument| (*argument).to_owned()).collect();
    Start { program: Path::new(program), arguments, profile, says: Says::FirstLine, headed }
}

/// Arguments of the browser. The error names what it cannot do.
pub(super) fn arguments(launch: &Launch) -> Result<Vec<String>> {
    for (wanted, what) in [
        (launch.extension.is_some(), "extensions"),
        (launch.device_bound_sessions, "device-bound sessions"),
        (launch.lax_by_default == Some(true), "a way to make cookies Lax by default"),
        (!launch.preferences.is_empty(), "preferences"),
    ] {
        if wanted {
            bail!("WebKitGTK has no {what}");
        }
    }
    let mut arguments = vec!["--automation".to_owned()];
    if let Some(third_party) = launch.third_party_cookies {
        let flags: &[&str] = match third_party {
            ThirdParty::Allow => &["--cookies-policy=always"],
            // The policy alone keeps none of another site, but sends those that are there.
            ThirdParty::Block => &["--cookies-policy=no-third-party", "--enable-itp"],
        };
        arguments.extend(flags.iter().map(|flag| (*flag).to_owned()));
    }
    arguments.extend(launch.flags.iter().cloned());
    Ok(arguments)
}
