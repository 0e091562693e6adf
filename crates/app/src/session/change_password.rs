//! Change of a password by its owner. Every session ends, and a new one is opened in the place of the one that asked:
//! whoever knew the old password is out, and so is whoever has copied a cookie (v5.0.0-7.2.4, v5.0.0-7.4.3).

use super::Opened;
use crate::account::Comparison;
use crate::token::Seen;
use crate::{App, Error, Refusal};
use cloakroom_core::account::Account;
use cloakroom_core::event::EventKind;
use cloakroom_core::refresh::{EndReason, Ended};
use cloakroom_core::secret::Password;
use cloakroom_store::{Error as StoreError, Order, Unit};

impl App {
    /// Sets a new password for the account that asks, and answers with its new session. Refused as [`Refusal::WrongCredentials`] when `current` is not the
    /// password of today, as [`Refusal::BadPassword`] for one against the policy.
    pub async fn change_password(
        &self,
        seen: &Seen,
        current: String,
        next: String,
    ) -> Result<(Account, Opened), Error> {
        let now = self.clock.now();
        let me = self.me(seen).await?;
        let current = Password::new(current).ok_or(Refusal::PasswordUnreadable)?;
        let next = Password::new(next).ok_or(Refusal::PasswordUnreadable)?;
        self.settings.passwords.judge(&next, &me.account.email).map_err(Refusal::BadPassword)?;
        let Comparison::Same { .. } = self.passwords.compare(current, Some(me.account.password.clone())).await? else {
            let event = self.event(EventKind::LoginFailed, now)?.on(&me.session);
            self.save(Unit::new().order(Order::Record(event))).await?;
            return Err(Refusal::WrongCredentials.into());
        };
        let session = self.succeed(&me.session, now)?;
        let unit = Unit::new()
            .order(Order::SetPassword {
                account: me.account.id,
                expected: me.account.password.clone(),
                next: self.passwords.hash(next).await?,
                at: Some(now),
            })
            .order(Order::EndSessions {
                account: me.account.id,
                except: None,
                ended: Ended { at: now, reason: EndReason::Revoked },
                revoked_until: self.outlived_at(now),
            })
            .order(Order::OpenSession(session.clone()))
            .order(Order::Record(self.event(EventKind::PasswordChanged, now)?.on(&session)));
        match self.save(unit).await {
            Ok(()) => {
                self.follow_feed().await?;
                Ok((me.account, self.opened(session, now)?))
            }
            // It was changed from elsewhere in this moment: what was shown is no longer the password.
            Err(StoreError::Conflict) => Err(Refusal::WrongCredentials.into()),
            Err(error) => Err(error.into()),
        }
    }
}
