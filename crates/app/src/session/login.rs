//! Log-in: compares a password and opens a session. The same answer, in the same time, for a wrong password and for an
//! account that does not exist.

use super::Opened;
use crate::account::Comparison;
use crate::{App, Error, Refusal};
use cloakroom_core::access::Revocation;
use cloakroom_core::account::{Account, Email};
use cloakroom_core::event::EventKind;
use cloakroom_core::id::SessionId;
use cloakroom_core::refresh::EndReason;
use cloakroom_core::refresh::{Ended, Family};
use cloakroom_core::secret::Password;
use cloakroom_core::session::{Method, Session};
use cloakroom_core::time::Timestamp;
use cloakroom_jose::random;
use cloakroom_store::{Error as StoreError, Order, Unit};

/// What somebody sent to log in, and where from.
pub struct Login<'a> {
    /// The address, as typed.
    pub email: &'a str,
    /// The password, as typed.
    pub password: String,
    /// Whether the cookies shall outlive the browser.
    pub remember: bool,
    /// `User-Agent`, cut to what is kept.
    pub user_agent: &'a str,
    /// The client's address, as text.
    pub address: String,
    /// The access token that came along, if any: its session is replaced by the new one.
    pub replaces: Option<&'a str>,
}

impl App {
    /// Opens a session, or refuses as [`Refusal::WrongCredentials`]. A session that this browser already had is
    /// ended in the same transaction (v5.0.0-7.2.4).
    pub async fn log_in(&self, login: Login<'_>) -> Result<(Account, Opened), Error> {
        let now = self.clock.now();
        let password = Password::new(login.password).ok_or(Refusal::PasswordUnreadable)?;
        let email = Email::parse(login.email).map_err(|_| Refusal::BadEmail)?;
        let account = self.store.account_by_email(&email).await?;
        // Hashed again in the same breath when its parameters are of yesterday; so the password is kept for that.
        let again = Password::new(password.reveal().to_owned()).ok_or(Refusal::PasswordUnreadable)?;
        let hash = account.as_ref().map(|account| account.password.clone());
        let found = self.passwords.compare(password, hash).await?;
        let (Some(mut account), Comparison::Same { outdated }) = (account.clone(), found) else {
            let event = self.event(EventKind::LoginFailed, now)?;
            // A line is written in every case: an unknown address must not be faster by one commit.
            let event = match account {
                Some(account) => event.of(account.id),
                None => event.of_nobody(),
            };
            self.save(Unit::new().order(Order::Record(event))).await?;
            return Err(Refusal::WrongCredentials.into());
        };

        if outdated {
            self.rehash(&mut account, again, now).await?;
        }
        let session = self.new_session(&account, login.user_agent, login.address, login.remember, now)?;
        let mut unit = Unit::new()
            .order(Order::OpenSession(session.clone()))
            .order(Order::Record(self.event(EventKind::LoginSucceeded, now)?.on(&session)));
        let replaced = login.replaces.and_then(|token| self.recognise(token));
        let mut ended = None;
        if let Some(old) = &replaced {
            ended = self.store.session(old.session).await?.filter(|session| session.family.ended.is_none());
        }
        if let Some(old) = &ended {
            unit = self.end(unit, old, EndReason::Revoked, now)?;
        }
        match self.save(unit).await {
            Err(StoreError::Conflict) if ended.is_some() => {
                // The replaced session ended by itself in this moment: nothing is left to replace.
                let unit = Unit::new()
                    .order(Order::OpenSession(session.clone()))
                    .order(Order::Record(self.event(EventKind::LoginSucceeded, now)?.on(&session)));
                self.save(unit).await?;
            }
            done => done?,
        }
        if ended.is_some() {
            self.follow_feed().await?;
        }
        metrics::counter!("cloakroom_logins_total", "outcome" => "succeeded").increment(1);
        Ok((account, self.opened(session, now)?))
    }

    async fn rehash(&self, account: &mut Account, password: Password, now: Timestamp) -> Result<(), Error> {
        let next = self.passwords.hash(password).await?;
        let unit = Unit::new()
            .order(Order::SetPassword {
                account: account.id,
                expected: account.password.clone(),
                next: next.clone(),
                at: None,
            })
            .order(Order::Record(self.event(EventKind::PasswordRehashed, now)?.of(account.id)));
        match self.save(unit).await {
            // The password changed in this moment, or somebody else was faster: theirs is newer.
            Err(StoreError::Conflict) => Ok(()),
            done => {
                done?;
                account.password = next;
                Ok(())
            }
        }
    }

    fn new_session(
        &self,
        account: &Account,
        user_agent: &str,
        address: String,
        remember: bool,
        now: Timestamp,
    ) -> Result<Session, Error> {
        let key = self.ring.load().refresh_key(now)?;
        Ok(Session {
            id: SessionId::from_bytes(random()?),
            account: account.id,
            opened_at: now,
            last_used_at: now,
            absolute_until: now.plus(self.settings.lifetimes.absolute_for),
            remember,
            method: Method::Password,
            user_agent: user_agent
                .chars()
                .filter(|c| !c.is_control())
                .scan(0, |bytes, c| {
                    *bytes += c.len_utf8();
                    (*bytes <= Session::MAX_USER_AGENT).then_some(c)
                })
                .collect(),
            address,
            family: Family::opened(random()?, key, now),
        })
    }

    /// Adds the orders that end a session: the row, the feed, the trail.
    pub(super) fn end(
        &self,
        unit: Unit,
        session: &Session,
        reason: EndReason,
        now: Timestamp,
    ) -> Result<Unit, crate::Fault> {
        let kind = match reason {
            EndReason::Replayed => EventKind::RefreshReplayed,
            EndReason::LoggedOut | EndReason::Revoked => EventKind::SessionLoggedOut,
        };
        Ok(unit
            .order(Order::EndSession { session: session.id, ended: Ended { at: now, reason } })
            .order(Order::Revoke { entry: Revocation::Session(session.id), until: self.outlived_at(now) })
            .order(Order::Record(self.event(kind, now)?.on(session))))
    }

    /// When the last access token that exists now will have expired; one second more for `exp` in whole seconds.
    pub(super) fn outlived_at(&self, now: Timestamp) -> Timestamp {
        now.plus(self.settings.lifetimes.access_for).plus(cloakroom_core::time::Lifetime::from_secs(1))
    }
}
