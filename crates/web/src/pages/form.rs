//! What every form page needs: the token, the device that it is bound to, and where to return to.

use crate::call::Call;
use crate::problem::Problem;
use crate::{Response, Slot, Web};
use cloakroom_app::session::{Handed, Opened};
use cloakroom_app::token::Binding;
use cloakroom_core::return_to::ReturnTo;

use crate::cookies::Kind;

/// A device's cookie value: what [`cloakroom_app::App::new_device`] made.
const DEVICE_CHARACTERS: usize = 43;

impl Call {
    /// Where the client wants to go afterwards: from the form, else from the query; the front page when it is not a
    /// local path.
    pub(crate) fn return_to(&mut self) -> Result<ReturnTo, Problem> {
        let asked = self.fields.optional("return_to")?.or_else(|| self.query("return_to"));
        let asked = asked.as_deref().map(|path| self.client.slot.without(path));
        Ok(asked.and_then(ReturnTo::parse).unwrap_or_else(ReturnTo::home))
    }

    /// Whether this browser has a live session.
    pub(crate) async fn is_signed_in(&self) -> bool {
        match self.shown() {
            Ok(Some(shown)) => self.web.app().authenticate(shown.credential).await.is_ok(),
            _ => false,
        }
    }

    /// A form token for this browser, and the device cookie to set if it had none to bind the token to.
    pub(crate) async fn form_token(&self) -> Result<(String, Option<String>), Problem> {
        let app = self.web.app();
        if let Some(shown) = self.shown()?
            && let Some(session) = app.session_of(shown.credential).await
        {
            return Ok((app.form_token(Binding::Session(session))?, None));
        }
        if let Some(device) = self.cookies()?.device.filter(|device| device.len() == DEVICE_CHARACTERS) {
            Ok((app.form_token(Binding::Device(device))?, None))
        } else {
            let device = app.new_device()?;
            Ok((app.form_token(Binding::Device(&device))?, Some(device)))
        }
    }

    /// Sets the device cookie, where there is one to set.
    pub(crate) fn remember_device(&self, response: &mut Response, device: Option<&str>) {
        if let Some(device) = device {
            let names = self.web.site().cookies.in_slot(self.client.slot);
            self.web.set_cookie(response, &names.write_device(device));
        }
    }
}

impl Web {
    /// Sets the cookies of a session, each that its strategy has; what an earlier session of another strategy left behind
    /// is cleared. A program gets none.
    pub(crate) fn set_session(&self, response: &mut Response, session: &Opened, slot: Slot) {
        let (names, same_site) = (self.site.cookies.in_slot(slot), self.site.same_site);
        let cookies = match &session.handed {
            Handed::Cookie { access, refresh } => {
                vec![(Kind::Access, access.clone()), (Kind::Refresh, refresh.to_wire())]
            }
            Handed::Ticket(ticket) => vec![(Kind::Access, ticket.to_wire())],
            Handed::Split { claims, signature, refresh } => vec![
                (Kind::Claims, claims.clone()),
                (Kind::Signature, signature.clone()),
                (Kind::Refresh, refresh.to_wire()),
            ],
            Handed::SplitBearer { signature, company, refresh, .. } => vec![
                (Kind::Access, company.to_wire()),
                (Kind::Signature, signature.clone()),
                (Kind::Refresh, refresh.to_wire()),
            ],
            Handed::Memory { company, refresh, .. } => {
                vec![(Kind::Access, company.to_wire()), (Kind::Refresh, refresh.to_wire())]
            }
            Handed::Native { .. } => return,
        };
        let several = self.app.settings().offered.len() > 1;
        for kind in self.kinds() {
            match cookies.iter().find(|(set, _)| *set == kind) {
                Some((_, value)) => {
                    self.set_cookie(response, &names.write(kind, value, session.cookies_for, same_site));
                }
                None if several => self.set_cookie(response, &names.clear(kind, same_site)),
                None => {}
            }
        }
    }
}
