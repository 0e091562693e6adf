//! Pages that belong to mails: asking for one, and doing what one says. A link brings its token in the fragment, from where a script
//! of ours puts it into the form; without a script the code is typed. Looking at a page changes nothing: mail scanners look.

use crate::Response;
use crate::call::Call;
use crate::problem::{Code, Problem};
use minijinja::{Value, context};

/// What a mail is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mailed {
    /// A new password.
    Reset,
    /// An address is confirmed.
    Confirm,
    /// A new address is confirmed.
    NewAddress,
    /// A change of address is taken back.
    Back,
    /// A session is ended.
    Revoke,
}

impl Mailed {
    /// The route that does it.
    const fn route(self) -> &'static str {
        match self {
            Self::Reset => "/auth/password/reset",
            Self::Confirm => "/auth/email/verify",
            Self::NewAddress => "/auth/email/confirm",
            Self::Back => "/auth/email/back",
            Self::Revoke => "/auth/devices/revoke",
        }
    }

    /// Heading, sentence, button.
    const fn words(self) -> [&'static str; 3] {
        match self {
            Self::Reset => [
                "Set a new password",
                "You will be logged out everywhere, and can log in with the new one.",
                "Set password",
            ],
            Self::Confirm => [
                "Confirm your address",
                "With the password that you have just chosen, so that nobody else's account gets your address.",
                "Confirm",
            ],
            Self::NewAddress => [
                "Confirm your new address",
                "Your account will have this address from then on.",
                "Confirm the new address",
            ],
            Self::Back => [
                "Take the change back",
                "Your account gets its old address again, everybody is logged out, and you get a mail to set a new password.",
                "Take it back",
            ],
            Self::Revoke => [
                "Was that not you?",
                "Its session ends at once, with all that came of it, and its device is forgotten. If it was opened with your password, \
                 that stops working, and you get a mail to set a new one.",
                "End that session",
            ],
        }
    }

    /// Heading and sentence of what was done.
    const fn done(self) -> [&'static str; 2] {
        match self {
            Self::Reset => ["Your password is set", "Log in with it."],
            Self::Confirm => ["Your address is confirmed", "You can log in now."],
            Self::NewAddress => ["Your address is changed", "We have told your old address as well."],
            Self::Back => ["It is taken back", "Look into your mail: set a new password next."],
            Self::Revoke => [
                "That session has ended",
                "If it was opened with your password, look into your mail: set a new one next.",
            ],
        }
    }
}

impl Call {
    /// The page that a mail leads to.
    pub(crate) async fn token_page(
        &self,
        mailed: Mailed,
        problem: Option<&Problem>,
        token: &str,
    ) -> Result<Response, Problem> {
        let [heading, sentence, button] = mailed.words();
        // A token of a link comes back with what was wrong, so that it need not be opened again; a code that was none does not.
        let token = if problem.is_some_and(|problem| problem.code == Code::TokenInvalid) { "" } else { token };
        let min_characters = self.web.app().settings().passwords.min_characters;
        let again = match mailed {
            Mailed::Reset => Some("/auth/forgot"),
            Mailed::Confirm => Some("/auth/email/resend"),
            Mailed::NewAddress | Mailed::Back | Mailed::Revoke => None,
        };
        let values = context! {
            heading, sentence, button, route => mailed.route(), token, min_characters, again,
            sets_password => mailed == Mailed::Reset, asks_password => matches!(mailed, Mailed::Confirm | Mailed::NewAddress),
        };
        let wrong_password = problem.is_some_and(|problem| problem.code == Code::WrongCredentials);
        self.form_page("token.html", problem, context! { wrong_password, ..values }).await
    }

    /// The page that asks for an address to mail to.
    pub(crate) async fn ask_address_page(
        &self,
        mailed: Mailed,
        problem: Option<&Problem>,
        email: &str,
    ) -> Result<Response, Problem> {
        let (heading, sentence, route) = match mailed {
            Mailed::Reset => (
                "Forgot your password?",
                "We mail you a link to set a new one. Devices that you are logged in on stay logged in until you do.",
                "/auth/password/forgot",
            ),
            _ => ("Confirm your address", "We mail you the link once more.", "/auth/email/resend"),
        };
        let off = !self.web.app().settings().mail;
        self.form_page("address.html", problem, context! { heading, sentence, route, email, off }).await
    }

    /// What is said when a mail may be on its way: the same whether or not it is.
    pub(crate) fn on_its_way_page(&self, mailed: Mailed, email: &str) -> Result<Response, Problem> {
        let sentence = match mailed {
            Mailed::Reset => format!("If {email} has an account, a mail is on its way. It is good for 30 minutes."),
            Mailed::NewAddress => format!("Open the mail to {email} and confirm. Until then nothing changes."),
            _ => {
                format!("If {email} has an account that is not confirmed, a mail is on its way. It is good for a day.")
            }
        };
        let type_it = match mailed {
            Mailed::Reset => "/auth/reset",
            Mailed::NewAddress => "/auth/email/confirm",
            _ => "/auth/email/verify",
        };
        self.web.page(self.client.slot, "done.html", context! { heading => "Look into your mail", sentence, type_it })
    }

    /// What was done.
    pub(crate) fn done_page(&self, mailed: Mailed) -> Result<Response, Problem> {
        let [heading, sentence] = mailed.done();
        let type_it = Value::from(());
        self.web.page(self.client.slot, "done.html", context! { heading, sentence, type_it })
    }

    /// A page with a form: its token, what went wrong, and how long to wait.
    pub(crate) async fn form_page(
        &self,
        template: &str,
        problem: Option<&Problem>,
        values: Value,
    ) -> Result<Response, Problem> {
        let (csrf, device) = self.form_token().await?;
        let shown = problem.map(Problem::for_page);
        let mut response = self.web.page(self.client.slot, template, context! { csrf, problem => shown, ..values })?;
        if let Some(problem) = problem {
            problem.mark(&mut response);
        }
        self.remember_device(&mut response, device.as_deref());
        Ok(response)
    }
}
