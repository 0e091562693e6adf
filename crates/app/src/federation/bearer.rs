//! The provider's own access token, for an application that wants that one: kept here, renewed on the user's behalf, by one node
//! at a time (`cloakroom_core::custody` decides which).

use super::refusal;
use crate::backing::{Backed, Tokens};
use crate::kept::Kept;
use crate::provider::Provider;
use crate::token::Seen;
use crate::{App, Error, Fault, Refusal};
use cloakroom_core::custody::{self, Claim, Custody, Verdict};
use cloakroom_core::id::SessionId;
use cloakroom_core::refresh::EndReason;
use cloakroom_core::session::Roles;
use cloakroom_core::time::Timestamp;
use cloakroom_oidc::{Earlier, Error as Oidc, Refreshed};
use cloakroom_store::{Error as StoreError, Order, Unit};
use std::sync::Arc;
use std::time::Duration;

/// How often whoever waits looks whether another one has renewed a token.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// So many looks are worth waiting for: ten seconds.
const LOOKS: usize = 200;

/// Tokens that were opened, by their session: most calls read no store and open nothing.
pub(crate) struct Bearers(quick_cache::sync::Cache<SessionId, Bearer>);

#[derive(Clone)]
struct Bearer {
    provider: Arc<str>,
    authorization: Arc<str>,
    custody: Custody,
}

impl Bearers {
    pub(crate) fn new(capacity: usize) -> Self {
        Self(quick_cache::sync::Cache::new(capacity))
    }
}

/// What one look has come to.
enum Step {
    Good(Arc<str>),
    LookAgain { wait: bool },
}

impl App {
    /// The `Authorization` with the access token of this provider (RFC 6750 §2.1), for an application that gets it in the name of
    /// whoever is logged in. A token that is about to end is renewed first; of all calls on all nodes one asks the provider.
    ///
    /// Refused as [`Refusal::ProviderTokenNeeded`] when the session was not opened there, or the token is over and there was no
    /// refresh token; as [`Refusal::SignedOut`] when the provider has ended its session, which ends ours; as
    /// [`Refusal::ProviderUnreachable`] or [`Refusal::ProviderRefused`] when there is no good token and none to be had now.
    pub async fn provider_bearer(self: &Arc<Self>, seen: &Seen, provider: &str) -> Result<Arc<str>, Error> {
        let session = seen.access().session;
        if let Some(known) = self.bearers.0.get(&session)
            && known.custody.is_fresh(self.clock.now())
            && *known.provider == *provider
        {
            return Ok(known.authorization);
        }
        for _ in 0..LOOKS {
            match self.look_for_bearer(session, provider).await? {
                Step::Good(authorization) => return Ok(authorization),
                Step::LookAgain { wait: true } => tokio::time::sleep(LOOK_EVERY).await,
                Step::LookAgain { wait: false } => {}
            }
        }
        Err(Refusal::ProviderUnreachable.into())
    }

    async fn look_for_bearer(self: &Arc<Self>, session: SessionId, provider: &str) -> Result<Step, Error> {
        let now = self.clock.now();
        let provider = self.provider(provider)?;
        let kept = self.backed(session, now).await?.filter(|kept| kept.value.provider == provider.party.id());
        let Some(kept) = kept else { return Err(Refusal::ProviderTokenNeeded.into()) };
        // A session from before tokens were kept.
        let Some(custody) = kept.value.custody else { return Err(Refusal::ProviderTokenNeeded.into()) };
        match custody::judge(&custody, now) {
            Verdict::Use => {
                let tokens = self.open_tokens(session, &kept.value)?;
                self.bearer_of(session, provider, &tokens, custody).map(Step::Good)
            }
            Verdict::Renew(claim) => self.claim_renewal(session, provider, kept, custody, claim).await,
            Verdict::Await => Ok(Step::LookAgain { wait: true }),
            Verdict::Away => Err(Refusal::ProviderUnreachable.into()),
            Verdict::Over => Err(Refusal::ProviderTokenNeeded.into()),
        }
    }

    fn bearer_of(
        &self,
        session: SessionId,
        provider: &Provider,
        tokens: &Tokens,
        custody: Custody,
    ) -> Result<Arc<str>, Error> {
        let token = tokens.access_token.as_deref().ok_or(Refusal::ProviderTokenNeeded)?;
        let authorization: Arc<str> = format!("Bearer {token}").into();
        let bearer =
            Bearer { provider: provider.party.id().into(), authorization: Arc::clone(&authorization), custody };
        self.bearers.0.insert(session, bearer);
        Ok(authorization)
    }

