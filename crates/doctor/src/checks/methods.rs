//! TRACE (RFC 9110 §9.3.8) sends a request back to who sent it, cookies and headers of the proxy included. Cloakroom
//! refuses it everywhere.

use crate::answer::Answer;
use crate::finding::{Judged, Severity};
use crate::visit::{LOG_IN, Visit};
use crate::wire::{Ask, Silence};
use http::Method;

/// What an echo would repeat.
const MARK: &str = "cloakroom-doctor-was-here";

const FIX: &str = "Refuse TRACE in the proxy (Apache: TraceEnable off; nginx refuses it by itself).";

/// Asks for an echo, of a page of Cloakroom and of the front page.
pub(super) async fn run(visit: &Visit) -> Judged {
    let trace = |path| Ask::by(Method::TRACE, path).with("x-doctor-mark", MARK);
    judge(&[visit.wire.ask(trace(LOG_IN)).await, visit.wire.ask(trace("/")).await])
}

fn judge(answers: &[Result<Answer, Silence>]) -> Judged {
    let mut judged = Judged::default();
    for answer in answers {
        match answer {
            Ok(answer) if answer.text().contains(MARK) => {
                judged.find(Severity::High, "TRACE is answered with an echo of the request", answer.shown(), FIX);
            }
            Ok(answer) if answer.status.is_success() => {
                judged.find(Severity::Medium, "TRACE is answered", answer.shown(), FIX);
            }
            Ok(answer) => judged.saw(format!("refused: {}", answer.shown())),
            // Some proxies say nothing and hang up, which is a refusal as well.
            Err(Silence::Broken(_)) => judged.saw("TRACE: the connection is closed"),
            Err(why) => judged.cannot_tell(format!("whether TRACE is refused: {why}")),
        }
    }
    judged
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(status: u16, body: &str) -> Judged {
        judge(&[Ok(Answer::made("TRACE /", status, &[], body))])
    }

    #[test]
    fn rfc_9110_9_3_8_an_echo_is_told_of() {
        let echo = format!("TRACE / HTTP/1.1\r\nx-doctor-mark: {MARK}\r\n");
        assert_eq!(judged(200, &echo).titles()[0].0, Severity::High);
        assert_eq!(judged(200, "hello").titles()[0].0, Severity::Medium);
    }

    #[test]
    fn a_refusal_is_fine_whoever_refuses() {
        assert!(judged(405, r#"{"type":"urn:cloakroom:problem:method-not-allowed"}"#).findings.is_empty());
        assert!(judge(&[Err(Silence::Broken("closed".to_owned()))]).findings.is_empty());
        assert_eq!(judge(&[Err(Silence::TimedOut)]).unknown.len(), 1);
    }
}
