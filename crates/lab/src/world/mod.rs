//! A small world on loopback: the victims' bank, the real Cloakroom in front of it, the attacker's site, a sibling host of the
//! victims' site, somebody's script host, and whoever listens on the wire. One browser at a time lives in it, and one cell at
//! a time happens there: so whatever arrives belongs to that cell.

mod allowed;
mod cache;
mod certificate;
mod cloakroom;
mod door;
mod machine;
mod names;
mod site;
mod upstream;
mod wire;

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context as _, Result};
use bytes::Bytes;
use cloakroom_browser::{Engine, Spki};
use cloakroom_lab_victims::Bank;
use http::{Request, Response, StatusCode};

pub(crate) use self::cache::Cache;
pub(crate) use self::cloakroom::{Cloakroom, STRATEGIES, program};
pub(crate) use self::machine::Machine;
pub(crate) use self::names::Names;
pub(crate) use self::site::{LOOT, Served, Site};
pub(crate) use self::wire::{Seen, Wire, cut, millis};
use crate::meddle::{Asked, Meddle, Remembered, asks_for};

/// What every person in this world logs in with. Its hash stands below, so that Cloakroom need not be asked for one.
pub(crate) const PASSWORD: &str = "amber kettle river thimble";

/// That password by Argon2id, with the parameters of the lab's configuration.
const HASH: &str = include_str!("password.hash");

/// Everything there is.
pub(crate) struct World {
    pub(crate) names: Names,
    pub(crate) wire: Wire,
    pub(crate) bank: Bank,
    /// The attacker's own site.
    pub(crate) evil: Site,
    /// Another host of the victims' site, taken over.
    pub(crate) sibling: Site,
    /// Where applications load a script from.
    pub(crate) cdn: Site,
    /// Whoever answers when somebody came without TLS.
    pub(crate) network: Site,
    /// The attacker's machine.
    pub(crate) machine: Machine,
    cache: Cache,
    allowed: allowed::Allowed,
    trusted: Spki,
    cloakrooms: tokio::sync::Mutex<HashMap<&'static str, Arc<Guarded>>>,
    meddle: Mutex<Arc<Meddling>>,
    requests: AtomicU64,
    me: std::sync::Weak<Self>,
}

/// What the proxy takes away, and what it has seen since it began to.
#[derive(Default)]
struct Meddling {
    away: Vec<Meddle>,
    remembered: Remembered,
}

/// A Cloakroom and who is who in it.
struct Guarded {
    cloakroom: Cloakroom,
    register: Arc<upstream::Register>,
}

impl World {
    /// Builds one for a browser of this engine. The error is that of a socket or a key.
    pub(crate) async fn build(engine: Engine) -> Result<Arc<Self>> {
        let certificate = certificate::Certificate::issue(Names::patterns())?;
        let door = door::Door::open(&certificate).await?;
        let names = Names::of(engine, door.port()?);
        let machine = Machine::new(certificate.authority.clone(), names.port())?;
        let trusted = certificate.spki;
        let world = Arc::new_cyclic(|me| Self {
            names,
            wire: Wire::default(),
            bank: Bank::new(unix_seconds),
            evil: Site::default(),
            sibling: Site::default(),
            cdn: Site::default(),
            network: Site::default(),
            machine,
            cache: Cache::default(),
            allowed: allowed::Allowed::default(),
            trusted,
            cloakrooms: tokio::sync::Mutex::default(),
            meddle: Mutex::default(),
            requests: AtomicU64::default(),
            me: me.clone(),
        });
        tokio::spawn(door.serve(Arc::downgrade(&world)));
        Ok(world)
    }

    /// What a browser must believe to live here.
    pub(crate) fn trusted(&self) -> Spki {
        self.trusted
    }

    /// The cache that everybody shares, off unless an attack wants it.
    pub(crate) fn cache(&self) -> &Cache {
        &self.cache
    }

    /// Every application allows this origin by CORS from now on, credentials included; or none.
    pub(crate) fn allow_origin(&self, origin: Option<String>) {
        self.allowed.set(origin);
    }

    /// Removes these defences from now on, and no other.
    pub(crate) fn meddle(&self, meddle: Vec<Meddle>) {
        let meddling = Meddling { away: meddle, remembered: Remembered::default() };
        *self.meddle.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(meddling);
    }

    /// Forgets what happened, between two cells. Accounts and servers stay.
    pub(crate) fn wipe(&self) {
        self.wire.wipe();
        self.bank.set_analytics(None);
        self.allowed.set(None);
        self.cache.turn_off();
        for site in [&self.evil, &self.sibling, &self.cdn, &self.network] {
            site.wipe();
        }
    }

    /// Opens an account with a row's application.
    pub(crate) async fn open_account(&self, row: &str, email: &str, canary: &str) -> Result<()> {
        let Some(strategy) = own(row) else {
            self.bank.open_account(row, email, PASSWORD, canary);
            return Ok(());
        };
        let guarded = self.guarded(strategy).await?;
        let id = guarded.cloakroom.open_account(email, HASH.trim()).await?;
        guarded.register.enter(&id, email);
        self.bank.open_account("behind", email, PASSWORD, canary);
        Ok(())
    }

