//! What a script in the page can read without asking anybody: storages, globals, the document. Cookies are looked at in
//! `cookies.rs`.

use serde_json::Value;

use super::finding;
use crate::finding::{Finding, Severity};
use crate::secret::{self, Kind};
use crate::seen::Seen;

/// Where the census looked, how a finding there is called, and what people call the place.
const PLACES: [(&str, &str, &str); 10] = [
    (
        "localStorage",
        "token-local-storage",
        "A credential lies in localStorage, where every script of the origin reads it, also after a restart",
    ),
    (
        "sessionStorage",
        "token-session-storage",
        "A credential lies in sessionStorage, where every script of the page reads it",
    ),
    (
        "indexedDB",
        "token-indexeddb",
        "A credential lies in IndexedDB, where every script of the origin reads it, also after a restart",
    ),
    (
        "caches",
        "token-cache-storage",
        "A credential lies in the Cache API, where every script of the origin reads it, also after a restart",
    ),
    (
        "files",
        "token-files",
        "A credential lies in the origin's private files, where every script of the origin reads it",
    ),
    ("window", "token-global", "A credential hangs on a global variable, where every script of the page reads it"),
    ("name", "token-window-name", "A credential is in window.name, which the next site in this tab can read too"),
    ("history", "token-history", "A credential is in history.state, where every script of the page reads it"),
    ("html", "token-in-page", "A credential stands in the page's HTML, where every script of the page reads it"),
    ("fields", "token-in-page", "A credential stands in a field of the page, where every script of the page reads it"),
];

const FIX: &str =
    "Keep it in a cookie with HttpOnly, Secure and a __Host- name, and let the server add what upstreams need.";

/// Everything readable that looks like a credential.
pub(super) fn look(seen: &Seen) -> Vec<Finding> {
    let mut found = Vec::new();
    for (place, id, title) in PLACES {
        let mut texts = Vec::new();
        walk(seen.census.get(place).unwrap_or(&Value::Null), "", &mut texts);
        let lines = texts.iter().flat_map(|(path, text)| credentials(seen, place, path, text));
        let references = &[
            "NIST SP 800-63B-4 5.1",
            "ASVS v5.0.0-10.1.1",
            "draft-ietf-oauth-browser-based-apps 8",
            "docs/lab/exhibits/e01-workers-and-closures.md",
        ];
        found.extend(finding(id, Severity::High, title, lines, FIX, references));
    }
    found.extend(random(seen));
    let typed =
        ["localStorage", "sessionStorage", "indexedDB", "caches", "files", "window", "name", "history", "cookie"];
    let typed = typed.into_iter().filter(|place| {
        let mut texts = Vec::new();
        walk(seen.census.get(*place).unwrap_or(&Value::Null), "", &mut texts);
        texts.iter().any(|(path, text)| seen.secrets.are_in(path) || seen.secrets.are_in(text))
    });
    found.extend(finding(
        "typed-secret-kept",
        Severity::High,
        "What was typed as a secret is kept where scripts read it",
        typed.map(str::to_owned),
        "Send a password to the server and forget it.",
        &["ASVS v5.0.0-14.3.3", "ASVS v5.0.0-14.2.1"],
    ));
    found
}

fn credentials<'a>(seen: &'a Seen, place: &'a str, path: &'a str, text: &'a str) -> impl Iterator<Item = String> + 'a {
    let is_page = matches!(place, "html" | "fields");
    let named = secret::names_a_credential(path) && !is_page;
    let is_form_token = secret::names_a_form_token(path);
    secret::find(text).into_iter().filter_map(move |word| {
        let known = seen.credentials.is_one(&word.word);
        let is_token = matches!(word.kind, Kind::Jwt | Kind::Jwe) || (named && word.kind == Kind::Random);
        let proof = if known { ", and requests carry it as a credential" } else { "" };
        let at = if is_page { String::new() } else { format!(" {}", label(path)) };
        (known || (is_token && !is_form_token)).then(|| format!("{place}{at}: {}{proof}", word.shown()))
    })
}

/// Random words in storages that nothing says are credentials.
fn random(seen: &Seen) -> Option<Finding> {
    let places = ["localStorage", "sessionStorage", "indexedDB", "window", "cookie"];
    let lines = places.into_iter().flat_map(|place| {
        let mut texts = Vec::new();
        walk(seen.census.get(place).unwrap_or(&Value::Null), "", &mut texts);
        let random =
            texts.into_iter().filter(|(path, _)| !secret::names_a_credential(path)).flat_map(move |(path, text)| {
                let words = secret::find(&text).into_iter().filter(|word| word.kind == Kind::Random);
                words.map(|word| (word, path.clone())).collect::<Vec<_>>()
            });
        random
            .filter(|(word, _)| !seen.credentials.is_one(&word.word))
            .map(move |(word, path)| format!("{place} {}: {}", label(&path), word.shown()))
            .collect::<Vec<_>>()
    });
    finding(
        "random-readable",
        Severity::Info,
        "Scripts can read words that look random; none of them was seen as a credential",
        lines,
        "Make sure that none of them opens anything: form tokens and ids of devices are fine here.",
        &["NIST SP 800-63B-4 5.1"],
    )
}

/// Every text below a value, with the way there.
fn walk(value: &Value, path: &str, texts: &mut Vec<(String, String)>) {
    match value {
        Value::String(text) => texts.push((path.to_owned(), text.clone())),
        Value::Array(items) => items.iter().for_each(|item| walk(item, path, texts)),
        Value::Object(items) => {
            for (name, item) in items {
                let path = if path.is_empty() { name.clone() } else { format!("{path} › {name}") };
                walk(item, &path, texts);
            }
        }
        _ => {}
    }
}

/// A path that shows no credential, should one be a key.
fn label(path: &str) -> String {
    let part = |part: &str| {
        let words = secret::find(part);
        words.iter().fold(part.to_owned(), |part, word| part.replace(&word.word, "…"))
    };
    part(path).chars().take(160).collect()
}
