//! Authenticator apps (RFC 6238): enrolled with a step-up and a first code, each code good once.

use super::check::Checked;
use crate::kept::{self, Kept, kept, slip};
use crate::session::Opened;
use crate::token::Seen;
use crate::{App, Error, Fault, Refusal};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use cloakroom_core::account::Account;
use cloakroom_core::approval::Act;
use cloakroom_core::event::EventKind;
use cloakroom_core::id::{AccountId, SessionId};
use cloakroom_core::letter::About;
use cloakroom_core::refresh::EndReason;
use cloakroom_core::session::{Method, Session};
use cloakroom_core::time::{Lifetime, Timestamp};
use cloakroom_factor::totp::Secret;
use cloakroom_jose::sha256;
use cloakroom_store::{Error as StoreError, Order, Slip, SlipKey, SlipKind, Unit};
use serde::{Deserialize, Serialize};

/// An authenticator app on its way. No `Debug`: it is a secret until its first code was typed, and after.
pub struct EnrollingTotp {
    /// Names this enrolment in the form that confirms it.
    pub id: String,
    /// The secret in groups of four, to be typed into an app.
    pub secret: String,
    /// The address that apps read.
    pub uri: String,
    /// The same as a picture: an `svg` element.
    pub qr: String,
}

#[derive(Serialize, Deserialize)]
pub(crate) struct Row {
    sealed: Vec<u8>,
    /// The step of the last code that was used.
    last: Option<i64>,
    pub(super) added_at: i64,
}

#[derive(Serialize, Deserialize)]
struct Enrolment {
    account: [u8; 16],
    session: [u8; 16],
    sealed: Vec<u8>,
}

const WHAT: &str = "totp";
const ENROL_FOR: Lifetime = Lifetime::from_secs(15 * 60);

impl App {
    /// Begins to enrol an app, for somebody who has just approved that.
    pub async fn begin_totp(&self, seen: &Seen, approval: &str) -> Result<EnrollingTotp, Error> {
        let (me, now) = (self.me(seen).await?, self.clock.now());
        let random: [u8; 20] = cloakroom_jose::random()?;
        let secret = Secret::new(random);
        let id: [u8; 16] = cloakroom_jose::random()?;
        let row = Enrolment {
            account: *me.account.id.as_bytes(),
            session: *me.session.id.as_bytes(),
            sealed: self.seal(WHAT, me.account.id, &random)?,
        };
        let enrolment = slip(SlipKind::Challenge, enrolment_key(&id)?, &row)?;
        let enrolment = Slip { account: Some(me.account.id), expires_at: Some(now.plus(ENROL_FOR)), ..enrolment };
        let unit = self.spend_act(Unit::new(), seen, (Act::AddTotp, None), approval, now).await?;
        self.save_after_approval(unit.order(Order::AddSlip(enrolment))).await?;
        let uri = secret.uri(&self.settings.site_name, me.account.email.as_str());
        let qr = Secret::qr_svg(&uri).map_err(|_| Fault::plain("a picture could not be drawn"))?;
        Ok(EnrollingTotp { id: URL_SAFE_NO_PAD.encode(id), secret: secret.base32(), uri, qr })
    }

    /// Shows an enrolment once more, after a code that was wrong. Refused as [`Refusal::ChallengeOver`].
    pub async fn enrolling_totp(&self, seen: &Seen, id: &str) -> Result<EnrollingTotp, Error> {
        let (me, now) = (self.me(seen).await?, self.clock.now());
        let (_, secret) = self.enrolment(&me.session, id, now).await?;
        let uri = secret.uri(&self.settings.site_name, me.account.email.as_str());
        let qr = Secret::qr_svg(&uri).map_err(|_| Fault::plain("a picture could not be drawn"))?;
        Ok(EnrollingTotp { id: id.to_owned(), secret: secret.base32(), uri, qr })
    }

    /// Enrols the app with its first code: it is asked for from now on. Answers with the session that takes the place of this
    /// one, and with recovery codes where there were none. Refused as [`Refusal::ProofWrong`].
    pub async fn finish_totp(
        &self,
        seen: &Seen,
        id: &str,
        code: &str,
    ) -> Result<(Account, Opened, Option<Vec<String>>), Error> {
        let (me, now) = (self.me(seen).await?, self.clock.now());
        let (enrolment, secret) = self.enrolment(&me.session, id, now).await?;
        let attempt = self.attempt(&[self.counted_by_session(me.session.id)], now).await?;
        let step = secret.step_of(code, now.unix_seconds(), self.settings.totp_steps_back, None);
        let last = step.ok_or(Refusal::ProofWrong)?;
        let row = Row { sealed: enrolment.value.sealed.clone(), last: Some(last), added_at: now.millis() };
        let totp = slip(SlipKind::Totp, key(me.account.id)?, &row)?;
        let unit = self
            .forgive(Unit::from(enrolment.removed()), &attempt, now)?
            .order(Order::AddSlip(Slip { account: Some(me.account.id), ..totp }));
        let (unit, codes) = self.first_recovery_codes(unit, me.account.id, now).await?;
        let unit = unit.order(Order::Record(self.event(EventKind::FactorAdded, now)?.on(&me.session)));
        let about = |place, forgot| About::FactorAdded { what: "an authenticator app".into(), place, forgot };
        let unit = self.tell_of_factor(unit, &me.account, &me.session, about, now)?;
        let opened = self.raise(unit, &me.session, Method::PasswordAndTotp, now).await?;
        Ok((me.account, opened, codes))
    }

