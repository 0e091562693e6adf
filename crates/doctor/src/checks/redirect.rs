//! Plain http leads to https, at once and by the same host, and does nothing else.

use crate::answer::Answer;
use crate::finding::{Judged, Severity};
use crate::visit::{LOG_IN, Visit};
use crate::wire::{Ask, Door, Silence};

/// The most redirects that are followed, to show where they lead.
const MOST_HOPS: usize = 5;

/// One answer on the way, and the whole address that was asked.
struct Hop {
    at: String,
    answer: Answer,
}

/// Asks by plain http, and follows where it leads on the same host.
pub(super) async fn run(visit: &Visit) -> Judged {
    let target = &visit.wire.target;
    if !target.is_https() {
        return Judged::unknown("the URL that was given is plain http");
    }
    let Some(door) = visit.http_door else {
        return Judged::unknown("where plain http would be is not known for this port; name it with --http-port");
    };
    let (hops, end) = follow(visit, door).await;
    judge(&hops, end.as_ref(), &target.origin(), target.host())
}

/// What answered on the way, and why it went no further, if it broke off.
async fn follow(visit: &Visit, door: Door) -> (Vec<Hop>, Option<Silence>) {
    let target = &visit.wire.target;
    let port = if door.port == 80 { String::new() } else { format!(":{}", door.port) };
    let mut at = format!("http://{}{port}{LOG_IN}", target.host());
    let (mut path, mut through) = (LOG_IN.to_owned(), door);
    let mut hops = Vec::new();
    while hops.len() <= MOST_HOPS {
        let answer = match visit.wire.ask(Ask::page(&path).through(through)).await {
            Ok(answer) => answer,
            Err(silence) => return (hops, Some(silence)),
        };
        let next = answer.leads_to().and_then(|to| url::Url::parse(&at).ok()?.join(&to).ok());
        hops.push(Hop { at, answer });
        // Other hosts and ports are shown and not asked.
        let known = [door, visit.wire.door()];
        let Some(next) = next.filter(|next| next.host_str() == Some(target.host())) else { break };
        let is_encrypted = next.scheme() == "https";
        let Some(port) = next.port_or_known_default() else { break };
        let Some(&door) = known.iter().find(|known| **known == Door { is_encrypted, port }) else { break };
        next[url::Position::BeforePath..url::Position::AfterQuery].clone_into(&mut path);
        through = door;
        at = next.to_string();
    }
    (hops, None)
}

fn judge(hops: &[Hop], end: Option<&Silence>, origin: &str, host: &str) -> Judged {
    let mut judged = Judged::default();
    let Some(Hop { at, answer }) = hops.first() else {
        match end {
            Some(Silence::Refused) => {
                judged.saw(
                    "nothing listens for plain http: who types the name alone depends on the browser trying https",
                );
            }
            Some(why) => judged.cannot_tell(format!("whether plain http leads to https: {why}")),
            None => judged.cannot_tell("whether plain http leads to https"),
        }
        return judged;
    };
    let shown = way(hops);
    let to = answer.leads_to().and_then(|to| url::Url::parse(at).ok()?.join(&to).ok());
    match (&to, answer.status.as_u16()) {
        (None, 200..=399) => judged.find(
            Severity::High,
            "Plain http is answered instead of being led to https",
            &shown,
            "Let the plain http listener do nothing but redirect (nginx: return 308 https://$host$request_uri), and never say \
             X-Forwarded-Proto: https for it.",
        ),
        (None, _) => judged.saw(format!("plain http is refused: {shown}")),
        (Some(to), _) if to.scheme() != "https" => judged.find(
            Severity::Medium,
            "Plain http leads to plain http before it leads anywhere else",
            &shown,
            "Redirect to https first, on the same host; everything else after that.",
        ),
        (Some(to), _) if to.host_str() != Some(host) => judged.find(
            Severity::Medium,
            "Plain http leads to another host, so browsers never learn that this one is on https",
            &shown,
            "Redirect to https on the same host first, and from there to the other.",
        ),
        (Some(to), _) if to.origin().ascii_serialization() != origin => judged.find(
            Severity::Medium,
            "Plain http leads to another origin than the one that is examined",
            &shown,
            "Redirect to the origin of server.public_url.",
        ),
        (Some(_), 301 | 308) => judged.saw(shown.clone()),
        (Some(_), _) => judged.find(
            Severity::Info,
            "Plain http leads to https for the moment only",
            &shown,
            "Use 308 (or 301): browsers then remember it.",
        ),
    }
    if hops.len() > MOST_HOPS && hops.last().is_some_and(|hop| hop.answer.leads_to().is_some()) {
        judged.find(
            Severity::High,
            "Redirects go round in circles",
            &shown,
            "The proxy must say X-Forwarded-Proto: https to Cloakroom for what came by https, and be listed in \
             server.trusted_proxies.",
        );
    }
    for Hop { answer, .. } in hops.iter().filter(|hop| hop.at.starts_with("http://")) {
        if answer.has("set-cookie") {
            judged.find(
                Severity::Medium,
                "A cookie is set over plain http",
                format!("{} over plain http", answer.asked),
                "Let the plain http listener do nothing but redirect: whoever is on the way reads and changes such a cookie.",
            );
        }
        if answer.has("strict-transport-security") {
            judged.find(
                Severity::Low,
                "Strict-Transport-Security is sent over plain http, where it has no meaning (RFC 6797 §7.2)",
                answer.shown_header("strict-transport-security"),
                "Remove it from the plain http listener of the proxy.",
            );
        }
    }
    judged
}

