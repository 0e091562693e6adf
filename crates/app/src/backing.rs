//! The session at the provider that stands behind one of ours: which it is, and what the provider has handed out, sealed.

use crate::kept::{Kept, kept, slip};
use crate::provider::Provider;
use crate::{App, Error, Fault};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use cloakroom_core::custody::Custody;
use cloakroom_core::id::{AccountId, SessionId};
use cloakroom_core::session::{Roles, Session};
use cloakroom_core::time::{Lifetime, Timestamp};
use cloakroom_jose::sha256;
use cloakroom_oidc::LoggedIn;
use cloakroom_store::{Error as StoreError, Order, Slip, SlipKey, SlipKind, Unit};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Larger tokens are not kept, in bytes together. The ID token goes first: then a log-out there asks whether it is meant.
const MOST_BYTES: usize = 40 * 1024;

/// An access token is used for so long, however short the provider says.
const SHORTEST: Lifetime = Lifetime::from_secs(10);

const BOUND_TO: &[u8] = b"cloakroom provider tokens v1";

/// What a new session gets from its provider.
pub(crate) struct Backing {
    provider: Arc<str>,
    issuer: String,
    sub: String,
    sid: Option<String>,
    pub(crate) roles: Roles,
    tokens: Tokens,
    custody: Option<Custody>,
}

/// Secrets. Access and refresh tokens are kept only where an application gets them ([`Provider::keeps_tokens`]).
#[derive(Clone, Default, Serialize, Deserialize)]
pub(crate) struct Tokens {
    pub(crate) id_token: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) access_token: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) refresh_token: Option<String>,
    /// Of the log-in: a later ID token has it too, or none (OpenID Connect Core 1.0 §12.2).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) nonce: Option<String>,
}

/// What the store keeps.
#[derive(Serialize, Deserialize)]
pub(crate) struct Backed {
    pub(crate) provider: String,
    pub(crate) sub: String,
    pub(crate) sid: Option<String>,
    /// Whose tokens these are: shown to nobody else, whoever the configuration gives this id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) issuer: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none", with = "in_custody")]
    pub(crate) custody: Option<Custody>,
    sealed: String,
}

