//! From what is written to what each part of the house needs. Collects every mistake, with its path and what to do.

use super::Mistake;
use super::clients::{self, ServiceConfig};
use super::mail::MailConfig;
use super::providers::ProviderConfig;
use super::raw::{self, Raw};
use super::secret::Secret;
use super::sections::Section;
use super::site::{host_of, site};
use super::store::{StoreAt, store};
use super::upstreams::upstreams;
use super::{mail, people, providers, sessions};
use crate::network::Network;
use cloakroom_app::Settings;
use cloakroom_core::keyring::Rotation;
use cloakroom_core::refresh::Policy;
use cloakroom_core::session::Lifetimes;
use cloakroom_core::time::Lifetime;
use cloakroom_gateway::{Limits, Upstream};
use cloakroom_jose::Algorithm;
use cloakroom_web::Site;
use http::HeaderName;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// A configuration in which nothing can be invalid.
#[derive(Clone, Debug)]
pub struct Config {
    /// Addresses of the public listener.
    pub listen: Vec<SocketAddr>,
    /// Addresses of the listener that only redirects to https.
    pub redirect_listen: Vec<SocketAddr>,
    /// Addresses of the listener that proxies ask.
    pub forward_auth_listen: Vec<SocketAddr>,
    /// Address of the admin listener.
    pub admin_listen: SocketAddr,
    /// What programs of operators show; without it the admin listener has no /admin.
    pub admin_token: Option<Secret>,
    /// Certificate and key, if this process speaks TLS itself.
    pub tls: Option<Tls>,
    /// Proxies whose forwarding headers are believed.
    pub trusted_proxies: Vec<Network>,
    /// How long open requests may take to end.
    pub drain_for: Duration,
    /// Connections at once.
    pub max_connections: usize,
    /// Time for a request's head to arrive.
    pub header_for: Duration,
    /// Where everything is remembered.
    pub store: StoreAt,
    /// The file of the master key.
    pub master_key_file: PathBuf,
    /// How mails are sent, if they are.
    pub mail: Option<MailConfig>,
    /// Where people can log in.
    pub providers: Vec<ProviderConfig>,
    /// Services that get tokens.
    pub clients: Vec<ServiceConfig>,
    /// For the use cases, but for providers and clients: they need a network.
    pub settings: Settings,
    /// For the web.
    pub site: Site,
    /// For the gateway.
    pub upstreams: Vec<Upstream>,
    /// Names of upstreams that let only sessions with a second factor pass.
    pub second_factor: Vec<String>,
    /// For the gateway.
    pub limits: Limits,
    /// Request headers that the gateway removes besides the usual ones.
    pub strip: Vec<HeaderName>,
    /// What is logged.
    pub log: Log,
}

/// Certificate and key, in PEM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tls {
    /// The chain, leaf first.
    pub certificate_file: PathBuf,
    /// The private key.
    pub key_file: PathBuf,
}

/// What is logged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Log {
    /// One JSON object a line.
    pub json: bool,
    /// A filter in the words of `tracing`.
    pub level: String,
    /// Whether every request is.
    pub requests: bool,
}

/// Paths that no upstream can have.
pub(crate) const RESERVED: [&str; 3] = ["/auth", "/.well-known/jwks.json", "/.well-known/oauth-authorization-server"];

/// Verifiers may cache the JWKS for so long; a key is announced three times as long before it signs.
pub(super) const JWKS_MAX_AGE: Lifetime = Lifetime::from_secs(300);

/// How many verified tokens are remembered.
const VERIFIED_TOKENS: usize = 8192;

