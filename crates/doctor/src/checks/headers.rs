//! Headers that protect pages: that each arrives as it left, once, and none that does harm is added.

use crate::answer::Answer;
use crate::finding::{Judged, Severity};
use crate::visit::Visit;

/// What Cloakroom says with its log-in page.
struct Expected {
    header: &'static str,
    /// Whether a value is Cloakroom's.
    is_ours: fn(&str) -> bool,
    /// How bad it is without.
    missing: Severity,
    /// How bad it is when it says something else.
    changed: Severity,
}

const EXPECTED: [Expected; 7] = [
    Expected {
        header: "content-security-policy",
        is_ours: |value| {
            ["default-src 'none'", "script-src 'nonce-", "frame-ancestors 'none'"]
                .iter()
                .all(|part| value.contains(part))
        },
        missing: Severity::High,
        changed: Severity::High,
    },
    Expected {
        header: "x-content-type-options",
        is_ours: |value| value.eq_ignore_ascii_case("nosniff"),
        missing: Severity::Medium,
        changed: Severity::Medium,
    },
    Expected {
        header: "referrer-policy",
        is_ours: |value| value.eq_ignore_ascii_case("same-origin"),
        missing: Severity::Medium,
        changed: Severity::Low,
    },
    // Behind frame-ancestors, which is newer and says the same.
    Expected {
        header: "x-frame-options",
        is_ours: |value| value.eq_ignore_ascii_case("deny"),
        missing: Severity::Low,
        changed: Severity::Low,
    },
    Expected {
        header: "cross-origin-opener-policy",
        is_ours: |value| value == "same-origin",
        missing: Severity::Medium,
        changed: Severity::Medium,
    },
    Expected {
        header: "cross-origin-resource-policy",
        is_ours: |value| value == "same-origin",
        missing: Severity::Medium,
        changed: Severity::Medium,
    },
    // Its value is the operator's: headers.permissions_policy.
    Expected { header: "permissions-policy", is_ours: |_| true, missing: Severity::Low, changed: Severity::Low },
];

const PASS_ON: &str = "Let the proxy pass it on as it is (nginx: no proxy_hide_header, no add_header of the same name; Apache: no \
                       Header unset or set). What Cloakroom lets you change is in the section headers of its configuration.";

/// Judges the log-in page.
pub(super) fn run(visit: &Visit) -> Judged {
    match visit.page() {
        Ok(page) => judge(page),
        Err(unknown) => unknown,
    }
}

fn judge(page: &Answer) -> Judged {
    let mut judged = Judged::default();
    for Expected { header, is_ours, missing, changed } in EXPECTED {
        let values = page.all(header);
        let (shown, name) = (page.shown_header(header), name_of(header));
        let ours = values.iter().filter(|value| is_ours(value)).count();
        match (values.len(), ours) {
            (0, _) => judged.find(missing, format!("{name} is stripped on the way"), shown, PASS_ON),
            (_, 0) => judged.find(changed, format!("{name} is replaced on the way"), shown, PASS_ON),
            (1, _) => judged.saw(format!("{name} arrives")),
            (many, ours) if many == ours => {
                judged.find(Severity::Low, format!("{name} comes more than once"), shown, PASS_ON);
            }
            // Of several policies all apply, so another one can only forbid more (CSP3 §8.1).
            _ if header == "content-security-policy" => judged.find(
                Severity::Low,
                "A second Content-Security-Policy is added on the way; both apply, so pages may lose what they need",
                shown,
                PASS_ON,
            ),
            _ => judged.find(changed, format!("A second {name} is added that contradicts the first"), shown, PASS_ON),
        }
    }
    if page.has("clear-site-data") {
        judged.find(
            Severity::High,
            "Clear-Site-Data is added on the way: browsers throw away what keeps people logged in",
            page.shown_header("clear-site-data"),
            "Remove it from the proxy; Cloakroom sends it itself, with a log-out.",
        );
    }
    judged
}

/// The name of a header as people write it.
fn name_of(header: &'static str) -> &'static str {
    match header {
        "content-security-policy" => "Content-Security-Policy",
        "x-content-type-options" => "X-Content-Type-Options",
        "referrer-policy" => "Referrer-Policy",
        "x-frame-options" => "X-Frame-Options",
        "cross-origin-opener-policy" => "Cross-Origin-Opener-Policy",
        "cross-origin-resource-policy" => "Cross-Origin-Resource-Policy",
        "permissions-policy" => "Permissions-Policy",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::visit::tests::{changed, stripped, untouched, with};

    fn one(page: &Answer) -> (Severity, String) {
        let judged = judge(page);
        let [(severity, title)] = judged.titles()[..] else { panic!("{:?}", judged.titles()) };
        (severity, title.to_owned())
    }

    #[test]
    fn what_left_cloakroom_is_fine() {
        let judged = judge(&untouched());
        assert!(judged.findings.is_empty() && judged.seen.len() == EXPECTED.len());
    }

    #[test]
    fn every_header_is_missed_when_it_is_stripped() {
        for Expected { header, missing, .. } in EXPECTED {
            let (severity, title) = one(&stripped(header));
            assert_eq!(severity, missing, "{header}");
            assert_eq!(title, format!("{} is stripped on the way", name_of(header)));
        }
    }

    #[test]
    fn what_is_replaced_doubled_or_contradicted_is_told_of() {
        assert_eq!(one(&changed("content-security-policy", "upgrade-insecure-requests")).0, Severity::High);
        assert!(one(&changed("x-frame-options", "SAMEORIGIN")).1.contains("replaced"));
        assert!(one(&with("x-content-type-options: nosniff")).1.contains("more than once"));
        assert!(one(&with("x-frame-options: SAMEORIGIN")).1.contains("contradicts"));
        assert!(one(&with("content-security-policy: default-src 'self'")).1.contains("both apply"));
    }

    #[test]
    fn a_header_that_logs_people_out_is_told_of() {
        assert_eq!(one(&with("clear-site-data: \"*\"")).0, Severity::High);
    }
}
