//! Building a verifier: what must be said (issuer, audience, where the keys are), what may be said, and the start of the
//! tasks that fetch.

use std::sync::Arc;
use std::time::Duration;

use cloakroom_jose::MAX_LEEWAY;
use http::HeaderValue;
use rustls::RootCertStore;
use tokio::runtime::Handle;

use crate::address::{Address, BadAddress};
use crate::cache::Cache;
use crate::clock::{Clock, SystemClock};
use crate::feed::{Feed, FeedSettings, Follower, OnStale};
use crate::fetch::Http;
use crate::keys::{KeySettings, Keys, Source};
use crate::sightings::{Reporter, Sightings};
use crate::verifier::{Inner, Rules, Tasks, Verifier};

/// What a verifier is to be. Made by [`Verifier::builder`].
#[expect(clippy::struct_excessive_bools, reason = "four independent settings, each set by a method of its name")]
#[must_use]
pub struct Builder {
    issuer: String,
    audience: String,
    jwks_uri: Option<String>,
    is_discovered: bool,
    feed: Option<(String, String)>,
    sightings: Option<String>,
    leeway: Duration,
    accept_typ_jwt: bool,
    accept_bound: bool,
    accept_services: bool,
    longest: Option<Duration>,
    tokens: usize,
    keys: KeySettings,
    following: FeedSettings,
    roots: Option<RootCertStore>,
    clock: Option<Arc<dyn Clock>>,
}

/// A verifier cannot be built so.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// An empty issuer or audience would be anybody's.
    #[error("the issuer and the audience must not be empty")]
    Nameless,
    /// Nothing says where the keys are, or two things do.
    #[error("say where the keys are: either jwks_uri(…) or discover()")]
    Keys,
    /// An address that may not be asked.
    #[error("the address of {of} cannot be used: {reason}")]
    Address {
        /// Which.
        of: &'static str,
        /// Why.
        reason: BadAddress,
    },
    /// Sightings are reported with the token of the feed.
    #[error("report_sightings(…) needs feed(…), whose token it uses")]
    SightingsWithoutFeed,
    /// The token of the feed is empty or cannot stand in a header.
    #[error("the token of the feed must be printable ASCII without spaces")]
    FeedToken,
    /// The machine's certificates cannot be read.
    #[error("no certificates to trust: {0}; install the CA certificates of the system, or give roots(…)")]
    Roots(#[source] std::io::Error),
    /// The tasks of a verifier need a runtime.
    #[error("build the verifier inside of a tokio runtime")]
    NoRuntime,
}

impl Verifier {
    /// Begins a verifier of tokens that `issuer` (the value of `iss`, exactly) made for `audience` (a value in `aud`,
    /// exactly).
    pub fn builder(issuer: impl Into<String>, audience: impl Into<String>) -> Builder {
        Builder {
            issuer: issuer.into(),
            audience: audience.into(),
            jwks_uri: None,
            is_discovered: false,
            feed: None,
            sightings: None,
            leeway: Duration::from_secs(5),
            accept_typ_jwt: false,
            accept_bound: false,
            accept_services: false,
            longest: None,
            tokens: 10_000,
            keys: KeySettings {
                renew_between: (Duration::from_mins(1), Duration::from_hours(1)),
                keep_for: Duration::from_hours(4),
                refetch_every: Duration::from_secs(5),
                wait_for: WAIT_FOR,
            },
            following: FeedSettings {
                on_stale: OnStale::Refuse,
                stale_after: None,
                keys_live: Duration::ZERO,
                wait_for: WAIT_FOR,
            },
            roots: None,
            clock: None,
        }
    }
}

const WAIT_FOR: Duration = Duration::from_secs(3);

impl Builder {
    /// Where the issuer's key set is (RFC 7517 §5).
    pub fn jwks_uri(mut self, url: impl Into<String>) -> Self {
        self.jwks_uri = Some(url.into());
        self
    }

    /// Asks the issuer's metadata where its key set is (RFC 8414, else OpenID Connect Discovery).
    pub fn discover(mut self) -> Self {
        self.is_discovered = true;
        self
    }

