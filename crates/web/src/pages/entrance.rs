//! Log-in and sign-up.

use crate::Response;
use crate::call::Call;
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
        let notice = self.query("notice").filter(|notice| matches!(notice.as_str(), "logged-out" | "signed-up"));
        self.entrance("login.html", problem, context! { email, notice, return_to => return_to.as_str() }).await
    }

    /// The sign-up page, with what went wrong.
    pub(crate) async fn signup_page(
        &self,
        problem: Option<&Problem>,
        email: &str,
        return_to: &ReturnTo,
    ) -> Result<Response, Problem> {
        let min_characters = self.web.app().settings().passwords.min_characters;
        let values = context! { email, min_characters, return_to => return_to.as_str() };
        self.entrance("signup.html", problem, values).await
    }

    /// Where a form leads after sign-up: to the log-in, whether or not an account was opened.
    pub(crate) fn after_signup(&self, return_to: &ReturnTo) -> Response {
        let encoded: String = url::form_urlencoded::byte_serialize(return_to.as_str().as_bytes()).collect();
        self.redirect(&format!("/auth/login?notice=signed-up&return_to={encoded}"))
    }

    async fn entrance(&self, template: &str, problem: Option<&Problem>, values: Value) -> Result<Response, Problem> {
        let (csrf, device) = self.form_token().await?;
        let shown = problem.map(|problem| {
            let (_, _, title) = problem.code.parts();
            // Which field to look at; a wrong pair of both says nothing about either.
            let field = match problem.code {
                Code::BadEmail => "email",
                Code::BadPassword(_) => "password",
                _ => "",
            };
            context! { title, field, advice => problem.code.advice() }
        });
        let mut response = self.web.page(self.client.slot, template, context! { csrf, problem => shown, ..values })?;
        if let Some(problem) = problem {
            *response.status_mut() = problem.code.parts().0;
        }
        self.remember_device(&mut response, device.as_deref());
        Ok(response)
    }
}
