//! How a secret gets into the app: as text to type, as a URI, as a picture of that URI to point a camera at.
//!
//! Deliberately absent: the page around it, and the first code that proves that it arrived.

use std::fmt::Write as _;

use qrcode::render::svg::Color;
use qrcode::{EcLevel, QrCode};
use totp_rs::Secret as Encoder;
use zeroize::Zeroizing;

use super::{DIGITS, STEP, Secret};

/// A longer URI is refused, in bytes: its picture would be too fine for a phone.
const MAX_URI: usize = 1024;
/// The smallest side of the picture, in pixels of CSS.
const SIDE: u32 = 240;

/// The URI is too long to be drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the URI is too long to be drawn")]
pub struct NoPicture;

impl Secret {
    /// The secret in groups of four, to be typed into an app that sees no picture (base 32, RFC 4648 §6). A secret.
    pub fn base32(&self) -> String {
        let plain = self.plain_base32();
        let mut grouped = String::with_capacity(plain.len() + plain.len() / 4);
        for (at, char) in plain.chars().enumerate() {
            if at > 0 && at % 4 == 0 {
                grouped.push(' ');
            }
            grouped.push(char);
        }
        grouped
    }

    /// The `otpauth://totp/` URI that apps read, a secret. `issuer` is the name of the site, `account` what tells its
    /// accounts apart, usually the address; a colon is taken out of both, since it separates them.
    pub fn uri(&self, issuer: &str, account: &str) -> String {
        let (issuer, account) = (escaped(issuer), escaped(account));
        let secret = self.plain_base32();
        format!(
            "otpauth://totp/{issuer}:{account}?secret={}&issuer={issuer}&algorithm=SHA1&digits={DIGITS}&period={STEP}",
            secret.as_str()
        )
    }

    /// Draws a URI as one `<svg>` element with a quiet zone, black on white in any colour scheme. It brings no script, no
    /// style and no reference, so that the strictest content security policy shows it. A secret, as its URI is.
    pub fn qr_svg(uri: &str) -> Result<String, NoPicture> {
        if uri.len() > MAX_URI {
            return Err(NoPicture);
        }
        let code = QrCode::with_error_correction_level(uri, EcLevel::M).map_err(|_| NoPicture)?;
        let document = Zeroizing::new(code.render::<Color<'_>>().min_dimensions(SIDE, SIDE).build());
        // The XML declaration of a file of its own has no place in a page.
        document.find("<svg").and_then(|start| document.get(start..)).map(str::to_owned).ok_or(NoPicture)
    }

    fn plain_base32(&self) -> Zeroizing<String> {
        Zeroizing::new(Encoder::new_stack(*self.bytes()).to_base32())
    }
}

/// Percent-encoded, all but the unreserved characters (RFC 3986 §2.3), without colons.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes().filter(|byte| *byte != b':') {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            escaped.push(char::from(byte));
        } else {
            // Writing to a text cannot fail.
            let _ = write!(escaped, "%{byte:02X}");
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret() -> Secret {
        Secret::new(*b"12345678901234567890")
    }

    #[test]
    fn rfc_4648_6_the_secret_is_written_in_groups_of_four() {
        assert_eq!(secret().base32(), "GEZD GNBV GY3T QOJQ GEZD GNBV GY3T QOJQ");
    }

    #[test]
    fn the_uri_names_every_parameter() {
        assert_eq!(
            secret().uri("Cloakroom", "claire@example.com"),
            "otpauth://totp/Cloakroom:claire%40example.com?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Cloakroom\
             &algorithm=SHA1&digits=6&period=30"
        );
    }

    #[test]
    fn no_name_breaks_out_of_the_uri() {
        let uri = secret().uri("A & B: C/D?", "x&secret=AAAA#é\"<");
        let parsed = url::Url::parse(&uri).unwrap();
        assert_eq!(parsed.path(), "/A%20%26%20B%20C%2FD%3F:x%26secret%3DAAAA%23%C3%A9%22%3C");
        assert_eq!(parsed.fragment(), None);
        let pairs = parsed.query_pairs().collect::<Vec<_>>();
        let names = pairs.iter().map(|(name, _)| name.as_ref()).collect::<Vec<_>>();
        assert_eq!(names, ["secret", "issuer", "algorithm", "digits", "period"]);
        assert_eq!(pairs[1].1, "A & B C/D?");
    }

    #[test]
    fn the_picture_asks_nothing_of_a_content_security_policy() {
        let svg = Secret::qr_svg(&secret().uri("Cloakroom", "claire@example.com")).unwrap();
        assert!(svg.starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\"") && svg.ends_with("</svg>"));
        assert_eq!(svg.matches("<svg").count(), 1);
        for forbidden in ["<?", "style", "script", "href", "url(", "<image", "<use", "onload", "class="] {
            assert!(!svg.contains(forbidden), "{forbidden}");
        }
    }

    #[test]
    fn a_uri_too_long_for_a_phone_is_not_drawn() {
        assert_eq!(Secret::qr_svg(&"x".repeat(MAX_URI + 1)), Err(NoPicture));
        assert!(Secret::qr_svg(&"x".repeat(MAX_URI)).is_ok());
    }
}
