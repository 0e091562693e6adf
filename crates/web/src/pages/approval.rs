//! The page that approves: what, and how. It cannot be framed, loads nothing but our style and script, and works without the
//! latter for everything but passkeys.

use crate::Response;
use crate::call::Call;
use crate::problem::{Code, Problem};
use cloakroom_app::approval::ApprovalView;
use cloakroom_core::approval::Act;
use minijinja::context;

impl Call {
    /// An approval that waits, or what was approved.
    pub(crate) async fn approval_page(&self, id: &str, problem: Option<&Problem>) -> Result<Response, Problem> {
        let view = self.web.app().view_approval(id).await?;
        if !view.waiting {
            return match view.act {
                // Only the page that approved it goes on.
                Some(Act::AddApprovalPasskey) => Err(Code::ApprovalOver.into()),
                Some(_) => Ok(self.web.redirect_to_public(&format!("/auth/account/{id}"))),
                None => match &view.return_to {
                    Some(path) => Ok(self.web.redirect_to_public(path)),
                    None => self.approval_done_page(true),
                },
            };
        }
        let proofs: Vec<_> = view.proofs.iter().map(|proof| proof.as_str()).collect();
        let providers: Vec<_> = view.providers.iter().map(|(id, name)| context! { id, name }).collect();
        let fields: Vec<_> = view.fields.iter().map(|(name, value)| context! { name, value }).collect();
        let values = context! {
            id,
            account => &view.account,
            method => view.call.as_ref().map(|(method, _)| method),
            path => view.call.as_ref().map(|(_, path)| path),
            words => view.act.map(Act::words),
            fields,
            proofs,
            passkey => view.passkey.as_deref(),
            providers,
            mailed => view.mailed,
            tries_left => view.tries_left,
            site => &self.web.app().settings().site_name,
        };
        let mut response = self.form_page("approval.html", problem, values).await?;
        if problem.is_some_and(|problem| problem.code == Code::ApprovalOver) {
            *response.status_mut() = http::StatusCode::GONE;
        }
        Ok(response)
    }

    /// Where a passkey for approvals is made, by the page that approved that: passkeys of this origin can be made here alone.
    pub(crate) async fn enrol_page(&self, id: &str, page: &str) -> Result<Response, Problem> {
        self.form_page("enrol.html", None, context! { id, page }).await
    }

    /// After somebody has said no: back to where they came from.
    pub(crate) fn declined_page(&self, view: Option<&ApprovalView>) -> Result<Response, Problem> {
        match view {
            Some(view) if view.act.is_some() => Ok(self.web.redirect_to_public("/auth/account")),
            Some(ApprovalView { return_to: Some(path), .. }) => Ok(self.web.redirect_to_public(path)),
            _ => self.approval_done_page(false),
        }
    }

    /// After a call was approved, or declined, in a window of its own.
    pub(crate) fn approval_done_page(&self, approved: bool) -> Result<Response, Problem> {
        self.web.page(self.client.slot, "approved.html", context! { approved })
    }
}
