//! The token of a request (RFC 6750 §2.1): from `Authorization` and from nowhere else. A token in a form or in a URL ends
//! in logs, and is not read.

use http::HeaderMap;
use http::header::AUTHORIZATION;

use crate::problem::Refusal;

/// The text after `Bearer`. Two `Authorization` are refused: somebody else may go by the other one.
pub(crate) fn token(headers: &HeaderMap) -> Result<&str, Refusal> {
    let mut lines = headers.get_all(AUTHORIZATION).iter();
    let line = match (lines.next(), lines.next()) {
        (None, _) => return Err(Refusal::TokenMissing),
        (Some(line), None) => line.as_bytes(),
        _ => return Err(Refusal::AuthorizationTwice),
    };
    let (scheme, rest) = line.split_at(line.iter().position(|byte| *byte == b' ').unwrap_or(line.len()));
    if !scheme.eq_ignore_ascii_case(b"bearer") {
        return Err(Refusal::TokenMissing);
    }
    // What is no text is no token either, but one was sent.
    Ok(std::str::from_utf8(rest).unwrap_or_default().trim_matches(' '))
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn of(lines: &[&'static str]) -> Result<String, Refusal> {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(AUTHORIZATION, HeaderValue::from_static(line));
        }
        token(&headers).map(str::to_owned)
    }

    #[test]
    fn one_bearer_token_is_read_and_two_are_refused() {
        for line in ["Bearer a.b.c", "bearer a.b.c", "BEARER   a.b.c "] {
            assert_eq!(of(&[line]).as_deref(), Ok("a.b.c"), "{line}");
        }
        for none in [&[][..], &["Basic YTpi"], &["a.b.c"], &["Bearera.b.c"]] {
            assert_eq!(of(none), Err(Refusal::TokenMissing), "{none:?}");
        }
        assert_eq!(of(&["Bearer"]).as_deref(), Ok(""));
        assert_eq!(of(&["Bearer a", "Bearer a"]), Err(Refusal::AuthorizationTwice));
        assert_eq!(of(&["Bearer a", "Basic b"]), Err(Refusal::AuthorizationTwice));
    }
}
