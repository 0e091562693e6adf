//! Who may keep what only one person should see (RFC 9111).

use super::finding;
use crate::finding::{Finding, Severity};
use crate::proxy::Exchange;
use crate::seen::Seen;

/// Answers to somebody who is logged in that may be kept.
pub(super) fn look(seen: &Seen) -> Vec<Finding> {
    let (mut shared, mut silent, mut own) = (Vec::new(), Vec::new(), Vec::new());
    for exchange in seen.signed_in().filter(|exchange| is_personal(exchange)) {
        let said = exchange.header("cache-control").to_ascii_lowercase();
        let has = |word: &str| said.split(',').any(|directive| directive.trim().split('=').next() == Some(word));
        let line = format!("{}: Cache-Control: {}", exchange.shown(), if said.is_empty() { "(none)" } else { &said });
        if has("no-store") {
            continue;
        }
        if has("public") || has("s-maxage") {
            shared.push(line);
        } else if has("private") || has("no-cache") {
            own.push(line);
        } else {
            silent.push(line);
        }
    }
    let fix = "Answer with Cache-Control: no-store whatever depends on who asks.";
    let references =
        &["ASVS v5.0.0-14.2.2", "ASVS v5.0.0-14.3.2", "RFC 9111 5.2.2.5", "docs/lab/exhibits/e11-back-button.md"];
    [
        finding(
            "cache-shared",
            Severity::High,
            "Answers for one person may be given to others by a shared cache",
            shared,
            fix,
            references,
        ),
        finding(
            "cache-unsaid",
            Severity::Medium,
            "Answers for one person do not say who may keep them",
            silent,
            fix,
            references,
        ),
        finding(
            "cache-browser",
            Severity::Low,
            "The browser may keep answers for one person after the log-out",
            own,
            fix,
            references,
        ),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Pages and data that were asked for with the session's credentials. Pictures, styles and scripts are the same for all.
fn is_personal(exchange: &Exchange) -> bool {
    let kind = exchange.header("content-type");
    let is_data = kind.starts_with("text/html") || kind.contains("json");
    let is_asked =
        !matches!(exchange.request.header("sec-fetch-dest"), "script" | "style" | "image" | "font" | "manifest");
    exchange.request.method == http::Method::GET && exchange.is_success() && is_data && is_asked
}