    /// Removes the app of somebody who has just approved that.
    pub async fn remove_totp(&self, seen: &Seen, approval: &str) -> Result<(), Error> {
        let (me, now) = (self.me(seen).await?, self.clock.now());
        let row = self.totp_of(me.account.id, now).await?.ok_or(Refusal::UnknownFactor)?;
        let unit = self.spend_act(Unit::from(row.removed()), seen, (Act::RemoveTotp, None), approval, now).await?;
        let unit = self.forget_recovery_codes(unit, me.account.id, Some("totp"), now).await?;
        let unit = unit.order(Order::Record(self.event(EventKind::FactorRemoved, now)?.on(&me.session)));
        let about = |place, forgot| About::FactorRemoved { what: "the authenticator app".into(), place, forgot };
        let unit = self.tell_of_factor(unit, &me.account, &me.session, about, now)?;
        self.save_after_approval(unit).await
    }

    /// Ends a session and opens one in its place that has shown more: what was copied before does not have it (v5.0.0-7.2.4).
    pub(crate) async fn raise(
        &self,
        unit: Unit,
        session: &Session,
        method: Method,
        now: Timestamp,
    ) -> Result<Opened, Error> {
        let method = match session.method {
            // Nobody has shown a password.
            Method::Provider => Method::ProviderWithFactors,
            known if known.is_multi_factor() => known,
            _ => method,
        };
        let mut next = Session { method, ..self.succeed(session, now)? };
        let unit = self.pass_backing_on(unit, session, &mut next).await?;
        let unit = self.end(unit, session, EndReason::Revoked, now)?.order(Order::OpenSession(next.clone()));
        match self.save(unit).await {
            Ok(()) => {
                self.posted();
                self.follow_feed().await?;
                Ok(self.opened(next, now)?)
            }
            Err(StoreError::Conflict) => Err(Refusal::ChallengeOver.into()),
            Err(error) => Err(error.into()),
        }
    }

    pub(crate) async fn totp_of(&self, account: AccountId, now: Timestamp) -> Result<Option<Kept<Row>>, Fault> {
        kept::<Row>(&*self.store, SlipKind::Totp, &key(account)?, now).await
    }

    /// Judges a code. Good once: the step is written with what it is good for.
    pub(super) async fn check_totp(
        &self,
        account: AccountId,
        code: &str,
        now: Timestamp,
    ) -> Result<Option<Checked>, Fault> {
        let Some(mut row) = self.totp_of(account, now).await? else { return Ok(None) };
        let secret = Secret::new(self.unseal(WHAT, account, &row.value.sealed)?);
        let step = secret.step_of(code, now.unix_seconds(), self.settings.totp_steps_back, row.value.last);
        let Some(step) = step else { return Ok(None) };
        row.value.last = Some(step);
        Ok(Some(Checked::new(row.changed()?)))
    }

    async fn enrolment(&self, session: &Session, id: &str, now: Timestamp) -> Result<(Kept<Enrolment>, Secret), Error> {
        let mut bytes = [0; 16];
        if !matches!(URL_SAFE_NO_PAD.decode_slice(id, &mut bytes), Ok(16)) {
            return Err(Refusal::ChallengeOver.into());
        }
        let found = kept::<Enrolment>(&*self.store, SlipKind::Challenge, &enrolment_key(&bytes)?, now).await?;
        let own = found.filter(|found| SessionId::from_bytes(found.value.session) == session.id);
        let enrolment = own.ok_or(Refusal::ChallengeOver)?;
        let account = AccountId::from_bytes(enrolment.value.account);
        let secret = Secret::new(self.unseal(WHAT, account, &enrolment.value.sealed)?);
        Ok((enrolment, secret))
    }
}

fn key(account: AccountId) -> Result<SlipKey, Fault> {
    kept::key(&[account.as_bytes()])
}

fn enrolment_key(id: &[u8; 16]) -> Result<SlipKey, Fault> {
    kept::key(&[b"totp", &sha256(id)])
}