    async fn claim_renewal(
        self: &Arc<Self>,
        session: SessionId,
        provider: &Arc<Provider>,
        mut kept: Kept<Backed>,
        custody: Custody,
        claim: Claim,
    ) -> Result<Step, Error> {
        let tokens = self.open_tokens(session, &kept.value)?;
        kept.value.custody = Some(Custody { claim: Some(claim), ..custody });
        match self.save(kept.change()?.into()).await {
            Ok(()) => {}
            // Another one was faster: what it has written is judged.
            Err(StoreError::Conflict) => return Ok(Step::LookAgain { wait: false }),
            Err(error) => return Err(error.into()),
        }
        // Goes on when whoever asked has gone: the refresh token may be used up, and its successor must be kept.
        let renewal = Renewal { app: Arc::clone(self), provider: Arc::clone(provider), session, kept, tokens, custody };
        let done = self.errands.spawn(renewal.carry_out()).await;
        done.map_err(|error| Fault::new("the renewal of a provider's token broke off", error))?.map(Step::Good)
    }

    /// What stands behind a session once nobody renews its tokens any longer.
    pub(crate) async fn settled(&self, session: SessionId) -> Result<Option<Kept<Backed>>, Fault> {
        let mut found = None;
        for _ in 0..LOOKS {
            let now = self.clock.now();
            found = self.backed(session, now).await?;
            let custody = found.as_ref().and_then(|kept| kept.value.custody);
            let claim = custody.and_then(|custody| custody.claim);
            if claim.is_none_or(|claim| claim.failed || now >= claim.until) {
                break;
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        Ok(found)
    }
}

/// A claimed renewal.
struct Renewal {
    app: Arc<App>,
    provider: Arc<Provider>,
    session: SessionId,
    kept: Kept<Backed>,
    tokens: Tokens,
    /// From before the claim.
    custody: Custody,
}

impl Renewal {
    async fn carry_out(self) -> Result<Arc<str>, Error> {
        let now = self.app.clock.now();
        let refresh_token = self.tokens.refresh_token.clone().ok_or(Refusal::ProviderTokenNeeded)?;
        let sub = self.kept.value.sub.clone();
        let earlier = Earlier { sub: &sub, nonce: self.tokens.nonce.as_deref() };
        match self.provider.party.refresh(&refresh_token, &earlier, now.unix_seconds()).await {
            Ok(refreshed) => self.keep(refreshed).await,
            Err(Oidc::InvalidGrant) => self.over_there().await,
            Err(error) => self.failed(&error).await,
        }
    }

    /// The new tokens are stored before anything else is done with them (RFC 9700 §4.14.2).
    async fn keep(self, refreshed: Refreshed) -> Result<Arc<str>, Error> {
        let Self { app, provider, session, mut kept, mut tokens, .. } = self;
        let custody = tokens.renew(refreshed.tokens, app.clock.now());
        let sealed = app.seal_tokens(session, &tokens)?;
        kept.value = kept.value.holding(sealed, custody);
        match app.save(kept.change()?.into()).await {
            Ok(()) => {}
            // The session has ended meanwhile, and what stood behind it is gone.
            Err(StoreError::Conflict) => return Err(Refusal::SignedOut.into()),
            Err(error) => return Err(error.into()),
        }
        count("renewed");
        if let Some(identity) = refreshed.identity {
            app.take_over_roles(session, provider.roles_of(&identity)).await?;
        }
        app.bearer_of(session, &provider, &tokens, custody)
    }

    /// Its session there is over, for instance because the account was disabled: so is ours.
    async fn over_there(self) -> Result<Arc<str>, Error> {
        let (app, now) = (&self.app, self.app.clock.now());
        count("ended");
        tracing::info!(provider = self.provider.party.id(), session = %self.session, "a provider has ended a session");
        let session = app.store.session(self.session).await?.filter(|session| session.family.ended.is_none());
        if let Some(session) = session {
            let unit = app.end(Unit::new(), &session, EndReason::LoggedOutThere, now)?.order(self.kept.removed());
            match app.save(unit).await {
                Ok(()) | Err(StoreError::Conflict) => app.follow_feed().await?,
                Err(error) => return Err(error.into()),
            }
        }
        Err(Refusal::SignedOut.into())
    }

    /// The old token is used as long as it lives; for a while nobody asks again.
    async fn failed(mut self, error: &Oidc) -> Result<Arc<str>, Error> {
        count("failed");
        let refused = refusal(&self.provider, error);
        let now = self.app.clock.now();
        self.kept.value.custody = Some(Custody { claim: Some(Claim::failed(now)), ..self.custody });
        match self.app.save(self.kept.change()?.into()).await {
            Ok(()) | Err(StoreError::Conflict) => {}
            Err(error) => return Err(error.into()),
        }
        if !self.custody.is_alive(now) {
            return Err(refused.into());
        }
        self.app.bearer_of(self.session, &self.provider, &self.tokens, self.custody)
    }
}

impl App {
    /// What the provider says of somebody now. Tokens say it from the next refresh on.
    async fn take_over_roles(&self, session: SessionId, roles: Roles) -> Result<(), Error> {
        let Some(found) = self.store.session(session).await?.filter(|found| found.roles != roles) else {
            return Ok(());
        };
        match self.save(Unit::from(Order::SetRoles { session: found.id, next: roles })).await {
            Ok(()) | Err(StoreError::Conflict) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

fn count(outcome: &'static str) {
    metrics::counter!("cloakroom_provider_refreshes_total", "outcome" => outcome).increment(1);
}
