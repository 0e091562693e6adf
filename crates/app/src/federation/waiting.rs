//! Log-ins that wait for a provider's answer, each sealed in a cookie of its own of the browser that began it: tabs that begin
//! in the same moment do not overwrite each other, and nobody else's browser can finish them (R97-03, decision 0021).

use crate::{App, Fault};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use cloakroom_core::time::{Lifetime, Timestamp};
use cloakroom_jose::sha256;
use cloakroom_oidc::Attempt;
use serde::{Deserialize, Serialize};

/// So long somebody may take at the provider.
pub const WAIT_FOR: Lifetime = Lifetime::from_secs(15 * 60);

/// The oldest go when there are more, or when their values need more bytes than this.
const MOST: usize = 8;
const MOST_BYTES: usize = 3700;

const BOUND_TO: &[u8] = b"cloakroom waiting log-in v2";

/// Marks are numbers below this, in nine digits: of five tabs, two have the same once in a hundred million times.
const MARKS: u32 = 1_000_000_000;

/// A cookie of a log-in that waits, as a browser shows it. No `Debug`: the value is a secret.
#[derive(Clone, Copy)]
pub struct Shown<'a> {
    /// The nine digits at the end of its name.
    pub mark: &'a str,
    /// Its value.
    pub sealed: &'a str,
}

/// What becomes of those cookies. No `Debug`, for the same reason.
pub struct Changed {
    /// Mark and value of a new one.
    pub kept: Option<(String, String)>,
    /// Marks of those to clear.
    pub forgotten: Vec<String>,
}

/// One log-in under way. The names are short because all of it travels.
#[derive(Serialize, Deserialize)]
pub(super) struct Waiting {
    #[serde(flatten)]
    pub(super) attempt: Attempt,
    /// Milliseconds.
    #[serde(rename = "t")]
    pub(super) begun_at: i64,
    #[serde(rename = "r")]
    pub(super) return_to: String,
    #[serde(rename = "m")]
    pub(super) remember: bool,
    #[serde(rename = "y")]
    pub(super) strategy: String,
    #[serde(rename = "i")]
    pub(super) slot: u8,
    /// The session whose owner adds the identity to their account.
    #[serde(rename = "l", default, skip_serializing_if = "Option::is_none")]
    pub(super) link: Option<String>,
    /// The approval that it proves.
    #[serde(rename = "k", default, skip_serializing_if = "Option::is_none")]
    pub(super) approval: Option<String>,
}

impl App {
    /// Opens one. What is not ours, stands under another's name, or is too old, is as good as nothing.
    fn open_waiting(&self, shown: Shown<'_>, now: Timestamp) -> Option<Waiting> {
        let sealed = URL_SAFE_NO_PAD.decode(shown.sealed).ok()?;
        let one: Waiting = serde_json::from_slice(&self.master.open(BOUND_TO, &sealed).ok()?).ok()?;
        let young = now.since(Timestamp::from_millis(one.begun_at)) < WAIT_FOR;
        (young && mark_of(&one.attempt.state) == shown.mark).then_some(one)
    }

    /// The one that an answer's `state` names.
    pub(super) fn waiting_for(&self, state: &str, all: &[Shown<'_>], now: Timestamp) -> Option<Waiting> {
        let mark = mark_of(state);
        let shown = all.iter().find(|shown| shown.mark == mark)?;
        self.open_waiting(*shown, now)
    }

    /// Seals one more, and makes room for it among those that wait.
    pub(super) fn seal_waiting(&self, one: &Waiting, all: &[Shown<'_>], now: Timestamp) -> Result<Changed, Fault> {
        let text = serde_json::to_vec(one)
            .map_err(|error| Fault::new("what waits for a provider could not be written", error))?;
        let sealed = URL_SAFE_NO_PAD.encode(self.master.seal(BOUND_TO, &text)?);
        let begun: Vec<_> = all.iter().map(|shown| self.open_waiting(*shown, now).map(|one| one.begun_at)).collect();
        let forgotten = without_room(&begun, all, sealed.len());
        Ok(Changed { kept: Some((mark_of(&one.attempt.state), sealed)), forgotten })
    }
}

/// Marks of those that have to go for one more of this many bytes: what nobody can use any more (`None`), and the oldest.
fn without_room(begun: &[Option<i64>], all: &[Shown<'_>], bytes: usize) -> Vec<String> {
    let mut newest_first: Vec<_> = begun.iter().zip(all).collect();
    newest_first.sort_by_key(|(begun, _)| std::cmp::Reverse(**begun));
    let (mut count, mut bytes) = (1, bytes);
    let mut goes = |begun: Option<i64>, sealed: &str| {
        count += 1;
        bytes += sealed.len();
        begun.is_none() || count > MOST || bytes > MOST_BYTES
    };
    let gone = newest_first.into_iter().filter(|(begun, shown)| goes(**begun, shown.sealed));
    gone.map(|(_, shown)| shown.mark.to_owned()).collect()
}

/// What the cookie of an attempt has at the end of its name. Tells nothing about `state`, which is 32 random bytes.
pub(super) fn mark_of(state: &str) -> String {
    let hash = sha256(&[b"cloakroom waiting mark v1 ", state.as_bytes()].concat());
    let number = hash.iter().take(4).fold(0_u32, |number, byte| number << 8 | u32::from(*byte));
    format!("{:09}", number % MARKS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_make_room_by_their_number_and_by_their_bytes_and_what_is_of_no_use_goes_at_once() {
        let value = "x".repeat(400);
        let marks: Vec<_> = (0..10).map(|number| format!("{number:09}")).collect();
        let all: Vec<_> = marks.iter().map(|mark| Shown { mark, sealed: &value }).collect();
        let gone = |begun: &[Option<i64>], bytes| without_room(begun, all.get(..begun.len()).unwrap(), bytes);
        let nobody: [&str; 0] = [];
        assert_eq!(gone(&[Some(1), Some(2), Some(3)], 400), nobody);
        assert_eq!(gone(&[Some(3), None, Some(1)], 400), ["000000001"]);
        let ten: Vec<_> = (0..10).map(|at| Some(100 - at)).collect();
        assert_eq!(gone(&ten, 400), ["000000007", "000000008", "000000009"], "seven, and the new one");
        assert_eq!(gone(ten.get(..4).unwrap(), 2600), ["000000002", "000000003"], "of 3700 bytes");
    }

    #[test]
    fn marks_are_nine_digits_and_differ() {
        let marks: std::collections::BTreeSet<_> = (0..1000).map(|number| mark_of(&number.to_string())).collect();
        assert!(marks.len() > 998 && marks.iter().all(|mark| mark.len() == 9), "{}", marks.len());
    }
}
