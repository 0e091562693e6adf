//! Forms of pages, filled in and sent as a person without JavaScript does: with the fields that the page has, and no others.

use crate::smtp::resolved;
use crate::{Answer, Guest};

/// A form as it stands in a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Form {
    /// Where it is sent.
    pub action: String,
    /// Names and values of its fields as the page gives them. A box that is not ticked has no value.
    pub fields: Vec<(String, Option<String>)>,
}

impl Form {
    /// Every form of a page, in its order.
    pub fn all(page: &str) -> Vec<Self> {
        page.split("<form ").skip(1).map(|rest| Self::read(rest.split("</form>").next().unwrap_or(rest))).collect()
    }

    fn read(form: &str) -> Self {
        let (head, rest) = form.split_once('>').unwrap_or((form, ""));
        let fields = rest.split("<input ").skip(1).filter_map(|input| {
            let input = input.split('>').next().unwrap_or_default();
            let name = attribute(input, "name")?;
            let ticked = input.split_whitespace().any(|word| word == "checked");
            let value = match attribute(input, "type").as_deref() {
                Some("checkbox" | "radio") => ticked.then(|| attribute(input, "value").unwrap_or("on".into())),
                _ => Some(attribute(input, "value").unwrap_or_default()),
            };
            Some((name, value))
        });
        Self { action: attribute(head, "action").unwrap_or_default(), fields: fields.collect() }
    }

    /// Whether it has a field of this name.
    pub fn has(&self, name: &str) -> bool {
        self.fields.iter().any(|(known, _)| known == name)
    }

    /// The value that the page gives a field.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(known, _)| known == name).and_then(|(_, value)| value.as_deref())
    }
}

/// The value of an attribute with double quotes, as our templates write them.
fn attribute(tag: &str, name: &str) -> Option<String> {
    let marker = format!("{name}=\"");
    let at = tag.match_indices(&marker).find(|(at, _)| *at == 0 || tag[..*at].ends_with(' '))?.0;
    tag[at + marker.len()..].split('"').next().map(resolved)
}

impl Answer {
    /// Where the links of this page lead, in their order.
    pub fn links(&self) -> Vec<String> {
        let page = self.text();
        let anchors = page.split("<a ").skip(1).filter_map(|rest| rest.split('>').next());
        anchors.filter_map(|anchor| attribute(anchor, "href")).collect()
    }

    /// Whether a link of this page leads exactly there.
    pub fn links_to(&self, place: &str) -> bool {
        self.links().iter().any(|link| link == place)
    }

    /// The form of this page that has this action and all of these fields. Panics with the forms that there are.
    pub fn form(&self, action: &str, fields: &[&str]) -> Form {
        let forms = Form::all(&self.text());
        let fits = |form: &&Form| form.action == action && fields.iter().all(|field| form.has(field));
        let found = forms.iter().find(fits).cloned();
        found.unwrap_or_else(|| panic!("no form leads to {action} with {fields:?}: {forms:?}\n{}", self.text()))
    }
}

impl Guest {
    /// Fills the form of a page and sends it: what is not typed goes as the page gave it. A field that the page does not have
    /// cannot be typed into, but the one hidden field that tells two forms to one place apart can be named with its own value.
    pub async fn fill(&self, page: &Answer, action: &str, typed: &[(&str, &str)]) -> Answer {
        let forms = Form::all(&page.text());
        let fits = |form: &&Form| {
            let own = |(name, value): &(&str, &str)| match form.value(name) {
                // What a person cannot change has to be what the page says.
                Some(given) if is_hidden(&page.text(), action, name) => given == *value,
                _ => form.has(name),
            };
            form.action == action && typed.iter().all(own)
        };
        let Some(form) = forms.iter().find(fits) else {
            let names: Vec<_> = typed.iter().map(|(name, _)| name).collect();
            panic!("no form leads to {action} with {names:?}: {forms:?}\n{}", page.text());
        };
        let mut fields: Vec<(&str, &str)> =
            form.fields.iter().filter_map(|(name, value)| Some((name.as_str(), value.as_deref()?))).collect();
        for (name, value) in typed {
            fields.retain(|(known, _)| known != name);
            fields.push((name, value));
        }
        self.submit(&form.action, &fields).await
    }
}

/// Whether every field of this name in forms to this place is hidden.
fn is_hidden(page: &str, action: &str, name: &str) -> bool {
    let forms = page.split("<form ").skip(1).filter_map(|form| form.split("</form>").next());
    let mut inputs = forms
        .filter(|form| attribute(form.split('>').next().unwrap_or_default(), "action").as_deref() == Some(action))
        .flat_map(|form| form.split("<input ").skip(1))
        .filter_map(|input| input.split('>').next())
        .filter(|input| attribute(input, "name").as_deref() == Some(name));
    inputs.all(|input| attribute(input, "type").as_deref() == Some("hidden"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_read_as_a_browser_reads_it() {
        let page = "<p><form method=\"post\" action=\"/a\" class=\"x\"><input type=\"hidden\" name=\"t\" value=\"1&amp;2\">\
            <input id=\"e\" name=\"email\" type=\"email\" value=\"\"><input type=\"checkbox\" name=\"off\">\
            <input type=\"checkbox\" name=\"on\" checked></form><form action=\"/b\"></form>";
        let forms = Form::all(page);
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(
            forms[0].fields,
            [("t", some("1&2")), ("email", some("")), ("off", None), ("on", some("on"))]
                .map(|(name, value)| (name.to_owned(), value))
        );
        assert_eq!((forms[0].action.as_str(), forms[1].action.as_str(), forms.len()), ("/a", "/b", 2));
        assert!(is_hidden(page, "/a", "t") && !is_hidden(page, "/a", "email"));
    }
}
