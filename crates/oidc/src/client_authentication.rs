//! How we prove to a provider that it is us: a form that carries the proof, or a header beside it.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use cloakroom_jose::{KeyError, SigningKey, random};
use serde::Serialize;
use url::form_urlencoded::{Serializer, byte_serialize};

use crate::address::Address;
use crate::answer::MAX_ANSWER;
use crate::error::Error;
use crate::fetch::{FetchRequest, Method};
use crate::settings::{ClientAuthentication, Settings};

/// How long an assertion is good, in seconds. It is used at once, and once.
const ASSERTION_FOR: i64 = 60;

/// A form for an endpoint of the provider, with the client's proof.
pub(crate) fn post(
    settings: &Settings,
    to: &Address,
    parameters: &[(&str, &str)],
    now: i64,
) -> Result<FetchRequest, Error> {
    let mut headers = vec![
        ("accept", "application/json".to_owned()),
        ("content-type", "application/x-www-form-urlencoded".to_owned()),
    ];
    let mut form = Serializer::new(String::new());
    form.extend_pairs(parameters);
    let client = settings.client_id.as_str();
    match &settings.authentication {
        ClientAuthentication::SecretBasic(secret) => headers.push(("authorization", basic(client, secret.reveal()))),
        ClientAuthentication::SecretPost(secret) => {
            form.append_pair("client_id", client).append_pair("client_secret", secret.reveal());
        }
        ClientAuthentication::PrivateKey(key) => {
            let assertion = assertion(key, client, &settings.issuer, now).map_err(Error::Assertion)?;
            // RFC 7521 §4.2: the client id may stand beside the assertion; some providers look it up by that.
            form.append_pair("client_id", client)
                .append_pair("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
                .append_pair("client_assertion", &assertion);
        }
    }
    let body = form.finish().into_bytes();
    Ok(FetchRequest { method: Method::Post, url: to.as_str().to_owned(), headers, body, limit: MAX_ANSWER })
}

/// RFC 6749 §2.3.1: both are encoded as a form would, so that a colon in an id cuts nothing.
fn basic(client: &str, secret: &str) -> String {
    let encoded = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
    format!("Basic {}", STANDARD.encode(format!("{}:{}", encoded(client), encoded(secret))))
}

/// RFC 7523 §3. Its only audience is the issuer, as a string: an assertion for an endpoint's address could be lured out
/// of us by a provider that names another's endpoint as its own (audience injection).
fn assertion(key: &SigningKey, client: &str, issuer: &str, now: i64) -> Result<String, KeyError> {
    #[derive(Serialize)]
    struct Claims<'a> {
        iss: &'a str,
        sub: &'a str,
        aud: &'a str,
        jti: String,
        iat: i64,
        exp: i64,
    }
    let jti = URL_SAFE_NO_PAD.encode(random::<16>()?);
    let exp = now.saturating_add(ASSERTION_FOR);
    key.sign("JWT", &Claims { iss: client, sub: client, aud: issuer, jti, iat: now, exp })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc_6749_2_3_1_id_and_secret_are_form_encoded_before_base64() {
        assert_eq!(basic("s6BhdRkqt3", "7Fjfp0ZBr1KtDRbnfVdmIw"), "Basic czZCaGRSa3F0Mzo3RmpmcDBaQnIxS3REUmJuZlZkbUl3");
        assert_eq!(basic("a:b c", "p%é"), format!("Basic {}", STANDARD.encode("a%3Ab+c:p%25%C3%A9")));
    }
}
