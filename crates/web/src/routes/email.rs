//! The address of an account: confirmed, changed, and the change taken back.

use crate::Response;
use crate::call::Call;
use crate::pages::Mailed;
use crate::problem::Problem;
use crate::routes::{accepted, no_content};
use serde_json::json;

/// `POST /auth/email/verify`.
pub(crate) async fn verify(mut call: Call) -> Result<Response, Problem> {
    let token = call.fields.text("token")?;
    let password = call.fields.text("password")?;
    let done = call.web.app().confirm_email(&token, password).await.map_err(Problem::from);
    call.after_mail(Mailed::Confirm, done, &token).await
}

/// `GET /auth/email/verify`.
pub(crate) async fn verify_page(call: Call) -> Result<Response, Problem> {
    call.token_page(Mailed::Confirm, None, "").await
}

/// `POST /auth/email/resend`: the same whether or not there is such an account.
pub(crate) async fn resend(mut call: Call) -> Result<Response, Problem> {
    let email = call.fields.text("email")?;
    match call.web.app().resend_confirmation(&email, &call.visit()?).await.map_err(Problem::from) {
        Err(problem) if call.fields.form => call.ask_address_page(Mailed::Confirm, Some(&problem), &email).await,
        Err(problem) => Err(problem),
        Ok(()) if call.fields.form => call.on_its_way_page(Mailed::Confirm, &email),
        Ok(()) => Ok(accepted(&json!({ "status": "accepted" }))),
    }
}

/// `GET /auth/email/resend`.
pub(crate) async fn resend_page(call: Call) -> Result<Response, Problem> {
    call.ask_address_page(Mailed::Confirm, None, "").await
}

/// `POST /auth/email/change`: nothing changes before the new address has confirmed itself.
pub(crate) async fn change(mut call: Call) -> Result<Response, Problem> {
    let email = call.fields.text("email")?;
    let approval = call.fields.optional("step_up")?.unwrap_or_default();
    match call.web.app().change_email(call.seen()?, &approval, &email).await.map_err(Problem::from) {
        Err(problem) if call.fields.form => call.account_page(Some(&problem)).await,
        Err(problem) => Err(problem),
        Ok(()) if call.fields.form => call.on_its_way_page(Mailed::NewAddress, &email),
        Ok(()) => Ok(accepted(&json!({ "status": "accepted" }))),
    }
}

/// `POST /auth/email/confirm`.
pub(crate) async fn confirm(mut call: Call) -> Result<Response, Problem> {
    let token = call.fields.text("token")?;
    let password = call.fields.text("password")?;
    let done = call.web.app().confirm_new_email(&token, password, &call.visit()?).await.map_err(Problem::from);
    call.after_mail(Mailed::NewAddress, done, &token).await
}

/// `GET /auth/email/confirm`.
pub(crate) async fn confirm_page(call: Call) -> Result<Response, Problem> {
    call.token_page(Mailed::NewAddress, None, "").await
}

/// `POST /auth/email/back`.
pub(crate) async fn back(mut call: Call) -> Result<Response, Problem> {
    let token = call.fields.text("token")?;
    let done = call.web.app().take_email_back(&token).await.map_err(Problem::from);
    call.after_mail(Mailed::Back, done, &token).await
}

/// `GET /auth/email/back`.
pub(crate) async fn back_page(call: Call) -> Result<Response, Problem> {
    call.token_page(Mailed::Back, None, "").await
}

impl Call {
    /// What a mailed token has led to: 204 for a program, a page for people.
    pub(crate) async fn after_mail(
        &self,
        mailed: Mailed,
        done: Result<(), Problem>,
        token: &str,
    ) -> Result<Response, Problem> {
        match done {
            Err(problem) if self.fields.form => self.token_page(mailed, Some(&problem), token).await,
            Err(problem) => Err(problem),
            Ok(()) if self.fields.form => self.done_page(mailed),
            Ok(()) => Ok(no_content()),
        }
    }
}
