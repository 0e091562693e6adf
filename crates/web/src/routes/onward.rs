//! Between the hosts of one site: a provider sends people back to the public one only, so a log-in that is wanted on another
//! goes there first, and comes back by a route of ours. Only hosts that the configuration names are led to.

use crate::Response;
use crate::call::Call;
use crate::door::{Beginning, host_of};
use crate::problem::{ByProvider, Code, Problem};
use cloakroom_app::federation::MAX_RETURN_TO;
use cloakroom_core::return_to::ReturnTo;

/// `GET /auth/onward`: to `return_to` on another host of this site, where its sessions are good. Any other host is ignored.
pub(crate) async fn get(mut call: Call) -> Result<Response, Problem> {
    let return_to = call.return_to()?;
    let there = call.query("host").and_then(|host| call.web.site().sibling(&host));
    let local = call.client.slot.at(return_to.as_str());
    Ok(call.web.redirect(&format!("{}{local}", there.unwrap_or_default())))
}

impl Call {
    /// Leads a log-in at a provider to the public host. `None` when this is it. Refused as [`ByProvider::OtherHost`] where it would
    /// be of no use.
    pub(super) fn to_public_host(&self, return_to: &ReturnTo, remember: bool) -> Result<Option<Response>, Problem> {
        let back = match self.web.beginning(&self.parts) {
            Beginning::Here => return Ok(None),
            Beginning::OverThere => {
                let mut query = url::form_urlencoded::Serializer::new(String::new());
                let host = format!("/auth/onward?{}", query.append_pair("host", host_of(&self.parts)).finish());
                let mut query = url::form_urlencoded::Serializer::new(host.clone());
                let whole = query.append_pair("return_to", return_to.as_str()).finish();
                // A longer one would be forgotten with the host in it.
                if whole.len() <= MAX_RETURN_TO { whole } else { host }
            }
            Beginning::OnlyThere => return_to.to_string(),
            Beginning::Nowhere => return Err(Code::Provider(ByProvider::OtherHost).into()),
        };
        // The configuration's own word, not the request's.
        let asked = self.id.as_deref().unwrap_or_default();
        let mut known = self.web.app().providers().iter().map(|provider| provider.party.id());
        let id = known.find(|id| *id == asked).ok_or(Code::Provider(ByProvider::Unknown))?;
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.append_pair("return_to", &back);
        if remember {
            query.append_pair("remember", "on");
        }
        let to = self.client.slot.at(&format!("/auth/provider/{id}?{}", query.finish()));
        Ok(Some(self.web.redirect_to_public(&to)))
    }
}
