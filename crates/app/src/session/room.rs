//! Opening a session's row: what it replaces, and the room that its account has.

use crate::{App, Error, Fault, Refusal, WhenFull};
use cloakroom_core::event::EventKind;
use cloakroom_core::id::SessionId;
use cloakroom_core::refresh::{EndReason, Ended};
use cloakroom_core::session::{Method, Session};
use cloakroom_core::time::Timestamp;
use cloakroom_store::{Error as StoreError, Order, SlipKind, Unit};

/// Rounds of a race; each is lost to somebody who ended the replaced session, took the last place, or disabled the account.
const ATTEMPTS: usize = 8;

impl App {
    /// Commits a new session, together `with` what else belongs to the log-in. The one that it `replaces` is ended in the same transaction (v5.0.0-7.2.4), and so are the
    /// oldest ones where an account may have only so many.
    pub(crate) async fn open_session(
        &self,
        session: &Session,
        replaces: Option<SessionId>,
        password_set_at: Timestamp,
        with: Unit,
        now: Timestamp,
    ) -> Result<(), Error> {
        for _ in 0..ATTEMPTS {
            let old = match replaces {
                Some(id) => self.store.session(id).await?.filter(|found| found.family.ended.is_none()),
                None => None,
            };
            // The password was compared a while ago: whoever set another one since has ended all that the old one opens.
            let mut unit = Unit::from(Order::ExpectPassword { account: session.account, set_at: password_set_at });
            if let Some(old) = &old {
                unit = self.end(unit, old, EndReason::Revoked, now)?;
            }
            if let Some(order) = self.make_room(session, now) {
                unit = unit.order(order);
            }
            unit = unit
                .order(Order::OpenSession(session.clone()))
                .order(Order::Record(self.event(EventKind::LoginSucceeded, now)?.on(session)));
            unit = with.orders().iter().cloned().fold(unit, Unit::order);
            match self.save(unit).await {
                Ok(()) => return Ok(self.follow_feed().await?),
                Err(StoreError::Conflict) => {
                    self.why_not(session, old.map(|old| old.id), password_set_at, now).await?;
                    if self.is_spent(&with).await? {
                        let passkey = session.method == Method::Passkey;
                        return Err(if passkey { Refusal::PasskeyRefused } else { Refusal::ProofWrong }.into());
                    }
                }
                Err(error) => return Err(error.into()),
            }
        }
        Err(Fault::plain("a log-in lost every race").into())
    }

    fn make_room(&self, session: &Session, now: Timestamp) -> Option<Order> {
        let max = self.settings.max_sessions?;
        let (account, idle_since) = (session.account, now.minus(self.settings.lifetimes.idle_for));
        Some(match max.when_full {
            WhenFull::Refuse => Order::ExpectRoom { account, below: max.at_most, now, idle_since },
            WhenFull::EndOldest => Order::EndOldest {
                account,
                keep: max.at_most.saturating_sub(1),
                now,
                idle_since,
                ended: Ended { at: now, reason: EndReason::Displaced },
                revoked_until: self.outlived_at(now),
            },
        })
    }

    /// Whether something that a log-in uses up, such as a code, was used by somebody else since it was read.
    async fn is_spent(&self, with: &Unit) -> Result<bool, Fault> {
        for order in with.orders() {
            let (kind, key, expected) = match order {
                Order::AddSlip(slip) => (slip.kind, &slip.key, None),
                Order::ChangeSlip { expected, next } => (next.kind, &next.key, Some(*expected)),
                Order::RemoveSlip { kind, key, expected } => (*kind, key, Some(*expected)),
                _ => continue,
            };
            let is_proof = [SlipKind::Challenge, SlipKind::Totp, SlipKind::Recovery, SlipKind::Passkey].contains(&kind);
            if is_proof && self.store.slip(kind, key).await?.map(|slip| slip.version) != expected {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// After a conflict: a refusal if the account says why, else the next round.
    async fn why_not(
        &self,
        session: &Session,
        replaces: Option<SessionId>,
        password_set_at: Timestamp,
        now: Timestamp,
    ) -> Result<(), Error> {
        let account = self.store.account(session.account).await?.ok_or(Refusal::WrongCredentials)?;
        if account.disabled_at.is_some() {
            return Err(Refusal::AccountDisabled.into());
        }
        let ended = account.not_before.is_some_and(|floor| session.opened_at < floor);
        if ended || account.password_set_at != password_set_at {
            // Everything of the account was ended, or its password was replaced, while this log-in was on its way.
            return Err(Refusal::WrongCredentials.into());
        }
        if let Some(max) = self.settings.max_sessions.filter(|max| max.when_full == WhenFull::Refuse) {
            let listed = self.store.sessions_of(session.account, max.at_most.saturating_add(1)).await?;
            let live = listed.iter().filter(|other| {
                Some(other.id) != replaces && !self.settings.lifetimes.is_expired(other, other.last_used_at, now)
            });
            if live.count() >= max.at_most as usize {
                let event = self.event(EventKind::SessionsFull, now)?.of(session.account);
                self.save(Unit::new().order(Order::Record(event))).await?;
                return Err(Refusal::TooManySessions.into());
            }
        }
        Ok(())
    }
}
