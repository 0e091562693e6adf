//! Pages for people. They work without JavaScript, carry no inline script or style, and say what happened in words.

mod account;
mod entrance;
mod form;

use crate::problem::Problem;
use crate::{Response, Slot, Web};
use http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue};
use minijinja::{AutoEscape, Environment, Value, context};

/// The templates, compiled.
pub(crate) struct Pages(Environment<'static>);

const TEMPLATES: [(&str, &str); 6] = [
    ("layout.html", include_str!("templates/layout.html")),
    ("login.html", include_str!("templates/login.html")),
    ("signup.html", include_str!("templates/signup.html")),
    ("account.html", include_str!("templates/account.html")),
    ("hop.html", include_str!("templates/hop.html")),
    ("error.html", include_str!("templates/error.html")),
];

/// For our own pages: nothing runs, nothing is framed, nothing is loaded but our style (BR-04, v5.0.0-3.4.3).
const CSP: &str = "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'; \
                   frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'; \
                   report-uri /auth/reports; report-to cloakroom";

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

impl Web {
    /// Renders a page with its own strict policy.
    fn page(&self, slot: Slot, name: &str, values: Value) -> Result<Response, Problem> {
        let values = context! { base => slot.prefix(), ..values };
        let html = self
            .pages
            .render(name, values)
            .map_err(|error| Problem::from(cloakroom_app::Fault::new("a page could not be rendered", error)))?;
        let mut response = Response::new(html.into());
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
        headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(CSP));
        headers.insert("reporting-endpoints", HeaderValue::from_static("cloakroom=\"/auth/reports\""));
        headers.insert("referrer-policy", HeaderValue::from_static("same-origin"));
        Ok(response)
    }

    /// A problem as a page: the same status, the same words.
    pub(crate) fn error_page(&self, problem: &Problem, slot: Slot) -> Response {
        let (status, code, title) = problem.code.parts();
        let values = context! {
            title, code, advice => problem.code.advice(), incident => problem.incident(),
        };
        let mut response = self.page(slot, "error.html", values).unwrap_or_default();
        *response.status_mut() = status;
        response
    }

    /// One step that begins on this site, so that `Strict` cookies come along. `to` is a local path built here.
    pub(crate) fn hop_page(&self, to: &str, slot: Slot) -> Result<Response, Problem> {
        let joint = if to.contains('?') { '&' } else { '?' };
        self.page(slot, "hop.html", context! { to => slot.at(&format!("{to}{joint}hop=1")) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_template_renders_and_carries_nothing_inline() {
        let pages = Pages::new().unwrap();
        let sample = context! {
            title => "A title", code => "a-code", advice => "Do this.", incident => "0123456789ab",
            notice => "logged-out", problem => context! { title => "T", advice => "A", field => "email" }, email => "\"><script>x</script>",
            csrf => "TOKEN", return_to => "/notes", min_characters => 15, to => "/auth/refresh?hop=1",
            opened => "2 hours ago", ends => "in 30 days",
            base => "/u/1",
            sessions => [context! {
                id => "s", here => false, opened => "2 hours ago", used => "just now", device => "<b>", unknown => true, agent => "<i>",
                address => "::1", by => "a password", keeps => true, bound => false,
            }],
        };
        for (name, source) in TEMPLATES {
            if name == "layout.html" {
                continue;
            }
            let html = pages.render(name, sample.clone()).unwrap();
            assert_eq!(html, pages.render(name, sample.clone()).unwrap(), "{name} is deterministic");
            assert!(!html.contains("<script") && !html.contains("style="), "{name}: inline code");
            assert!(html.contains("<html lang=\"en\">") && html.contains("<h1"), "{name}: language and heading");
            assert!(!source.contains("|safe"), "{name} escapes everything");
        }
    }
}
