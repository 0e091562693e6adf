//! Proofs of possession: compact JWS of ES256 whose header may carry the public key. `DPoP` (RFC 9449) and DBSC use it.
//!
//! It checks the form and the signature. What a proof has to say is judged where it is asked for.

use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::secret::{decode, encode, sha256};

/// The longest proof that is read, in bytes.
const LONGEST: usize = 4096;

/// A public key of P-256.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Key {
    x: String,
    y: String,
}

impl Key {
    /// From a JWK; `None` if it is of another kind, or holds the private part too.
    fn from_jwk(jwk: &Value) -> Option<Self> {
        let text = |name| jwk.get(name).and_then(Value::as_str);
        let coordinate = |name| text(name).filter(|text| decode(text).is_some_and(|bytes| bytes.len() == 32));
        if text("kty") != Some("EC") || text("crv") != Some("P-256") || jwk.get("d").is_some() {
            return None;
        }
        Some(Self { x: coordinate("x")?.to_owned(), y: coordinate("y")?.to_owned() })
    }

    /// The SHA-256 thumbprint (RFC 7638).
    pub(crate) fn thumbprint(&self) -> String {
        let Self { x, y } = self;
        encode(&sha256(format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#).as_bytes()))
    }

    /// The claims of `proof`, if this key signed it.
    pub(crate) fn claims<C: DeserializeOwned>(&self, proof: &str) -> Option<C> {
        let mut validation = Validation::new(Algorithm::ES256);
        // Proofs have no `exp`, and `aud` is none of ours.
        validation.required_spec_claims.clear();
        validation.validate_exp = false;
        validation.validate_aud = false;
        let key = DecodingKey::from_ec_components(&self.x, &self.y).ok()?;
        Some(jsonwebtoken::decode::<C>(proof, &key, &validation).ok()?.claims)
    }
}

/// What a proof's header says about its key.
pub(crate) enum Named {
    /// This one.
    Key(Key),
    /// Nothing: whoever asked knows it.
    Nothing,
}

/// What the header of `proof` says about its key; `None` if it is not of this `typ` and ES256, or names an odd key.
pub(crate) fn named(proof: &str, typ: &str) -> Option<Named> {
    if proof.len() > LONGEST {
        return None;
    }
    let header: Value = serde_json::from_slice(&decode(proof.split('.').next()?)?).ok()?;
    let is = |name: &str, wanted: &str| header.get(name).and_then(Value::as_str) == Some(wanted);
    if !is("typ", typ) || !is("alg", "ES256") {
        return None;
    }
    match header.get("jwk") {
        None => Some(Named::Nothing),
        Some(jwk) => Key::from_jwk(jwk).map(Named::Key),
    }
}
