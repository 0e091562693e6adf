//! Log-in.

use crate::Response;
use crate::call::Call;
use crate::problem::{Code, Problem};
use crate::routes::{answer, opened};
use cloakroom_app::session::Login;
use cloakroom_core::session::Strategy;

/// `POST /auth/login`: sets the cookies; JSON for a program, back to where they came from for people.
pub(crate) async fn post(mut call: Call) -> Result<Response, Problem> {
    let email = call.fields.text("email")?;
    let password = call.fields.text("password")?;
    let remember = call.fields.flag("remember")?;
    let return_to = call.return_to()?;
    let strategy = call.strategy()?;
    let login = Login {
        email: &email,
        password,
        remember,
        user_agent: call.user_agent(),
        address: call.client.address.to_string(),
        strategy,
        replaces: call.shown()?.map(|shown| shown.credential),
    };
    match call.web.app().log_in(login).await.map_err(Problem::from) {
        Err(problem) if call.fields.form => call.login_page(Some(&problem), &email, &return_to).await,
        Err(problem) => Err(problem),
        Ok((account, session)) => {
            let mut response =
                if call.fields.form { call.redirect(return_to.as_str()) } else { answer(&opened(&account, &session)) };
            call.web.set_session(&mut response, &session, call.client.slot);
            Ok(response)
        }
    }
}

/// `GET /auth/login`: the page, or straight on for somebody who is logged in.
pub(crate) async fn get(mut call: Call) -> Result<Response, Problem> {
    let return_to = call.return_to()?;
    if call.is_signed_in().await {
        return Ok(call.redirect(return_to.as_str()));
    }
    call.login_page(None, "", &return_to).await
}

impl Call {
    /// The strategy that a log-in asks for, else the one of this site. A browser never gets the tokens of a program: a
    /// script could keep them.
    fn strategy(&mut self) -> Result<Strategy, Problem> {
        let strategy = match self.fields.optional("strategy")? {
            Some(text) => Strategy::from_text(&text).ok_or(Code::StrategyNotOffered)?,
            None => self.web.app().settings().strategy,
        };
        if strategy == Strategy::Native && !self.web.is_program(&self.parts) {
            let offered = self.web.app().settings().offered.contains(&strategy);
            return Err(if offered { Code::NativeInBrowser } else { Code::StrategyNotOffered }.into());
        }
        Ok(strategy)
    }
}
