//! Audits of a site that does everything wrong and of one that does not, in real browsers, over real sockets.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod bad;
mod demo;
mod good;
mod server;

use std::collections::BTreeSet;

use cloakroom_browser::Engine;
use cloakroom_lab_audit::{Login, Options, Report, Script, Severity, Target, audit};

use self::server::Server;

/// What is typed as the password; it looks like a credential, so that it would be reported if it were not cut out.
const PASSWORD: &str = "pT7xQ2mZ9kLr4WvB8nYc";

/// Everything that the bad site does wrong, as far as a passive look shows.
const PASSIVE: [&str; 41] = [
    "cache-browser",
    "cache-shared",
    "cache-unsaid",
    "cookie-claims",
    "cookie-cross-site",
    "cookie-domain",
    "cookie-insecure",
    "cookie-prefix",
    "cookie-readable",
    "cookie-same-site-unset",
    "cors-null",
    "credentials-left",
    "csp-anywhere",
    "csp-base",
    "csp-eval",
    "csp-inline",
    "csp-missing",
    "csp-objects",
    "csp-report-only",
    "embedding",
    "framing",
    "framing-old",
    "nosniff",
    "opener",
    "page-behind",
    "permissions",
    "plain-http",
    "random-in-address",
    "random-readable",
    "referrer-tells-all",
    "referrer-unsaid",
    "script-foreign",
    "session-survives",
    "token-at-log-in",
    "token-cache-storage",
    "token-files",
    "token-global",
    "token-in-address",
    "token-in-page",
    "token-on-request",
    "typed-secret-kept",
];

/// Storages have findings of their own.
const STORAGES: [&str; 5] =
    ["token-history", "token-indexeddb", "token-local-storage", "token-session-storage", "token-window-name"];

/// What is said as long as nobody has tried.
const GUESSES: [&str; 2] = ["csrf-nothing-seen", "csrf-same-site-only"];

/// What is found only by trying.
const ACTIVE: [&str; 4] = ["cors-any-origin", "csrf", "csrf-sibling", "open-redirect"];

async fn look(server: &Server, script: &str, engine: Engine, active: bool) -> Report {
    let target = Target::new(&server.origin(), &[]).unwrap();
    let script = Script::read(script, |name| (name == "AUDIT_PASSWORD").then(|| PASSWORD.to_owned())).unwrap();
    audit(&target, Login::Script(script), &Options { engine, headed: false, active }).await.unwrap()
}

fn ids(report: &Report) -> BTreeSet<&'static str> {
    report.findings.iter().map(|finding| finding.id).collect()
}

fn must_be(report: &Report, expected: impl IntoIterator<Item = &'static str>) {
    let expected: BTreeSet<_> = expected.into_iter().collect();
    let found = ids(report);
    let missing: Vec<_> = expected.difference(&found).collect();
    let more: Vec<_> = found.difference(&expected).collect();
    assert!(missing.is_empty() && more.is_empty(), "missing {missing:?}, too many {more:?}: {}", report.text());
}

async fn everything_wrong_is_found(engine: Engine) {
    let server = bad::site().await;
    let report = look(&server, bad::SCRIPT, engine, true).await;
    must_be(&report, PASSIVE.into_iter().chain(STORAGES).chain(ACTIVE));
    assert!(report.has_high());
    for text in [report.text(), report.json(), report.markdown()] {
        for secret in [PASSWORD, bad::JWT, bad::SESSION] {
            assert!(!text.contains(secret), "a secret is shown: {text}");
        }
        assert!(!text.contains(&format!("{}…", &PASSWORD[..4])), "the beginning of the password is shown: {text}");
    }
    // Forged by a form, by a form in text/plain, and by a script that may not read.
    let forged = report.findings.iter().find(|finding| finding.id == "csrf-sibling").unwrap();
    for (path, way) in
        [("/transfer", "by a form"), ("/api/email", "in text/plain"), ("/api/email", "without a content type")]
    {
        assert!(
            forged.evidence.iter().any(|line| line.contains(path) && line.contains(way)),
            "{path} {way}: {forged:?}"
        );
    }
}

