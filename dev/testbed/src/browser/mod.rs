//! Real headless browsers for tests: Chromium through the `DevTools` protocol, Firefox through `WebDriver` `BiDi`, one
//! interface over both. No driver binary and no Node is needed, only the browser itself. `WebKitGTK` comes with a driver, and
//! does less of it ([`Browser::launch_webkit`]).
//!
//! [`Browser`] is one running program, [`Context`] a cookie jar of its own inside it, [`Page`] a tab in that jar. All of
//! them may be used by several tasks at once. Names other than loopback ones never leave the machine: `*.test` is this
//! machine, everything else does not resolve (Chromium) or is this machine too (Firefox).
//!
//! Deliberately not here: downloads, extensions, proxies, a browser with a window.

#![expect(clippy::indexing_slicing, reason = "a serde_json value answers null for what is not there")]

mod authenticator;
mod axe;
mod chromium;
mod cookie;
mod driver;
mod firefox;
mod key;
mod link;
mod page;
mod process;
mod profile;
mod response;
mod webkit;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use tokio::time::Instant;

pub use self::authenticator::{Authenticator, Credential};
pub use self::axe::{Place, Violation};
pub use self::cookie::{Cookie, SameSite};
pub use self::page::Page;
pub use self::profile::Profile;
pub use self::response::ResponseSeen;

/// How often it is asked which windows there are, while one is waited for.
const ASK_AGAIN: Duration = Duration::from_millis(50);

/// A browser engine that every story runs in, because it can be driven in every respect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Engine {
    /// Debian's `chromium`, by the `DevTools` protocol.
    Chromium,
    /// Debian's `firefox-esr` (or `firefox`), by `WebDriver` `BiDi`.
    Firefox,
}

impl Engine {
    /// Every engine, in the order reports list them.
    pub const ALL: [Self; 2] = [Self::Chromium, Self::Firefox];

    /// The engine's name in lower case, as it appears in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Chromium => "chromium",
            Self::Firefox => "firefox",
        }
    }

    /// Whether the program is installed on this machine.
    pub fn installed(self) -> bool {
        self.program().is_some()
    }

    /// The program to start. The real binary comes first: `/usr/bin/chromium` is a script that adds flags of its own.
    fn program(self) -> Option<&'static Path> {
        let candidates: &[&str] = match self {
            Self::Chromium => &["/usr/lib/chromium/chromium", "/usr/bin/chromium"],
            Self::Firefox => &["/usr/bin/firefox-esr", "/usr/bin/firefox"],
        };
        candidates.iter().map(Path::new).find(|path| path.exists())
    }
}

/// One running browser. Dropping it kills the program and everything the program started, and removes a profile that
/// nobody else holds; commands still pending in its contexts and pages then fail at once.
pub struct Browser {
    driver: Arc<dyn driver::BrowserDriver>,
    /// None for `WebKitGTK`.
    engine: Option<Engine>,
}

impl Browser {
    /// Starts `engine` headless on a fresh profile and waits until it takes commands.
    pub async fn launch(engine: Engine) -> Result<Self> {
        Self::launch_on(engine, &Profile::new()?).await
    }

    /// The same on a profile that another browser of that engine may have left behind: what it kept is there again.
    pub async fn launch_on(engine: Engine, profile: &Profile) -> Result<Self> {
        let profile = profile.clone();
        let program = engine.program().with_context(|| format!("{} is not installed", engine.name()))?;
        let driver: Arc<dyn driver::BrowserDriver> = match engine {
            Engine::Chromium => Arc::new(chromium::Chromium::launch(program, profile).await?),
            Engine::Firefox => Arc::new(firefox::Firefox::launch(program, profile).await?),
        };
        Ok(Self { driver, engine: Some(engine) })
    }

    /// Starts Debian's `WebKitGTK` on a screen that nobody sees. Pages can be visited, typed into, clicked, read, evaluated
    /// and photographed, one command at a time in each context; what else there is answers with an error. It takes any
    /// certificate, and it keeps `Secure` cookies over TLS only, also on loopback.
    pub async fn launch_webkit() -> Result<Self> {
        Ok(Self { driver: Arc::new(webkit::WebKit::launch().await?), engine: None })
    }

    /// Which engine this is; none for `WebKitGTK`, which is not one that every story runs in.
    pub fn engine(&self) -> Option<Engine> {
        self.engine
    }

    /// The product and version the browser itself reports, for example `firefox/153.0`.
    pub fn version(&self) -> &str {
        self.driver.version()
    }

    /// The process id of the browser, which is also the id of its process group.
    pub fn process_id(&self) -> i32 {
        self.driver.process_id()
    }

    /// A new context: empty cookie jar, empty storage, empty cache.
    pub async fn context(&self) -> Result<Context> {
        Ok(Context { driver: self.driver.context().await?, engine: self.engine })
    }

    /// The context of the profile itself. What it holds outlives the browser, as far as browsers keep such things; what
    /// the other contexts hold does not. It cannot be closed alone.
    pub async fn kept_context(&self) -> Result<Context> {
        Ok(Context { driver: self.driver.kept_context().await?, engine: self.engine })
    }

    /// Asks the browser to quit. Whatever is left of it afterwards is killed, as it is on drop.
    pub async fn close(self) -> Result<()> {
        self.driver.close().await
    }
}

/// A cookie jar with its own storage, apart from every other context of the same browser.
pub struct Context {
    driver: Box<dyn driver::ContextDriver>,
    engine: Option<Engine>,
}

impl Context {
    /// Opens a new blank tab in this jar.
    pub async fn page(&self) -> Result<Page> {
        Ok(Page::new(self.driver.page().await?, self.engine))
    }

    /// Waits up to 20 s for a window that a page has opened itself, by what its address contains, and drives it from then on.
    pub async fn opened(&self, part: &str) -> Result<Page> {
        let found = self.window(part, true).await?.with_context(|| format!("no window at {part:?} was opened"))?;
        Ok(Page::new(self.driver.adopt(found).await?, self.engine))
    }

    /// Waits up to 20 s until no window of this jar has an address that contains `part`: whatever was there has closed
    /// itself, or went elsewhere.
    pub async fn closed(&self, part: &str) -> Result<()> {
        match self.window(part, false).await? {
            None => Ok(()),
            Some(_) => bail!("the window at {part:?} is still open"),
        }
    }

    /// The window at `part`, once there is one, or once there is none. What it is when the time is over.
    async fn window(&self, part: &str, there: bool) -> Result<Option<String>> {
        let end = Instant::now() + driver::PAGE_DEADLINE;
        // No protocol tells of all windows in one way, so they are asked for.
        let mut again = tokio::time::interval(ASK_AGAIN);
        loop {
            again.tick().await;
            let windows = self.driver.windows().await?;
            let found = windows.into_iter().find(|(_, address)| address.contains(part)).map(|(window, _)| window);
            if found.is_some() == there || Instant::now() >= end {
                return Ok(found);
            }
        }
    }

    /// Every cookie of the jar, `HttpOnly` ones included, of all sites.
    pub async fn cookies(&self) -> Result<Vec<Cookie>> {
        self.driver.cookies().await
    }

    /// Closes the tabs of this jar and forgets everything in it.
    pub async fn close(self) -> Result<()> {
        self.driver.close().await
    }
}
