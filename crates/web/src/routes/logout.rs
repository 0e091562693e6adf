//! Log-out: the store first, then the browser.

use crate::Response;
use crate::call::Call;
use crate::problem::{Code, Problem};
use crate::routes::answer;
use cloakroom_app::Error;
use cloakroom_app::session::Scope;
use cloakroom_app::token::Credential;
use http::StatusCode;
use http::header::{HeaderName, HeaderValue};
use serde_json::json;

const CLEAR_SITE_DATA: HeaderName = HeaderName::from_static("clear-site-data");

/// `POST /auth/logout`: ends this session. Who is logged out already gets the same answer.
pub(crate) async fn this(call: Call) -> Result<Response, Problem> {
    end(call, Scope::This).await
}

/// `POST /auth/logout/others`.
pub(crate) async fn others(call: Call) -> Result<Response, Problem> {
    end(call, Scope::Others).await
}

/// `POST /auth/logout/all`.
pub(crate) async fn all(call: Call) -> Result<Response, Problem> {
    end(call, Scope::All).await
}

async fn end(call: Call, scope: Scope) -> Result<Response, Problem> {
    let shown = call.every_proof()?;
    // Asked before, since it is the session that knows its provider.
    let way_out = match scope {
        Scope::This | Scope::All => call.web.app().way_out(&shown).await?,
        Scope::Others => None,
    };
    let ended = match scope {
        Scope::Others | Scope::All => call.web.app().log_out_of(call.seen()?, scope).await,
        Scope::This => call.web.app().log_out(&shown, way_out.is_some()).await,
    };
    let in_halves = shown.iter().any(|shown| matches!(shown, Credential::Halves { .. }));
    match ended {
        Ok(()) => {}
        // Halves that do not belong together name no session, though one may well be alive: a refresh mends them.
        Err(Error::Refused(_)) if scope == Scope::This && in_halves => return Err(Code::AccessExpired.into()),
        Err(Error::Refused(_)) if scope == Scope::This => {}
        Err(Error::Refused(_)) => return Err(Code::SignedOut.into()),
        Err(Error::Failed(fault)) => return Err(fault.into()),
    }
    let gone = scope != Scope::Others;
    let mut response = match (call.fields.form, &way_out) {
        (true, Some(to)) => call.web.leave_page("You are logged out here", to, call.client.slot)?,
        (false, Some(to)) => answer(&json!({ "continue_at": to })),
        (true, None) if gone => call.redirect("/auth/login?notice=logged-out"),
        (true, None) => call.redirect("/auth/account?notice=others-ended"),
        (false, None) => {
            let mut response = Response::default();
            *response.status_mut() = StatusCode::NO_CONTENT;
            response
        }
    };
    if gone {
        call.say_goodbye(&mut response);
    }
    Ok(response)
}

impl Call {
    /// Everything that may name the session to end: what is shown, and the access cookie beside it.
    fn every_proof(&self) -> Result<Vec<Credential<'_>>, Code> {
        let cookie = self.cookies()?.access.map(Credential::Cookie);
        let shown = self.shown()?.map(|shown| shown.credential);
        let same = matches!(shown, Some(Credential::Cookie(_)));
        Ok(shown.into_iter().chain(cookie.filter(|_| !same)).collect())
    }

    /// BR-07: only after the store knows. Clears what pages kept, and says nothing about what a thief copied. Storage is
    /// one for all slots: where there are several, the accounts of the others keep theirs.
    pub(crate) fn say_goodbye(&self, response: &mut Response) {
        let alone = self.web.site().slots < 2;
        let cleared = if alone { "\"cache\", \"storage\"" } else { "\"cache\"" };
        response.headers_mut().insert(CLEAR_SITE_DATA, HeaderValue::from_static(cleared));
        self.web.clear_cookies(response, self.client.slot);
        self.web.forget_pages(response, self.client.slot);
    }
}
