//! Metadata and keys, by way of their copies, and the verification of a token with them.

use std::sync::Arc;

use cloakroom_jose::{Algorithm, ExpectOpenId, JwkSet, KeyError, KeySet, OpenIdKind, Refused, Verified, verify_openid};

use super::Provider;
use crate::answer::{MAX_ANSWER, ask, object};
use crate::error::Error;
use crate::fetch::{FetchRequest, FetchResponse, Method};
use crate::id_token::{LEEWAY, Payload};
use crate::metadata::{Metadata, place};

/// What is needed to judge an answer. Is got before a code or a refresh token is sent: once it is used up, it is too
/// late to find that there are no keys.
pub(super) struct Ready {
    pub(super) metadata: Arc<Metadata>,
    keys: Arc<KeySet>,
}

impl Provider {
    pub(super) async fn ready(&self, now: i64) -> Result<Ready, Error> {
        let metadata = self.metadata(now).await?;
        let keys = self.keys.get(now, self.fetch_keys(&metadata)).await?;
        Ok(Ready { metadata, keys })
    }

    pub(super) async fn metadata(&self, now: i64) -> Result<Arc<Metadata>, Error> {
        self.metadata.get(now, self.fetch_metadata()).await
    }

    /// The claims of a token of this kind that a key of this issuer signed for us, and the algorithm of that key. A
    /// name of a key that is unknown may cause one fetch (RFC 8725 §3.10: seldom).
    pub(super) async fn verified(
        &self,
        ready: &Ready,
        token: &str,
        kind: OpenIdKind,
        now: i64,
    ) -> Result<(Payload, Algorithm), Error> {
        let judged = match self.verify(token, kind, &ready.keys, now) {
            Err(Refused::UnknownKey) => {
                let fetching = self.fetch_keys(&ready.metadata);
                match self.keys.other_than(&ready.keys, now, fetching).await? {
                    Some(keys) => self.verify(token, kind, &keys, now),
                    None => Err(Refused::UnknownKey),
                }
            }
            judged => judged,
        };
        judged.map_err(|refused| match refused {
            Refused::WrongAudience => Error::AudienceMismatch,
            refused => Error::TokenRefused(refused),
        })
    }

    fn verify(&self, token: &str, kind: OpenIdKind, keys: &KeySet, now: i64) -> Result<(Payload, Algorithm), Refused> {
        let expect = ExpectOpenId { kind, issuer: self.issuer(), audience: &self.settings.client_id, leeway: LEEWAY };
        let verified: Verified<Payload> = verify_openid(token, keys, &expect, now)?;
        let algorithm = keys.get(verified.kid()).ok_or(Refused::UnknownKey)?.algorithm();
        Ok((verified.into_claims(), algorithm))
    }

    async fn fetch_metadata(&self) -> Result<Metadata, Error> {
        let response = self.document(&place(self.issuer()), "application/json", MAX_ANSWER).await?;
        Metadata::parse(&response, self.issuer(), self.plain).inspect_err(|error| self.log(error))
    }

    async fn fetch_keys(&self, metadata: &Metadata) -> Result<KeySet, Error> {
        let accept = "application/jwk-set+json, application/json";
        let response = self.document(metadata.jwks.as_str(), accept, JwkSet::MAX_BYTES).await?;
        parse_keys(&response).inspect_err(|error| self.log(error))
    }

    async fn document(&self, url: &str, accept: &str, limit: usize) -> Result<FetchResponse, Error> {
        let headers = vec![("accept", accept.to_owned())];
        let request = FetchRequest { method: Method::Get, url: url.to_owned(), headers, body: Vec::new(), limit };
        ask(&*self.fetch, request).await
    }

    /// An old copy may hide the error from everybody else.
    fn log(&self, error: &Error) {
        tracing::warn!(provider = self.id(), %error, "a document of the provider is unusable");
    }
}

/// RFC 7517 §8.5.2 has a media type of its own; many providers use the general one.
pub(crate) fn parse_keys(response: &FetchResponse) -> Result<KeySet, Error> {
    if response.status != 200 {
        return Err(Error::KeySet("is not there: the answer's status is not 200"));
    }
    let body = object(response, &["application/json", "application/jwk-set+json"]).map_err(Error::KeySet)?;
    let keys = JwkSet::parse(body).and_then(|set| KeySet::from_jwks(&set)).map_err(Error::Keys)?;
    if keys.is_empty() { Err(Error::Keys(KeyError::Unsupported)) } else { Ok(keys) }
}
