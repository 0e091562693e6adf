//! Keys that a client publishes itself (`jwks_uri`, RFC 7591 §2): fetched within the same bounds, and kept as long, as those
//! of a provider.

use std::sync::Arc;

use cloakroom_jose::{JwkSet, KeySet};

use crate::address::{Address, BadAddress};
use crate::answer::ask;
use crate::cached::{Cached, Freshness};
use crate::error::Error;
use crate::fetch::{Fetch, FetchRequest, Method};
use crate::provider::documents::parse_keys;

/// A key that was replaced is noticed after five minutes at the latest; a host that is away costs nobody anything for an hour.
const FRESHNESS: Freshness = Freshness { fresh_for: 300, kept_for: 3600 };

/// The keys at an address.
pub struct RemoteKeys {
    address: Address,
    fetch: Arc<dyn Fetch>,
    keys: Cached<KeySet>,
}

impl RemoteKeys {
    /// Keys at an address: https, or http on this machine. Nobody is connected to yet.
    pub fn new(url: &str, fetch: Arc<dyn Fetch>) -> Result<Self, BadAddress> {
        Ok(Self { address: Address::parse(url, true)?, fetch, keys: Cached::new(FRESHNESS) })
    }

    /// The keys as they are known at `now` (Unix seconds); asks for them where that is too long ago.
    pub async fn get(&self, now: i64) -> Result<Arc<KeySet>, Error> {
        self.keys.get(now, self.ask()).await
    }

    /// Keys that differ from `seen`, which lacks one. `None`: they were asked for lately, there are no others (RFC 8725
    /// §3.10: names of keys come from strangers).
    pub async fn other_than(&self, seen: &Arc<KeySet>, now: i64) -> Result<Option<Arc<KeySet>>, Error> {
        self.keys.other_than(seen, now, self.ask()).await
    }

    async fn ask(&self) -> Result<KeySet, Error> {
        let headers = vec![("accept", "application/jwk-set+json, application/json".to_owned())];
        let url = self.address.as_str().to_owned();
        let limit = JwkSet::MAX_BYTES;
        let request = FetchRequest { method: Method::Get, url, headers, body: Vec::new(), limit };
        let response = ask(&*self.fetch, request).await?;
        parse_keys(&response).inspect_err(|error| {
            tracing::warn!(url = self.address.as_str(), %error, "keys of a client are unusable");
        })
    }
}
