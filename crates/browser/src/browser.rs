//! One running browser of any engine. What is done in it is told to its contexts and pages.

use std::sync::Arc;

use anyhow::Result;

use crate::chromium::Chromium;
use crate::context::Context;
use crate::driver::BrowserDriver;
use crate::engine::Engine;
use crate::firefox::Firefox;
use crate::launch::Launch;
use crate::profile::Profile;
use crate::webkit::WebKit;

/// One running browser. Dropping it kills the program and everything the program started, and removes a profile that
/// nobody else holds; commands still pending in its contexts and pages then fail at once.
pub struct Browser {
    driver: Arc<dyn BrowserDriver>,
    engine: Engine,
}

impl Browser {
    /// Starts `engine` headless on a fresh profile and waits until it takes commands. If it is not installed, the error
    /// names the command that installs it.
    pub async fn launch(engine: Engine) -> Result<Self> {
        Self::launch_with(engine, &Launch::default()).await
    }

    /// The same on a profile that another browser of that engine may have left behind: what it kept is there again.
    /// `WebKitGTK` keeps nothing in a profile.
    pub async fn launch_on(engine: Engine, profile: &Profile) -> Result<Self> {
        Self::launch_with(engine, &Launch { profile: Some(profile.clone()), ..Launch::default() }).await
    }

    /// The same with everything that can be said about a start. The error names an option that this engine does not have.
    pub async fn launch_with(engine: Engine, launch: &Launch) -> Result<Self> {
        let program = engine.program()?;
        let driver: Arc<dyn BrowserDriver> = match engine {
            Engine::Chromium => Arc::new(Chromium::launch(program, launch).await?),
            Engine::Firefox => Arc::new(Firefox::launch(program, launch).await?),
            Engine::WebKit => Arc::new(WebKit::launch(program, launch).await?),
        };
        Ok(Self { driver, engine })
    }

    /// Which engine this is.
    pub fn engine(&self) -> Engine {
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
        Ok(Context::new(self.driver.context().await?, self.engine))
    }

    /// The context of the profile itself. What it holds outlives the browser, as far as browsers keep such things; what
    /// the other contexts hold does not. It cannot be closed alone. Extensions live in it. `WebKitGTK` has none.
    pub async fn kept_context(&self) -> Result<Context> {
        Ok(Context::new(self.driver.kept_context().await?, self.engine))
    }

    /// Asks the browser to quit. Whatever is left of it afterwards is killed, as it is on drop.
    pub async fn close(self) -> Result<()> {
        self.driver.close().await
    }
}
