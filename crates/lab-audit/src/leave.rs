//! What a log-out leaves behind: credentials that the server still takes, copies in the browser, pages behind the back button.
//!
//! The server is asked again with GET for what the site itself had asked for with GET, once with the copied credentials, once
//! without: only a request whose answers differ can tell whether they still work.

use anyhow::Result;
use http::Method;

use crate::finding::{Finding, Severity};
use crate::proxy::{Answer, Exchange, Upstream};
use crate::seen::{Seen, evidence};

/// No more addresses than this are tried.
const MOST: usize = 12;

/// An address whose answer shows whether credentials work.
pub(crate) struct Proof {
    exchange: Exchange,
    /// What is sent along.
    headers: Vec<(String, String)>,
    with: Answer,
    without: Answer,
}

/// Looks for addresses that tell the credentials of the session from none, by asking twice with them and once without.
pub(crate) async fn proofs(seen: &Seen, upstream: &Upstream) -> Vec<Proof> {
    let mut found: Vec<Proof> = Vec::new();
    let mut tried: Vec<Exchange> = Vec::new();
    // Data before pages: a page is often the same for everybody.
    let (data, pages): (Vec<_>, Vec<_>) =
        seen.signed_in().partition(|exchange| exchange.header("content-type").contains("json"));
    for exchange in data.into_iter().chain(pages) {
        let is_new = tried.iter().all(|other| other.request.url != exchange.request.url);
        if exchange.request.method != Method::GET
            || !exchange.is_success()
            || !is_new
            || is_stream(exchange)
            || is_leaving(exchange)
        {
            continue;
        }
        if tried.len() >= MOST || found.len() >= 3 {
            break;
        }
        tried.push(exchange.clone());
        if let Ok(Some(proof)) = proof(seen, exchange, upstream).await {
            found.push(proof);
        }
    }
    found
}

async fn proof(seen: &Seen, exchange: &Exchange, upstream: &Upstream) -> Result<Option<Proof>> {
    let headers = headers(seen, exchange);
    let with = ask(upstream, exchange, &headers).await?;
    let again = ask(upstream, exchange, &headers).await?;
    let without = ask(upstream, exchange, &neutral(exchange)).await?;
    let tells = with.status.is_success() && is_like(&with, &again) && !is_like(&with, &without);
    Ok(tells.then(|| Proof { exchange: exchange.clone(), headers, with, without }))
}

/// The same request with the cookies that are in the jar now, and the token that it had.
fn headers(seen: &Seen, exchange: &Exchange) -> Vec<(String, String)> {
    let mut headers = neutral(exchange);
    let sent = exchange.request.cookies();
    let jar = |name: &str| seen.cookies.iter().find(|cookie| cookie.name == name).map(|cookie| cookie.value.clone());
    let cookies: Vec<_> =
        sent.into_iter().map(|(name, value)| format!("{name}={}", jar(&name).unwrap_or(value))).collect();
    if !cookies.is_empty() {
        headers.push(("cookie".to_owned(), cookies.join("; ")));
    }
    for (name, value) in &exchange.request.headers {
        let Ok(value) = value.to_str() else { continue };
        if name == "authorization" || seen.credentials.tokens.contains(value) {
            headers.push((name.as_str().to_owned(), value.to_owned()));
        }
    }
    headers
}

/// What the request had beside credentials.
fn neutral(exchange: &Exchange) -> Vec<(String, String)> {
    let keep = [
        "accept",
        "user-agent",
        "accept-language",
        "sec-fetch-site",
        "sec-fetch-mode",
        "sec-fetch-dest",
        "origin",
        "referer",
    ];
    let own = exchange.request.headers.iter().filter(|(name, _)| {
        let name = name.as_str();
        keep.contains(&name) || name.contains("csrf") || name.contains("xsrf") || name == "x-requested-with"
    });
    own.filter_map(|(name, value)| Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned()))).collect()
}

async fn ask(upstream: &Upstream, exchange: &Exchange, headers: &[(String, String)]) -> Result<Answer> {
    let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    upstream.ask(&Method::GET, &exchange.request.url, &headers).await
}

