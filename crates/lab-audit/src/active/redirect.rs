//! Parameters of addresses that lead away from the site: each is given the attacker's address in three spellings, and the browser
//! shows where it arrives.

use anyhow::Result;
use cloakroom_browser::Page;
use tokio::time::Duration;
use url::Url;

use crate::finding::{Finding, Severity};
use crate::proxy::{ATTACKER, Proxy};
use crate::seen::{Seen, evidence};

/// No more parameters than this are tried.
const MOST: usize = 20;
/// How long a page may take to arrive somewhere.
const ARRIVES_WITHIN: Duration = Duration::from_secs(8);

/// Parts of names that say that an address is in there.
const NAMES: [&str; 10] = ["redirect", "return", "next", "continue", "url", "dest", "target", "goto", "back", "from"];

/// Redirects that any address can be given to.
pub(crate) async fn tried(page: &Page, proxy: &Proxy, seen: &Seen) -> Result<Vec<Finding>> {
    proxy.show("<!doctype html><title>elsewhere</title>");
    let mut tried: Vec<(String, String)> = Vec::new();
    let mut lines = Vec::new();
    for exchange in seen.exchanges.iter().filter(|exchange| exchange.request.method == http::Method::GET) {
        let url = &exchange.request.url;
        for (name, value) in url.query_pairs() {
            let key = (url.path().to_owned(), name.clone().into_owned());
            if !leads(&name, &value) || tried.contains(&key) || tried.len() >= MOST {
                continue;
            }
            tried.push(key);
            for to in [format!("{}/", proxy.attacker()), format!("//{ATTACKER}/"), format!("/\\{ATTACKER}/")] {
                let arrived = page.goto_within(with(url, &name, &to).as_str(), ARRIVES_WITHIN).await;
                let arrived = arrived.ok().and_then(|arrived| Url::parse(&arrived).ok());
                if arrived.is_some_and(|arrived| arrived.host_str() == Some(ATTACKER)) {
                    lines.push(format!("{} with {name}={to} leads to {ATTACKER}", exchange.shown()));
                    break;
                }
            }
        }
    }
    let evidence = evidence(lines);
    if evidence.is_empty() {
        return Ok(Vec::new());
    }
    Ok(vec![Finding {
        id: "open-redirect",
        severity: Severity::Medium,
        title: "An address of the site leads wherever its parameter says".to_owned(),
        evidence,
        fix: "Take only paths of your own, as the browser's URL parser reads them, or names of places instead of addresses.",
        references: &["ASVS v5.0.0-3.7.2", "RFC 9700 4.11"],
    }])
}

fn leads(name: &str, value: &str) -> bool {
    let name = name.to_ascii_lowercase();
    value.starts_with('/') || value.starts_with("http") || NAMES.iter().any(|part| name.contains(part))
}

/// The address with another value of one parameter.
fn with(url: &Url, name: &str, value: &str) -> Url {
    let pairs: Vec<(String, String)> =
        url.query_pairs().map(|(name, value)| (name.into_owned(), value.into_owned())).collect();
    let mut changed = url.clone();
    let mut query = changed.query_pairs_mut();
    query.clear();
    for (other, old) in &pairs {
        query.append_pair(other, if other == name { value } else { old });
    }
    drop(query);
    changed
}
