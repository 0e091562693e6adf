//! Passkeys (WebAuthn): enrolled with a step-up, told by mail, removed with a step-up.
//!
//! Where approvals have an origin of their own, its passkeys are bound to that origin: no page of the application can ask for one.
//! Passkeys for log-in are bound to the public origin.

use super::check::Checked;
use crate::kept::{self, Kept, kept, kept_of, slip};
use crate::session::Opened;
use crate::token::Seen;
use crate::{App, Error, Fault, Refusal, Settings};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use cloakroom_core::account::Account;
use cloakroom_core::approval::Act;
use cloakroom_core::event::EventKind;
use cloakroom_core::id::{AccountId, SessionId};
use cloakroom_core::letter::About;
use cloakroom_core::session::{Method, Session};
use cloakroom_core::time::{Lifetime, Timestamp};
use cloakroom_factor::passkey::{Party, Passkey};
use cloakroom_jose::sha256;
use cloakroom_store::{Order, Slip, SlipKey, SlipKind, Unit};
use serde::{Deserialize, Serialize};

/// Where a passkey works.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PasskeyScope {
    /// On the public origin: for log-in, and for approvals where they have no origin of their own.
    LogIn,
    /// On the origin of approvals alone.
    Approval,
}

/// The origins that passkeys are bound to.
pub(crate) struct Parties {
    login: Option<Party>,
    approval: Option<Party>,
    apart: bool,
}

/// A passkey on its way.
pub struct Enrolling {
    /// Names this enrolment.
    pub id: String,
    /// For `navigator.credentials.create`, as JSON.
    pub options: String,
}

#[derive(Serialize, Deserialize)]
pub(crate) struct Row {
    id: Vec<u8>,
    data: String,
    pub(super) name: String,
    pub(super) scope: PasskeyScope,
    pub(super) added_at: i64,
    pub(super) used_at: Option<i64>,
}

#[derive(Serialize, Deserialize)]
struct Enrolment {
    account: [u8; 16],
    session: [u8; 16],
    scope: PasskeyScope,
    state: String,
}

const ENROL_FOR: Lifetime = Lifetime::from_secs(10 * 60);

/// More than this nobody has at hand.
const MOST: usize = 20;

const MAX_NAME: usize = 60;

impl Parties {
    /// Of the origins of the settings. An origin that is a bare address has none: browsers bind passkeys to names.
    pub(crate) fn of(settings: &Settings) -> Self {
        let party = |origin: &str| Party::new(host_of(origin), origin, &settings.site_name).ok();
        Self {
            login: party(&settings.issuer),
            approval: settings.approval_origin.as_deref().and_then(party),
            apart: settings.approval_origin.is_some(),
        }
    }

    /// The scope of passkeys that approve.
    pub(crate) fn approving(&self) -> PasskeyScope {
        if self.apart { PasskeyScope::Approval } else { PasskeyScope::LogIn }
    }

    pub(crate) fn party(&self, scope: PasskeyScope) -> Result<&Party, Error> {
        let party = match scope {
            PasskeyScope::LogIn => self.login.as_ref(),
            PasskeyScope::Approval => self.approval.as_ref(),
        };
        party.ok_or_else(|| Refusal::ProofNotAccepted.into())
    }
}

fn host_of(origin: &str) -> &str {
    let rest = origin.split_once("://").map_or(origin, |(_, rest)| rest);
    rest.rsplit_once(':').filter(|(_, port)| port.bytes().all(|b| b.is_ascii_digit())).map_or(rest, |(host, _)| host)
}

impl App {
    /// Begins to enrol a passkey for log-in, for somebody who has just approved that.
    pub async fn begin_passkey(&self, seen: &Seen, approval: &str) -> Result<Enrolling, Error> {
        let (me, now) = (self.me(seen).await?, self.clock.now());
        let unit = self.spend_act(Unit::new(), seen, (Act::AddPasskey, None), approval, now).await?;
        let (unit, enrolling) = self.enrol_passkey(unit, &me.account, &me.session, PasskeyScope::LogIn, now).await?;
        self.save_after_approval(unit).await?;
        Ok(enrolling)
    }

    /// Begins to enrol a passkey for approvals on their own origin, for the page that has just approved it: `page` is what
    /// [`Self::approve`] answered.
    pub async fn begin_approval_passkey(&self, approval: &str, page: &str) -> Result<Enrolling, Error> {
        let now = self.clock.now();
        let (unit, account, session) =
            self.spend_act_there(Unit::new(), Act::AddApprovalPasskey, approval, page, now).await?;
        let (unit, enrolling) = self.enrol_passkey(unit, &account, &session, PasskeyScope::Approval, now).await?;
        self.save_after_approval(unit).await?;
        Ok(enrolling)
    }

