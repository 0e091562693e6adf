//! Pages for people. They work without JavaScript, carry no inline script or style, and say what happened in words.

mod account;
mod act;
mod approval;
mod entrance;
mod factor;
mod form;
mod mailed;

pub(crate) use mailed::Mailed;

use crate::problem::{Code, Problem};
use crate::{Response, Slot, Web};
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use minijinja::{AutoEscape, Environment, Value, context};

/// The templates, compiled.
pub(crate) struct Pages(Environment<'static>);

const TEMPLATES: [(&str, &str); 18] = [
    ("layout.html", include_str!("templates/layout.html")),
    ("login.html", include_str!("templates/login.html")),
    ("signup.html", include_str!("templates/signup.html")),
    ("account.html", include_str!("templates/account.html")),
    ("act.html", include_str!("templates/act.html")),
    ("address.html", include_str!("templates/address.html")),
    ("approval.html", include_str!("templates/approval.html")),
    ("approved.html", include_str!("templates/approved.html")),
    ("codes.html", include_str!("templates/codes.html")),
    ("done.html", include_str!("templates/done.html")),
    ("enrol.html", include_str!("templates/enrol.html")),
    ("factor.html", include_str!("templates/factor.html")),
    ("recovered.html", include_str!("templates/recovered.html")),
    ("token.html", include_str!("templates/token.html")),
    ("totp.html", include_str!("templates/totp.html")),
    ("hop.html", include_str!("templates/hop.html")),
    ("leave.html", include_str!("templates/leave.html")),
    ("error.html", include_str!("templates/error.html")),
];

/// For our own pages: nothing runs but our own script by its nonce, nothing is framed, nothing is loaded but our style
/// (BR-04, v5.0.0-3.4.3). Forms lead to the other origin of the site as well: browsers judge by this where a redirect goes.
fn policy(nonce: &str, other: Option<&str>) -> String {
    format!(
        "default-src 'none'; script-src 'nonce-{nonce}'; connect-src 'self'; style-src 'self'; img-src 'self' data:; \
         form-action 'self' {}; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; \
         trusted-types 'none'; report-uri /auth/reports; report-to cloakroom",
        other.unwrap_or_default()
    )
}

impl Pages {
    /// Compiles the templates.
    pub(crate) fn new() -> Result<Self, minijinja::Error> {
        let mut env = Environment::new();
        env.set_auto_escape_callback(|_| AutoEscape::Html);
        env.set_undefined_behavior(minijinja::UndefinedBehavior::Strict);
        for (name, source) in TEMPLATES {
            env.add_template(name, source)?;
        }
        Ok(Self(env))
    }

    fn render(&self, name: &str, values: Value) -> Result<String, minijinja::Error> {
        self.0.get_template(name)?.render(values)
    }
}

impl Problem {
    /// Gives a page the status of what went wrong, and its waiting time.
    fn mark(&self, response: &mut Response) {
        *response.status_mut() = self.code.parts().0;
        if let Some(seconds) = self.wait_seconds() {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
    }

    /// As a page shows it: in words, with the field to look at and the time to wait.
    fn for_page(&self) -> Value {
        let (_, code, title) = self.code.parts();
        let field = match self.code {
            Code::BadEmail => "email",
            Code::BadPassword(_) | Code::WeakPassword(_) => "password",
            Code::TokenInvalid | Code::ProofWrong => "code",
            // A wrong pair of both says nothing about either.
            _ => "",
        };
        let advice = match (self.code, self.wait_seconds()) {
            (Code::TooManyAttempts, Some(seconds)) => {
                format!("Try again in {seconds} second{}.", if seconds == 1 { "" } else { "s" })
            }
            (code, _) => for_people(code).map_or_else(|| code.advice(), str::to_owned),
        };
        context! { code, title, field, advice, wait => self.wait_seconds() }
    }
}

/// Advice in the place of one that is for programs: who pressed a button knows of no headers and routes.
fn for_people(code: Code) -> Option<&'static str> {
    Some(match code {
        Code::StepUpNeeded(_) => "That was used already, or waited too long. Begin again.",
        Code::GrantRefused => "Something else was approved than what came now. Nothing was done. Begin again.",
        Code::ApprovalElsewhere => "Go back to the application, and begin there once more.",
        Code::FormTokenNeeded => {
            "The page was open for too long, or this browser keeps no cookies for this site. Go back, load it again, and repeat."
        }
        Code::CrossSite => {
            "That came from a page of another site, and nothing was done. Come here by yourself, and repeat it."
        }
        Code::UnknownDevice | Code::UnknownFactor | Code::UnknownSession => {
            "It may be gone by now. Load the page again."
        }
        Code::BadRequest => "Something is missing in what was sent, and nothing was done. Go back, and try again.",
        _ => return None,
    })
}

impl Web {
    /// Renders a page with its own strict policy.
    fn page(&self, slot: Slot, name: &str, values: Value) -> Result<Response, Problem> {
        let nonce = self.app().new_device()?;
        let values = context! { base => slot.prefix(), nonce => &nonce, public => &self.site.origin, ..values };
        let html = self
            .pages
            .render(name, values)
            .map_err(|error| Problem::from(cloakroom_app::Fault::new("a page could not be rendered", error)))?;
        let mut response = Response::new(html.into());
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
        // One policy for both origins: each names the other as well.
        let other = self.site.approval_origin.as_ref().map(|approval| format!("{approval} {}", self.site.origin));
        let policy = HeaderValue::from_str(&policy(&nonce, other.as_deref()));
        headers.insert(CONTENT_SECURITY_POLICY, policy.unwrap_or(HeaderValue::from_static("default-src 'none'")));
        headers.insert("x-frame-options", HeaderValue::from_static("DENY"));
        headers.insert("reporting-endpoints", HeaderValue::from_static("cloakroom=\"/auth/reports\""));
        headers.insert("referrer-policy", HeaderValue::from_static("same-origin"));
        Ok(response)
    }

    /// A problem as a page: the same status, the same words.
    pub(crate) fn error_page(&self, problem: &Problem, slot: Slot) -> Response {
        let (status, code, title) = problem.code.parts();
        let values = context! {
            title, code, advice => problem.for_page().get_attr("advice").unwrap_or_default(), incident => problem.incident(),
            wait => problem.wait_seconds(),
        };
        let mut response = self.page(slot, "error.html", values).unwrap_or_default();
        *response.status_mut() = status;
        response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        problem.mark(&mut response);
        response
    }

    /// One step that begins on this site, so that `Strict` cookies come along. `to` is a local path built here.
    pub(crate) fn hop_page(&self, to: &str, slot: Slot) -> Result<Response, Problem> {
        let joint = if to.contains('?') { '&' } else { '?' };
        self.step_page(&format!("{to}{joint}hop=1"), slot)
    }

    /// The same to just this local path.
    pub(crate) fn step_page(&self, to: &str, slot: Slot) -> Result<Response, Problem> {
        self.page(slot, "hop.html", context! { to => slot.at(to) })
    }

    /// Leads on to a provider. A page, because a form's answer must not lead to another origin (`form-action`).
    pub(crate) fn leave_page(&self, title: &str, to: &str, slot: Slot) -> Result<Response, Problem> {
        self.page(slot, "leave.html", context! { title, to })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cloakroom_core::approval::Act;

    #[test]
    fn every_template_renders_and_carries_nothing_inline() {
        let pages = Pages::new().unwrap();
        let hostile = "\"><script>x</script>";
        let sample = context! {
            base => "/u/1", nonce => "NONCE", public => "https://app.example.com", csrf => "TOKEN", return_to => "/notes",
            title => "A title", code => "a-code", advice => "Do this.", incident => "0123456789ab", wait => 7, notice => "logged-out",
            problem => context! { code => "password-locked", title => "T", advice => hostile, field => "email", wait => 7 },
            email => hostile, min_characters => 15, passwords => true, elsewhere => true, mail => true, signup => true, confirms => true, verified => false,
            to => "/auth/refresh?hop=1", opened => "2 hours ago", ends => "in 30 days",
            sessions => [context! {
                id => "s", here => false, opened => "2 hours ago", used => "just now", device => "<b>", unknown => true, agent => hostile,
                address => "::1", by => "a password", keeps => true, bound => false,
            }],
            devices => [context! {
                id => "d", here => true, name => hostile, family => "<i>", networks => "::/64", first => "1 day ago", last => "just now",
                trusted => true,
            }],
            passkeys => [context! { id => "p", name => hostile, approves => true, added => "1 day ago", used => Value::from(()) }],
            providers => [context! { id => "sso", name => hostile }], linked => [context! { id => "l", name => hostile, added => "1 day ago" }],
            password => true, second => true, can_passkey => true, apart => true, totp => "1 day ago", recovery => 9,
            page => "PAGE", id => "ID", account => "a\u{2026}b@example.com", site => "Notes", method => "POST", path => "/api/x?<", passkey => hostile,
            words => Value::from(()), value => hostile, field => "email", fields => [context! { name => hostile, value => hostile }], mailed => true, tries_left => 1,
            proofs => ["passkey", "totp", "password", "mail", "recovery"], approved => true,
            heading => "H", sentence => hostile, button => "B", route => "/auth/x", again => "/auth/again", token => hostile,
            sets_password => false, asks_password => true, wrong_password => true, off => false, type_it => "/auth/reset",
            codes => ["AAAA-BBBB"], left => 9, secret => "ABCD EFGH", uri => "otpauth://totp/x", qr => Value::from_safe_string("<svg></svg>".into()),
        };
        let acts =
            Act::ALL.map(|act| ("act.html", context! { act => act.as_str(), words => act.words(), ..sample.clone() }));
        let others = TEMPLATES.iter().filter(|(name, _)| !["layout.html", "act.html"].contains(name));
        for (name, values) in others.map(|(name, _)| (*name, sample.clone())).chain(acts) {
            let html = pages.render(name, values.clone()).unwrap_or_else(|error| panic!("{name}: {error:#}"));
            assert_eq!(html, pages.render(name, values).unwrap(), "{name} is deterministic");
            assert!(!html.contains("<script>x") && !html.contains("style="), "{name}: inline code");
            let scripts = html.matches("<script").count();
            assert_eq!(scripts, html.matches("<script type=\"module\" nonce=\"NONCE\" src=").count(), "{name}");
            assert!(
                html.contains("<html lang=\"en\">") && html.matches("<h1").count() == 1,
                "{name}: language and heading"
            );
        }
        for (name, source) in TEMPLATES {
            assert!(!source.contains("|safe"), "{name} escapes everything");
        }
    }
}
