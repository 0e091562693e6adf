//! A provider that people can log in with: what the configuration says of it, and the protocol.

use cloakroom_core::session::Roles;
use cloakroom_oidc::{Identity, Provider as Party, claim};
use serde_json::{Map, Value};

/// A provider, as the configuration has it.
#[expect(clippy::struct_excessive_bools, reason = "five independent settings, each read by its name")]
pub struct Provider {
    /// What people call it, on the button of the log-in page.
    pub name: String,
    /// Whether it opens an account for somebody who has none here.
    pub opens_accounts: bool,
    /// Whether an address counts as confirmed although the provider does not say so.
    pub trusts_addresses: bool,
    /// Whether a log-out here leads on to a log-out there.
    pub logs_out: bool,
    /// Whether its log-ins count as ones with a second factor when it says that one was shown (`amr`).
    pub trusts_factors: bool,
    /// Whether its access and refresh tokens are kept, because an application gets them.
    pub keeps_tokens: bool,
    /// Which of its claims are roles and groups.
    pub names: Names,
    /// The protocol.
    pub party: Party,
}

/// Which claims of an ID token become roles and groups here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    /// The path of the claim with roles, such as `realm_access.roles`; none if no roles are taken over.
    pub roles_claim: Option<String>,
    /// That of the claim with groups.
    pub groups_claim: Option<String>,
    /// What a name there is called here, in both lists. If there is any, names that are not listed are left out.
    pub called: Vec<(String, String)>,
}

impl Names {
    /// Reads roles and groups, and how many there was no room for.
    pub(crate) fn read(&self, claims: &Map<String, Value>) -> (Roles, usize) {
        let named = |path: &Option<String>| path.as_deref().map(|path| claim(claims, path)).unwrap_or_default();
        let called = |names: Vec<&str>| -> Vec<String> {
            if self.called.is_empty() {
                return names.into_iter().map(str::to_owned).collect();
            }
            let here = |name: &str| {
                self.called.iter().filter(|(there, _)| there == name).map(|(_, here)| here.clone()).collect::<Vec<_>>()
            };
            names.into_iter().flat_map(here).collect()
        };
        let (roles, groups) = (called(named(&self.roles_claim)), called(named(&self.groups_claim)));
        Roles::of(roles.iter().map(String::as_str), groups.iter().map(String::as_str))
    }
}

impl Provider {
    /// The roles and groups that it names, as far as there is room for them.
    pub(crate) fn roles_of(&self, identity: &Identity) -> Roles {
        let (roles, left_out) = self.names.read(&identity.claims);
        if left_out > 0 {
            tracing::warn!(provider = self.party.id(), left_out, "roles or groups of somebody have no room in tokens");
        }
        roles
    }
}

impl std::fmt::Debug for Provider {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Provider").field("id", &self.party.id()).field("name", &self.name).finish_non_exhaustive()
    }
}
