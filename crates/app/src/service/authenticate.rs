//! Who asks at the token endpoint: exactly one proof, compared in constant time, or verified with the client's own keys.
//!
//! Secrets have the entropy of keys, so nobody guesses one; a flood of wrong ones is answered with a wait all the same, and
//! makes no client wait that is right.

use super::{Client, Proof};
use crate::{App, Error, Fault, Refusal};
use cloakroom_core::secret::Plain;
use cloakroom_core::service::{self, ClientId};
use cloakroom_core::time::Timestamp;
use cloakroom_jose::{AssertionKind, claimed_issuer, same, sha256};
use std::net::IpAddr;

/// What a request shows of its client. No `Debug`: it is a secret.
pub enum Presented {
    /// An id and a secret, in a header or in the body (RFC 6749 §2.3.1).
    Secret {
        /// `client_id`.
        id: String,
        /// `client_secret`.
        secret: Plain,
    },
    /// A signed assertion (RFC 7521 §4.2).
    Assertion {
        /// `client_id`, which may be left out, and otherwise has to be the assertion's (RFC 7521 §4.2).
        id: Option<String>,
        /// `client_assertion`.
        assertion: String,
    },
}

impl App {
    /// Finds out which client asks. An assertion is used up by it. Refused as
    /// [`ClientUnproven`](service::Refusal::ClientUnproven), whether or not there is such a client, as
    /// [`ClientReplayed`](service::Refusal::ClientReplayed), or as [`Refusal::TooManyAttempts`] after many that were wrong
    /// from one network.
    pub async fn authenticate_client(&self, presented: &Presented, from: IpAddr) -> Result<Client, Error> {
        let now = self.clock.now();
        let judged = self.judge_client(presented, now).await;
        self.count_if_wrong(judged, from, now).await
    }

    /// Counts a proof or an assertion that was wrong. Only what was wrong counts: those that are right may be very many. Refused
    /// as [`Refusal::TooManyAttempts`] instead when there were too many from one network.
    pub(super) async fn count_if_wrong<T>(
        &self,
        judged: Result<T, Error>,
        from: IpAddr,
        now: Timestamp,
    ) -> Result<T, Error> {
        use service::Refusal as Why;
        if let Err(Error::Refused(Refusal::Service(
            Why::ClientUnproven
            | Why::ClientReplayed
            | Why::AssertionInvalid
            | Why::AssertionTooLong
            | Why::AssertionAboutOthers
            | Why::AssertionReplayed,
        ))) = judged
        {
            self.attempt(&[self.counted_by_client_failure(from)], now).await?;
        }
        judged
    }

    async fn judge_client(&self, presented: &Presented, now: Timestamp) -> Result<Client, Error> {
        match presented {
            Presented::Secret { id, secret } => {
                let found = self.client(id).await?;
                let expected = match found.as_ref().map(|client| &client.proof) {
                    Some(Proof::Secret(hash)) => Some(hash),
                    _ => None,
                };
                // One comparison whether or not there is such a client.
                let is_right = same(&sha256(secret.reveal()), expected.unwrap_or(&[0; 32])) && expected.is_some();
                found.filter(|_| is_right).ok_or_else(unproven)
            }
            Presented::Assertion { id, assertion } => {
                let issuer = claimed_issuer(assertion).ok_or_else(unproven)?;
                if id.as_ref().is_some_and(|id| *id != issuer) {
                    return Err(unproven());
                }
                let client = self.client(&issuer).await?.ok_or_else(unproven)?;
                let kind = AssertionKind::ClientAuthentication;
                let assertion = self.verify_assertion(&client, assertion, kind, now).await.map_err(|error| {
                    if let Error::Refused(Refusal::Service(service::Refusal::KeysUnavailable)) = error {
                        return error;
                    }
                    tracing::info!(client = %client.registration.id, %error, "an assertion of a client was refused");
                    unproven()
                })?;
                if !self.use_up(&client, &assertion).await? {
                    return Err(Refusal::Service(service::Refusal::ClientReplayed).into());
                }
                Ok(client)
            }
        }
    }

    /// The client of this name: of the configuration, or else of the store.
    pub(super) async fn client(&self, id: &str) -> Result<Option<Client>, Fault> {
        let Ok(id) = id.parse::<ClientId>() else { return Ok(None) };
        match self.settings.clients.iter().find(|client| client.registration.id == id) {
            Some(client) => Ok(Some(Client::clone(client))),
            None => self.registered_client(&id).await,
        }
    }
}

fn unproven() -> Error {
    Refusal::Service(service::Refusal::ClientUnproven).into()
}