/// The same status, and the same body or one that differs in a nonce or a time.
fn is_like(one: &Answer, other: &Answer) -> bool {
    if one.status != other.status {
        return false;
    }
    if one.body == other.body {
        return true;
    }
    let words = |answer: &Answer| {
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        text.split(|char: char| !char.is_alphabetic())
            .filter(|word| word.len() > 2 && word.len() < 20)
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    // Random words fall apart into different short ones; what a page says does not.
    let (one, other) = (words(one), words(other));
    let common = one.iter().filter(|word| other.contains(word)).count();
    one.len().abs_diff(other.len()) * 20 <= one.len() && common * 20 >= one.len() * 19
}

fn is_stream(exchange: &Exchange) -> bool {
    exchange.header("content-type").starts_with("text/event-stream")
}

/// An address that could end the session by being asked for.
fn is_leaving(exchange: &Exchange) -> bool {
    let path = exchange.request.url.path().to_ascii_lowercase();
    ["logout", "log-out", "signout", "sign-out", "delete", "remove", "revoke"].iter().any(|word| path.contains(word))
}

/// What a page that is left behind shows.
pub(crate) struct Behind {
    /// The text of the page of somebody who is logged in.
    pub(crate) inside: String,
    /// The text after the log-out.
    pub(crate) outside: String,
    /// The text after going back.
    pub(crate) back: String,
}

/// Tries the copied credentials after the log-out.
pub(crate) async fn still_taken(proofs: &[Proof], upstream: &Upstream) -> Option<Finding> {
    let mut lines = Vec::new();
    for proof in proofs {
        let Ok(after) = ask(upstream, &proof.exchange, &proof.headers).await else { continue };
        if is_like(&after, &proof.with) && !is_like(&after, &proof.without) {
            lines.push(format!(
                "{} is answered with {} to a copy of the credentials, as before the log-out",
                proof.exchange.shown(),
                after.status.as_u16()
            ));
        }
    }
    let evidence = evidence(lines);
    (!evidence.is_empty()).then(|| Finding {
        id: "session-survives",
        severity: Severity::High,
        title: "After the log-out the server still takes the old credentials".to_owned(),
        evidence,
        fix: "End the session on the server when somebody logs out; do not only clear the cookie, and look tokens up in a list of ended sessions.",
        references: &["ASVS v5.0.0-7.4.1", "docs/lab/exhibits/e15-stateless.md"],
    })
}

/// What the browser itself keeps of the credentials, and shows behind the back button. `are_dead` where it was seen that the
/// server no longer takes what the session had.
pub(crate) fn left(before: &Seen, after: &Seen, behind: Option<&Behind>, are_dead: bool) -> Vec<Finding> {
    let mut found = Vec::new();
    let cookies = before
        .credentials
        .cookies
        .iter()
        .filter(|cookie| after.cookies.iter().any(|now| now.name == cookie.name && now.value == cookie.value));
    let cookies: Vec<_> =
        cookies.map(|cookie| format!("the cookie {} is still there, with its value", cookie.name)).collect();
    let census = after.census.to_string();
    let tokens = before.credentials.tokens.iter().filter(|token| census.contains(token.as_str())).count();
    let tokens = (tokens > 0).then(|| format!("{tokens} credentials are still readable in the page"));
    let lines = evidence(cookies.into_iter().chain(tokens));
    if !lines.is_empty() {
        found.push(Finding {
            id: "credentials-left",
            severity: if are_dead { Severity::Low } else { Severity::Medium },
            title: if are_dead {
                "After the log-out the browser still has something that looks like a credential; the session itself is over"
            } else {
                "After the log-out the browser still has credentials of the session"
            }
            .to_owned(),
            evidence: lines,
            fix: "Clear the cookies in the answer to the log-out, and send Clear-Site-Data: \"cookies\", \"storage\" beside it.",
            references: &["ASVS v5.0.0-14.3.1", "ASVS v5.0.0-7.4.1"],
        });
    }
    if let Some(behind) = behind
        && behind.back == behind.inside
        && behind.back != behind.outside
        && !behind.back.trim().is_empty()
    {
        found.push(Finding {
            id: "page-behind",
            severity: Severity::Medium,
            title: "After the log-out the back button shows the page of whoever was logged in".to_owned(),
            evidence: vec![format!("the same {} characters of text as before", behind.back.chars().count())],
            fix: "Answer pages with Cache-Control: no-store, and ask for the session again on pageshow when event.persisted is true.",
            references: &["ASVS v5.0.0-14.3.1", "docs/lab/exhibits/e11-back-button.md"],
        });
    }
    found
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, StatusCode};

    use super::*;

    #[test]
    fn pages_are_alike_but_for_a_nonce_and_unlike_another_page() {
        let answer = |status: u16, body: &str| Answer {
            status: StatusCode::from_u16(status).unwrap(),
            headers: HeaderMap::new(),
            body: body.as_bytes().to_vec(),
        };
        let page = "<p>Hello Ada, here is what you bought last week and what it was good for, please come again</p>";
        let with_nonce = |nonce: &str| answer(200, &format!("<script nonce={nonce}></script>{}", page.repeat(3)));
        assert!(is_like(&with_nonce("Zm9v1"), &with_nonce("YmFy2")));
        assert!(!is_like(&with_nonce("Zm9v1"), &answer(200, "<p>Log in</p>")));
        assert!(!is_like(&answer(200, "a"), &answer(401, "a")));
    }
}
