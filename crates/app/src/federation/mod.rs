//! Log-in through `OpenID` providers on other domains: what waits in the browser meanwhile, whose identity it is, and the
//! session at the provider that stands behind one of ours.
//!
//! A provider vouches for who somebody is; it never chooses an account. An identity (issuer and `sub`) belongs to one account
//! for good, and joins one that is there only by its owner's own hand (decision 0018).

mod arrive;
mod bearer;
mod begin;
mod hand_over;
mod identity;
mod link;
mod log_out;
mod renewal;
mod waiting;

pub use arrive::{Arrived, Outcome};
pub(crate) use bearer::Bearers;
pub use begin::{Begun, Errand, MAX_RETURN_TO};
pub use link::Linked;
pub use waiting::{Changed, Shown, WAIT_FOR};

use crate::provider::Provider;
use crate::{App, Refusal};
use std::sync::Arc;

impl App {
    /// The providers, in the order of the configuration.
    pub fn providers(&self) -> &[Arc<Provider>] {
        &self.settings.providers
    }

    pub(crate) fn provider(&self, id: &str) -> Result<&Arc<Provider>, Refusal> {
        self.providers().iter().find(|provider| provider.party.id() == id).ok_or(Refusal::UnknownProvider)
    }
}

/// What a provider's failure is for whoever waits: something to try again, or something for the operator. The log is told all.
fn refusal(provider: &Provider, error: &cloakroom_oidc::Error) -> Refusal {
    use cloakroom_oidc::Error as Oidc;
    match error {
        Oidc::Denied { .. } => {
            tracing::info!(provider = provider.party.id(), %error, "a provider did not log somebody in");
            Refusal::ProviderDenied
        }
        Oidc::Outage => {
            tracing::warn!(provider = provider.party.id(), %error, "a provider cannot be reached");
            Refusal::ProviderUnreachable
        }
        _ => {
            tracing::warn!(provider = provider.party.id(), %error, "what came from a provider was refused");
            Refusal::ProviderRefused
        }
    }
}
