//! What a request shows of its session, and by which way it came: a token that is good by one way is not by another.

use crate::App;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use std::borrow::Cow;

/// What came with a request. No `Debug`: it is a secret.
#[derive(Clone, Copy)]
pub enum Credential<'a> {
    /// The access cookie: a token or a ticket.
    Cookie(&'a str),
    /// `header.payload` of a token, from a cookie or `Authorization`, and its signature from a cookie.
    Halves {
        /// `header.payload`.
        claims: &'a str,
        /// The signature.
        signature: &'a str,
    },
    /// `Authorization: Bearer` (RFC 6750 §2.1): a whole token that somebody holds outside of cookies.
    Bearer(&'a str),
}

/// Which audience a token must have by the way that it came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// In cookies, wholly or in part.
    Cookies,
    /// In `Authorization` alone.
    Bearer,
}

impl App {
    /// Whether this is a token of ours, or the half of one: it names a key of the ring. Nothing else about it is judged.
    pub fn names_our_key(&self, token: &str) -> bool {
        #[derive(serde::Deserialize)]
        struct Named {
            kid: String,
        }
        let head = token.split('.').next().filter(|head| head.len() <= 1024);
        let named = head
            .and_then(|head| URL_SAFE_NO_PAD.decode(head).ok())
            .and_then(|json| serde_json::from_slice::<Named>(&json).ok());
        let ring = self.ring.load();
        named.is_some_and(|named| ring.records().iter().any(|record| record.id.to_string() == named.kid))
    }
}

impl<'a> Credential<'a> {
    pub(super) fn way(self) -> Way {
        match self {
            Self::Cookie(_) | Self::Halves { .. } => Way::Cookies,
            Self::Bearer(_) => Way::Bearer,
        }
    }

    /// The text that is looked up and verified.
    pub(super) fn text(self) -> Cow<'a, str> {
        match self {
            Self::Cookie(text) | Self::Bearer(text) => Cow::Borrowed(text),
            Self::Halves { claims, signature } => Cow::Owned(format!("{claims}.{signature}")),
        }
    }
}
