//! Change of a password by its owner. Every session ends, and a new one is opened in the place of the one that asked:
//! whoever knew the old password is out, and so is whoever has copied a cookie (v5.0.0-7.2.4, v5.0.0-7.4.3).

use super::Opened;
use crate::device::Visit;
use crate::token::Seen;
use crate::{App, Error, Refusal};
use cloakroom_core::account::Account;
use cloakroom_core::approval::Act;
use cloakroom_core::event::EventKind;
use cloakroom_core::letter::{About, Letter};
use cloakroom_core::refresh::{EndReason, Ended};
use cloakroom_core::secret::Password;
use cloakroom_core::session::Session;
use cloakroom_core::time::Timestamp;
use cloakroom_password::{Attempt, Comparison};
use cloakroom_store::{Error as StoreError, Order, Unit};

impl App {
    /// Sets a new password for the account that asks, and answers with its new session. Both the password of today and an
    /// approval are asked for, but for an account that has nothing else than its password: there the one is the other.
    ///
    /// Refused as [`Refusal::StepUpNeeded`] without an approval, as [`Refusal::WrongCredentials`] when `current` is not the
    /// password of today, as [`Refusal::BadPassword`] or [`Refusal::WeakPassword`] for one against the policy.
    pub async fn change_password(
        &self,
        seen: &Seen,
        approval: Option<&str>,
        current: String,
        next: String,
        visit: &Visit<'_>,
    ) -> Result<(Account, Opened), Error> {
        self.needs_passwords()?;
        let now = self.clock.now();
        let me = self.me(seen).await?;
        let mut unit = Unit::new();
        match approval {
            Some(approval) => unit = self.spend_act(unit, seen, (Act::ChangePassword, None), approval, now).await?,
            // The password that is asked for here is the very proof that the approval would ask for.
            None if self.enrolled(&me.account, now).await?.second_factor() => {
                return Err(Refusal::StepUpNeeded(Act::ChangePassword).into());
            }
            None => {}
        }
        let attempt = self.attempt(&[self.counted_by_session(me.session.id)], now).await?;
        let current = Attempt::new(current).ok_or(Refusal::PasswordUnreadable)?;
        Password::new(next.clone()).ok_or(Refusal::PasswordUnreadable)?;
        let Comparison::Same { .. } = self.passwords.compare(current, Some(me.account.password.clone())).await? else {
            let event = self.event(EventKind::LoginFailed, now)?.on(&me.session);
            self.save(Unit::new().order(Order::Record(event))).await?;
            return Err(Refusal::WrongCredentials.into());
        };
        let next = self.new_password(next, &me.account.email).await?;
        let mut session = self.succeed(&me.session, now)?;
        let unit = self.pass_backing_on(unit, &me.session, &mut session).await?;
        let unit = self
            .forgive(unit, &attempt, now)?
            .order(Order::SetPassword {
                account: me.account.id,
                expected: me.account.password.clone(),
                next,
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
        let unit = self.unlock(unit, &me.account.email.canonical(), me.account.id, now).await?;
        let unit = self.tell_of_password(unit, &me.account, &session, visit, now)?;
        match self.save(unit).await {
            Ok(()) => {
                self.posted();
                self.follow_feed().await?;
                Ok((me.account, self.opened(session, now)?))
            }
            // It was changed from elsewhere in this moment: what was shown is no longer the password.
            Err(StoreError::Conflict) => Err(Refusal::WrongCredentials.into()),
            Err(error) => Err(error.into()),
        }
    }

    fn tell_of_password(
        &self,
        unit: Unit,
        account: &Account,
        session: &Session,
        visit: &Visit<'_>,
        now: Timestamp,
    ) -> Result<Unit, Error> {
        if !self.settings.mail {
            return Ok(unit);
        }
        let place = self.place(&session.user_agent, &visit.address.to_string(), now);
        let about = About::PasswordChanged { place, forgot: self.link("/auth/forgot") };
        Ok(self.post(unit, Some(&Letter { to: account.email.as_str().to_owned(), about }), now)?)
    }
}