pub(super) fn resolve(raw: &Raw, mistakes: &mut Vec<Mistake>) -> Option<Config> {
    let lifetimes = lifetimes(&raw.session, mistakes);
    let refresh = refresh(&raw.session, &lifetimes, mistakes);
    let site = site(raw, mistakes);
    let (tls, redirect_listen) = tls(&raw.server, mistakes);
    let issuer = site.as_ref().map(|site| site.origin.clone()).unwrap_or_default();
    let (strategy, offered) = sessions::strategies(&raw.session, mistakes);
    let site_name = host_of(&issuer).unwrap_or_default();
    let mail_site = cloakroom_mail::Site { name: site_name.clone(), origin: issuer.clone() };
    let (mail, confirm_addresses) = mail::mail(&raw.mail, mail_site, mistakes);
    let settings = Settings {
        bearer_audience: sessions::bearer_audience(raw, &issuer, &offered, mistakes),
        issuer,
        strategy,
        offered,
        max_sessions: sessions::max_sessions(&raw.session, mistakes),
        feed: sessions::feed(&raw.revocation, &lifetimes, mistakes),
        rotation: rotation(&raw.tokens, &lifetimes, mistakes),
        lifetimes,
        refresh,
        site_name,
        approval_origin: site.as_ref().and_then(|site| site.approval_origin.clone()),
        mail: mail.is_some(),
        confirm_addresses,
        log_in_by_password: people::log_in_by_password(raw, mistakes),
        signup: people::signup(&raw.account, mistakes),
        providers: Vec::new(),
        clients: Vec::new(),
        limits: people::guesses(&raw.limits, mistakes),
        totp_steps_back: people::totp_steps_back(&raw.second_factor, mistakes),
        passwords: people::passwords(&raw.password, mistakes),
        password_words: people::words(&raw.password, mistakes),
        hashing: people::hashing(&raw.password, mistakes),
        verified_tokens: VERIFIED_TOKENS,
    };
    let kept: Vec<&str> = raw.upstream.iter().filter_map(|upstream| upstream.token_from.as_deref()).collect();
    let providers = providers::providers(&raw.provider, &kept, &settings.issuer, mistakes);
    let clients = clients::clients(&raw.client, &settings, mistakes);
    let (limits, max_connections, header_for) = limits(&raw.limits, mistakes);
    let admin_token = people::admin_token(raw, mistakes);
    let (upstreams, second_factor) = {
        let forward_auth = raw.forward_auth.listen.as_ref().is_some_and(|listen| !listen.is_empty());
        // Also those with a mistake of their own: one is enough to tell.
        let ids: Vec<&str> = raw.provider.iter().filter_map(|provider| provider.id.as_deref()).collect();
        upstreams(&raw.upstream, &settings.issuer, &ids, forward_auth, mistakes)
    };
    let (store, master_key_file) = store(&raw.store, mistakes);
    let mut server = Section { path: "server".into(), mistakes };
    let listen = server.addresses("listen", raw.server.listen.as_ref(), &["127.0.0.1:8080", "[::1]:8080"]);
    let admin = raw.server.admin_listen.as_deref().unwrap_or("127.0.0.1:9090");
    let admin_listen = server.address("admin_listen", admin);
    if listen.is_empty() && raw.server.listen.as_ref().is_some_and(Vec::is_empty) {
        server.wrong("listen", "at least one address is needed, such as \"127.0.0.1:8080\"");
    }
    if admin_listen.is_some_and(|admin| admin.port() != 0 && listen.contains(&admin)) {
        server.wrong("admin_listen", "it must differ from server.listen: it is for operators only");
    }
    let mut trusted_proxies = Vec::new();
    for text in raw.server.trusted_proxies.iter().flatten() {
        match text.parse() {
            Ok(network) => trusted_proxies.push(network),
            Err(_) => server
                .wrong("trusted_proxies", format!("{text:?} is not an address or a network, such as \"10.0.0.0/8\"")),
        }
    }
    let drain_for = duration(server.lifetime("drain_for", raw.server.drain_for.as_ref(), Lifetime::from_secs(20)));
    let forward_auth_listen = forward_auth(raw, &trusted_proxies, &listen, mistakes);
    let mut headers = Section { path: "headers".into(), mistakes };
    let mut strip = Vec::new();
    for text in raw.headers.strip_request.iter().flatten() {
        match text.parse::<HeaderName>() {
            Ok(name) => strip.push(name),
            Err(_) => headers.wrong("strip_request", format!("{text:?} is not the name of a header")),
        }
    }
    let log = log(&raw.log, mistakes);
    Some(Config {
        listen,
        redirect_listen,
        forward_auth_listen,
        admin_listen: admin_listen?,
        admin_token,
        tls,
        trusted_proxies,
        drain_for,
        max_connections,
        header_for,
        store,
        master_key_file,
        mail,
        providers,
        clients,
        settings,
        site: site?,
        upstreams,
        second_factor,
        limits,
        strip,
        log,
    })
}

