//! A letter in words: subject, text and HTML, each from a template of its own in `templates/`.
//!
//! Values are bounded and brought to one line before a template sees them; the HTML templates escape every one.

use crate::site::Site;
use crate::words::{folded, one_line, without_links};
use cloakroom_core::letter::{About, Letter, Place, Way};
use minijinja::syntax::SyntaxConfig;
use minijinja::{AutoEscape, Environment, UndefinedBehavior, Value, context};

#[cfg(test)]
#[path = "render_tests.rs"]
mod tests;

/// What a mail says. It may hold a link or a code that grants something, so it has no `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct Rendered {
    /// One line. Says what happened, and at which site; holds no other value, and no secret.
    pub subject: String,
    /// Plain text, lines ended by LF and at most 76 columns wide, links on lines of their own.
    pub text: String,
    /// A whole document without pictures, scripts or anything to load.
    pub html: String,
}

/// The letter says something that we do not send.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unrenderable {
    /// A link that does not lead to our own site, or is no link: it was not built from our public URL.
    #[error("a link of the letter does not lead to this site")]
    ForeignLink,
    /// A way whose token would reach servers and their logs: it belongs after the `#` (RFC 3986 §3.5).
    #[error("a link of the letter does not carry its token in the fragment")]
    TokenOutsideFragment,
    /// A template is broken. The tests render every one.
    #[error("the template of the letter is broken")]
    Template,
}

/// Puts a letter into words.
pub fn render(letter: &Letter, site: &Site) -> Result<Rendered, Unrenderable> {
    let values = Values(site);
    let draft = values.draft(&letter.about)?;
    let common = context! { subject => &draft.subject, site => site_name(site), origin => values.link(site.origin())? };
    let values = context! { ..draft.values, ..common };
    let text =
        filled(draft.text, include_str!("templates/layout.txt"), include_str!("templates/parts.txt"), "txt", &values);
    let html = filled(
        draft.html,
        include_str!("templates/layout.html"),
        include_str!("templates/parts.html"),
        "html",
        &values,
    );
    Ok(Rendered { subject: draft.subject, text: folded(&text?), html: html? })
}

/// A template with its layout and its parts, filled in.
fn filled(body: &str, layout: &str, parts: &str, kind: &str, values: &Value) -> Result<String, Unrenderable> {
    let mut env = Environment::new();
    env.set_undefined_behavior(UndefinedBehavior::Strict);
    let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build();
    env.set_syntax(syntax.map_err(|_| Unrenderable::Template)?);
    let is_text = kind == "txt";
    env.set_auto_escape_callback(move |_| if is_text { AutoEscape::None } else { AutoEscape::Html });
    let names = ["layout", "parts", "body"].map(|name| format!("{name}.{kind}"));
    for (name, source) in names.iter().zip([layout, parts, body]) {
        env.add_template(name, source).map_err(|_| Unrenderable::Template)?;
    }
    let template = env.get_template(&format!("body.{kind}")).map_err(|_| Unrenderable::Template)?;
    template.render(values).map_err(|_| Unrenderable::Template)
}

fn site_name(site: &Site) -> String {
    one_line(&site.name, 64)
}

/// What one mail needs besides the layout.
struct Draft {
    subject: String,
    text: &'static str,
    html: &'static str,
    values: Value,
}

macro_rules! draft {
    ($name:literal, $subject:expr, $values:expr) => {
        Draft {
            subject: $subject,
            text: include_str!(concat!("templates/", $name, ".txt")),
            html: include_str!(concat!("templates/", $name, ".html")),
            values: $values,
        }
    };
}

/// Values of a letter, made fit for a template.
struct Values<'a>(&'a Site);

