//! The session at the provider that stands behind one of ours: which it is, and its ID token, sealed.

use crate::kept::{Kept, kept, slip};
use crate::provider::Provider;
use crate::{App, Error, Fault};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use cloakroom_core::id::{AccountId, SessionId};
use cloakroom_core::session::{Roles, Session};
use cloakroom_core::time::Timestamp;
use cloakroom_jose::sha256;
use cloakroom_oidc::LoggedIn;
use cloakroom_store::{Error as StoreError, Order, Slip, SlipKey, SlipKind, Unit};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// A larger token is not kept, in bytes: then a log-out there asks whether it is meant.
const MOST_BYTES: usize = 40 * 1024;

const BOUND_TO: &[u8] = b"cloakroom provider tokens v1";

/// What a new session gets from its provider.
pub(crate) struct Backing {
    provider: Arc<str>,
    issuer: String,
    sub: String,
    sid: Option<String>,
    pub(crate) roles: Roles,
    tokens: Tokens,
}

/// A secret. Access and refresh tokens of the provider are not kept: nothing is asked for in the user's name.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Tokens {
    pub(crate) id_token: Option<String>,
}

/// What the store keeps.
#[derive(Serialize, Deserialize)]
pub(crate) struct Backed {
    pub(crate) provider: String,
    pub(crate) sub: String,
    pub(crate) sid: Option<String>,
    sealed: String,
}

impl Backing {
    pub(crate) fn of(provider: &Provider, logged_in: LoggedIn) -> Self {
        let LoggedIn { identity, tokens } = logged_in;
        let (roles, left_out) = provider.names.read(&identity.claims);
        if left_out > 0 {
            tracing::warn!(
                provider = provider.party.id(),
                left_out,
                "roles or groups of somebody have no room in tokens"
            );
        }
        Self {
            provider: provider.party.id().into(),
            issuer: provider.party.issuer().to_owned(),
            sub: identity.sub,
            sid: identity.sid,
            roles,
            tokens: Tokens { id_token: tokens.id_token.map(|token| token.reveal().to_owned()) },
        }
    }
}

fn key_of(session: SessionId) -> SlipKey {
    SlipKey::from(*session.as_bytes())
}

pub(crate) fn sid_key(issuer: &str, sid: &str) -> SlipKey {
    let length = u64::try_from(issuer.len()).unwrap_or(u64::MAX).to_be_bytes();
    SlipKey::from(sha256(&[b"cloakroom sid v1", &length[..], issuer.as_bytes(), sid.as_bytes()].concat()))
}

impl App {
    /// Adds what stands behind a session to the unit that opens it.
    pub(crate) fn back(&self, unit: Unit, session: &Session, backing: Backing) -> Result<Unit, Fault> {
        let Backing { provider, sub, sid, tokens, issuer: _, roles: _ } = backing;
        let sealed = self.seal_tokens(session.id, &tokens)?;
        let backed = Backed { provider: (*provider).to_owned(), sub, sid, sealed };
        let slip = slip(SlipKind::ProviderSession, key_of(session.id), &backed)?;
        let expires_at = Some(session.absolute_until);
        Ok(unit.order(Order::AddSlip(Slip { account: Some(session.account), expires_at, ..slip })))
    }

    /// Remembers whose a session at a provider is, so that its end can be told by its name alone. Committed before ours is
    /// opened, since several of ours can stand on one.
    pub(crate) async fn remember_sid(
        &self,
        backing: &Backing,
        account: AccountId,
        now: Timestamp,
    ) -> Result<(), Error> {
        let Some(sid) = &backing.sid else { return Ok(()) };
        let key = sid_key(&backing.issuer, sid);
        let expires_at = Some(now.plus(self.settings.lifetimes.absolute_for));
        let order = if let Some(there) = self.store.slip(SlipKind::ProviderSid, &key).await? {
            let account = Some(account);
            let next = Slip { version: there.version.wrapping_add(1), account, expires_at, ..there.clone() };
            Order::ChangeSlip { expected: there.version, next }
        } else {
            let slip = slip(SlipKind::ProviderSid, key, &())?;
            Order::AddSlip(Slip { account: Some(account), expires_at, ..slip })
        };
        match self.save(order.into()).await {
            // Another tab remembers the same in this moment.
            Ok(()) | Err(StoreError::Conflict) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// What stands behind a session, if anything does.
    pub(crate) async fn backed(&self, session: SessionId, now: Timestamp) -> Result<Option<Kept<Backed>>, Fault> {
        kept(&*self.store, SlipKind::ProviderSession, &key_of(session), now).await
    }

    /// Lets the session at the provider stand behind the one that takes the place of another: it ends when that did, and a log-out
    /// there reaches it.
    pub(crate) async fn pass_backing_on(
        &self,
        unit: Unit,
        old: &Session,
        next: &mut Session,
        now: Timestamp,
    ) -> Result<Unit, Fault> {
        let Some(kept) = self.backed(old.id, now).await? else { return Ok(unit) };
        next.absolute_until = old.absolute_until;
        let tokens = self.open_tokens(old.id, &kept.value)?;
        let backed = Backed { sealed: self.seal_tokens(next.id, &tokens)?, ..kept.value };
        let slip = slip(SlipKind::ProviderSession, key_of(next.id), &backed)?;
        let expires_at = Some(next.absolute_until);
        Ok(unit.order(Order::AddSlip(Slip { account: Some(next.account), expires_at, ..slip })))
    }

    fn seal_tokens(&self, session: SessionId, tokens: &Tokens) -> Result<String, Fault> {
        let unreadable = |error| Fault::new("tokens of a provider could not be written", error);
        let mut text = serde_json::to_vec(tokens).map_err(unreadable)?;
        if text.len() > MOST_BYTES {
            text = serde_json::to_vec(&Tokens { id_token: None }).map_err(unreadable)?;
        }
        Ok(URL_SAFE_NO_PAD.encode(self.master.seal(&[BOUND_TO, session.as_bytes()].concat(), &text)?))
    }

    pub(crate) fn open_tokens(&self, session: SessionId, backed: &Backed) -> Result<Tokens, Fault> {
        let unreadable = || Fault::plain("tokens of a provider cannot be read");
        let sealed = URL_SAFE_NO_PAD.decode(&backed.sealed).map_err(|_| unreadable())?;
        let text = self.master.open(&[BOUND_TO, session.as_bytes()].concat(), &sealed)?;
        serde_json::from_slice(&text).map_err(|_| unreadable())
    }
}