/// The listener of proxies. Nobody else may reach it, and without a listed proxy it would refuse everybody.
fn forward_auth(
    raw: &Raw,
    trusted_proxies: &[Network],
    public: &[SocketAddr],
    mistakes: &mut Vec<Mistake>,
) -> Vec<SocketAddr> {
    let mut section = Section { path: "forward_auth".into(), mistakes };
    let listen = section.addresses("listen", raw.forward_auth.listen.as_ref(), &[]);
    if listen.iter().any(|address| address.port() != 0 && public.contains(address)) {
        section.wrong("listen", "it must differ from server.listen: what is answered there has tokens in it");
    }
    if !listen.is_empty() && raw.session.slots.is_some_and(|slots| slots > 1) {
        section.wrong(
            "listen",
            "not together with session.slots: the proxy would lead on paths below /u that Cloakroom has read without it",
        );
    }
    if !listen.is_empty() && trusted_proxies.is_empty() {
        section.wrong("listen", "server.trusted_proxies must name the proxies that may ask there");
    }
    listen
}

fn lifetimes(raw: &raw::Session, mistakes: &mut Vec<Mistake>) -> Lifetimes {
    let mut section = Section { path: "session".into(), mistakes };
    let words = [("standard", Lifetimes::STANDARD), ("careful", Lifetimes::CAREFUL), ("strict", Lifetimes::STRICT)];
    let profile = section.one_of("profile", raw.profile.as_ref(), Lifetimes::STANDARD, &words);
    let chosen = Lifetimes {
        access_for: section.lifetime("access_for", raw.access_for.as_ref(), profile.access_for),
        idle_for: section.lifetime("idle_for", raw.idle_for.as_ref(), profile.idle_for),
        absolute_for: section.lifetime("absolute_for", raw.absolute_for.as_ref(), profile.absolute_for),
    };
    if chosen.access_for > Lifetime::from_secs(3600) {
        section
            .wrong("access_for", "an access token lives for minutes, at most \"1h\": a longer one is worth stealing");
    }
    if chosen.idle_for < chosen.access_for.times(2) {
        section.wrong(
            "idle_for",
            format!(
                "it must be at least twice access_for ({}): use is noticed through access tokens",
                chosen.access_for
            ),
        );
    }
    if chosen.absolute_for < chosen.idle_for {
        section.wrong("absolute_for", format!("it must not be shorter than idle_for ({})", chosen.idle_for));
    }
    if chosen.absolute_for > Lifetime::from_secs(400 * 86_400) {
        section.wrong("absolute_for", "browsers keep no cookie longer than \"400d\"");
    }
    chosen
}

fn refresh(raw: &raw::Session, lifetimes: &Lifetimes, mistakes: &mut Vec<Mistake>) -> Policy {
    let mut section = Section { path: "session".into(), mistakes };
    let default = Policy::default();
    let race_window = section.lifetime("race_window", raw.race_window.as_ref(), default.race_window);
    if race_window < Lifetime::from_secs(1) {
        section.wrong(
            "race_window",
            "it must cover a round trip, the slowest request plus the slowest answer: at least \"1s\"",
        );
    }
    if lifetimes.access_for < race_window.times(3) {
        section.wrong("access_for", format!("it must be at least three times race_window ({race_window})"));
    }
    Policy { race_window, sightings: raw.sightings.unwrap_or(default.sightings), ..default }
}

