//! The second factor of a log-in, and adding factors.

use crate::Response;
use crate::call::Call;
use crate::problem::Problem;
use cloakroom_app::factor::EnrollingTotp;
use cloakroom_app::login::Asked;
use cloakroom_core::return_to::ReturnTo;
use minijinja::{Value, context};

impl Call {
    /// The page that asks for the second factor.
    pub(crate) async fn factor_page(
        &self,
        problem: Option<&Problem>,
        asked: &Asked,
        return_to: &ReturnTo,
    ) -> Result<Response, Problem> {
        let values = context! {
            id => &asked.id,
            totp => asked.totp,
            recovery => asked.recovery,
            passkey => asked.passkey.as_deref(),
            return_to => return_to.as_str(),
        };
        self.form_page("factor.html", problem, values).await
    }

    /// The page that shows the secret of an authenticator app on its way.
    pub(crate) async fn totp_page(
        &self,
        problem: Option<&Problem>,
        enrolling: &EnrollingTotp,
    ) -> Result<Response, Problem> {
        // Drawn by us, of rectangles alone.
        let qr = Value::from_safe_string(enrolling.qr.clone());
        let values = context! { id => &enrolling.id, secret => &enrolling.secret, uri => &enrolling.uri, qr };
        self.form_page("totp.html", problem, values).await
    }

    /// After a log-in with a recovery code: how many are left, and the way on.
    pub(crate) fn recovered_page(&self, left: u32, return_to: &ReturnTo) -> Result<Response, Problem> {
        let to = self.client.slot.at(return_to.as_str());
        self.web.page(self.client.slot, "recovered.html", context! { left, to })
    }

    /// The page that shows recovery codes, once.
    pub(crate) fn codes_page(&self, codes: &[String]) -> Result<Response, Problem> {
        self.web.page(self.client.slot, "codes.html", context! { codes => codes.to_vec() })
    }
}
