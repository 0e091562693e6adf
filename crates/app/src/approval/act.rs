//! Changes of ours that take an approval. What is approved is used together with the change, in one unit.

use super::row::{Row, State, What};
use super::shown::visible;
use crate::factor::PasskeyScope;
use crate::kept::Kept;
use crate::mail::in_utc;
use crate::token::Seen;
use crate::{App, Error, Refusal};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use cloakroom_core::account::{Account, Email};
use cloakroom_core::approval::Act;
use cloakroom_core::event::EventKind;
use cloakroom_core::id::AccountId;
use cloakroom_core::session::Session;
use cloakroom_core::time::Timestamp;
use cloakroom_jose::sha256;
use cloakroom_store::{Error as StoreError, Order, Unit};

impl App {
    /// What an act is done with, as it is kept and as it is shown. Refused as the act itself would be: a wrong address as
    /// [`Refusal::BadEmail`], a passkey or an identity that is
    /// none of the account's as [`Refusal::UnknownFactor`], a provider as [`Refusal::UnknownProvider`].
    pub(super) async fn bind_act(
        &self,
        account: AccountId,
        act: Act,
        value: Option<&str>,
    ) -> Result<(Option<String>, Vec<(String, String)>), Error> {
        let shown = |name: &str, value: &str| (name.to_owned(), visible(value));
        match act {
            Act::ChangeEmail => {
                let email = Email::parse(value.unwrap_or_default()).map_err(|_| Refusal::BadEmail)?;
                let fields = vec![shown("New address", email.as_str())];
                Ok((Some(email.as_str().to_owned()), fields))
            }
            Act::RemovePasskey => {
                let known = self.factors_of(account).await?.passkeys;
                let passkey = known.into_iter().find(|known| Some(known.id.as_str()) == value);
                let passkey = passkey.ok_or(Refusal::UnknownFactor)?;
                let good_for = match passkey.scope {
                    PasskeyScope::LogIn => "logging in",
                    PasskeyScope::Approval => "approving",
                };
                // Two can have one name.
                let fields = vec![
                    shown("Passkey", &passkey.name),
                    shown("Used for", good_for),
                    shown("Added", &in_utc(passkey.added_at)),
                ];
                Ok((Some(passkey.id), fields))
            }
            Act::AddProvider => {
                let provider = self.provider(value.unwrap_or_default())?;
                Ok((Some(provider.party.id().to_owned()), vec![shown("Site", &provider.name)]))
            }
            Act::RemoveProvider => {
                let linked = self.linked(account).await?;
                let linked = linked.into_iter().find(|linked| Some(linked.id.as_str()) == value);
                let linked = linked.ok_or(Refusal::UnknownFactor)?;
                let fields = vec![shown("Site", &linked.name), shown("Added", &in_utc(linked.added_at))];
                Ok((Some(linked.id), fields))
            }
            Act::ChangePassword
            | Act::AddTotp
            | Act::RemoveTotp
            | Act::NewRecoveryCodes
            | Act::AddPasskey
            | Act::AddApprovalPasskey => Ok((None, Vec::new())),
        }
    }

    /// Adds to the unit of a change that its approval is used. Refused as [`Refusal::StepUpNeeded`] when there is none for this
    /// act in this session, or no longer; as [`Refusal::GrantRefused`] when it was given for another `value`, which uses
    /// nothing up.
    pub(crate) async fn spend_act(
        &self,
        unit: Unit,
        seen: &Seen,
        (act, value): (Act, Option<&str>),
        approval: &str,
        now: Timestamp,
    ) -> Result<Unit, Error> {
        let (row, bound) = self.approved(act, approval, now).await?;
        let (account, session) = (seen.access().account, seen.access().session);
        if row.value.session() != session {
            return Err(Refusal::StepUpNeeded(act).into());
        }
        if bound.as_deref() != value {
            let event = self.event(EventKind::ApprovalRefused, now)?.about(account, session);
            self.save(Unit::from(Order::Record(event))).await?;
            return Err(Refusal::GrantRefused.into());
        }
        let event = self.event(EventKind::ApprovalUsed, now)?.about(account, session);
        Ok(unit.order(row.removed()).order(Order::Record(event)))
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
        let (row, _) = self.approved(act, approval, now).await?;
        let session = self.store.session(row.value.session()).await?.filter(|session| session.family.ended.is_none());
        let session = session.ok_or(Refusal::ApprovalOver)?;
        let account = self.store.account(session.account).await?.ok_or(Refusal::ApprovalOver)?;
        let event = self.event(EventKind::ApprovalUsed, now)?.on(&session);
        Ok((unit.order(row.removed()).order(Order::Record(event)), account, session))
    }

    /// The approval of an act, and what it is bound to.
    async fn approved(&self, act: Act, approval: &str, now: Timestamp) -> Result<(Kept<Row>, Option<String>), Error> {
        let needed = || Error::from(Refusal::StepUpNeeded(act));
        let (_, row) = self.approval(approval, now).await.map_err(|error| match error {
            Error::Refused(_) => needed(),
            failed @ Error::Failed(_) => failed,
        })?;
        match &row.value.what {
            What::Act { act: approved, value } if *approved == act && row.value.state == State::Approved => {
                let value = value.clone();
                Ok((row, value))
            }
            What::Act { .. } | What::Call { .. } => Err(needed()),
        }
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
