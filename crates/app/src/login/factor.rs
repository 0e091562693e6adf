//! The second half of a log-in: the password was right, and one more factor is awaited.

use super::password::Entry;
use super::{Entered, Wish};
use crate::device::Visit;
use crate::factor::{PasskeyScope, ShownFactor};
use crate::kept::{self, Kept, kept, slip};
use crate::token::Credential;
use crate::{App, Error, Refusal};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use cloakroom_core::account::Account;
use cloakroom_core::event::EventKind;
use cloakroom_core::id::AccountId;
use cloakroom_core::letter::{About, Letter};
use cloakroom_core::session::{Method, Strategy};
use cloakroom_core::time::{Lifetime, Timestamp};
use cloakroom_jose::sha256;
use cloakroom_store::{Error as StoreError, Order, Slip, SlipKind, Unit};
use serde::{Deserialize, Serialize};

/// The question for a second factor.
pub struct Asked {
    /// Names this log-in; comes back with the answer. It is good together with a factor alone.
    pub id: String,
    /// Whether a code of an app is an answer.
    pub totp: bool,
    /// Whether a recovery code is.
    pub recovery: bool,
    /// For `navigator.credentials.get`, as JSON, where a passkey is.
    pub passkey: Option<String>,
}

/// An answer to it.
#[derive(Clone, Copy)]
pub enum Answer<'a> {
    /// A code of an app.
    Totp(&'a str),
    /// A recovery code.
    Recovery(&'a str),
    /// What an authenticator answered, as JSON.
    Passkey(&'a str),
}

#[derive(Serialize, Deserialize)]
struct Pending {
    account: [u8; 16],
    password_set_at: i64,
    asked_at: i64,
    remember: bool,
    strategy: String,
}

/// What names of these questions begin with.
const PENDING: &[u8] = b"login";

/// An account has no more of them than this.
const MOST: usize = 8;

/// So long a log-in waits for its second factor.
const WAIT_FOR: Lifetime = Lifetime::from_secs(10 * 60);

impl App {
    /// Asks for a second factor, where the account has one; what is in `unit` is committed with the question.
    pub(crate) async fn ask_second_factor(
        &self,
        account: &Account,
        wish: Wish,
        unit: Unit,
        now: Timestamp,
    ) -> Result<Option<Asked>, Error> {
        if !self.has_second_factor(account.id, now).await? {
            return Ok(None);
        }
        let id: [u8; 16] = cloakroom_jose::random()?;
        let pending = Pending {
            account: *account.id.as_bytes(),
            password_set_at: account.password_set_at.millis(),
            asked_at: now.millis(),
            remember: wish.remember,
            strategy: wish.strategy.as_str().to_owned(),
        };
        let challenge = slip(SlipKind::Challenge, pending_key(&id)?, &pending)?;
        let expires_at = Some(now.plus(WAIT_FOR));
        let unit = unit
            .order(Order::AddSlip(Slip { account: Some(account.id), expires_at, ..challenge }))
            .order(Order::Record(self.event(EventKind::SecondFactorAsked, now)?.of(account.id)));
        self.save(unit).await?;
        self.forget_oldest_questions(account.id).await?;
        Ok(Some(self.question(&id, account.id, now).await?))
    }

    /// Whoever logs in again and again leaves no more than a few questions open: the oldest go. None is refused, so nobody who
    /// knows the password keeps the owner from theirs.
    async fn forget_oldest_questions(&self, account: AccountId) -> Result<(), Error> {
        let open = self.store.slips_of(account, SlipKind::Challenge, 100).await?;
        let mut open: Vec<_> = open.into_iter().filter(|slip| slip.key.as_bytes().starts_with(PENDING)).collect();
        open.sort_by_key(|slip| slip.expires_at);
        let over = open.len().saturating_sub(MOST);
        for slip in open.into_iter().take(over) {
            let order = Order::RemoveSlip { kind: slip.kind, key: slip.key, expected: slip.version };
            match self.store.commit(order.into()).await {
                Ok(()) | Err(StoreError::Conflict) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// The same question once more, after an answer that was wrong. Refused as [`Refusal::ChallengeOver`].
    pub async fn second_factor_again(&self, id: &str) -> Result<Asked, Error> {
        let now = self.clock.now();
        let (bytes, pending) = self.pending(id, now).await?;
        self.question(&bytes, AccountId::from_bytes(pending.value.account), now).await
    }

    async fn question(&self, id: &[u8; 16], account: AccountId, now: Timestamp) -> Result<Asked, Error> {
        Ok(Asked {
            id: URL_SAFE_NO_PAD.encode(id),
            totp: self.totp_of(account, now).await?.is_some(),
            recovery: self.recovery_of(account, now).await?.is_some_and(|row| row.value.left > 0),
            passkey: self.ask_passkey(account, challenge_of(id), PasskeyScope::LogIn, now).await?,
        })
    }

    /// Opens the session of who answers. Refused as [`Refusal::ProofWrong`], [`Refusal::ChallengeOver`], or
    /// [`Refusal::TooManyAttempts`].
    pub async fn log_in_with_factor(
        &self,
        id: &str,
        answer: Answer<'_>,
        visit: &Visit<'_>,
        replaces: Option<Credential<'_>>,
    ) -> Result<Entered, Error> {
        let now = self.clock.now();
        // Begun with a password, before they were turned off.
        self.needs_passwords()?;
        let (bytes, pending) = self.pending(id, now).await?;
        let account = AccountId::from_bytes(pending.value.account);
        let account = self.store.account(account).await?.ok_or(Refusal::ChallengeOver)?;
        // Everything that the account had was ended since: so is this.
        let floor = account.not_before.is_some_and(|floor| floor.millis() > pending.value.asked_at);
        if floor || account.password_set_at.millis() != pending.value.password_set_at {
            return Err(Refusal::ChallengeOver.into());
        }
        let arrival = self.arrival(account.id, visit, now).await?;
        let counted = match arrival.known() {
            Some(device) => self.counted_by_factor_on(account.id, device),
            None => self.counted_by_factor(account.id),
        };
        let attempt = self.attempt(&[counted], now).await?;
        let (shown, method) = match answer {
            Answer::Totp(code) => (ShownFactor::Totp(code), Method::PasswordAndTotp),
            Answer::Recovery(code) => (ShownFactor::Recovery(code), Method::PasswordAndRecovery),
            Answer::Passkey(response) => (
                ShownFactor::Passkey { response, challenge: challenge_of(&bytes), scope: PasskeyScope::LogIn },
                Method::PasswordAndPasskey,
            ),
        };
        let checked = match self.check_factor(account.id, shown, now).await {
            Err(Error::Refused(refusal)) => {
                let event = self.event(EventKind::SecondFactorFailed, now)?.of(account.id);
                let unit = Unit::from(Order::Record(event));
                let unit = if arrival.known().is_none() {
                    self.tell_of_failure(unit, &account, visit, now).await?
                } else {
                    unit
                };
                self.save(unit).await?;
                self.posted();
                return Err(refusal.into());
            }
            checked => checked?,
        };
        let left = checked.left;
        let mut unit = self.forgive(checked.spend(Unit::from(pending.removed())), &attempt, now)?;
        if let Some(left) = left {
            unit = unit.order(Order::Record(self.event(EventKind::RecoveryUsed, now)?.of(account.id)));
            if self.settings.mail {
                let place = self.place(visit.user_agent, &visit.address.to_string(), now);
                let about = About::RecoveryCodeUsed { left, place, forgot: self.link("/auth/forgot") };
                unit = self.post(unit, Some(&Letter { to: account.email.as_str().to_owned(), about }), now)?;
            }
        }
        let wish = Wish {
            remember: pending.value.remember,
            strategy: Strategy::from_text(&pending.value.strategy).ok_or(Refusal::ChallengeOver)?,
        };
        // Somebody else has used the same code, or answered the same question, in this moment: then this finds no row to change.
        let entered =
            self.enter(account, Entry { method, wish, visit, arrival, replaces, backing: None }, unit, now).await?;
        Ok(Entered { recovery_left: left, ..entered })
    }

    /// Somebody knows the password: its owner is told, but not for each of many guesses (v5.0.0-6.3.5).
    async fn tell_of_failure(
        &self,
        unit: Unit,
        account: &Account,
        visit: &Visit<'_>,
        now: Timestamp,
    ) -> Result<Unit, Error> {
        let may = match self.attempt(&[self.counted_by_warning(account.id)], now).await {
            Ok(_) => self.settings.mail,
            Err(Error::Refused(_)) => false,
            Err(failed @ Error::Failed(_)) => return Err(failed),
        };
        if !may {
            return Ok(unit);
        }
        let place = self.place(visit.user_agent, &visit.address.to_string(), now);
        let about = About::FactorFailed { place, forgot: self.link("/auth/forgot") };
        Ok(self.post(unit, Some(&Letter { to: account.email.as_str().to_owned(), about }), now)?)
    }

    async fn pending(&self, id: &str, now: Timestamp) -> Result<([u8; 16], Kept<Pending>), Error> {
        let mut bytes = [0; 16];
        if !matches!(URL_SAFE_NO_PAD.decode_slice(id, &mut bytes), Ok(16)) {
            return Err(Refusal::ChallengeOver.into());
        }
        let found = kept::<Pending>(&*self.store, SlipKind::Challenge, &pending_key(&bytes)?, now).await?;
        Ok((bytes, found.ok_or(Refusal::ChallengeOver)?))
    }
}

fn pending_key(id: &[u8; 16]) -> Result<cloakroom_store::SlipKey, crate::Fault> {
    kept::key(&[PENDING, &sha256(id)])
}

fn challenge_of(id: &[u8; 16]) -> [u8; 32] {
    sha256(&[b"cloakroom second factor v1", &id[..]].concat())
}