impl Values<'_> {
    fn draft(&self, about: &About) -> Result<Draft, Unrenderable> {
        let site = site_name(self.0);
        Ok(match about {
            About::ConfirmAddress(way) => {
                draft!(
                    "confirm-address",
                    format!("Confirm your address for {site}"),
                    context! { way => self.way(way)? }
                )
            }
            About::AddressTaken { login, forgot } => draft!(
                "address-taken",
                format!("You have an account at {site} already"),
                context! { login => self.link(login)?, forgot => self.link(forgot)? }
            ),
            About::ResetPassword(way) => {
                draft!("reset-password", format!("Set a new password for {site}"), context! { way => self.way(way)? })
            }
            About::ResetForYou(way) => {
                draft!("reset-for-you", format!("Choose a new password for {site}"), context! { way => self.way(way)? })
            }
            About::FactorsRemovedForYou { at, account } => draft!(
                "factors-removed-for-you",
                format!("Your second factors at {site} were removed"),
                context! { at => one_line(at, 64), account => self.link(account)? }
            ),
            About::Invitation(way) => {
                draft!("invitation", format!("Your account at {site}"), context! { way => self.way(way)? })
            }
            About::PasswordChanged { place, forgot } => draft!(
                "password-changed",
                format!("Your password for {site} was changed"),
                context! { place => place_of(place), forgot => self.link(forgot)? }
            ),
            About::PasswordLocked { forgot } => draft!(
                "password-locked",
                format!("Somebody guessed at your password for {site}"),
                context! { forgot => self.link(forgot)? }
            ),
            About::FactorFailed { place, forgot } => draft!(
                "factor-failed",
                format!("Somebody knows your password for {site}"),
                context! { place => place_of(place), forgot => self.link(forgot)? }
            ),
            About::ConfirmNewAddress(way) => draft!(
                "confirm-new-address",
                format!("Confirm your new address for {site}"),
                context! { way => self.way(way)? }
            ),
            About::AddressChanged { to, place, back } => draft!(
                "address-changed",
                format!("Your address at {site} was changed"),
                context! { to => one_line(to, 80), place => place_of(place), back => self.way(back)? }
            ),
            About::NewDevice { place, reasons, revoke } => {
                let reasons: Vec<String> = reasons.iter().take(8).map(|reason| without_links(reason, 200)).collect();
                draft!(
                    "new-device",
                    format!("New log-in to your account at {site}"),
                    context! { place => place_of(place), reasons, revoke => self.way(revoke)? }
                )
            }
            About::FactorAdded { what, place, forgot } => draft!(
                "factor-added",
                format!("A way to log in was added to your account at {site}"),
                self.factor(what, place, forgot)?
            ),
            About::FactorRemoved { what, place, forgot } => draft!(
                "factor-removed",
                format!("A way to log in was removed from your account at {site}"),
                self.factor(what, place, forgot)?
            ),
            About::RecoveryCodeUsed { left, place, forgot } => draft!(
                "recovery-code-used",
                format!("A recovery code was used at {site}"),
                context! { left, place => place_of(place), forgot => self.link(forgot)? }
            ),
            About::ApprovalCode { code, what, good_for } => draft!(
                "approval-code",
                format!("Your code for {site}"),
                context! { code => one_line(code, 64), what => without_links(what, 200), good_for => one_line(good_for, 64) }
            ),
            About::AccountDeleted => {
                draft!("account-deleted", format!("Your account at {site} was deleted"), context! {})
            }
        })
    }

    fn factor(&self, what: &str, place: &Place, forgot: &str) -> Result<Value, Unrenderable> {
        let forgot = self.link(forgot)?;
        Ok(context! { what => without_links(what, 200), place => place_of(place), forgot })
    }

    /// A link, which is not escaped any more.
    fn link(&self, link: &str) -> Result<Value, Unrenderable> {
        if self.0.holds(link) { Ok(Value::from_safe_string(link.to_owned())) } else { Err(Unrenderable::ForeignLink) }
    }

    fn way(&self, way: &Way) -> Result<Value, Unrenderable> {
        let (link, page) = (self.link(&way.link)?, self.link(&way.page)?);
        let hidden = way.link.split_once('#').is_some_and(|(sent, token)| !sent.contains('?') && !token.is_empty());
        if !hidden || way.page.contains(['?', '#']) {
            return Err(Unrenderable::TokenOutsideFragment);
        }
        Ok(context! { link, page, code => one_line(&way.code, 64), good_for => one_line(&way.good_for, 64) })
    }
}

fn place_of(place: &Place) -> Value {
    let Place { device, address, at } = place;
    context! { device => without_links(device, 80), address => one_line(address, 64), at => one_line(at, 64) }
}
