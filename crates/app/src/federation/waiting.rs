//! Log-ins that wait for a provider's answer, sealed in one cookie of the browser that began them: several tabs can wait at once,
//! and nobody else's browser can finish them (R97-03).

use crate::{App, Fault};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use cloakroom_core::time::{Lifetime, Timestamp};
use cloakroom_oidc::Attempt;
use serde::{Deserialize, Serialize};

/// So long somebody may take at the provider.
pub const WAIT_FOR: Lifetime = Lifetime::from_secs(15 * 60);

/// The oldest go when there are more, or when they need more bytes than this.
const MOST: usize = 8;
const MOST_BYTES: usize = 2600;

const BOUND_TO: &[u8] = b"cloakroom waiting log-ins v1";

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
}

impl App {
    /// Reads the cookie. What is not ours, or too old, is as good as nothing.
    pub(super) fn waiting(&self, cookie: Option<&str>, now: Timestamp) -> Vec<Waiting> {
        let open = || -> Option<Vec<Waiting>> {
            let sealed = URL_SAFE_NO_PAD.decode(cookie?).ok()?;
            serde_json::from_slice(&self.master.open(BOUND_TO, &sealed).ok()?).ok()
        };
        let mut waiting = open().unwrap_or_default();
        waiting.retain(|one| now.since(Timestamp::from_millis(one.begun_at)) < WAIT_FOR);
        waiting
    }

    /// Writes the cookie: empty when nothing waits.
    pub(super) fn seal_waiting(&self, mut waiting: Vec<Waiting>) -> Result<String, Fault> {
        loop {
            if waiting.is_empty() {
                return Ok(String::new());
            }
            let text = serde_json::to_vec(&waiting)
                .map_err(|error| Fault::new("what waits for a provider could not be written", error))?;
            if waiting.len() <= MOST && text.len() <= MOST_BYTES {
                return Ok(URL_SAFE_NO_PAD.encode(self.master.seal(BOUND_TO, &text)?));
            }
            waiting.remove(0);
        }
    }
}
