//! Second factors: listed, added, removed. Each change takes an approval.

use crate::Response;
use crate::call::Call;
use crate::problem::Problem;
use crate::routes::{answer, opened, with};
use cloakroom_app::factor::{EnrollingTotp, PasskeyScope};
use serde_json::{Value, json};

/// `GET /auth/factors`.
pub(crate) async fn list(call: Call) -> Result<Response, Problem> {
    let factors = call.web.app().factors(call.seen()?).await?;
    let passkeys: Vec<Value> = factors
        .passkeys
        .iter()
        .map(|passkey| {
            json!({
                "id": passkey.id,
                "name": passkey.name,
                "for": match passkey.scope { PasskeyScope::LogIn => "log-in", PasskeyScope::Approval => "approval" },
                "added_at": passkey.added_at.unix_seconds(),
                "used_at": passkey.used_at.map(cloakroom_core::time::Timestamp::unix_seconds),
            })
        })
        .collect();
    Ok(answer(&json!({
        "totp": factors.totp.map(|at| json!({ "added_at": at.unix_seconds() })),
        "recovery_codes_left": factors.recovery,
        "passkeys": passkeys,
    })))
}

/// `POST /auth/totp/begin`.
pub(crate) async fn begin_totp(mut call: Call) -> Result<Response, Problem> {
    let approval = call.fields.optional("step_up")?.unwrap_or_default();
    match call.web.app().begin_totp(call.seen()?, &approval).await.map_err(Problem::from) {
        Ok(enrolling) if call.fields.form => call.totp_page(None, &enrolling).await,
        Ok(EnrollingTotp { id, secret, uri, qr }) => {
            Ok(answer(&json!({ "id": id, "secret": secret, "uri": uri, "qr_svg": qr })))
        }
        Err(problem) if call.fields.form => call.account_page(Some(&problem)).await,
        Err(problem) => Err(problem),
    }
}

/// `POST /auth/totp/finish`.
pub(crate) async fn finish_totp(mut call: Call) -> Result<Response, Problem> {
    let id = call.fields.text("id")?;
    let code = call.fields.text("code")?;
    match call.web.app().finish_totp(call.seen()?, &id, &code).await.map_err(Problem::from) {
        Ok((account, session, codes)) => {
            let mut response = match &codes {
                Some(codes) if call.fields.form => call.codes_page(codes)?,
                None if call.fields.form => call.redirect("/auth/account?notice=factor-added"),
                _ => answer(&with(opened(&account, &session), "recovery_codes", json!(codes))),
            };
            call.web.set_session(&mut response, &session, call.client.slot);
            Ok(response)
        }
        Err(problem) if call.fields.form => match call.web.app().enrolling_totp(call.seen()?, &id).await {
            Ok(enrolling) => call.totp_page(Some(&problem), &enrolling).await,
            Err(_) => call.account_page(Some(&problem)).await,
        },
        Err(problem) => Err(problem),
    }
}

/// `POST /auth/totp/remove`.
pub(crate) async fn remove_totp(mut call: Call) -> Result<Response, Problem> {
    let approval = call.fields.optional("step_up")?.unwrap_or_default();
    match call.web.app().remove_totp(call.seen()?, &approval).await.map_err(Problem::from) {
        Ok(()) => Ok(call.changed("factor-removed")),
        Err(problem) if call.fields.form => call.account_page(Some(&problem)).await,
        Err(problem) => Err(problem),
    }
}

/// `POST /auth/recovery-codes`.
pub(crate) async fn codes(mut call: Call) -> Result<Response, Problem> {
    let approval = call.fields.optional("step_up")?.unwrap_or_default();
    match call.web.app().new_recovery_codes(call.seen()?, &approval).await.map_err(Problem::from) {
        Ok(codes) if call.fields.form => call.codes_page(&codes),
        Ok(codes) => Ok(answer(&json!({ "recovery_codes": codes }))),
        Err(problem) if call.fields.form => call.account_page(Some(&problem)).await,
        Err(problem) => Err(problem),
    }
}
