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
    /// Somebody with a live session.
    SignedIn,
    /// A service that shows the secret of the revocation feed.
    Service,
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
    "POST" "/auth/login"         Entrance Fields NoStore Json routes::login::post,         "opens a session and sets its cookies: `email`, `password`, `remember` (true or false), `strategy`";
    "POST" "/auth/logout"        Open     Fields NoStore Json routes::logout::this,        "ends this session";
    "POST" "/auth/logout/others" SignedIn Fields NoStore Json routes::logout::others,      "ends all other sessions of the account";
    "POST" "/auth/logout/all"    SignedIn Fields NoStore Json routes::logout::all,         "ends all sessions of the account";
    "POST" "/auth/refresh"       Open     Fields NoStore Json routes::refresh::post,       "rotates the session's tokens";
    "GET"  "/auth/refresh"       Open     None   NoStore Html routes::refresh::get,        "rotates for a navigation, then leads to the local path in `return_to`";
    "GET"  "/auth/sessions"      SignedIn None   NoStore Json routes::sessions::list,      "the sessions of the account";
    "DELETE" "/auth/sessions/{id}" SignedIn None NoStore Json routes::sessions::end,       "ends one session of the account";
    "POST" "/auth/sessions/end"  SignedIn Fields NoStore Json routes::sessions::end_by_form, "ends one session of the account: `session`";
    "POST" "/auth/password/change" SignedIn Fields NoStore Json routes::password::change,  "sets a new password and ends all other sessions: `current`, `password`";
    "GET"  "/auth/revocations"   Service  None   NoStore Json routes::revocations::get,    "the revocation feed after the position `after`, as JSON or as events";
    "POST" "/auth/sightings"     Service  List   NoStore Json routes::revocations::seen,   "takes reports of services about tokens in use: `seen`";
    "GET"  "/auth/me"            SignedIn None   NoStore Json routes::me::get,             "who is logged in";
    "GET"  "/auth/csrf"          Open     None   NoStore Json routes::csrf::get,           "a form token for clients without fetch metadata";
    "POST" "/auth/reports"       Open     Report NoStore Json routes::reports::post,       "takes reports of browsers (CSP and others)";
    "GET"  "/auth/client.js"     Open     None   Public  Json routes::assets::client,      "the browser script";
    "GET"  "/auth/assets/style.css" Open  None   Public  Json routes::assets::style,       "the style of the pages";
    "GET"  "/.well-known/jwks.json" Open  None   Public  Json routes::jwks::get,           "the public keys of access tokens";
    "GET"  "/auth"               Open     None   NoStore Html routes::home::get,           "leads to the account or to the log-in";
    "GET"  "/auth/"              Open     None   NoStore Html routes::home::get,           "leads to the account or to the log-in";
    "GET"  "/auth/login"         Open     None   NoStore Html routes::login::get,          "page: log-in; leads to `return_to` afterwards";
    "GET"  "/auth/signup"        Open     None   NoStore Html routes::signup::get,         "page: sign-up; leads to `return_to` afterwards";
    "GET"  "/auth/account"       SignedIn None   NoStore Html routes::account::get,        "page: the account and its sessions";
};
