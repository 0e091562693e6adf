//! Log-out: the store first, then the browser.

use crate::Response;
use crate::call::Call;
use crate::problem::{Code, Problem};
use cloakroom_app::session::Scope;
use cloakroom_app::{Error, Refusal};
use http::StatusCode;
use http::header::{HeaderName, HeaderValue};

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
    let ended = match call.shown()? {
        Some(shown) => call.web.app().log_out(shown.credential, scope).await,
        None => Err(Refusal::SignedOut.into()),
    };
    match ended {
        Ok(()) => {}
        Err(Error::Refused(_)) if scope == Scope::This => {}
        Err(Error::Refused(_)) => return Err(Code::SignedOut.into()),
        Err(Error::Failed(fault)) => return Err(fault.into()),
    }
    let gone = scope != Scope::Others;
    let mut response = match (call.fields.form, gone) {
        (true, true) => call.redirect("/auth/login?notice=logged-out"),
        (true, false) => call.redirect("/auth/account"),
        (false, _) => {
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
