//! Credentials in bodies of answers: a script of the page gets them by asking, or by listening.

use serde_json::Value;

use super::finding;
use crate::finding::{Finding, Severity};
use crate::proxy::Exchange;
use crate::secret::{self, Kind};
use crate::seen::Seen;

/// Answers that hand out what identifies the session.
pub(super) fn look(seen: &Seen) -> Vec<Finding> {
    let (mut asked, mut heard) = (Vec::new(), Vec::new());
    for exchange in seen.exchanges.iter().filter(|exchange| is_data(exchange)) {
        let lines = lines(seen, exchange);
        // Whoever has the password needs no token.
        if has_password(exchange) { heard.extend(lines) } else { asked.extend(lines) }
    }
    let fix = "Let no answer to a browser hold a token: set it as a cookie with HttpOnly instead.";
    let references = &[
        "ASVS v5.0.0-10.1.1",
        "ASVS v5.0.0-3.3.4",
        "draft-ietf-oauth-browser-based-apps 6.1",
        "docs/lab/exhibits/e02-memory-and-refresh-cookie.md",
    ];
    let on_request = finding(
        "token-on-request",
        Severity::High,
        "An answer hands a credential to whatever script asks for it, without a password",
        asked,
        fix,
        references,
    );
    let at_login = finding(
        "token-at-log-in",
        Severity::Medium,
        "The answer to a password holds a credential, which a script that listens at that moment gets",
        heard,
        fix,
        references,
    );
    on_request.into_iter().chain(at_login).collect()
}

/// Whether it is an answer for scripts. Scripts, styles and pages are not.
fn is_data(exchange: &Exchange) -> bool {
    let kind = exchange.header("content-type");
    let for_scripts = matches!(exchange.request.header("sec-fetch-dest"), "empty" | "document" | "iframe" | "");
    for_scripts && (kind.contains("json") || kind.starts_with("text/plain"))
}

fn has_password(exchange: &Exchange) -> bool {
    let body = String::from_utf8_lossy(&exchange.request.body).to_ascii_lowercase();
    ["passw", "pwd", "passkey", "otp", "\"code\"", "assertion"].iter().any(|name| body.contains(name))
}

fn lines(seen: &Seen, exchange: &Exchange) -> Vec<String> {
    let text = exchange.text();
    let body: Value = serde_json::from_str(&text).unwrap_or(Value::String(text));
    let mut found = Vec::new();
    walk(&body, "", &mut |name, value| {
        for word in secret::find(value) {
            let known = seen.credentials.is_one(&word.word);
            let is_token = matches!(word.kind, Kind::Jwt | Kind::Jwe) || secret::names_a_credential(name);
            if known || (is_token && !secret::names_a_form_token(name)) {
                let name = if name.is_empty() { "the body" } else { name };
                found.push(format!("{}: {name} is {}", exchange.shown(), word.shown()));
            }
        }
    });
    found
}

fn walk(value: &Value, name: &str, each: &mut impl FnMut(&str, &str)) {
    match value {
        Value::String(text) => each(name, text),
        Value::Array(items) => items.iter().for_each(|item| walk(item, name, each)),
        Value::Object(items) => items.iter().for_each(|(name, item)| walk(item, name, each)),
        _ => {}
    }
}
