//! Assertions of clients: verified with the keys of whoever they say they are from, and used up, once for all nodes.

use super::{Client, Proof, TOKEN_PATH};
use crate::kept::slip;
use crate::{App, Error, Fault, Refusal};
use cloakroom_core::service;
use cloakroom_core::time::Timestamp;
use cloakroom_jose::{Assertion, AssertionKind, ExpectAssertion, KeySet, Refused, sha256, verify_assertion};
use cloakroom_store::{Error as StoreError, Order, Slip, SlipKey, SlipKind, Unit};

/// The most that an assertion may live, in seconds: it is made for one request (R97-14).
const LONGEST: i64 = 300;

/// Seconds by which the client's clock may differ.
const LEEWAY: i64 = 30;

impl App {
    /// Judges an assertion. Refused as [`AssertionInvalid`](service::Refusal::AssertionInvalid) or more precisely, and as
    /// [`KeysUnavailable`](service::Refusal::KeysUnavailable).
    pub(super) async fn verify_assertion(
        &self,
        client: &Client,
        assertion: &str,
        kind: AssertionKind,
        now: Timestamp,
    ) -> Result<Assertion, Error> {
        let issuer = self.settings.issuer.as_str();
        let endpoint = format!("{issuer}{TOKEN_PATH}");
        let audiences = [issuer, &endpoint];
        let id = client.registration.id.as_str();
        let expect = ExpectAssertion { kind, client: id, audiences: &audiences, longest: LONGEST, leeway: LEEWAY };
        let seconds = now.unix_seconds();
        let judge = |keys: &KeySet| verify_assertion(assertion, keys, &expect, seconds);
        let judged = match &client.proof {
            // A client with a secret signs nothing: no key of it is known.
            Proof::Secret(_) => Err(Refused::UnknownKey),
            Proof::Keys(keys) => judge(keys),
            Proof::RemoteKeys(remote) => {
                let keys = remote.get(seconds).await.map_err(|_| refuse(service::Refusal::KeysUnavailable))?;
                match judge(&keys) {
                    Err(Refused::UnknownKey) => {
                        let others = remote.other_than(&keys, seconds).await;
                        match others.map_err(|_| refuse(service::Refusal::KeysUnavailable))? {
                            Some(keys) => judge(&keys),
                            None => Err(Refused::UnknownKey),
                        }
                    }
                    judged => judged,
                }
            }
        };
        judged.map_err(|refused| {
            tracing::info!(client = id, %refused, "an assertion was refused");
            refuse(match refused {
                Refused::LivesTooLong => service::Refusal::AssertionTooLong,
                Refused::WrongSubject => service::Refusal::AssertionAboutOthers,
                _ => service::Refusal::AssertionInvalid,
            })
        })
    }

    /// Uses an assertion up: `false` when it has been already, here or on another node (RFC 7523 §3 (7)).
    pub(super) async fn use_up(&self, client: &Client, assertion: &Assertion) -> Result<bool, Fault> {
        // A client has no zero byte in its name, so the two cannot run into each other.
        let name = [client.registration.id.as_str().as_bytes(), &[0], assertion.jti.as_bytes()].concat();
        // From then on it is refused for its age, by whatever node, and need not be remembered.
        // As long as a node would take it whose clock is behind by what is allowed.
        let until = Timestamp::from_unix_seconds(assertion.over_at.saturating_add(LEEWAY));
        let once = slip(SlipKind::Assertion, SlipKey::from(sha256(&name)), &())?;
        let once = Order::AddSlip(Slip { expires_at: Some(until), ..once });
        match self.save(Unit::from(once)).await {
            Ok(()) => Ok(true),
            Err(StoreError::Conflict) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}

fn refuse(refusal: service::Refusal) -> Error {
    Refusal::Service(refusal).into()
}
