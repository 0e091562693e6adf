//! Cookies, as they come through the proxy, and whether they get back through it. Only the device cookie is seen: the
//! session's own are set by a log-in, which this program does not do, and go the same way.

use crate::answer::Answer;
use crate::finding::{Judged, Severity};
use crate::set_cookie::SetCookie;
use crate::visit::{Visit, cookies, is_device, unprefixed};
use crate::wire::Silence;

/// How long browsers keep the device cookie, in seconds.
const KEPT_FOR: &str = "34560000";

/// What Cloakroom says of it, in lower case.
const OWN: [&str; 5] = ["path", "httponly", "secure", "samesite", "max-age"];

const REWRITTEN: &str = "Let the proxy pass Set-Cookie on as it is: no proxy_cookie_path, proxy_cookie_domain, proxy_cookie_flags, \
                         Header edit Set-Cookie, or cookie rewriting of a load balancer for Cloakroom.";

/// Judges what the visit was given.
pub(super) fn run(visit: &Visit) -> Judged {
    judge(visit.wire.target.is_https(), &[&visit.csrf, &visit.login], &visit.again)
}

fn judge(is_https: bool, answers: &[&Answer], again: &Result<Answer, Silence>) -> Judged {
    let mut judged = Judged::default();
    let good: Vec<_> = answers.iter().filter(|answer| answer.is_log_in_page() || answer.is_form_token()).collect();
    let Some(last) = good.last() else {
        return Judged::unknown("no page comes that would set a cookie; public-url says more");
    };
    for answer in &good {
        let (own, foreign): (Vec<_>, Vec<_>) = cookies(answer).into_iter().partition(is_device);
        match own.as_slice() {
            [] => judged.find(
                Severity::High,
                "Cookies do not arrive: Set-Cookie is stripped on the way",
                format!("{}: no cookie of Cloakroom", answer.asked),
                REWRITTEN,
            ),
            [cookie] => attributes(&mut judged, is_https, answer, cookie),
            [cookie, ..] => {
                judged.find(
                    Severity::Medium,
                    "The device cookie is set twice in one answer",
                    evidence(answer, cookie),
                    REWRITTEN,
                );
            }
        }
        for cookie in &foreign {
            of_others(&mut judged, is_https, answer, cookie);
        }
    }
    there_and_back(&mut judged, last, again);
    judged
}

fn evidence(answer: &Answer, cookie: &SetCookie) -> String {
    format!("{}: Set-Cookie: {}", answer.asked, cookie.shown())
}

/// Compares the device cookie with what left Cloakroom: `Path=/auth; HttpOnly; Secure; SameSite=Lax; Max-Age=34560000`.
fn attributes(judged: &mut Judged, is_https: bool, answer: &Answer, cookie: &SetCookie) {
    let mut is_whole = true;
    let shown = evidence(answer, cookie);
    let mut lost = |severity, title: &str, fix| {
        is_whole = false;
        judged.find(severity, title, &shown, fix);
    };
    let has_prefix = cookie.name == "__Secure-cloakroom-device";
    if !has_prefix && cookie.name != unprefixed(&cookie.name) {
        lost(Severity::High, "Cookies are renamed on the way, and Cloakroom will not know them again", REWRITTEN);
    } else if !has_prefix && is_https {
        lost(
            Severity::High,
            "Cookies have no prefix: a neighbouring host, or plain http, can plant its own",
            "Remove server.insecure_loopback_cookies, or whatever renames cookies in the proxy.",
        );
    } else if !has_prefix {
        lost(
            Severity::Info,
            "Cookies have neither prefix nor Secure",
            "This is what server.insecure_loopback_cookies does; it is for trying things out on this machine.",
        );
    }
    if has_prefix && !cookie.has("secure") {
        lost(
            Severity::High,
            "Secure is lost on the way: browsers throw such a cookie away, for its name promises it (RFC 6265bis §5.7)",
            REWRITTEN,
        );
    }
    if !cookie.has("httponly") {
        lost(Severity::High, "HttpOnly is lost on the way: scripts in pages can read cookies", REWRITTEN);
    }
    match cookie.get("samesite").map(str::to_ascii_lowercase).as_deref() {
        Some("lax") => {}
        Some("none") => {
            lost(Severity::High, "SameSite is turned off on the way: other sites send our cookies", REWRITTEN);
        }
        Some(_) => lost(Severity::Medium, "SameSite is changed on the way", REWRITTEN),
        None => lost(Severity::Medium, "SameSite is lost on the way", REWRITTEN),
    }
    if cookie.has("domain") {
        lost(
            Severity::High,
            "Domain is added on the way: every neighbouring host gets the cookie, and browsers refuse __Host- cookies with it",
            REWRITTEN,
        );
    }
    match cookie.get("path") {
        Some("/auth") => {}
        Some("/") => {
            lost(Severity::Medium, "Path is widened on the way: applications get what is ours alone", REWRITTEN);
        }
        _ => lost(
            Severity::High,
            "Path is changed on the way: browsers do not send the cookie where it is read",
            REWRITTEN,
        ),
    }
    if cookie.get("max-age") != Some(KEPT_FOR) {
        lost(Severity::Low, "How long a cookie lives is changed on the way", REWRITTEN);
    }
    if cookie.attributes().any(|name| !OWN.contains(&name) && name != "domain") {
        lost(Severity::Info, "An attribute is added on the way", REWRITTEN);
    }
    if is_whole {
        judged.saw(shown);
    }
}

