//! What the page of an approval shows.

use super::row::{Row, State, What};
use crate::{App, Error, Refusal};
use cloakroom_core::account::Account;
use cloakroom_core::approval::{Act, Proof, accepted};
use cloakroom_core::session::Session;
use cloakroom_core::time::{Lifetime, Timestamp};

/// A log-in is fresh for so long.
const FRESH_FOR: Lifetime = Lifetime::from_secs(15 * 60);

/// An approval as its page shows it.
pub struct ApprovalView {
    /// Its name.
    pub id: String,
    /// Whose, partly hidden: whoever has found the page learns no address.
    pub account: String,
    /// Method and path of the call, where it is one.
    pub call: Option<(String, String)>,
    /// Where it is a change of ours.
    pub act: Option<Act>,
    /// What that is done with, as the change takes it.
    pub value: Option<String>,
    /// Names and values of the body's fields that the route's rule names, or of what a change is done with, in words.
    pub fields: Vec<(String, String)>,
    /// Whether its owner still has to prove who they are; else it was approved.
    pub waiting: bool,
    /// Proofs that are good for it, best first.
    pub proofs: Vec<Proof>,
    /// For `navigator.credentials.get`, as JSON, where a passkey is one of them.
    pub passkey: Option<String>,
    /// Id and name of the providers where a new log-in is one of them.
    pub providers: Vec<(String, String)>,
    /// Whether a code was mailed for it.
    pub mailed: bool,
    /// How many wrong proofs are left.
    pub tries_left: u8,
    /// Where to go afterwards.
    pub return_to: Option<String>,
    /// Until when it can be approved, or used.
    pub expires_at: Timestamp,
}

impl App {
    /// Looks at an approval. Whoever knows its name may: only a proof of the account approves it. Refused as
    /// [`Refusal::ApprovalOver`].
    pub async fn view_approval(&self, id: &str) -> Result<ApprovalView, Error> {
        let now = self.clock.now();
        let (bytes, row) = self.approval(id, now).await?;
        if row.value.state == State::Declined {
            return Err(Refusal::ApprovalOver.into());
        }
        let (account, session) = self.whose_approval(&row.value, now).await?;
        let proofs = self.proofs_for(&row.value, &account, &session, now).await?;
        let passkey = match row.value.challenge(&bytes) {
            Some(challenge) if proofs.contains(&Proof::Passkey) => {
                self.ask_passkey(account.id, challenge, self.parties.approving(), now).await?
            }
            _ => None,
        };
        let providers =
            if proofs.contains(&Proof::Provider) { self.proving_providers(account.id).await? } else { Vec::new() };
        let Row { what, shown, return_to, state, tries, mailed, .. } = row.value;
        let (call, act, value) = match what {
            What::Call { method, path, .. } => (Some((method, path)), None, None),
            What::Act { act, value } => (None, Some(act), value),
        };
        Ok(ApprovalView {
            id: id.to_owned(),
            account: account.email.partly(),
            call,
            act,
            value,
            fields: shown,
            waiting: state == State::Waiting,
            proofs,
            passkey,
            providers,
            mailed: mailed.is_some(),
            tries_left: super::row::TRIES.saturating_sub(tries),
            return_to,
            expires_at: row.slip.expires_at.unwrap_or(now),
        })
    }

    /// The proofs that are good for an approval.
    pub(super) async fn proofs_for(
        &self,
        row: &Row,
        account: &Account,
        session: &Session,
        now: Timestamp,
    ) -> Result<Vec<Proof>, Error> {
        let enrolled = self.enrolled(account, now).await?;
        let mut proofs = accepted(enrolled, session.method);
        // Somebody who has just logged in with a passkey has none for this origin yet: the password is enough to add one.
        let first =
            matches!(row.what, What::Act { act: Act::AddApprovalPasskey, .. }) && !enrolled.passkey && !enrolled.totp;
        let fresh = session.method.is_multi_factor() && now.since(session.opened_at) < FRESH_FOR;
        if first && fresh && enrolled.password && !proofs.contains(&Proof::Password) {
            proofs.insert(0, Proof::Password);
        }
        Ok(proofs)
    }

    /// The account and the session of an approval, which must be alive. Refused as [`Refusal::ApprovalOver`].
    pub(super) async fn whose_approval(&self, row: &Row, now: Timestamp) -> Result<(Account, Session), Error> {
        let session = self.store.session(row.session()).await?.ok_or(Refusal::ApprovalOver)?;
        let expired = self.settings.lifetimes.is_expired(&session, session.last_used_at, now);
        if session.family.ended.is_some() || expired {
            return Err(Refusal::ApprovalOver.into());
        }
        let account = self.store.account(session.account).await?;
        let account = account.filter(|account| account.disabled_at.is_none()).ok_or(Refusal::ApprovalOver)?;
        Ok((account, session))
    }
}
