//! What every form page needs: the token, the device that it is bound to, and where to return to.

use crate::call::Call;
use crate::cookies::Cookies;
use crate::problem::Problem;
use crate::{Response, Web};
use cloakroom_app::session::Opened;
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
        Ok(asked.as_deref().and_then(ReturnTo::parse).unwrap_or_else(ReturnTo::home))
    }

    /// Whether this browser has a live session.
    pub(crate) fn is_signed_in(&self) -> bool {
        let cookies = Cookies::parse(&self.parts.headers, self.web.site().cookies).unwrap_or_default();
        cookies.access.is_some_and(|token| self.web.app().authenticate(token).is_ok())
    }

    /// A form token for this browser, and the device cookie to set if it had none to bind the token to.
    pub(crate) fn form_token(&self) -> Result<(String, Option<String>), Problem> {
        let app = self.web.app();
        let cookies = Cookies::parse(&self.parts.headers, self.web.site().cookies)?;
        if let Some(session) = cookies.access.and_then(|token| app.session_of(token)) {
            return Ok((app.form_token(Binding::Session(session))?, None));
        }
        if let Some(device) = cookies.device.filter(|device| device.len() == DEVICE_CHARACTERS) {
            Ok((app.form_token(Binding::Device(device))?, None))
        } else {
            let device = app.new_device()?;
            Ok((app.form_token(Binding::Device(&device))?, Some(device)))
        }
    }

    /// Sets the device cookie, where there is one to set.
    pub(crate) fn remember_device(&self, response: &mut Response, device: Option<&str>) {
        if let Some(device) = device {
            self.web.set_cookie(response, &self.web.site().cookies.write_device(device));
        }
    }
}

impl Web {
    /// Sets the cookies of a session.
    pub(crate) fn set_session(&self, response: &mut Response, session: &Opened) {
        let (names, same_site) = (self.site.cookies, self.site.same_site);
        let refresh = session.refresh_token.to_wire();
        for (kind, value) in [(Kind::Access, &session.access_token), (Kind::Refresh, &refresh)] {
            self.set_cookie(response, &names.write(kind, value, session.cookies_for, same_site));
        }
    }
}
