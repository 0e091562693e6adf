//! Log-in: compares a password and opens a session, or asks for the second factor first. The same answer, in the same time, for
//! a wrong password and for an account that does not exist.

use super::Asked;
use crate::attempts::Attempt;
use crate::backing::Backing;
use crate::device::{Arrival, Visit};
use crate::session::Opened;
use crate::token::Credential;
use crate::{App, Error, Fault, Refusal};
use cloakroom_core::account::{Account, Email};
use cloakroom_core::event::EventKind;
use cloakroom_core::id::{AccountId, SessionId};
use cloakroom_core::letter::{About, Letter};
use cloakroom_core::refresh::Family;
use cloakroom_core::secret::Password;
use cloakroom_core::session::{Method, Roles, Session, Strategy};
use cloakroom_core::time::Timestamp;
use cloakroom_jose::{random, sha256};
use cloakroom_password::{Attempt as Typed, Comparison};
use cloakroom_store::{Error as StoreError, Order, Unit};

/// What somebody sent to log in, and where from.
pub struct Login<'a> {
    /// The address, as typed.
    pub email: &'a str,
    /// The password, as typed.
    pub password: String,
    /// How the session shall live.
    pub wish: Wish,
    /// Where from.
    pub visit: Visit<'a>,
    /// What came along of a session of the same browser, if any: it is replaced by the new one.
    pub replaces: Option<Credential<'a>>,
}

/// How a session shall live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wish {
    /// Whether the cookies shall outlive the browser.
    pub remember: bool,
    /// Only what is offered is opened.
    pub strategy: Strategy,
}

/// How somebody comes in.
pub(crate) struct Entry<'a> {
    pub(crate) method: Method,
    pub(crate) wish: Wish,
    pub(crate) visit: &'a Visit<'a>,
    pub(crate) arrival: Arrival,
    /// What came along of a session that the new one takes the place of.
    pub(crate) replaces: Option<Credential<'a>>,
    /// What stands behind the session, where a provider vouches for it.
    pub(crate) backing: Option<Backing>,
}

/// Somebody is in. No `Debug`: it holds secrets.
pub struct Entered {
    /// Who.
    pub account: Account,
    /// Their session.
    pub opened: Opened,
    /// The new value of the device cookie, or for a program to keep, where this device gets one.
    pub device: Option<String>,
    /// Recovery codes that are left, where one was used.
    pub recovery_left: Option<u32>,
}

/// Where the right password has led.
pub enum LoggedIn {
    /// In.
    Entered(Box<Entered>),
    /// To the question for a second factor.
    SecondFactor(Asked),
}

impl App {
    /// Opens a session, or refuses as [`Refusal::WrongCredentials`], also for an address that is not confirmed where that is
    /// required. Refused as [`Refusal::TooManyAttempts`] or [`Refusal::PasswordLocked`] before anything is compared. A session
    /// that this browser already had is ended in the same transaction (v5.0.0-7.2.4).
    pub async fn log_in(&self, mut login: Login<'_>) -> Result<LoggedIn, Error> {
        self.needs_passwords()?;
        let now = self.clock.now();
        if !self.settings.offered.contains(&login.wish.strategy) {
            return Err(Refusal::StrategyNotOffered.into());
        }
        let typed = std::mem::take(&mut login.password);
        let password = Typed::new(typed.clone()).ok_or(Refusal::PasswordUnreadable)?;
        let again = Password::new(typed).ok_or(Refusal::PasswordUnreadable)?;
        let email = Email::parse(login.email).map_err(|_| Refusal::BadEmail)?;
        let account = self.store.account_by_email(&email).await?;
        let id = account.as_ref().map_or_else(|| nobody(&email), |account| account.id);
        let arrival = self.arrival(id, &login.visit, now).await?;
        let attempt = self.attempt_password(&email, id, &arrival, &login.visit, now).await?;

        let hash = account.as_ref().map(|account| account.password.clone());
        let found = self.passwords.compare(password, hash).await?;
        let confirmed = |account: &Account| !self.settings.confirm_addresses || account.email_verified_at.is_some();
        let (Some(mut account), Comparison::Same { outdated }) = (account.clone().filter(confirmed), found) else {
            return self.refuse_login(account.as_ref(), &attempt, now).await;
        };
        if account.disabled_at.is_some() {
            let event = self.event(EventKind::LoginFailed, now)?.of(account.id);
            self.save(Unit::new().order(Order::Record(event))).await?;
            return Err(Refusal::AccountDisabled.into());
        }
        if outdated {
            self.rehash(&mut account, again, now).await?;
        }
        self.give_back(&attempt, now).await?;
        let forgiven = self.forgive(Unit::new(), &attempt, now)?;
        if let Some(asked) = self.ask_second_factor(&account, login.wish, forgiven.clone(), now).await? {
            return Ok(LoggedIn::SecondFactor(asked));
        }
        let entry = Entry {
            method: Method::Password,
            wish: login.wish,
            visit: &login.visit,
            arrival,
            replaces: login.replaces,
            backing: None,
        };
        let entered = self.enter(account, entry, forgiven, now).await?;
        Ok(LoggedIn::Entered(Box::new(entered)))
    }

