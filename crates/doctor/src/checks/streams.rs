//! Whether a proxy holds event streams back. `GET /auth/probe` sends two events a second apart; what arrives together was
//! held back, and people would hear of the end of a session, or of anything an application streams, too late.

use crate::answer::Answer;
use crate::finding::{Judged, Severity};
use crate::probe::Probe;
use crate::visit::Visit;
use crate::wire::{Ask, Silence};

/// Asks for the stream.
pub(super) async fn run(visit: &Visit) -> Judged {
    judge(visit.wire.ask(Ask::get("/auth/probe").with("accept", "text/event-stream")).await)
}

fn judge(answer: Result<Answer, Silence>) -> Judged {
    let probe = match answer.map_err(|why| why.to_string()).and_then(|answer| Probe::read(&answer)) {
        Ok(probe) => probe,
        Err(why) => return Judged::unknown(format!("whether event streams are held back: {why}")),
    };
    let mut judged = Judged::default();
    let evidence =
        format!("two events left {} ms apart and arrived {} ms apart", probe.held.as_millis(), probe.apart.as_millis());
    // Jitter of a network moves an event by a part of the second, not by most of it.
    if probe.apart * 2 < probe.held {
        judged.find(
            Severity::High,
            "Event streams are held back on the way",
            evidence,
            "Turn buffering off for Cloakroom in the proxy (nginx: proxy_buffering off; Apache: flushpackets=on; and no \
             compression of text/event-stream).",
        );
    } else {
        judged.saw(evidence);
    }
    judged
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::tests::streamed;

    const SEEN: &str =
        r#"{"scheme":"https","host":"expected","peer":"trusted","forwarded":"believed","client":"public"}"#;

    #[test]
    fn events_that_arrive_as_they_left_are_fine() {
        assert!(judge(Ok(streamed(SEEN, 30, 1030))).findings.is_empty());
        assert!(judge(Ok(streamed(SEEN, 200, 950))).findings.is_empty());
    }

    #[test]
    fn events_that_arrive_together_were_held_back() {
        let judged = judge(Ok(streamed(SEEN, 1030, 1031)));
        assert_eq!(judged.titles(), [(Severity::High, "Event streams are held back on the way")]);
    }

    #[test]
    fn a_server_without_the_route_leaves_it_open() {
        let old = Answer::made("GET /auth/probe", 404, &[], r#"{"type":"urn:cloakroom:problem:not-found"}"#);
        assert!(judge(Ok(old)).unknown[0].contains("older"));
        assert_eq!(judge(Err(Silence::TimedOut)).unknown.len(), 1);
    }
}
