//! How far the clock of the server is from the one here, as far as `Date` and the time of the round trip tell. Tokens,
//! codes of authenticator apps and certificates are judged by that clock.

use crate::finding::{Judged, Severity};
use crate::visit::Visit;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// More is worth mending.
const NOTICEABLE: Duration = Duration::from_secs(5);
/// More breaks codes of authenticator apps and short-lived tokens.
const HARMFUL: Duration = Duration::from_mins(1);

const FIX: &str = "Let both machines ask for the time (chrony, systemd-timesyncd), this one as well: it is not known which of the two \
                   is wrong. If the proxy writes Date itself, its clock is the one that was seen.";

/// Judges the answer of the visit that came back fastest.
pub(super) fn run(visit: &Visit) -> Judged {
    let took = |answer: &&_| -> Duration {
        let answer: &crate::answer::Answer = answer;
        answer.head_at.duration_since(answer.asked_at).unwrap_or(Duration::MAX)
    };
    let Some(fastest) = [&visit.csrf, &visit.login].into_iter().min_by_key(took) else { return Judged::default() };
    judge(fastest.first("date").as_deref(), fastest.asked_at, fastest.head_at)
}

fn judge(date: Option<&str>, asked_at: SystemTime, head_at: SystemTime) -> Judged {
    let Some(date) = date else { return Judged::unknown("answers carry no Date, which RFC 9110 §6.6.1 asks for") };
    let Some(theirs) = parse(date) else { return Judged::unknown(format!("Date cannot be read: {date}")) };
    // It was written between the two moments here, and is cut to whole seconds.
    let (earliest, latest) = (theirs, theirs + Duration::from_secs(1));
    let ahead = earliest.duration_since(head_at).unwrap_or_default();
    let behind = asked_at.duration_since(latest).unwrap_or_default();
    let (apart, word) = if ahead > behind { (ahead, "ahead of") } else { (behind, "behind") };
    let mut judged = Judged::default();
    let shown = format!("the server's clock is at least {} s {word} the one here", apart.as_secs());
    if apart > HARMFUL {
        judged.find(Severity::High, "The clocks are more than a minute apart", shown, FIX);
    } else if apart > NOTICEABLE {
        judged.find(Severity::Low, "The clocks are more than five seconds apart", shown, FIX);
    } else {
        let took = head_at.duration_since(asked_at).unwrap_or_default();
        judged
            .saw(format!("the clocks agree, as far as a round trip of {} ms and whole seconds tell", took.as_millis()));
    }
    judged
}

/// Reads `Sun, 06 Nov 1994 08:49:37 GMT`, the one form that is still written (RFC 9110 §5.6.7).
fn parse(date: &str) -> Option<SystemTime> {
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let (_, rest) = date.split_once(", ")?;
    let parts: Vec<&str> = rest.split(' ').collect();
    let [day, month, year, time, "GMT"] = parts[..] else { return None };
    let month = u64::try_from(MONTHS.iter().position(|known| *known == month)?).ok()? + 1;
    let (day, year): (u64, u64) = (day.parse().ok()?, year.parse().ok()?);
    let time: Vec<u64> = time.split(':').map(str::parse).collect::<Result<_, _>>().ok()?;
    let [hour, minute, second] = time[..] else { return None };
    let fits = (1..=31).contains(&day) && (1970..=9999).contains(&year) && hour < 24 && minute < 60 && second <= 60;
    let seconds = days(year, month, day).checked_mul(86_400)? + hour * 3600 + minute * 60 + second;
    fits.then(|| UNIX_EPOCH + Duration::from_secs(seconds))
}

/// Days since 1970-01-01, in the Gregorian calendar; years begin with March so that leap days come last.
fn days(year: u64, month: u64, day: u64) -> u64 {
    let (year, month) = if month > 2 { (year, month - 3) } else { (year.saturating_sub(1), month + 9) };
    let leaps = year / 4 - year / 100 + year / 400;
    (year * 365 + leaps + (153 * month + 2) / 5 + day).saturating_sub(719_469)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DATE: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
    const UNIX: u64 = 784_111_777;

    fn at(millis: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_millis(millis)
    }

    fn severity(asked: u64, head: u64) -> Option<Severity> {
        judge(Some(DATE), at(asked), at(head)).findings.first().map(|finding| finding.severity)
    }

    #[test]
    fn rfc_9110_5_6_7_dates_are_read() {
        assert_eq!(parse(DATE), Some(at(UNIX * 1000)));
        let read = |date| parse(date).map(|time| time.duration_since(UNIX_EPOCH).unwrap().as_secs());
        assert_eq!(read("Thu, 01 Jan 1970 00:00:00 GMT"), Some(0));
        assert_eq!(read("Tue, 29 Feb 2000 23:59:59 GMT"), Some(951_868_799));
        assert_eq!(read("Wed, 01 Mar 2000 00:00:00 GMT"), Some(951_868_800));
        assert_eq!(read("Thu, 01 Jan 2026 00:00:00 GMT"), Some(1_767_225_600));
        for broken in [
            "",
            "now",
            "Sunday, 06-Nov-94 08:49:37 GMT",
            "Sun, 06 Nov 1994 08:49:37 CET",
            "Sun, 06 Nov 1994 25:00:00 GMT",
        ] {
            assert_eq!(parse(broken), None, "{broken}");
        }
    }

    #[test]
    fn the_round_trip_and_the_whole_second_are_forgiven() {
        let now = UNIX * 1000;
        assert_eq!(severity(now, now + 100), None);
        assert_eq!(severity(now + 999, now + 1100), None);
        assert_eq!(severity(now + 5900, now + 5990), None);
        // A slow answer tells little.
        assert_eq!(severity(now - 90_000, now), None);
    }

    #[test]
    fn what_is_beyond_them_is_told_of_in_both_directions() {
        let now = UNIX * 1000;
        assert_eq!(severity(now + 7000, now + 7100), Some(Severity::Low));
        assert_eq!(severity(now - 6000, now - 5900), Some(Severity::Low));
        assert_eq!(severity(now + 62_000, now + 62_100), Some(Severity::High));
        assert_eq!(severity(now - 62_000, now - 61_000), Some(Severity::High));
    }

    #[test]
    fn no_date_proves_nothing() {
        assert_eq!(judge(None, at(0), at(0)).unknown.len(), 1);
        assert_eq!(judge(Some("today"), at(0), at(0)).unknown.len(), 1);
    }
}
