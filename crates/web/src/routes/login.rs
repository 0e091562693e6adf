//! Log-in: a password, its second factor, or a passkey alone.

use crate::Response;
use crate::call::Call;
use crate::problem::{Code, Problem};
use crate::routes::{answer, opened, with};
use cloakroom_app::login::{Answer, Asked, Entered, LoggedIn, Login, Wish};
use cloakroom_core::return_to::ReturnTo;
use cloakroom_core::session::Strategy;
use serde_json::{Value, json};

/// `POST /auth/login`: sets the cookies; JSON for a program, back to where they came from for people.
pub(crate) async fn post(mut call: Call) -> Result<Response, Problem> {
    let email = call.fields.text("email")?;
    let password = call.fields.text("password")?;
    let wish = call.wish()?;
    let return_to = call.return_to()?;
    let device = call.kept_device()?;
    let login = Login {
        email: &email,
        password,
        wish,
        visit: call.visit_of(device.as_deref())?,
        replaces: call.shown()?.map(|shown| shown.credential),
    };
    match call.web.app().log_in(login).await.map_err(Problem::from) {
        Err(problem) if call.fields.form => call.login_page(Some(&problem), &email, &return_to).await,
        Err(problem) => Err(problem),
        Ok(LoggedIn::Entered(entered)) => Ok(call.enter(&entered, &return_to)),
        Ok(LoggedIn::SecondFactor(asked)) if call.fields.form => call.factor_page(None, &asked, &return_to).await,
        Ok(LoggedIn::SecondFactor(asked)) => {
            Err(Problem::new(Code::SecondFactorAsked).with("second_factor", question(&asked)))
        }
    }
}

/// `POST /auth/login/factor`.
pub(crate) async fn factor(mut call: Call) -> Result<Response, Problem> {
    let id = call.fields.text("id")?;
    let return_to = call.return_to()?;
    let totp = call.fields.optional("totp")?.filter(|code| !code.is_empty());
    let recovery = call.fields.optional("recovery")?.filter(|code| !code.is_empty());
    let passkey = call.fields.json_text("passkey")?.filter(|response| !response.is_empty());
    let shown = match (&totp, &recovery, &passkey) {
        (Some(code), None, None) => Answer::Totp(code),
        (None, Some(code), None) => Answer::Recovery(code),
        (None, None, Some(response)) => Answer::Passkey(response),
        _ => return Err(Code::BadRequest.into()),
    };
    let device = call.kept_device()?;
    let (visit, replaces) = (call.visit_of(device.as_deref())?, call.shown()?.map(|shown| shown.credential));
    match call.web.app().log_in_with_factor(&id, shown, &visit, replaces).await.map_err(Problem::from) {
        Ok(entered) => match entered.recovery_left.filter(|_| call.fields.form) {
            Some(left) => {
                let mut response = call.recovered_page(left, &return_to)?;
                call.keep(&mut response, &entered);
                Ok(response)
            }
            None => Ok(call.enter(&entered, &return_to)),
        },
        Err(problem) if call.fields.form => match call.web.app().second_factor_again(&id).await {
            Ok(asked) => call.factor_page(Some(&problem), &asked, &return_to).await,
            Err(_) => call.login_page(Some(&problem), "", &return_to).await,
        },
        Err(problem) => Err(problem),
    }
}

/// `POST /auth/login/passkey/begin`.
pub(crate) async fn ask_passkey(call: Call) -> Result<Response, Problem> {
    let question = call.web.app().ask_any_passkey()?;
    Ok(answer(&json!({ "state": question.state, "options": parsed(&question.options) })))
}

/// `POST /auth/login/passkey`.
pub(crate) async fn passkey(mut call: Call) -> Result<Response, Problem> {
    let state = call.fields.text("state")?;
    let response = call.fields.json_text("response")?.ok_or(Code::BadRequest)?;
    let wish = call.wish()?;
    let return_to = call.return_to()?;
    let device = call.kept_device()?;
    let (visit, replaces) = (call.visit_of(device.as_deref())?, call.shown()?.map(|shown| shown.credential));
    match call.web.app().log_in_with_passkey(&state, &response, wish, &visit, replaces).await.map_err(Problem::from) {
        Ok(entered) => Ok(call.enter(&entered, &return_to)),
        Err(problem) if call.fields.form => call.login_page(Some(&problem), "", &return_to).await,
        Err(problem) => Err(problem),
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

fn question(asked: &Asked) -> Value {
    json!({
        "id": asked.id,
        "totp": asked.totp,
        "recovery": asked.recovery,
        "passkey": asked.passkey.as_deref().map(parsed),
    })
}

/// What a library wrote as JSON, as a member of ours.
pub(super) fn parsed(json: &str) -> Value {
    serde_json::from_str(json).unwrap_or(Value::Null)
}

impl Call {
    fn enter(&self, entered: &Entered, return_to: &ReturnTo) -> Response {
        let mut body = opened(&entered.account, &entered.opened);
        if let Some(left) = entered.recovery_left {
            body = with(body, "recovery_codes_left", left.into());
        }
        // A program keeps no cookies: it gets the value beside its tokens, and shows it at its next log-in.
        if let (Some(device), Strategy::Native) = (&entered.device, entered.opened.session.strategy) {
            body = with(body, "device", device.as_str().into());
        }
        let mut response = if self.fields.form { self.redirect(return_to.as_str()) } else { answer(&body) };
        self.keep(&mut response, entered);
        response
    }

    /// Sets the cookies of a session that was opened, and of its device.
    pub(super) fn keep(&self, response: &mut Response, entered: &Entered) {
        self.web.set_session(response, &entered.opened, self.client.slot);
        let cookie = entered.device.as_deref().filter(|_| entered.opened.session.strategy != Strategy::Native);
        self.remember_device(response, cookie);
    }

    fn wish(&mut self) -> Result<Wish, Problem> {
        Ok(Wish { remember: self.fields.flag("remember")?, strategy: self.strategy()? })
    }

    /// The strategy that a log-in asks for, else the one of this site. A browser never gets the tokens of a program: a
    /// script could keep them.
    pub(super) fn strategy(&mut self) -> Result<Strategy, Problem> {
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