/// The whole way in one line.
fn way(hops: &[Hop]) -> String {
    let mut words: Vec<String> =
        hops.iter().map(|hop| format!("{} ({})", hop.at, hop.answer.status.as_u16())).collect();
    words.extend(hops.last().and_then(|hop| Some(hop.answer.leads_to()?.into_owned())));
    words.join(" → ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const TYPED: &str = "http://app.example.com/auth/login";

    /// An address, the status of its answer, and the headers.
    type Made<'a> = (&'a str, u16, &'a [(&'a str, &'a str)]);

    fn judged(hops: &[Made<'_>]) -> Judged {
        let hops: Vec<_> = hops
            .iter()
            .map(|(at, status, headers)| Hop {
                at: (*at).to_owned(),
                answer: Answer::made("GET /auth/login", *status, headers, ""),
            })
            .collect();
        judge(&hops, None, "https://app.example.com", "app.example.com")
    }

    fn led(to: &str, status: u16) -> Judged {
        judged(&[(TYPED, status, &[("location", to)])])
    }

    #[test]
    fn https_on_the_same_host_for_good_is_fine() {
        let judged = led("https://app.example.com/auth/login", 308);
        assert!(judged.findings.is_empty() && judged.seen.len() == 1);
        assert!(super::judge(&[], Some(&Silence::Refused), "", "").seen.len() == 1);
        assert_eq!(super::judge(&[], Some(&Silence::TimedOut), "", "").unknown.len(), 1);
        assert!(self::judged(&[(TYPED, 403, &[])]).findings.is_empty());
    }

    #[test]
    fn every_other_way_is_told_of() {
        assert_eq!(judged(&[(TYPED, 200, &[])]).findings[0].severity, Severity::High);
        assert!(led("http://www.app.example.com/", 301).findings[0].title.contains("leads to plain http"));
        assert!(led("https://www.example.com/", 301).findings[0].title.contains("another host"));
        assert!(led("https://app.example.com:8443/", 301).findings[0].title.contains("another origin"));
        assert_eq!(led("https://app.example.com/", 302).findings[0].severity, Severity::Info);
    }

    #[test]
    fn circles_are_seen() {
        let round: &[(&str, &str)] = &[("location", "https://app.example.com/auth/login")];
        let mut hops = vec![(TYPED, 308, round)];
        hops.extend([("https://app.example.com/auth/login", 308, round); MOST_HOPS]);
        assert!(judged(&hops).titles().iter().any(|(_, title)| title.contains("circles")));
    }

    #[test]
    fn nothing_else_is_done_over_plain_http() {
        let judged = judged(&[(
            TYPED,
            308,
            &[
                ("location", "https://app.example.com/"),
                ("set-cookie", "a=b"),
                ("strict-transport-security", "max-age=1"),
            ],
        )]);
        let severities: Vec<_> = judged.titles().iter().map(|(severity, _)| *severity).collect();
        assert_eq!(severities, [Severity::Medium, Severity::Low]);
    }
}
