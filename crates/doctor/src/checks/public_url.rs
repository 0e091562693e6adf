//! Whether the origin that was given is the one that Cloakroom takes itself for (`server.public_url`), and whether it takes
//! requests for what they are. Everything else depends on it.

use crate::answer::Answer;
use crate::finding::{Judged, Severity};
use crate::target::Target;
use crate::visit::{LOG_IN, Visit};
use crate::wire::{Ask, Silence};
use std::collections::BTreeSet;

/// A page that is not there, whose error page names the public origin.
const NOTHING: &str = "/auth/doctor-looks-for-nothing";
/// Where a server of tokens would tell its issuer (RFC 8414 §3).
const METADATA: &str = "/.well-known/oauth-authorization-server";

const NAME: &str = "Set server.public_url to the origin that people type, or examine the one that is set.";

/// Asks for a page that is not there, for one that leads on, and for metadata.
pub(super) async fn run(visit: &Visit) -> Judged {
    let wire = &visit.wire;
    let nothing = wire.ask(Ask::page(NOTHING)).await;
    let account = wire.ask(Ask::page("/auth/account")).await;
    let metadata = wire.ask(Ask::get(METADATA)).await;
    judge(&wire.target, &[&visit.csrf, &visit.login], &nothing, &account, &metadata)
}

fn judge(
    target: &Target,
    visit: &[&Answer],
    nothing: &Result<Answer, Silence>,
    account: &Result<Answer, Silence>,
    metadata: &Result<Answer, Silence>,
) -> Judged {
    let mut judged = Judged::default();
    for answer in visit {
        taken_for(&mut judged, target, answer);
        forms(&mut judged, target, answer);
    }
    let is_refused = !judged.findings.is_empty();
    match nothing {
        Ok(page) => named(&mut judged, target, page, is_refused),
        Err(why) => judged.cannot_tell(format!("which origin error pages name: {why}")),
    }
    match account {
        Ok(answer) => leads(&mut judged, target, answer),
        Err(why) => judged.cannot_tell(format!("where redirects lead: {why}")),
    }
    if let Ok(metadata) = metadata
        && let Some(issuer) = metadata.json().and_then(|json| Some(json.get("issuer")?.as_str()?.to_owned()))
    {
        if issuer.trim_end_matches('/') == target.origin() {
            judged.saw("the issuer in its metadata is this origin");
        } else {
            let shown = format!("{}: issuer {issuer}", metadata.asked);
            judged.find(Severity::High, "The metadata of the authorization server names another issuer", shown, NAME);
        }
    }
    judged
}

/// What Cloakroom says when it takes a request for something else than it is.
fn taken_for(judged: &mut Judged, target: &Target, answer: &Answer) {
    let problem = answer.problem();
    match problem.as_deref() {
        Some("https-required") if target.is_https() => plain(judged, answer),
        Some("https-required") => judged.find(
            Severity::High,
            "The site is on https, and plain http was given",
            answer.shown(),
            "Examine the https origin.",
        ),
        Some("misdirected") => judged.find(
            Severity::High,
            "Cloakroom does not go by this name",
            answer.shown(),
            "Let the proxy pass Host on as it came (nginx: proxy_set_header Host $host), and set server.public_url to the origin \
             that people type. Of server.approval_url nothing but approvals is served; examine public_url.",
        ),
        _ => {}
    }
    let Some(to) = answer.leads_to() else { return };
    match target.join(LOG_IN, &to) {
        Some(to) if to.origin().ascii_serialization() == target.origin() && to.path() == LOG_IN => {
            plain(judged, answer);
        }
        Some(to) if to.origin().ascii_serialization() != target.origin() => elsewhere(judged, answer),
        _ => {}
    }
}

fn plain(judged: &mut Judged, answer: &Answer) {
    judged.find(
        Severity::High,
        "Cloakroom takes https for plain http: people are sent in circles, and programs are refused",
        answer.shown(),
        "Let the proxy say X-Forwarded-Proto: https (nginx: proxy_set_header X-Forwarded-Proto $scheme), and list its address in \
         server.trusted_proxies.",
    );
}

fn elsewhere(judged: &mut Judged, answer: &Answer) {
    judged.find(Severity::High, "It leads to another origin than the one that was given", answer.shown(), NAME);
}

/// Forms of the log-in page, which lead to paths unless somebody rewrote them.
fn forms(judged: &mut Judged, target: &Target, page: &Answer) {
    if !page.is_log_in_page() {
        return;
    }
    let text = page.text();
    let foreign: BTreeSet<String> = attributes(&text, "action")
        .iter()
        .filter_map(|action| target.join(LOG_IN, action))
        .map(|url| url.origin().ascii_serialization())
        .filter(|origin| *origin != target.origin())
        .collect();
    for origin in &foreign {
        let shown = format!("{}: a form leads to {origin}", page.asked);
        judged.find(
            Severity::High,
            "Forms of the log-in page lead to another origin",
            shown,
            "Let nothing in front rewrite pages under /auth.",
        );
    }
    if foreign.is_empty() {
        judged.saw("forms lead to this origin");
    }
    // With an origin for approvals, forms may lead to both, and the public one is named (form-action).
    let policy = page.first("content-security-policy").unwrap_or_default().into_owned();
    let sources = policy.split(';').find_map(|directive| directive.trim().strip_prefix("form-action"));
    let origins: Vec<_> =
        sources.unwrap_or_default().split_ascii_whitespace().filter(|source| source.contains("://")).collect();
    if !origins.is_empty() && !origins.contains(&target.origin().as_str()) {
        let shown = format!("{}: form-action {}", page.asked, origins.join(" "));
        judged.find(Severity::High, "Cloakroom takes another origin for its own", shown, NAME);
    }
}

