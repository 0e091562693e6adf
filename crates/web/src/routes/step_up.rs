//! Step-up: opened and collected by the application's page, proven on a page of ours.

use super::login::parsed;
use crate::Response;
use crate::call::Call;
use crate::problem::{ByProvider, Code, Problem};
use crate::routes::{accepted, answer, no_content, opened, with};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use cloakroom_app::approval::{Collected, ShownProof, Wanted};
use cloakroom_core::approval::Act;
use cloakroom_core::return_to::ReturnTo;
use http::StatusCode;
use serde_json::json;

/// Larger bodies cannot be shown, in bytes.
const SHOWN: usize = 8 * 1024;

/// What an approval is proved with.
const PROOFS: [&str; 6] = ["password", "totp", "recovery", "mail", "passkey", "provider"];

/// `POST /auth/step-up`: 201 with the address of the page; for a form straight to it.
pub(crate) async fn open(mut call: Call) -> Result<Response, Problem> {
    let act = call.fields.optional("act")?;
    let return_to = call.fields.optional("return_to")?;
    let return_to = return_to.as_deref().and_then(ReturnTo::parse);
    let show = call.fields_to_show()?;
    let app = std::sync::Arc::clone(call.web.app());
    let opening = if let Some(act) = act {
        let act = Act::from_text(&act).ok_or(Code::BadRequest)?;
        let value = act.field().map(|field| call.fields.text(field)).transpose()?;
        let wanted = Wanted::Act { act, value: value.as_deref() };
        match app.open_approval(call.seen()?, wanted, return_to.as_ref()).await.map_err(Problem::from) {
            Err(problem) if call.fields.form => return call.account_page(Some(&problem)).await,
            opening => opening?,
        }
    } else {
        let (method, path) = (call.fields.text("method")?, call.fields.text("path")?);
        let sum = call.fields.text("body_sha256")?;
        let sum = URL_SAFE_NO_PAD.decode(sum).ok().and_then(|sum| <[u8; 32]>::try_from(sum).ok());
        let body_sha256 = sum.ok_or(Code::NotACall)?;
        let body = match call.fields.optional("body")? {
            Some(text) if text.len() <= SHOWN.div_ceil(3) * 4 => {
                Some(URL_SAFE_NO_PAD.decode(text).map_err(|_| Code::NotACall)?)
            }
            Some(_) => return Err(Code::TooLarge.into()),
            None => None,
        };
        let wanted = Wanted::Call { method: &method, path: &path, body_sha256, body: body.as_deref(), show: &show };
        app.open_approval(call.seen()?, wanted, return_to.as_ref()).await?
    };
    let page = format!("{}{}", call.web.approving_origin(), call.approval_path(&opening.id));
    if call.fields.form {
        return Ok(call.web.redirect(&page));
    }
    let mut response =
        answer(&json!({ "id": opening.id, "page": page, "expires_at": opening.expires_at.unix_seconds() }));
    *response.status_mut() = StatusCode::CREATED;
    Ok(response)
}

/// `POST /auth/step-up/collect`.
pub(crate) async fn collect(mut call: Call) -> Result<Response, Problem> {
    let id = call.fields.text("id")?;
    match call.web.app().collect_approval(call.seen()?, &id).await? {
        Collected::Waiting => Ok(accepted(&json!({ "state": "waiting" }))),
        Collected::Approved => Ok(answer(&json!({ "state": "approved" }))),
        Collected::Granted { grant, account, opened: session } => {
            let body = with(opened(&account, &session), "state", "approved".into());
            let mut response = answer(&with(body, "grant", grant.into()));
            call.web.set_session(&mut response, &session, call.client.slot);
            Ok(response)
        }
    }
}

/// `GET /auth/step-up/{id}`.
pub(crate) async fn get(call: Call) -> Result<Response, Problem> {
    let id = call.id.clone().unwrap_or_default();
    call.approval_page(&id, None).await
}

