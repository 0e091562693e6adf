//! Whether something on the way keeps answers that are for one browser only.

use crate::answer::Answer;
use crate::finding::{Judged, Severity};
use crate::visit::Visit;
use crate::wire::Silence;

const FIX: &str = "Let no cache in front keep anything under /auth, and let Cache-Control pass as it is (nginx: no proxy_cache, no \
                   expires, no proxy_ignore_headers; CDN: respect the origin's Cache-Control).";

/// Headers by which caches say that an answer came out of them.
const HITS: [&str; 5] = ["x-cache", "cf-cache-status", "x-cache-status", "x-proxy-cache", "cache-status"];

/// Judges what the visit was given: the page came twice.
pub(super) fn run(visit: &Visit) -> Judged {
    judge(&visit.csrf, &visit.login, &visit.again)
}

fn judge(csrf: &Answer, login: &Answer, again: &Result<Answer, Silence>) -> Judged {
    let mut judged = Judged::default();
    let known = [Some(csrf), Some(login), again.as_ref().ok()];
    for answer in known.into_iter().flatten() {
        if !answer.is_form_token() && !answer.is_page() {
            judged.cannot_tell(format!("whether it would be kept: {}", answer.shown()));
            continue;
        }
        let stored = answer.all("cache-control").iter().all(|value| !has_no_store(value));
        if stored {
            judged.find(
                Severity::High,
                "Answers for one person lose Cache-Control: no-store on the way",
                answer.shown_header("cache-control"),
                FIX,
            );
        } else {
            judged.saw(format!("{}: no-store", answer.asked));
        }
        for header in HITS {
            // Cache-Status says `hit` among other words (RFC 9211 §2.1).
            if answer.all(header).iter().any(|value| value.to_ascii_lowercase().contains("hit")) {
                judged.find(
                    Severity::High,
                    "An answer for one person came out of a cache",
                    answer.shown_header(header),
                    FIX,
                );
            }
        }
        if answer.first("age").is_some_and(|age| age != "0") {
            judged.find(
                Severity::High,
                "An answer for one person came out of a cache",
                answer.shown_header("age"),
                FIX,
            );
        }
    }
    if let (Some(first), Ok(Some(second))) = (nonce(login), again.as_ref().map(nonce)) {
        if first == second {
            judged.find(
                Severity::High,
                "Two visits got the same page: something in front keeps pages and gives them to others",
                "GET /auth/login twice: the same nonce, which is never used twice",
                FIX,
            );
        } else {
            judged.saw("two visits got two pages");
        }
    } else {
        judged.cannot_tell("whether two visits get two pages: they carry no nonce to tell them apart");
    }
    judged
}

fn has_no_store(value: &str) -> bool {
    value.split(',').any(|directive| directive.trim().eq_ignore_ascii_case("no-store"))
}

/// The nonce of a page's own policy, new for every page.
fn nonce(page: &Answer) -> Option<String> {
    let policy = page.first("content-security-policy")?;
    let (_, rest) = policy.split_once("'nonce-")?;
    Some(rest.split('\'').next()?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::visit::tests::{changed, stripped, untouched, with};

    fn token() -> Answer {
        Answer::made("GET /auth/csrf", 200, &[("cache-control", "no-store")], r#"{"header":"Cloakroom-Csrf"}"#)
    }

    fn other() -> Answer {
        changed("content-security-policy", "default-src 'none'; script-src 'nonce-BBBB'")
    }

    #[test]
    fn two_pages_that_nobody_keeps_are_fine() {
        let judged = judge(&token(), &untouched(), &Ok(other()));
        assert!(judged.findings.is_empty() && judged.unknown.is_empty());
        assert!(judge(&token(), &changed("cache-control", "private, No-Store"), &Ok(other())).findings.is_empty());
    }

    #[test]
    fn a_page_that_is_kept_is_told_of() {
        let high = |page: &Answer, again: Answer| {
            let judged = judge(&token(), page, &Ok(again));
            judged.titles().iter().any(|(severity, _)| *severity == Severity::High)
        };
        assert!(high(&stripped("cache-control"), other()));
        assert!(high(&changed("cache-control", "public, max-age=60"), other()));
        assert!(high(&with("x-cache: HIT from cdn"), other()));
        assert!(high(&with("age: 12"), other()));
        assert!(high(&untouched(), untouched()));
        assert!(!high(&with("x-cache: MISS"), other()) && !high(&with("age: 0"), other()));
    }

    #[test]
    fn pages_that_do_not_come_prove_nothing() {
        let gone = Answer::made("GET /auth/login", 308, &[], "");
        assert_eq!(judge(&token(), &gone, &Err(Silence::TimedOut)).unknown.len(), 2);
    }
}