/// Links of the error page, which are built from the configuration.
fn named(judged: &mut Judged, target: &Target, page: &Answer, is_refused: bool) {
    let text = page.text();
    let origins: BTreeSet<String> = attributes(&text, "href")
        .iter()
        .filter_map(|href| href.strip_suffix("/auth/login"))
        .filter(|origin| origin.contains("://"))
        .map(|origin| {
            url::Url::parse(origin).map_or_else(|_| origin.to_owned(), |url| url.origin().ascii_serialization())
        })
        .collect();
    let shown = format!("{}: links to {}", page.shown(), origins.iter().cloned().collect::<Vec<_>>().join(", "));
    if origins.contains(&target.origin()) {
        judged.saw("error pages lead back to this origin");
    } else if !origins.is_empty() {
        judged.find(Severity::High, "Cloakroom takes another origin for its own", shown, NAME);
    } else if !is_refused {
        judged.cannot_tell(format!("which origin error pages name: {}", page.shown()));
    }
}

/// Where a page leads that is for people who are logged in.
fn leads(judged: &mut Judged, target: &Target, answer: &Answer) {
    let Some(to) = answer.leads_to() else { return };
    match target.join("/auth/account", &to) {
        Some(url) if url.origin().ascii_serialization() != target.origin() => elsewhere(judged, answer),
        Some(url) if url.path() == LOG_IN => judged.saw("redirects stay on this origin"),
        _ => {}
    }
}

/// Values of an attribute in quotes, as our pages write them: their template escapes slashes as well.
fn attributes(text: &str, name: &str) -> Vec<String> {
    let opening = format!(" {name}=\"");
    let values = text.split(opening.as_str()).skip(1).filter_map(|rest| rest.split('"').next());
    values.map(|value| value.replace("&#x2f;", "/").replace("&amp;", "&")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::visit::tests::{PAGE, changed, untouched};

    const MISSING: &str = r#"<a href="https:&#x2f;&#x2f;app.example.com/auth/login">Log in</a>"#;

    fn asked(url: &str, visit: &[&Answer], nothing: &str, to: &str, metadata: &str) -> Judged {
        judge(
            &Target::parse(url).unwrap(),
            visit,
            &Ok(Answer::made("GET /auth/nothing", 404, &[], nothing)),
            &Ok(Answer::made("GET /auth/account", 303, &[("location", to)], "")),
            &Ok(Answer::made("GET /.well-known", 200, &[], metadata)),
        )
    }

    fn app(visit: &[&Answer], nothing: &str, to: &str) -> Judged {
        asked("https://app.example.com", visit, nothing, to, "")
    }

    fn problem(code: &str) -> Answer {
        Answer::made("GET /auth/csrf", 403, &[], &format!(r#"{{"type":"urn:cloakroom:problem:{code}"}}"#))
    }

    #[test]
    fn the_origin_that_is_configured_is_fine() {
        let judged = app(&[&untouched()], MISSING, "/auth/login?return_to=x");
        assert!(judged.findings.is_empty() && judged.unknown.is_empty() && judged.seen.len() == 3);
        let issuer = r#"{"issuer":"https://app.example.com"}"#;
        assert!(asked("https://app.example.com", &[], MISSING, "/", issuer).findings.is_empty());
    }

    #[test]
    fn https_that_is_taken_for_plain_http_is_told_of() {
        let circle = Answer::made("GET /auth/login", 308, &[("location", "https://app.example.com/auth/login")], "");
        for answer in [circle, problem("https-required")] {
            assert!(app(&[&answer], "", "/").titles()[0].1.contains("takes https for plain http"));
        }
    }

    #[test]
    fn another_name_or_origin_is_told_of() {
        let first = |judged: Judged| judged.findings[0].title.clone();
        assert!(first(app(&[&problem("misdirected")], "", "/")).contains("this name"));
        assert!(first(app(&[&untouched()], MISSING, "https://www.example.com/")).contains("another origin"));
        assert!(first(asked("https://www.example.com", &[], MISSING, "/", "")).contains("for its own"));
        assert!(
            first(asked("https://a.example.com", &[], "", "/", r#"{"issuer":"https://b.example.com"}"#))
                .contains("issuer")
        );
        let policy =
            changed("content-security-policy", "form-action 'self' https://ok.example.com https://b.example.com");
        assert!(first(app(&[&policy], MISSING, "/")).contains("for its own"));
        assert!(
            first(asked("http://app.example.com", &[&problem("https-required")], "", "/", "")).contains("on https")
        );
        let rewritten = PAGE.replace("action=\"", "action=\"http://app.example.com");
        let page = Answer::made("GET /auth/login", 200, &[], &rewritten);
        assert!(first(app(&[&page], MISSING, "/")).contains("Forms"));
    }

    #[test]
    fn an_error_page_of_somebody_else_proves_nothing() {
        assert_eq!(app(&[&untouched()], "<h1>404</h1>", "/").unknown.len(), 1);
    }
}
