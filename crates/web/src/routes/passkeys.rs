//! Passkeys for log-in: added by a script of ours, since no form can ask an authenticator; removed by a form.

use super::login::parsed;
use crate::Response;
use crate::call::Call;
use crate::problem::{Code, Problem};
use crate::routes::{answer, opened, with};
use serde_json::json;

/// `POST /auth/passkeys/begin`.
pub(crate) async fn begin(mut call: Call) -> Result<Response, Problem> {
    let approval = call.fields.optional("step_up")?.unwrap_or_default();
    let enrolling = call.web.app().begin_passkey(call.seen()?, &approval).await?;
    Ok(answer(&json!({ "id": enrolling.id, "options": parsed(&enrolling.options) })))
}

/// `POST /auth/passkeys/finish`.
pub(crate) async fn finish(mut call: Call) -> Result<Response, Problem> {
    let id = call.fields.text("id")?;
    let answered = call.fields.json_text("response")?.ok_or(Code::BadRequest)?;
    let name = call.fields.optional("name")?.unwrap_or_default();
    let finished = call.web.app().finish_passkey(call.seen()?, &id, &answered, &name).await;
    match finished.map_err(Problem::from) {
        Ok((account, session, codes)) => {
            let mut response = match &codes {
                Some(codes) if call.fields.form => call.codes_page(codes)?,
                None if call.fields.form => call.redirect("/auth/account?notice=factor-added"),
                _ => answer(&with(opened(&account, &session), "recovery_codes", json!(codes))),
            };
            call.web.set_session(&mut response, &session, call.client.slot);
            Ok(response)
        }
        Err(problem) if call.fields.form => call.account_page(Some(&problem)).await,
        Err(problem) => Err(problem),
    }
}

/// `POST /auth/passkeys/remove`.
pub(crate) async fn remove(mut call: Call) -> Result<Response, Problem> {
    let approval = call.fields.optional("step_up")?.unwrap_or_default();
    let passkey = call.fields.text("passkey")?;
    match call.web.app().remove_passkey(call.seen()?, &approval, &passkey).await.map_err(Problem::from) {
        Ok(()) => Ok(call.changed("factor-removed")),
        Err(problem) if call.fields.form => call.account_page(Some(&problem)).await,
        Err(problem) => Err(problem),
    }
}
