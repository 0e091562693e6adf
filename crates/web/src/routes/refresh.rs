//! Refresh, for scripts and for navigations.

use crate::Response;
use crate::call::Call;
use crate::cookies::Cookies;
use crate::navigation::{is_navigation, text, with_return};
use crate::problem::{Code, Problem};
use crate::routes::{answer, opened};

/// `POST /auth/refresh`: 200 as log-in; 401 `session-ended`; 409 `refresh-raced`.
pub(crate) async fn post(call: Call) -> Result<Response, Problem> {
    let cookies = Cookies::parse(&call.parts.headers, call.web.site().cookies)?;
    let refresh = cookies.refresh.ok_or(Code::SessionEnded)?;
    let session = call.web.app().refresh(refresh, cookies.access).await?;
    let account = call.web.app().account(session.session.account).await?;
    let mut response = answer(&opened(&account, &session));
    call.web.set_session(&mut response, &session);
    Ok(response)
}

/// `GET /auth/refresh?return_to=/path`: the same for a page without any JavaScript. It changes nothing that a stranger
/// could want changed: the refresh cookie is `Strict`, the answer goes to a local path only.
pub(crate) async fn get(mut call: Call) -> Result<Response, Problem> {
    if !is_navigation(&call.parts.method, &call.parts.headers) {
        return Err(Code::CrossSite.into());
    }
    let return_to = call.return_to()?;
    let cookies = Cookies::parse(&call.parts.headers, call.web.site().cookies)?;
    let Some(refresh) = cookies.refresh else {
        return call.without_refresh_cookie(&cookies, return_to.as_str());
    };
    match call.web.app().refresh(refresh, cookies.access).await.map_err(Problem::from) {
        Ok(session) => {
            let mut response = call.web.redirect(return_to.as_str());
            call.web.set_session(&mut response, &session);
            Ok(response)
        }
        // Fresh cookies are in the jar: the page itself will do.
        Err(problem) if problem.code == Code::RefreshRaced => Ok(call.web.redirect(return_to.as_str())),
        Err(problem) if problem.code == Code::SessionEnded => {
            let mut response = call.web.redirect(&with_return("/auth/login", return_to.as_str()));
            if problem.clear {
                call.web.clear_cookies(&mut response);
            }
            Ok(response)
        }
        Err(problem) => Err(problem),
    }
}

impl Call {
    /// A `Strict` cookie stays away when the navigation began on another site, redirects included (CK-07). One step that
    /// begins here brings it along; if it is still missing then, it is gone.
    fn without_refresh_cookie(&self, cookies: &Cookies<'_>, return_to: &str) -> Result<Response, Problem> {
        let began_here = matches!(text(&self.parts.headers, "sec-fetch-site"), Some("same-origin" | "none"));
        let second_try = self.query("hop").is_some();
        let known = cookies.access.is_some_and(|access| self.web.app().session_of(access).is_some());
        if known && !began_here && !second_try {
            return self.web.hop_page(&with_return("/auth/refresh", return_to));
        }
        // Nothing is cleared: anybody can write this address into a link, and the session may well be alive.
        Ok(self.web.redirect(&with_return("/auth/login", return_to)))
    }
}
