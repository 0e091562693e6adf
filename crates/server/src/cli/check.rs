//! `cloakroom check`.

use super::ConfigFile;
use crate::terminal::{Ending, answer, say};
use clap::Args;

/// Reads a configuration as `serve` would and reports every mistake at once; changes nothing.
#[derive(Args)]
pub(super) struct Check {
    #[command(flatten)]
    file: ConfigFile,
    /// Answer as JSON: {"ok":…,"mistakes":[{"path":…,"reason":…}]}.
    #[arg(long)]
    json: bool,
}

impl Check {
    pub(super) fn run(&self) -> anyhow::Result<Ending> {
        if self.json {
            let mistakes = self.file.parse()?.err().unwrap_or_default();
            let listed: Vec<_> = mistakes
                .iter()
                .map(|mistake| serde_json::json!({ "path": mistake.path, "reason": mistake.reason }))
                .collect();
            answer(&serde_json::json!({ "ok": mistakes.is_empty(), "mistakes": listed }).to_string());
            return Ok(if mistakes.is_empty() { Ending::Done } else { Ending::Misused });
        }
        let Some(config) = self.file.read()? else { return Ok(Ending::Misused) };
        if let Some(files) = &config.tls
            && let Err(error) = crate::serve::check_certificate(files)
        {
            say(&format!("cloakroom: server.tls: {error:#}"));
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
        if config.site.origin.starts_with("https://") && config.tls.is_none() && config.trusted_proxies.is_empty() {
            say(
                "note: nothing here speaks TLS: set server.tls, or list the proxy that does in server.trusted_proxies; \
                 otherwise every request looks like plain http and is refused",
            );
        }
        Ok(Ending::Done)
    }
}
