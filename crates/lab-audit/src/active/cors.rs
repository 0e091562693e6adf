//! Who may read answers: asked as the attacker's origin would, with the credentials that come along by themselves.

use crate::finding::{Finding, Severity};
use crate::proxy::Proxy;
use crate::seen::{Seen, evidence};

/// No more addresses than this are tried.
const MOST: usize = 20;

/// Answers that let any origin read them with cookies (Fetch 3.3.5).
pub(crate) async fn tried(proxy: &Proxy, seen: &Seen) -> Vec<Finding> {
    let mut tried = Vec::new();
    let mut lines = Vec::new();
    for exchange in
        seen.signed_in().filter(|exchange| exchange.request.method == http::Method::GET && exchange.is_success())
    {
        let url = &exchange.request.url;
        if tried.contains(url) || tried.len() >= MOST {
            continue;
        }
        tried.push(url.clone());
        for origin in [proxy.attacker(), "null".to_owned()] {
            let cookie = exchange.request.header("cookie").to_owned();
            let headers = [
                ("origin", origin.as_str()),
                ("cookie", cookie.as_str()),
                ("sec-fetch-site", "cross-site"),
                ("sec-fetch-mode", "cors"),
            ];
            let Ok(answer) = proxy.upstream().ask(&http::Method::GET, url, &headers).await else { continue };
            let said = |name: &str| {
                answer.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
            };
            if said("access-control-allow-origin") == origin && said("access-control-allow-credentials") == "true" {
                lines.push(format!("{} may be read by {origin}", exchange.shown()));
            }
        }
    }
    let evidence = evidence(lines);
    if evidence.is_empty() {
        return Vec::new();
    }
    vec![Finding {
        id: "cors-any-origin",
        severity: Severity::High,
        title: "Any site may read answers for whoever is logged in".to_owned(),
        evidence,
        fix: "Compare Origin with a list of whole origins, and answer with none of these fields otherwise.",
        references: &["ASVS v5.0.0-3.4.2", "Fetch 3.3.5"],
    }]
}
