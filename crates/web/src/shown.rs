//! What a request shows of its session: cookies, or `Authorization` where a strategy of this site uses it.

use crate::Web;
use crate::cookies::Cookies;
use crate::navigation::text;
use crate::problem::Code;
use cloakroom_app::token::Credential;
use cloakroom_core::session::Strategy;
use http::header::{AUTHORIZATION, COOKIE, ORIGIN};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method};

/// What a request shows.
#[derive(Clone, Copy)]
pub(crate) struct Shown<'a> {
    pub(crate) credential: Credential<'a>,
    /// A refresh would give a script or a program what it lacks, but no navigation: it carries no `Authorization`.
    pub(crate) for_scripts: bool,
    /// No page of another site can make a browser send it, so where it comes from need not be asked.
    pub(crate) in_header: bool,
}

impl Web {
    /// What a request shows of its session; nothing of it is verified. Who sends `Authorization` is judged by it alone:
    /// a cookie never stands in for a token that is no good.
    pub(crate) fn shown<'a>(&self, headers: &'a HeaderMap, cookies: &Cookies<'a>) -> Result<Option<Shown<'a>>, Code> {
        if self.uses_authorization()
            && let Some(token) = bearer(headers)?
        {
            let (in_header, for_scripts) = (true, true);
            return Ok(match token.bytes().filter(|byte| *byte == b'.').count() {
                1 => cookies.signature.map(|signature| Shown {
                    credential: Credential::Halves { claims: token, signature },
                    in_header,
                    for_scripts,
                }),
                _ => Some(Shown { credential: Credential::Bearer(token), in_header, for_scripts }),
            });
        }
        // Where no session lives in halves, cookies of that name were planted.
        let in_halves = self.app.settings().offered.contains(&Strategy::Split);
        let credential = match (cookies.claims, cookies.signature) {
            (Some(claims), Some(signature)) if in_halves => Some(Credential::Halves { claims, signature }),
            _ => cookies.access.map(Credential::Cookie),
        };
        let for_scripts = cookies.access.is_some_and(|access| access.starts_with("c."));
        Ok(credential.map(|credential| Shown { credential, in_header: false, for_scripts }))
    }

    /// Whether `Authorization` holds a token of ours, or half of one. An upstream never gets it: it would open this door.
    pub fn owns_authorization(&self, headers: &HeaderMap) -> bool {
        let pieces = |value: &HeaderValue| {
            let text = String::from_utf8_lossy(value.as_bytes()).into_owned();
            text.split([' ', '\t', '"', ',']).any(|piece| self.app.names_our_key(piece))
        };
        self.uses_authorization() && headers.get_all(AUTHORIZATION).iter().any(pieces)
    }

    fn uses_authorization(&self) -> bool {
        self.app.settings().offered.iter().any(|strategy| strategy.uses_authorization())
    }

    /// Whether a request comes from a program that is no browser, where programs can log in: nothing that browsers add is
    /// in it, and nothing that one could have kept.
    pub(crate) fn is_program(&self, request: &Parts) -> bool {
        let headers = &request.headers;
        let from_browser = headers.keys().any(|name| name.as_str().starts_with("sec-fetch-"));
        self.app.settings().offered.contains(&Strategy::Native)
            && !from_browser
            && !headers.contains_key(COOKIE)
            && !headers.contains_key(ORIGIN)
            && request.method != Method::GET
    }
}

/// The token of `Authorization: Bearer`; other schemes are not ours. Two such headers are refused: who reads which?
pub(crate) fn bearer(headers: &HeaderMap) -> Result<Option<&str>, Code> {
    if !headers.contains_key(AUTHORIZATION) {
        return Ok(None);
    }
    let value = text(headers, AUTHORIZATION.as_str()).ok_or(Code::BadRequest)?;
    let Some((scheme, token)) = value.split_once(' ') else { return Ok(None) };
    Ok(scheme.eq_ignore_ascii_case("bearer").then_some(token.trim_matches(' ')))
}
