//! The configuration as it is written: every key optional, every key documented once. The JSON Schema and the reference
//! are made from these comments.

#![expect(clippy::doc_markdown, reason = "these comments are read by operators, in the schema and the reference")]

pub use super::raw_client::Client;
pub use super::raw_upstream::{ForwardAuth, StepUp, Upstream};
use schemars::JsonSchema;
use serde::Deserialize;

/// The configuration of Cloakroom. Only `server.public_url` and one `[[upstream]]` are required.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Raw {
    /// Where Cloakroom listens and what it is called.
    pub server: Server,
    /// Where accounts, sessions and keys are remembered.
    pub store: Store,
    /// How long sessions live.
    pub session: Session,
    /// How the end of sessions is told.
    pub revocation: Revocation,
    /// How cookies are set.
    pub cookie: Cookie,
    /// Which pages of other origins may read answers.
    pub cors: Cors,
    /// How access tokens are signed.
    pub tokens: Tokens,
    /// Who can open an account.
    pub account: Account,
    /// What a password must be and how it is hashed.
    pub password: Password,
    /// What a second factor must be.
    pub second_factor: SecondFactor,
    /// How mails are sent. Without it none are: nobody can confirm an address or reset a password.
    pub mail: Mail,
    /// Other sites that people can log in with, by OpenID Connect.
    pub provider: Vec<Provider>,
    /// For a reverse proxy of your own, which asks Cloakroom about every request.
    pub forward_auth: ForwardAuth,
    /// Services that get tokens at /auth/token. More can be registered with `cloakroom clients create`.
    pub client: Vec<Client>,
    /// The applications behind Cloakroom. The longest matching path wins, a route with a host before one without.
    pub upstream: Vec<Upstream>,
    /// Sizes and times that bound every request.
    pub limits: Limits,
    /// Headers of every response.
    pub headers: Headers,
    /// What is logged.
    pub log: Log,
}

/// Where Cloakroom listens and what it is called.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Server {
    /// What people type to come here: scheme, host and port if it is not the usual one, such as
    /// `"https://app.example.com"`. Required. Links and tokens are built from it, never from a request.
    pub public_url: Option<String>,
    /// Another host name of this server, where people approve single calls, such as `"https://approve.example.com"`: no page
    /// of an application can open or drive a page there. It needs the same scheme as public_url and another host, and the
    /// certificate must be good for it. Recommended wherever an upstream has step_up. Default: none, and approvals happen on
    /// public_url.
    pub approval_url: Option<String>,
    /// Addresses to listen on. Default: `["127.0.0.1:8080", "[::1]:8080"]`.
    pub listen: Option<Vec<String>>,
    /// The address of the admin listener with /healthz, /readyz, /metrics and /admin. Default: "127.0.0.1:9090". Keep it
    /// private.
    pub admin_listen: Option<String>,
    /// What programs of operators show, as `Authorization: Bearer`, to use /admin on the admin listener: 32 to 256 characters.
    /// A secret; better in the environment, CLOAKROOM_SERVER_ADMIN_TOKEN. Default: none, and /admin is not there.
    pub admin_token: Option<String>,
    /// Proxies in front of Cloakroom that are believed about their clients: addresses or networks, such as "10.0.0.0/8".
    /// Read are X-Forwarded-For, -Proto and -Host, or Forwarded where neither of the first two is there; your proxy must overwrite
    /// what clients send in them, and must pass Host on. Default: none.
    pub trusted_proxies: Option<Vec<String>>,
    /// Further origins whose pages may send unsafe requests here, such as `"https://admin.example.com"`. Default: none.
    pub trusted_origins: Option<Vec<String>>,
    /// Paths of scripts that may become service workers. Default: none.
    pub service_workers: Option<Vec<String>>,
    /// Set cookies without Secure and prefix. Only for a loopback public_url on http, for browsers that refuse Secure
    /// cookies there (Safari). Default: false.
    pub insecure_loopback_cookies: Option<bool>,
    /// How long open requests may take to end when the server stops. Default: "20s".
    pub drain_for: Option<String>,
    /// TLS for the listener. Without it, something in front must speak TLS.
    pub tls: Option<TlsFiles>,
}

