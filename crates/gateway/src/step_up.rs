//! Which calls need an approval of their own: rules on routes, and whether one applies to a request, however the
//! request is spelled.
//!
//! In doubt a rule applies: once too often asks a person for one proof more, once too seldom lets a call through
//! unapproved. What an approval is, and whether there was one, is the gate's business.

use http::Method;
use http::request::Parts;

use crate::readings::{is_plain, is_plain_prefix, prefix_len, readings, unescaped};

/// Calls of one upstream that need an approval of their own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepUpRule {
    /// `None`: any. GET and HEAD count as one, letter case as none. A rule applies to POST whatever its method is, and
    /// to every request with a query such as `_method=…`: frameworks make other methods of those (a field `_method`
    /// in a form or a JSON body), and header fields that do the same are removed from every request.
    pub method: Option<Method>,
    /// Where, as people see it: absolute, below the upstream's path, plain, such as `/api/transfer`. A last segment `*` is any
    /// one segment, `**` everything below and the path before it. Letter case counts as none. A file extension may follow
    /// (`/api/transfer.json`), and below a path that ends with one (`/transfer.php/x`) is that path, as scripts see it.
    pub path: String,
    /// Fields of a JSON body that are shown to whoever approves, `.` between the names of nested ones: at most 16, each
    /// of 1 to 64 characters. The gateway only hands them to the gate.
    pub show: Vec<String>,
}

/// More rules than this for one upstream are a mistake: every request is compared with each.
const MAX_RULES: usize = 128;
const MAX_SHOWN: usize = 16;
const MAX_SHOWN_LENGTH: usize = 64;

impl StepUpRule {
    /// A rule that shows no field.
    pub fn new(method: Option<Method>, path: impl Into<String>) -> Self {
        Self { method, path: path.into(), show: Vec::new() }
    }

    /// The path without its last segment if that is a wildcard, and without a slash at its end.
    pub(crate) fn base(&self) -> &str {
        let path = self.path.strip_suffix("/**").or_else(|| self.path.strip_suffix("/*")).unwrap_or(&self.path);
        if path.is_empty() && self.path.starts_with('/') { "/" } else { path }
    }

    fn is_for(&self, method: &Method) -> bool {
        let Some(own) = &self.method else { return true };
        let is = |method: &Method, name: &str| method.as_str().eq_ignore_ascii_case(name);
        let is_get = |method: &Method| is(method, "GET") || is(method, "HEAD");
        is(method, "POST") || is(method, own.as_str()) || (is_get(method) && is_get(own))
    }

    /// Whether one reading of a path is this rule's.
    fn leads(&self, reading: &str) -> bool {
        let mut asked = segments(reading).peekable();
        let mut is_file = false;
        for own in segments(&self.path) {
            match (own, asked.next()) {
                ("**", _) => return true,
                ("*", Some(_)) => {}
                (_, Some(segment)) if is_named(segment, own, asked.peek().is_none()) => {}
                _ => return false,
            }
            is_file = own.contains('.');
        }
        is_file || asked.next().is_none()
    }
}

/// The first of an upstream's rules that applies to a request.
pub(crate) fn rule_for<'a>(rules: &'a [StepUpRule], request: &Parts) -> Option<&'a StepUpRule> {
    if rules.is_empty() {
        return None;
    }
    let names_a_method = request.uri.query().is_some_and(names_a_method);
    let mut asked = rules.iter().filter(|rule| names_a_method || rule.is_for(&request.method));
    let path = request.uri.path();
    let all = if is_plain(path) { Ok(vec![path.to_owned()]) } else { readings(path) };
    // Routes let no path pass that has no readings; should they ever, it is any.
    let Ok(all) = all else { return asked.next() };
    let folded: Vec<String> = all.iter().map(|reading| fold(reading)).collect();
    asked.find(|rule| folded.iter().any(|reading| rule.leads(reading)))
}

/// Those that are not empty: doubled slashes are one, and one at the end is none.
fn segments(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter(|segment| !segment.is_empty())
}

/// Letters that are one letter in the other case are one here: `ſ` is `S` is `s`.
fn fold(reading: &str) -> String {
    if reading.is_ascii() {
        return reading.to_ascii_lowercase();
    }
    reading.to_uppercase().to_lowercase()
}

/// Whether a folded segment is the one of a rule, which is ASCII; the last one may have a file extension more.
fn is_named(segment: &str, own: &str, is_last: bool) -> bool {
    match segment.as_bytes().split_at_checked(own.len()) {
        Some((start, rest)) => {
            start.eq_ignore_ascii_case(own.as_bytes()) && (rest.is_empty() || (is_last && rest.starts_with(b".")))
        }
        None => false,
    }
}

/// Whether a query has a parameter that some framework takes for the method, whatever its value.
fn names_a_method(query: &str) -> bool {
    const NAMES: [&str; 8] = [
        "method",
        "httpmethod",
        "methodoverride",
        "httpmethodoverride",
        "xmethod",
        "xhttpmethod",
        "xmethodoverride",
        "xhttpmethodoverride",
    ];
    let mut text = query.as_bytes().to_vec();
    // As often as paths are decoded; whatever is no letter or digit in a name (`_`, `.`, ` `, `$`) is left out, since
    // servers write some for others.
    for _ in 0..=2 {
        let named = text.split(|byte| matches!(byte, b'&' | b';' | b'?')).any(|pair| {
            let name = pair.split(|&byte| byte == b'=').next().unwrap_or_default();
            let letters: Vec<u8> =
                name.iter().filter(|byte| byte.is_ascii_alphanumeric()).map(u8::to_ascii_lowercase).collect();
            NAMES.iter().any(|known| known.as_bytes() == letters)
        });
        if named {
            return true;
        }
        let Some(decoded) = unescaped(&text) else { return false };
        text = decoded;
    }
    false
}

/// What is wrong with a rule, by its position.
pub(crate) enum Flaw {
    TooMany,
    Path(usize),
    Elsewhere(usize),
    Show(usize),
}

/// What is wrong with the rules of an upstream that serves `path`.
pub(crate) fn flaws(rules: &[StepUpRule], path: &str) -> Vec<Flaw> {
    let mut found = Vec::new();
    if rules.len() > MAX_RULES {
        found.push(Flaw::TooMany);
    }
    for (index, rule) in rules.iter().enumerate() {
        if !is_plain_prefix(rule.base()) {
            found.push(Flaw::Path(index));
        } else if !is_under(rule.base(), path) {
            found.push(Flaw::Elsewhere(index));
        }
        if rule.show.len() > MAX_SHOWN || !rule.show.iter().all(|name| is_field(name)) {
            found.push(Flaw::Show(index));
        }
    }
    found
}

fn is_under(path: &str, prefix: &str) -> bool {
    let length = prefix_len(prefix);
    path.get(..length) == prefix.get(..length)
        && path.get(length..).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn is_field(name: &str) -> bool {
    name.chars().count() <= MAX_SHOWN_LENGTH
        && !name.contains(char::is_control)
        && name.split('.').all(|part| !part.is_empty())
}

#[cfg(test)]
#[path = "step_up_tests.rs"]
mod tests;
