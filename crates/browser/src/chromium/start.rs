//! What Chromium is started with: its arguments, and the preferences in its profile.

use std::path::Path;

use anyhow::{Context as _, Result, bail};
use serde_json::{Map, Value, json};

use crate::launch::{Launch, ThirdParty};

/// Without a single request of the browser's own, and no name outside this machine resolves.
const FLAGS: [&str; 9] = [
    // Containers run tests as root, where Chromium's sandbox refuses to start.
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    // The profile's cookies are sealed with a key of the desktop otherwise, if one answers.
    "--password-store=basic",
    "--host-resolver-rules=MAP *.test 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE *.localhost, EXCLUDE 127.0.0.1",
];

/// With keys made of software, and without the quota of six signatures in nine minutes.
const DEVICE_BOUND_SESSIONS: [&str; 2] =
    ["DeviceBoundSessions:RefreshQuota/false", "EnableBoundSessionCredentialsSoftwareKeysForManualTesting"];

const ENABLE: &str = "--enable-features=";
const DISABLE: &str = "--disable-features=";

/// The menus of the address bar, which every window would start in a process of its own, though nobody opens them: they cost
/// more than the pages of a test.
const BAR_MENUS: &str = "WebUIOmniboxPopup,WebUIOmniboxFullPopup,WebUIOmniboxAimPopup";

/// Where the preferences are, below the profile.
const PREFERENCES: &str = "Default/Preferences";

/// Every argument. Of flags that name lists of features only the last counts, so there is one of each.
pub(super) fn arguments(launch: &Launch, profile: &Path) -> Vec<String> {
    let mut arguments = vec![format!("--user-data-dir={}", profile.display())];
    arguments.extend(FLAGS.map(str::to_owned));
    if !launch.headed {
        arguments.push("--headless".to_owned());
    }
    if let Some(key) = &launch.trusted {
        // Unlike an exception for all certificates this leaves the context secure and the connection without an error.
        arguments.push(format!("--ignore-certificate-errors-spki-list={}", key.base64()));
    }
    if launch.extension.is_some() {
        // Lets it be installed by command.
        arguments.push("--enable-unsafe-extension-debugging".to_owned());
    }
    let (mut enabled, mut disabled) = (Vec::new(), vec![BAR_MENUS.to_owned()]);
    if launch.device_bound_sessions {
        enabled.extend(DEVICE_BOUND_SESSIONS.map(str::to_owned));
    }
    for flag in &launch.flags {
        let list = |prefix| flag.strip_prefix(prefix).map(|list: &str| list.split(',').map(str::to_owned));
        match (list(ENABLE), list(DISABLE)) {
            (Some(list), _) => enabled.extend(list),
            (_, Some(list)) => disabled.extend(list),
            _ => arguments.push(flag.clone()),
        }
    }
    for (prefix, list) in [(ENABLE, enabled), (DISABLE, disabled)] {
        if !list.is_empty() {
            arguments.push(format!("{prefix}{}", list.join(",")));
        }
    }
    arguments.extend(["--remote-debugging-port=0", "about:blank"].map(str::to_owned));
    arguments
}

/// Writes what the options want into the profile, beside what is there already.
pub(super) fn prepare(launch: &Launch, profile: &Path) -> Result<()> {
    let mut wanted: Vec<(String, Value)> = Vec::new();
    if let Some(third_party) = launch.third_party_cookies {
        let blocks = third_party == ThirdParty::Block;
        wanted.push(("profile.block_third_party_cookies".to_owned(), blocks.into()));
        wanted.push(("profile.cookie_controls_mode".to_owned(), u8::from(blocks).into()));
    }
    if let Some(lax) = launch.lax_by_default {
        // The switch for features is gone; what is left is the setting for old sites, 1 for yes and 2 for no.
        let legacy = if lax { 2 } else { 1 };
        wanted.push(("profile.default_content_setting_values.legacy_cookie_access".to_owned(), legacy.into()));
    }
    wanted.extend(launch.preferences.iter().cloned());
    if wanted.is_empty() {
        return Ok(());
    }
    let file = profile.join(PREFERENCES);
    let mut preferences = match std::fs::read(&file) {
        Ok(bytes) => serde_json::from_slice(&bytes).with_context(|| format!("reading {}", file.display()))?,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => json!({}),
        Err(error) => return Err(error).with_context(|| format!("reading {}", file.display())),
    };
    for (name, value) in wanted {
        set(&mut preferences, &name, value)?;
    }
    std::fs::create_dir_all(file.parent().unwrap_or(profile))?;
    std::fs::write(&file, preferences.to_string()).with_context(|| format!("writing {}", file.display()))
}

/// Puts `value` at a way of names with dots between them.
fn set(preferences: &mut Value, way: &str, value: Value) -> Result<()> {
    let (folders, name) = way.rsplit_once('.').unwrap_or(("", way));
    let mut at = preferences;
    for step in folders.split('.').filter(|step| !step.is_empty()) {
        let Some(here) = at.as_object_mut() else { bail!("the preference {way:?} leads through a value") };
        at = here.entry(step).or_insert_with(|| Value::Object(Map::new()));
    }
    let Some(here) = at.as_object_mut() else { bail!("the preference {way:?} leads through a value") };
    here.insert(name.to_owned(), value);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_features_become_one_of_each_kind() {
        let flags = ["--enable-features=One,Two", "--mute-audio", "--enable-features=Three"].map(str::to_owned);
        let launch = Launch { flags: flags.to_vec(), device_bound_sessions: true, ..Launch::default() };
        let arguments = arguments(&launch, Path::new("/profile"));
        let lists: Vec<_> = arguments.iter().filter(|argument| argument.contains("-features=")).collect();
        assert_eq!(lists.len(), 2, "{arguments:?}");
        assert!(lists[0].contains("DeviceBoundSessions:") && lists[0].ends_with(",One,Two,Three"), "{lists:?}");
        assert_eq!(*lists[1], format!("{DISABLE}{BAR_MENUS}"));
        assert!(arguments.contains(&"--mute-audio".to_owned()) && arguments.contains(&"--headless".to_owned()));
        assert_eq!(arguments.last().map(String::as_str), Some("about:blank"));
    }

    #[test]
    fn preferences_are_written_beside_those_that_are_there() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(PREFERENCES);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, r#"{"profile":{"name":"Zoe"}}"#).unwrap();
        let own = vec![("top".to_owned(), json!(1)), ("a.b".to_owned(), json!({ "c": 2 }))];
        let launch = Launch { third_party_cookies: Some(ThirdParty::Block), preferences: own, ..Launch::default() };
        prepare(&launch, folder.path()).unwrap();
        let written: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
        let profile = json!({ "name": "Zoe", "block_third_party_cookies": true, "cookie_controls_mode": 1 });
        assert_eq!(written, json!({ "profile": profile, "top": 1, "a": { "b": { "c": 2 } } }));
        let through = Launch { preferences: vec![("top.deeper".to_owned(), json!(1))], ..Launch::default() };
        assert!(prepare(&through, folder.path()).is_err());
    }
}
