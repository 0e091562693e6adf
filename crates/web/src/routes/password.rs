//! Change of a password.

use crate::Response;
use crate::call::Call;
use crate::problem::Problem;
use crate::routes::{answer, opened};

/// `POST /auth/password/change`: `current`, `password`. All sessions end; the one that asked goes on under a new name, with
/// new cookies.
pub(crate) async fn change(mut call: Call) -> Result<Response, Problem> {
    let current = call.fields.text("current")?;
    let password = call.fields.text("password")?;
    let seen = std::sync::Arc::clone(call.seen()?);
    match call.web.app().change_password(&seen, current, password).await.map_err(Problem::from) {
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
