//! The page that asked gets what its person approved: once, with new cookies. A step-up is a re-authentication, so the session goes
//! on under the next generation of its family (v5.0.0-7.2.4), and what was copied before cannot use the grant.

use super::grant;
use super::row::{State, What};
use crate::session::Opened;
use crate::token::Seen;
use crate::{App, Error, Refusal};
use cloakroom_core::account::Account;
use cloakroom_core::event::EventKind;
use cloakroom_core::refresh;
use cloakroom_core::session::Strategy;
use cloakroom_store::{Error as StoreError, Order, Unit};

/// Where an approval has got to.
pub enum Collected {
    /// Its owner has not decided yet.
    Waiting,
    /// For a change of ours it is used with the change itself.
    Approved,
    /// For a call: the grant, and the session as it goes on.
    Granted {
        /// For the header `Cloakroom-Grant`.
        grant: String,
        /// Who.
        account: Box<Account>,
        /// The session as it is now.
        opened: Box<Opened>,
    },
}

impl App {
    /// Collects. Refused as [`Refusal::ApprovalOver`] for another session, and the second time; as [`Refusal::AccessExpired`]
    /// when the token that asks is not of the newest generation: a refresh gives one.
    pub async fn collect_approval(&self, seen: &Seen, id: &str) -> Result<Collected, Error> {
        let now = self.clock.now();
        let (_, row) = self.approval(id, now).await?;
        let access = seen.access();
        if row.value.session() != access.session || row.value.state == State::Declined {
            return Err(Refusal::ApprovalOver.into());
        }
        if row.value.state == State::Waiting {
            return Ok(Collected::Waiting);
        }
        let What::Call { method, path, body } = &row.value.what else { return Ok(Collected::Approved) };
        let (account, mut session) = self.whose_approval(&row.value, now).await?;
        if access.generation != session.family.generation {
            return Err(Refusal::AccessExpired.into());
        }
        let mut unit = Unit::from(row.removed());
        // A ticket has nothing beside it that could be shown again: were this answer lost, its owner would be logged out.
        if session.strategy != Strategy::Ticket {
            let key = self.ring.load().refresh_key(now)?;
            let rotate = refresh::renew(&session.family, access.issue, key, now);
            session.family = rotate.next.clone();
            unit = unit
                .order(Order::ChangeFamily { session: session.id, expected: rotate.expected, next: rotate.next })
                .order(Order::Record(self.event(EventKind::RefreshRotated, now)?.on(&session)));
        }
        let shown = row.value.shown.iter().map(|(name, _)| name.clone()).collect();
        let expires_at = row.slip.expires_at.unwrap_or(now);
        let (secret, slip) = grant::make(&session, method, path, *body, shown, expires_at)?;
        let unit = unit.order(Order::AddSlip(slip));
        match self.save(unit).await {
            Ok(()) => {}
            // Another tab refreshed in this moment, or collected: asked again, it is known which.
            Err(StoreError::Conflict) => return Err(Refusal::AccessExpired.into()),
            Err(error) => return Err(error.into()),
        }
        let opened = Box::new(self.opened(session, now)?);
        Ok(Collected::Granted { grant: secret, account: Box::new(account), opened })
    }
}