    /// Follows the revocation feed of a Cloakroom, with the token that it gave out for that. From then on every token must
    /// carry what a revocation can name (`sid`, `gen`, `iss_no`).
    pub fn feed(mut self, url: impl Into<String>, token: impl Into<String>) -> Self {
        self.feed = Some((url.into(), token.into()));
        self
    }

    /// Tells the Cloakroom which tokens are in use, so that it can tell a lost answer from a thief.
    pub fn report_sightings(mut self, url: impl Into<String>) -> Self {
        self.sightings = Some(url.into());
        self
    }

    /// What to do while the feed is silent. Default: [`OnStale::Refuse`].
    pub fn on_stale(mut self, on_stale: OnStale) -> Self {
        self.following.on_stale = on_stale;
        self
    }

    /// Silence of the feed is believed no longer than this, even where the feed allows more. Below a third of what it allows,
    /// it is asked more often than it would speak.
    pub fn stale_after(mut self, length: Duration) -> Self {
        self.following.stale_after = Some(length);
        self
    }

    /// How far clocks may differ when `nbf`, `iat` and, where no feed is followed, `exp` are judged. Default: 5 s; at most
    /// 300 s.
    pub fn leeway(mut self, length: Duration) -> Self {
        self.leeway = length;
        self
    }

    /// Accepts `typ: JWT` too, for issuers that do not follow RFC 9068. Weaker: an ID token or anything else that the issuer
    /// signs for the same audience is then as good as an access token. Give this API an audience of its own.
    pub fn accept_typ_jwt(mut self) -> Self {
        self.accept_typ_jwt = true;
        self
    }

    /// Accepts tokens that are bound to a key or certificate of their client (`cnf`; RFC 7800, RFC 8705, RFC 9449). This crate
    /// does not check that binding: only for services behind something that does.
    pub fn accept_bound_tokens(mut self) -> Self {
        self.accept_bound = true;
        self
    }

    /// Accepts tokens of services that call for themselves, without a person (`sub` is the `client_id`; RFC 9068 §2.2). Only for
    /// APIs that look at [`AccessToken::is_of_service`](crate::AccessToken::is_of_service), or at scopes: to all others, every
    /// subject is a person.
    pub fn accept_services(mut self) -> Self {
        self.accept_services = true;
        self
    }

    /// No token is accepted for longer than this after its `iat`, whatever its `exp` says. Default: no such bound.
    pub fn tokens_live_at_most(mut self, length: Duration) -> Self {
        self.longest = Some(length);
        self
    }

    /// How many proven tokens are remembered. Default: 10 000, about 10 MB of tokens of 1 KB.
    pub fn remember_tokens(mut self, count: usize) -> Self {
        self.tokens = count;
        self
    }

    /// While the issuer cannot be reached, its last keys are trusted for so long. Default: 4 h.
    pub fn keep_keys_for(mut self, length: Duration) -> Self {
        self.keys.keep_for = length;
        self
    }

    /// Keys are fetched again no sooner and no later than this, whatever `Cache-Control` says. Default: 1 min and 1 h;
    /// without `Cache-Control`, 5 min within these.
    pub fn renew_keys_between(mut self, least: Duration, most: Duration) -> Self {
        self.keys.renew_between = (least.max(Duration::from_secs(1)), most);
        self
    }

    /// Tokens that name unknown keys cause at most one fetch in this time. Default: 5 s.
    pub fn refetch_keys_every(mut self, length: Duration) -> Self {
        self.keys.refetch_every = length;
        self
    }

    /// A request waits so long at most for the first keys, for a new key, or for the first answer of the feed; then it is
    /// answered with 503. Default: 3 s.
    pub fn wait_for(mut self, length: Duration) -> Self {
        self.keys.wait_for = length;
        self.following.wait_for = length;
        self
    }

    /// Trusts these certificate authorities instead of the machine's.
    pub fn roots(mut self, roots: RootCertStore) -> Self {
        self.roots = Some(roots);
        self
    }

