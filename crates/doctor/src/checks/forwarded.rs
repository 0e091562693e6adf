//! Who is believed about where a request came from: only the proxy, and never what a client wrote itself. Headers that
//! lie are sent, and the answer shows whether the lie was believed.

use crate::answer::Answer;
use crate::finding::{Judged, Severity};
use crate::probe::Probe;
use crate::visit::{FORM_TOKEN, LOG_IN, Visit};
use crate::wire::{Ask, Silence};

/// An address that is nobody's (RFC 5737).
const NOBODY: &str = "192.0.2.77";
/// A host that is nobody's (RFC 6761 §6.4).
const NOWHERE: &str = "doctor.invalid";

const OVERWRITE: &str = "Let the proxy overwrite what clients send (nginx: proxy_set_header X-Forwarded-For $remote_addr; proxy_set_header \
                         X-Forwarded-Proto $scheme; proxy_set_header Forwarded \"\"), and list in server.trusted_proxies nobody but it.";

/// The answers to headers that lie.
struct Lies {
    /// Whether the site is on https.
    is_https: bool,
    /// The form token without any lie.
    truth: Result<(), String>,
    /// Each lie about the scheme, with what came.
    scheme: Vec<(&'static str, Result<Answer, Silence>)>,
    /// The log-in page, asked for under another host.
    host: Result<Answer, Silence>,
    /// The log-in page by plain http that claims to be https.
    plain: Option<Result<Answer, Silence>>,
    /// The probe, asked for from another address.
    probe: Result<Answer, Silence>,
    /// The probe, asked for without a lie.
    plainly: Result<Answer, Silence>,
}

/// Lies, one header at a time.
pub(super) async fn run(visit: &Visit) -> Judged {
    let wire = &visit.wire;
    let is_https = wire.target.is_https();
    let other = if is_https { "http" } else { "https" };
    let x = Ask::get(FORM_TOKEN).with("x-forwarded-proto", other).with("x-forwarded-for", NOBODY);
    let standard = Ask::get(FORM_TOKEN).with("forwarded", format!("for={NOBODY};proto={other};host={NOWHERE}"));
    let host = Ask::page(LOG_IN).with("x-forwarded-host", NOWHERE).with("x-original-host", NOWHERE);
    let truth = if visit.csrf.is_form_token() { Ok(()) } else { Err(visit.csrf.shown()) };
    let plain = match visit.http_door {
        Some(door) => {
            let claim = Ask::page(LOG_IN).with("x-forwarded-proto", "https").with("forwarded", "proto=https");
            Some(wire.ask(claim.through(door)).await)
        }
        None => None,
    };
    let probe = Ask::get("/auth/probe").with("accept", "text/event-stream");
    let probe = probe.with("x-forwarded-for", NOBODY).with("forwarded", format!("for={NOBODY}"));
    judge(&Lies {
        is_https,
        truth,
        scheme: vec![("X-Forwarded-Proto", wire.ask(x).await), ("Forwarded", wire.ask(standard).await)],
        host: wire.ask(host).await,
        plain,
        probe: wire.ask(probe).await,
        plainly: wire.ask(Ask::get("/auth/probe").with("accept", "text/event-stream")).await,
    })
}

fn judge(lies: &Lies) -> Judged {
    let mut judged = Judged::default();
    match &lies.truth {
        Ok(()) => {
            for (header, answer) in &lies.scheme {
                scheme(&mut judged, lies.is_https, header, answer);
            }
        }
        Err(shown) => judged.cannot_tell(format!("whether lies are believed: not even the truth is ({shown})")),
    }
    host(&mut judged, &lies.host);
    match &lies.plain {
        Some(Ok(answer)) if answer.is_log_in_page() => judged.find(
            Severity::High,
            "Plain http passes for https if the client says so",
            format!("{} over plain http with X-Forwarded-Proto: https", answer.shown()),
            OVERWRITE,
        ),
        Some(Ok(_) | Err(Silence::Refused)) => judged.saw("plain http stays plain http, whatever it claims"),
        Some(Err(why)) => judged.cannot_tell(format!("whether plain http passes for https: {why}")),
        None if lies.is_https => {
            judged.cannot_tell("whether plain http passes for https: where it would be is not known (--http-port)");
        }
        None => {}
    }
    address(&mut judged, &lies.probe, &lies.plainly);
    judged
}

/// A lie about the scheme shows: on https, Cloakroom refuses what it takes for plain http; on http it adds a header that
/// it sends over https only.
fn scheme(judged: &mut Judged, is_https: bool, header: &str, answer: &Result<Answer, Silence>) {
    let answer = match answer {
        Ok(answer) => answer,
        Err(why) => return judged.cannot_tell(format!("whether {header} of a client is believed: {why}")),
    };
    let is_believed = if is_https {
        answer.problem().as_deref() == Some("https-required") || answer.leads_to().is_some()
    } else {
        answer.has("strict-transport-security")
    };
    if is_believed {
        judged.find(
            Severity::High,
            format!("{header} of a client is believed, and with it any address that a client claims to have"),
            format!("{} when {header} lies", answer.shown()),
            OVERWRITE,
        );
    } else if answer.is_form_token() {
        judged.saw(format!("{header} of a client counts for nothing"));
    } else {
        judged.cannot_tell(format!("whether {header} of a client is believed: {}", answer.shown()));
    }
}

/// Cloakroom builds no address from a request, so the name in an answer comes from somebody else, or leads astray.
fn host(judged: &mut Judged, answer: &Result<Answer, Silence>) {
    let answer = match answer {
        Ok(answer) => answer,
        Err(why) => return judged.cannot_tell(format!("whether X-Forwarded-Host of a client is believed: {why}")),
    };
    let shows = answer.text().contains(NOWHERE) || answer.leads_to().is_some_and(|to| to.contains(NOWHERE));
    if shows {
        judged.find(
            Severity::High,
            "X-Forwarded-Host of a client gets into answers",
            format!("{}: the answer names {NOWHERE}", answer.shown()),
            "Let the proxy overwrite or remove X-Forwarded-Host, and build no address from it in front of Cloakroom.",
        );
    } else if answer.problem().as_deref() == Some("misdirected") {
        judged.find(
            Severity::Medium,
            "X-Forwarded-Host of a client is believed: it decides which site answers",
            answer.shown(),
            "Let the proxy overwrite or remove X-Forwarded-Host.",
        );
    } else if answer.is_log_in_page() {
        judged.saw("X-Forwarded-Host of a client is in no answer");
    } else {
        judged.cannot_tell(format!("whether X-Forwarded-Host of a client is believed: {}", answer.shown()));
    }
}

fn address(judged: &mut Judged, lie: &Result<Answer, Silence>, plainly: &Result<Answer, Silence>) {
    let read = |answer: &Result<Answer, Silence>| answer.as_ref().map_err(ToString::to_string).and_then(Probe::read);
    let probe = read(lie);
    // Our own header arrives and is ignored also where nobody stands in front who would write one.
    let somebody_tells = read(plainly).is_ok_and(|probe| probe.arrived.forwarded != "none");
    let arrived = match probe {
        Ok(probe) => probe.arrived,
        Err(why) => return judged.cannot_tell(format!("whether X-Forwarded-For of a client is believed: {why}")),
    };
    let shown = format!(
        "GET /auth/probe with X-Forwarded-For: {NOBODY}: client {}, peer {}, headers {}",
        arrived.client, arrived.peer, arrived.forwarded
    );
    match (arrived.client.as_str(), arrived.peer.as_str(), arrived.forwarded.as_str()) {
        ("documentation", ..) => judged.find(
            Severity::High,
            "X-Forwarded-For of a client is believed: nobody is held to a number of guesses, and the log names whom they say",
            shown,
            OVERWRITE,
        ),
        ("private" | "loopback" | "link-local", "untrusted", "ignored") if somebody_tells => judged.find(
            Severity::Medium,
            "Every visitor seems to come from the proxy: one who guesses passwords locks out all",
            shown,
            "List the proxy in server.trusted_proxies.",
        ),
        (_, "trusted", "none") => judged.find(
            Severity::Medium,
            "The proxy is believed and says nothing, so every visitor seems to come from it",
            shown,
            "Let the proxy set X-Forwarded-For and X-Forwarded-Proto.",
        ),
        _ => judged.saw("X-Forwarded-For of a client counts for nothing"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::tests::streamed;
    use crate::visit::tests::{PAGE, untouched};

    fn token() -> Answer {
        Answer::made("GET /auth/csrf", 200, &[], r#"{"header":"Cloakroom-Csrf"}"#)
    }

    fn required() -> Answer {
        Answer::made("GET /auth/csrf", 403, &[], r#"{"type":"urn:cloakroom:problem:https-required"}"#)
    }

    fn probed(client: &str, peer: &str, forwarded: &str) -> Answer {
        let seen = format!(
            r#"{{"scheme":"https","host":"expected","peer":"{peer}","forwarded":"{forwarded}","client":"{client}"}}"#
        );
        streamed(&seen, 0, 1000)
    }

    fn honest() -> Lies {
        Lies {
            is_https: true,
            truth: Ok(()),
            scheme: vec![("X-Forwarded-Proto", Ok(token())), ("Forwarded", Ok(token()))],
            host: Ok(untouched()),
            plain: Some(Ok(Answer::made("GET /auth/login", 308, &[("location", "https://a/")], ""))),
            probe: Ok(probed("public", "trusted", "believed")),
            plainly: Ok(probed("public", "trusted", "believed")),
        }
    }

    #[test]
    fn lies_that_count_for_nothing_are_fine() {
        let judged = judge(&honest());
        assert!(judged.findings.is_empty() && judged.unknown.is_empty() && judged.seen.len() == 5);
    }

    #[test]
    fn a_scheme_that_is_believed_shows() {
        let lies = Lies { scheme: vec![("X-Forwarded-Proto", Ok(required()))], ..honest() };
        assert_eq!(judge(&lies).titles()[0].0, Severity::High);
        let hsts = Answer::made("GET /auth/csrf", 200, &[("strict-transport-security", "max-age=1")], "");
        let lies = Lies { is_https: false, scheme: vec![("Forwarded", Ok(hsts))], ..honest() };
        assert!(judge(&lies).titles()[0].1.starts_with("Forwarded of a client"));
        let plain = Some(Ok(Answer::made("GET /auth/login", 200, &[], PAGE)));
        assert!(judge(&Lies { plain, ..honest() }).titles()[0].1.contains("Plain http passes"));
    }

    #[test]
    fn a_host_that_is_believed_shows() {
        let named = Answer::made("GET /auth/login", 302, &[("location", "https://doctor.invalid/auth/login")], "");
        assert_eq!(judge(&Lies { host: Ok(named), ..honest() }).titles()[0].0, Severity::High);
        let other = Answer::made("GET /auth/login", 421, &[], r#"{"type":"urn:cloakroom:problem:misdirected"}"#);
        assert_eq!(judge(&Lies { host: Ok(other), ..honest() }).titles()[0].0, Severity::Medium);
    }

    #[test]
    fn an_address_that_is_believed_shows_in_the_probe_only() {
        let of = |probe| judge(&Lies { probe: Ok(probe), ..honest() }).titles().first().map(|title| title.0);
        assert_eq!(of(probed("documentation", "trusted", "believed")), Some(Severity::High));
        assert_eq!(of(probed("private", "untrusted", "ignored")), Some(Severity::Medium));
        // Nobody in front: it is the doctor itself who comes from there.
        let nobody = Lies {
            probe: Ok(probed("loopback", "untrusted", "ignored")),
            plainly: Ok(probed("loopback", "untrusted", "none")),
            ..honest()
        };
        assert_eq!(judge(&nobody).titles(), []);
        assert_eq!(of(probed("private", "trusted", "none")), Some(Severity::Medium));
        assert_eq!(of(probed("public", "untrusted", "ignored")), None);
        let old = judge(&Lies { probe: Ok(Answer::made("GET /auth/probe", 404, &[], "")), ..honest() });
        assert!(old.findings.is_empty() && old.unknown[0].contains("older"));
    }

    #[test]
    fn where_the_truth_is_refused_nothing_can_be_told_of_lies() {
        let judged =
            judge(&Lies { truth: Err("403".to_owned()), scheme: vec![("Forwarded", Ok(required()))], ..honest() });
        assert!(judged.findings.is_empty() && judged.unknown.len() == 1);
    }
}
