//! Whether what somebody shows is a factor of their account, and what has to be written so that it is good once.

use super::passkey::PasskeyScope;
use crate::{App, Error, Fault, Refusal};
use cloakroom_core::id::AccountId;
use cloakroom_core::time::Timestamp;
use cloakroom_store::{Order, Unit};

/// A factor that was right. It counts only when its order is committed together with what it is good for.
#[must_use = "a factor is used up only when this is committed"]
pub(crate) struct Checked {
    order: Option<Order>,
    /// Recovery codes that are left, where one was used.
    pub(crate) left: Option<u32>,
}

impl Checked {
    pub(super) fn new(order: Order) -> Self {
        Self { order: Some(order), left: None }
    }

    pub(crate) fn nothing_to_write() -> Self {
        Self { order: None, left: None }
    }

    pub(super) fn leaving(self, left: u32) -> Self {
        Self { left: Some(left), ..self }
    }

    /// Adds what has to be written to the unit of what it is good for.
    pub(crate) fn spend(self, unit: Unit) -> Unit {
        match self.order {
            Some(order) => unit.order(order),
            None => unit,
        }
    }
}

/// A factor as it is shown.
#[derive(Clone, Copy)]
pub(crate) enum ShownFactor<'a> {
    Totp(&'a str),
    Recovery(&'a str),
    /// The response of an authenticator, and the challenge that it must be over.
    Passkey {
        response: &'a str,
        challenge: [u8; 32],
        scope: PasskeyScope,
    },
}

impl App {
    /// Judges a factor. Refused as [`Refusal::ProofWrong`].
    pub(crate) async fn check_factor(
        &self,
        account: AccountId,
        shown: ShownFactor<'_>,
        now: Timestamp,
    ) -> Result<Checked, Error> {
        let checked = match shown {
            ShownFactor::Totp(code) => self.check_totp(account, code, now).await?,
            ShownFactor::Recovery(code) => self.check_recovery(account, code, now).await?,
            ShownFactor::Passkey { response, challenge, scope } => {
                self.check_passkey(account, response, challenge, scope, now).await?
            }
        };
        checked.ok_or_else(|| Error::from(Refusal::ProofWrong))
    }

    /// Whether an account has more than its password, for log-in.
    pub(crate) async fn has_second_factor(&self, account: AccountId, now: Timestamp) -> Result<bool, Fault> {
        let totp = self.totp_of(account, now).await?.is_some();
        Ok(totp || !self.passkeys_of(account, PasskeyScope::LogIn, now).await?.is_empty())
    }
}
