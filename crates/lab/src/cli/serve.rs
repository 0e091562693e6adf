//! `cloakroom-lab serve`.

use anyhow::{Context as _, Result, bail};
use clap::{Args, ValueEnum};
use cloakroom_browser::{Engine, ThirdParty};

use super::Ending;
use crate::run::Plan;
use crate::serve::{Options, open};
use crate::world::program;

/// What to open, and where.
#[derive(Args)]
pub(crate) struct Serve {
    /// Port of the page on loopback; 0 takes a free one
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// Whose window the victim has; Chromium, or Firefox where there is none
    #[arg(long, value_enum)]
    browser: Option<Victim>,
    /// Strategies, such as S1 or cloakroom-cookie, or the groups naive and cloakroom; all if none is named
    #[arg(long, value_delimiter = ',')]
    strategy: Vec<String>,
    /// Whether browsers send and keep cookies in what another site embeds
    #[arg(long, value_enum, default_value_t = Cookies::Allow)]
    third_party_cookies: Cookies,
    /// Shows no windows, as where there is no screen: the page has pictures of the victim's
    #[arg(long)]
    headless: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Victim {
    Chromium,
    Firefox,
}

#[derive(Clone, Copy, ValueEnum)]
enum Cookies {
    Allow,
    Block,
}

impl Serve {
    pub(crate) fn run(self) -> Result<Ending> {
        let engine = match self.browser {
            Some(Victim::Firefox) => Engine::Firefox,
            None if !Engine::Chromium.installed() && Engine::Firefox.installed() => Engine::Firefox,
            Some(Victim::Chromium) | None => Engine::Chromium,
        };
        if !engine.installed() {
            bail!("{} is not installed: {}", engine.name(), engine.install_command());
        }
        let rows = Plan::rows(&self.strategy)?;
        if rows.iter().any(|row| crate::world::own(row).is_some()) {
            program()?;
        }
        let has_screen = ["DISPLAY", "WAYLAND_DISPLAY"]
            .iter()
            .any(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()));
        let headed = has_screen && !self.headless;
        let third_party = match self.third_party_cookies {
            Cookies::Allow => ThirdParty::Allow,
            Cookies::Block => ThirdParty::Block,
        };
        let options = Options { port: self.port, engine, headed, third_party, rows };
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().context("starting")?;
        runtime.block_on(async {
            let stage = open(options).await?;
            let window = if headed {
                "It is open in a window of the lab's own browser, and the victim's window opens beside it."
            } else {
                "The victim's window is not on a screen: the page shows pictures of it, and clicks in them are its clicks."
            };
            super::answer(&format!("The stage: {}\n{window}\nCtrl-C ends it.\n", stage.address));
            stage.until_asked().await
        })?;
        Ok(Ending::Good)
    }
}