    /// What the Cloakroom of a row has logged; nothing for rows that have none.
    pub(crate) async fn logged(&self, row: &str) -> Result<Vec<String>> {
        match own(row) {
            None => Ok(Vec::new()),
            Some(strategy) => Ok(self.guarded(strategy).await?.cloakroom.logged()),
        }
    }

    fn next_request(&self) -> String {
        format!("r{}", self.requests.fetch_add(1, Ordering::Relaxed))
    }

    /// Answers a request to the application of a row.
    async fn application(&self, label: &str, request: Request<Bytes>, from_elsewhere: bool) -> Response<Bytes> {
        let Some(strategy) = own(label) else {
            let ids = Bank::strategies().iter().map(|info| info.id);
            let id = ids.into_iter().find(|id| id.eq_ignore_ascii_case(label));
            return match id {
                Some(id) => self.bank.answer(id, request).await,
                None => refusal(StatusCode::NOT_FOUND, "no such application"),
            };
        };
        let answered = self.behind_cloakroom(strategy, request, from_elsewhere).await;
        answered.unwrap_or_else(|error| refusal(StatusCode::BAD_GATEWAY, &format!("{error:#}")))
    }

    async fn behind_cloakroom(
        &self,
        strategy: &'static str,
        request: Request<Bytes>,
        from_elsewhere: bool,
    ) -> Result<Response<Bytes>> {
        let guarded = self.guarded(strategy).await?;
        let meddling = Arc::clone(&self.meddle.lock().unwrap_or_else(PoisonError::into_inner));
        let Meddling { away, remembered } = &*meddling;
        if let Some(answer) = away.iter().find_map(|meddle| meddle.instead(&request)) {
            return Ok(answer);
        }
        let host = format!("{}:{}", self.names.app_host(&row_of(strategy)), self.names.port());
        // Two machines have two addresses (RFC 5737 documentation networks).
        let peer = if from_elsewhere { "203.0.113.66" } else { "198.51.100.7" };
        let request = away.iter().fold(request, |request, meddle| meddle.request(request));
        let (mut request, shown) = remembered.request(away, request);
        let asks = away.contains(&Meddle::FormToken).then(|| asks_for(&request)).flatten();
        let asked = match asks {
            Some(asks) => Asked::of(&guarded.cloakroom.answer(asks, &host, peer).await?),
            None => None,
        };
        if let Some(asked) = &asked {
            request = asked.request(request);
        }
        let mut answer = guarded.cloakroom.answer(request, &host, peer).await?;
        remembered.response(shown, &answer);
        if let Some(asked) = &asked {
            answer = asked.response(answer);
        }
        Ok(away.iter().fold(answer, |answer, meddle| meddle.response(answer)))
    }

    /// The Cloakroom of a strategy, started when it is first needed.
    async fn guarded(&self, strategy: &'static str) -> Result<Arc<Guarded>> {
        let mut cloakrooms = self.cloakrooms.lock().await;
        if let Some(there) = cloakrooms.get(strategy) {
            return Ok(Arc::clone(there));
        }
        let listener = upstream::open().await?;
        let register = Arc::new(upstream::Register::default());
        let origin = self.names.app(&row_of(strategy));
        let cloakroom = Cloakroom::start(strategy, &origin, listener.local_addr()?).await?;
        register.learn(cloakroom.keys().await.context("asking cloakroom for its keys")?)?;
        tokio::spawn(upstream::serve(listener, strategy, Arc::clone(&register), self.me.clone()));
        let guarded = Arc::new(Guarded { cloakroom, register });
        cloakrooms.insert(strategy, Arc::clone(&guarded));
        Ok(guarded)
    }
}

/// The row's id of one of Cloakroom's strategies.
pub(crate) fn row_of(strategy: &str) -> String {
    format!("cloakroom-{strategy}")
}

/// Cloakroom's strategy of a row, if it is one of them.
pub(crate) fn own(row: &str) -> Option<&'static str> {
    let strategy = row.strip_prefix("cloakroom-")?;
    STRATEGIES.into_iter().find(|known| *known == strategy)
}

fn refusal(status: StatusCode, text: &str) -> Response<Bytes> {
    let mut answer = Response::new(Bytes::from(text.to_owned()));
    *answer.status_mut() = status;
    answer
}

#[expect(
    clippy::disallowed_methods,
    reason = "browsers judge cookies by the real clock, so victims must live by it too"
)]
pub(crate) fn unix_seconds() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

/// Now, RFC 3339 in UTC, whole seconds.
pub(crate) fn now_rfc3339() -> String {
    let seconds = unix_seconds();
    let (days, rest) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    // Howard Hinnant's days-to-civil.
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z", rest / 3600, rest / 60 % 60, rest % 60)
}
