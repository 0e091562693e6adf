//! The session at the provider that stands behind one of ours: which it is, and what the provider has handed out, sealed.

use crate::kept::{Kept, kept, slip};
use crate::provider::Provider;
use crate::{App, Error, Fault};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use cloakroom_core::custody::Custody;
use cloakroom_core::id::{AccountId, SessionId};
use cloakroom_core::session::{Roles, Session};
use cloakroom_core::time::Timestamp;
use cloakroom_jose::sha256;
use cloakroom_oidc::LoggedIn;
use cloakroom_store::{Error as StoreError, Order, Slip, SlipKey, SlipKind, Unit};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Larger tokens are not kept, in bytes together. The ID token goes first: then a log-out there asks whether it is meant.
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
    let expires_at = tokens.access_expires_at.map(Timestamp::from_unix_seconds);
    Custody { obtained_at: now, expires_at, renewable, claim: None }
}

impl Tokens {
    /// Takes over what a refresh at `now` has given. What it does not give anew stays good (RFC 6749 §6).
    pub(crate) fn renew(&mut self, tokens: cloakroom_oidc::Tokens, now: Timestamp) -> Custody {
        let custody = custody(&tokens, true, now);
        self.access_token = Some(tokens.access_token.reveal().to_owned());
        self.refresh_token = text(tokens.refresh_token).or(self.refresh_token.take());
        self.id_token = text(tokens.id_token).or(self.id_token.take());
        custody
    }
}

impl Backed {
    /// The same with other tokens, no longer claimed by anybody.
    pub(crate) fn holding(self, sealed: String, custody: Custody) -> Self {
        Self { sealed, custody: Some(custody), ..self }
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
        let Backing { provider, sub, sid, tokens, custody, issuer: _, roles: _ } = backing;
        let sealed = self.seal_tokens(session.id, &tokens)?;
        let backed = Backed { provider: (*provider).to_owned(), sub, sid, custody, sealed };
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
        let Some(kept) = self.settled(old.id).await? else { return Ok(unit) };
        next.absolute_until = old.absolute_until;
        let tokens = self.open_tokens(old.id, &kept.value)?;
        // Whoever renews the old ones in this moment would use up the refresh token that goes along: then this unit conflicts.
        let unit = unit.order(kept.removed());
        let backed = Backed { sealed: self.seal_tokens(next.id, &tokens)?, ..kept.value };
        let slip = slip(SlipKind::ProviderSession, key_of(next.id), &backed)?;
        let expires_at = Some(next.absolute_until);
        Ok(unit.order(Order::AddSlip(Slip { account: Some(next.account), expires_at, ..slip })))
    }

    /// Forgets what stood behind a session that has ended, and gives its refresh token back (RFC 7009) unless a log-out at the
    /// provider follows, which ends it there.
    pub(crate) async fn forget_backing(&self, session: SessionId) -> Result<(), Fault> {
        let now = self.clock.now();
        let Some(kept) = self.backed(session, now).await? else { return Ok(()) };
        match self.save(kept.removed().into()).await {
            Ok(()) => {}
            // Somebody renews in this moment, or forgets it as well.
            Err(StoreError::Conflict) => return Ok(()),
            Err(error) => return Err(error.into()),
        }
        let Some(refresh_token) = self.open_tokens(session, &kept.value)?.refresh_token else { return Ok(()) };
        let given = |provider: &&Arc<Provider>| provider.party.id() == kept.value.provider && !provider.logs_out;
        let Some(provider) = self.providers().iter().find(given).map(Arc::clone) else { return Ok(()) };
        self.errands.spawn(async move {
            if let Err(error) = provider.party.revoke(&refresh_token, now.unix_seconds()).await {
                tracing::info!(provider = provider.party.id(), %error, "a refresh token could not be given back");
            }
        });
        Ok(())
    }

    pub(crate) fn seal_tokens(&self, session: SessionId, tokens: &Tokens) -> Result<String, Fault> {
        let unreadable = |error| Fault::new("tokens of a provider could not be written", error);
        let mut text = serde_json::to_vec(tokens).map_err(unreadable)?;
        if text.len() > MOST_BYTES {
            text = serde_json::to_vec(&Tokens { id_token: None, ..tokens.clone() }).map_err(unreadable)?;
        }
        if text.len() > MOST_BYTES {
            tracing::warn!(%session, "the tokens of a provider are too large to be kept");
            text = serde_json::to_vec(&Tokens::default()).map_err(unreadable)?;
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