/// Certificate and key, in PEM. Read again on SIGHUP.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TlsFiles {
    /// The certificate chain, leaf first.
    pub certificate_file: Option<String>,
    /// The private key. Keep it readable to its owner only.
    pub key_file: Option<String>,
    /// Addresses of a plain http listener that only redirects people to https. Default: none.
    pub redirect_listen: Option<Vec<String>>,
}

/// Where accounts, sessions and keys are remembered.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Store {
    /// "sqlite:PATH" for one node, or "postgres://USER:PASSWORD@HOST/DATABASE" for any number. Default: "sqlite:cloakroom.db".
    pub url: Option<String>,
    /// The file of the master key that the keys in the store are sealed with. Made with mode 0600 if it is not there.
    /// The environment variable CLOAKROOM_MASTER_KEY, if set, is used instead. Nodes on one database need the same key, so
    /// with Postgres none is made. Default: the path of the store with ".master-key" at its end, or "cloakroom.master-key".
    pub master_key_file: Option<String>,
}

/// How long sessions live.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Session {
    /// How a session lives in the browser: "cookie", "ticket", "split", "split-bearer" or "memory"; docs/strategies says what
    /// each is good for. Default: "cookie".
    pub strategy: Option<String>,
    /// Strategies that a log-in may ask for besides: those, or "native" for programs. Default: none.
    pub offered: Option<Vec<String>>,
    /// Must be true to use or offer "memory": a script in the page can ask for an access token and carry it away.
    /// Default: false.
    pub acknowledge_weaker: Option<bool>,
    /// How many accounts one browser can hold at once, each under a path of its own: /u/0/, /u/1/, up to 10. Default: 1,
    /// which leaves those paths to the applications.
    pub slots: Option<u8>,
    /// How many live sessions an account may have, 1 to 100. Default: no limit.
    pub max_per_account: Option<u32>,
    /// What a log-in beyond that does: "end_oldest" (the session that was used longest ago) or "refuse". Default: "end_oldest".
    pub when_full: Option<String>,
    /// "standard" (30 days), "careful" (24 hours, 1 hour idle) or "strict" (12 hours, 15 minutes idle). Default: "standard".
    pub profile: Option<String>,
    /// Life of an access token, such as "5m". At least three times race_window. Default: "5m".
    pub access_for: Option<String>,
    /// A session that nobody uses ends after this. Default: from the profile.
    pub idle_for: Option<String>,
    /// A session ends after this, used or not. Default: from the profile.
    pub absolute_for: Option<String>,
    /// Longer than two round trips that are still believed: with "10s", a request and its answer may take almost five seconds.
    /// Default: "10s".
    pub race_window: Option<String>,
    /// Whether the first use of each token generation is noted. Without it, an answer that is lost for longer than
    /// race_window costs the session. Default: true.
    pub sightings: Option<bool>,
}

/// How the end of sessions is told: to the other nodes, and to services that verify tokens by themselves.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Revocation {
    /// A node that has not heard from the feed for so long lets nobody in on what it knows. At least "3s". Default: "10s".
    pub stale_after: Option<String>,
    /// What it does then: "refuse" (503) or "look_up" (reads the session on every request, and answers 503 if that fails
    /// too). Default: "refuse".
    pub when_stale: Option<String>,
    /// What services show to read GET /auth/revocations and to report sightings: 32 to 256 characters. A secret; better in
    /// the environment, CLOAKROOM_REVOCATION_FEED_TOKEN. Default: none, and the feed is not offered to services.
    pub feed_token: Option<String>,
}

/// How cookies are set.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Cookie {
    /// "lax" or "strict". With "strict", a link from another site arrives logged out. Default: "lax".
    pub same_site: Option<String>,
    /// A domain whose hosts all share the session, such as "example.com" for app.example.com and api.example.com: the host
    /// of public_url, or a parent of it. Every host of the domain can then steal and replace sessions; read
    /// docs/operate/domains.md first. Default: none, and the session belongs to one host, which browsers enforce.
    pub domain: Option<String>,
}

/// Which pages of other origins may read answers.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Cors {
    /// Origins whose pages may call here with the person's cookies, and read the answer, such as `"https://app.example.com"`:
    /// compared whole, never a pattern. They count as trusted_origins too. Where this is set, what upstreams say about it
    /// is removed from all but public routes. Default: none, and CORS is left to the upstreams.
    pub origins: Option<Vec<String>>,
}

