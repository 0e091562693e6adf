//! A passkey in software (`WebAuthn` §6), in a browser that tells the truth of where it is: it signs with another library than the
//! one that the product verifies with.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

/// Somebody is present, and was verified.
const SURE: u8 = 1 | 1 << 2;

/// Data of a new credential follow.
const ATTESTED: u8 = 1 << 6;

pub(crate) struct Passkey {
    key: EcdsaKeyPair,
    id: [u8; 32],
    user: Vec<u8>,
}

impl Passkey {
    /// `navigator.credentials.create` in a page at this origin: the passkey, and what it answers.
    pub(crate) fn create(origin: &str, options: &Value) -> (Self, Value) {
        let options = &options["publicKey"];
        let mut id = [0; 32];
        aws_lc_rs::rand::fill(&mut id).unwrap();
        let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap();
        let user = URL_SAFE_NO_PAD.decode(options["user"]["id"].as_str().unwrap()).unwrap();
        let passkey = Self { key, id, user };
        let mut data = data(options["rp"]["id"].as_str().unwrap(), SURE | ATTESTED);
        data.extend([0; 16]);
        data.extend([0, 32]);
        data.extend(passkey.id);
        // The public key in COSE (RFC 9053 §7.1).
        let (x, y) = passkey.key.public_key().as_ref()[1..].split_at(32);
        data.extend([b"\xa5\x01\x02\x03\x26\x20\x01\x21\x58\x20", x, b"\x22\x58\x20", y].concat());
        let mut object = b"\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData\x58".to_vec();
        object.push(u8::try_from(data.len()).unwrap());
        object.extend(data);
        let client = client_data("webauthn.create", options, origin);
        let response = json!({
            "clientDataJSON": URL_SAFE_NO_PAD.encode(client),
            "attestationObject": URL_SAFE_NO_PAD.encode(object),
            "transports": ["internal"],
        });
        let answer = passkey.answer(&response);
        (passkey, answer)
    }

    /// `navigator.credentials.get` in a page at this origin.
    pub(crate) fn get(&self, origin: &str, options: &Value) -> Value {
        let options = &options["publicKey"];
        let client = client_data("webauthn.get", options, origin);
        let data = data(options["rpId"].as_str().unwrap(), SURE);
        let signed = [&data, digest(&SHA256, &client).as_ref()].concat();
        let signature = self.key.sign(&SystemRandom::new(), &signed).unwrap();
        self.answer(&json!({
            "clientDataJSON": URL_SAFE_NO_PAD.encode(client),
            "authenticatorData": URL_SAFE_NO_PAD.encode(data),
            "signature": URL_SAFE_NO_PAD.encode(signature),
            "userHandle": URL_SAFE_NO_PAD.encode(&self.user),
        }))
    }

    fn answer(&self, response: &Value) -> Value {
        let id = URL_SAFE_NO_PAD.encode(self.id);
        json!({
            "id": id, "rawId": id, "type": "public-key", "authenticatorAttachment": "platform",
            "clientExtensionResults": {}, "response": response,
        })
    }
}

fn data(rp_id: &str, flags: u8) -> Vec<u8> {
    let mut data = digest(&SHA256, rp_id.as_bytes()).as_ref().to_vec();
    data.push(flags);
    data.extend([0; 4]);
    data
}

fn client_data(kind: &str, options: &Value, origin: &str) -> Vec<u8> {
    let said = json!({ "type": kind, "challenge": options["challenge"], "origin": origin, "crossOrigin": false });
    said.to_string().into_bytes()
}
