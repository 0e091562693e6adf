//! `no-script`: a client that only follows links and redirects, sends forms and keeps cookies, as a browser with its scripts
//! switched off does: log in, look at the profile, change the address, log out. It is the same in every browser column.

use anyhow::{Context as _, Result, bail};
use cloakroom_lab_victims::What;
use http::Response;

use super::served::Moment;
use super::{Found, found};
use crate::person::Person;
use crate::scene::Scene;
use crate::world::{PASSWORD, own};

/// Redirects in a row that are followed.
const MOST_REDIRECTS: usize = 6;

/// `no-script`.
pub(super) async fn no_script(scene: &Scene<'_>) -> Result<Found> {
    // Somebody of their own, since the address will change.
    let person =
        Person { email: format!("forms-{}", scene.victim.email), canary: format!("forms-{}", scene.victim.canary) };
    scene.world.open_account(scene.row, &person.email, &person.canary).await?;
    let mut client = Client { scene, jar: Vec::new() };
    let before = Moment::now(scene.world);
    let is_own = own(scene.row).is_some();
    let door = client.get(if is_own { "/auth/login" } else { "/" }).await?;
    let Some(form) = forms(&door).into_iter().find(|form| form.has("email") && form.has("password")) else {
        return Ok(found("no", "the application has no form to log in with"));
    };
    client.send(&form, &[("email", &person.email), ("password", PASSWORD)]).await?;
    let inside = client.get("/").await?;
    let sees = inside.contains(&person.canary) && before.served(scene.world, &person.email);
    if !sees {
        return Ok(found("no", "after the form of the log-in was sent, the page without scripts shows no profile"));
    }
    let address = format!("moved-{}", person.email);
    let address_form = forms(&inside).into_iter().find(|form| form.has("email") && !form.has("password"));
    let changed = match &address_form {
        Some(form) => {
            let answer = client.send(form, &[("email", &address)]).await;
            drop(answer);
            before.did(scene.world, &person.email, |what| matches!(what, What::EmailChanged { .. }))
        }
        None => false,
    };
    let left = client.log_out(is_own, &person.canary).await?;
    Ok(match (changed, left) {
        (true, true) => found("yes", "log-in, profile, change of the address and log-out worked by forms alone"),
        (true, false) => found("all but the log-out", "the log-out by a form did not end the session"),
        (false, true) => found(
            "reading only",
            "log-in, profile and log-out worked by forms alone; the change of the address did not",
        ),
        (false, false) => {
            found("reading only", "log-in and profile worked by forms alone; change of the address and log-out did not")
        }
    })
}

struct Client<'a> {
    scene: &'a Scene<'a>,
    /// Name, value, path.
    jar: Vec<(String, String, String)>,
}

impl Client<'_> {
    async fn get(&mut self, path: &str) -> Result<String> {
        Ok(self.go("GET", path.to_owned(), String::new()).await?.into_body())
    }

    /// Sends a form as its page has it, some fields filled in.
    async fn send(&mut self, form: &Form, filled: &[(&str, &str)]) -> Result<String> {
        let fields = form.fields.iter().map(|(name, value)| {
            let value = filled.iter().find(|(known, _)| known == name).map_or(value.as_str(), |(_, value)| value);
            format!("{}={}", encode(name), encode(value))
        });
        let body = fields.collect::<Vec<_>>().join("&");
        Ok(self.go("POST", form.action.clone(), body).await?.into_body())
    }

    /// Logs out by the form that the application has for it; whether the session is over then.
    async fn log_out(&mut self, is_own: bool, canary: &str) -> Result<bool> {
        let page = self.get(if is_own { "/auth/account" } else { "/" }).await?;
        let Some(form) = forms(&page).into_iter().find(|form| form.action.ends_with("/logout")) else {
            return Ok(false);
        };
        self.send(&form, &[]).await?;
        Ok(!self.get("/").await?.contains(canary))
    }

    async fn go(&mut self, method: &str, path: String, body: String) -> Result<Response<String>> {
        let (mut method, mut path, mut body) = (method.to_owned(), path, body);
        let origin = self.scene.app("");
        for _ in 0..MOST_REDIRECTS {
            let jar = self.jar_for(&path);
            let mut headers = vec![
                ("accept", "text/html"),
                ("sec-fetch-site", "same-origin"),
                ("sec-fetch-mode", "navigate"),
                ("sec-fetch-dest", "document"),
                ("sec-fetch-user", "?1"),
            ];
            if method == "POST" {
                headers.push(("origin", &origin));
                headers.push(("content-type", "application/x-www-form-urlencoded"));
            }
            if !jar.is_empty() {
                headers.push(("cookie", &jar));
            }
            let answer = self.scene.world.machine.send(&self.scene.host(), &method, &path, &headers, body).await?;
            self.keep(&answer);
            if !answer.status().is_redirection() {
                return Ok(answer);
            }
            let to =
                answer.headers().get("location").and_then(|to| to.to_str().ok()).context("a redirect to nowhere")?;
            path = to.strip_prefix(&origin).unwrap_or(to).to_owned();
            if !path.starts_with('/') {
                bail!("a redirect to another site");
            }
            (method, body) = ("GET".to_owned(), String::new());
        }
        bail!("more than {MOST_REDIRECTS} redirects in a row")
    }

    fn jar_for(&self, path: &str) -> String {
        let pairs = self.jar.iter().filter(|(.., at)| path.starts_with(at.as_str()));
        pairs.map(|(name, value, _)| format!("{name}={value}")).collect::<Vec<_>>().join("; ")
    }

    fn keep(&mut self, answer: &Response<String>) {
        for line in answer.headers().get_all("set-cookie").iter().filter_map(|line| line.to_str().ok()) {
            let mut parts = line.split(';').map(str::trim);
            let Some((name, value)) = parts.next().and_then(|pair| pair.split_once('=')) else { continue };
            let attributes: Vec<_> = parts.map(|part| part.split_once('=').unwrap_or((part, ""))).collect();
            let of = |wanted: &str| {
                attributes.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted)).map(|(_, value)| *value)
            };
            self.jar.retain(|(known, ..)| known != name);
            if of("max-age") != Some("0") && !value.is_empty() {
                self.jar.push((name.to_owned(), value.to_owned(), of("path").unwrap_or("/").to_owned()));
            }
        }
    }
}