/// How access tokens are signed.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Tokens {
    /// "EdDSA", "ES256", "RS256" or "HS256". Tokens of HS256 can be verified by Cloakroom only. Default: "EdDSA".
    pub algorithm: Option<String>,
    /// The audience of access tokens that pages and programs hold themselves ("memory", "native"). Default: public_url with
    /// "/api" at its end.
    pub audience: Option<String>,
    /// How long a key signs before the next one takes over. Default: "30d".
    pub rotate_every: Option<String>,
}

/// Who can open an account.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Account {
    /// "open": everybody can sign up. "closed": operators open accounts, with `cloakroom accounts create` or by the admin
    /// listener. Default: "open".
    pub signup: Option<String>,
}

/// What a password must be and how it is hashed.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Password {
    /// Whether people log in with passwords. With false they come by a provider, which is required then, or with a passkey: no
    /// form for passwords, no sign-up, no reset, no invitations. Default: true.
    pub log_in: Option<bool>,
    /// Fewest characters. At least 8; below 15 a password alone is weak (NIST SP 800-63B-4). Default: 15.
    pub min_characters: Option<usize>,
    /// Words that a password must not be made of, such as the names of your company and products: at most 256, of 2 to 64
    /// characters. The words of public_url and of the person's address are on the list already. Default: none.
    pub words: Option<Vec<String>>,
    /// Memory of one Argon2id hash in KiB. At least 7168. Default: 19456.
    pub memory_kib: Option<u32>,
    /// Passes of Argon2id. Default: 2.
    pub passes: Option<u32>,
    /// Threads that hash; each uses memory_kib while it works. Default: half of the processors, at least 1.
    pub threads: Option<usize>,
    /// Log-ins that may wait for a thread; further ones are answered 503. Default: 64.
    pub queue: Option<usize>,
}

/// What a second factor must be. Which applications require one is said at each `[[upstream]]`.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SecondFactor {
    /// How many steps of 30 seconds a code of an authenticator app may be old: 0 or 1. With 0, somebody who types slowly or
    /// whose clock is late is refused. Default: 1.
    pub totp_steps_back: Option<u8>,
}

/// How mails are sent: by a mail server, or into a folder for trying things out.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Mail {
    /// Whom mails come from, such as "Notes <no-reply@example.com>". Required with smtp or folder.
    pub from: Option<String>,
    /// The mail server: "smtps://USER@HOST:465" (TLS), "smtp+starttls://USER@HOST:587" (STARTTLS, required), or
    /// "smtp://localhost:25" (unencrypted, this machine only). A password can stand after USER, as USER:PASSWORD; better in
    /// password_file or the environment. Default: none.
    pub smtp: Option<String>,
    /// The password for USER. A secret: only for the environment, CLOAKROOM_MAIL_PASSWORD.
    pub password: Option<String>,
    /// A file with the password for USER, in one line.
    pub password_file: Option<String>,
    /// Certificates (PEM) of the private authority that the mail server's is from. No other is trusted then. Default: the
    /// authorities that this machine trusts.
    pub ca_file: Option<String>,
    /// Writes mails into this folder instead, as .eml files, of which the newest 200 stay. For trying things out.
    pub folder: Option<String>,
    /// Whether somebody can log in only after they have confirmed their address. Default: true when there is mail.
    pub confirm_addresses: Option<bool>,
}