    async fn enrol_passkey(
        &self,
        unit: Unit,
        account: &Account,
        session: &Session,
        scope: PasskeyScope,
        now: Timestamp,
    ) -> Result<(Unit, Enrolling), Error> {
        let existing = self.passkeys_of(account.id, scope, now).await?;
        if existing.len() >= MOST {
            return Err(Refusal::ProofNotAccepted.into());
        }
        let existing: Vec<_> = existing.iter().map(|row| row.value.passkey()).collect();
        let begun = self
            .parties
            .party(scope)?
            .begin_registration(*account.id.as_bytes(), account.email.as_str(), &existing)
            .map_err(|error| Fault::new("a passkey could not be asked for", error))?;
        let id: [u8; 16] = cloakroom_jose::random()?;
        let row =
            Enrolment { account: *account.id.as_bytes(), session: *session.id.as_bytes(), scope, state: begun.state };
        let enrolment = slip(SlipKind::Challenge, enrolment_key(&id)?, &row)?;
        let enrolment = Slip { account: Some(account.id), expires_at: Some(now.plus(ENROL_FOR)), ..enrolment };
        let enrolling = Enrolling { id: URL_SAFE_NO_PAD.encode(id), options: begun.options };
        Ok((unit.order(Order::AddSlip(enrolment)), enrolling))
    }

    /// Enrols a passkey for log-in. Answers with the session that takes the place of this one, and with recovery codes where
    /// there were none. Refused as [`Refusal::PasskeyRefused`].
    pub async fn finish_passkey(
        &self,
        seen: &Seen,
        id: &str,
        response: &str,
        name: &str,
    ) -> Result<(Account, Opened, Option<Vec<String>>), Error> {
        let (me, now) = (self.me(seen).await?, self.clock.now());
        let enrolment = self.passkey_enrolment(id, PasskeyScope::LogIn, now).await?;
        if SessionId::from_bytes(enrolment.value.session) != me.session.id {
            return Err(Refusal::ChallengeOver.into());
        }
        let unit = self.keep_passkey(&enrolment, &me.account, &me.session, response, name, now)?;
        let (unit, codes) = self.first_recovery_codes(unit, me.account.id, now).await?;
        let opened = self.raise(unit, &me.session, Method::PasswordAndPasskey, now).await?;
        Ok((me.account, opened, codes))
    }

    /// Enrols a passkey for approvals on their own origin. Answers with recovery codes where there were none. Refused as [`Refusal::PasskeyRefused`].
    pub async fn finish_approval_passkey(
        &self,
        id: &str,
        response: &str,
        name: &str,
    ) -> Result<Option<Vec<String>>, Error> {
        let now = self.clock.now();
        let enrolment = self.passkey_enrolment(id, PasskeyScope::Approval, now).await?;
        let session = self.store.session(SessionId::from_bytes(enrolment.value.session)).await?;
        let session = session.filter(|session| session.family.ended.is_none()).ok_or(Refusal::ChallengeOver)?;
        let account = self.store.account(session.account).await?.ok_or(Refusal::ChallengeOver)?;
        let unit = self.keep_passkey(&enrolment, &account, &session, response, name, now)?;
        let (unit, codes) = self.first_recovery_codes(unit, account.id, now).await?;
        self.save_after_approval(unit).await?;
        Ok(codes)
    }

    fn keep_passkey(
        &self,
        enrolment: &Kept<Enrolment>,
        account: &Account,
        session: &Session,
        response: &str,
        name: &str,
        now: Timestamp,
    ) -> Result<Unit, Error> {
        let scope = enrolment.value.scope;
        let made = self.parties.party(scope)?.finish_registration(response, &enrolment.value.state);
        let made = made.map_err(|refused| {
            tracing::info!(%refused, "a passkey was not enrolled");
            Refusal::PasskeyRefused
        })?;
        let name: String = name.chars().filter(|c| !c.is_control()).take(MAX_NAME).collect();
        let name = if name.trim().is_empty() { "Passkey".to_owned() } else { name.trim().to_owned() };
        let about = {
            let what = match scope {
                PasskeyScope::LogIn => format!("a passkey named \u{201c}{name}\u{201d}"),
                PasskeyScope::Approval => format!("a passkey for approvals named \u{201c}{name}\u{201d}"),
            };
            move |place, forgot| About::FactorAdded { what, place, forgot }
        };
        let row = Row { id: made.id, data: made.data, name, scope, added_at: now.millis(), used_at: None };
        let passkey = slip(SlipKind::Passkey, key(&row.id)?, &row)?;
        let unit = Unit::from(enrolment.removed())
            .order(Order::AddSlip(Slip { account: Some(account.id), ..passkey }))
            .order(Order::Record(self.event(EventKind::FactorAdded, now)?.on(session)));
        Ok(self.tell_of_factor(unit, account, session, about, now)?)
    }