fn rotation(raw: &raw::Tokens, lifetimes: &Lifetimes, mistakes: &mut Vec<Mistake>) -> Rotation {
    let mut section = Section { path: "tokens".into(), mistakes };
    let algorithm = raw.algorithm.as_deref().unwrap_or("EdDSA");
    if algorithm.parse::<Algorithm>().is_err() {
        section.wrong("algorithm", format!("{algorithm:?} is not one of \"EdDSA\", \"ES256\", \"RS256\", \"HS256\""));
    }
    let rotate_every = section.lifetime("rotate_every", raw.rotate_every.as_ref(), Lifetime::from_secs(30 * 86_400));
    let announce_for = JWKS_MAX_AGE.times(3);
    if rotate_every < announce_for.times(2) {
        section.wrong(
            "rotate_every",
            format!("it must be at least {}: a key is announced {announce_for} before it signs", announce_for.times(2)),
        );
    }
    Rotation {
        algorithm: algorithm.to_owned(),
        rotate_every,
        announce_for,
        publish_for: lifetimes.access_for.plus(JWKS_MAX_AGE),
        keep_for: lifetimes.absolute_for.plus(Lifetime::from_secs(86_400)),
    }
}

fn tls(raw: &raw::Server, mistakes: &mut Vec<Mistake>) -> (Option<Tls>, Vec<SocketAddr>) {
    let Some(files) = &raw.tls else { return (None, Vec::new()) };
    let mut section = Section { path: "server.tls".into(), mistakes };
    let redirect_listen = section.addresses("redirect_listen", files.redirect_listen.as_ref(), &[]);
    if raw.public_url.as_deref().is_some_and(|url| !url.starts_with("https://")) {
        section.wrong("certificate_file", "with TLS, server.public_url must begin with https://");
    }
    for (key, value) in [("certificate_file", &files.certificate_file), ("key_file", &files.key_file)] {
        match value {
            None => section.wrong(key, "this is required: a file in PEM"),
            Some(path) if !std::path::Path::new(path).is_file() => {
                section.wrong(key, format!("there is no file {path:?}"));
            }
            Some(_) => {}
        }
    }
    let (Some(certificate), Some(key)) = (&files.certificate_file, &files.key_file) else {
        return (None, redirect_listen);
    };
    (Some(Tls { certificate_file: certificate.into(), key_file: key.into() }), redirect_listen)
}

fn limits(raw: &raw::Limits, mistakes: &mut Vec<Mistake>) -> (Limits, usize, Duration) {
    let mut section = Section { path: "limits".into(), mistakes };
    let default = Limits::default();
    let mut time = |key, value: &Option<String>, default: Duration| {
        let millis = u64::try_from(default.as_millis()).unwrap_or(u64::MAX);
        duration(section.lifetime(key, value.as_ref(), Lifetime::from_millis(millis)))
    };
    let connect_for = time("connect_for", &raw.connect_for, default.connect_for);
    let answer_for = time("answer_for", &raw.answer_for, default.answer_for);
    let idle_for = time("idle_for", &raw.idle_for, default.idle_for);
    let header_for = time("header_for", &raw.header_for, Duration::from_secs(10));
    let max_header_bytes =
        section.number("max_header_bytes", raw.max_header_bytes, default.max_header_bytes, (8192, 1_048_576));
    let max_connections = section.number("max_connections", raw.max_connections, 10_000, (1, 1_000_000));
    let max_body_bytes = raw.max_body_bytes;
    (
        Limits { connect_for, answer_for, idle_for, max_header_bytes, max_body_bytes, ..default },
        max_connections,
        header_for,
    )
}

fn log(raw: &raw::Log, mistakes: &mut Vec<Mistake>) -> Log {
    let mut section = Section { path: "log".into(), mistakes };
    let json = section.one_of("format", raw.format.as_ref(), false, &[("text", false), ("json", true)]);
    let level = raw.level.clone().unwrap_or_else(|| "info".into());
    if level.parse::<tracing_subscriber::filter::EnvFilter>().is_err() {
        section.wrong("level", format!("{level:?} is not a filter such as \"info\" or \"warn,cloakroom_app=debug\""));
    }
    Log { json, level, requests: raw.requests.unwrap_or(true) }
}

pub(super) fn duration(lifetime: Lifetime) -> Duration {
    Duration::from_millis(lifetime.millis())
}
