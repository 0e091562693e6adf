//! What letters say of places, times and links, in words. Links are built from the public URL, never from a request.

use crate::App;
use cloakroom_core::letter::{Place, Way};
use cloakroom_core::session::device_name;
use cloakroom_core::time::{Lifetime, Timestamp};

use super::Issued;

impl App {
    /// An address of a page of ours.
    pub(crate) fn link(&self, page: &str) -> String {
        format!("{}{page}", self.settings.issuer)
    }

    /// The link and the code of something that was issued: the token is in the fragment, which reaches no server and no log.
    pub(crate) fn way(&self, page: &str, issued: &Issued, good_for: Lifetime) -> Way {
        Way {
            link: format!("{}#{}", self.link(page), issued.token),
            page: self.link(page),
            code: issued.typed.clone(),
            good_for: in_words(good_for),
        }
    }

    /// Where something happens.
    #[expect(clippy::unused_self, reason = "reads as an act of the house")]
    pub(crate) fn place(&self, user_agent: &str, address: &str, now: Timestamp) -> Place {
        Place { device: device_name(user_agent), address: address.to_owned(), at: in_utc(now) }
    }
}

/// `30 minutes`, `2 hours`, `7 days`.
pub(crate) fn in_words(length: Lifetime) -> String {
    let minutes = length.as_secs() / 60;
    let (count, unit) = match minutes {
        0..120 => (minutes.max(1), "minute"),
        120..2880 => (minutes / 60, "hour"),
        _ => (minutes / 1440, "day"),
    };
    format!("{count} {unit}{}", if count == 1 { "" } else { "s" })
}

/// `2026-11-22 16:30 UTC` (proleptic Gregorian, after Howard Hinnant's `civil_from_days`).
pub(crate) fn in_utc(at: Timestamp) -> String {
    let seconds = at.unix_seconds();
    let (days, rest) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let day_of_era = z.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let (day, month) =
        (day_of_year - (153 * shifted + 2) / 5 + 1, if shifted < 10 { shifted + 3 } else { shifted - 9 });
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02} {:02}:{:02} UTC", rest / 3600, rest / 60 % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_and_lengths_are_written_as_people_read_them() {
        for (seconds, text) in [
            (0, "1970-01-01 00:00 UTC"),
            (951_782_400, "2000-02-29 00:00 UTC"),
            (1_795_365_000, "2026-11-22 16:30 UTC"),
            (-1, "1969-12-31 23:59 UTC"),
            (4_107_542_399, "2100-02-28 23:59 UTC"),
        ] {
            assert_eq!(in_utc(Timestamp::from_unix_seconds(seconds)), text);
        }
        let say = |seconds| in_words(Lifetime::from_secs(seconds));
        assert_eq!([say(60), say(1800), say(7200), say(7 * 86_400)], ["1 minute", "30 minutes", "2 hours", "7 days"]);
    }
}
