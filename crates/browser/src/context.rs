//! A cookie jar inside a browser, and the windows that belong to it.

use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use tokio::time::Instant;

use crate::cookie::Cookie;
use crate::driver::{ContextDriver, PAGE_DEADLINE};
use crate::engine::Engine;
use crate::page::Page;

/// How often it is asked which windows there are, while one is waited for.
const ASK_AGAIN: Duration = Duration::from_millis(50);

/// A cookie jar with its own storage, apart from every other context of the same browser.
pub struct Context {
    driver: Box<dyn ContextDriver>,
    engine: Engine,
}

impl Context {
    pub(crate) fn new(driver: Box<dyn ContextDriver>, engine: Engine) -> Self {
        Self { driver, engine }
    }

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
        let end = Instant::now() + PAGE_DEADLINE;
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

    /// Every cookie of the jar, `HttpOnly` ones included, of all sites. `WebKitGTK` tells only of those that the open
    /// documents of the jar are sent.
    pub async fn cookies(&self) -> Result<Vec<Cookie>> {
        self.driver.cookies().await
    }

    /// Puts a cookie into the jar, as if its site had set it; an existing one of that name, domain and path is replaced.
    /// `WebKitGTK` does so only while a page of that site is open in the jar.
    pub async fn set_cookie(&self, cookie: &Cookie) -> Result<()> {
        self.driver.set_cookie(cookie).await
    }

    /// Closes the tabs of this jar and forgets everything in it.
    pub async fn close(self) -> Result<()> {
        self.driver.close().await
    }
}