/// Another site that people can log in with, by OpenID Connect: Keycloak, or any other provider. Register there the redirect
/// address PUBLIC_URL/auth/callback/ID, for single log-out also PUBLIC_URL/auth/backchannel/ID (back-channel) and
/// PUBLIC_URL/auth/logged-out (after a log-out).
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Provider {
    /// Names it in addresses: 1 to 32 lower-case letters, digits and "-". Required; what people have linked depends on issuer, not
    /// on this.
    pub id: Option<String>,
    /// What people read on its button, after "Log in with". Default: id.
    pub name: Option<String>,
    /// Its issuer, as its own metadata spells it, such as `"https://sso.example.com/realms/staff"`. https, or http on this
    /// machine. Required.
    pub issuer: Option<String>,
    /// What it calls Cloakroom. Required.
    pub client_id: Option<String>,
    /// The secret that Cloakroom shows there. Better in a file.
    pub client_secret: Option<String>,
    /// A file with that secret, in one line.
    pub client_secret_file: Option<String>,
    /// Instead of a secret, a file with a private key (PKCS#8 in PEM: Ed25519, P-256 or RSA) that Cloakroom proves itself by
    /// (private_key_jwt, RFC 7523). `cloakroom keys public FILE` prints what the provider is to be told.
    pub client_key_file: Option<String>,
    /// "basic" (in a header) or "post" (in the body). Default: "basic".
    pub client_secret_in: Option<String>,
    /// What is asked for besides "openid". Default: `["email", "profile"]`.
    pub scopes: Option<Vec<String>>,
    /// "open": whoever logs in there for the first time gets an account. "known": only identities that somebody has added to
    /// their account. Default: "open".
    pub accounts: Option<String>,
    /// Whether addresses count as confirmed although it does not say email_verified. Only where nobody can choose their address
    /// there by themselves: whoever can takes over whatever that address gets. Default: false.
    pub trust_addresses: Option<bool>,
    /// Whether a log-in there counts as one with a second factor when it says so (amr). Default: false.
    pub trust_factors: Option<bool>,
    /// The claim of its ID tokens with the roles of a person, such as "realm_access.roles"; they become "roles" of our tokens.
    /// Default: none.
    pub roles_claim: Option<String>,
    /// The claim with their groups, such as "groups"; they become "groups" of our tokens. Default: none.
    pub groups_claim: Option<String>,
    /// What a role or group there is called here, such as `{ "app-admins" = "admin" }`. Names that are not listed are left out
    /// then. Default: all, as they are.
    pub names: Option<std::collections::BTreeMap<String, String>>,
    /// Whether a log-out here goes on to a log-out there. Default: true.
    pub log_out: Option<bool>,
    /// Certificates (PEM) of the private authority that its own is from. No other is trusted then. Default: the authorities that
    /// this machine trusts.
    pub ca_file: Option<String>,
}

/// Sizes and times that bound every request.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Connections at once. Default: 10000.
    pub max_connections: Option<usize>,
    /// Time for a client to send its request line and headers. Default: "10s".
    pub header_for: Option<String>,
    /// Bytes of request headers. Default: 32768.
    pub max_header_bytes: Option<usize>,
    /// Bytes of a request body to an upstream. Default: no limit.
    pub max_body_bytes: Option<u64>,
    /// Time to connect to an upstream. Default: "5s".
    pub connect_for: Option<String>,
    /// Time until an upstream's answer begins. Default: "60s".
    pub answer_for: Option<String>,
    /// A transfer in which no byte moves for so long is broken off; not event streams and WebSockets. Default: "60s".
    pub idle_for: Option<String>,
    /// So many wrong passwords in a row for one account, and it asks for a reset: from devices that it does not know, and apart
    /// from those from each one that it does. 10 to 100; each guess waits longer than the last. Default: 100.
    pub account_failures: Option<u32>,
}

/// Headers of every response.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Headers {
    /// Strict-Transport-Security, sent over https. Default: "max-age=31536000; includeSubDomains".
    pub hsts: Option<String>,
    /// Further request headers that never reach an upstream: names by which yours would believe who somebody is. The usual
    /// ones are removed already. Default: none.
    pub strip_request: Option<Vec<String>>,
    /// Content-Security-Policy for HTML of upstreams that send none. Default: none.
    pub content_security_policy: Option<String>,
    /// Who may frame pages, in the words of frame-ancestors. Default: "'self'".
    pub frame_ancestors: Option<String>,
    /// Referrer-Policy where an upstream sends none. Default: "strict-origin-when-cross-origin".
    pub referrer_policy: Option<String>,
    /// Permissions-Policy where an upstream sends none. Default: a list that denies camera, microphone, payment and others.
    pub permissions_policy: Option<String>,
}

/// What is logged.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Log {
    /// "text" or "json". Default: "text".
    pub format: Option<String>,
    /// What to log, such as "info" or "warn,cloakroom_app=debug". Default: "info".
    pub level: Option<String>,
    /// Whether every request is logged. Default: true.
    pub requests: Option<bool>,
}
