//! Log-out: the store first, then the browser.

use crate::Response;
use crate::call::Call;
use crate::cookies::Cookies;
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
    let cookies = Cookies::parse(&call.parts.headers, call.web.site().cookies)?;
    let ended = match cookies.access {
        Some(token) => call.web.app().log_out(token, scope).await,
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
        (true, true) => call.web.redirect("/auth/login?notice=logged-out"),
        (true, false) => call.web.redirect("/auth/account"),
        (false, _) => {
            let mut response = Response::default();
            *response.status_mut() = StatusCode::NO_CONTENT;
            response
        }
    };
    if gone {
        // BR-07: only after the store knows; it clears what pages kept, and says nothing about what a thief copied.
        response.headers_mut().insert(CLEAR_SITE_DATA, HeaderValue::from_static("\"cache\", \"storage\""));
        call.web.clear_cookies(&mut response);
        call.web.forget_pages(&mut response);
    }
    Ok(response)
}
