//! Log-in with a passkey alone: no address is typed, the authenticator says whose it is.
//!
//! Asking writes nothing: what has to be remembered goes to the page, sealed, and comes back once.

use super::password::Entry;
use super::{Entered, Wish};
use crate::device::Visit;
use crate::factor::{PasskeyScope, note_use};
use crate::kept::{self, slip};
use crate::token::Credential;
use crate::{App, Error, Fault, Refusal};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use cloakroom_core::event::EventKind;
use cloakroom_core::id::AccountId;
use cloakroom_core::session::Method;
use cloakroom_core::time::{Lifetime, Timestamp};
use cloakroom_factor::passkey::Party;
use cloakroom_jose::sha256;
use cloakroom_store::{Order, Slip, SlipKind, Unit};
use serde::{Deserialize, Serialize};

/// What a page asks an authenticator.
pub struct PasskeyQuestion {
    /// Comes back with the answer.
    pub state: String,
    /// For `navigator.credentials.get`, as JSON.
    pub options: String,
}

#[derive(Serialize, Deserialize)]
struct Question {
    state: String,
    asked_at: i64,
}

const ANSWER_WITHIN: Lifetime = Lifetime::from_secs(5 * 60);
const BOUND_TO: &[u8] = b"cloakroom passkey question v1";

impl App {
    /// Whether passkeys can be used to log in here.
    pub fn takes_passkeys(&self) -> bool {
        self.parties.party(PasskeyScope::LogIn).is_ok()
    }

    /// What to ask an authenticator for a log-in without an address.
    pub fn ask_any_passkey(&self) -> Result<PasskeyQuestion, Error> {
        let begun = self
            .parties
            .party(PasskeyScope::LogIn)?
            .begin_discoverable()
            .map_err(|error| Fault::new("a passkey could not be asked for", error))?;
        let question = Question { state: begun.state, asked_at: self.clock.now().millis() };
        let text =
            serde_json::to_vec(&question).map_err(|error| Fault::new("a question could not be written", error))?;
        let state = URL_SAFE_NO_PAD.encode(self.master.seal(BOUND_TO, &text)?);
        Ok(PasskeyQuestion { state, options: begun.options })
    }

    /// Opens a session for who answers. Refused as [`Refusal::PasskeyRefused`], whatever is wrong, or as
    /// [`Refusal::AccountDisabled`] for a good one.
    pub async fn log_in_with_passkey(
        &self,
        state: &str,
        response: &str,
        wish: Wish,
        visit: &Visit<'_>,
        replaces: Option<Credential<'_>>,
    ) -> Result<Entered, Error> {
        let now = self.clock.now();
        if !self.settings.offered.contains(&wish.strategy) {
            return Err(Refusal::StrategyNotOffered.into());
        }
        let question = self.open_question(state, now)?;
        let id = Party::account_of(response).map(AccountId::from_bytes).ok_or(Refusal::PasskeyRefused)?;
        let account = self.store.account(id).await?.ok_or(Refusal::PasskeyRefused)?;
        let rows = self.passkeys_of(id, PasskeyScope::LogIn, now).await?;
        let passkeys: Vec<_> = rows.iter().map(|row| row.value.passkey()).collect();
        let judged = self.parties.party(PasskeyScope::LogIn)?.finish(response, &question.state, &passkeys);
        let used = match judged {
            Ok(used) => used,
            Err(refused) => {
                tracing::info!(%refused, "a passkey was not accepted");
                let event = self.event(EventKind::SecondFactorFailed, now)?.of(id);
                self.save(Unit::from(Order::Record(event))).await?;
                return Err(Refusal::PasskeyRefused.into());
            }
        };
        if account.disabled_at.is_some() {
            return Err(Refusal::AccountDisabled.into());
        }
        // An answer is good once: the second one finds this row.
        let once = slip(SlipKind::Challenge, kept::key(&[b"used", &sha256(question.state.as_bytes())])?, &())?;
        if self.store.slip(SlipKind::Challenge, &once.key).await?.is_some() {
            return Err(Refusal::PasskeyRefused.into());
        }
        let once = Order::AddSlip(Slip { expires_at: Some(now.plus(ANSWER_WITHIN)), ..once });
        let unit = note_use(rows, &used, now)?.spend(Unit::from(once));
        let arrival = self.arrival(id, visit, now).await?;
        self.enter(account, Entry { method: Method::Passkey, wish, visit, arrival, replaces, backing: None }, unit, now)
            .await
    }

    fn open_question(&self, state: &str, now: Timestamp) -> Result<Question, Error> {
        let sealed = URL_SAFE_NO_PAD.decode(state).map_err(|_| Refusal::PasskeyRefused)?;
        let text = self.master.open(BOUND_TO, &sealed).map_err(|_| Refusal::PasskeyRefused)?;
        let question: Question = serde_json::from_slice(&text).map_err(|_| Refusal::PasskeyRefused)?;
        let late = now.since(Timestamp::from_millis(question.asked_at)) >= ANSWER_WITHIN;
        if late { Err(Refusal::PasskeyRefused.into()) } else { Ok(question) }
    }
}
