//! An account of another system as operators write it down, in a line of `accounts import` and in `POST /admin/accounts/import`:
//! read, or told what is wrong with it. Nothing of it is repeated: a hash may stand anywhere.

use serde::Deserialize;
use serde_json::Value;

/// An account of another system.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ForeignAccount {
    /// Its address.
    pub(crate) email: String,
    /// The hash of its password.
    pub(crate) hash: String,
    /// Whether the other system has confirmed the address.
    #[serde(default)]
    pub(crate) verified: bool,
}

impl ForeignAccount {
    /// Reads one JSON object, or names the member that is missing or wrong.
    pub(crate) fn read(json: &[u8]) -> Result<Self, &'static str> {
        serde_json::from_slice(json).map_err(|_| wrong(json))
    }
}

fn wrong(json: &[u8]) -> &'static str {
    let Ok(Value::Object(members)) = serde_json::from_slice(json) else {
        return "this is not a JSON object with \"email\", \"hash\" and, if need be, \"verified\"";
    };
    for (name, missing, other) in [
        ("email", "\"email\" is missing", "\"email\" is not a text"),
        ("hash", "\"hash\" is missing", "\"hash\" is not a text; for an account without a password it is \"!\""),
    ] {
        match members.get(name) {
            Some(Value::String(_)) => {}
            Some(_) => return other,
            None => return missing,
        }
    }
    match members.get("verified") {
        None | Some(Value::Bool(_)) if members.keys().all(|name| ["email", "hash", "verified"].contains(&&**name)) => {
            "a member is there twice"
        }
        None | Some(Value::Bool(_)) => "there is a member besides \"email\", \"hash\" and \"verified\"",
        Some(_) => "\"verified\" is neither true nor false",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_or_wrong_is_named_and_nothing_is_repeated() {
        for (json, reason) in [
            ("", "not a JSON object"),
            ("[\"hunter2\"]", "not a JSON object"),
            ("{\"hash\":\"hunter2\"}", "\"email\" is missing"),
            ("{\"email\":7,\"hash\":\"hunter2\"}", "\"email\" is not a text"),
            ("{\"email\":\"a@b.example\"}", "\"hash\" is missing"),
            ("{\"email\":\"a@b.example\",\"hash\":null}", "\"hash\" is not a text"),
            ("{\"email\":\"a@b.example\",\"hash\":\"!\",\"verified\":\"yes\"}", "\"verified\" is neither"),
            ("{\"email\":\"a@b.example\",\"hash\":\"!\",\"hunter2\":1}", "a member besides"),
            ("{\"email\":\"a@b.example\",\"hash\":\"!\",\"hash\":\"hunter2\"}", "there twice"),
        ] {
            let said = ForeignAccount::read(json.as_bytes()).err().unwrap();
            assert!(said.contains(reason) && !said.contains("hunter2"), "{json}: {said}");
        }
        let read = ForeignAccount::read(b"{\"email\":\"a@b.example\",\"hash\":\"!\",\"verified\":true}").ok().unwrap();
        assert_eq!((read.email.as_str(), read.hash.as_str(), read.verified), ("a@b.example", "!", true));
    }
}
