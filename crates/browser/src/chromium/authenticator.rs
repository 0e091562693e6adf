//! Virtual authenticators as `DevTools` spells them: options are an object of their own, and binary values are base64 with
//! padding.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};

const BINARY: [&str; 3] = ["credentialId", "privateKey", "userHandle"];

/// The name of a command: the first letter is small.
pub(super) fn command(name: &str) -> String {
    let (first, rest) = name.split_at(1);
    format!("WebAuthn.{}{rest}", first.to_ascii_lowercase())
}

/// Parameters of a command.
pub(super) fn to_devtools(mut params: Value) -> Value {
    if params["protocol"].is_string() {
        params["automaticPresenceSimulation"] = params["isUserConsenting"].take();
        if let Some(options) = params.as_object_mut() {
            options.remove("isUserConsenting");
        }
        return json!({ "options": params });
    }
    if let Some(credential) = params.get_mut("credential") {
        recode(credential, |text| URL_SAFE_NO_PAD.decode(text).ok().map(|bytes| STANDARD.encode(bytes)));
    }
    params
}

/// The answer to a command.
pub(super) fn from_devtools(mut answer: Value) -> Value {
    let credentials = answer.get_mut("credentials").and_then(Value::as_array_mut);
    for credential in credentials.into_iter().flatten() {
        recode(credential, |text| STANDARD.decode(text).ok().map(|bytes| URL_SAFE_NO_PAD.encode(bytes)));
    }
    answer
}

fn recode(credential: &mut Value, other: impl Fn(&str) -> Option<String>) {
    let Some(credential) = credential.as_object_mut() else { return };
    for name in BINARY {
        if let Some(text) = credential.get(name).and_then(Value::as_str).and_then(&other) {
            credential.insert(name.to_owned(), text.into());
        }
    }
}
