//! Approving: the proof itself, judged against what the account has and how its session was opened.

use super::row::{GOOD_FOR, Row, State, TRIES, What};
use crate::attempts::Attempt;
use crate::factor::{Checked, ShownFactor};
use crate::kept::Kept;
use crate::{App, Error, Fault, Refusal};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use cloakroom_core::account::Account;
use cloakroom_core::approval::{Act, Proof};
use cloakroom_core::event::EventKind;
use cloakroom_core::id::KeyId;
use cloakroom_core::keyring::Purpose;
use cloakroom_core::letter::{About, Letter};
use cloakroom_core::session::Session;
use cloakroom_core::time::Timestamp;
use cloakroom_password::Comparison;
use cloakroom_store::{Error as StoreError, Order, Slip, Unit};

use super::row::OPEN_FOR;
use crate::mail::in_words;

/// A proof as it is shown. No `Debug`: most are secrets.
pub enum ShownProof {
    /// The password, as typed.
    Password(String),
    /// A code of an app.
    Totp(String),
    /// A recovery code.
    Recovery(String),
    /// A code that was mailed for this approval.
    MailedCode(String),
    /// What an authenticator answered, as JSON.
    Passkey(String),
}

impl ShownProof {
    fn kind(&self) -> Proof {
        match self {
            Self::Password(_) => Proof::Password,
            Self::Totp(_) => Proof::Totp,
            Self::Recovery(_) => Proof::Recovery,
            Self::MailedCode(_) => Proof::MailedCode,
            Self::Passkey(_) => Proof::Passkey,
        }
    }
}

impl App {
    /// Approves. Refused as [`Refusal::ProofWrong`], [`Refusal::ProofNotAccepted`], [`Refusal::TooManyAttempts`], or
    /// [`Refusal::ApprovalOver`], which it is after five wrong proofs.
    ///
    /// Answers with a secret where the page that approved goes on by itself: it alone can, whoever else knows the approval.
    pub async fn approve(&self, id: &str, proof: ShownProof) -> Result<Option<String>, Error> {
        let now = self.clock.now();
        let (bytes, mut row) = self.approval(id, now).await?;
        if row.value.state != State::Waiting {
            return Err(Refusal::ApprovalOver.into());
        }
        let (account, session) = self.whose_approval(&row.value, now).await?;
        if !self.proofs_for(&row.value, &account, &session, now).await?.contains(&proof.kind()) {
            return Err(Refusal::ProofNotAccepted.into());
        }
        let attempt = self.attempt(&[self.counted_by_session(session.id)], now).await?;
        let checked = match self.check_proof(&bytes, &row.value, &account, proof, now).await {
            Err(Error::Refused(Refusal::ProofWrong)) => return self.wrong(row, &session, now).await.map(|()| None),
            checked => checked?,
        };
        let page = match &row.value.what {
            What::Act { act: Act::AddApprovalPasskey, .. } => Some(cloakroom_jose::random::<32>()?),
            What::Act { .. } | What::Call { .. } => None,
        };
        row.value.page = page.map(|secret| cloakroom_jose::sha256(&secret));
        row.value.state = State::Approved;
        row.slip.expires_at = Some(now.plus(GOOD_FOR));
        let left = checked.left;
        let mut unit = self
            .forgive(checked.spend(Unit::from(row.changed()?)), &attempt, now)?
            .order(Order::Record(self.event(EventKind::ApprovalGiven, now)?.on(&session)));
        if let Some(left) = left {
            unit = unit.order(Order::Record(self.event(EventKind::RecoveryUsed, now)?.on(&session)));
            let about = |place, forgot| About::RecoveryCodeUsed { left, place, forgot };
            unit = self.tell_of_factor(unit, &account, &session, about, now)?;
        }
        self.save_after_approval(unit).await?;
        Ok(page.map(|secret| URL_SAFE_NO_PAD.encode(secret)))
    }

    async fn check_proof(
        &self,
        id: &[u8; 16],
        row: &Row,
        account: &Account,
        proof: ShownProof,
        now: Timestamp,
    ) -> Result<Checked, Error> {
        match proof {
            ShownProof::Password(typed) => {
                let password = cloakroom_password::Attempt::new(typed).ok_or(Refusal::ProofWrong)?;
                match self.passwords.compare(password, Some(account.password.clone())).await? {
                    Comparison::Same { .. } => Ok(Checked::nothing_to_write()),
                    Comparison::Different => Err(Refusal::ProofWrong.into()),
                }
            }
            ShownProof::Totp(code) => self.check_factor(account.id, ShownFactor::Totp(&code), now).await,
            ShownProof::Recovery(code) => self.check_factor(account.id, ShownFactor::Recovery(&code), now).await,
            ShownProof::Passkey(response) => {
                let challenge = row.challenge(id).ok_or(Refusal::ProofWrong)?;
                let scope = self.parties.approving();
                self.check_factor(account.id, ShownFactor::Passkey { response: &response, challenge, scope }, now).await
            }
            ShownProof::MailedCode(code) => {
                let good = row.mailed.is_some_and(|(key, mac)| self.is_mailed_code(id, key, &mac, &code));
                if good { Ok(Checked::nothing_to_write()) } else { Err(Refusal::ProofWrong.into()) }
            }
        }
    }

