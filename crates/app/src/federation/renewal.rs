//! Brings the access token of a provider for a session: from the store, or from the provider after a claim.

use super::bearer::Bearer;
use crate::backing::{Backed, Tokens};
use crate::kept::Kept;
use crate::provider::Provider;
use crate::{App, Error, Refusal};
use cloakroom_core::custody::{self, Claim, Custody, Verdict};
use cloakroom_core::id::SessionId;
use cloakroom_core::refresh::EndReason;
use cloakroom_oidc::{Earlier, Error as Oidc, Identity, Refreshed};
use cloakroom_store::{Error as StoreError, Order, SlipKind, Unit};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout};

/// So long the provider may take, with its documents: less than [`custody::LEASE`], so that nobody else begins meanwhile.
const ASK_FOR: Duration = Duration::from_secs(40);

/// How often whoever waits for another node looks: at first, and at last.
const FIRST_LOOK: Duration = Duration::from_millis(50);
const LAST_LOOK: Duration = Duration::from_millis(500);

/// How long they look.
const LOOK_FOR: Duration = Duration::from_mins(1);

/// How often what a provider has given is written before it is given up.
const WRITES: u32 = 7;

impl App {
    /// Brings a good token of a session. Refused as [`Self::provider_bearer`].
    pub(super) async fn bring(self: &Arc<Self>, session: SessionId) -> Result<Bearer, Error> {
        let (mut pause, deadline) = (FIRST_LOOK, Instant::now() + LOOK_FOR);
        loop {
            let now = self.clock.now();
            let Some(kept) = self.backed(session, now).await? else {
                let found = self.store.session(session).await?;
                let lives = found.is_some_and(|session| session.family.ended.is_none());
                return Err(if lives { Refusal::ProviderTokenNeeded } else { Refusal::SignedOut }.into());
            };
            let provider = self.provider(&kept.value.provider).ok().filter(|provider| {
                provider.keeps_tokens && kept.value.issuer.as_deref() == Some(provider.party.issuer())
            });
            let (Some(provider), Some(custody)) = (provider, kept.value.custody) else {
                return Err(Refusal::ProviderTokenNeeded.into());
            };
            let renewal = Renewal { app: self, provider, session, custody };
            match custody::judge(&custody, now) {
                Verdict::Use => return renewal.bearer(&self.open_tokens(session, &kept.value)?, custody),
                Verdict::Renew(_) if self.bearers.rests(provider.party.id(), now) => {
                    if !custody.is_alive(now) {
                        return Err(Refusal::ProviderUnreachable.into());
                    }
                    // Looked for again when the rest is over.
                    let custody = Custody { claim: Some(Claim::failed(now)), ..custody };
                    return renewal.bearer(&self.open_tokens(session, &kept.value)?, custody);
                }
                Verdict::Renew(claim) => {
                    if let Some(bearer) = renewal.carry_out(kept, claim).await? {
                        return Ok(bearer);
                    }
                }
                Verdict::Await if Instant::now() < deadline => {
                    sleep(pause).await;
                    pause = (pause * 2).min(LAST_LOOK);
                }
                Verdict::Await | Verdict::Away => return Err(Refusal::ProviderUnreachable.into()),
                Verdict::Over => return Err(Refusal::ProviderTokenNeeded.into()),
            }
        }
    }
}

/// One try to renew.
struct Renewal<'a> {
    app: &'a Arc<App>,
    provider: &'a Arc<Provider>,
    session: SessionId,
    /// From before the claim.
    custody: Custody,
}

