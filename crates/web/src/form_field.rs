//! The form token in the body of a form that is on its way to an upstream. The body is not parsed: a token that belongs to
//! the session is unguessable, so wherever it stands, whoever wrote the form knew it.

/// The name of the field, in any of the three encodings of forms.
const FIELD: &[u8] = b"cloakroom_csrf";

/// Characters of a form token.
const LENGTH: usize = 75;

/// Characters that an encoding may put between the two.
const BETWEEN: usize = 8;

/// The longest that all of it can be.
pub const FORM_TOKEN_LENGTH: usize = FIELD.len() + BETWEEN + LENGTH;

/// Finds the token: the name of the field, then at most a few characters of the encoding (`=`, or `"`, CR and LF), then the
/// token. `None` when there is none, or not all of it yet.
pub fn form_token_in(body: &[u8]) -> Option<String> {
    let at = body.windows(FIELD.len()).position(|window| window == FIELD)?;
    let rest = body.get(at + FIELD.len()..)?;
    let start = rest.iter().take(BETWEEN).position(|byte| !b"=\"\r\n".contains(byte))?;
    let token = rest.get(start..start + LENGTH)?;
    let plain = token.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(byte));
    plain.then(|| String::from_utf8_lossy(token).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_is_found_in_every_encoding_of_forms() {
        let token = "a".repeat(LENGTH);
        for body in [
            format!("to=bob&cloakroom_csrf={token}&amount=5"),
            format!("--x\r\nContent-Disposition: form-data; name=\"cloakroom_csrf\"\r\n\r\n{token}\r\n--x--"),
            format!("cloakroom_csrf={token}\r\n"),
        ] {
            assert_eq!(form_token_in(body.as_bytes()).as_deref(), Some(token.as_str()), "{body}");
        }
        let short = format!("cloakroom_csrf={}", &token[1..]);
        for body in ["", "cloakroom_csrf", "cloakroom_csrf=", short.as_str(), &format!("csrf={token}")] {
            assert_eq!(form_token_in(body.as_bytes()), None, "{body}");
        }
    }
}
