//! Carries out the columns of the route table, in one order for every route: path, method, cookies, CSRF, body, guard,
//! handler, headers.

use crate::call::{Call, Fields};
use crate::client::Client;
use crate::cookies::{Cookies, Kind};
use crate::door::Door;
use crate::heal::{Heal, LOGIN};
use crate::navigation::{is_navigation, text};
use crate::problem::{Code, Problem};
use crate::shapes::{Field, shape_of};
use crate::shield::{Judged, a_form_could_send, judge_csrf};
use crate::shown::{Shown, bearer};
use crate::table::{Body, Cache, Guard, ROUTES, Row, Speaks};
use crate::{Response, Slot, Web};
use bytes::Bytes;
use cloakroom_app::token::{Binding, Seen};
use cloakroom_app::{Error, Fault, Refusal};
use cloakroom_core::service;
use cloakroom_core::session::Strategy;
use cloakroom_core::time::Lifetime;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue, SET_COOKIE, VARY};
use http::request::Parts;
use http::{Method, Request};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;

/// The largest body of a route of ours, in bytes.
pub const MAX_BODY: usize = 16 * 1024;

/// The largest body with a list in it, in bytes: a thousand reports of a service.
pub const MAX_LIST: usize = 256 * 1024;

/// Who takes longer to send one is not waited for.
const BODY_FOR: Duration = Duration::from_secs(15);

