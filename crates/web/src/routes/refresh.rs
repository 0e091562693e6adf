//! Refresh, for scripts, for programs, and for navigations.

use crate::Response;
use crate::call::Call;
use crate::cookies::Cookies;
use crate::navigation::{is_navigation, text, with_return};
use crate::problem::{Code, Problem};
use crate::routes::{answer, opened};
use cloakroom_app::session::Company;

/// `POST /auth/refresh`: 200 as log-in; 401 `session-ended`; 409 `refresh-raced`. A program sends its token in the body.
pub(crate) async fn post(mut call: Call) -> Result<Response, Problem> {
    let in_body = call.fields.optional("refresh_token")?;
    let cookies = call.cookies()?;
    let (refresh, company) = match &in_body {
        Some(token) if call.web.is_program(&call.parts) => {
            (token.as_str(), Company { in_body: true, ..Company::default() })
        }
        Some(_) => return Err(Code::NativeInBrowser.into()),
        None => (cookies.refresh.ok_or(Code::SessionEnded)?, company_of(&cookies)),
    };
    let session = call.web.app().refresh(refresh, company).await?;
    let account = call.web.app().account(session.session.account).await?;
    let mut response = answer(&opened(&account, &session));
    call.web.set_session(&mut response, &session, call.client.slot);
    Ok(response)
}

/// `GET /auth/refresh?return_to=/path`: the same for a page without any JavaScript. It changes nothing that a stranger
/// could want changed: the refresh cookie is `Strict`, the answer goes to a local path only.
pub(crate) async fn get(mut call: Call) -> Result<Response, Problem> {
    if !is_navigation(&call.parts.method, &call.parts.headers) {
        return Err(Code::CrossSite.into());
    }
    let return_to = call.return_to()?;
    let cookies = call.cookies()?;
    let Some(refresh) = cookies.refresh else {
        return call.without_refresh_cookie(return_to.as_str()).await;
    };
    match call.web.app().refresh(refresh, company_of(&cookies)).await.map_err(Problem::from) {
        Ok(session) => {
            let mut response = call.redirect(return_to.as_str());
            call.web.set_session(&mut response, &session, call.client.slot);
            Ok(response)
        }
        // Fresh cookies are in the jar: the page itself will do.
        Err(problem) if problem.code == Code::RefreshRaced => Ok(call.redirect(return_to.as_str())),
        Err(problem) if problem.code == Code::SessionEnded => {
            let mut response = call.redirect(&with_return("/auth/login", return_to.as_str()));
            if problem.clear {
                call.web.clear_cookies(&mut response, call.client.slot);
            }
            Ok(response)
        }
        Err(problem) => Err(problem),
    }
}

fn company_of<'a>(cookies: &Cookies<'a>) -> Company<'a> {
    Company { in_body: false, access: cookies.access, halves: cookies.claims.zip(cookies.signature) }
}

impl Call {
    /// A `Strict` cookie stays away when the navigation began on another site, redirects included (CK-07). One step that
    /// begins here brings it along; if it is still missing then, it is gone.
    async fn without_refresh_cookie(&self, return_to: &str) -> Result<Response, Problem> {
        let began_here = matches!(text(&self.parts.headers, "sec-fetch-site"), Some("same-origin" | "none"));
        let second_try = self.query("hop").is_some();
        let known = match self.shown()? {
            Some(shown) => self.web.app().session_of(shown.credential).await.is_some(),
            None => false,
        };
        if known && !began_here && !second_try {
            return self.web.hop_page(&with_return("/auth/refresh", return_to), self.client.slot);
        }
        // Nothing is cleared: anybody can write this address into a link, and the session may well be alive.
        Ok(self.redirect(&with_return("/auth/login", return_to)))
    }
}
