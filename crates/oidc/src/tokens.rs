//! The answer of the token endpoint (RFC 6749 §5.1, OpenID Connect Core 1.0 §3.1.3.3). Looks at no ID token.

use serde::Deserialize;

use crate::answer::{object, refusal};
use crate::error::Error;
use crate::fetch::FetchResponse;
use crate::secret::Secret;

/// What a provider handed out. No `Debug`.
pub struct Tokens {
    /// For the provider's APIs; opaque to us.
    pub access_token: Secret,
    /// When it ends, in Unix seconds, if the provider says so.
    pub access_expires_at: Option<i64>,
    /// For the next one. After a refresh, `None` means that the old one stays good (RFC 6749 §6).
    pub refresh_token: Option<Secret>,
    /// The ID token that was judged: of use as a hint at log-out. Always there after a log-in, at will after a refresh.
    pub id_token: Option<Secret>,
}

/// Ten years, in seconds.
const LONGEST_LIFE: i64 = 10 * 365 * 24 * 60 * 60;

#[derive(Deserialize)]
struct Wire {
    access_token: String,
    token_type: String,
    expires_in: Option<i64>,
    refresh_token: Option<String>,
    id_token: Option<String>,
}

impl Tokens {
    /// Reads an answer that came at `now`. Nothing of it may be used before its ID token was judged (RFC 9700 §2.1.1).
    pub(crate) fn parse(response: &FetchResponse, now: i64) -> Result<Self, Error> {
        if response.status != 200 {
            return Err(refusal(response));
        }
        let body = object(response, &["application/json"]).map_err(Error::TokenResponse)?;
        let wire: Wire = serde_json::from_slice(body)
            .map_err(|_| Error::TokenResponse("is not what RFC 6749 section 5.1 asks for"))?;
        if !wire.token_type.eq_ignore_ascii_case("Bearer") {
            return Err(Error::TokenResponse("has another token_type than Bearer"));
        }
        let empty = |token: &Option<String>| token.as_ref().is_some_and(String::is_empty);
        if wire.access_token.is_empty() || empty(&wire.refresh_token) || empty(&wire.id_token) {
            return Err(Error::TokenResponse("has an empty token"));
        }
        if wire.expires_in.is_some_and(|seconds| !(0..=LONGEST_LIFE).contains(&seconds)) {
            return Err(Error::TokenResponse("has an expires_in that cannot be right"));
        }
        Ok(Self {
            access_token: Secret::new(wire.access_token),
            access_expires_at: wire.expires_in.map(|seconds| now.saturating_add(seconds)),
            refresh_token: wire.refresh_token.map(Secret::new),
            id_token: wire.id_token.map(Secret::new),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(body: &str) -> Result<Tokens, Error> {
        let content_type = Some("application/json;charset=UTF-8".to_owned());
        Tokens::parse(&FetchResponse { status: 200, content_type, body: body.as_bytes().to_vec() }, 1_000)
    }

    #[test]
    fn rfc_6749_5_1_a_token_response_is_read() {
        let tokens = parse(r#"{"access_token":"a","token_type":"bEARER","expires_in":300,"further":{}}"#).ok().unwrap();
        assert_eq!((tokens.access_token.reveal(), tokens.access_expires_at), ("a", Some(1_300)));
        assert!(tokens.refresh_token.is_none() && tokens.id_token.is_none());
        assert_eq!(parse(r#"{"access_token":"a","token_type":"Bearer"}"#).ok().unwrap().access_expires_at, None);
    }

    #[test]
    fn rfc_6749_5_1_what_cannot_be_right_is_refused() {
        for member in [
            r#""token_type":"DPoP""#,
            r#""token_type":7"#,
            r#""x":1"#,
            r#""token_type":"Bearer","expires_in":-1"#,
            r#""token_type":"Bearer","expires_in":315360001"#,
            r#""token_type":"Bearer","expires_in":"300""#,
            r#""token_type":"Bearer","expires_in":1e400"#,
            r#""token_type":"Bearer","refresh_token":"""#,
            r#""token_type":"Bearer","id_token":7"#,
            r#""token_type":"Bearer","access_token":"b""#,
        ] {
            let refused = parse(&format!(r#"{{"access_token":"a",{member}}}"#)).err();
            assert!(matches!(refused, Some(Error::TokenResponse(_))), "{member}: {refused:?}");
        }
        for body in ["", "[]", "{}", r#"{"token_type":"Bearer"}"#, r#"{"access_token":"","token_type":"Bearer"}"#] {
            assert!(matches!(parse(body).err(), Some(Error::TokenResponse(_))), "{body}");
        }
    }
}