    /// Removes a passkey of somebody who has just approved that; `passkey` is as [`Self::factors`] lists it.
    pub async fn remove_passkey(&self, seen: &Seen, approval: &str, passkey: &str) -> Result<(), Error> {
        let (me, now) = (self.me(seen).await?, self.clock.now());
        let rows = self.every_passkey_of(me.account.id, now).await?;
        let row = rows.into_iter().find(|row| row.name() == passkey).ok_or(Refusal::UnknownFactor)?;
        let unit =
            self.spend_act(Unit::from(row.removed()), seen, (Act::RemovePasskey, Some(passkey)), approval, now).await?;
        let unit = self.forget_recovery_codes(unit, me.account.id, None, now).await?;
        let unit = unit.order(Order::Record(self.event(EventKind::FactorRemoved, now)?.on(&me.session)));
        let what = format!("the passkey named \u{201c}{}\u{201d}", row.value.name);
        let about = move |place, forgot| About::FactorRemoved { what, place, forgot };
        let unit = self.tell_of_factor(unit, &me.account, &me.session, about, now)?;
        self.save_after_approval(unit).await
    }

    async fn passkey_enrolment(&self, id: &str, scope: PasskeyScope, now: Timestamp) -> Result<Kept<Enrolment>, Error> {
        let mut bytes = [0; 16];
        if !matches!(URL_SAFE_NO_PAD.decode_slice(id, &mut bytes), Ok(16)) {
            return Err(Refusal::ChallengeOver.into());
        }
        let found = kept::<Enrolment>(&*self.store, SlipKind::Challenge, &enrolment_key(&bytes)?, now).await?;
        Ok(found.filter(|found| found.value.scope == scope).ok_or(Refusal::ChallengeOver)?)
    }

    pub(super) async fn every_passkey_of(&self, account: AccountId, now: Timestamp) -> Result<Vec<Kept<Row>>, Fault> {
        kept_of(&*self.store, account, SlipKind::Passkey, now).await
    }

    pub(crate) async fn passkeys_of(
        &self,
        account: AccountId,
        scope: PasskeyScope,
        now: Timestamp,
    ) -> Result<Vec<Kept<Row>>, Fault> {
        let rows = self.every_passkey_of(account, now).await?;
        Ok(rows.into_iter().filter(|row| row.value.scope == scope).collect())
    }

    /// What a page asks a passkey of an account for, over a challenge that is made of what it is good for.
    pub(crate) async fn ask_passkey(
        &self,
        account: AccountId,
        challenge: [u8; 32],
        scope: PasskeyScope,
        now: Timestamp,
    ) -> Result<Option<String>, Fault> {
        let rows = self.passkeys_of(account, scope, now).await?;
        let (Ok(party), false) = (self.parties.party(scope), rows.is_empty()) else { return Ok(None) };
        let passkeys: Vec<_> = rows.iter().map(|row| row.value.passkey()).collect();
        let begun = party
            .begin(&passkeys, Some(challenge))
            .map_err(|error| Fault::new("a passkey could not be asked for", error))?;
        Ok(Some(begun.options))
    }

    pub(super) async fn check_passkey(
        &self,
        account: AccountId,
        response: &str,
        challenge: [u8; 32],
        scope: PasskeyScope,
        now: Timestamp,
    ) -> Result<Option<Checked>, Error> {
        let rows = self.passkeys_of(account, scope, now).await?;
        let passkeys: Vec<_> = rows.iter().map(|row| row.value.passkey()).collect();
        if passkeys.is_empty() {
            return Ok(None);
        }
        let party = self.parties.party(scope)?;
        // The challenge is all that the state of a ceremony is about: made again, it is the same.
        let begun = party
            .begin(&passkeys, Some(challenge))
            .map_err(|error| Fault::new("a passkey could not be asked for", error))?;
        match party.finish(response, &begun.state, &passkeys) {
            Ok(used) => Ok(Some(note_use(rows, &used, now)?)),
            Err(refused) => {
                tracing::info!(%refused, "a passkey was not accepted");
                Ok(None)
            }
        }
    }
}

/// What has to be written of a passkey that was used.
pub(crate) fn note_use(
    rows: Vec<Kept<Row>>,
    used: &cloakroom_factor::passkey::Used,
    now: Timestamp,
) -> Result<Checked, Fault> {
    let Some(mut row) = rows.into_iter().find(|row| row.value.id == used.id) else {
        return Ok(Checked::nothing_to_write());
    };
    if let Some(changed) = &used.changed {
        row.value.data.clone_from(&changed.data);
    }
    row.value.used_at = Some(now.millis());
    Ok(Checked::new(row.changed()?))
}

impl Row {
    pub(crate) fn passkey(&self) -> Passkey {
        Passkey { id: self.id.clone(), data: self.data.clone() }
    }
}

impl Kept<Row> {
    /// Its name in requests.
    pub(super) fn name(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.slip.key.as_bytes())
    }
}

pub(super) fn key(id: &[u8]) -> Result<SlipKey, Fault> {
    kept::key(&[&sha256(id)])
}

fn enrolment_key(id: &[u8; 16]) -> Result<SlipKey, Fault> {
    kept::key(&[b"passkey", &sha256(id)])
}