/// Cookies of whoever stands in front, such as a load balancer.
fn of_others(judged: &mut Judged, is_https: bool, answer: &Answer, cookie: &SetCookie) {
    let shown = evidence(answer, cookie);
    if (is_https && !cookie.has("secure")) || !cookie.has("httponly") {
        judged.find(
            Severity::Low,
            "Something in front sets a cookie of its own, without Secure or HttpOnly",
            shown,
            "Give it both, or do without: Cloakroom needs no sticky sessions.",
        );
    } else {
        judged.find(
            Severity::Info,
            "Something in front sets a cookie of its own",
            shown,
            "If it is for sticky sessions, do without: Cloakroom needs none.",
        );
    }
}

/// A browser that shows its device cookie is known, and gets no other.
fn there_and_back(judged: &mut Judged, page: &Answer, again: &Result<Answer, Silence>) {
    let given = cookies(page).iter().any(is_device);
    match again {
        Ok(again) if again.is_page() && given => {
            if cookies(again).iter().any(is_device) {
                judged.find(
                    Severity::High,
                    "Cookies of the browser do not reach Cloakroom: nobody stays logged in",
                    format!("{} with the cookie from before: another is set", again.asked),
                    "Let the proxy pass the Cookie header on, and answer nothing under /auth from a cache.",
                );
            } else {
                judged.saw("the cookie that was given is known again: it gets through both ways");
            }
        }
        Ok(again) if given => {
            judged.cannot_tell(format!("whether cookies reach Cloakroom: {}", again.shown()));
        }
        Ok(_) => judged.cannot_tell("whether cookies reach Cloakroom: none was given to show"),
        Err(why) => judged.cannot_tell(format!("whether cookies reach Cloakroom: {why}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::visit::tests::{changed, stripped, untouched, with};

    fn judged(page: &Answer) -> Judged {
        judge(true, &[page], &Ok(stripped("set-cookie")))
    }

    fn severities(page: &Answer) -> Vec<Severity> {
        judged(page).titles().iter().map(|(severity, _)| *severity).collect()
    }

    fn set(to: &str) -> Vec<Severity> {
        severities(&changed("set-cookie", to))
    }

    const REST: &str = "Path=/auth; HttpOnly; Secure; SameSite=Lax; Max-Age=34560000";

    #[test]
    fn what_left_cloakroom_is_fine_however_it_is_spelled() {
        let judged = judged(&untouched());
        assert!(judged.findings.is_empty() && judged.unknown.is_empty() && judged.seen.len() == 2);
        assert!(!judged.seen.concat().contains("S3CRET"));
        assert_eq!(
            set("__Secure-cloakroom-device=x; max-age=34560000; samesite=lax; SECURE; httponly; path=/auth"),
            []
        );
    }

    #[test]
    fn every_lost_or_added_attribute_is_told_of() {
        let without = |attribute: &str| {
            let rest: Vec<_> = REST.split("; ").filter(|part| !part.starts_with(attribute)).collect();
            set(&format!("__Secure-cloakroom-device=x; {}", rest.join("; ")))
        };
        assert_eq!(without("Secure"), [Severity::High]);
        assert_eq!(without("HttpOnly"), [Severity::High]);
        assert_eq!(without("SameSite"), [Severity::Medium]);
        assert_eq!(without("Path"), [Severity::High]);
        assert_eq!(without("Max-Age"), [Severity::Low]);
        let and = |more: &str| set(&format!("__Secure-cloakroom-device=x; {REST}; {more}"));
        assert_eq!(and("Domain=example.com"), [Severity::High]);
        assert_eq!(and("SameSite=None"), [Severity::High]);
        assert_eq!(and("SameSite=Strict"), [Severity::Medium]);
        assert_eq!(and("Path=/"), [Severity::Medium]);
        assert_eq!(and("Partitioned"), [Severity::Info]);
    }

    #[test]
    fn names_are_as_they_were() {
        assert_eq!(set(&format!("cloakroom-device=x; {REST}")), [Severity::High]);
        assert_eq!(set(&format!("__Host-cloakroom-device=x; {REST}")), [Severity::High]);
        let plain = changed("set-cookie", "cloakroom-device=x; Path=/auth; HttpOnly; SameSite=Lax; Max-Age=34560000");
        let judged = judge(false, &[&plain], &Ok(stripped("set-cookie")));
        assert_eq!(judged.titles()[0].0, Severity::Info);
    }

    #[test]
    fn a_stripped_or_doubled_cookie_is_told_of() {
        assert_eq!(severities(&stripped("set-cookie")), [Severity::High]);
        let twice = with(&format!("set-cookie: __Secure-cloakroom-device=y; {REST}"));
        assert_eq!(severities(&twice), [Severity::Medium]);
    }

    #[test]
    fn cookies_of_others_are_named_without_their_value() {
        let judged = judged(&with("set-cookie: AWSALB=S3CRET; Path=/"));
        assert_eq!(judged.titles()[0].0, Severity::Low);
        assert!(judged.findings[0].evidence[0].contains("AWSALB=…"));
        assert_eq!(severities(&with("set-cookie: lb=1; Secure; HttpOnly")), [Severity::Info]);
    }

    #[test]
    fn a_cookie_that_does_not_come_back_is_told_of() {
        let page = untouched();
        let judged = judge(true, &[&page], &Ok(untouched()));
        assert!(judged.titles()[0].1.contains("do not reach"));
        assert_eq!(judge(true, &[&page], &Err(Silence::TimedOut)).unknown.len(), 1);
        let nothing = Answer::made("GET /auth/login", 308, &[("location", "/")], "");
        assert_eq!(judge(true, &[&nothing], &Ok(untouched())).unknown.len(), 1);
    }
}