async fn a_passive_audit_sends_nothing_of_its_own_that_changes_something(engine: Engine) {
    let server = bad::site().await;
    let report = look(&server, bad::SCRIPT, engine, false).await;
    must_be(&report, PASSIVE.into_iter().chain(STORAGES).chain(GUESSES));
    // What no answer names is out of reach.
    assert!(report.refused_hosts.iter().any(|host| host == "never-named.invalid"), "{:?}", report.refused_hosts);
    assert!(report.other_hosts.is_empty(), "{:?}", report.other_hosts);
    // The script's own requests, and no other.
    let unsafe_ones: Vec<_> = server.requests().into_iter().filter(|request| !request.starts_with("GET ")).collect();
    assert_eq!(unsafe_ones, ["POST /login", "POST /transfer", "POST /api/email", "POST /lax/save"]);
}

async fn nothing_is_found_where_nothing_is_wrong(engine: Engine) {
    let server = good::site().await;
    let report = look(&server, good::SCRIPT, engine, true).await;
    assert!(report.findings.is_empty() && report.skipped.is_empty(), "{}", report.text());
    assert!(server.requests().iter().any(|request| request == "POST /api/email"), "nothing was forged");
}

async fn whoever_is_not_logged_in_sees_what_strangers_see(engine: Engine) {
    let server = bad::site().await;
    let target = Target::new(&server.origin(), &[]).unwrap();
    let report = audit(&target, Login::Nobody, &Options { engine, headed: false, active: false }).await.unwrap();
    assert!(ids(&report).contains("csp-missing") && !report.has_high(), "{}", report.text());
    assert!(report.skipped.iter().any(|skipped| skipped.what.contains("behind the log-in")));
    assert!(report.findings.iter().all(|finding| finding.severity != Severity::High));
}

async fn a_site_that_does_not_answer_is_no_good_site(engine: Engine) {
    let origin = {
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
        format!("http://{}", listener.local_addr().unwrap())
    };
    let target = Target::new(&origin, &[]).unwrap();
    let error = audit(&target, Login::Nobody, &Options { engine, headed: false, active: false }).await.unwrap_err();
    assert!(error.to_string().contains("the site did not answer: no connection"), "{error:#}");
}

/// What there is to say about our own demo is said here: a change of this list is news for `docs/lab/audit.md`.
async fn the_demo_has_nothing_of_severity_high(engine: Engine) {
    let demo = demo::Demo::start().await;
    let options = Options { engine, headed: false, active: true };
    let target = Target::new(demo.origin(), &[]).unwrap();
    let read = |script: &str| Login::Script(Script::read(script, |_| Some(demo::PASSWORD.to_owned())).unwrap());
    let passive = Options { active: false, ..options };
    audit(&target, read(demo::SIGN_UP), &passive).await.unwrap();
    let report = audit(&target, read(&demo.script().await), &options).await.unwrap();
    let known = ["cache-browser", "cookie-claims", "credentials-left", "plain-http"];
    must_be(&report, known);
    assert!(!report.has_high() && report.skipped.is_empty(), "{}", report.text());
    assert!(report.findings.iter().all(|finding| finding.severity >= Severity::Low), "{}", report.text());
}

macro_rules! in_both_engines {
    ($($name:ident)+) => {
        mod chromium {
            $(#[tokio::test] async fn $name() { super::$name(super::Engine::Chromium).await; })+
        }
        mod firefox {
            $(#[tokio::test] async fn $name() { super::$name(super::Engine::Firefox).await; })+
        }
    };
}

mod webkit {
    #[tokio::test]
    async fn nothing_is_found_where_nothing_is_wrong() {
        super::nothing_is_found_where_nothing_is_wrong(super::Engine::WebKit).await;
    }
}

in_both_engines! {
    everything_wrong_is_found
    a_passive_audit_sends_nothing_of_its_own_that_changes_something
    nothing_is_found_where_nothing_is_wrong
    whoever_is_not_logged_in_sees_what_strangers_see
    a_site_that_does_not_answer_is_no_good_site
    the_demo_has_nothing_of_severity_high
}
