//! What a provider says about itself (OpenID Connect Discovery 1.0 §3, RFC 8414), as far as it is of use here.

use serde::Deserialize;

use crate::address::Address;
use crate::answer::object;
use crate::error::Error;
use crate::fetch::FetchResponse;

/// A provider's metadata, its addresses checked.
pub(crate) struct Metadata {
    pub(crate) authorization: Address,
    pub(crate) token: Address,
    pub(crate) jwks: Address,
    pub(crate) end_session: Option<Address>,
    pub(crate) revocation: Option<Address>,
    /// Whether every authorization response names its issuer (RFC 9207 §3).
    pub(crate) names_issuer: bool,
}

#[derive(Deserialize)]
struct Wire {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    jwks_uri: String,
    end_session_endpoint: Option<String>,
    revocation_endpoint: Option<String>,
    authorization_response_iss_parameter_supported: Option<bool>,
    code_challenge_methods_supported: Option<Vec<String>>,
}

/// Where the metadata of an issuer are: a slash at its end is dropped (OpenID Connect Discovery 1.0 §4.1).
pub(crate) fn place(issuer: &str) -> String {
    format!("{}/.well-known/openid-configuration", issuer.strip_suffix('/').unwrap_or(issuer))
}

impl Metadata {
    /// Reads the answer to a request for [`place`] of exactly this `issuer`, which may be asked over plain http if
    /// `plain`.
    pub(crate) fn parse(response: &FetchResponse, issuer: &str, plain: bool) -> Result<Self, Error> {
        if response.status != 200 {
            return Err(Error::Metadata("is not there: the answer's status is not 200"));
        }
        let body = object(response, &["application/json"]).map_err(Error::Metadata)?;
        let wire: Wire = serde_json::from_slice(body)
            .map_err(|_| Error::Metadata("lacks a member that OpenID Connect Discovery 1.0 section 3 requires"))?;
        // Else it is the metadata of somebody else, whatever address it was found at.
        if wire.issuer != issuer {
            return Err(Error::MetadataIssuer);
        }
        let address =
            |text: &str| Address::parse(text, plain).map_err(|_| Error::Metadata("has an endpoint that is not https"));
        let optional = |text: Option<&String>| text.map(|text| address(text)).transpose();
        if wire.code_challenge_methods_supported.is_some_and(|methods| !methods.iter().any(|method| method == "S256")) {
            tracing::warn!(
                issuer,
                "the provider does not say that it checks PKCE; state and nonce are checked here all the same"
            );
        }
        Ok(Self {
            authorization: address(&wire.authorization_endpoint)?,
            token: address(&wire.token_endpoint)?,
            jwks: address(&wire.jwks_uri)?,
            end_session: optional(wire.end_session_endpoint.as_ref())?,
            revocation: optional(wire.revocation_endpoint.as_ref())?,
            names_issuer: wire.authorization_response_iss_parameter_supported.unwrap_or(false),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_follows_the_issuer_and_its_last_slash_does_not_count() {
        for issuer in ["https://id.example/realms/a", "https://id.example/realms/a/"] {
            assert_eq!(place(issuer), "https://id.example/realms/a/.well-known/openid-configuration");
        }
    }
}