impl Web {
    /// Answers a request to a path of ours. Every answer is complete with its headers.
    pub async fn respond<B>(self: &Arc<Self>, request: Request<B>, client: Client) -> Response
    where
        B: http_body::Body<Data = Bytes> + Send,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let (parts, body) = request.into_parts();
        let looking = is_navigation(&parts.method, &parts.headers);
        let mut response = match find(&parts) {
            Ok((row, id)) => self.run(row, id, parts, body, client).await,
            Err(problem) if looking => self.error_page(&problem, client.slot),
            Err(problem) => self.problem(&problem, &client),
        };
        self.finish(response.headers_mut(), &client);
        response
    }

    async fn run<B>(
        self: &Arc<Self>,
        row: &'static Row,
        id: Option<String>,
        parts: Parts,
        body: B,
        client: Client,
    ) -> Response
    where
        B: http_body::Body<Data = Bytes> + Send,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let navigating = row.speaks == Speaks::Html && is_navigation(&parts.method, &parts.headers);
        let posts_form = content_type(&parts).as_deref() == Some("application/x-www-form-urlencoded");
        let path = parts.uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
        let mut heal = Heal::of(self, &parts, client.slot);
        let answered = match self.let_in(row, id, parts, body, client).await {
            // On a task of its own: a client that goes away must not leave a change half announced.
            Ok(call) => match tokio::spawn((row.handler)(call)).await {
                Ok(answered) => answered,
                Err(panicked) => Err(Fault::new("a handler did not come to its end", panicked).into()),
            },
            Err(problem) => Err(problem),
        };
        let mut response = match answered {
            Ok(response) => response,
            // A person who looks at a page of ours is led on; a program is told.
            Err(problem) if navigating && matches!(problem.code, Code::SignedOut | Code::AccessExpired) => {
                self.lead_on(problem.code, &path, client.slot)
            }
            Err(problem) if row.guard == Guard::Client => self.oauth_problem(&problem, &client),
            Err(problem) if problem.code == Code::DuplicateCookie && navigating && row.path != LOGIN => {
                heal.lead_on(self, client.slot)
            }
            Err(problem) => {
                let clear = problem.clear;
                let planted = problem.code == Code::DuplicateCookie;
                let for_person = (navigating || posts_form) && row.guard != Guard::Provider;
                let mut response =
                    if for_person { self.error_page(&problem, client.slot) } else { self.problem(&problem, &client) };
                if clear {
                    self.clear_cookies(&mut response, client.slot);
                }
                heal.disperse(self, &mut response);
                if planted {
                    heal.clear(self, &mut response, client.slot, self.plants_stand_apart());
                }
                response
            }
        };
        if heal.left_behind && response.headers().contains_key(SET_COOKIE) {
            heal.clear(self, &mut response, client.slot, true);
        }
        let cache = match row.cache {
            Cache::NoStore => HeaderValue::from_static("no-store"),
            Cache::Public => HeaderValue::from_str(&format!("public, max-age={}", self.site.jwks_max_age.as_secs()))
                .unwrap_or(HeaderValue::from_static("no-cache")),
        };
        response.headers_mut().entry(CACHE_CONTROL).or_insert(cache);
        response.headers_mut().append(VARY, HeaderValue::from_static("Cookie, Sec-Fetch-Mode, Sec-Fetch-Dest, Accept"));
        response
    }

    /// Applies the row's rules. What it returns is fit for the handler.
    async fn let_in<B>(
        self: &Arc<Self>,
        row: &Row,
        id: Option<String>,
        parts: Parts,
        body: B,
        client: Client,
    ) -> Result<Call, Problem>
    where
        B: http_body::Body<Data = Bytes> + Send,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        if row.guard == Guard::Client {
            // What it shows of itself is all its authority, and no browser adds it by itself: no cookie is read.
            if parts.uri.query().is_some() {
                return Err(Code::Service(service::Refusal::ParametersInUrl).into());
            }
            let fields = read(row, &parts, body).await?.of(fields_of(row))?;
            return Ok(Call { web: Arc::clone(self), client, fields, seen: None, id, parts });
        }
        let cookies = Cookies::parse(&parts.headers, &self.site.cookies.in_slot(client.slot))?;
        let has_body = !body.is_end_stream();
        let door = self.door(&parts);
        if row.guard == Guard::Approver && self.approval_site.is_some() && door == Door::Public {
            return Err(Code::ApprovalElsewhere.into());
        }
        // Of an approval a session says nothing but which form tokens its browser was given: whose it is, its name says.
        let shown = self.shown(&parts.headers, &cookies)?;
        let judged = match row.guard {
            // Its own secret in a header is all its authority; no browser is involved.
            Guard::Service => {
                self.let_service_in(&parts)?;
                Judged::Pass
            }
            _ if row.body == Body::Report || row.guard == Guard::Provider => Judged::Pass,
            // Only where that header is all that is judged: elsewhere a cookie may be the authority.
            Guard::SignedIn if shown.is_some_and(|shown| shown.in_header) => Judged::Pass,
            _ if self.is_program(&parts) && !a_form_could_send(&parts, has_body) => Judged::Pass,
            _ => judge_csrf(self.site_at(door), &parts, has_body)?,
        };
        let mut fields = read(row, &parts, body).await?;
        if row.body != Body::None {
            fields = fields.of(fields_of(row))?;
        }
        let in_form = fields.optional("cloakroom_csrf")?;
        if judged == Judged::TokenNeeded {
            let token = text(&parts.headers, crate::FORM_TOKEN).map(str::to_owned).or(in_form);
            let at_entrance = matches!(row.guard, Guard::Entrance | Guard::Approver);
            self.check_form_token(token.as_deref(), shown, cookies.device, at_entrance).await?;
        }
        let seen = match (row.guard, shown) {
            (Guard::Open | Guard::Entrance | Guard::Service | Guard::Provider | Guard::Approver | Guard::Client, _) => {
                None
            }
            (Guard::SignedIn, None) => return Err(self.signed_out(Code::SignedOut, &parts, client.slot)),
            (Guard::SignedIn, Some(shown)) => Some(self.authenticate(shown, &parts, client.slot).await?),
        };
        Ok(Call { web: Arc::clone(self), client, fields, seen, id, parts })
    }

    async fn authenticate(&self, shown: Shown<'_>, parts: &Parts, slot: Slot) -> Result<Arc<Seen>, Problem> {
        let form = content_type(parts).as_deref() == Some("application/x-www-form-urlencoded");
        let judged = if form || is_navigation(&parts.method, &parts.headers) {
            self.app.authenticate_person(shown.credential).await
        } else {
            self.app.authenticate(shown.credential).await
        };
        judged.map_err(|error| match error {
            Error::Refused(Refusal::AccessExpired) => self.signed_out(Code::AccessExpired, parts, slot),
            Error::Refused(Refusal::SignedOut) => self.signed_out(Code::SignedOut, parts, slot),
            other => other.into(),
        })
    }

    /// A service that follows the feed shows the secret of the configuration.
    fn let_service_in(&self, parts: &Parts) -> Result<(), Problem> {
        if !self.app.offers_feed() {
            return Err(Code::FeedNotOffered.into());
        }
        match bearer(&parts.headers)? {
            Some(token) if self.app.may_read_feed(token) => Ok(()),
            _ => Err(Code::NotAService.into()),
        }
    }

    /// Checks a form token against the session of this browser; where there is none, against its device cookie. A sibling
    /// host can plant that cookie and knows a token for it, so beside a session it counts only at the entrance, whose
    /// page may be older than the session.
    pub(crate) async fn check_form_token(
        &self,
        token: Option<&str>,
        shown: Option<Shown<'_>>,
        device: Option<&str>,
        at_entrance: bool,
    ) -> Result<(), Problem> {
        let token = token.ok_or(Code::FormTokenNeeded)?;
        let session = match shown {
            Some(shown) => self.app.session_of(shown.credential).await.map(Binding::Session),
            None => None,
        };
        let device = device.filter(|_| session.is_none() || at_entrance).map(Binding::Device);
        let bindings = session.into_iter().chain(device);
        let mut judged = Err(Code::FormTokenNeeded.into());
        for binding in bindings {
            judged = self.app.check_form_token(token, binding).map_err(Problem::from);
            if judged.is_ok() {
                break;
            }
        }
        judged
    }

    /// Clears the session's cookies. Only on log-out, and when a presented refresh token's session is known to be over.
    pub(crate) fn clear_cookies(&self, response: &mut Response, slot: Slot) {
        for kind in self.kinds() {
            self.set_cookie(response, &self.site.cookies.in_slot(slot).clear(kind, self.site.same_site));
        }
    }

    /// Every cookie that a session of this site can have.
    pub(crate) fn kinds(&self) -> impl Iterator<Item = Kind> {
        let splits = |strategy: &Strategy| matches!(strategy, Strategy::Split | Strategy::SplitBearer);
        let split = self.app.settings().offered.iter().any(splits);
        let all = [Kind::Access, Kind::Refresh, Kind::Claims, Kind::Signature];
        all.into_iter().filter(move |kind| split || matches!(kind, Kind::Access | Kind::Refresh))
    }

    /// Makes Chromium throw pages of the session out of its back/forward cache: it does so for `no-store` pages when an
    /// `HttpOnly` cookie of theirs changes, but seen (Chromium 156) not on the mere clearing of the session's cookies if
    /// the page itself was reached over a refresh. One more cookie that comes and goes is noticed.
    pub(crate) fn forget_pages(&self, response: &mut Response, slot: Slot) {
        let names = self.site.cookies.in_slot(slot);
        let cookie = names.write(Kind::LoggedOut, "1", Some(Lifetime::from_secs(1)), self.site.same_site);
        self.set_cookie(response, &cookie);
    }

    /// Adds a `Set-Cookie`; what sets one is never stored anywhere.
    #[expect(clippy::unused_self, reason = "cookies are the site's to set")]
    pub(crate) fn set_cookie(&self, response: &mut Response, cookie: &str) {
        if let Ok(mut value) = HeaderValue::from_str(cookie) {
            value.set_sensitive(true);
            response.headers_mut().append(SET_COOKIE, value);
            response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        }
    }
}

