//! Fields of answers that tell the browser to be careful. Policies of scripts and frames are in `policy.rs`.

use super::finding;
use crate::finding::{Finding, Severity};
use crate::proxy::Exchange;
use crate::seen::Seen;

/// A year, which is what preload lists and ASVS ask for.
const YEAR: u64 = 31_536_000;

/// All findings about other fields.
pub(super) fn look(seen: &Seen) -> Vec<Finding> {
    let mut found = transport(seen);
    let pages: Vec<&Exchange> = seen.pages().collect();
    let those = |wanted: &dyn Fn(&Exchange) -> Option<String>| {
        pages.iter().filter_map(|page| wanted(page).map(|line| format!("{}: {line}", page.shown()))).collect::<Vec<_>>()
    };
    let sniffed = seen.exchanges.iter().filter(|exchange| exchange.is_success() && !exchange.body.is_empty());
    let sniffed = sniffed.filter(|exchange| !exchange.header("x-content-type-options").eq_ignore_ascii_case("nosniff"));
    let policy = |page: &Exchange| page.header("referrer-policy").to_ascii_lowercase();
    let tells_all = |page: &Exchange| {
        matches!(
            policy(page).rsplit(',').next().unwrap_or_default().trim(),
            "unsafe-url" | "no-referrer-when-downgrade"
        )
    };
    let missing =
        |name: &'static str| move |page: &Exchange| (!page.headers.contains_key(name)).then(|| format!("no {name}"));
    let personal = seen
        .signed_in()
        .filter(|exchange| exchange.is_success() && !exchange.headers.contains_key("cross-origin-resource-policy"));
    let every = [
        finding(
            "nosniff",
            Severity::Low,
            "Browsers may guess the type of answers: an upload can become a script",
            sniffed.map(Exchange::shown),
            "Answer everything with X-Content-Type-Options: nosniff and the right Content-Type.",
            &["ASVS v5.0.0-3.4.4", "Fetch 3.6"],
        ),
        finding(
            "referrer-tells-all",
            Severity::Medium,
            "Other sites are told whole addresses, queries included",
            those(&|page| tells_all(page).then(|| format!("referrer-policy: {}", policy(page)))),
            "Answer with Referrer-Policy: same-origin, or strict-origin-when-cross-origin.",
            &["ASVS v5.0.0-3.4.5"],
        ),
        finding(
            "referrer-unsaid",
            Severity::Info,
            "What other sites are told about addresses is left to the browser (today: the origin only)",
            those(&missing("referrer-policy")),
            "Answer with Referrer-Policy: same-origin, or no-referrer on pages whose address holds a secret.",
            &["ASVS v5.0.0-3.4.5"],
        ),
        finding(
            "opener",
            Severity::Low,
            "A site that opens the page in a window keeps a hold on it",
            those(&missing("cross-origin-opener-policy")),
            "Answer pages with Cross-Origin-Opener-Policy: same-origin, unless they are opened for a log-in on purpose.",
            &["ASVS v5.0.0-3.4.8", "docs/lab/exhibits/e12-window-open.md"],
        ),
        finding(
            "embedding",
            Severity::Low,
            "Other sites may embed answers for one person, as far as the answers say",
            personal.map(Exchange::shown),
            "Answer with Cross-Origin-Resource-Policy: same-origin, or judge Sec-Fetch-Site on the server.",
            &["ASVS v5.0.0-3.5.8", "Fetch 3.7"],
        ),
        finding(
            "permissions",
            Severity::Info,
            "Pages do not say which features of the browser they do without",
            those(&missing("permissions-policy")),
            "Answer with Permissions-Policy and switch off what you do not use.",
            &["W3C Permissions Policy"],
        ),
        finding(
            "cors-null",
            Severity::Medium,
            "Answers may be read by the origin null, which any sandboxed frame has",
            seen.exchanges
                .iter()
                .filter(|exchange| exchange.header("access-control-allow-origin") == "null")
                .map(Exchange::shown),
            "Name the origins that may read, exactly; never null.",
            &["ASVS v5.0.0-3.4.2"],
        ),
    ];
    found.extend(every.into_iter().flatten());
    found
}

fn transport(seen: &Seen) -> Vec<Finding> {
    let url = seen.target.url();
    if url.scheme() == "http" {
        let (severity, title) = if seen.target.is_local() {
            (Severity::Info, "The site was seen in clear, on this machine: nothing can be said about its transport")
        } else {
            (Severity::High, "The site speaks in clear: whoever is on the way reads and changes everything")
        };
        let line = crate::address::shown(url.as_str());
        let fix = "Serve it over TLS only, and redirect plain http without setting a cookie there.";
        return finding("plain-http", severity, title, [line], fix, &["ASVS v5.0.0-12.2.1", "RFC 9700 2.6"])
            .into_iter()
            .collect();
    }
    let lines = seen.exchanges.iter().filter(|exchange| exchange.status.is_some()).filter_map(|exchange| {
        let said = exchange.header("strict-transport-security").to_ascii_lowercase();
        let age = said
            .split(';')
            .find_map(|part| part.trim().strip_prefix("max-age=")?.trim_matches('"').parse::<u64>().ok());
        match age {
            None => Some(format!("{}: no Strict-Transport-Security", exchange.shown())),
            Some(age) if age < YEAR => Some(format!("{}: max-age={age}", exchange.shown())),
            Some(_) => None,
        }
    });
    // Browsers do not remember it of this machine in a way that would help.
    let severity = if seen.target.is_local() { Severity::Info } else { Severity::Medium };
    finding(
        "hsts",
        severity,
        "Browsers are not told for a year to come without TLS never again",
        lines,
        "Answer everything over TLS with Strict-Transport-Security: max-age=31536000; includeSubDomains.",
        &["ASVS v5.0.0-3.4.1", "RFC 6797 6.1"],
    )
    .into_iter()
    .collect()
}
