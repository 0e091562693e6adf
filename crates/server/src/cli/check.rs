//! `cloakroom check`.

use super::ConfigFile;
use crate::config::Config;
use crate::terminal::{Ending, answer, say};
use clap::Args;
use cloakroom_gateway::Access;
use std::collections::BTreeSet;

/// Reads a configuration as `serve` would and reports every mistake at once; changes nothing.
#[derive(Args)]
pub(super) struct Check {
    #[command(flatten)]
    file: ConfigFile,
    /// Answer as JSON: {"ok":…,"mistakes":[{"path":…,"reason":…}]}.
    #[arg(long)]
    json: bool,
}

/// One mistake, as JSON.
fn told(path: &str, reason: &str) -> serde_json::Value {
    serde_json::json!({ "path": path, "reason": reason })
}

/// Hosts of applications for people who are logged in, on which nobody logs in with a provider.
fn hosts_without_providers(config: &Config) -> Vec<&str> {
    let of_use = |host: &str| config.site.is_named(host) || config.site.sibling(host).is_some();
    let signed_in = config.upstreams.iter().filter(|upstream| upstream.access != Access::Public);
    let hosts = signed_in.filter_map(|upstream| upstream.host.as_deref()).filter(|host| !of_use(host));
    let alone: BTreeSet<_> = hosts.filter(|_| !config.providers.is_empty()).collect();
    alone.into_iter().collect()
}

/// Why nobody could be served with the certificate and key of the configuration, if there are any.
fn unusable_certificate(config: &Config) -> Option<String> {
    let error = crate::serve::check_certificate(config.tls.as_ref()?).err()?;
    Some(format!("{error:#}"))
}

impl Check {
    pub(super) fn run(&self) -> anyhow::Result<Ending> {
        if self.json {
            let listed: Vec<_> = match self.file.parse()? {
                Ok(config) => {
                    unusable_certificate(&config).map(|reason| told("server.tls", &reason)).into_iter().collect()
                }
                Err(mistakes) => mistakes.iter().map(|mistake| told(&mistake.path, &mistake.reason)).collect(),
            };
            answer(&serde_json::json!({ "ok": listed.is_empty(), "mistakes": listed }).to_string());
            return Ok(if listed.is_empty() { Ending::Done } else { Ending::Misused });
        }
        let Some(config) = self.file.read()? else { return Ok(Ending::Misused) };
        if let Some(reason) = unusable_certificate(&config) {
            say(&format!("cloakroom: server.tls: {reason}"));
            return Ok(Ending::Misused);
        }
        answer(&format!(
            "{} is fine: {} for {} upstream(s)",
            self.file.config.display(),
            config.site.origin,
            config.upstreams.len()
        ));
        if config.mail.is_none() {
            say(
                "note: no mail is sent ([mail] is not set): nobody can reset a password or confirm an address by themselves",
            );
        }
        if config.site.approval_origin.is_none() && config.upstreams.iter().any(|upstream| !upstream.step_up.is_empty())
        {
            say(
                "note: calls with step_up are approved on the origin of the applications: a script in a page of theirs can open \
                 the approval page and drive it, as far as the proof is not typed by the person. Set server.approval_url to \
                 another host name of this server, which such a script cannot reach",
            );
        }
        if config.settings.passwords.min_characters < 15 {
            say("note: passwords below 15 characters are weak where nothing stands beside them (NIST SP 800-63B-4)");
        }
        if config.settings.offered.iter().any(|strategy| strategy.is_weaker()) {
            say(
                "note: \"memory\" is offered: a script in a page can ask for an access token and carry it away; \"cookie\" is stronger",
            );
        }
        if config.site.slots > 1 {
            say("note: accounts in one browser share one origin: a script in the page of one can act in the other");
        }
        let alone = hosts_without_providers(&config);
        if !alone.is_empty() {
            say(&format!(
                "note: nobody can log in with a [[provider]] on {}: providers send people back to server.public_url, and without \
                 cookie.domain that session is not good there",
                alone.join(", ")
            ));
        }
        if config.site.origin.starts_with("https://") && config.tls.is_none() && config.trusted_proxies.is_empty() {
            say(
                "note: nothing here speaks TLS: set server.tls, or list the proxy that does in server.trusted_proxies; \
                 otherwise every request looks like plain http and is refused",
            );
        }
        Ok(Ending::Done)
    }
}
