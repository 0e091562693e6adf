//! Approving by a new log-in at a provider: for accounts that have nothing else to prove themselves with. The provider is told to
//! ask anew (`prompt=login`, `max_age=0`), and that it did is judged by its `auth_time`.

use super::row::{GOOD_FOR, State, What};
use crate::federation::{Begun, Errand, Shown};
use crate::login::Wish;
use crate::{App, Error, Fault, Refusal};
use cloakroom_core::approval::{Act, Proof};
use cloakroom_core::event::EventKind;
use cloakroom_core::id::AccountId;
use cloakroom_store::{Order, Unit};

impl App {
    /// Sends whoever approves to a provider that their account has an identity at. `waiting` are the cookies of this browser.
    /// Refused as [`Refusal::ApprovalOver`], as [`Refusal::ProofNotAccepted`] where another proof is needed, and as
    /// [`Self::begin_with_provider`].
    pub async fn begin_proof_by_provider(
        &self,
        id: &str,
        (provider, slot): (&str, u8),
        waiting: &[Shown<'_>],
    ) -> Result<Begun, Error> {
        let now = self.clock.now();
        let (_, row) = self.approval(id, now).await?;
        if row.value.state != State::Waiting {
            return Err(Refusal::ApprovalOver.into());
        }
        let (account, session) = self.whose_approval(&row.value, now).await?;
        let accepted = self.proofs_for(&row.value, &account, &session, now).await?.contains(&Proof::Provider);
        let theirs = self.proving_providers(account.id).await?;
        if !accepted || theirs.iter().all(|(known, _)| known != provider) {
            return Err(Refusal::ProofNotAccepted.into());
        }
        let wish = Wish { remember: session.remember, strategy: session.strategy };
        let errand = Errand { wish, return_to: "/", slot, link: None, approval: Some(id) };
        self.begin_with_provider(provider, errand, waiting).await
    }

    /// Approves, now that somebody has logged in anew as the `owner` of an identity. Refused as [`Refusal::OtherIdentity`], which
    /// counts as a wrong proof, and as [`Refusal::ApprovalOver`].
    ///
    /// `strong`: the new log-in was one with more than one factor. Where the session is, one without is refused as
    /// [`Refusal::ProofNotAccepted`].
    pub(crate) async fn approve_as(&self, id: &str, owner: Option<AccountId>, strong: bool) -> Result<(), Error> {
        let now = self.clock.now();
        let (_, mut row) = self.approval(id, now).await?;
        // Where the page that approves goes on by itself, it is on an origin of its own.
        let goes_on = matches!(row.value.what, What::Act { act: Act::AddApprovalPasskey, .. });
        if row.value.state != State::Waiting || goes_on {
            return Err(Refusal::ApprovalOver.into());
        }
        let (account, session) = self.whose_approval(&row.value, now).await?;
        // They may have got something better meanwhile.
        if !self.proofs_for(&row.value, &account, &session, now).await?.contains(&Proof::Provider) {
            return Err(Refusal::ProofNotAccepted.into());
        }
        if owner != Some(account.id) {
            return match self.wrong(row, &session, now).await {
                Err(Error::Refused(Refusal::ProofWrong)) => Err(Refusal::OtherIdentity.into()),
                judged => judged,
            };
        }
        if session.method.is_multi_factor() && !strong {
            return Err(Refusal::ProofNotAccepted.into());
        }
        row.value.state = State::Approved;
        row.slip.expires_at = Some(now.plus(GOOD_FOR));
        let event = self.event(EventKind::ApprovalGiven, now)?.on(&session);
        self.save_after_approval(Unit::from(row.changed()?).order(Order::Record(event))).await
    }

    /// Id and name of each configured provider that an account has an identity at; none where approvals have an origin of their
    /// own, which a provider's answer does not come to.
    pub(crate) async fn proving_providers(&self, account: AccountId) -> Result<Vec<(String, String)>, Fault> {
        if self.settings.approval_origin.is_some() || self.providers().is_empty() {
            return Ok(Vec::new());
        }
        let linked = self.linked(account).await?.into_iter().filter(|linked| linked.issuer.is_some());
        let mut providers: Vec<_> = linked.map(|linked| (linked.provider, linked.name)).collect();
        // Of two identities at one provider, either will do.
        providers.sort();
        providers.dedup();
        Ok(providers)
    }
}
