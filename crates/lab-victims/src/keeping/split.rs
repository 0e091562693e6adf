//! S12 and S13: `header.payload` where scripts can read it, the signature in an `HttpOnly` cookie.
//!
//! S12 has both halves in cookies, which the browser sends by itself; in S13 the page sends the readable half in
//! `Authorization`, so a request of another site lacks it. The server forgets nothing, since it remembers nothing.

use http::StatusCode;
use serde_json::json;

use super::{Caller, Entered, Keeping, Scene};
use crate::accounts::{Account, AccountId};
use crate::reply::{self, Refusal, Reply};
use crate::token::{Claims, DAY};

const READABLE: &str = "token_payload";
const SIGNATURE: &str = "token_signature";
const READABLE_ATTRIBUTES: &str = "Path=/; Secure; SameSite=Lax";
const SIGNATURE_ATTRIBUTES: &str = "Path=/; Secure; HttpOnly; SameSite=Lax";

/// S12.
pub(crate) struct SplitCookies;

/// S13.
pub(crate) struct SplitHeader;

/// A new token in its two halves.
fn halves(scene: &Scene<'_>, id: AccountId, account: &Account) -> Result<(String, String), Refusal> {
    let token = scene.world.signer.sign(&Claims::new(scene.strategy, id, &account.email, scene.now, DAY))?;
    let (readable, signature) = token.rsplit_once('.').ok_or(Refusal::NOBODY)?;
    Ok((readable.to_owned(), signature.to_owned()))
}

fn joined(scene: &Scene<'_>, readable: &str) -> Result<Caller, Refusal> {
    let signature = scene.ask.cookie(SIGNATURE).ok_or(Refusal::NOBODY)?;
    let token = format!("{readable}.{signature}");
    let (account, _) = scene.world.signer.read(&token, scene.strategy, scene.now)?;
    Ok(Caller { account, credential: token })
}

fn set_signature(reply: &mut Reply, signature: &str) {
    reply::set_cookie(reply, &format!("{SIGNATURE}={signature}; Max-Age={DAY}; {SIGNATURE_ATTRIBUTES}"));
}

fn clear(reply: &mut Reply) {
    reply::set_cookie(reply, &format!("{READABLE}=; Max-Age=0; {READABLE_ATTRIBUTES}"));
    reply::set_cookie(reply, &format!("{SIGNATURE}=; Max-Age=0; {SIGNATURE_ATTRIBUTES}"));
}

impl Keeping for SplitCookies {
    fn caller(&self, scene: &Scene<'_>) -> Result<Caller, Refusal> {
        joined(scene, scene.ask.cookie(READABLE).ok_or(Refusal::NOBODY)?)
    }

    fn enter(&self, scene: &Scene<'_>, id: AccountId, account: &Account) -> Result<Entered, Refusal> {
        let (readable, signature) = halves(scene, id, account)?;
        let mut reply = reply::done();
        reply::set_cookie(&mut reply, &format!("{READABLE}={readable}; Max-Age={DAY}; {READABLE_ATTRIBUTES}"));
        set_signature(&mut reply, &signature);
        Ok(Entered { reply, credential: format!("{readable}.{signature}") })
    }

    fn leave(&self, _scene: &Scene<'_>) -> Reply {
        let mut reply = reply::done();
        clear(&mut reply);
        reply
    }
}

impl Keeping for SplitHeader {
    fn caller(&self, scene: &Scene<'_>) -> Result<Caller, Refusal> {
        joined(scene, scene.ask.authorization("Bearer").ok_or(Refusal::NOBODY)?)
    }

    fn enter(&self, scene: &Scene<'_>, id: AccountId, account: &Account) -> Result<Entered, Refusal> {
        let (readable, signature) = halves(scene, id, account)?;
        let mut reply = reply::json(StatusCode::OK, &json!({ "payload": readable }));
        set_signature(&mut reply, &signature);
        Ok(Entered { reply, credential: format!("{readable}.{signature}") })
    }

    fn leave(&self, _scene: &Scene<'_>) -> Reply {
        let mut reply = reply::done();
        clear(&mut reply);
        reply
    }
}
