//! One world of small banks: where a request comes in and an answer leaves.
//!
//! It opens no socket. It chooses the row, judges the static header, and lets the page, the service or the strategy's
//! own routes answer.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use http::{Method, StatusCode, header};
use tokio::sync::watch;

use crate::ask::{Ask, Fields, Shape};
use crate::catalogue::{self, StrategyInfo};
use crate::deeds::{Deed, What};
use crate::gadgets;
use crate::keeping::{Keeping, Scene};
use crate::manner::{self, Manner};
use crate::reply::{self, Refusal, Reply};
use crate::secret;
use crate::service::Desk;
use crate::wiring::{self, Wiring};
use crate::world::World;

/// One world: every strategy's bank, their accounts, and what happened. Cheap to clone; clones are the same world.
#[derive(Clone)]
pub struct Bank {
    inner: Arc<Inner>,
}

struct Inner {
    world: World,
    rows: BTreeMap<&'static str, Row>,
}

struct Row {
    id: &'static str,
    wiring: Wiring,
    keeping: Box<dyn Keeping>,
}

impl Bank {
    /// A world without accounts. `now` gives Unix seconds; it is asked once per request.
    pub fn new(now: fn() -> i64) -> Self {
        let ids = Self::strategies().iter().map(|info| info.id).chain([catalogue::PROVIDER]);
        let rows = ids
            .map(|id| {
                let wiring = wiring::of(id);
                (id, Row { id, keeping: (wiring.keeping)(), wiring })
            })
            .collect();
        Self { inner: Arc::new(Inner { world: World::new(now), rows }) }
    }

    /// The strategies that it has, in the order of the matrix; then `behind`, then the controls. The identity provider,
    /// whose id is `idp`, is no strategy and not among them.
    pub fn strategies() -> &'static [StrategyInfo] {
        catalogue::STRATEGIES
    }

    /// From now on every page loads this script first in its head, as pages load the script of an analytics service;
    /// `None`: no more.
    pub fn set_analytics(&self, address: Option<String>) {
        self.inner.world.set_analytics(address);
    }

    /// Opens an account at the bank of this strategy (or at `idp`); where the bank offers to sign in with the provider,
    /// at the provider too, with the same address and password. `canary` is a unique word that stands in the
    /// profile as `iban`, so that leaks are recognised. Who had this address there loses it to the new account. An
    /// unknown strategy is ignored.
    pub fn open_account(&self, strategy: &str, email: &str, password: &str, canary: &str) {
        if let Some(row) = self.inner.rows.get(strategy) {
            let accounts = &self.inner.world.accounts;
            accounts.open(row.id, email, password, canary);
            if catalogue::WITH_PROVIDER.contains(&row.id) {
                accounts.open(catalogue::PROVIDER, email, password, canary);
            }
        }
    }

    /// Writes a blog post as the customer who opened an account with this address, and gives its name in
    /// `/preview/{id}`. Nobody is logged in for it, and the deed is noted as his. Without such a customer or strategy
    /// the name is one of no post.
    pub fn write_post(&self, strategy: &str, author_email: &str, html: &str) -> String {
        let Inner { world, rows } = &*self.inner;
        let id = secret::unguessable();
        if let Some(row) = rows.get(strategy).filter(|row| world.accounts.opened_as(row.id, author_email).is_some()) {
            world.keep_post(id.clone(), row.id, html.to_owned());
            world.deeds.add(Deed {
                seq: 0,
                strategy: row.id,
                account: author_email.to_owned(),
                what: What::PostWritten { id: id.clone() },
                at: (world.now)(),
                credential: String::new(),
                request: String::new(),
            });
        }
        id
    }

    /// Answers a request to the bank of this strategy; 404 if there is none. The host is that of the URI, if it is
    /// absolute, else that of `Host`. These headers are the lab's own, and its front door lets nobody else set them:
    /// `x-lab-request` (an id for the deeds), `x-lab-account` (the address of whom Cloakroom vouches for; `behind` only),
    /// `x-lab-cloakroom` (Cloakroom's strategy, for the page of `behind`).
    pub async fn answer(&self, strategy: &str, request: http::Request<Bytes>) -> http::Response<Bytes> {
        let Some(row) = self.inner.rows.get(strategy) else { return Refusal::UNKNOWN.reply() };
        row.answer(&self.inner.world, request).await
    }

    /// Every deed so far, oldest first.
    pub fn deeds(&self) -> Vec<Deed> {
        self.inner.world.deeds.all()
    }

    /// The deeds of the account that was opened with this address, oldest first.
    pub fn deeds_of(&self, email: &str) -> Vec<Deed> {
        self.inner.world.deeds.of(email)
    }

    /// The number of deeds, to wait for the next one by event.
    pub fn watch(&self) -> watch::Receiver<u64> {
        self.inner.world.deeds.watch()
    }

    /// The access log of a strategy's bank, oldest line first, at most 10 000 lines: as `morgan("combined")` writes it,
    /// with the whole address in it; the control `control-none` logs headers and bodies too.
    pub fn access_log(&self, strategy: &str) -> Vec<String> {
        self.inner.world.access_log(strategy)
    }
}

