//! Whether strangers reach what is for operators: the admin listener by its port, or its paths through the public address.

use crate::answer::Answer;
use crate::finding::{Judged, Severity};
use crate::visit::Visit;
use crate::wire::{Ask, Door, Silence};

const PATHS: [&str; 3] = ["/metrics", "/healthz", "/admin/accounts"];

const BACK: &str = "Let server.admin_listen be an address that only operators reach (default: 127.0.0.1:9090), and close the port in \
                    the firewall and in the container's published ports.";

/// Asks by the admin port, and for its paths by the site's own door.
pub(super) async fn run(visit: &Visit) -> Judged {
    let wire = &visit.wire;
    let door = Door { is_encrypted: false, port: visit.admin_port };
    let first = wire.ask(Ask::get(PATHS[0]).through(door)).await;
    let mut through = Vec::new();
    for path in PATHS {
        through.push(wire.ask(Ask::get(path)).await);
    }
    judge(door.port, wire.target.is_loopback(), &first, &through)
}

fn judge(
    port: u16,
    is_loopback: bool,
    direct: &Result<Answer, Silence>,
    through: &[Result<Answer, Silence>],
) -> Judged {
    let mut judged = Judged::default();
    match direct {
        Err(Silence::Refused) => judged.saw(format!("nothing listens on port {port} of this name")),
        Err(Silence::TimedOut) => judged.saw(format!("port {port} of this name does not answer")),
        Err(Silence::Enough) => judged.cannot_tell(format!("port {port}: {}", Silence::Enough)),
        Err(why) => judged.cannot_tell(format!("whether the admin listener is on port {port}: {why}")),
        Ok(answer) if !is_of_operators(answer) => {
            judged.saw(format!("what answers on port {port} is not the admin listener"));
        }
        Ok(_) if is_loopback => judged.cannot_tell(format!(
            "the admin listener answers on port {port}, as it may on its own machine; ask from another one, by the public name"
        )),
        Ok(answer) => judged.find(
            Severity::High,
            "The admin listener can be reached by strangers",
            format!("{} on port {port}", answer.shown()),
            BACK,
        ),
    }
    for answer in through {
        match answer {
            Ok(answer) if is_of_operators(answer) => judged.find(
                Severity::High,
                "The proxy passes paths of operators on to the admin listener",
                answer.shown(),
                "Let the proxy lead every path to server.listen, and none to server.admin_listen.",
            ),
            Ok(answer) => judged.saw(format!("{}: not Cloakroom's", answer.asked)),
            Err(why) => judged.cannot_tell(format!("whether a path of operators is public: {why}")),
        }
    }
    judged
}

/// Whether the admin listener wrote it. Applications have paths of the same names, so what they say decides.
fn is_of_operators(answer: &Answer) -> bool {
    let text = answer.text();
    let is_plain = answer.first("content-type").is_some_and(|kind| kind.starts_with("text/plain; version=0.0.4"));
    let is_probe = answer.asked.ends_with("/healthz") && is_plain && text == "ok\n";
    let wrong = ["admin-off", "not-an-operator", "not-for-browsers"];
    let is_api = answer.problem().is_some_and(|problem| wrong.contains(&problem.as_str()));
    text.contains("\ncloakroom_")
        || text.starts_with("cloakroom_")
        || text.contains("# TYPE cloakroom_")
        || is_probe
        || is_api
}

#[cfg(test)]
mod tests {
    use super::*;

    const METRICS: &str = "# TYPE cloakroom_requests_total counter\ncloakroom_requests_total{to=\"own\"} 1\n";

    fn metrics() -> Answer {
        Answer::made("GET /metrics", 200, &[("content-type", "text/plain; version=0.0.4; charset=utf-8")], METRICS)
    }

    fn direct(answer: &Result<Answer, Silence>, is_loopback: bool) -> Judged {
        judge(9090, is_loopback, answer, &[])
    }

    #[test]
    fn a_port_that_strangers_reach_is_told_of() {
        assert_eq!(direct(&Ok(metrics()), false).titles()[0].0, Severity::High);
        assert_eq!(direct(&Ok(metrics()), true).unknown.len(), 1);
    }

    #[test]
    fn a_closed_port_and_somebody_elses_are_fine() {
        for closed in [Silence::Refused, Silence::TimedOut] {
            assert_eq!(direct(&Err(closed), false).seen.len(), 1);
        }
        let prometheus = Answer::made("GET /metrics", 200, &[], "# TYPE go_goroutines gauge\ngo_goroutines 8\n");
        assert_eq!(direct(&Ok(prometheus), false).seen.len(), 1);
        assert_eq!(direct(&Err(Silence::Broken("reset".to_owned())), false).unknown.len(), 1);
    }

    #[test]
    fn paths_of_operators_are_known_by_what_they_say() {
        let public = |answer: Answer| judge(9090, false, &Err(Silence::Refused), &[Ok(answer)]).findings.len();
        let plain = [("content-type", "text/plain; version=0.0.4; charset=utf-8")];
        assert_eq!(public(metrics()), 1);
        assert_eq!(public(Answer::made("GET /healthz", 200, &plain, "ok\n")), 1);
        let off = r#"{"type":"urn:cloakroom:problem:admin-off"}"#;
        assert_eq!(public(Answer::made("GET /admin/accounts", 404, &[], off)), 1);
        let none = r#"{"type":"urn:cloakroom:problem:no-route"}"#;
        assert_eq!(public(Answer::made("GET /admin/accounts", 404, &[], none)), 0);
        assert_eq!(public(Answer::made("GET /healthz", 200, &[("content-type", "text/plain")], "ok")), 0);
    }
}
