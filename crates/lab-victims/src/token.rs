//! The tokens of the tutorials: JWTs signed with HS256 (`jsonwebtoken`, as the npm package of that name).
//!
//! It does not know where a token is kept. `exp` is judged by the bank's clock, without leeway.

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};

use crate::accounts::AccountId;
use crate::reply::Refusal;
use crate::secret::{random, unguessable};

/// Fifteen minutes: an access token beside a refresh token.
pub(crate) const ACCESS: i64 = 15 * 60;
/// Seven days: a refresh token.
pub(crate) const REFRESH: i64 = 7 * 24 * 3600;
/// A day: a token that is the only credential, in a cookie.
pub(crate) const DAY: i64 = 24 * 3600;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Claims {
    /// The strategy whose bank signed it.
    pub(crate) iss: String,
    /// The account.
    pub(crate) sub: String,
    /// Tutorials put the address (and often the whole user) into the payload.
    pub(crate) email: String,
    pub(crate) iat: i64,
    pub(crate) exp: i64,
    pub(crate) jti: String,
    /// The key that the token is bound to (RFC 9449 §6.1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) cnf: Option<Confirmation>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Confirmation {
    /// The SHA-256 thumbprint of the key (RFC 7638).
    pub(crate) jkt: String,
}

impl Claims {
    pub(crate) fn new(iss: &str, account: AccountId, email: &str, now: i64, lifetime: i64) -> Self {
        Self {
            iss: iss.to_owned(),
            sub: account.to_text(),
            email: email.to_owned(),
            iat: now,
            exp: now.saturating_add(lifetime),
            jti: unguessable(),
            cnf: None,
        }
    }
}

/// The one secret of a bank.
pub(crate) struct Signer {
    encoding: EncodingKey,
    decoding: DecodingKey,
}

impl Signer {
    pub(crate) fn new() -> Self {
        let secret = random::<32>();
        Self { encoding: EncodingKey::from_secret(&secret), decoding: DecodingKey::from_secret(&secret) }
    }

    pub(crate) fn sign(&self, claims: &Claims) -> Result<String, Refusal> {
        jsonwebtoken::encode(&Header::new(Algorithm::HS256), claims, &self.encoding)
            .map_err(|_| Refusal::of(http::StatusCode::INTERNAL_SERVER_ERROR, "not-signed"))
    }

    /// The account and the claims of a token that this bank's strategy `iss` signed, and that is not over.
    pub(crate) fn read(&self, token: &str, iss: &str, now: i64) -> Result<(AccountId, Claims), Refusal> {
        let mut validation = Validation::new(Algorithm::HS256);
        // The library would ask the wall clock.
        validation.validate_exp = false;
        validation.validate_aud = false;
        let claims =
            jsonwebtoken::decode::<Claims>(token, &self.decoding, &validation).map_err(|_| Refusal::NOBODY)?.claims;
        let account = AccountId::from_text(&claims.sub).ok_or(Refusal::NOBODY)?;
        if claims.iss != iss || claims.exp <= now {
            return Err(Refusal::NOBODY);
        }
        Ok((account, claims))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::encode;

    fn claims() -> Claims {
        let account = AccountId::from_text("3").unwrap();
        Claims::new("S1", account, "ann@bank.test", 1000, ACCESS)
    }

    #[test]
    fn a_token_is_good_until_its_second_of_expiry_and_only_at_its_own_bank() {
        let signer = Signer::new();
        let token = signer.sign(&claims()).unwrap();
        assert_eq!(signer.read(&token, "S1", 1000 + ACCESS - 1).unwrap().0.to_text(), "3");
        assert_eq!(signer.read(&token, "S1", 1000 + ACCESS).unwrap_err(), Refusal::NOBODY);
        assert_eq!(signer.read(&token, "S2", 1001).unwrap_err(), Refusal::NOBODY);
        assert_eq!(Signer::new().read(&token, "S1", 1001).unwrap_err(), Refusal::NOBODY);
    }

    #[test]
    fn a_token_without_a_signature_is_refused() {
        let signer = Signer::new();
        let token = signer.sign(&claims()).unwrap();
        let payload = token.split('.').nth(1).unwrap();
        for header in [r#"{"alg":"none","typ":"JWT"}"#, r#"{"alg":"None"}"#, r#"{"alg":"HS256"}"#] {
            let forged = format!("{}.{payload}.", encode(header.as_bytes()));
            assert_eq!(signer.read(&forged, "S1", 1001).unwrap_err(), Refusal::NOBODY, "{header}");
        }
    }
}
