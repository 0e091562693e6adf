//! Every route of our own, as data: what may call it, what it reads, how it is cached. The dispatcher is built on this
//! table, and so are `docs/reference/routes.md` and the tests that try every row as a stranger, as another site, and
//! with the wrong content type. A route that is not here does not exist.

use crate::call::Call;
use crate::problem::Problem;
use crate::{Response, routes};
use std::future::Future;
use std::pin::Pin;

/// A route.
pub struct Row {
    /// Its method. `GET` answers `HEAD` as well.
    pub method: &'static str,
    /// Its path, exactly; `{id}` at its end stands for one segment.
    pub path: &'static str,
    /// Who may call it.
    pub guard: Guard,
    /// What it reads.
    pub body: Body,
    /// Who may keep its answer.
    pub cache: Cache,
    /// What refusals look like.
    pub speaks: Speaks,
    /// One line for the reference.
    pub does: &'static str,
    pub(crate) handler: Handler,
}

/// Who may call a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guard {
    /// Anybody.
    Open,
    /// Anybody, and the page that its form came with may be older than the session of the browser.
    Entrance,
    /// Whoever knows the name of an approval, on the origin where approvals happen.
    Approver,
    /// Somebody with a live session.
    SignedIn,
    /// A service that shows the secret of the revocation feed.
    Service,
    /// A provider, which signs what it says. No browser is involved.
    Provider,
    /// A service or a program, by what it shows in the body or in `Authorization`. No cookie is looked at.
    Client,
}

/// What a route reads. Unsafe methods all go through the CSRF rules, whatever they read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Body {
    /// Nothing.
    None,
    /// A JSON object or the form of one of our pages; an empty body has no fields.
    Fields,
    /// A JSON object with a list in it, of a service: up to [`MAX_LIST`](crate::MAX_LIST) bytes.
    List,
    /// The parameters of OAuth: a form, and nothing else (RFC 6749 §3.2). No page of ours has one that leads here, and no
    /// browser adds authority to it.
    Parameters,
    /// A browser's report, which is counted and otherwise forgotten. The one exception from the CSRF rules: browsers
    /// send reports on their own, and nothing changes by one.
    Report,
}

/// Who may keep an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cache {
    /// Nobody.
    NoStore,
    /// Everybody, for a few minutes.
    Public,
}

/// What refusals look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Speaks {
    /// Problem documents.
    Json,
    /// Pages: for people. A form of a page is answered by a page even on a route that speaks JSON.
    Html,
}

pub(crate) type Answer = Pin<Box<dyn Future<Output = Result<Response, Problem>> + Send>>;
pub(crate) type Handler = fn(Call) -> Answer;

macro_rules! rows {
    ($($method:literal $path:literal $guard:ident $body:ident $cache:ident $speaks:ident $handler:path, $does:literal;)*) => {
        &[$(Row {
            method: $method,
            path: $path,
            guard: Guard::$guard,
            body: Body::$body,
            cache: Cache::$cache,
            speaks: Speaks::$speaks,
            does: $does,
            handler: |call| Box::pin($handler(call)),
        },)*]
    };
}

