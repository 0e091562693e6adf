//! Sends somebody to a provider. Nothing is written but the cookie of the browser that asks.

use super::refusal;
use super::waiting::{Changed, Shown, Waiting};
use crate::login::Wish;
use crate::token::Seen;
use crate::{App, Error, Refusal};
use cloakroom_oidc::{AuthorizeWish, Prompt};

/// A longer path to return to is forgotten, in bytes: it travels in a cookie.
pub const MAX_RETURN_TO: usize = 512;

/// What somebody goes to a provider for.
pub struct Errand<'a> {
    /// How the session shall live.
    pub wish: Wish,
    /// The local path to lead to afterwards.
    pub return_to: &'a str,
    /// The place among several accounts of one browser.
    pub slot: u8,
    /// Who adds this identity to their account, if it is not a log-in.
    pub link: Option<&'a Seen>,
    /// The approval that it is to prove, if it is not a log-in.
    pub approval: Option<&'a str>,
}

/// Where to send the browser.
pub struct Begun {
    /// The provider's address with everything in it.
    pub url: String,
    /// What becomes of the cookies; the new one lives for [`super::WAIT_FOR`].
    pub waiting: Changed,
}

impl App {
    /// Begins a log-in with a provider. `waiting` are the cookies of others that the browser has already. Refused as
    /// [`Refusal::UnknownProvider`], [`Refusal::ProviderUnreachable`] or [`Refusal::ProviderRefused`].
    pub async fn begin_with_provider(
        &self,
        id: &str,
        errand: Errand<'_>,
        waiting: &[Shown<'_>],
    ) -> Result<Begun, Error> {
        let now = self.clock.now();
        let provider = self.provider(id)?;
        if !self.settings.offered.contains(&errand.wish.strategy) {
            return Err(Refusal::StrategyNotOffered.into());
        }
        let return_to = if errand.return_to.len() <= MAX_RETURN_TO { errand.return_to } else { "/" };
        // Whoever adds an identity, or approves by one, shows there anew that it is theirs: the browser may be logged in there as
        // somebody else, by somebody else. That it was so is judged by `auth_time`.
        let anew = errand.link.is_some() || errand.approval.is_some();
        let one = Waiting {
            attempt: provider.party.begin(cloakroom_jose::random()?, anew.then_some(0)),
            begun_at: now.millis(),
            return_to: return_to.to_owned(),
            remember: errand.wish.remember,
            strategy: errand.wish.strategy.as_str().to_owned(),
            slot: errand.slot,
            link: errand.link.map(|seen| seen.access().session.to_string()),
            approval: errand.approval.map(str::to_owned),
        };
        let prompt = anew.then_some(Prompt::Login);
        let wish = AuthorizeWish { prompt, ..AuthorizeWish::default() };
        let url = provider.party.authorize(&one.attempt, &wish, now.unix_seconds()).await;
        let url = url.map_err(|error| refusal(provider, &error))?;
        Ok(Begun { url, waiting: self.seal_waiting(&one, waiting, now)? })
    }
}
