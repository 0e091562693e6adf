//! Whether paths arrive as they were sent. Cloakroom decides who may go where by every reading of a path; a proxy that
//! rewrites paths before decides without knowing the rules, and its rules no longer hold for what comes out.

use crate::answer::Answer;
use crate::finding::{Judged, Severity};
use crate::visit::Visit;
use crate::wire::{Ask, Silence};
use http::StatusCode;

/// Paths that some programs take for the log-in page, or for the front page, and Cloakroom refuses.
const ODD: [&str; 5] = ["//auth/login", "/auth/./login", "/auth;x/login", "/auth%2flogin", "/auth/%2e%2e/"];

const FIX: &str = "Let the proxy pass the path on as it came (nginx: proxy_pass without a path or slash at its end, and no rewrite; \
                   Apache: AllowEncodedSlashes NoDecode and nocanon; HAProxy: no normalize-uri), or refuse such paths.";

/// Asks for each.
pub(super) async fn run(visit: &Visit) -> Judged {
    let mut answers = Vec::new();
    for path in ODD {
        answers.push(visit.wire.ask(Ask::get(path)).await);
    }
    judge(&answers)
}

fn judge(answers: &[Result<Answer, Silence>]) -> Judged {
    let mut judged = Judged::default();
    for answer in answers {
        match answer {
            Ok(answer) if answer.is_log_in_page() => judged.find(
                Severity::Medium,
                "The proxy rewrites paths before it passes them on",
                format!("{}: the log-in page", answer.shown()),
                FIX,
            ),
            Ok(answer) if answer.status.is_redirection() => judged.find(
                Severity::Info,
                "Odd paths are redirected instead of being refused",
                answer.shown(),
                "Nothing need be done: whoever follows asks for a plain path.",
            ),
            // Cloakroom refuses all of them: an answer that is none came from behind another path.
            Ok(answer) if answer.status.is_success() => {
                judged.find(Severity::Medium, "The proxy reads an odd path as another one", answer.shown(), FIX);
            }
            Ok(answer) if answer.status.is_client_error() || answer.status == StatusCode::NOT_IMPLEMENTED => {
                judged.saw(answer.shown());
            }
            Ok(answer) => judged.cannot_tell(format!("whether the path arrives as it was sent: {}", answer.shown())),
            Err(Silence::Broken(_)) => judged.saw("an odd path: the connection is closed"),
            Err(why) => judged.cannot_tell(format!("whether paths arrive as they were sent: {why}")),
        }
    }
    judged
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::visit::tests::PAGE;

    fn judged(status: u16, headers: &[(&str, &str)], body: &str) -> Judged {
        judge(&[Ok(Answer::made("GET //auth/login", status, headers, body))])
    }

    #[test]
    fn refusals_are_fine() {
        assert!(judged(400, &[], r#"{"type":"urn:cloakroom:problem:ambiguous-path"}"#).findings.is_empty());
        assert!(judged(404, &[], "").findings.is_empty());
    }

    #[test]
    fn a_path_that_became_another_is_told_of() {
        assert_eq!(judged(200, &[], PAGE).titles()[0].1, "The proxy rewrites paths before it passes them on");
        assert_eq!(judged(200, &[], "the front page").titles()[0].1, "The proxy reads an odd path as another one");
        assert_eq!(judged(301, &[("location", "/auth/login")], "").titles()[0].0, Severity::Info);
    }

    #[test]
    fn a_fault_proves_nothing() {
        assert_eq!(judged(502, &[], "").unknown.len(), 1);
        assert_eq!(judge(&[Err(Silence::TimedOut)]).unknown.len(), 1);
    }
}
