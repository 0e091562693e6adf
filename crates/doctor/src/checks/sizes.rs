//! Whether headers as large as browsers send them get through. Cloakroom takes 16 KiB of cookies and 32 KiB of headers; a
//! proxy that takes less locks out whoever has collected more.

use crate::answer::Answer;
use crate::finding::{Judged, Severity};
use crate::visit::{FORM_TOKEN, Visit};
use crate::wire::{Ask, Silence};
use std::fmt::Write as _;

/// Bytes of cookies, and of another header beside them.
type Size = (usize, usize);

/// What is tried, the smallest first: what one application needs, several do, and the most that Cloakroom is for.
const SIZES: [(Size, Severity); 3] =
    [((4 * 1024, 0), Severity::High), ((7 * 1024, 0), Severity::Medium), ((12 * 1024, 4 * 1024), Severity::Low)];

/// Browsers keep no larger cookie, in bytes (RFC 6265bis §5.6).
const LARGEST_COOKIE: usize = 4000;

/// Asks for a form token with ever larger headers, until one does not get through.
pub(super) async fn run(visit: &Visit) -> Judged {
    if !visit.csrf.is_form_token() {
        return Judged::unknown(format!("not even small headers get through: {}", visit.csrf.shown()));
    }
    let mut answers = Vec::new();
    for (size, severity) in SIZES {
        let (cookies, other) = size;
        let mut ask = Ask::get(FORM_TOKEN).with("cookie", filled(cookies));
        if other > 0 {
            ask = ask.with("x-doctor-fill", "f".repeat(other));
        }
        let answer = visit.wire.ask(ask).await;
        let is_through = answer.as_ref().is_ok_and(Answer::is_form_token);
        answers.push((size, severity, answer));
        if !is_through {
            break;
        }
    }
    judge(&answers)
}

/// A `Cookie` header of so many bytes, of cookies that browsers would keep.
fn filled(bytes: usize) -> String {
    let mut header = String::with_capacity(bytes);
    let mut number = 0;
    while header.len() < bytes {
        if !header.is_empty() {
            header.push_str("; ");
        }
        // Writing into a String cannot fail.
        let _ = write!(header, "doctor{number}=");
        let room = bytes.saturating_sub(header.len()).min(LARGEST_COOKIE);
        header.push_str(&"f".repeat(room));
        number += 1;
    }
    header
}

fn judge(answers: &[(Size, Severity, Result<Answer, Silence>)]) -> Judged {
    let mut judged = Judged::default();
    for ((cookies, other), severity, answer) in answers {
        let size = format!("{} KiB of headers, {} KiB of them cookies", (cookies + other) / 1024, cookies / 1024);
        match answer {
            Ok(answer) if answer.is_form_token() => judged.saw(format!("{size}, get through")),
            // A proxy that finds headers too large often says nothing and hangs up.
            Ok(_) | Err(Silence::Broken(_)) => {
                let shown = match answer {
                    Ok(answer) => answer.shown(),
                    Err(why) => why.to_string(),
                };
                judged.find(
                    *severity,
                    format!("{size}, do not get through"),
                    shown,
                    "Let the proxy take 32 KiB of headers (nginx: large_client_header_buffers 4 32k; Apache: LimitRequestFieldSize \
                     16384; HAProxy: tune.bufsize 32768), and leave limits.max_header_bytes at 32768 or more.",
                );
            }
            Err(why) => judged.cannot_tell(format!("whether {size}, get through: {why}")),
        }
    }
    judged
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token() -> Answer {
        Answer::made("GET /auth/csrf", 200, &[], r#"{"header":"Cloakroom-Csrf"}"#)
    }

    #[test]
    fn a_header_is_as_large_as_it_says_and_its_cookies_are_no_larger_than_browsers_keep() {
        for (bytes, cookies) in [(4 * 1024, 2), (7 * 1024, 2), (12 * 1024, 4)] {
            let header = filled(bytes);
            assert!((bytes..bytes + 16).contains(&header.len()), "{}", header.len());
            assert_eq!(header.split("; ").count(), cookies);
            assert!(header.split("; ").all(|cookie| cookie.len() <= 4096));
        }
    }

    #[test]
    fn the_smaller_the_limit_the_worse() {
        let [(small, high), (middle, medium), (large, low)] = SIZES;
        let fine = judge(&[(small, high, Ok(token())), (middle, medium, Ok(token())), (large, low, Ok(token()))]);
        assert!(fine.findings.is_empty() && fine.seen.len() == 3);
        for (size, severity) in SIZES {
            let too_large = Answer::made("GET /auth/csrf", 431, &[], "");
            assert_eq!(judge(&[(size, severity, Ok(too_large))]).titles()[0].0, severity);
        }
        assert_eq!(judge(&[(small, high, Err(Silence::Broken("reset".to_owned())))]).titles()[0].0, Severity::High);
        assert_eq!(judge(&[(small, high, Err(Silence::TimedOut))]).unknown.len(), 1);
    }
}
