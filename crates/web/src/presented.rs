//! How a client shows who it is (RFC 6749 §2.3, RFC 7521 §4.2): in exactly one way, and never by a cookie.

use crate::call::Call;
use crate::problem::Code;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cloakroom_app::service::Presented;
use cloakroom_core::secret::Plain;
use cloakroom_core::service::Refusal;
use http::HeaderMap;
use http::header::AUTHORIZATION;

/// The one type of assertion (RFC 7523 §2.2).
const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// Public clients, the programs that people log in with, may say so: this is what their tokens are granted to.
const OUR_OWN: &str = "cloakroom";

impl Call {
    /// Takes what the request shows of its client. `None` when it shows nothing; two ways are one too many.
    pub(crate) fn presented(&mut self) -> Result<Option<Presented>, Code> {
        let take = |call: &mut Self, name| call.fields.optional(name).map_err(|_| Code::Service(Refusal::Malformed));
        let id = take(self, "client_id")?;
        let secret = take(self, "client_secret")?;
        let assertion = take(self, "client_assertion")?;
        let kind = take(self, "client_assertion_type")?;
        let basic = basic(&self.parts.headers)?;
        let ways = usize::from(basic.is_some()) + usize::from(secret.is_some()) + usize::from(assertion.is_some());
        if ways > 1 {
            return Err(Code::Service(Refusal::AuthenticatedTwice));
        }
        if assertion.is_some() != kind.is_some() {
            return Err(Code::Service(Refusal::Malformed));
        }
        match (basic, secret, assertion, id) {
            (Some((known, _)), _, _, Some(id)) if known != id => Err(Code::Service(Refusal::Malformed)),
            (Some((id, secret)), ..) => Ok(Some(Presented::Secret { id, secret })),
            (_, Some(_), _, None) => Err(Code::Service(Refusal::Malformed)),
            (_, Some(secret), _, Some(id)) => {
                Ok(Some(Presented::Secret { id, secret: Plain::new(secret.into_bytes()) }))
            }
            (_, _, Some(_), _) if kind.as_deref() != Some(JWT_BEARER) => Err(Code::Service(Refusal::ClientUnproven)),
            (_, _, Some(assertion), id) => Ok(Some(Presented::Assertion { id, assertion })),
            // A name alone proves nothing.
            (None, None, None, Some(id)) if id != OUR_OWN => Err(Code::Service(Refusal::ClientUnproven)),
            (None, None, None, _) => Ok(None),
        }
    }
}

/// Id and secret of `Authorization: Basic`, each form-encoded (RFC 6749 §2.3.1). Any other scheme is no way to show who a
/// client is, and two such headers are one too many.
fn basic(headers: &HeaderMap) -> Result<Option<(String, Plain)>, Code> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let value = match (values.next(), values.next()) {
        (None, _) => return Ok(None),
        (Some(value), None) => value,
        _ => return Err(Code::Service(Refusal::AuthenticatedTwice)),
    };
    let unproven = || Code::Service(Refusal::ClientUnproven);
    let (scheme, rest) = value.to_str().ok().and_then(|text| text.split_once(' ')).ok_or_else(unproven)?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return Err(unproven());
    }
    let decoded = STANDARD.decode(rest.trim_matches(' ')).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let decoded = decoded.ok_or_else(unproven)?;
    let (id, secret) = decoded.split_once(':').ok_or_else(unproven)?;
    Ok(Some((form_decoded(id), Plain::new(form_decoded(secret).into_bytes()))))
}

/// Decodes one value of a form. `&` and `=` stand for themselves where a client did not encode them.
fn form_decoded(text: &str) -> String {
    let escaped = text.replace('&', "%26").replace('=', "%3D");
    url::form_urlencoded::parse(escaped.as_bytes()).next().map(|(text, _)| text.into_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn read(lines: &[&str]) -> Result<Option<(String, String)>, Code> {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(AUTHORIZATION, HeaderValue::from_str(line).unwrap());
        }
        let text = |secret: Plain| String::from_utf8(secret.reveal().to_vec()).unwrap();
        basic(&headers).map(|found| found.map(|(id, secret)| (id, text(secret))))
    }

    fn encoded(text: &str) -> String {
        format!("Basic {}", STANDARD.encode(text))
    }

    #[test]
    fn rfc6749_2_3_1_id_and_secret_are_form_encoded_in_the_header() {
        // The example of RFC 6749 §2.3.1.
        let example = "Basic czZCaGRSa3F0Mzo3RmpmcDBaQnIxS3REUmJuZlZkbUl3";
        assert_eq!(read(&[example]), Ok(Some(("s6BhdRkqt3".into(), "7Fjfp0ZBr1KtDRbnfVdmIw".into()))));
        assert_eq!(read(&[&encoded("a:b%3Ac%20d+e")]), Ok(Some(("a".into(), "b:c d e".into()))));
        assert_eq!(read(&[&encoded("a:b&c=d:e")]), Ok(Some(("a".into(), "b&c=d:e".into()))));
        assert_eq!(read(&[]), Ok(None));
        for none in ["Bearer abc", "Basic", "Basic !!", &encoded("nocolon"), "Digest a"] {
            assert_eq!(read(&[none]), Err(Code::Service(Refusal::ClientUnproven)), "{none}");
        }
        assert_eq!(read(&[example, example]), Err(Code::Service(Refusal::AuthenticatedTwice)));
    }
}
