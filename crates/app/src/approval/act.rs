//! Changes of ours that take an approval. What is approved is used together with the change, in one unit.

use super::row::{State, What};
use crate::token::Seen;
use crate::{App, Error, Refusal};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use cloakroom_core::account::Account;
use cloakroom_core::approval::Act;
use cloakroom_core::event::EventKind;
use cloakroom_core::id::SessionId;
use cloakroom_core::session::Session;
use cloakroom_core::time::Timestamp;
use cloakroom_jose::sha256;
use cloakroom_store::{Error as StoreError, Order, Unit};

impl App {
    /// Adds to the unit of a change that its approval is used. Refused as [`Refusal::StepUpNeeded`] when there is none for this
    /// act in this session, or no longer.
    pub(crate) async fn spend_act(
        &self,
        unit: Unit,
        seen: &Seen,
        act: Act,
        approval: &str,
        now: Timestamp,
    ) -> Result<Unit, Error> {
        let (unit, session) = self.spend(unit, act, approval, now).await?;
        if session != seen.access().session {
            return Err(Refusal::StepUpNeeded(act).into());
        }
        let event = self.event(EventKind::ApprovalUsed, now)?.about(seen.access().account, session);
        Ok(unit.order(Order::Record(event)))
    }

    /// The same on the origin of approvals, where no session comes along: whose it is, the approval says, and that it is the page
    /// which approved, the secret that this page was given.
    pub(crate) async fn spend_act_there(
        &self,
        unit: Unit,
        act: Act,
        approval: &str,
        page: &str,
        now: Timestamp,
    ) -> Result<(Unit, Account, Session), Error> {
        let (_, row) = self.approval(approval, now).await?;
        let shown = URL_SAFE_NO_PAD.decode(page).map(|secret| sha256(&secret)).ok();
        if row.value.page.is_none() || row.value.page != shown {
            return Err(Refusal::StepUpNeeded(act).into());
        }
        let (unit, session) = self.spend(unit, act, approval, now).await?;
        let session = self.store.session(session).await?.filter(|session| session.family.ended.is_none());
        let session = session.ok_or(Refusal::ApprovalOver)?;
        let account = self.store.account(session.account).await?.ok_or(Refusal::ApprovalOver)?;
        let event = self.event(EventKind::ApprovalUsed, now)?.on(&session);
        Ok((unit.order(Order::Record(event)), account, session))
    }

    async fn spend(&self, unit: Unit, act: Act, approval: &str, now: Timestamp) -> Result<(Unit, SessionId), Error> {
        let needed = || Error::from(Refusal::StepUpNeeded(act));
        let (_, row) = self.approval(approval, now).await.map_err(|error| match error {
            Error::Refused(_) => needed(),
            failed @ Error::Failed(_) => failed,
        })?;
        let fits = matches!(row.value.what, What::Act(approved) if approved == act);
        if !fits || row.value.state != State::Approved {
            return Err(needed());
        }
        Ok((unit.order(row.removed()), row.value.session()))
    }

    /// Commits a change that an approval was used for. Somebody else was faster: then it is over.
    pub(crate) async fn save_after_approval(&self, unit: Unit) -> Result<(), Error> {
        match self.save(unit).await {
            Ok(()) => {
                self.posted();
                Ok(())
            }
            Err(StoreError::Conflict) => Err(Refusal::ApprovalOver.into()),
            Err(error) => Err(error.into()),
        }
    }
}
