//! Log-in and sign-up.

use crate::Response;
use crate::call::Call;
use crate::door::Beginning;
use crate::problem::{Code, Problem};
use cloakroom_core::return_to::ReturnTo;
use minijinja::{Value, context};

impl Call {
    /// The log-in page, with what went wrong.
    pub(crate) async fn login_page(
        &self,
        problem: Option<&Problem>,
        email: &str,
        return_to: &ReturnTo,
    ) -> Result<Response, Problem> {
        // One of a few words of our own; anything else is no notice.
        let notice = self.query("notice").filter(|notice| {
            matches!(notice.as_str(), "logged-out" | "logged-out-there" | "signed-up" | "password-reset")
        });
        let settings = self.web.app().settings();
        let values = context! {
            email, notice, return_to => return_to.as_str(), mail => settings.mail, signup => settings.signup,
            passwords => settings.log_in_by_password,
            confirms => settings.confirm_addresses, providers => self.offered_providers(), elsewhere => self.has_providers_elsewhere(), passkeys => self.web.app().takes_passkeys(),
        };
        self.form_page("login.html", problem, values).await
    }

    /// Pages about passwords are there only where somebody logs in with one.
    pub(crate) fn needs_passwords(&self) -> Result<(), Problem> {
        if self.web.app().settings().log_in_by_password { Ok(()) } else { Err(Code::PasswordsOff.into()) }
    }

    /// Whether there are providers, but none that a log-in on this host could begin with.
    fn has_providers_elsewhere(&self) -> bool {
        self.web.beginning(&self.parts) == Beginning::Nowhere && !self.web.app().providers().is_empty()
    }

    /// The providers to choose from on this host.
    pub(super) fn offered_providers(&self) -> Vec<Value> {
        let are_of_use = self.web.beginning(&self.parts) != Beginning::Nowhere;
        let providers = self.web.app().providers().iter().filter(|_| are_of_use);
        providers.map(|provider| context! { id => provider.party.id(), name => &provider.name }).collect()
    }

    /// The sign-up page, with what went wrong.
    pub(crate) async fn signup_page(
        &self,
        problem: Option<&Problem>,
        email: &str,
        return_to: &ReturnTo,
    ) -> Result<Response, Problem> {
        let min_characters = self.web.app().settings().passwords.min_characters;
        let values = context! { email, min_characters, return_to => return_to.as_str(), signup => self.web.app().settings().signup };
        self.form_page("signup.html", problem, values).await
    }

    /// Where a form leads after sign-up: to the log-in, whether or not an account was opened.
    pub(crate) fn after_signup(&self, return_to: &ReturnTo) -> Response {
        let encoded: String = url::form_urlencoded::byte_serialize(return_to.as_str().as_bytes()).collect();
        self.redirect(&format!("/auth/login?notice=signed-up&return_to={encoded}"))
    }
}
