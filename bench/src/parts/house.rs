//! The use cases in this process, on a store of choice, configured as the server configures them.

use crate::person::new_address;
use crate::server::PASSWORD;
use anyhow::{Result, anyhow, bail};
use cloakroom_app::device::Visit;
use cloakroom_app::login::{LoggedIn, Login, Wish};
use cloakroom_app::session::{Company, Handed, Opened};
use cloakroom_app::token::Credential;
use cloakroom_app::{App, SystemClock};
use cloakroom_core::session::Strategy;
use cloakroom_jose::MasterKey;
use cloakroom_server::config;
use cloakroom_store::Store;
use std::net::IpAddr;
use std::ops::Deref;
use std::sync::Arc;
use tokio_util::sync::{CancellationToken, DropGuard};

/// A `User-Agent` of usual length: it is in every row of a session.
pub(super) const BROWSER: &str =
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36";

/// Settings that make log-ins cheap, for measurements of something else.
pub(super) const CHEAP_PASSWORDS: &str = "[password]\nmemory_kib = 7168\npasses = 1\nqueue = 10000\n";

/// The use cases, and what follows the feed for them: without it, nobody is let in after a while.
pub(super) struct House {
    app: Arc<App>,
    _following: DropGuard,
}

impl Deref for House {
    type Target = Arc<App>;

    fn deref(&self) -> &Self::Target {
        &self.app
    }
}

/// Opens the house. `more` is configuration besides what is required. The runtime must have a thread of its own, which
/// the feed is followed on while a measurement uses this one.
pub(super) async fn open(store: Arc<dyn Store>, more: &str) -> Result<House> {
    Ok(follow(open_quietly(store, more, MasterKey::generate()?).await?))
}

/// The use cases without anybody who follows the feed.
pub(super) async fn open_quietly(store: Arc<dyn Store>, more: &str, master: MasterKey) -> Result<Arc<App>> {
    let text = format!(
        "{more}\n[server]\npublic_url = \"http://localhost:8080\"\n\
         [[upstream]]\nto = \"http://127.0.0.1:1\"\naccess = \"signed-in\"\n"
    );
    let config = config::parse(&text, std::iter::empty())
        .map_err(|mistakes| anyhow!("{}", mistakes.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")))?;
    App::open(store, Arc::new(SystemClock), config.settings, master).await.map_err(|fault| anyhow!("{fault}"))
}

/// Follows the feed from now on.
pub(super) fn follow(app: Arc<App>) -> House {
    let stop = CancellationToken::new();
    let (follower, stopped) = (Arc::clone(&app), stop.clone());
    tokio::spawn(async move { follower.keep_following(stopped).await });
    House { app, _following: stop.drop_guard() }
}

/// Somebody with one device, in a network of their own, as limits of guesses see it.
pub(super) struct Visitor {
    email: String,
    address: IpAddr,
    /// The value of the device's cookie, once there was a log-in.
    device: Option<String>,
}

impl Visitor {
    pub(super) fn new(email: impl Into<String>) -> Result<Self> {
        Ok(Self { email: email.into(), address: new_address().parse()?, device: None })
    }

    pub(super) async fn sign_up(&self, app: &App) -> Result<()> {
        let opened = app.sign_up(&self.email, PASSWORD.to_owned(), &self.visit()).await;
        opened.map_err(|error| anyhow!("sign-up: {error:?}"))
    }

    pub(super) async fn log_in(&mut self, app: &App) -> Result<Opened> {
        let login = Login {
            email: &self.email,
            password: PASSWORD.to_owned(),
            wish: Wish { remember: true, strategy: Strategy::Cookie },
            visit: self.visit(),
            replaces: None,
        };
        match app.log_in(login).await.map_err(|error| anyhow!("log-in: {error:?}"))? {
            LoggedIn::Entered(entered) => {
                self.device = entered.device.or(self.device.take());
                Ok(entered.opened)
            }
            LoggedIn::SecondFactor(_) => bail!("log-in: a second factor is asked for"),
        }
    }

    fn visit(&self) -> Visit<'_> {
        Visit { devices: [self.device.as_deref(), None, None, None], user_agent: BROWSER, address: self.address }
    }
}

/// Somebody new signs up and logs in.
pub(super) async fn enter(app: &App) -> Result<(Visitor, Opened)> {
    let mut visitor = Visitor::new("bench@example.com")?;
    visitor.sign_up(app).await?;
    let opened = visitor.log_in(app).await?;
    Ok((visitor, opened))
}

/// Rotates once.
pub(super) async fn refresh(app: &App, opened: &Opened) -> Result<Opened> {
    let Handed::Cookie { access, refresh } = &opened.handed else { bail!("not two cookies") };
    let company = Company { access: Some(access), ..Company::default() };
    app.refresh(&refresh.to_wire(), company).await.map_err(|error| anyhow!("refresh: {error:?}"))
}

/// The access token of a session that lives in cookies.
pub(super) fn access_of(opened: Opened) -> Result<String> {
    let Handed::Cookie { access, .. } = opened.handed else { bail!("not two cookies") };
    Ok(access)
}

/// Whether a token opens the door now, without waiting for anything.
pub(super) fn is_good(app: &App, token: &str) -> bool {
    matches!(app.authenticate_now(Credential::Cookie(token)), Ok(Some(_)))
}