    async fn attempt_password(
        &self,
        email: &Email,
        account: AccountId,
        arrival: &Arrival,
        visit: &Visit<'_>,
        now: Timestamp,
    ) -> Result<Attempt, Error> {
        if let Some(device) = arrival.known() {
            return self.attempt(&[self.counted_by_device(account, device)], now).await;
        }
        let counted = [self.counted_by_address(&email.canonical()), self.counted_by_network(&visit.prefix())];
        self.attempt(&counted, now).await
    }

    async fn refuse_login<T>(&self, account: Option<&Account>, attempt: &Attempt, now: Timestamp) -> Result<T, Error> {
        let locked = self.was_the_last(attempt, now).await?;
        let event = self.event(Self::failure_of(locked), now)?;
        // A line is written in every case: an unknown address must not be faster by one commit.
        let event = match account {
            Some(account) => event.of(account.id),
            None => event.of_nobody(),
        };
        let mut unit = Unit::new().order(Order::Record(event));
        if locked && self.settings.mail {
            let forgot = self.link("/auth/forgot");
            let letter = account.map(|account| Letter {
                to: account.email.as_str().to_owned(),
                about: About::PasswordLocked { forgot },
            });
            unit = self.post(unit, letter.as_ref(), now)?;
        }
        self.save(unit).await?;
        metrics::counter!("cloakroom_logins_total", "outcome" => "failed").increment(1);
        Err(Refusal::WrongCredentials.into())
    }

    /// Opens the session of somebody who has shown all that is asked for, with what else belongs to the same unit.
    pub(crate) async fn enter(
        &self,
        account: Account,
        entry: Entry<'_>,
        unit: Unit,
        now: Timestamp,
    ) -> Result<Entered, Error> {
        let Entry { method, wish, visit, arrival, replaces, backing } = entry;
        let mut session = self.new_session(&account, method, wish, visit, now)?;
        if let Some(backing) = &backing {
            session.roles = backing.roles.clone();
        }
        let (unit, device) = self.welcome(unit, arrival, &account, &session, now).await?;
        let unit = match backing {
            Some(backing) => self.back(unit, &session, backing)?,
            None => unit,
        };
        let old = match replaces {
            Some(credential) => self.recognise(credential).await?.map(|access| access.session),
            None => None,
        };
        self.open_session(&session, old, account.password_set_at, unit, now).await?;
        self.posted();
        metrics::counter!("cloakroom_logins_total", "outcome" => "succeeded").increment(1);
        Ok(Entered { opened: self.opened(session, now)?, account, device, recovery_left: None })
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
        method: Method,
        wish: Wish,
        visit: &Visit<'_>,
        now: Timestamp,
    ) -> Result<Session, Fault> {
        let key = self.ring.load().refresh_key(now)?;
        Ok(Session {
            id: SessionId::from_bytes(random()?),
            account: account.id,
            opened_at: now,
            last_used_at: now,
            absolute_until: now.plus(self.settings.lifetimes.absolute_for),
            remember: wish.remember,
            method,
            strategy: wish.strategy,
            user_agent: visit
                .user_agent
                .chars()
                .filter(|c| !c.is_control())
                .scan(0, |bytes, c| {
                    *bytes += c.len_utf8();
                    (*bytes <= Session::MAX_USER_AGENT).then_some(c)
                })
                .collect(),
            address: visit.address.to_string(),
            family: Family::opened(random()?, key, now),
            roles: Roles::default(),
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

/// A name for an address without an account, always the same one: what is read and written for it costs as much.
pub(crate) fn nobody(email: &Email) -> AccountId {
    let hash = sha256(&[b"cloakroom nobody v1", email.canonical().as_bytes()].concat());
    let mut id = [0; 16];
    for (to, from) in id.iter_mut().zip(hash) {
        *to = from;
    }
    AccountId::from_bytes(id)
}
