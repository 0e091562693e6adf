//! Token exchange (RFC 8693): a server that was called with a person's token gets one for the next server, narrower, with
//! itself in the chain of who acts. It is of the person's session, and ends with it.

use super::grant::count;
use super::{Client, Granted, Wish};
use crate::kept::{key, slip};
use crate::token::{ACCESS_TYPE, OUR_CLIENT, jti};
use crate::{App, Error, Fault, Refusal};
use cloakroom_core::access::Access;
use cloakroom_core::event::EventKind;
use cloakroom_core::service::{self, ClientId, Exchange, Subject};
use cloakroom_core::session::Session;
use cloakroom_core::time::Timestamp;
use cloakroom_jose::{Actor, Expect, GrantedClaims, Refused, Verified, sha256};
use cloakroom_store::{Error as StoreError, Order, Slip, SlipKind, Unit};

/// What a client wishes to exchange. No `Debug`: it holds a secret.
pub struct ExchangeWish {
    /// `subject_token`: the token that the client was called with.
    pub subject_token: String,
    /// What is wished for.
    pub wish: Wish,
}

/// Seconds by which clocks of nodes may differ.
const LEEWAY: i64 = 5;

impl App {
    /// Exchanges a token. Refused as any of [`service::Refusal`], and as [`Refusal::RevocationsStale`].
    pub async fn exchange(&self, client: &Client, wished: &ExchangeWish) -> Result<Granted, Error> {
        let refuse = |refusal| Error::from(Refusal::Service(refusal));
        let registration = &client.registration;
        registration.may(service::Grant::TokenExchange).map_err(refuse)?;
        let audience = registration.audience.as_deref();
        let audience = audience.ok_or_else(|| refuse(service::Refusal::SubjectNotForClient))?;
        let now = self.clock.now();
        let verified = match self.verify_subject(&wished.subject_token, audience, now) {
            Err(Refused::UnknownKey) => {
                self.look_for_new_keys(now).await?;
                self.verify_subject(&wished.subject_token, audience, now)
            }
            verified => verified,
        };
        let verified = verified.map_err(|refused| {
            refuse(match refused {
                Refused::WrongAudience => service::Refusal::SubjectNotForClient,
                _ => service::Refusal::SubjectInvalid,
            })
        })?;
        let claims = verified.claims();
        if claims.sub == claims.client_id {
            return Err(refuse(service::Refusal::SubjectNotAPerson));
        }
        let invalid = || refuse(service::Refusal::SubjectInvalid);
        let access = self.access_of(claims, verified.kid()).ok_or_else(invalid)?;
        let subject = Subject {
            audience: claims.aud.clone(),
            scope: scope_of(claims).map_err(refuse)?,
            actors: claims.act.as_ref().map_or(0, Actor::depth),
            expires_at: access.expires_at,
        };
        let Wish { targets, scope } = &wished.wish;
        let access_for = self.settings.lifetimes.access_for;
        let made = Exchange::judge(registration, &subject, targets, scope.as_deref(), access_for, now);
        let made = made.map_err(refuse)?;
        let session = self.session_behind(&access, now).await?.ok_or_else(invalid)?;
        let act = Actor { sub: registration.id.to_string(), act: claims.act.clone().map(Box::new) };
        let claims = GrantedClaims {
            aud: made.audience,
            client_id: registration.id.to_string(),
            exp: made.expires_at.unix_seconds(),
            iat: now.unix_seconds(),
            jti: jti()?,
            // Also where it is empty: a token without one could be exchanged for more.
            scope: Some(made.scope.to_string()),
            act: Some(act),
            ..claims.clone()
        };
        let granted = self.mint_granted(&claims, made.scope, now)?;
        self.record_first_exchange(&registration.id, &claims.aud, &session, now).await?;
        count(service::Grant::TokenExchange);
        tracing::info!(client = %registration.id, audience = claims.aud, session = claims.sid, "a token was exchanged");
        Ok(granted)
    }

    fn verify_subject(&self, token: &str, audience: &str, now: Timestamp) -> Result<Verified<GrantedClaims>, Refused> {
        let ring = self.ring.load();
        let expect = Expect { typ: ACCESS_TYPE, issuer: &self.settings.issuer, audience, leeway: LEEWAY };
        cloakroom_jose::verify(token, ring.verifying(), &expect, now.unix_seconds())
    }

    /// Adds a line to the trail for the first exchange of a client for an audience within a session: a client that exchanges once a second would
    /// push everything else out of what somebody can read about their account.
    async fn record_first_exchange(
        &self,
        client: &ClientId,
        audience: &str,
        session: &Session,
        now: Timestamp,
    ) -> Result<(), Fault> {
        let mark = [&session.id.as_bytes()[..], client.as_str().as_bytes(), b"\n", audience.as_bytes()].concat();
        let mark = sha256(&mark);
        let mark = key(&[b"exchanged", &mark])?;
        if self.store.slip(SlipKind::Bucket, &mark).await?.is_some() {
            return Ok(());
        }
        let mark = slip(SlipKind::Bucket, mark, &())?;
        let mark = Slip { account: Some(session.account), expires_at: Some(session.absolute_until), ..mark };
        let event = self.event(EventKind::TokenExchanged, now)?.on(session);
        match self.save(Unit::from(Order::AddSlip(mark)).order(Order::Record(event))).await {
            // Another call in the same moment was the first.
            Ok(()) | Err(StoreError::Conflict) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// The session of a genuine token, if it lives, by its row and by what was revoked.
    async fn session_behind(&self, access: &Access, now: Timestamp) -> Result<Option<Session>, Error> {
        self.catch_up(now).await?;
        if !self.marks.allow(access, now) {
            return Ok(None);
        }
        let session = self.store.session(access.session).await?.filter(|session| session.account == access.account);
        let Some(mut session) = session else { return Ok(None) };
        let Some(account) = self.store.account(access.account).await? else { return Ok(None) };
        self.sightings.add_to(&mut session);
        let is_over = session.family.ended.is_some()
            || self.settings.lifetimes.is_expired(&session, session.last_used_at, now)
            || account.disabled_at.is_some()
            || account.not_before.is_some_and(|floor| session.opened_at < floor);
        Ok((!is_over).then_some(session))
    }
}

/// The scope of a genuine token, if it says one. One that a client was granted always says one: a token of a person's own
/// session alone may leave it out.
fn scope_of(claims: &GrantedClaims) -> Result<Option<service::Scope>, service::Refusal> {
    match &claims.scope {
        Some(text) => text.parse().map(Some).map_err(|_| service::Refusal::SubjectInvalid),
        None if claims.client_id == OUR_CLIENT && claims.act.is_none() => Ok(None),
        None => Err(service::Refusal::SubjectInvalid),
    }
}
