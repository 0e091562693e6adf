//! Names of clients. None can be taken for the name of an account, which stands in the same claim (RFC 9700 §4.15).

use crate::id::AccountId;
use std::fmt;
use std::str::FromStr;

/// The `client_id` of a service: 1 to 64 lower-case letters, digits, "-", "." and "_", the first one a letter.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ClientId(String);

/// The text is no name of a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "not 1 to 64 lower-case letters, digits, \"-\", \".\" and \"_\" that begin with a letter, or like the name of an account, or taken"
)]
pub struct NotAClientId;

/// What tokens of people say as their client: the browser's side of every session is this program itself.
const OUR_OWN: &str = "cloakroom";

impl ClientId {
    /// The longest, in bytes.
    pub const MAX: usize = 64;

    /// As it stands in tokens.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ClientId {
    type Err = NotAClientId;

    fn from_str(text: &str) -> Result<Self, NotAClientId> {
        let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-._".contains(&byte);
        let begins_well = text.bytes().next().is_some_and(|byte| byte.is_ascii_lowercase());
        if !begins_well
            || text.len() > Self::MAX
            || !text.bytes().all(is_plain)
            || text == OUR_OWN
            || text.parse::<AccountId>().is_ok()
        {
            return Err(NotAClientId);
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for ClientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r97_26_no_client_is_called_like_an_account() {
        for good in ["billing", "a", "report-runner.eu_1", "aaaaaaaaaaaaaaaaaaaaa", "aaaaaaaaaaaaaaaaaaaaaaa"] {
            assert!(good.parse::<ClientId>().is_ok(), "{good}");
        }
        // 22 characters of base64url are an account's name.
        let account = "aaaaaaaaaaaaaaaaaaaaaa";
        assert_eq!(account.len(), 22);
        for bad in [
            "",
            "Billing",
            "1a",
            "-a",
            "a b",
            "a:b",
            "a/b",
            "cloakroom",
            "ü",
            "aaaaaaaaaaaaaaaaaaaaag",
            &"a".repeat(65),
        ] {
            assert_eq!(bad.parse::<ClientId>(), Err(NotAClientId), "{bad}");
        }
    }
}