    /// Goes by another clock: [`crate::clock::ManualClock`] in tests.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Some(Arc::new(clock));
        self
    }

    /// Builds it and begins to fetch. Waits for nothing: a provider that is away is no error, its requests are answered with
    /// 503 until it is back.
    pub fn build(self) -> Result<Verifier, BuildError> {
        if self.issuer.is_empty() || self.audience.is_empty() {
            return Err(BuildError::Nameless);
        }
        let runtime = Handle::try_current().map_err(|_| BuildError::NoRuntime)?;
        let (source, at) = self.source()?;
        let feed = match &self.feed {
            Some((url, token)) => Some((address("the feed", url)?, authorization(token)?)),
            None => None,
        };
        let sightings = match (&self.sightings, &feed) {
            (Some(url), Some((_, authorization))) => Some((address("the sightings", url)?, authorization.clone())),
            (Some(_), None) => return Err(BuildError::SightingsWithoutFeed),
            (None, _) => None,
        };
        let others = feed.iter().chain(&sightings).map(|(address, _)| address);
        let is_https = others.chain([&at]).any(Address::is_https);
        let http = Http::new(self.roots, is_https).map_err(BuildError::Roots)?;
        let clock = self.clock.unwrap_or_else(|| Arc::new(SystemClock::default()));

        let keys = Arc::new(Keys::new(Arc::clone(&clock), self.keys));
        let mut tasks = vec![runtime.spawn(Arc::clone(&keys).run(source, http.clone())).abort_handle()];
        let feed = feed.map(|(address, authorization)| {
            let keys_live = self.keys.keep_for.max(self.keys.renew_between.1);
            let following = FeedSettings { keys_live, ..self.following };
            let feed = Arc::new(Feed::new(Arc::clone(&clock), following));
            let (http, clock) = (http.clone(), Arc::clone(&clock));
            let follower = Follower { feed: Arc::clone(&feed), address, authorization, http, clock };
            tasks.push(runtime.spawn(follower.run()).abort_handle());
            feed
        });
        let mut reporter = None;
        if let Some((address, authorization)) = sightings {
            let uri = address.uri().map_err(|reason| BuildError::Address { of: "the sightings", reason })?;
            let (sightings, clock) = (Arc::new(Sightings::default()), Arc::clone(&clock));
            let report = Reporter { sightings: Arc::clone(&sightings), uri, authorization, http, clock };
            tasks.push(runtime.spawn(report.run()).abort_handle());
            reporter = Some(sightings);
        }
        let rules = Rules {
            issuer: self.issuer,
            audience: self.audience,
            leeway: seconds(self.leeway).min(MAX_LEEWAY),
            accept_typ_jwt: self.accept_typ_jwt,
            accept_bound: self.accept_bound,
            accept_services: self.accept_services,
            longest: self.longest.map(seconds),
        };
        let (cache, tasks) = (Cache::new(self.tokens), Tasks(tasks));
        Ok(Verifier(Arc::new(Inner { rules, keys, cache, feed, sightings: reporter, clock, tasks })))
    }

    fn source(&self) -> Result<(Source, Address), BuildError> {
        match (&self.jwks_uri, self.is_discovered) {
            (Some(url), false) => {
                let address = address("the keys (jwks_uri)", url)?;
                Ok((Source::Jwks(address.clone()), address))
            }
            (None, true) => {
                let at = address("the issuer", &self.issuer)?;
                Ok((Source::Issuer { name: self.issuer.clone(), at: at.clone(), found: None }, at))
            }
            _ => Err(BuildError::Keys),
        }
    }
}

fn address(of: &'static str, url: &str) -> Result<Address, BuildError> {
    Address::parse(url).map_err(|reason| BuildError::Address { of, reason })
}

fn authorization(token: &str) -> Result<HeaderValue, BuildError> {
    if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(BuildError::FeedToken);
    }
    let mut value = HeaderValue::from_str(&format!("Bearer {token}")).map_err(|_| BuildError::FeedToken)?;
    // Debug prints of a request show it as "Sensitive".
    value.set_sensitive(true);
    Ok(value)
}

fn seconds(length: Duration) -> i64 {
    i64::try_from(length.as_secs()).unwrap_or(i64::MAX)
}
