//! Proofs of possession by a key of the attacker's own (RFC 9449 4): what binds a token to him as well as to anybody.

use anyhow::{Context as _, Result};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256, PublicKeyData as _};
use serde_json::{Value, json};

/// A key pair.
pub(crate) struct Key {
    signing: EncodingKey,
    public: Jwk,
}

impl Key {
    /// A new one.
    pub(crate) fn new() -> Result<Self> {
        let pair = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        // An uncompressed point: 4, then x and y of 32 bytes each (SEC 1 2.3.3).
        let point = pair.der_bytes().get(1..65).context("a point of P-256")?;
        let (x, y) = point.split_at(32);
        let public =
            json!({ "kty": "EC", "crv": "P-256", "x": URL_SAFE_NO_PAD.encode(x), "y": URL_SAFE_NO_PAD.encode(y) });
        Ok(Self { signing: EncodingKey::from_ec_der(&pair.serialize_der()), public: serde_json::from_value(public)? })
    }

    /// A proof for one request; `token` if it carries one.
    pub(crate) fn proof(&self, method: &str, url: &str, token: Option<&str>, number: u64) -> Result<String> {
        let mut header = Header::new(Algorithm::ES256);
        header.typ = Some("dpop+jwt".to_owned());
        header.jwk = Some(self.public.clone());
        let mut claims = json!({ "htm": method, "htu": url, "iat": crate::world::unix_seconds(), "jti": format!("the-thiefs-{number}-{:p}", self) });
        if let (Some(token), Value::Object(claims)) = (token, &mut claims) {
            let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, token.as_bytes());
            claims.insert("ath".to_owned(), URL_SAFE_NO_PAD.encode(hash).into());
        }
        Ok(jsonwebtoken::encode(&header, &claims, &self.signing)?)
    }
}
