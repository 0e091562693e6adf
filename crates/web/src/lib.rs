//! What speaks HTTP about accounts and sessions: every route as one table, the shield in front of all requests, cookies,
//! pages, and the judgement of who may pass to an upstream.
//!
//! Architecture invariant: a handler extracts, calls one use case, renders; it never branches on state. The guard, the
//! CSRF rule and the cache rule of a route are columns of [`table::ROUTES`], carried out in one place (`dispatch.rs`).
//!
//! Deliberately absent: proxying (`gateway`), sockets (`server`), SQL, keys.

mod admit;
mod call;
mod client;
mod content;
mod cookies;
mod cors;
mod dispatch;
mod door;
mod form_field;
mod heal;
mod logged;
mod navigation;
mod openapi;
mod pages;
mod presented;
mod problem;
mod routes;
mod shapes;
mod shield;
mod shown;
mod site;
mod slot;
mod step_up;
pub mod table;
mod waiting;

pub use admit::{Body, Entry, Wanted};
pub use client::Client;
pub use content::Content;
pub use cookies::MAX_COOKIE_BYTES;
pub use cookies::{CookieNames, SameSite, is_own_cookie};
pub use dispatch::{MAX_BODY, MAX_LIST};
pub use door::is_own_path;
pub use form_field::{FORM_TOKEN_LENGTH, form_token_in};
pub use logged::logged_path;
pub use openapi::document as openapi;
pub use problem::Problem;
pub use site::{HeaderPolicy, Site};
pub use slot::Slot;
pub use step_up::{MAX_CALL, Rule};

use cloakroom_app::App;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// An answer of our own: small and whole, but for the revocation feed as events.
pub type Response = http::Response<Content>;

/// The header that carries a form token.
const FORM_TOKEN: &str = "cloakroom-csrf";

/// Everything that a request needs, shared.
pub struct Web {
    app: Arc<App>,
    site: Site,
    approval_site: Option<Site>,
    pages: pages::Pages,
    /// The document at `/auth/openapi.json`.
    openapi: bytes::Bytes,
    stopping: CancellationToken,
    probes: Arc<tokio::sync::Semaphore>,
}

impl Web {
    /// Prepares the pages. Fails when a template does not compile.
    pub fn new(app: Arc<App>, site: Site) -> Result<Arc<Self>, minijinja::Error> {
        let probes = Arc::new(tokio::sync::Semaphore::new(routes::probe::MOST));
        let (approval_site, pages) = (site.for_approvals(), pages::Pages::new()?);
        let openapi = openapi().to_string().into();
        Ok(Arc::new(Self { app, site, approval_site, pages, openapi, stopping: CancellationToken::new(), probes }))
    }

    /// The use cases.
    pub fn app(&self) -> &Arc<App> {
        &self.app
    }

    /// Ends the answers that would go on for ever, because the server stops.
    pub fn stop(&self) {
        self.stopping.cancel();
    }

    /// What the site is called and how strict it is.
    pub fn site(&self) -> &Site {
        &self.site
    }
}
