//! What headers tell strangers about the software in front. Cloakroom names itself in none.

use crate::answer::Answer;
use crate::finding::{Judged, Severity};
use crate::visit::Visit;

/// Headers that name programs.
const NAMES: [&str; 6] = ["server", "x-powered-by", "x-aspnet-version", "x-aspnetmvc-version", "x-generator", "via"];
/// Headers that name machines.
const MACHINES: [&str; 4] = ["x-backend-server", "x-served-by", "x-upstream", "x-real-server"];

/// Judges what the visit was given.
pub(super) fn run(visit: &Visit) -> Judged {
    judge(&[&visit.csrf, &visit.login])
}

fn judge(answers: &[&Answer]) -> Judged {
    let mut judged = Judged::default();
    for answer in answers {
        for header in NAMES.into_iter().filter(|header| answer.has(header)) {
            // Via begins with the version of the protocol, which is no secret (RFC 9110 §7.6.3).
            let tells_version = header != "via" && answer.all(header).iter().any(|value| has_digit(value));
            if tells_version {
                judged.find(
                    Severity::Low,
                    "A header tells which version of a program runs in front",
                    answer.shown_header(header),
                    "Turn it off (nginx: server_tokens off; Apache: ServerTokens Prod; PHP: expose_php = Off).",
                );
            } else {
                judged.find(
                    Severity::Info,
                    "A header tells which program runs in front",
                    answer.shown_header(header),
                    "Nothing need be done; most proxies can leave it out.",
                );
            }
        }
        for header in MACHINES.into_iter().filter(|header| answer.has(header)) {
            judged.find(
                Severity::Low,
                "A header tells the name of a machine inside",
                answer.shown_header(header),
                "Remove it from the proxy, or add it only for people inside.",
            );
        }
    }
    if judged.findings.is_empty() {
        judged.saw("no header names a program or a machine");
    }
    judged
}

fn has_digit(value: &str) -> bool {
    value.bytes().any(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::visit::tests::{untouched, with};

    #[test]
    fn a_version_is_worse_than_a_name_and_a_name_than_nothing() {
        let severities =
            |line: &str| -> Vec<_> { judge(&[&with(line)]).titles().iter().map(|title| title.0).collect() };
        assert_eq!(severities("server: nginx/1.25.3"), [Severity::Low]);
        assert_eq!(severities("server: nginx"), [Severity::Info]);
        assert_eq!(severities("via: 1.1 varnish"), [Severity::Info]);
        assert_eq!(severities("x-powered-by: PHP/8.2"), [Severity::Low]);
        assert_eq!(severities("x-backend-server: web-3.internal"), [Severity::Low]);
        assert_eq!(judge(&[&untouched()]).seen.len(), 1);
    }
}