/// How the store keeps what is known of an access token: instants in milliseconds.
mod in_custody {
    use cloakroom_core::custody::{Claim, Custody};
    use cloakroom_core::time::Timestamp;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Serialize, Deserialize)]
    struct Written {
        obtained_at: i64,
        expires_at: Option<i64>,
        renewable: bool,
        /// Until when, and whether the renewal has failed.
        claim: Option<(i64, bool)>,
    }

    #[expect(clippy::ref_option, reason = "serde hands over a reference to the field")]
    pub(super) fn serialize<S: Serializer>(custody: &Option<Custody>, to: S) -> Result<S::Ok, S::Error> {
        let written = custody.map(|custody| Written {
            obtained_at: custody.obtained_at.millis(),
            expires_at: custody.expires_at.map(Timestamp::millis),
            renewable: custody.renewable,
            claim: custody.claim.map(|claim| (claim.until.millis(), claim.failed)),
        });
        written.serialize(to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Custody>, D::Error> {
        Ok(Option::<Written>::deserialize(from)?.map(|written| Custody {
            obtained_at: Timestamp::from_millis(written.obtained_at),
            expires_at: written.expires_at.map(Timestamp::from_millis),
            renewable: written.renewable,
            claim: written.claim.map(|(until, failed)| Claim { until: Timestamp::from_millis(until), failed }),
        }))
    }
}

impl Backing {
    /// Of a log-in whose answer came at `now`, with this nonce.
    pub(crate) fn of(provider: &Provider, logged_in: LoggedIn, nonce: &str, now: Timestamp) -> Self {
        let LoggedIn { identity, tokens } = logged_in;
        let roles = provider.roles_of(&identity);
        let custody = provider.keeps_tokens.then(|| custody(&tokens, tokens.refresh_token.is_some(), now));
        let mut kept = Tokens { id_token: text(tokens.id_token), ..Tokens::default() };
        if provider.keeps_tokens {
            kept.access_token = Some(tokens.access_token.reveal().to_owned());
            kept.refresh_token = text(tokens.refresh_token);
            kept.nonce = Some(nonce.to_owned());
        }
        Self {
            provider: provider.party.id().into(),
            issuer: provider.party.issuer().to_owned(),
            sub: identity.sub,
            sid: identity.sid,
            roles,
            tokens: kept,
            custody,
        }
    }
}

fn text(token: Option<cloakroom_oidc::Secret>) -> Option<String> {
    token.map(|token| token.reveal().to_owned())
}

/// What is known of an access token that came at `now`.
fn custody(tokens: &cloakroom_oidc::Tokens, renewable: bool, now: Timestamp) -> Custody {
    // A provider that says "at once" would be asked for every call.
    let expires_at = tokens.access_expires_at.map(|at| Timestamp::from_unix_seconds(at).max(now.plus(SHORTEST)));
    Custody { obtained_at: now, expires_at, renewable, claim: None }
}

impl Tokens {
    /// Takes over a refresh token. Without a new one the old one stays good (RFC 6749 §6).
    pub(crate) fn follow(&mut self, refresh_token: Option<cloakroom_oidc::Secret>) {
        self.refresh_token = text(refresh_token).or(self.refresh_token.take());
    }

    /// Takes over what a refresh at `now` has given.
    pub(crate) fn renew(&mut self, tokens: cloakroom_oidc::Tokens, now: Timestamp) -> Custody {
        let custody = custody(&tokens, true, now);
        self.access_token = Some(tokens.access_token.reveal().to_owned());
        self.follow(tokens.refresh_token);
        self.id_token = text(tokens.id_token).or(self.id_token.take());
        custody
    }
}

pub(crate) fn key_of(session: SessionId) -> SlipKey {
    SlipKey::from(*session.as_bytes())
}

pub(crate) fn sid_key(issuer: &str, sid: &str) -> SlipKey {
    let length = u64::try_from(issuer.len()).unwrap_or(u64::MAX).to_be_bytes();
    SlipKey::from(sha256(&[b"cloakroom sid v1", &length[..], issuer.as_bytes(), sid.as_bytes()].concat()))
}

impl App {
    /// Adds what stands behind a session to the unit that opens it.
    pub(crate) fn back(&self, unit: Unit, session: &Session, backing: Backing) -> Result<Unit, Fault> {
        let Backing { provider, sub, sid, tokens, custody, issuer, roles: _ } = backing;
        let mut backed =
            Backed { provider: (*provider).to_owned(), sub, sid, issuer: Some(issuer), custody, sealed: String::new() };
        self.seal_into(&mut backed, session.id, &tokens)?;
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

    /// Seals tokens for a session. What is too large is left out, the ID token first; without the others nobody renews.
    pub(crate) fn seal_into(&self, backed: &mut Backed, session: SessionId, tokens: &Tokens) -> Result<(), Fault> {
        let written = |tokens: &Tokens| {
            serde_json::to_vec(tokens).map_err(|error| Fault::new("tokens of a provider could not be written", error))
        };
        let mut text = written(tokens)?;
        if text.len() > MOST_BYTES {
            text = written(&Tokens { id_token: None, ..tokens.clone() })?;
        }
        if text.len() > MOST_BYTES {
            tracing::warn!(provider = backed.provider, "the tokens of a provider are too large to be kept");
            text = written(&Tokens::default())?;
            backed.custody = None;
        }
        let sealed = self.master.seal(&[BOUND_TO, session.as_bytes()].concat(), &text)?;
        backed.sealed = URL_SAFE_NO_PAD.encode(sealed);
        Ok(())
    }

    pub(crate) fn open_tokens(&self, session: SessionId, backed: &Backed) -> Result<Tokens, Fault> {
        let unreadable = || Fault::plain("tokens of a provider cannot be read");
        let sealed = URL_SAFE_NO_PAD.decode(&backed.sealed).map_err(|_| unreadable())?;
        let text = self.master.open(&[BOUND_TO, session.as_bytes()].concat(), &sealed)?;
        serde_json::from_slice(&text).map_err(|_| unreadable())
    }
}