/// The table.
pub static ROUTES: &[Row] = rows! {
    "POST" "/auth/signup"        Entrance Fields NoStore Json routes::signup::post,        "opens an account: `email`, `password`; 202 whether or not the address is taken";
    "POST" "/auth/login"         Entrance Fields NoStore Json routes::login::post,         "opens a session and sets its cookies: `email`, `password`, `remember` (true or false), `strategy`, `device` (programs: what an earlier log-in answered); 401 `second-factor-asked` with `second_factor` where there is one";
    "POST" "/auth/login/factor"  Entrance Fields NoStore Json routes::login::factor,       "the second factor of a log-in: `id`, `device`, and `totp`, `recovery` or `passkey`";
    "POST" "/auth/login/passkey/begin" Entrance Fields NoStore Json routes::login::ask_passkey, "what to ask an authenticator for a log-in with a passkey alone: `state`, `options`";
    "POST" "/auth/login/passkey" Entrance Fields NoStore Json routes::login::passkey,      "opens a session with a passkey alone: `state`, `response`, `remember`, `strategy`, `device`";
    "GET"  "/auth/provider/{id}" Open     None   NoStore Html routes::providers::begin,    "leads to the log-in of a provider: `return_to`, `remember`";
    "GET"  "/auth/callback/{id}" Open     None   NoStore Html routes::providers::callback, "where providers send people back to, with `code` and `state`";
    "POST" "/auth/backchannel/{id}" Provider Fields NoStore Json routes::providers::log_out, "a provider tells that somebody has logged out there: `logout_token`";
    "POST" "/auth/providers/link" SignedIn Fields NoStore Json routes::providers::link,   "begins to add an identity at a provider: `provider`, which was approved, and `step_up`; answers where to go on";
    "POST" "/auth/providers/unlink" SignedIn Fields NoStore Json routes::providers::unlink, "removes an identity: `identity`, which was approved, and `step_up`";
    "GET"  "/auth/logged-out"    Open     None   NoStore Html routes::providers::logged_out, "where providers send people after a log-out";
    "GET"  "/auth/onward"        Open     None   NoStore Html routes::onward::get,         "leads to `return_to` on `host`, another host of this site where its sessions are good; on this one if it is not";
    "POST" "/auth/logout"        Open     Fields NoStore Json routes::logout::this,        "ends this session; 204, or 200 with `continue_at` where the session of a provider is to be ended as well";
    "POST" "/auth/logout/others" SignedIn Fields NoStore Json routes::logout::others,      "ends all other sessions of the account";
    "POST" "/auth/logout/all"    SignedIn Fields NoStore Json routes::logout::all,         "ends all sessions of the account";
    "POST" "/auth/refresh"       Open     Fields NoStore Json routes::refresh::post,       "rotates the session's tokens";
    "GET"  "/auth/refresh"       Open     None   NoStore Html routes::refresh::get,        "rotates for a navigation, then leads to the local path in `return_to`";
    "GET"  "/auth/sessions"      SignedIn None   NoStore Json routes::sessions::list,      "the sessions of the account";
    "DELETE" "/auth/sessions/{id}" SignedIn None NoStore Json routes::sessions::end,       "ends one session of the account";
    "POST" "/auth/sessions/end"  SignedIn Fields NoStore Json routes::sessions::end_by_form, "ends one session of the account: `session`";
    "POST" "/auth/password/change" SignedIn Fields NoStore Json routes::password::change,  "sets a new password and ends all other sessions: `current`, `password`, and `step_up` where there is a second factor";
    "POST" "/auth/password/forgot" Entrance Fields NoStore Json routes::password::forgot,  "mails a reset: `email`; 202 whether or not there is such an account";
    "POST" "/auth/password/reset" Entrance Fields NoStore Json routes::password::reset,    "sets a password by a mailed token or code: `token`, `password`; ends all sessions, opens none";
    "POST" "/auth/email/verify"  Entrance Fields NoStore Json routes::email::verify,       "confirms an address: `token`, and the `password` of the sign-up";
    "POST" "/auth/email/resend"  Entrance Fields NoStore Json routes::email::resend,       "mails the confirmation once more: `email`; 202 whether or not there is such an account";
    "POST" "/auth/email/change"  SignedIn Fields NoStore Json routes::email::change,       "asks a new address to confirm itself: `email`, which was approved, and `step_up`";
    "POST" "/auth/email/confirm" Entrance Fields NoStore Json routes::email::confirm,      "changes the address, by a token that was mailed to the new one: `token`, and the `password` of the account";
    "POST" "/auth/email/back"    Entrance Fields NoStore Json routes::email::back,         "takes a change of address back, by a token that was mailed to the old one: `token`; ends all sessions";
    "GET"  "/auth/devices"       SignedIn None   NoStore Json routes::devices::list,       "the devices of the account";
    "POST" "/auth/devices/change" SignedIn Fields NoStore Json routes::devices::change,    "names a device and trusts it or not: `device`, `name`, `trusted`";
    "POST" "/auth/devices/forget" SignedIn Fields NoStore Json routes::devices::forget,    "forgets a device: `device`";
    "POST" "/auth/devices/revoke" Entrance Fields NoStore Json routes::devices::revoke,    "ends the session that a mail told of: `token`";
    "GET"  "/auth/factors"       SignedIn None   NoStore Json routes::factors::list,       "the second factors of the account";
    "POST" "/auth/totp/begin"    SignedIn Fields NoStore Json routes::factors::begin_totp, "begins to add an authenticator app: `step_up`";
    "POST" "/auth/totp/finish"   SignedIn Fields NoStore Json routes::factors::finish_totp, "adds the app with its first code: `id`, `code`";
    "POST" "/auth/totp/remove"   SignedIn Fields NoStore Json routes::factors::remove_totp, "removes the app: `step_up`";
    "POST" "/auth/recovery-codes" SignedIn Fields NoStore Json routes::factors::codes,     "makes new recovery codes: `step_up`";
    "POST" "/auth/passkeys/begin" SignedIn Fields NoStore Json routes::passkeys::begin,    "begins to add a passkey: `step_up`";
    "POST" "/auth/passkeys/finish" SignedIn Fields NoStore Json routes::passkeys::finish,  "adds the passkey: `id`, `response`, `name`";
    "POST" "/auth/passkeys/remove" SignedIn Fields NoStore Json routes::passkeys::remove,  "removes a passkey: `passkey`, which was approved, and `step_up`";
    "POST" "/auth/step-up"       SignedIn Fields NoStore Json routes::step_up::open,       "opens an approval: `method`, `path`, `body_sha256`, `body`, `return_to`; or `act` for a change of the account, with the `email` of `change-email` and the `passkey` of `remove-passkey`";
    "POST" "/auth/step-up/collect" SignedIn Fields NoStore Json routes::step_up::collect,  "the grant of an approval, once: `id`; 202 as long as it waits";
    "POST" "/auth/step-up/passkey" Approver Fields NoStore Json routes::step_up::begin_passkey, "begins to add a passkey for approvals: `id`, and the `page` that approving it answered";
    "POST" "/auth/step-up/passkey-finish" Approver Fields NoStore Json routes::step_up::finish_passkey, "adds the passkey for approvals: `id`, `response`, `name`";
    "POST" "/auth/step-up/{id}"  Approver Fields NoStore Json routes::step_up::prove,      "approves, with `password`, `totp`, `recovery`, `mail` or `passkey`; with `provider` where a new log-in there is the way; or `send` (mails a code), `decline`";
    "GET"  "/auth/step-up/{id}"  Approver None   NoStore Html routes::step_up::get,        "page: what is to be approved, and the ways to";
    "GET"  "/auth/revocations"   Service  None   NoStore Json routes::revocations::get,    "the revocation feed after the position `after`, as JSON or as events";
    "POST" "/auth/sightings"     Service  List   NoStore Json routes::revocations::seen,   "takes reports of services about tokens in use: `seen`";
    "GET"  "/auth/me"            SignedIn None   NoStore Json routes::me::get,             "who is logged in";
    "GET"  "/auth/csrf"          Open     None   NoStore Json routes::csrf::get,           "a form token for clients without fetch metadata";
    "POST" "/auth/reports"       Open     Report NoStore Json routes::reports::post,       "takes reports of browsers (CSP and others)";
    "GET"  "/auth/probe"         Open     None   NoStore Json routes::probe::get,          "how this request was judged, as two events a second apart: for `cloakroom doctor`";
    "GET"  "/auth/verify"        Open     None   NoStore Json routes::verify::get,         "forward-auth, for proxies: answered at `forward_auth.listen`, never here";
    "GET"  "/auth/openapi.json"  Open     None   Public  Json routes::assets::openapi,     "this table as an `OpenAPI` 3.1 document";
    "GET"  "/auth/client.js"     Open     None   Public  Json routes::assets::client,      "the browser script";
    "GET"  "/auth/approve.js"    Open     None   Public  Json routes::assets::approve,     "the part of the browser script that asks for approvals";
    "GET"  "/auth/assets/pages.js" Open   None   Public  Json routes::assets::pages,       "the script of the pages: passkeys, links from mails, waiting times";
    "GET"  "/auth/assets/style.css" Open  None   Public  Json routes::assets::style,       "the style of the pages";
    "POST" "/auth/token"         Client   Parameters NoStore Json routes::token::post,     "the token endpoint (RFC 6749): `grant_type`, and what it needs; answers and errors are OAuth's";
    "POST" "/auth/token/revoke"  Client   Parameters NoStore Json routes::token_status::revoke, "ends a token (RFC 7009): `token`";
    "POST" "/auth/token/introspect" Client Parameters NoStore Json routes::token_status::introspect, "tells a client about a token that is its own or for it (RFC 7662): `token`";
    "GET"  "/.well-known/oauth-authorization-server" Open None Public Json routes::metadata::get, "what the token endpoint can do (RFC 8414)";
    "GET"  "/.well-known/jwks.json" Open  None   Public  Json routes::jwks::get,           "the public keys of access tokens";
    "GET"  "/auth"               Open     None   NoStore Html routes::home::get,           "leads to the account or to the log-in";
    "GET"  "/auth/"              Open     None   NoStore Html routes::home::get,           "leads to the account or to the log-in";
    "GET"  "/auth/login"         Open     None   NoStore Html routes::login::get,          "page: log-in; leads to `return_to` afterwards";
    "GET"  "/auth/signup"        Open     None   NoStore Html routes::signup::get,         "page: sign-up; leads to `return_to` afterwards";
    "GET"  "/auth/forgot"        Open     None   NoStore Html routes::password::forgot_page, "page: a forgotten password";
    "GET"  "/auth/reset"         Open     None   NoStore Html routes::password::reset_page, "page: a new password, by a mailed link or code";
    "GET"  "/auth/email/verify"  Open     None   NoStore Html routes::email::verify_page,  "page: confirms an address, by a mailed link or code";
    "GET"  "/auth/email/confirm" Open     None   NoStore Html routes::email::confirm_page, "page: confirms a new address, by a mailed link or code";
    "GET"  "/auth/email/back"    Open     None   NoStore Html routes::email::back_page,    "page: takes a change of address back, by a mailed link or code";
    "GET"  "/auth/email/resend"  Open     None   NoStore Html routes::email::resend_page,  "page: asks for the confirmation once more";
    "GET"  "/auth/devices/revoke" Open    None   NoStore Html routes::devices::revoke_page, "page: ends a session, by a mailed link or code";
    "GET"  "/auth/account"       SignedIn None   NoStore Html routes::account::get,        "page: the account, its sessions, devices and factors";
    "GET"  "/auth/account/{id}"  SignedIn None   NoStore Html routes::account::go_on,      "page: goes on with a change that was approved";
};
