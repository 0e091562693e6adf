//! What `GET /auth/probe` says: a stream of two events a second apart, of which the first tells how the request looked
//! when it arrived. `docs/operate/doctor.md` has its form.

use crate::answer::Answer;
use serde::Deserialize;
use std::time::Duration;

/// What the server saw.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Arrived {
    /// `https` or `http`, as the server believes.
    pub(crate) scheme: String,
    /// `expected` if the host is that of the public URL, else `other`.
    pub(crate) host: String,
    /// `trusted` if who connected is a listed proxy, else `untrusted`.
    pub(crate) peer: String,
    /// `none`, `believed` or `ignored`: what became of the forwarding headers.
    pub(crate) forwarded: String,
    /// What kind of address the client has: `public`, `private`, `loopback`, `link-local`, `documentation` or `other`.
    pub(crate) client: String,
}

#[derive(Deserialize)]
struct Ended {
    held_ms: u64,
}

/// The stream, and when its events came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Probe {
    pub(crate) arrived: Arrived,
    /// Between the arrivals of the two events here.
    pub(crate) apart: Duration,
    /// Between their departures there, as the server says.
    pub(crate) held: Duration,
}

impl Probe {
    /// Reads the answer; the error says why it cannot be used.
    pub(crate) fn read(answer: &Answer) -> Result<Self, String> {
        if answer.status != http::StatusCode::OK {
            return Err(match answer.status.as_u16() {
                404 => "this server has no GET /auth/probe: it is older than this doctor".to_owned(),
                429 | 503 => "the server is too busy to be probed; try again".to_owned(),
                _ => format!("the probe did not come: {}", answer.shown()),
            });
        }
        let (seen, first_at) = event(answer, "seen").ok_or("the probe is not in a form that this doctor knows")?;
        let arrived: Arrived =
            serde_json::from_str(&seen).map_err(|_| "the probe says what this doctor cannot read")?;
        let (end, last_at) = event(answer, "end").ok_or("the probe broke off before its end")?;
        let Ended { held_ms } = serde_json::from_str(&end).map_err(|_| "the probe ends as this doctor cannot read")?;
        let apart = last_at.saturating_sub(first_at);
        Ok(Self { arrived, apart, held: Duration::from_millis(held_ms) })
    }
}

/// The data of the first event of a kind, and when its last byte came.
fn event(answer: &Answer, kind: &str) -> Option<(String, Duration)> {
    let text = std::str::from_utf8(&answer.body).ok()?;
    let mut end = 0;
    for block in text.split_inclusive("\n\n") {
        end += block.len();
        let field = |name: &str| block.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
        if block.ends_with("\n\n") && field("event") == Some(kind) {
            let (came_at, _) = answer.pieces.iter().find(|(_, length)| *length >= end)?;
            return Some((field("data")?.to_owned(), *came_at));
        }
    }
    None
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    const SEEN: &str = r#"{"v":1,"scheme":"https","host":"expected","peer":"trusted","forwarded":"believed","client":"public","more":1}"#;

    /// A stream of which the first event came after `first` milliseconds and the second after `second`.
    pub(crate) fn streamed(seen: &str, first: u64, second: u64) -> Answer {
        let (one, two) = (format!("event: seen\ndata: {seen}\n\n"), "event: end\ndata: {\"held_ms\":1000}\n\n");
        let mut answer = Answer::made("GET /auth/probe", 200, &[], &format!("{one}{two}"));
        let all = answer.body.len();
        let at = Duration::from_millis;
        answer.pieces = vec![(at(first), 5), (at(first), one.len()), (at(second), one.len() + 5), (at(second), all)];
        answer
    }

    #[test]
    fn events_have_the_moment_at_which_they_were_whole() {
        let probe = Probe::read(&streamed(SEEN, 40, 1045)).unwrap();
        assert_eq!((probe.apart.as_millis(), probe.held.as_millis()), (1005, 1000));
        assert_eq!((probe.arrived.peer.as_str(), probe.arrived.client.as_str()), ("trusted", "public"));
    }

    #[test]
    fn what_is_no_probe_says_why() {
        let read = |status, body: &str| Probe::read(&Answer::made("GET /auth/probe", status, &[], body)).unwrap_err();
        assert!(read(404, "").contains("older"));
        assert!(read(503, "").contains("busy"));
        assert!(read(200, "<html>").contains("form"));
        assert!(read(200, &format!("event: seen\ndata: {SEEN}\n\nevent: end\n")).contains("broke off"));
        assert!(read(200, "event: seen\ndata: {}\n\n").contains("cannot read"));
    }
}
