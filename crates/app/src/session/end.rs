//! Ending sessions: one of one's own from another, and what an operator ends.

use crate::token::Seen;
use crate::{App, Error, Fault, Refusal};
use cloakroom_core::access::Revocation;
use cloakroom_core::event::EventKind;
use cloakroom_core::id::{AccountId, SessionId};
use cloakroom_core::refresh::{EndReason, Ended};
use cloakroom_core::session::Session;
use cloakroom_core::time::{Lifetime, Timestamp};
use cloakroom_store::{Error as StoreError, Order, Unit};

impl App {
    /// Ends a session of the account that asks, also the one that asks. Refused as [`Refusal::UnknownSession`] when it is
    /// not theirs or not there; one that has ended already is as it should be.
    pub async fn end_session(&self, seen: &Seen, session: SessionId) -> Result<(), Error> {
        let session = self.store.session(session).await?.filter(|found| found.account == seen.access().account);
        self.end_by(session.ok_or(Refusal::UnknownSession)?, EndReason::Revoked).await
    }

    /// Ends any session, for an operator. Refused as [`Refusal::UnknownSession`].
    pub async fn withdraw_session(&self, session: SessionId) -> Result<(), Error> {
        let session = self.store.session(session).await?.ok_or(Refusal::UnknownSession)?;
        self.end_by(session, EndReason::Withdrawn).await
    }

    async fn end_by(&self, session: Session, reason: EndReason) -> Result<(), Error> {
        if session.family.ended.is_some() {
            return Ok(());
        }
        let lent = self.lent(session.id).await;
        let unit = self.end(Unit::new(), &session, reason, self.clock.now())?;
        match self.save(unit).await {
            // It ended in this moment by another hand, which is what was asked for.
            Ok(()) | Err(StoreError::Conflict) => {}
            Err(error) => return Err(error.into()),
        }
        self.return_lent(lent);
        Ok(self.follow_feed().await?)
    }

    /// Ends everything that an account has, whatever says otherwise: every session, and every token that was issued before
    /// now (`not before`). Refused as [`Refusal::UnknownAccount`].
    pub async fn revoke_account(&self, account: AccountId) -> Result<(), Error> {
        let now = self.clock.now();
        let unit = self.end_everything_of(Unit::new(), account, now);
        let unit = unit.order(Order::Record(self.event(EventKind::AccountRevoked, now)?.of(account)));
        self.save_for_account(unit).await
    }

    /// Disables an account and ends everything that it has, or enables it again. Refused as [`Refusal::UnknownAccount`];
    /// what is so already is as it should be.
    pub async fn disable_account(&self, account: AccountId, disable: bool) -> Result<(), Error> {
        let now = self.clock.now();
        let found = self.store.account(account).await?.ok_or(Refusal::UnknownAccount)?;
        if found.disabled_at.is_some() == disable {
            return Ok(());
        }
        let mut unit = Unit::from(Order::DisableAccount { account, at: disable.then_some(now) });
        let kind = if disable { EventKind::AccountDisabled } else { EventKind::AccountEnabled };
        if disable {
            unit = self.end_everything_of(unit, account, now);
        }
        self.save_for_account(unit.order(Order::Record(self.event(kind, now)?.of(account)))).await
    }

    /// Ends every session that there is, and every token that was issued until now. Who logs in within the same second
    /// may have to do so twice.
    pub async fn revoke_everything(&self) -> Result<(), Fault> {
        self.end_everything().await?;
        // A refresh can have read its clock after ours and have been committed before us: its token lies above the floor.
        // None can be committed any longer, so a floor of this instant lies above them all.
        let now = self.clock.now();
        let entry = Revocation::Everything { before: now };
        self.save(Unit::from(Order::Revoke { entry, until: self.outlived_at(now) })).await?;
        self.follow_feed().await
    }

    async fn end_everything(&self) -> Result<(), Fault> {
        let now = self.clock.now();
        let order = Order::EndEverything {
            ended: Ended { at: now, reason: EndReason::Withdrawn },
            before: now,
            until: self.outlived_at(now),
        };
        let event = self.event(EventKind::EverythingRevoked, now)?.of_nobody();
        Ok(self.save(Unit::from(order).order(Order::Record(event))).await?)
    }

    /// Adds the orders that end whatever an account has.
    pub(crate) fn end_everything_of(&self, unit: Unit, account: AccountId, now: Timestamp) -> Unit {
        let until = self.outlived_at(now);
        let ended = Ended { at: now, reason: EndReason::Withdrawn };
        unit.order(Order::EndSessions { account, except: None, ended, revoked_until: until }).order(Order::RaiseFloor {
            account,
            to: now,
            until,
        })
    }

    async fn save_for_account(&self, unit: Unit) -> Result<(), Error> {
        match self.save(unit).await {
            Ok(()) => Ok(self.follow_feed().await?),
            Err(StoreError::Conflict) => Err(Refusal::UnknownAccount.into()),
            Err(error) => Err(error.into()),
        }
    }

    /// Adds the orders that end a session: the row, the feed, the trail.
    pub(crate) fn end(&self, unit: Unit, session: &Session, reason: EndReason, now: Timestamp) -> Result<Unit, Fault> {
        let kind = match reason {
            EndReason::Replayed => EventKind::RefreshReplayed,
            EndReason::LoggedOut => EventKind::SessionLoggedOut,
            EndReason::Revoked => EventKind::SessionRevoked,
            EndReason::Displaced => EventKind::SessionDisplaced,
            EndReason::Withdrawn => EventKind::SessionWithdrawn,
            EndReason::LoggedOutThere => EventKind::SessionLoggedOutThere,
        };
        Ok(unit
            .order(Order::EndSession { session: session.id, ended: Ended { at: now, reason } })
            .order(Order::Revoke { entry: Revocation::Session(session.id), until: self.outlived_at(now) })
            .order(Order::Record(self.event(kind, now)?.on(session))))
    }

    /// When the last access token that exists now will have expired.
    pub(crate) fn outlived_at(&self, now: Timestamp) -> Timestamp {
        now.plus(self.outlived_after())
    }

    /// The longest life of an access token; one second more for `exp` in whole seconds.
    pub(crate) fn outlived_after(&self) -> Lifetime {
        Lifetime::from_millis(self.settings.lifetimes.access_for.millis() + 1000)
    }
}
