//! Single log-out, both ways: ours leads on to the provider's (`OpenID` Connect RP-Initiated Logout 1.0), and the provider's
//! ends ours (Back-Channel Logout 1.0).

use super::identity::key_of;
use super::refusal;
use crate::backing::sid_key;
use crate::kept::{self, slip};
use crate::provider::Provider;
use crate::token::Credential;
use crate::{App, Error, Fault, Refusal};
use cloakroom_core::refresh::EndReason;
use cloakroom_core::time::{Lifetime, Timestamp};
use cloakroom_jose::sha256;
use cloakroom_oidc::LogoutToken;
use cloakroom_store::{Error as StoreError, Order, Slip, SlipKind, Unit};
use std::collections::BTreeSet;

/// Rounds: of a race with whoever ends one of the sessions, and over what is more than [`AT_ONCE`].
const ATTEMPTS: usize = 64;

/// Sessions of an account that one round looks at.
const AT_ONCE: u32 = 200;

/// What the protocol grants clocks, and more.
const LEEWAY: Lifetime = Lifetime::from_secs(5 * 60);

/// Longer than any log-out token is good (Back-Channel Logout 1.0 §2.4: two minutes are advised).
const REMEMBERED_FOR: Lifetime = Lifetime::from_secs(60 * 60);

impl App {
    /// Where to send a browser to be logged out at the provider as well, if a provider stands behind any of these and offers
    /// it. Asked before the session is ended. An outage there does not keep anybody from being logged out here.
    pub async fn way_out(&self, shown: &[Credential<'_>]) -> Result<Option<String>, Error> {
        let now = self.clock.now();
        for credential in shown {
            let Some(access) = self.recognise(*credential).await? else { continue };
            // Whoever finds a cookie after the log-out gets nothing for it.
            let alive = self.store.session(access.session).await?.is_some_and(|session| session.family.ended.is_none());
            let Some(backed) = self.backed(access.session, now).await?.filter(|_| alive) else { continue };
            let Ok(provider) = self.provider(&backed.value.provider) else { continue };
            if !provider.logs_out {
                continue;
            }
            let tokens = self.open_tokens(access.session, &backed.value)?;
            let back_to = self.link("/auth/logged-out");
            let url = provider.party.log_out_url(tokens.id_token.as_deref(), &back_to, None, now.unix_seconds()).await;
            match url {
                Ok(url) => return Ok(url),
                Err(error) => {
                    tracing::warn!(provider = provider.party.id(), %error, "the provider's log-out cannot be asked for");
                }
            }
        }
        Ok(None)
    }

    /// Ends what a provider says has ended there: the sessions of ours that stand on that one of theirs, or all that stand on
    /// that person's. Refused as [`Refusal::UnknownProvider`], as [`Refusal::LogoutTokenRefused`] for a token that is not
    /// good or comes twice, or as [`Refusal::ProviderUnreachable`] when its keys cannot be had.
    pub async fn log_out_by_provider(&self, id: &str, token: &str) -> Result<(), Error> {
        let now = self.clock.now();
        let provider = self.provider(id)?;
        let judged = provider.party.judge_logout_token(token, now.unix_seconds()).await;
        let judged = judged.map_err(|error| match refusal(provider, &error) {
            Refusal::ProviderUnreachable => Refusal::ProviderUnreachable,
            _ => Refusal::LogoutTokenRefused,
        })?;
        let mut first = true;
        for _ in 0..ATTEMPTS {
            let (unit, more) = self.ends(provider, &judged, first, now).await?;
            match self.save(unit).await {
                Ok(()) if !more => return Ok(self.follow_feed().await?),
                Ok(()) => first = false,
                // One of them ended in this moment by another hand; or the same token came twice, which the next round finds.
                Err(StoreError::Conflict) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(Fault::plain("a log-out by a provider lost every race").into())
    }

    /// The orders that a log-out token asks for, and whether there may be more to end. Refused as
    /// [`Refusal::LogoutTokenRefused`] when it has come before.
    async fn ends(
        &self,
        provider: &Provider,
        token: &LogoutToken,
        first: bool,
        now: Timestamp,
    ) -> Result<(Unit, bool), Error> {
        let issuer = provider.party.issuer();
        let mut unit = Unit::new();
        if first {
            let jti = sha256(&[issuer.as_bytes(), b" ", token.jti.as_bytes()].concat());
            let once = slip(SlipKind::Challenge, kept::key(&[b"logout", &jti])?, &())?;
            if self.store.slip(SlipKind::Challenge, &once.key).await?.is_some() {
                return Err(Refusal::LogoutTokenRefused.into());
            }
            let until = Timestamp::from_unix_seconds(token.exp).plus(LEEWAY).max(now.plus(REMEMBERED_FOR));
            unit = unit.order(Order::AddSlip(Slip { expires_at: Some(until), ..once }));
        }
        let by_sid = match &token.sid {
            Some(sid) => self.store.slip(SlipKind::ProviderSid, &sid_key(issuer, sid)).await?,
            None => None,
        };
        let by_sub = match &token.sub {
            Some(sub) => self.store.slip(SlipKind::Identity, &key_of(issuer, sub)).await?,
            None => None,
        };
        let accounts: BTreeSet<_> = [by_sid, by_sub].into_iter().flatten().filter_map(|slip| slip.account).collect();
        let (mut more, mut ended) = (false, false);
        for account in accounts {
            let live = self.store.sessions_of(account, AT_ONCE).await?;
            more |= live.len() == AT_ONCE as usize;
            for session in live {
                let Some(backed) = self.backed(session.id, now).await? else { continue };
                let theirs = backed.value.provider == provider.party.id()
                    && token.sid.as_ref().is_none_or(|sid| backed.value.sid.as_ref() == Some(sid))
                    && token.sub.as_ref().is_none_or(|sub| backed.value.sub == *sub);
                if theirs {
                    unit = self.end(unit, &session, EndReason::LoggedOutThere, now)?;
                    ended = true;
                }
            }
        }
        Ok((unit, more && ended))
    }
}