impl Row {
    async fn answer(&self, world: &World, request: http::Request<Bytes>) -> Reply {
        let now = (world.now)();
        let ask = match Ask::read(request) {
            Ok(ask) => ask,
            Err(refusal) => return refusal.reply(),
        };
        let fields = ask.fields(manner::shapes(self.wiring.manners)).await;
        let unread = Fields::new();
        let (fields, unreadable) = match &fields {
            Ok(fields) => (fields, None),
            Err(refusal) => (&unread, Some(*refusal)),
        };
        let scene = Scene { world, strategy: self.id, ask: &ask, fields, now };
        let desk = Desk::new(&scene, &*self.keeping, self.wiring.manners);
        let answer = match unreadable {
            Some(refusal) => Err(refusal),
            None => self.route(&desk),
        };
        let mut answer = answer.unwrap_or_else(|refusal| {
            let who = desk.known().ok();
            let (account, credential) =
                (who.as_ref().map(|who| &who.account), who.as_ref().map(|who| &*who.credential));
            scene.did(account, What::Refused { status: refusal.status.as_u16() }, credential);
            refusal.reply()
        });
        // A form shows where it leads to; a script wants the answer.
        if answer.status() == StatusCode::OK && ask.wants_page() && is_form(&ask) {
            let cookies = std::mem::take(answer.headers_mut());
            answer = reply::redirect("/");
            for cookie in cookies.get_all(header::SET_COOKIE) {
                answer.headers_mut().append(header::SET_COOKIE, cookie.clone());
            }
        }
        self.keeping.dress(&scene, &mut answer);
        gadgets::dress(&desk, &mut answer);
        world.log(self.id, gadgets::log_line(&desk, answer.status()));
        if ask.method == Method::HEAD {
            answer.body_mut().clear();
        }
        answer
    }

    fn route(&self, desk: &Desk<'_>) -> Result<Reply, Refusal> {
        let ask = desk.scene.ask;
        let of_api = ask.path.starts_with("/api/") && !ask.path.starts_with("/api/echo.js");
        if desk.has(Manner::StaticHeader) && of_api && ask.header("x-csrf") != Some("1") {
            return Err(Refusal::NO_STATIC_HEADER);
        }
        if let Some(answer) = self.keeping.own_route(desk.scene) {
            return answer;
        }
        if let Some(answer) = desk.api() {
            return answer;
        }
        let is_get = matches!(ask.method, Method::GET | Method::HEAD);
        if let Some((_, text)) = self.wiring.scripts.iter().find(|(path, _)| is_get && *path == ask.path) {
            return Ok(reply::script(*text));
        }
        gadgets::answer(desk).unwrap_or(Err(Refusal::UNKNOWN))
    }
}

/// A form that was sent, or the link that logs out.
fn is_form(ask: &Ask) -> bool {
    let sent = ask.method == Method::POST && ask.shape() != Shape::Json;
    sent || (ask.method == Method::GET && ask.path == "/logout")
}
