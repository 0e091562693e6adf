//! Who may pass to an upstream. The gateway asks for every request that it is about to forward.

use crate::client::Client;
use crate::cookies::Cookies;
use crate::navigation::{is_navigation, text, with_return};
use crate::problem::{ByProvider, Code, Problem};
use crate::shield::{Judged, judge_csrf};
use crate::{Response, Slot, Web};
use cloakroom_app::token::{Binding, Seen};
use cloakroom_app::{Error, Refusal};
use http::StatusCode;
use http::header::{CACHE_CONTROL, HeaderValue, LOCATION, ORIGIN};
use http::request::Parts;
use std::sync::Arc;

/// What a route of an upstream asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// Nothing: no session is looked at, none is passed on.
    Public,
    /// A session.
    SignedIn,
    /// A session if there is one.
    Optional,
}

/// What is known of a request's body.
#[derive(Clone, Copy)]
pub struct Body<'a> {
    /// Whether there is one, as the framing says.
    pub is_there: bool,
    /// The form token that was found in it, if [`Web::looks_for_form_token`] asked for that.
    pub form_token: Option<&'a str>,
}

/// The judgement.
pub enum Entry {
    /// It may pass, as somebody or as nobody.
    Pass(Option<Arc<Seen>>),
    /// It may not; this is the answer.
    Answer(Box<Response>),
}

impl Web {
    /// Judges a request to an upstream: its cookies, where it comes from, its session.
    pub async fn admit(&self, request: &Parts, body: Body<'_>, wanted: Wanted, client: &Client) -> Entry {
        match self.judge(request, body, wanted, client.slot).await {
            Ok(seen) => Entry::Pass(seen),
            Err(problem) => Entry::Answer(Box::new(self.answer_instead(problem, request, client))),
        }
    }

    /// The answer to a request that is not forwarded: a person is led on, or shown a page; a program gets the problem.
    pub fn answer_instead(&self, problem: Problem, request: &Parts, client: &Client) -> Response {
        // Whoever typed the address can do something about it, but not with a problem document.
        match problem.code {
            Code::DuplicateCookie => return self.heal(request, client),
            Code::CookiesTooLarge => return self.too_large(request, client),
            _ => {}
        }
        let problem = match problem.code {
            Code::SignedOut if problem.login.is_none() => self.signed_out(problem.code, request, client.slot),
            Code::Provider(ByProvider::TokenNeeded) => {
                problem.with("account", format!("{}{}", self.site.origin, client.slot.at("/auth/account")).into())
            }
            _ => problem,
        };
        if !is_navigation(&request.method, &request.headers) {
            return self.problem(&problem, client);
        }
        match problem.code {
            Code::SignedOut | Code::AccessExpired => {
                let path = request.uri.path_and_query().map_or("/", |path| path.as_str());
                self.lead_on(problem.code, path, client.slot)
            }
            Code::Provider(_) | Code::SecondFactorNeeded => {
                let mut response = self.error_page(&problem, client.slot);
                self.finish(response.headers_mut(), client);
                response
            }
            _ => self.problem(&problem, client),
        }
    }

    /// The form token for the page that a navigation of somebody who is signed in asks an upstream for.
    pub fn form_token_for(&self, request: &Parts, seen: &Seen) -> Option<String> {
        let page = is_navigation(&request.method, &request.headers);
        page.then(|| self.app.form_token(Binding::Session(seen.access().session)).ok()).flatten()
    }

    /// Whether a request to an upstream will only pass with a form token and carries none in its headers: then it may
    /// stand in the body, where a plain form puts it. Only the holder of a genuine access token is worth reading for.
    pub async fn looks_for_form_token(&self, request: &Parts, has_body: bool, wanted: Wanted, slot: Slot) -> bool {
        if wanted == Wanted::Public
            || !has_body
            || request.headers.contains_key(crate::FORM_TOKEN)
            || judge_csrf(&self.site, request, has_body) != Ok(Judged::TokenNeeded)
        {
            return false;
        }
        let Ok(cookies) = Cookies::parse(&request.headers, &self.site.cookies.in_slot(slot)) else { return false };
        match self.shown(&request.headers, &cookies) {
            Ok(Some(shown)) if !shown.in_header => self.app.session_of(shown.credential).await.is_some(),
            _ => false,
        }
    }

