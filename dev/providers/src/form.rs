//! Forms of somebody else's pages. Their markup is read leniently, as a browser does, but nothing is executed.

/// A form as it stands in a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Form {
    /// Where it is sent; empty means to the page itself.
    pub action: String,
    /// Names and values of its fields as the page gives them. Boxes that are not ticked are left out.
    pub fields: Vec<(String, String)>,
    /// Names and values of the buttons that send it; what is sent says which one it was.
    pub buttons: Vec<(String, String)>,
    id: String,
}

impl Form {
    /// Every form of a page, in its order.
    pub fn all(page: &str) -> Vec<Self> {
        let mut forms: Vec<Self> = Vec::new();
        let mut is_open = false;
        for tag in tags(page) {
            match tag.name.as_str() {
                "form" => {
                    let attribute = |name| tag.attribute(name).unwrap_or_default().to_owned();
                    let (action, id) = (attribute("action"), attribute("id"));
                    forms.push(Self { action, fields: Vec::new(), buttons: Vec::new(), id });
                    is_open = true;
                }
                "/form" => is_open = false,
                "input" | "button" => {
                    // One that names its form may stand anywhere.
                    let form = match tag.attribute("form") {
                        Some(id) => forms.iter_mut().find(|form| form.id == id),
                        None => forms.last_mut().filter(|_| is_open),
                    };
                    if let Some(form) = form {
                        form.add(&tag);
                    }
                }
                _ => {}
            }
        }
        forms
    }

    /// Whether it has a field or a button of this name.
    pub fn has(&self, name: &str) -> bool {
        self.fields.iter().chain(&self.buttons).any(|(known, _)| known == name)
    }

    /// The value that the page gives a field.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Takes up an `input` or a `button`, if anything is ever sent for it.
    fn add(&mut self, tag: &Tag) {
        let Some(name) = tag.attribute("name").filter(|name| !name.is_empty()) else { return };
        let value = tag.attribute("value");
        let named = |value: &str| (name.to_owned(), value.to_owned());
        let kind = tag.attribute("type").map(str::to_ascii_lowercase);
        match (tag.name.as_str(), kind.as_deref()) {
            (_, Some("button" | "reset")) => {}
            ("button", _) | (_, Some("submit" | "image")) => self.buttons.push(named(value.unwrap_or_default())),
            (_, Some("checkbox" | "radio")) => {
                if tag.attribute("checked").is_some() {
                    self.fields.push(named(value.unwrap_or("on")));
                }
            }
            _ => self.fields.push(named(value.unwrap_or_default())),
        }
    }
}

struct Tag {
    /// In lower case; with its slash if it closes something.
    name: String,
    attributes: Vec<(String, String)>,
}

impl Tag {
    fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// Every tag of a page; what stands in scripts, styles and comments is none.
fn tags(page: &str) -> Vec<Tag> {
    let mut tags = Vec::new();
    let mut rest = page;
    while let Some((_, after)) = rest.split_once('<') {
        if let Some(comment) = after.strip_prefix("!--") {
            rest = comment.split_once("-->").map_or("", |(_, after)| after);
            continue;
        }
        if !after.starts_with(|char: char| char.is_ascii_alphabetic() || char == '/') {
            rest = after;
            continue;
        }
        let (tag, after) = tag(after);
        rest = after;
        if matches!(tag.name.as_str(), "script" | "style") {
            let end = format!("</{}", tag.name);
            rest = rest.split_once(end.as_str()).map_or("", |(_, after)| after);
        }
        tags.push(tag);
    }
    tags
}

/// The tag that begins here, behind its `<`, and what follows it.
fn tag(text: &str) -> (Tag, &str) {
    let end = text.find(|char: char| char.is_ascii_whitespace() || char == '>').unwrap_or(text.len());
    let (name, mut rest) = text.split_at(end);
    let mut tag = Tag { name: name.to_ascii_lowercase(), attributes: Vec::new() };
    loop {
        rest = rest.trim_start_matches(|char: char| char.is_ascii_whitespace() || char == '/');
        let Some(first) = rest.chars().next() else { return (tag, "") };
        if first == '>' {
            return (tag, rest.strip_prefix('>').unwrap_or_default());
        }
        let is_end = |char: char| char.is_ascii_whitespace() || matches!(char, '=' | '>' | '/');
        // An equals sign where a name begins belongs to the name; else this would not advance.
        let end = rest.char_indices().skip(1).find(|(_, char)| is_end(*char)).map_or(rest.len(), |(at, _)| at);
        let (name, after) = rest.split_at(end);
        let (value, after) = value(after);
        tag.attributes.push((name.to_ascii_lowercase(), resolved(value)));
        rest = after;
    }
}

/// The value that stands behind the name of an attribute, and what follows it.
fn value(text: &str) -> (&str, &str) {
    let Some(text) = text.trim_start().strip_prefix('=') else { return ("", text) };
    let text = text.trim_start();
    for quote in ['"', '\''] {
        if let Some(quoted) = text.strip_prefix(quote) {
            return quoted.split_once(quote).unwrap_or((quoted, ""));
        }
    }
    text.split_at(text.find(|char: char| char.is_ascii_whitespace() || char == '>').unwrap_or(text.len()))
}

/// The text that a text with character references means. Unknown ones stay.
fn resolved(text: &str) -> String {
    let mut parts = text.split('&');
    let mut all = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        match part.split_once(';').and_then(|(name, rest)| Some((character(name)?, rest))) {
            Some((char, rest)) => all.extend([char.to_string().as_str(), rest]),
            None => all.extend(["&", part]),
        }
    }
    all
}

fn character(name: &str) -> Option<char> {
    match name {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => {
            let number = name.strip_prefix('#')?;
            let hex = number.strip_prefix(['x', 'X']).map(|digits| u32::from_str_radix(digits, 16));
            char::from_u32(hex.unwrap_or_else(|| number.parse()).ok()?)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_are_read_as_a_browser_reads_them() {
        let page = "<!doctype html><!-- <form action='no'> --><script>if (a<b) { '<form action=no>' }</script>\
            <form id=f onsubmit=\"a > b; return true\" action=\"http://a/b?c=1&amp;d=&#x32;\" method='post' novalidate>\
            <input type='hidden' name='t' value='1&amp;2'/><INPUT NAME=e value=x@y><input type=checkbox name=off>\
            <input type=checkbox name=on checked><input type=submit name=go value=Go></form><input name=lost>\
            <form><input name=\"q\"></form><button form=f name=n value=v type=submit>";
        let forms = Form::all(page);
        let field = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(forms[0].action, "http://a/b?c=1&d=2");
        assert_eq!(forms[0].fields, [field("t", "1&2"), field("e", "x@y"), field("on", "on")]);
        assert_eq!(forms[0].buttons, [field("go", "Go"), field("n", "v")]);
        assert_eq!((forms[1].action.as_str(), forms[1].fields.as_slice(), forms.len()), ("", &[field("q", "")][..], 2));
        assert!(forms[0].has("n") && !forms[0].has("lost"));
    }

    #[test]
    fn what_is_cut_off_ends_the_page() {
        for page in
            ["<", "<form", "<form action", "<form action=", "<form action=\"a", "<form = >", "<!--", "a < b", "<a/"]
        {
            assert!(Form::all(page).len() <= 1, "{page}");
        }
        assert_eq!(resolved("a & b &nope; &#xFFFFFFFF; &"), "a & b &nope; &#xFFFFFFFF; &");
    }
}
