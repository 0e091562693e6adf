//! Form tokens: the second layer against CSRF, for what a plain form could have sent (design §3.5). A token is an
//! authenticated expiry, bound to a session or, before there is one, to this browser's device cookie.

use crate::{App, Error, Fault, Refusal};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use cloakroom_core::id::{KeyId, SessionId};
use cloakroom_core::keyring::Purpose;
use cloakroom_core::time::{Lifetime, Timestamp};

/// What a form token is bound to.
#[derive(Clone, Copy)]
pub enum Binding<'a> {
    /// A session.
    Session(SessionId),
    /// A browser without one: the value of its device cookie.
    Device(&'a str),
}

impl Binding<'_> {
    fn message(self, expires_at: Timestamp) -> Vec<u8> {
        let mut message = b"cloakroom form v1".to_vec();
        message.extend_from_slice(&expires_at.millis().to_be_bytes());
        match self {
            Self::Session(session) => {
                message.push(b's');
                message.extend_from_slice(session.as_bytes());
            }
            Self::Device(device) => {
                message.push(b'd');
                message.extend_from_slice(device.as_bytes());
            }
        }
        message
    }
}

/// A page may stay open this long before its form is refused.
const VALID_FOR: Lifetime = Lifetime::from_secs(12 * 3600);

/// Key id, expiry, MAC.
const BYTES: usize = 16 + 8 + 32;

impl App {
    /// Makes a form token: 75 characters of base64url.
    pub fn form_token(&self, binding: Binding<'_>) -> Result<String, Fault> {
        let now = self.clock.now();
        let expires_at = now.plus(VALID_FOR);
        let ring = self.ring.load();
        let (id, key) = ring.mac_now(Purpose::Form, now)?;
        let mut token = id.as_bytes().to_vec();
        token.extend_from_slice(&expires_at.millis().to_be_bytes());
        token.extend_from_slice(&key.mac(&binding.message(expires_at)));
        Ok(URL_SAFE_NO_PAD.encode(token))
    }

    /// A value for the cookie of a device that has none: 43 characters of base64url, 256 random bits.
    pub fn new_device(&self) -> Result<String, Fault> {
        Ok(URL_SAFE_NO_PAD.encode(cloakroom_jose::random::<32>()?))
    }

    /// Judges a form token. Refused as [`Refusal::FormTokenInvalid`], whatever is wrong with it.
    pub fn check_form_token(&self, token: &str, binding: Binding<'_>) -> Result<(), Error> {
        self.form_token_is_good(token, binding).then_some(()).ok_or(Error::Refused(Refusal::FormTokenInvalid))
    }

    fn form_token_is_good(&self, token: &str, binding: Binding<'_>) -> bool {
        let mut bytes = [0; BYTES];
        if token.len() != BYTES.div_ceil(3) * 4 - 1
            || !matches!(URL_SAFE_NO_PAD.decode_slice(token, &mut bytes), Ok(BYTES))
        {
            return false;
        }
        let (Some((id, rest)), now) = (bytes.split_first_chunk::<16>(), self.clock.now()) else { return false };
        let Some((expires_at, mac)) = rest.split_first_chunk::<8>() else { return false };
        let expires_at = Timestamp::from_millis(i64::from_be_bytes(*expires_at));
        let ring = self.ring.load();
        let Some(key) = ring.mac(KeyId::from_bytes(*id), Purpose::Form) else { return false };
        key.verify(&binding.message(expires_at), mac) && now < expires_at
    }
}
