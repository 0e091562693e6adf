//! The sessions of an account: listed, and ended one by one.

use crate::Response;
use crate::call::Call;
use crate::problem::{Code, Problem};
use crate::routes::answer;
use cloakroom_core::id::SessionId;
use cloakroom_core::session::{Session, device_name};
use http::StatusCode;
use serde_json::{Value, json};

/// `GET /auth/sessions`: those that have not ended, the one used last first.
pub(crate) async fn list(call: Call) -> Result<Response, Problem> {
    let seen = call.seen()?;
    let sessions = call.web.app().sessions(seen).await?;
    let rows: Vec<Value> = sessions.iter().map(|session| row(session, seen.access().session)).collect();
    Ok(answer(&json!({ "sessions": rows })))
}

/// `DELETE /auth/sessions/{id}`: 204, also when it had ended already; 404 when the account has no such session.
pub(crate) async fn end(call: Call) -> Result<Response, Problem> {
    let id = call.id.as_deref().and_then(|id| id.parse().ok()).ok_or(Code::UnknownSession)?;
    let mut response = Response::default();
    *response.status_mut() = StatusCode::NO_CONTENT;
    end_one(&call, id, response).await
}

/// `POST /auth/sessions/end`: the same for the form of the account page.
pub(crate) async fn end_by_form(mut call: Call) -> Result<Response, Problem> {
    let id: SessionId = call.fields.text("session")?.parse().map_err(|_| Code::UnknownSession)?;
    let here = call.seen()?.access().session == id;
    let response =
        call.redirect(if here { "/auth/login?notice=logged-out" } else { "/auth/account?notice=session-ended" });
    end_one(&call, id, response).await
}

async fn end_one(call: &Call, id: SessionId, mut response: Response) -> Result<Response, Problem> {
    let seen = call.seen()?;
    call.web.app().end_session(seen, id).await?;
    if seen.access().session == id {
        call.say_goodbye(&mut response);
    }
    Ok(response)
}

fn row(session: &Session, here: SessionId) -> Value {
    json!({
        "id": session.id.to_string(),
        "current": session.id == here,
        "device": device_name(&session.user_agent),
        "address": session.address,
        "opened_at": session.opened_at.unix_seconds(),
        "last_used_at": session.last_used_at.unix_seconds(),
        "ends_at": session.absolute_until.unix_seconds(),
        "methods": session.method.amr(),
        "strategy": session.strategy.as_str(),
        "remember": session.remember,
        "bound": session.is_bound(),
    })
}