impl Renewal<'_> {
    fn bearer(&self, tokens: &Tokens, custody: Custody) -> Result<Bearer, Error> {
        let token = tokens.access_token.as_deref().ok_or(Refusal::ProviderTokenNeeded)?;
        if token.bytes().any(|byte| !byte.is_ascii_graphic()) {
            tracing::warn!(provider = self.provider.party.id(), "an access token is none that a request can carry");
            return Err(Refusal::ProviderRefused.into());
        }
        Ok(Bearer {
            provider: self.provider.party.id().into(),
            authorization: format!("Bearer {token}").into(),
            custody,
        })
    }

    /// `None` when another one was faster: what is there then is judged anew.
    async fn carry_out(&self, mut kept: Kept<Backed>, claim: Claim) -> Result<Option<Bearer>, Error> {
        let app = self.app;
        let tokens = app.open_tokens(self.session, &kept.value)?;
        kept.value.custody = Some(Custody { claim: Some(claim), ..self.custody });
        match app.save(kept.change()?.into()).await {
            Ok(()) => {}
            Err(StoreError::Conflict) => return Ok(None),
            Err(error) => return Err(error.into()),
        }
        let now = app.clock.now();
        let Some(refresh_token) = tokens.refresh_token.clone() else { return Err(Refusal::ProviderTokenNeeded.into()) };
        let sub = kept.value.sub.clone();
        let earlier = Earlier { sub: &sub, nonce: tokens.nonce.as_deref() };
        let asked = timeout(ASK_FOR, self.provider.party.refresh(&refresh_token, &earlier, now.unix_seconds())).await;
        let now = app.clock.now();
        let id = self.provider.party.id();
        match asked.unwrap_or(Err(Oidc::Outage)) {
            Ok(Refreshed { tokens: given, identity }) => {
                app.bearers.note(id, false, now);
                match identity {
                    Ok(identity) => self.keep(kept, tokens, given, identity).await.map(Some),
                    // That its keys could not be had says nothing of the token, which came from itself, over TLS.
                    Err(Oidc::Outage) => self.keep(kept, tokens, given, None).await.map(Some),
                    Err(Oidc::SubChanged) => self.over_there(&kept).await,
                    Err(error) => {
                        let mut tokens = tokens;
                        tokens.follow(given.refresh_token);
                        self.failed(kept, &tokens, error).await.map(Some)
                    }
                }
            }
            Err(Oidc::InvalidGrant) => {
                app.bearers.note(id, false, now);
                self.over_there(&kept).await
            }
            Err(error) => {
                app.bearers.note(id, true, now);
                self.failed(kept, &tokens, error).await.map(Some)
            }
        }
    }

    /// The new tokens are stored before anything else is done with them (RFC 9700 §4.14.2), with the roles that came along.
    async fn keep(
        &self,
        mut kept: Kept<Backed>,
        mut tokens: Tokens,
        given: cloakroom_oidc::Tokens,
        identity: Option<Identity>,
    ) -> Result<Bearer, Error> {
        let custody = tokens.renew(given, self.app.clock.now());
        kept.value.custody = Some(custody);
        self.write(kept, &tokens, identity.as_ref()).await?;
        count("renewed");
        self.bearer(&tokens, custody)
    }

    /// Writes what was given over whatever is there: it is newer. Where nothing is there any longer, the session has ended, and the
    /// provider gets it back.
    async fn write(&self, mut kept: Kept<Backed>, tokens: &Tokens, identity: Option<&Identity>) -> Result<(), Error> {
        let (app, mut pause) = (self.app, FIRST_LOOK);
        app.seal_into(&mut kept.value, self.session, tokens)?;
        let roles = identity.map(|identity| self.provider.roles_of(identity));
        let mut tries = 0;
        loop {
            let mut unit = Unit::from(kept.changed()?);
            if let Some(roles) = &roles {
                unit = unit.order(Order::SetRoles { session: self.session, next: roles.clone() });
            }
            tries += 1;
            match app.save(unit).await {
                Ok(()) => return Ok(()),
                Err(StoreError::Conflict) => {
                    let Some(there) = app.backed(self.session, app.clock.now()).await? else {
                        app.give_back_to(self.provider, tokens);
                        return Err(Refusal::SignedOut.into());
                    };
                    kept.slip = there.slip;
                }
                Err(error @ StoreError::Unavailable(_)) if tries < WRITES => {
                    tracing::warn!(%error, "new tokens of a provider could not be stored; it is tried again");
                    sleep(pause).await;
                    pause *= 2;
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Its session there is over, for instance because the account was disabled: so is ours. `None` when somebody has written other
    /// tokens meanwhile.
    async fn over_there(&self, kept: &Kept<Backed>) -> Result<Option<Bearer>, Error> {
        let (app, now) = (self.app, self.app.clock.now());
        let session = app.store.session(self.session).await?.filter(|session| session.family.ended.is_none());
        let Some(session) = session else { return Err(Refusal::SignedOut.into()) };
        let expected = Some(kept.slip.version);
        let key = kept.slip.key.clone();
        let unit = Unit::from(Order::ExpectSlip { kind: SlipKind::ProviderSession, key, expected });
        match app.save(app.end(unit, &session, EndReason::LoggedOutThere, now)?).await {
            Ok(()) => {}
            Err(StoreError::Conflict) => return Ok(None),
            Err(error) => return Err(error.into()),
        }
        count("ended");
        tracing::info!(provider = self.provider.party.id(), session = %session.id, "a provider has ended a session");
        app.follow_feed().await?;
        Err(Refusal::SignedOut.into())
    }

    /// The old token is used as long as it lives; for a while nobody asks again.
    async fn failed(&self, mut kept: Kept<Backed>, tokens: &Tokens, error: Oidc) -> Result<Bearer, Error> {
        count("failed");
        tracing::warn!(provider = self.provider.party.id(), %error, "a provider's token could not be renewed");
        let now = self.app.clock.now();
        let custody = Custody { claim: Some(Claim::failed(now)), ..self.custody };
        kept.value.custody = Some(custody);
        self.write(kept, tokens, None).await?;
        if custody.is_alive(now) {
            return self.bearer(tokens, custody);
        }
        Err(if error == Oidc::Outage { Refusal::ProviderUnreachable } else { Refusal::ProviderRefused }.into())
    }
}

fn count(outcome: &'static str) {
    metrics::counter!("cloakroom_provider_refreshes_total", "outcome" => outcome).increment(1);
}
