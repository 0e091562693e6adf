//! A browser with an authenticator, that tells the truth or can be made to lie about one thing.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use cloakroom_factor::passkey::{Begun, Party, Passkey, Refused};
use serde_json::{Value, json};

use crate::authenticator::Authenticator;

pub(crate) const SITE: &str = "https://login.example.com";
pub(crate) const RP_ID: &str = "example.com";
pub(crate) const ACCOUNT: [u8; 16] = *b"an account's id.";

pub(crate) fn party() -> Party {
    Party::new(RP_ID, SITE, "Cloakroom").unwrap()
}

/// What is said that is not so. The default is the truth of a page of [`SITE`].
#[derive(Clone, Default)]
pub(crate) struct Lie {
    pub(crate) origin: Option<String>,
    pub(crate) rp_id: Option<String>,
    pub(crate) challenge: Option<Vec<u8>>,
    pub(crate) client_data_type: Option<String>,
    /// More members of the client data.
    pub(crate) members: Option<Value>,
    pub(crate) flags: Option<u8>,
}

impl Lie {
    /// The truth of pages on another origin.
    pub(crate) fn at(origin: &str) -> Self {
        Self { origin: Some(origin.to_owned()), ..Self::default() }
    }

    fn client_data(&self, kind: &str, options: &Value) -> Vec<u8> {
        let drawn = options["challenge"].as_str().unwrap().to_owned();
        let mut client_data = json!({
            "type": self.client_data_type.as_deref().unwrap_or(kind),
            "challenge": self.challenge.as_deref().map_or(drawn, base64),
            "origin": self.origin.as_deref().unwrap_or(SITE),
            "crossOrigin": false,
        });
        if let Some(Value::Object(members)) = self.members.clone() {
            client_data.as_object_mut().unwrap().extend(members);
        }
        client_data.to_string().into_bytes()
    }

    fn rp_id(&self, asked: &Value) -> String {
        self.rp_id.clone().unwrap_or_else(|| asked.as_str().unwrap().to_owned())
    }
}

impl Authenticator {
    /// `navigator.credentials.create(options)`, then `toJSON()`.
    pub(crate) fn create(&mut self, options: &str, lie: &Lie) -> Value {
        let options: Value = serde_json::from_str(options).unwrap();
        let options = &options["publicKey"];
        let client_data = lie.client_data("webauthn.create", options);
        let flags = lie.flags.unwrap_or(self.flags);
        let object = self.make_credential(&lie.rp_id(&options["rp"]["id"]), &bytes(&options["user"]["id"]), flags);
        json!({
            "id": base64(&self.id), "rawId": base64(&self.id), "type": "public-key",
            "authenticatorAttachment": "platform", "clientExtensionResults": {"credProps": {"rk": true}},
            "response": {
                "clientDataJSON": base64(&client_data),
                "attestationObject": base64(&object),
                "transports": ["internal", "hybrid"],
            },
        })
    }

    /// `navigator.credentials.get(options)`, then `toJSON()`, without regard to which passkeys are asked for.
    pub(crate) fn get(&mut self, options: &str, lie: &Lie) -> Value {
        let options: Value = serde_json::from_str(options).unwrap();
        let options = &options["publicKey"];
        let client_data = lie.client_data("webauthn.get", options);
        let flags = lie.flags.unwrap_or(self.flags);
        let (data, signature) = self.get_assertion(&lie.rp_id(&options["rpId"]), &client_data, flags);
        json!({
            "id": base64(&self.id), "rawId": base64(&self.id), "type": "public-key",
            "authenticatorAttachment": "platform", "clientExtensionResults": {},
            "response": {
                "clientDataJSON": base64(&client_data),
                "authenticatorData": base64(&data),
                "signature": base64(&signature),
                "userHandle": self.user_handle.as_deref().map(base64),
            },
        })
    }

    /// Enrols its passkey.
    pub(crate) fn enrol(&mut self, party: &Party, lie: &Lie) -> Passkey {
        let begun = party.begin_registration(ACCOUNT, "claire@example.com", &[]).unwrap();
        let response = self.create(&begun.options, lie).to_string();
        party.finish_registration(&response, &begun.state).unwrap()
    }

    /// Answers, and has it judged. What comes back is what is to be stored.
    pub(crate) fn answer(
        &mut self,
        party: &Party,
        begun: &Begun,
        passkeys: &[Passkey],
        lie: &Lie,
    ) -> Result<Option<Passkey>, Refused> {
        let response = self.get(&begun.options, lie).to_string();
        party.finish(&response, &begun.state, passkeys).map(|used| used.changed)
    }
}

pub(crate) fn base64(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

pub(crate) fn bytes(base64: &Value) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(base64.as_str().unwrap()).unwrap()
}
