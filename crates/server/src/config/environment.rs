//! The environment over the file: `CLOAKROOM_SECTION_KEY`, such as `CLOAKROOM_SERVER_PUBLIC_URL`.

use super::Mistake;

/// Every section that is no list: what is written several times has no name to set it by.
const SECTIONS: [&str; 15] = [
    "server",
    "store",
    "session",
    "revocation",
    "cookie",
    "cors",
    "tokens",
    "account",
    "password",
    "second_factor",
    "mail",
    "forward_auth",
    "limits",
    "headers",
    "log",
];

/// Secrets that somebody chose: one of digits alone is text all the same.
const TEXTS: [(&str, &str); 3] = [("server", "admin_token"), ("revocation", "feed_token"), ("mail", "password")];

/// Variables with the prefix that are read elsewhere.
const OTHERS: [&str; 2] = ["CLOAKROOM_MASTER_KEY", "CLOAKROOM_CONFIG"];

/// Writes every `CLOAKROOM_SECTION_KEY` into the table. A value is taken as TOML if it is a number, a boolean or a list,
/// else as text.
pub(super) fn overlay(
    table: &mut toml::Table,
    environment: impl Iterator<Item = (String, String)>,
    mistakes: &mut Vec<Mistake>,
) {
    for (name, value) in environment {
        let Some(rest) = name.strip_prefix("CLOAKROOM_") else { continue };
        // Names of tests and tools; no section is called like them.
        if OTHERS.contains(&name.as_str()) || rest.starts_with("TEST_") || rest.starts_with("VECTORS") {
            continue;
        }
        if is_service_link(rest) {
            continue;
        }
        if value.contains(char::REPLACEMENT_CHARACTER) {
            mistakes.push(Mistake::new(name, "this is not UTF-8 text"));
            continue;
        }
        let lower = rest.to_ascii_lowercase();
        let place =
            SECTIONS.iter().find_map(|section| Some((section, lower.strip_prefix(section)?.strip_prefix('_')?)));
        let Some((section, key)) = place else {
            mistakes
                .push(Mistake::new(name, format!("no section begins like that; there are {}", SECTIONS.join(", "))));
            continue;
        };
        let value = if TEXTS.contains(&(*section, key)) { toml::Value::String(value) } else { typed(value) };
        let section = table.entry(*section).or_insert_with(|| toml::Value::Table(toml::Table::new()));
        if let Some(section) = section.as_table_mut() {
            section.insert(key.to_owned(), value);
        }
    }
}

/// What Kubernetes and Docker tell every container about a service called `cloakroom`, such as
/// `CLOAKROOM_SERVICE_HOST` and `CLOAKROOM_PORT_8080_TCP`. No key has the word PORT in it.
fn is_service_link(rest: &str) -> bool {
    let words: Vec<_> = rest.split('_').collect();
    words.contains(&"PORT") || words.ends_with(&["SERVICE", "HOST"])
}

fn typed(text: String) -> toml::Value {
    match text.parse::<toml::Value>() {
        Ok(value @ (toml::Value::Integer(_) | toml::Value::Boolean(_) | toml::Value::Array(_))) => value,
        _ => toml::Value::String(text),
    }
}
