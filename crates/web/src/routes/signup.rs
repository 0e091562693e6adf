//! Sign-up.

use crate::Response;
use crate::call::Call;
use crate::problem::Problem;
use crate::routes::accepted;
use serde_json::json;

/// `POST /auth/signup`: 202, or for a form back to the log-in page; the same whether or not the address is taken.
pub(crate) async fn post(mut call: Call) -> Result<Response, Problem> {
    let email = call.fields.text("email")?;
    let password = call.fields.text("password")?;
    let return_to = call.return_to()?;
    match call.web.app().sign_up(&email, password, &call.visit()?).await.map_err(Problem::from) {
        Err(problem) if call.fields.form => call.signup_page(Some(&problem), &email, &return_to).await,
        Err(problem) => Err(problem),
        Ok(()) if call.fields.form => Ok(call.after_signup(&return_to)),
        Ok(()) => Ok(accepted(&json!({ "status": "accepted", "login": "/auth/login" }))),
    }
}

/// `GET /auth/signup`: the page.
pub(crate) async fn get(mut call: Call) -> Result<Response, Problem> {
    call.needs_passwords()?;
    let return_to = call.return_to()?;
    call.signup_page(None, "", &return_to).await
}
