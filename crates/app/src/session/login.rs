//! Log-in: compares a password and opens a session. The same answer, in the same time, for a wrong password and for an
//! account that does not exist.

use super::Opened;
use crate::account::Comparison;
use crate::token::Credential;
use crate::{App, Error, Fault, Refusal};
use cloakroom_core::account::{Account, Email};
use cloakroom_core::event::EventKind;
use cloakroom_core::id::SessionId;
use cloakroom_core::refresh::Family;
use cloakroom_core::secret::Password;
use cloakroom_core::session::{Method, Session, Strategy};
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
    /// How the session shall live. Only what is offered is opened.
    pub strategy: Strategy,
    /// What came along of a session of the same browser, if any: it is replaced by the new one.
    pub replaces: Option<Credential<'a>>,
}

impl App {
    /// Opens a session, or refuses as [`Refusal::WrongCredentials`]. A session that this browser already had is
    /// ended in the same transaction (v5.0.0-7.2.4).
    pub async fn log_in(&self, mut login: Login<'_>) -> Result<(Account, Opened), Error> {
        let now = self.clock.now();
        if !self.settings.offered.contains(&login.strategy) {
            return Err(Refusal::StrategyNotOffered.into());
        }
        let password = Password::new(std::mem::take(&mut login.password)).ok_or(Refusal::PasswordUnreadable)?;
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

        if account.disabled_at.is_some() {
            let event = self.event(EventKind::LoginFailed, now)?.of(account.id);
            self.save(Unit::new().order(Order::Record(event))).await?;
            return Err(Refusal::AccountDisabled.into());
        }
        if outdated {
            self.rehash(&mut account, again, now).await?;
        }
        let session = self.new_session(&account, &login, now)?;
        let replaced = match login.replaces {
            Some(credential) => self.recognise(credential).await?.map(|access| access.session),
            None => None,
        };
        self.open_session(&session, replaced, account.password_set_at, now).await?;
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

    fn new_session(&self, account: &Account, login: &Login<'_>, now: Timestamp) -> Result<Session, Error> {
        let key = self.ring.load().refresh_key(now)?;
        Ok(Session {
            id: SessionId::from_bytes(random()?),
            account: account.id,
            opened_at: now,
            last_used_at: now,
            absolute_until: now.plus(self.settings.lifetimes.absolute_for),
            remember: login.remember,
            method: Method::Password,
            strategy: login.strategy,
            user_agent: login
                .user_agent
                .chars()
                .filter(|c| !c.is_control())
                .scan(0, |bytes, c| {
                    *bytes += c.len_utf8();
                    (*bytes <= Session::MAX_USER_AGENT).then_some(c)
                })
                .collect(),
            address: login.address.clone(),
            family: Family::opened(random()?, key, now),
        })
    }

    /// A session that takes the place of another after its owner has proven anew who they are: the same device and
    /// strategy, a name, a seed and lifetimes of its own.
    pub(crate) fn succeed(&self, old: &Session, now: Timestamp) -> Result<Session, Fault> {
        Ok(Session {
            id: SessionId::from_bytes(random()?),
            opened_at: now,
            last_used_at: now,
            absolute_until: now.plus(self.settings.lifetimes.absolute_for),
            family: Family::opened(random()?, self.ring.load().refresh_key(now)?, now),
            ..old.clone()
        })
    }
}
