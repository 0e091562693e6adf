//! Log-in.

use crate::Response;
use crate::call::Call;
use crate::cookies::Cookies;
use crate::problem::{Code, Problem};
use crate::routes::{answer, opened};
use cloakroom_app::session::Login;

/// `POST /auth/login`: sets the cookies; JSON for a program, back to where they came from for people.
pub(crate) async fn post(mut call: Call) -> Result<Response, Problem> {
    let email = call.fields.text("email")?;
    let password = call.fields.text("password")?;
    let remember = call.fields.flag("remember")?;
    let return_to = call.return_to()?;
    if call.fields.optional("strategy")?.is_some_and(|strategy| strategy != "cookie") {
        return Err(Code::StrategyNotOffered.into());
    }
    let cookies = Cookies::parse(&call.parts.headers, call.web.site().cookies)?;
    let login = Login {
        email: &email,
        password,
        remember,
        user_agent: call.user_agent(),
        address: call.client.address.to_string(),
        replaces: cookies.access,
    };
    match call.web.app().log_in(login).await.map_err(Problem::from) {
        Err(problem) if call.fields.form => call.login_page(Some(&problem), &email, &return_to),
        Err(problem) => Err(problem),
        Ok((account, session)) => {
            let mut response = if call.fields.form {
                call.web.redirect(return_to.as_str())
            } else {
                answer(&opened(&account, &session))
            };
            call.web.set_session(&mut response, &session);
            Ok(response)
        }
    }
}

/// `GET /auth/login`: the page, or straight on for somebody who is logged in.
pub(crate) async fn get(mut call: Call) -> Result<Response, Problem> {
    let return_to = call.return_to()?;
    if call.is_signed_in() {
        return Ok(call.web.redirect(return_to.as_str()));
    }
    call.login_page(None, "", &return_to)
}
