//! A password: changed, forgotten, reset.

use crate::Response;
use crate::call::Call;
use crate::pages::Mailed;
use crate::problem::Problem;
use crate::routes::{accepted, answer, no_content, opened};
use serde_json::json;

/// `POST /auth/password/change`: all sessions end; the one that asked goes on under a new name, with new cookies.
pub(crate) async fn change(mut call: Call) -> Result<Response, Problem> {
    let current = call.fields.text("current")?;
    let password = call.fields.text("password")?;
    let approval = call.fields.optional("step_up")?;
    let seen = std::sync::Arc::clone(call.seen()?);
    let visit = call.visit()?;
    let changed = call.web.app().change_password(&seen, approval.as_deref(), current, password, &visit).await;
    match changed.map_err(Problem::from) {
        Err(problem) if call.fields.form => call.account_page(Some(&problem)).await,
        Err(problem) => Err(problem),
        Ok((account, session)) => {
            let mut response = if call.fields.form {
                call.redirect("/auth/account?notice=password-changed")
            } else {
                answer(&opened(&account, &session))
            };
            call.web.set_session(&mut response, &session, call.client.slot);
            Ok(response)
        }
    }
}

/// `POST /auth/password/forgot`: the same whether or not there is such an account.
pub(crate) async fn forgot(mut call: Call) -> Result<Response, Problem> {
    let email = call.fields.text("email")?;
    match call.web.app().forgot_password(&email, &call.visit()?).await.map_err(Problem::from) {
        Err(problem) if call.fields.form => call.ask_address_page(Mailed::Reset, Some(&problem), &email).await,
        Err(problem) => Err(problem),
        Ok(()) if call.fields.form => call.on_its_way_page(Mailed::Reset, &email),
        Ok(()) => Ok(accepted(&json!({ "status": "accepted" }))),
    }
}

/// `GET /auth/forgot`.
pub(crate) async fn forgot_page(call: Call) -> Result<Response, Problem> {
    call.needs_passwords()?;
    call.ask_address_page(Mailed::Reset, None, "").await
}

/// `POST /auth/password/reset`: 204; logs nobody in.
pub(crate) async fn reset(mut call: Call) -> Result<Response, Problem> {
    let token = call.fields.text("token")?;
    let password = call.fields.text("password")?;
    match call.web.app().reset_password(&token, password, &call.visit()?).await.map_err(Problem::from) {
        Err(problem) if call.fields.form => call.token_page(Mailed::Reset, Some(&problem), &token).await,
        Err(problem) => Err(problem),
        Ok(()) if call.fields.form => Ok(call.redirect("/auth/login?notice=password-reset")),
        Ok(()) => Ok(no_content()),
    }
}

/// `GET /auth/reset`.
pub(crate) async fn reset_page(call: Call) -> Result<Response, Problem> {
    call.needs_passwords()?;
    call.token_page(Mailed::Reset, None, "").await
}
