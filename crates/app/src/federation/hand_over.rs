//! What stands behind a session goes on to the next one, or back to where it came from.

use super::refusal;
use crate::backing::{Backed, Tokens, key_of};
use crate::kept::{Kept, slip};
use crate::provider::Provider;
use crate::{App, Fault, Refusal};
use cloakroom_core::custody::{Claim, Custody, LEASE};
use cloakroom_core::id::SessionId;
use cloakroom_core::session::Session;
use cloakroom_store::{Error as StoreError, Order, Slip, SlipKind, Unit};
use std::sync::Arc;
use std::time::Duration;

/// How often it is looked whether a renewal is done.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// So often at most: longer than any claim.
const LOOKS: u64 = LEASE.millis() / 50 + 100;

/// A refresh token that is given back when its session ends.
pub(crate) struct Lent {
    provider: Arc<Provider>,
    tokens: Tokens,
}

impl Lent {
    /// Whether a log-out at the provider need not end it (OpenID Connect Core 1.0 §11).
    pub(crate) fn outlives_sessions(&self) -> bool {
        self.provider.party.asks_for("offline_access")
    }
}

impl App {
    /// Lets the session at the provider stand behind the one that takes the place of another: it ends when that did, a log-out there
    /// reaches it, and roles and tokens are those of the latest renewal. The unit conflicts when somebody renews meanwhile.
    pub(crate) async fn pass_backing_on(&self, unit: Unit, old: &Session, next: &mut Session) -> Result<Unit, Fault> {
        let Some(kept) = self.take(old.id).await? else { return Ok(unit) };
        next.absolute_until = old.absolute_until;
        if let Some(found) = self.store.session(old.id).await? {
            next.roles = found.roles;
        }
        let tokens = self.open_tokens(old.id, &kept.value)?;
        let mut backed = kept.value;
        backed.custody = backed.custody.map(|custody| Custody { claim: None, ..custody });
        self.seal_into(&mut backed, next.id, &tokens)?;
        let (kind, expires_at) = (SlipKind::ProviderSession, Some(next.absolute_until));
        let expected = Some(kept.slip.version);
        let slip = slip(kind, key_of(next.id), &backed)?;
        Ok(unit.order(Order::ExpectSlip { kind, key: kept.slip.key, expected }).order(Order::AddSlip(Slip {
            account: Some(next.account),
            expires_at,
            ..slip
        })))
    }

    /// What stands behind a session, claimed, so that nobody renews what is about to be passed on.
    async fn take(&self, session: SessionId) -> Result<Option<Kept<Backed>>, Fault> {
        for _ in 0..LOOKS {
            let now = self.clock.now();
            let Some(mut kept) = self.backed(session, now).await? else { return Ok(None) };
            let Some(custody) = kept.value.custody.filter(|custody| custody.renewable) else { return Ok(Some(kept)) };
            if custody.claim.is_some_and(|claim| claim.holds(now) && !claim.failed) {
                tokio::time::sleep(LOOK_EVERY).await;
                continue;
            }
            kept.value.custody = Some(Custody { claim: Some(Claim::new(now)), ..custody });
            match self.save(kept.change()?.into()).await {
                Ok(()) => return Ok(Some(kept)),
                Err(StoreError::Conflict) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(Fault::plain("the tokens of a provider are being renewed without end"))
    }

    /// What a session has of its provider's, to be given back when it has ended. Asked before, since its end forgets it. Never keeps
    /// anybody from ending a session.
    pub(crate) async fn lent(&self, session: SessionId) -> Option<Lent> {
        if !self.providers().iter().any(|provider| provider.keeps_tokens) {
            return None;
        }
        let kept = self.backed(session, self.clock.now()).await.ok().flatten()?;
        self.bearers.forget(session);
        let provider = self.provider(&kept.value.provider).ok()?;
        let same = kept.value.issuer.as_deref() == Some(provider.party.issuer());
        let tokens = self.open_tokens(session, &kept.value).ok().filter(|_| same)?;
        Some(Lent { provider: Arc::clone(provider), tokens })
    }

    /// Gives it back (RFC 7009), meanwhile.
    pub(crate) fn return_lent(&self, lent: Option<Lent>) {
        if let Some(Lent { provider, tokens }) = lent {
            self.give_back_to(&provider, &tokens);
        }
    }

    pub(super) fn give_back_to(&self, provider: &Arc<Provider>, tokens: &Tokens) {
        let Some(refresh_token) = tokens.refresh_token.clone() else { return };
        let (provider, now) = (Arc::clone(provider), self.clock.now());
        self.errands.spawn(async move {
            if let Err(error) = provider.party.revoke(&refresh_token, now.unix_seconds()).await
                && refusal(&provider, &error) != Refusal::ProviderUnreachable
            {
                tracing::info!(provider = provider.party.id(), %error, "a refresh token could not be given back");
            }
        });
    }
}
