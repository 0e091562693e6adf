//! The issuer's metadata (RFC 8414; OpenID Connect Discovery 1.0 where there is none): only its `issuer` and its
//! `jwks_uri` are read.

use http::StatusCode;
use serde::Deserialize;

use super::KeysError;
use super::source::get;
use crate::address::Address;
use crate::fetch::{FetchError, Http};

/// Where the issuer of exactly this name keeps its keys.
pub(super) async fn jwks_uri(http: &Http, issuer: &str, at: &Address) -> Result<Address, KeysError> {
    #[derive(Deserialize)]
    struct Metadata {
        issuer: String,
        jwks_uri: String,
    }
    let [first, second] = places(at);
    let document = match get(http, &first).await {
        Err(KeysError::Fetch(FetchError::Status(StatusCode::NOT_FOUND))) => get(http, &second).await?,
        answer => answer?,
    };
    let metadata: Metadata =
        serde_json::from_slice(&document.body).map_err(|_| KeysError::Metadata("is not a document of RFC 8414"))?;
    // RFC 8414 §3.3: else it is the metadata of somebody else.
    if metadata.issuer != issuer {
        return Err(KeysError::Metadata("is that of another issuer"));
    }
    Address::parse(&metadata.jwks_uri).map_err(|_| KeysError::Metadata("has a jwks_uri that is not https"))
}

/// RFC 8414 §3.1 puts the well-known part before the issuer's path, OpenID Connect behind it.
fn places(issuer: &Address) -> [Address; 2] {
    let path = issuer.path().trim_end_matches('/');
    [
        issuer.at(&format!("/.well-known/oauth-authorization-server{path}")),
        issuer.at(&format!("{path}/.well-known/openid-configuration")),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_is_looked_for_where_both_standards_say() {
        let of = |issuer: &str| places(&Address::parse(issuer).unwrap()).map(|place| place.uri().unwrap().to_string());
        assert_eq!(
            of("https://id.example/realms/a"),
            [
                "https://id.example/.well-known/oauth-authorization-server/realms/a",
                "https://id.example/realms/a/.well-known/openid-configuration"
            ]
        );
        assert_eq!(
            of("https://id.example"),
            [
                "https://id.example/.well-known/oauth-authorization-server",
                "https://id.example/.well-known/openid-configuration"
            ]
        );
    }
}
