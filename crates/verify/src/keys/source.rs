//! Where the keys come from: an address that was given, or one that the issuer's metadata names.

use std::time::Duration;

use bytes::Bytes;
use cloakroom_jose::JwkSet;
use http::Request;
use http::header::ACCEPT;
use http_body_util::Full;

use super::{KeysError, discovery};
use crate::address::{Address, BadAddress};
use crate::fetch::{Document, Http};

/// A source of keys.
pub(crate) enum Source {
    /// The key set is here.
    Jwks(Address),
    /// The issuer says where it is; what it said is remembered until a fetch fails.
    Issuer { name: String, at: Address, found: Option<Address> },
}

impl Source {
    /// The key set, and how long its sender says that it is fresh.
    pub(crate) async fn fetch(&mut self, http: &Http) -> Result<(JwkSet, Option<Duration>), KeysError> {
        match self {
            Self::Jwks(address) => key_set(http, address).await,
            Self::Issuer { name, at, found } => {
                let address = match found.take() {
                    Some(address) => address,
                    None => discovery::jwks_uri(http, name, at).await?,
                };
                let fetched = key_set(http, &address).await?;
                *found = Some(address);
                Ok(fetched)
            }
        }
    }
}

async fn key_set(http: &Http, address: &Address) -> Result<(JwkSet, Option<Duration>), KeysError> {
    let document = get(http, address).await?;
    Ok((JwkSet::parse(&document.body)?, document.max_age()))
}

/// A document that anybody may read.
pub(super) async fn get(http: &Http, address: &Address) -> Result<Document, KeysError> {
    let mut request = Request::new(Full::new(Bytes::new()));
    *request.uri_mut() = address.uri().map_err(|_: BadAddress| KeysError::Metadata("names an address that is none"))?;
    request.headers_mut().insert(ACCEPT, http::HeaderValue::from_static("application/json"));
    Ok(http.document(request).await?)
}
