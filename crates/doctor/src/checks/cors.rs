//! Whether answers tell browsers that other sites may read them. Cloakroom says so of its public keys only, so anything
//! else was added on the way.

use crate::answer::Answer;
use crate::finding::{Judged, Severity};
use crate::visit::{FORM_TOKEN, LOG_IN, Visit};
use crate::wire::{Ask, Silence};
use http::Method;

/// A site that can never be anybody's (RFC 6761 §6.4).
const STRANGER: &str = "https://doctor.invalid";

const FIX: &str = "Remove Access-Control-Allow-… from the proxy for Cloakroom, /auth above all: applications that need it set it \
                   themselves.";

/// Asks as a page of another site would, once directly and once for permission.
pub(super) async fn run(visit: &Visit) -> Judged {
    let read = visit.wire.ask(Ask::get(FORM_TOKEN).with("origin", STRANGER)).await;
    let preflight = Ask::by(Method::OPTIONS, LOG_IN)
        .with("origin", STRANGER)
        .with("access-control-request-method", "POST")
        .with("access-control-request-headers", "content-type");
    judge(&[read, visit.wire.ask(preflight).await])
}

fn judge(answers: &[Result<Answer, Silence>]) -> Judged {
    const ALLOWED: &str = "access-control-allow-origin";
    let mut judged = Judged::default();
    for answer in answers {
        let answer = match answer {
            Ok(answer) => answer,
            Err(why) => {
                judged.cannot_tell(format!("whether other sites may read answers: {why}"));
                continue;
            }
        };
        let Some(allowed) = answer.first(ALLOWED) else {
            judged.saw(format!("{}: other sites are not let in ({})", answer.asked, answer.status.as_u16()));
            continue;
        };
        let with_cookies = answer.first("access-control-allow-credentials").is_some_and(|value| value == "true");
        let shown = answer.shown_header(ALLOWED);
        if (allowed == STRANGER || allowed == "null") && with_cookies {
            judged.find(
                Severity::High,
                "Every site may read answers that are meant for the person who is logged in",
                format!("{shown}, with Access-Control-Allow-Credentials"),
                FIX,
            );
        } else if allowed == STRANGER || allowed == "*" || allowed == "null" {
            judged.find(Severity::Medium, "Every site may read answers of Cloakroom", shown, FIX);
        } else {
            judged.find(Severity::Info, "A listed site may read answers of Cloakroom", shown, FIX);
        }
    }
    judged
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(headers: &[(&str, &str)]) -> Judged {
        judge(&[Ok(Answer::made("GET /auth/csrf", 200, headers, ""))])
    }

    #[test]
    fn answers_without_permission_are_fine() {
        assert!(judged(&[]).findings.is_empty() && judged(&[]).seen.len() == 1);
        assert_eq!(judge(&[Err(Silence::TimedOut)]).unknown.len(), 1);
    }

    #[test]
    fn permissions_are_as_bad_as_they_are_wide() {
        let allowing = |origin, credentials| {
            let more: &[_] = if credentials { &[("access-control-allow-credentials", "true")] } else { &[] };
            judged(&[&[("access-control-allow-origin", origin)], more].concat()).findings[0].severity
        };
        assert_eq!(allowing(STRANGER, true), Severity::High);
        assert_eq!(allowing("null", true), Severity::High);
        assert_eq!(allowing(STRANGER, false), Severity::Medium);
        assert_eq!(allowing("*", false), Severity::Medium);
        assert_eq!(allowing("https://partner.example.com", true), Severity::Info);
    }
}