/// A form of a page: where it goes, and its fields with their values.
#[derive(Debug, PartialEq, Eq)]
struct Form {
    action: String,
    fields: Vec<(String, String)>,
}

impl Form {
    fn has(&self, field: &str) -> bool {
        self.fields.iter().any(|(name, _)| name == field)
    }
}

/// The forms of a page that are sent by POST to the application itself. Reads what the two applications of the lab write; it
/// is no parser of HTML.
fn forms(page: &str) -> Vec<Form> {
    let blocks = page.split("<form").skip(1).map(|rest| rest.split("</form>").next().unwrap_or_default());
    let posts = blocks.filter_map(|block| {
        let (head, inside) = block.split_once('>')?;
        (attribute(head, "method")?.eq_ignore_ascii_case("post")).then_some(())?;
        let inputs = inside.split("<input").skip(1).map(|rest| rest.split('>').next().unwrap_or_default());
        let fields =
            inputs.filter_map(|input| Some((attribute(input, "name")?, attribute(input, "value").unwrap_or_default())));
        Some(Form { action: attribute(head, "action")?, fields: fields.collect() })
    });
    posts.collect()
}

/// An attribute's value in a tag, with its character references read.
fn attribute(tag: &str, name: &str) -> Option<String> {
    let start = tag.match_indices(name).find(|(at, _)| {
        let before = tag.get(..*at).is_none_or(|text| text.is_empty() || text.ends_with(char::is_whitespace));
        before && tag.get(at + name.len()..).is_some_and(|rest| rest.starts_with('='))
    })?;
    let rest = tag.get(start.0 + name.len() + 1..)?;
    let value = match rest.strip_prefix('"') {
        Some(quoted) => quoted.split('"').next()?,
        None => rest.split(|c: char| c.is_whitespace() || c == '>').next()?,
    };
    let read = [
        ("&quot;", "\""),
        ("&#34;", "\""),
        ("&#39;", "'"),
        ("&#x27;", "'"),
        ("&#x2f;", "/"),
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&amp;", "&"),
    ];
    Some(read.iter().fold(value.to_owned(), |text, (reference, character)| text.replace(reference, character)))
}

/// As forms are encoded (URL Standard 5.2).
fn encode(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'*' => char::from(byte).to_string(),
            b' ' => "+".to_owned(),
            _ => format!("%{byte:02X}"),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_are_read_with_hidden_fields_and_without_what_goes_by_get() {
        let page = "<form id=\"a\" method=\"get\" action=\"/preview\"><input name=\"id\"></form>\
            <form id=\"login\" method=\"post\" action=\"/auth/login\"><input type=\"hidden\" name=\"csrf\" value=\"a&amp;b\">\
            <input name=\"email\" autocomplete=\"username\" required></form>";
        let fields = vec![("csrf".to_owned(), "a&b".to_owned()), ("email".to_owned(), String::new())];
        assert_eq!(forms(page), [Form { action: "/auth/login".to_owned(), fields }]);
    }

    #[test]
    fn fields_are_encoded_as_browsers_do() {
        assert_eq!(encode("a b@c&d=é"), "a+b%40c%26d%3D%C3%A9");
    }
}
