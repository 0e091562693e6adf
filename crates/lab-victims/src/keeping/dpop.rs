//! S17: a public client whose access and refresh token are bound to a key of the browser (`DPoP`, RFC 9449).
//!
//! Proofs are verified as §4.3 asks: one header, its form, signature, method, address, age, first use, the token that
//! it accompanies. No nonces: they are the server's choice (§8), and the textbook goes without. Refresh tokens are
//! bound and therefore not rotated (RFC 9700 §2.2.2).

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use http::{Method, StatusCode, header};
use serde::Deserialize;
use serde_json::json;
use url::Url;

use super::{Caller, Entered, Keeping, Scene};
use crate::accounts::{Account, AccountId};
use crate::deeds::What;
use crate::proof::{self, Named};
use crate::reply::{self, Refusal, Reply};
use crate::secret::{encode, sha256, unguessable};
use crate::token::{ACCESS, Claims, Confirmation, REFRESH};

/// How old a proof may be, in seconds.
const OLDEST: i64 = 60;
/// How far a proof may be ahead of our clock, in seconds: more would let a script make proofs for later.
const AHEAD: i64 = 5;

const INVALID_PROOF: Refusal = Refusal::of(StatusCode::UNAUTHORIZED, "invalid_dpop_proof");

#[derive(Deserialize)]
struct Proof {
    jti: String,
    htm: String,
    htu: String,
    iat: i64,
    ath: Option<String>,
}

struct Refresh {
    account: AccountId,
    /// The thumbprint of the key that it is bound to.
    jkt: String,
    end: i64,
}

#[derive(Default)]
pub(crate) struct Dpop {
    refresh: Mutex<HashMap<String, Refresh>>,
    /// When each `jti` of each key may be forgotten.
    used: Mutex<HashMap<(String, String), i64>>,
}

impl Dpop {
    /// The thumbprint of the key that this request was proven with.
    fn prove(&self, scene: &Scene<'_>, access: Option<&str>) -> Result<String, Refusal> {
        let mut lines = scene.ask.headers.get_all("dpop").iter();
        let (Some(line), None) = (lines.next(), lines.next()) else { return Err(INVALID_PROOF) };
        let line = line.to_str().map_err(|_| INVALID_PROOF)?;
        let Some(Named::Key(key)) = proof::named(line, "dpop+jwt") else { return Err(INVALID_PROOF) };
        let said: Proof = key.claims(line).ok_or(INVALID_PROOF)?;
        let target = plain(&format!("{}{}", scene.ask.origin, scene.ask.target));
        let age = scene.now.checked_sub(said.iat).ok_or(INVALID_PROOF)?;
        let fits = said.htm == scene.ask.method.as_str()
            && target.is_some()
            && plain(&said.htu) == target
            && (-AHEAD..=OLDEST).contains(&age)
            && said.ath == access.map(|token| encode(&sha256(token.as_bytes())))
            && !said.jti.is_empty()
            && said.jti.len() <= 128;
        if !fits {
            return Err(INVALID_PROOF);
        }
        let jkt = key.thumbprint();
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        used.retain(|_, end| *end >= scene.now);
        // Good until it is too old, which is later for one from the future.
        let end = said.iat.saturating_add(OLDEST);
        if used.insert((jkt.clone(), said.jti), end).is_some() { Err(INVALID_PROOF) } else { Ok(jkt) }
    }

    fn access(scene: &Scene<'_>, id: AccountId, account: &Account, jkt: &str) -> Result<String, Refusal> {
        let mut claims = Claims::new(scene.strategy, id, &account.email, scene.now, ACCESS);
        claims.cnf = Some(Confirmation { jkt: jkt.to_owned() });
        scene.world.signer.sign(&claims)
    }