    /// Counts a wrong proof. Somebody else's at the same instant counts as well, and this one is told to be wrong all the same.
    pub(super) async fn wrong(&self, mut row: Kept<Row>, session: &Session, now: Timestamp) -> Result<(), Error> {
        row.value.tries = row.value.tries.saturating_add(1);
        if row.value.tries >= TRIES {
            row.value.state = State::Declined;
        }
        let over = row.value.state == State::Declined;
        let event = self.event(EventKind::ApprovalFailed, now)?.on(session);
        match self.save(Unit::from(row.changed()?).order(Order::Record(event))).await {
            Ok(()) | Err(StoreError::Conflict) if over => Err(Refusal::ApprovalOver.into()),
            Ok(()) | Err(StoreError::Conflict) => Err(Refusal::ProofWrong.into()),
            Err(error) => Err(error.into()),
        }
    }

    /// Says no to an approval: nothing can be done with it any more, nor with one that was approved in another window and not
    /// collected yet. Refused as [`Refusal::ApprovalOver`] where it is too late.
    pub async fn decline(&self, id: &str) -> Result<(), Error> {
        let now = self.clock.now();
        let (_, mut row) = self.approval(id, now).await?;
        if row.value.state != State::Declined {
            row.value.state = State::Declined;
            self.save_after_approval(Unit::from(row.changed()?)).await?;
        }
        Ok(())
    }

    /// Mails a code for an approval, in the place of the one before. Refused as [`Refusal::ProofNotAccepted`] where no mailed
    /// code is good.
    pub async fn mail_approval_code(&self, id: &str) -> Result<(), Error> {
        let now = self.clock.now();
        let (bytes, mut row) = self.approval(id, now).await?;
        if row.value.state != State::Waiting {
            return Err(Refusal::ApprovalOver.into());
        }
        let (account, session) = self.whose_approval(&row.value, now).await?;
        if !self.proofs_for(&row.value, &account, &session, now).await?.contains(&Proof::MailedCode) {
            return Err(Refusal::ProofNotAccepted.into());
        }
        let _: Attempt = self.attempt(&[self.counted_by_code(account.id)], now).await?;
        let code = eight_digits()?;
        let (key, mac) = {
            let ring = self.ring.load();
            let (key, mac) = ring.mac_now(Purpose::Form, now)?;
            (*key.as_bytes(), mac.mac(&mailed(&bytes, &code)))
        };
        let what = match &row.value.what {
            What::Call { method, path, .. } => format!("{method} {}", path.split('?').next().unwrap_or_default()),
            What::Act { act, .. } => match row.value.shown.first() {
                Some((_, value)) => format!("{}: {value}", act.words()),
                None => act.words().to_owned(),
            },
        };
        let good_for = in_words(OPEN_FOR);
        let letter =
            Letter { to: account.email.as_str().to_owned(), about: About::ApprovalCode { code, what, good_for } };
        row.value.mailed = Some((key, mac));
        row.slip = Slip { expires_at: Some(now.plus(OPEN_FOR)), ..row.slip };
        let unit = self.post(Unit::from(row.changed()?), Some(&letter), now)?;
        self.save_after_approval(unit).await
    }

    fn is_mailed_code(&self, id: &[u8; 16], key: [u8; 16], mac: &[u8; 32], code: &str) -> bool {
        let digits: String = code.chars().filter(|c| !c.is_whitespace() && *c != '-').take(9).collect();
        let ring = self.ring.load();
        ring.mac(KeyId::from_bytes(key), Purpose::Form).is_some_and(|key| key.verify(&mailed(id, &digits), mac))
    }
}

/// What a mailed code is a MAC of: of this approval alone (v5.0.0-6.6.2).
fn mailed(id: &[u8; 16], code: &str) -> Vec<u8> {
    [b"cloakroom mailed code v1", &id[..], code.as_bytes()].concat()
}

/// 26 bits; five tries end the approval.
fn eight_digits() -> Result<String, Fault> {
    // 64 random bits: the bias of the remainder is below one in 10^11.
    let number = u64::from_be_bytes(cloakroom_jose::random()?) % 100_000_000;
    Ok(format!("{number:08}"))
}
