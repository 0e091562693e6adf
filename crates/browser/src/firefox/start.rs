//! What Firefox is started with: its arguments, and the preferences in its profile.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use super::marionette::PORT_FILE;
use crate::launch::{Launch, ThirdParty};

/// What must be set before the start. Firefox sets the rest of what automation needs itself, when the remote agent runs
/// (`RecommendedPreferences.sys.mjs`).
const PREFERENCES: [(&str, &str); 30] = [
    // Every name is this machine: whatever else still asks somebody finds nobody.
    ("network.dns.forceResolve", "\"127.0.0.1\""),
    ("network.proxy.type", "0"),
    ("network.trr.mode", "5"),
    ("network.prefetch-next", "false"),
    ("network.dns.disablePrefetch", "true"),
    ("network.http.speculative-parallel-limit", "0"),
    ("network.captive-portal-service.enabled", "false"),
    ("network.connectivity-service.enabled", "false"),
    ("app.update.disabledForTesting", "true"),
    ("app.normandy.enabled", "false"),
    ("app.normandy.api_url", "\"\""),
    ("services.settings.server", "\"data:,#remote-settings-dummy/v1\""),
    ("datareporting.policy.dataSubmissionEnabled", "false"),
    ("datareporting.healthreport.uploadEnabled", "false"),
    ("datareporting.usage.uploadEnabled", "false"),
    ("toolkit.telemetry.enabled", "false"),
    ("toolkit.telemetry.server", "\"\""),
    ("browser.safebrowsing.malware.enabled", "false"),
    ("browser.safebrowsing.phishing.enabled", "false"),
    ("browser.safebrowsing.downloads.enabled", "false"),
    ("browser.startup.page", "0"),
    ("browser.startup.homepage_override.mstone", "\"ignore\""),
    ("browser.newtabpage.enabled", "false"),
    ("browser.shell.checkDefaultBrowser", "false"),
    ("extensions.update.enabled", "false"),
    ("media.gmp-manager.updateEnabled", "false"),
    ("remote.log.truncate", "true"),
    // A free port, which it writes into the profile.
    ("marionette.port", "0"),
    // Virtual authenticators answer, and nobody looks for a key in a socket.
    ("security.webauth.webauthn_enable_softtoken", "true"),
    ("security.webauth.webauthn_enable_usbtoken", "false"),
];

/// Every argument.
pub(super) fn arguments(launch: &Launch, profile: &Path) -> Vec<String> {
    let mut arguments: Vec<String> = if launch.headed { Vec::new() } else { vec!["-headless".to_owned()] };
    let profile = profile.display().to_string();
    let usual = ["-no-remote", "-profile", &profile, "--remote-debugging-port=0", "-marionette", SYSTEM_ACCESS];
    arguments.extend(usual.map(str::to_owned));
    arguments.extend(launch.flags.iter().cloned());
    arguments
}

/// Writes the preferences into the profile.
pub(super) fn prepare(launch: &Launch, profile: &Path) -> Result<()> {
    if launch.device_bound_sessions {
        bail!("Firefox has no device-bound sessions");
    }
    let mut text = String::new();
    for (name, value) in PREFERENCES {
        writeln!(text, "user_pref(\"{name}\", {value});")?;
    }
    let mut wanted: Vec<(&str, Value)> = Vec::new();
    if let Some(third_party) = launch.third_party_cookies {
        // nsICookieService: 0 takes all, 1 none of another site; by itself it is 5, one jar for each embedding site.
        wanted.push(("network.cookie.cookieBehavior", u8::from(third_party == ThirdParty::Block).into()));
    }
    if let Some(lax) = launch.lax_by_default {
        wanted.push(("network.cookie.sameSite.laxByDefault", lax.into()));
    }
    wanted.extend(launch.preferences.iter().map(|(name, value)| (name.as_str(), value.clone())));
    for (name, value) in wanted {
        if !(value.is_string() || value.is_i64() || value.is_boolean()) {
            bail!("the preference {name:?} is no text, no whole number and no truth value");
        }
        writeln!(text, "user_pref({}, {value});", Value::from(name))?;
    }
    std::fs::write(profile.join("user.js"), text).context("writing user.js")?;
    // A browser that was killed has left the number of its port behind.
    match std::fs::remove_file(profile.join(PORT_FILE)) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error).context("removing an old port"),
        _ => Ok(()),
    }
}

/// Scripts may be run in the browser's own windows, see `tab.rs`.
const SYSTEM_ACCESS: &str = "-remote-allow-system-access";

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn preferences_of_the_options_come_after_ours() {
        let folder = tempfile::tempdir().unwrap();
        let own = vec![("a.text".to_owned(), json!("\"quoted\"")), ("a.number".to_owned(), json!(-3))];
        let launch = Launch {
            third_party_cookies: Some(ThirdParty::Block),
            lax_by_default: Some(true),
            preferences: own,
            ..Launch::default()
        };
        prepare(&launch, folder.path()).unwrap();
        let written = std::fs::read_to_string(folder.path().join("user.js")).unwrap();
        for line in [
            "user_pref(\"network.proxy.type\", 0);",
            "user_pref(\"network.cookie.cookieBehavior\", 1);",
            "user_pref(\"network.cookie.sameSite.laxByDefault\", true);",
            "user_pref(\"a.text\", \"\\\"quoted\\\"\");",
            "user_pref(\"a.number\", -3);",
        ] {
            assert!(written.lines().any(|written| written == line), "{line} is missing: {written}");
        }
        let list = Launch { preferences: vec![("a.list".to_owned(), json!([1]))], ..Launch::default() };
        assert!(prepare(&list, folder.path()).is_err());
    }
}
