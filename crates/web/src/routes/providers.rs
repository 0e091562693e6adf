//! Log-in at a provider, there and back; and log-out that begins there.

use crate::call::Call;
use crate::navigation::{is_navigation, text};
use crate::problem::{ByProvider, Code, Problem};
use crate::routes::answer;
use crate::{Response, SameSite, Slot};
use cloakroom_app::federation::{Arrived, Errand, Outcome};
use cloakroom_app::login::Wish;
use http::StatusCode;
use serde_json::json;

/// Longer than any answer of a provider, in bytes.
const MAX_QUERY: usize = 8 * 1024;

/// `GET /auth/provider/{id}`: to the provider; from another host of this site to the public one first, since providers know one
/// address. Who is logged in already goes on.
pub(crate) async fn begin(mut call: Call) -> Result<Response, Problem> {
    // A picture on another site must not fill the cookie of what waits.
    if !is_navigation(&call.parts.method, &call.parts.headers) {
        return Err(Code::CrossSite.into());
    }
    let return_to = call.return_to()?;
    if call.is_signed_in().await {
        return Ok(call.redirect(return_to.as_str()));
    }
    let remember = call.query("remember").as_deref() == Some("on");
    if let Some(elsewhere) = call.to_public_host(&return_to, remember)? {
        return Ok(elsewhere);
    }
    let wish = Wish { remember, strategy: call.strategy()? };
    let slot = call.client.slot.number();
    let errand = Errand { wish, return_to: return_to.as_str(), slot, link: None, approval: None };
    let id = call.id.as_deref().unwrap_or_default();
    let begun = call.web.app().begin_with_provider(id, errand, &call.waiting()).await?;
    let mut response = call.web.redirect(&begun.url);
    call.wait(&mut response, &begun.waiting);
    Ok(response)
}

/// `GET /auth/callback/{id}`: back from the provider. One address for all slots, since providers know addresses exactly.
pub(crate) async fn callback(mut call: Call) -> Result<Response, Problem> {
    let query = call.parts.uri.query().unwrap_or_default().to_owned();
    if query.len() > MAX_QUERY {
        return Err(Code::BadRequest.into());
    }
    // A `Strict` session cookie stays away from what began on another site (CK-07): one step that begins here brings it along.
    let from_there = text(&call.parts.headers, "sec-fetch-site") == Some("cross-site");
    if from_there && call.web.site().same_site == SameSite::Strict {
        return call.web.step_page(&format!("{}?{query}", call.parts.uri.path()), call.client.slot);
    }
    let id = call.id.clone().unwrap_or_default();
    let found = call.web.app().find_waiting(&id, &query, &call.waiting()).map_err(Problem::from);
    let arrived = match found {
        Ok(arrived) => arrived,
        // The back button of somebody who is in, or the second click on a button.
        Err(problem) if problem.code == Code::Provider(ByProvider::AttemptOver) && call.is_signed_in().await => {
            return Ok(call.redirect("/"));
        }
        Err(problem) => return Err(problem),
    };
    call.client.slot = Slot::numbered(arrived.slot, call.web.site().slots);
    let mut response = match call.arrive(&arrived).await {
        Ok(response) => response,
        Err(problem) => call.turned_back(&arrived, &problem).await,
    };
    call.wait(&mut response, &arrived.waiting);
    Ok(response)
}

/// `POST /auth/backchannel/{id}` (`OpenID` Connect Back-Channel Logout 1.0 §2.8: 200, or 400).
pub(crate) async fn log_out(mut call: Call) -> Result<Response, Problem> {
    let token = call.fields.text("logout_token")?;
    call.web.app().log_out_by_provider(call.id.as_deref().unwrap_or_default(), &token).await?;
    let mut response = Response::default();
    *response.status_mut() = StatusCode::OK;
    Ok(response)
}

/// `POST /auth/providers/link`.
pub(crate) async fn link(mut call: Call) -> Result<Response, Problem> {
    if call.web.beginning(&call.parts) != crate::door::Beginning::Here {
        return Err(Code::Provider(ByProvider::OtherHost).into());
    }
    let approval = call.fields.optional("step_up")?.unwrap_or_default();
    let provider = call.fields.text("provider")?;
    let to = (provider.as_str(), call.client.slot.number());
    let begun = call.web.app().begin_link(call.seen()?, &approval, to, &call.waiting()).await;
    let begun = match begun.map_err(Problem::from) {
        Ok(begun) => begun,
        Err(problem) if call.fields.form => return call.account_page(Some(&problem)).await,
        Err(problem) => return Err(problem),
    };
    let mut response = if call.fields.form {
        call.web.leave_page("One more step", &begun.url, call.client.slot)?
    } else {
        answer(&json!({ "continue_at": begun.url }))
    };
    call.wait(&mut response, &begun.waiting);
    Ok(response)
}

/// `POST /auth/providers/unlink`.
pub(crate) async fn unlink(mut call: Call) -> Result<Response, Problem> {
    let approval = call.fields.optional("step_up")?.unwrap_or_default();
    let identity = call.fields.text("identity")?;
    match call.web.app().unlink(call.seen()?, &approval, &identity).await.map_err(Problem::from) {
        Ok(()) => Ok(call.changed("provider-removed")),
        Err(problem) if call.fields.form => call.account_page(Some(&problem)).await,
        Err(problem) => Err(problem),
    }
}

/// `GET /auth/logged-out`.
pub(crate) async fn logged_out(call: Call) -> Result<Response, Problem> {
    Ok(call.redirect("/auth/login?notice=logged-out-there"))
}

impl Call {
    async fn arrive(&self, arrived: &Arrived) -> Result<Response, Problem> {
        let shown = self.shown()?.map(|shown| shown.credential);
        match self.web.app().arrive(arrived, &self.visit()?, shown).await? {
            Outcome::Entered(entered) => {
                let to = arrived.return_to.as_str();
                // A redirect would still be the other site's navigation, which `Strict` cookies stay away from (CK-07).
                let mut response = match self.web.site().same_site {
                    SameSite::Strict => self.web.step_page(to, self.client.slot)?,
                    SameSite::Lax => self.redirect(to),
                };
                self.keep(&mut response, &entered);
                Ok(response)
            }
            Outcome::Linked => Ok(self.redirect("/auth/account?notice=provider-added")),
            // The page of what was approved knows where it leads.
            Outcome::Approved => self.approval_page(arrived.approval.as_deref().unwrap_or_default(), None).await,
        }
    }

    /// The page of the approval, if it was one that somebody came for and it can still be given; else one about the problem.
    async fn turned_back(&self, arrived: &Arrived, problem: &Problem) -> Response {
        if let Some(approval) = &arrived.approval
            && let Ok(page) = self.approval_page(approval, Some(problem)).await
        {
            return page;
        }
        self.web.error_page(problem, self.client.slot)
    }
}
