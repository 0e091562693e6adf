//! Which browsers there are, where Debian puts them, and how they are installed. Starting them is not done here.

use std::path::Path;

use anyhow::{Context as _, Result, bail};

/// A browser engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Engine {
    /// Debian's `chromium`, by the `DevTools` protocol.
    Chromium,
    /// Debian's `firefox-esr` (or `firefox`), by `WebDriver` `BiDi`.
    Firefox,
    /// Debian's `WebKitGTK`, in its `MiniBrowser`, by `WebDriver`. Pages can be visited, typed into, clicked, read, evaluated and
    /// photographed, one command at a time in each context; what else there is answers with an error. It takes any
    /// certificate, and it keeps `Secure` cookies over TLS only, also on loopback.
    WebKit,
}

impl Engine {
    /// The two that every story runs in, because they can be driven in every respect. [`Self::EVERY`] has the third as well.
    pub const ALL: [Self; 2] = [Self::Chromium, Self::Firefox];

    /// Every engine, in the order reports list them.
    pub const EVERY: [Self; 3] = [Self::Chromium, Self::Firefox, Self::WebKit];

    /// The engine's name in lower case, as it appears in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Chromium => "chromium",
            Self::Firefox => "firefox",
            Self::WebKit => "webkit",
        }
    }

    /// The engine of this [`Self::name`].
    pub fn named(name: &str) -> Option<Self> {
        Self::EVERY.into_iter().find(|engine| engine.name() == name)
    }

    /// Whether everything it needs is installed on this machine.
    pub fn installed(self) -> bool {
        self.program().is_ok()
    }

    /// The command that installs it on Debian.
    pub fn install_command(self) -> &'static str {
        match self {
            Self::Chromium => "sudo apt-get install --no-install-recommends chromium",
            Self::Firefox => "sudo apt-get install --no-install-recommends firefox-esr",
            Self::WebKit => "sudo apt-get install --no-install-recommends webkit2gtk-driver xvfb",
        }
    }

    /// The browser's own program. The real binary comes first: `/usr/bin/chromium` is a script that adds flags of its own.
    /// The error names the command that installs what is missing.
    pub(crate) fn program(self) -> Result<&'static Path> {
        let candidates: &[&str] = match self {
            Self::Chromium => &["/usr/lib/chromium/chromium", "/usr/bin/chromium"],
            Self::Firefox => &["/usr/bin/firefox-esr", "/usr/bin/firefox"],
            Self::WebKit => &[
                "/usr/lib/x86_64-linux-gnu/webkit2gtk-4.1/MiniBrowser",
                "/usr/lib/aarch64-linux-gnu/webkit2gtk-4.1/MiniBrowser",
            ],
        };
        let found = candidates.iter().map(Path::new).find(|path| path.exists());
        for other in self.others() {
            self.must_be_there(other)?;
        }
        found.with_context(|| self.missing("its program"))
    }

    /// Programs that it does not run without.
    fn others(self) -> &'static [&'static str] {
        match self {
            Self::Chromium | Self::Firefox => &[],
            Self::WebKit => &[WEBKIT_DRIVER, SCREEN],
        }
    }

    fn must_be_there(self, program: &str) -> Result<()> {
        if !Path::new(program).exists() {
            bail!(self.missing(program));
        }
        Ok(())
    }

    fn missing(self, what: &str) -> String {
        format!("{} is not installed ({what} is missing); `{}` installs it", self.name(), self.install_command())
    }
}

/// The driver of `WebKitGTK`.
pub(crate) const WEBKIT_DRIVER: &str = "/usr/bin/WebKitWebDriver";
/// The screen that nobody sees, for what has no headless mode.
pub(crate) const SCREEN: &str = "/usr/bin/Xvfb";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_engine_has_a_name_and_says_how_it_is_installed() {
        assert_eq!(Engine::EVERY.map(Engine::name), ["chromium", "firefox", "webkit"]);
        for engine in Engine::EVERY {
            assert_eq!(Engine::named(engine.name()), Some(engine));
            let error = engine.must_be_there("/nowhere/program").unwrap_err().to_string();
            assert!(error.contains("/nowhere/program") && error.contains(engine.install_command()), "{error}");
        }
        assert!(Engine::EVERY.starts_with(&Engine::ALL));
    }
}