/// `POST /auth/step-up/{id}`: 204 when it is approved; a page for people. By a provider, the address to go on at.
pub(crate) async fn prove(mut call: Call) -> Result<Response, Problem> {
    let id = call.id.clone().unwrap_or_default();
    let app = std::sync::Arc::clone(call.web.app());
    let given = PROOFS.iter().chain(&["send", "decline"]).filter(|name| call.fields.has(name)).count();
    if !call.fields.form && given > 1 {
        return Err(Code::BadRequest.into());
    }
    if call.fields.optional("decline")?.is_some() {
        let view = app.view_approval(&id).await;
        app.decline(&id).await?;
        return if call.fields.form { call.declined_page(view.ok().as_ref()) } else { Ok(no_content()) };
    }
    if let Some(provider) = call.fields.optional("provider")? {
        return match call.prove_by_provider(&id, &provider).await {
            Err(problem) if call.fields.form && problem.code != Code::ApprovalOver => {
                call.approval_page(&id, Some(&problem)).await
            }
            done => done,
        };
    }
    let done = if call.fields.optional("send")?.is_some() {
        app.mail_approval_code(&id).await.map(|()| None)
    } else {
        let proof = call.proof()?;
        app.approve(&id, proof).await
    };
    match done.map_err(Problem::from) {
        // It goes on in this very answer: nobody else is given what it takes.
        Ok(Some(page)) if call.fields.form => call.enrol_page(&id, &page).await,
        Ok(Some(page)) => Ok(answer(&json!({ "page": page }))),
        Ok(None) if call.fields.form => call.approval_page(&id, None).await,
        Ok(None) => Ok(no_content()),
        // Nothing is left to be shown of one that is over.
        Err(problem) if call.fields.form && problem.code != Code::ApprovalOver => {
            call.approval_page(&id, Some(&problem)).await
        }
        Err(problem) => Err(problem),
    }
}

/// `POST /auth/step-up/passkey`.
pub(crate) async fn begin_passkey(mut call: Call) -> Result<Response, Problem> {
    let (id, page) = (call.fields.text("id")?, call.fields.text("page")?);
    let enrolling = call.web.app().begin_approval_passkey(&id, &page).await?;
    Ok(answer(&json!({ "id": enrolling.id, "options": parsed(&enrolling.options) })))
}

/// `POST /auth/step-up/passkey-finish`.
pub(crate) async fn finish_passkey(mut call: Call) -> Result<Response, Problem> {
    let id = call.fields.text("id")?;
    let answered = call.fields.json_text("response")?.ok_or(Code::BadRequest)?;
    let name = call.fields.optional("name")?.unwrap_or_default();
    let codes = call.web.app().finish_approval_passkey(&id, &answered, &name).await?;
    match codes {
        Some(codes) if call.fields.form => call.codes_page(&codes),
        None if call.fields.form => Ok(call.web.redirect_to_public("/auth/account?notice=factor-added")),
        codes => Ok(answer(&json!({ "recovery_codes": codes }))),
    }
}

impl Call {
    /// The fields that the application's page wants shown. That they are those of the route's rule is judged when the grant is
    /// used: one that was given over other fields is none.
    fn fields_to_show(&mut self) -> Result<Vec<String>, Problem> {
        if !self.fields.has("show") {
            return Ok(Vec::new());
        }
        let names = self.fields.list("show")?;
        let name = |value: serde_json::Value| match value {
            serde_json::Value::String(name) if (1..=64).contains(&name.chars().count()) => Some(name),
            _ => None,
        };
        let names: Option<Vec<_>> = names.into_iter().map(name).collect();
        Ok(names.filter(|names| names.len() <= 16).ok_or(Code::BadRequest)?)
    }

    /// On to the provider, where whoever approves logs in anew.
    async fn prove_by_provider(&self, id: &str, provider: &str) -> Result<Response, Problem> {
        let to = (provider, self.client.slot.number());
        let begun = self.web.app().begin_proof_by_provider(id, to, &self.waiting()).await?;
        // The answer comes to the public host, and would find nobody there who waits for it.
        if self.web.beginning(&self.parts) != crate::door::Beginning::Here {
            return Err(Code::Provider(ByProvider::OtherHost).into());
        }
        let mut response = if self.fields.form {
            self.web.leave_page("One more step", &begun.url, self.client.slot)?
        } else {
            answer(&json!({ "continue_at": begun.url }))
        };
        self.wait(&mut response, &begun.waiting);
        Ok(response)
    }

    fn proof(&mut self) -> Result<ShownProof, Problem> {
        let mut text = |name| Ok::<_, Code>(self.fields.optional(name)?.filter(|text| !text.is_empty()));
        let found = [
            text("password")?.map(ShownProof::Password),
            text("totp")?.map(ShownProof::Totp),
            text("recovery")?.map(ShownProof::Recovery),
            text("mail")?.map(ShownProof::MailedCode),
            self.fields.json_text("passkey")?.filter(|text| !text.is_empty()).map(ShownProof::Passkey),
        ];
        let mut found = found.into_iter().flatten();
        match (found.next(), found.next()) {
            (Some(proof), None) => Ok(proof),
            _ => Err(Code::BadRequest.into()),
        }
    }

    /// The page of an approval: on its own origin there are no slots.
    fn approval_path(&self, id: &str) -> String {
        let path = format!("/auth/step-up/{id}");
        if self.web.site().approval_origin.is_some() { path } else { self.client.slot.at(&path) }
    }
}
