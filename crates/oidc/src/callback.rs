//! What a browser brings back to the redirect URI, read within bounds. Judges only its form: whether it belongs to an
//! attempt is for `provider/redeem.rs`.

use url::form_urlencoded;

/// The parameters of an authorization response (RFC 6749 §4.1.2, RFC 9207 §2). No `Debug`: a code is a secret. All of
/// it is text of strangers.
#[derive(Default)]
pub struct Callback {
    /// The code to redeem.
    pub code: Option<String>,
    /// The name of the attempt.
    pub state: Option<String>,
    /// The issuer that answers.
    pub iss: Option<String>,
    /// Why there is no code.
    pub error: Option<String>,
    /// Free text for developers; is never shown.
    pub error_description: Option<String>,
}

/// Why a query is no authorization response.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallbackError {
    /// Over 8 KiB, or more than 32 parameters.
    #[error("the answer is too large")]
    TooLarge,
    /// A parameter twice (RFC 6749 §3.1), or both a code and an error.
    #[error("the answer contradicts itself")]
    Doubled,
    /// A token, or a `response` (JARM): answers of flows that are not used here.
    #[error("the answer is one that was not asked for")]
    NotAsked,
}

/// In bytes of the query.
const LONGEST: usize = 8 * 1024;
const MOST: usize = 32;

impl Callback {
    /// Reads the query of the redirect, without its `?`. Parameters without meaning here are ignored (RFC 6749 §4.1.2),
    /// but none may come twice.
    pub fn parse(query: &str) -> Result<Self, CallbackError> {
        if query.len() > LONGEST {
            return Err(CallbackError::TooLarge);
        }
        let mut callback = Self::default();
        let mut names = Vec::new();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            if names.contains(&name) {
                return Err(CallbackError::Doubled);
            }
            if names.len() == MOST {
                return Err(CallbackError::TooLarge);
            }
            let value = Some(value.into_owned());
            match &*name {
                "code" => callback.code = value,
                "state" => callback.state = value,
                "iss" => callback.iss = value,
                "error" => callback.error = value,
                "error_description" => callback.error_description = value,
                "access_token" | "id_token" | "token_type" | "response" => return Err(CallbackError::NotAsked),
                _ => {}
            }
            names.push(name);
        }
        if callback.code.is_some() && callback.error.is_some() { Err(CallbackError::Doubled) } else { Ok(callback) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(query: &str) -> Option<CallbackError> {
        Callback::parse(query).err()
    }

    #[test]
    fn the_parameters_are_read_and_others_are_ignored() {
        let callback = Callback::parse("code=a%2Bb&state=s+t&session_state=x&iss=https%3A%2F%2Fi").unwrap();
        assert_eq!(callback.code.as_deref(), Some("a+b"));
        assert_eq!(callback.state.as_deref(), Some("s t"));
        assert_eq!(callback.iss.as_deref(), Some("https://i"));
        assert_eq!((callback.error, callback.error_description), (None, None));
        assert!(Callback::parse("").unwrap().code.is_none());
        let denied = Callback::parse("error=access_denied&error_description=no").unwrap();
        assert_eq!((denied.error.as_deref(), denied.error_description.as_deref()), (Some("access_denied"), Some("no")));
    }

    #[test]
    fn rfc_6749_3_1_a_parameter_that_comes_twice_is_refused() {
        for query in ["code=a&code=a", "state=a&code=b&state=c", "x=1&x=2", "code=a&c%6fde=b", "code=a&error=b"] {
            assert_eq!(refusal(query), Some(CallbackError::Doubled), "{query}");
        }
    }

    #[test]
    fn bba_02_answers_of_other_flows_are_refused() {
        for query in ["access_token=a&state=s", "code=a&id_token=b", "response=a.b.c", "token_type=bearer"] {
            assert_eq!(refusal(query), Some(CallbackError::NotAsked), "{query}");
        }
    }

    #[test]
    fn sizes_are_bounded() {
        assert_eq!(refusal(&format!("code={}", "a".repeat(LONGEST))), Some(CallbackError::TooLarge));
        let many = |count: usize| (0..count).map(|number| format!("p{number}=1")).collect::<Vec<_>>().join("&");
        assert_eq!(refusal(&many(MOST)), None);
        assert_eq!(refusal(&many(MOST + 1)), Some(CallbackError::TooLarge));
    }
}