/// The row of a request, and what stands in its path in the place of `{id}`.
fn find(parts: &Parts) -> Result<(&'static Row, Option<String>), Problem> {
    let method = if parts.method == Method::HEAD { "GET" } else { parts.method.as_str() };
    let path = parts.uri.path();
    let found = rows_of(path).find(|(row, _)| row.method == method);
    if let Some((row, id)) = found {
        return Ok((row, (!id.is_empty()).then(|| id.to_owned())));
    }
    match allowed(path) {
        allowed if allowed.is_empty() => Err(Code::NotFound.into()),
        allowed => Err(Problem::allowing(allowed)),
    }
}

/// The rows of a path, with what stands in the place of `{id}`: a path that has a row of its own is no id.
fn rows_of(path: &str) -> impl Iterator<Item = (&'static Row, &str)> {
    let own = ROUTES.iter().any(|row| row.path == path);
    let rows = ROUTES.iter().filter(move |row| !own || row.path == path);
    rows.filter_map(move |row| matches(row.path, path).map(|id| (row, id)))
}

/// `Allow` for a path of ours.
fn allowed(path: &str) -> String {
    rows_of(path).map(|(row, _)| row.method).collect::<Vec<_>>().join(", ")
}

/// Whether a path is that of a row: the same, or with one segment that is not empty in the place of a last `{id}`. What
/// stands there; nothing where there is no such place.
fn matches<'a>(row: &str, path: &'a str) -> Option<&'a str> {
    match row.strip_suffix("{id}") {
        None => (row == path).then_some(""),
        Some(before) => path.strip_prefix(before).filter(|id| !id.is_empty() && !id.contains('/')),
    }
}

fn content_type(parts: &Parts) -> Option<String> {
    let essence = text(&parts.headers, CONTENT_TYPE.as_str())?.split(';').next()?;
    Some(essence.trim().to_ascii_lowercase())
}

/// The fields that a route is described to have.
fn fields_of(row: &Row) -> &'static [Field] {
    shape_of(row.method, row.path).map_or(&[], |shape| shape.fields)
}

async fn read<B>(row: &Row, parts: &Parts, body: B) -> Result<Fields, Problem>
where
    B: http_body::Body<Data = Bytes> + Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    if row.body == Body::None {
        return Ok(Fields::default());
    }
    let most = if row.body == Body::List { MAX_LIST } else { MAX_BODY };
    let body = match timeout(BODY_FOR, Limited::new(body, most).collect()).await {
        Ok(Ok(body)) => body.to_bytes(),
        Ok(Err(error)) if error.is::<LengthLimitError>() => return Err(Code::TooLarge.into()),
        Ok(Err(_)) => return Err(Code::BadRequest.into()),
        Err(_) => return Err(Code::TooSlow.into()),
    };
    let content_type = content_type(parts);
    match (row.body, content_type.as_deref()) {
        (Body::Report, Some("application/csp-report" | "application/reports+json" | "application/json")) => {
            Ok(Fields::default())
        }
        (Body::Fields, None | Some("application/json")) if body.is_empty() => Ok(Fields::default()),
        (Body::Fields | Body::List, Some("application/json")) => Ok(Fields::json(&body)?),
        (Body::Fields, Some("application/x-www-form-urlencoded")) => Ok(Fields::form(&body)?),
        (Body::Parameters, Some("application/x-www-form-urlencoded")) => Ok(Fields::parameters(&body)?),
        _ => Err(Code::UnsupportedMediaType.into()),
    }
}
