//! S16: the whole session as an encrypted token in the cookie; the server remembers nothing.
//!
//! A compact JWE of `dir` and `A256GCM` (RFC 7516 §3.1, RFC 7518 §4.5 and §5.3), put together on the AEAD of aws-lc-rs:
//! the JOSE libraries that encrypt all bring OpenSSL or ring, which this repository keeps out.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};

use super::{Caller, Entered, Keeping, Scene};
use crate::accounts::{Account, AccountId};
use crate::reply::{self, Refusal, Reply};
use crate::secret::{decode, encode, random};
use crate::token::{Claims, DAY};

const NAME: &str = "__Host-Http-session";
const HEADER: &[u8] = br#"{"alg":"dir","enc":"A256GCM"}"#;
/// Of A256GCM, in bytes.
const TAG: usize = 16;

pub(crate) struct Sealed {
    attributes: &'static str,
    key: [u8; 32],
}

impl Sealed {
    pub(crate) fn new(attributes: &'static str) -> Self {
        Self { attributes, key: random() }
    }

    fn cipher(&self) -> Option<LessSafeKey> {
        UnboundKey::new(&AES_256_GCM, &self.key).ok().map(LessSafeKey::new)
    }

    fn seal(&self, claims: &Claims) -> Option<String> {
        let header = encode(HEADER);
        let nonce = random::<12>();
        let mut text = serde_json::to_vec(claims).ok()?;
        let tag = self
            .cipher()?
            .seal_in_place_separate_tag(Nonce::assume_unique_for_key(nonce), Aad::from(header.as_bytes()), &mut text)
            .ok()?;
        Some(format!("{header}..{}.{}.{}", encode(&nonce), encode(&text), encode(tag.as_ref())))
    }

    fn open(&self, token: &str) -> Option<Claims> {
        let parts: Vec<&str> = token.split('.').collect();
        let [header, "", nonce, text, tag] = parts.as_slice() else { return None };
        let (nonce, tag) = (decode(nonce)?, decode(tag)?);
        if decode(header)? != HEADER || tag.len() != TAG {
            return None;
        }
        let mut sealed = [decode(text)?, tag].concat();
        let nonce = Nonce::try_assume_unique_for_key(&nonce).ok()?;
        let plain = self.cipher()?.open_in_place(nonce, Aad::from(header.as_bytes()), &mut sealed).ok()?;
        serde_json::from_slice(plain).ok()
    }
}

impl Keeping for Sealed {
    fn caller(&self, scene: &Scene<'_>) -> Result<Caller, Refusal> {
        let token = scene.ask.cookie(NAME).ok_or(Refusal::NOBODY)?;
        let claims = self.open(token).filter(|claims| claims.exp > scene.now).ok_or(Refusal::NOBODY)?;
        let account = AccountId::from_text(&claims.sub).ok_or(Refusal::NOBODY)?;
        Ok(Caller { account, credential: token.to_owned() })
    }

    fn enter(&self, scene: &Scene<'_>, id: AccountId, account: &Account) -> Result<Entered, Refusal> {
        let claims = Claims::new(scene.strategy, id, &account.email, scene.now, DAY);
        let token = self.seal(&claims).ok_or(Refusal::NOBODY)?;
        let mut reply = reply::done();
        reply::set_cookie(&mut reply, &format!("{NAME}={token}; {}", self.attributes));
        Ok(Entered { reply, credential: token })
    }

    fn leave(&self, _scene: &Scene<'_>) -> Reply {
        let mut reply = reply::done();
        reply::set_cookie(&mut reply, &format!("{NAME}=; Max-Age=0; {}", self.attributes));
        reply
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sealed_token_opens_only_whole_and_with_its_own_key() {
        let sealed = Sealed::new("");
        let account = AccountId::from_text("7").unwrap();
        let token = sealed.seal(&Claims::new("S16", account, "ann@bank.test", 0, DAY)).unwrap();
        assert_eq!(sealed.open(&token).unwrap().sub, "7");
        assert!(Sealed::new("").open(&token).is_none());
        let header = encode(br#"{"alg":"none"}"#);
        let rest = token.split_once('.').unwrap().1;
        assert!(sealed.open(&format!("{header}.{rest}")).is_none());
        for at in 0..token.len() {
            let mut bytes = token.clone().into_bytes();
            bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
            assert!(sealed.open(std::str::from_utf8(&bytes).unwrap()).is_none(), "byte {at}");
        }
        assert!(!token.contains("ann@"));
    }
}