    async fn judge(
        &self,
        request: &Parts,
        body: Body<'_>,
        wanted: Wanted,
        slot: Slot,
    ) -> Result<Option<Arc<Seen>>, Problem> {
        // No session, no authority: what a public route does with a stranger's request is its own affair.
        if wanted == Wanted::Public {
            return Ok(None);
        }
        let cookies = Cookies::parse(&request.headers, &self.site.cookies.in_slot(slot))?;
        let Some(shown) = self.shown(&request.headers, &cookies)? else {
            let open = wanted == Wanted::Optional;
            return if open { Ok(None) } else { Err(self.signed_out(Code::SignedOut, request, slot)) };
        };
        if !shown.in_header {
            if judge_csrf(&self.site, request, body.is_there)? == Judged::TokenNeeded {
                let token = text(&request.headers, crate::FORM_TOKEN).or(body.form_token);
                self.check_form_token(token, Some(shown), cookies.device, false).await?;
            }
            self.embedded_elsewhere(request)?;
        }
        match self.app.authenticate(shown.credential).await {
            Ok(seen) => Ok(Some(seen)),
            Err(Error::Refused(Refusal::AccessExpired))
                if shown.for_scripts && is_navigation(&request.method, &request.headers) =>
            {
                if wanted == Wanted::Optional {
                    Ok(None)
                } else {
                    Err(self.signed_out(Code::NeedsScript, request, slot))
                }
            }
            Err(Error::Refused(Refusal::AccessExpired)) => {
                // A picture on an open page is shown to nobody in particular; a script or a person can refresh.
                let passive = wanted == Wanted::Optional
                    && !is_navigation(&request.method, &request.headers)
                    && !matches!(text(&request.headers, "sec-fetch-dest"), None | Some("empty" | "websocket"));
                if passive { Ok(None) } else { Err(self.signed_out(Code::AccessExpired, request, slot)) }
            }
            Err(Error::Refused(Refusal::SignedOut)) if wanted == Wanted::Optional => Ok(None),
            Err(Error::Refused(Refusal::SignedOut)) => Err(self.signed_out(Code::SignedOut, request, slot)),
            Err(other) => Err(other.into()),
        }
    }

    /// v5.0.0-3.5.8: what belongs to a session is loaded by pages of this site, or looked at; a page elsewhere that
    /// embeds it gets nothing, cookies or not.
    fn embedded_elsewhere(&self, request: &Parts) -> Result<(), Code> {
        let elsewhere = matches!(text(&request.headers, "sec-fetch-site"), Some("cross-site" | "same-site"));
        let trusted = text(&request.headers, ORIGIN.as_str()).is_some_and(|origin| self.site.trusts(origin));
        let looked_at = text(&request.headers, "sec-fetch-mode") == Some("navigate")
            && text(&request.headers, "sec-fetch-dest") == Some("document");
        if elsewhere && !trusted && !looked_at { Err(Code::CrossSite) } else { Ok(()) }
    }

    /// The problem of a request without a good session, with the address of the log-in page.
    pub(crate) fn signed_out(&self, code: Code, request: &Parts, slot: Slot) -> Problem {
        // A program's own address is nowhere to return to; the page that it runs in knows better.
        let path = request.uri.path_and_query().map_or("/", |path| path.as_str());
        let login = if is_navigation(&request.method, &request.headers) {
            with_return("/auth/login", path)
        } else {
            "/auth/login".to_owned()
        };
        Problem::new(code).with_login(format!("{}{}", self.site.origin, slot.at(&login)))
    }

    /// Leads a person on who looks at a page without a good session: to a refresh, or to the log-in.
    pub(crate) fn lead_on(&self, code: Code, path: &str, slot: Slot) -> Response {
        let to = if code == Code::AccessExpired { "/auth/refresh" } else { "/auth/login" };
        self.redirect(&slot.at(&with_return(to, path)))
    }

    /// A redirect after which a browser always sends GET (R97-17). `to` is a local path built here, one on a host of this site, or an
    /// address that the protocol of a provider has built; never a client's text.
    #[expect(clippy::unused_self, reason = "reads as an act of the site")]
    pub(crate) fn redirect(&self, to: &str) -> Response {
        let mut response = Response::default();
        *response.status_mut() = StatusCode::SEE_OTHER;
        let location = HeaderValue::from_str(to).unwrap_or(HeaderValue::from_static("/"));
        response.headers_mut().insert(LOCATION, location);
        response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        response
    }
}
