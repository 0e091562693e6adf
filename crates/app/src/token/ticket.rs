//! Tickets: deriving them, and what a session's row says about one. A ticket that was seen is remembered like a token, for
//! as long as an access token would live; then its session is read again.

use super::Credential;
use super::verified::Seen;
use crate::{App, Error, Fault, Refusal};
use cloakroom_core::access::Access;
use cloakroom_core::id::KeyId;
use cloakroom_core::keyring::Purpose;
use cloakroom_core::session::{Session, Strategy};
use cloakroom_core::ticket::{Good, Ticket};
use cloakroom_core::time::Timestamp;
use std::sync::Arc;

impl App {
    /// Derives a session's ticket. Asked twice it gives the same one twice. For access it is numbered like the session's
    /// generation, which for a `ticket` session moves when the ticket is renewed.
    pub(crate) fn derive_ticket(&self, session: &Session, good: Good) -> Result<Ticket, Fault> {
        let family = &session.family;
        let ring = self.ring.load();
        let mac =
            ring.mac(family.key, Purpose::Refresh).ok_or_else(|| Fault::plain("a family's refresh key is gone"))?;
        let number = number(session, good);
        let mac = mac.mac(&Ticket::message(good, session.id, number, &family.seed));
        Ok(Ticket::new(good, family.key, session.id, number, mac))
    }

    /// Whether a ticket is the one that this session has now.
    pub(crate) fn is_ticket_of(&self, ticket: &Ticket, session: &Session) -> bool {
        let ring = self.ring.load();
        let Some(key) = ring.mac(ticket.key(), Purpose::Refresh) else { return false };
        let message = Ticket::message(ticket.good(), session.id, ticket.number(), &session.family.seed);
        ticket.session() == session.id
            && ticket.number() == number(session, ticket.good())
            && key.verify(&message, ticket.mac())
    }

    /// Reads the session of a ticket, ended or not. `None` when the ticket is not its ticket of today.
    pub(super) async fn session_of_ticket(&self, ticket: &Ticket) -> Result<Option<Session>, Error> {
        // A forged one costs nothing where tickets are not handed out, or when it names no key of ours.
        let handed_out = self.settings.offered.iter().any(|strategy| match ticket.good() {
            Good::ForAccess => *strategy == Strategy::Ticket,
            Good::ForCompany => matches!(strategy, Strategy::Memory | Strategy::SplitBearer),
        });
        if !handed_out || self.ring.load().mac(ticket.key(), Purpose::Refresh).is_none() {
            return Ok(None);
        }
        let session = self.store.session(ticket.session()).await?;
        Ok(session.filter(|session| {
            let good = match session.strategy {
                Strategy::Ticket => Good::ForAccess,
                Strategy::Memory | Strategy::SplitBearer => Good::ForCompany,
                Strategy::Cookie | Strategy::Split | Strategy::Native => return false,
            };
            ticket.good() == good && self.is_ticket_of(ticket, session)
        }))
    }

    /// Judges a ticket for access by its session's row, and remembers it. Refused as [`Refusal::SignedOut`] when it is of no
    /// use.
    pub(super) async fn seen_by_ticket(&self, text: &str, ticket: &Ticket, now: Timestamp) -> Result<Arc<Seen>, Error> {
        let seen = Arc::new(self.judge_ticket(ticket, Good::ForAccess, now).await?);
        self.remember_ticket(text, &seen);
        self.note_use(&seen, now);
        Ok(seen)
    }

    /// Judges what a person shows to a page of ours. Where the access token is in the memory of the application's pages, a
    /// ticket for company is enough there: it says as well as any cookie who sits in front of this browser. It opens no
    /// application, so nothing is remembered of it.
    pub async fn authenticate_person(&self, credential: Credential<'_>) -> Result<Arc<Seen>, Error> {
        match (credential, Ticket::parse(&credential.text())) {
            (Credential::Cookie(_), Ok(ticket)) if ticket.good() == Good::ForCompany => {
                let now = self.clock.now();
                self.catch_up(now).await?;
                let seen = self.judge_ticket(&ticket, Good::ForCompany, now).await?;
                self.note_use(&seen, now);
                Ok(Arc::new(seen))
            }
            _ => self.authenticate(credential).await,
        }
    }

    async fn judge_ticket(&self, ticket: &Ticket, good: Good, now: Timestamp) -> Result<Seen, Error> {
        let session = self.session_of_ticket(ticket).await?.filter(|_| ticket.good() == good);
        let mut session = session.ok_or(Refusal::SignedOut)?;
        self.sightings.add_to(&mut session);
        let over =
            session.family.ended.is_some() || self.settings.lifetimes.is_expired(&session, session.last_used_at, now);
        let access = self.access_of_ticket(&session, ticket.key(), now);
        if over || !self.marks.allow(&access, now) {
            return Err(Refusal::SignedOut.into());
        }
        let claims = self.claims(&session, &self.settings.issuer, now, access.expires_at)?;
        Ok(Seen::by_ticket(access, claims, self.ring.load().version))
    }

    /// What an access token would say that was made for the session now.
    pub(super) fn access_of_ticket(&self, session: &Session, key: KeyId, now: Timestamp) -> Access {
        Access {
            account: session.account,
            session: session.id,
            generation: session.family.generation,
            issue: session.family.issue,
            issued_at: Timestamp::from_unix_seconds(now.unix_seconds()),
            expires_at: self.settings.lifetimes.access_until(session, now),
            key,
        }
    }
}

fn number(session: &Session, good: Good) -> u32 {
    match good {
        Good::ForAccess => session.family.generation,
        Good::ForCompany => 0,
    }
}