    /// The token endpoint (RFC 9449 §5).
    fn token(&self, scene: &Scene<'_>) -> Result<Reply, Refusal> {
        match scene.fields.get("grant_type").map(String::as_str) {
            Some("authorization_code") => {
                let (id, account) = scene.redeemed()?;
                let entered = self.enter(scene, id, &account)?;
                scene.did(Some(&account), What::Login, Some(&entered.credential));
                Ok(entered.reply)
            }
            Some("refresh_token") => self.renew(scene),
            _ => Err(Refusal::of(StatusCode::BAD_REQUEST, "unsupported_grant_type")),
        }
    }

    fn renew(&self, scene: &Scene<'_>) -> Result<Reply, Refusal> {
        let jkt = self.prove(scene, None)?;
        let token = scene.fields.get("refresh_token").ok_or(Refusal::MISSING)?;
        let id = {
            let tokens = self.refresh.lock().unwrap_or_else(PoisonError::into_inner);
            let refresh = tokens.get(token).filter(|refresh| refresh.end > scene.now && refresh.jkt == jkt);
            refresh.ok_or(Refusal::INVALID_GRANT)?.account
        };
        let account = scene.world.accounts.get(id).ok_or(Refusal::INVALID_GRANT)?;
        let access = Self::access(scene, id, &account, &jkt)?;
        scene.did(Some(&account), What::Refreshed, Some(token));
        Ok(reply::json(
            StatusCode::OK,
            &json!({ "access_token": access, "token_type": "DPoP", "expires_in": ACCESS, "refresh_token": token }),
        ))
    }
}

/// An address without query and fragment, normalised (RFC 3986 §6.2.2 and §6.2.3).
fn plain(address: &str) -> Option<String> {
    let mut url = Url::parse(address).ok()?;
    url.set_query(None);
    url.set_fragment(None);
    Some(url.into())
}

impl Keeping for Dpop {
    fn caller(&self, scene: &Scene<'_>) -> Result<Caller, Refusal> {
        let token = scene.ask.authorization("DPoP").ok_or(Refusal::NOBODY)?;
        let (account, claims) = scene.world.signer.read(token, scene.strategy, scene.now)?;
        let jkt = self.prove(scene, Some(token))?;
        if claims.cnf.is_none_or(|bound| bound.jkt != jkt) {
            return Err(Refusal::NOBODY);
        }
        Ok(Caller { account, credential: token.to_owned() })
    }

    fn enter(&self, scene: &Scene<'_>, id: AccountId, account: &Account) -> Result<Entered, Refusal> {
        let jkt = self.prove(scene, None)?;
        let access = Self::access(scene, id, account, &jkt)?;
        let refresh = unguessable();
        let body = json!({
            "access_token": access, "token_type": "DPoP", "expires_in": ACCESS, "refresh_token": refresh,
        });
        let end = scene.now.saturating_add(REFRESH);
        let refresh_token = Refresh { account: id, jkt, end };
        self.refresh.lock().unwrap_or_else(PoisonError::into_inner).insert(refresh, refresh_token);
        Ok(Entered { reply: reply::json(StatusCode::OK, &body), credential: access })
    }

    fn leave(&self, scene: &Scene<'_>) -> Reply {
        if let Some(token) = scene.fields.get("refresh_token") {
            self.refresh.lock().unwrap_or_else(PoisonError::into_inner).remove(token);
        }
        reply::done()
    }

    fn own_route(&self, scene: &Scene<'_>) -> Option<Result<Reply, Refusal>> {
        match (&scene.ask.method, scene.ask.path.as_str()) {
            (&Method::POST, "/token") => Some(self.token(scene)),
            (&Method::POST, "/api/refresh") => Some(self.renew(scene)),
            _ => None,
        }
    }

    fn dress(&self, scene: &Scene<'_>, reply: &mut Reply) {
        if reply.status() == StatusCode::UNAUTHORIZED {
            reply::set(reply, header::WWW_AUTHENTICATE, "DPoP algs=\"ES256\"");
        }
        // RFC 6749 §5.1.
        if matches!(scene.ask.path.as_str(), "/token" | "/api/login" | "/api/refresh") {
            reply::set(reply, header::CACHE_CONTROL, "no-store");
        }
    }
}
