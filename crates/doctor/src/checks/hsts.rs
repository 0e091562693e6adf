//! `Strict-Transport-Security` (RFC 6797): once, for at least a year. That it is not on plain http is looked at by
//! `redirect`, which goes there.

use crate::answer::Answer;
use crate::finding::{Judged, Severity};
use crate::visit::Visit;

/// A year, in seconds.
const YEAR: u64 = 31_536_000;

/// Judges the log-in page, or whatever came in its place.
pub(super) fn run(visit: &Visit) -> Judged {
    if !visit.wire.target.is_https() {
        return Judged::unknown("the header has no meaning on plain http (RFC 6797 §8.1)");
    }
    judge(&visit.login)
}

fn judge(answer: &Answer) -> Judged {
    const HEADER: &str = "strict-transport-security";
    let mut judged = Judged::default();
    let lines = answer.all(HEADER);
    // Some proxies join two lines with a comma, which no directive contains.
    let values: Vec<&str> = lines.iter().flat_map(|line| line.split(',')).map(str::trim).collect();
    let shown = answer.shown_header(HEADER);
    let [value, rest @ ..] = values.as_slice() else {
        judged.find(
            Severity::Medium,
            "Browsers are not told to stay on https",
            shown,
            "Do not strip Strict-Transport-Security in the proxy. If it never was there, Cloakroom took the request for plain \
             http: the proxy must say X-Forwarded-Proto: https and be listed in server.trusted_proxies.",
        );
        return judged;
    };
    if !rest.is_empty() {
        judged.find(
            Severity::Medium,
            "Strict-Transport-Security comes more than once, and browsers read the first only (RFC 6797 §8.1)",
            &shown,
            "Let one of the two set it: remove it from the proxy, and set headers.hsts in Cloakroom if you want another value.",
        );
    }
    let directive = |name: &'static str| {
        value.split(';').filter_map(move |directive| {
            let (key, value) = directive.split_once('=').unwrap_or((directive, ""));
            key.trim().eq_ignore_ascii_case(name).then(|| value.trim().trim_matches('"').to_owned())
        })
    };
    match directive("max-age").collect::<Vec<_>>().as_slice() {
        [seconds] => match seconds.parse::<u64>() {
            Ok(seconds) if seconds >= YEAR => judged.saw(format!("Strict-Transport-Security: {value}")),
            Ok(_) => judged.find(
                Severity::Medium,
                "Browsers forget within a year that the site is on https",
                &shown,
                "Set max-age to 31536000 or more (headers.hsts, or the proxy if it overwrites the header).",
            ),
            Err(_) => broken(&mut judged, &shown),
        },
        _ => broken(&mut judged, &shown),
    }
    if directive("includesubdomains").next().is_none() {
        judged.find(
            Severity::Info,
            "Subdomains are not held to https",
            &shown,
            "Add includeSubDomains once every subdomain has TLS: a neighbour on plain http can plant cookies.",
        );
    }
    judged
}

fn broken(judged: &mut Judged, shown: &str) {
    judged.find(
        Severity::Medium,
        "Strict-Transport-Security cannot be read, so browsers ignore it (RFC 6797 §6.1)",
        shown,
        "Write it as max-age=31536000; includeSubDomains.",
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::visit::tests::{changed, stripped, untouched, with};

    fn first(answer: &Answer) -> Option<String> {
        judge(answer).findings.into_iter().find(|f| f.severity != Severity::Info).map(|finding| finding.title)
    }

    #[test]
    fn rfc_6797_one_header_for_a_year_is_fine() {
        assert!(judge(&untouched()).findings.is_empty());
        assert!(
            judge(&changed("strict-transport-security", "MAX-AGE=\"63072000\";includesubdomains")).findings.is_empty()
        );
    }

    #[test]
    fn rfc_6797_a_missing_doubled_short_or_broken_one_is_not() {
        assert!(first(&stripped("strict-transport-security")).unwrap().contains("not told"));
        assert!(first(&with("strict-transport-security: max-age=60")).unwrap().contains("more than once"));
        let set = |value: &str| first(&changed("strict-transport-security", value)).unwrap();
        assert!(set("max-age=31536000, max-age=31536000").contains("more than once"));
        assert!(set("max-age=86400; includeSubDomains").contains("within a year"));
        assert!(set("max-age=0").contains("within a year"));
        assert!(set("includeSubDomains").contains("cannot be read"));
        assert!(set("max-age=1y").contains("cannot be read"));
    }

    #[test]
    fn subdomains_are_worth_a_word() {
        let judged = judge(&changed("strict-transport-security", "max-age=31536000"));
        assert_eq!(judged.titles(), [(Severity::Info, "Subdomains are not held to https")]);
    }
}
