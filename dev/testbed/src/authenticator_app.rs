//! An authenticator app (RFC 6238), written from the RFC with another library than the one that the product judges codes with.

use aws_lc_rs::hmac;
use cloakroom_core::time::Timestamp;
use url::Url;

/// An app that holds one secret.
#[derive(Clone)]
pub struct AuthenticatorApp {
    key: hmac::Key,
    secret: Vec<u8>,
}

/// Seconds that a code is shown for (RFC 6238 §4.1).
const STEP: i64 = 30;

impl AuthenticatorApp {
    /// Scans what stands in a QR code. Panics unless it is an `otpauth` address with the parameters that every app knows.
    pub fn scan(uri: &str) -> Self {
        let url = Url::parse(uri).unwrap();
        assert_eq!((url.scheme(), url.host_str()), ("otpauth", Some("totp")));
        let parameter = |name: &str| {
            let mut found = url.query_pairs().filter(|(key, _)| key == name).map(|(_, value)| value.into_owned());
            (found.next(), found.next())
        };
        for (name, usual) in [("algorithm", "SHA1"), ("digits", "6"), ("period", "30")] {
            assert!(
                matches!(parameter(name), (None, _)) || parameter(name) == (Some(usual.to_owned()), None),
                "{name}"
            );
        }
        Self::typed(&parameter("secret").0.unwrap())
    }

    /// Types a secret in base 32 (RFC 4648 §6), with blanks between groups as people see it.
    pub fn typed(secret: &str) -> Self {
        let (mut secret_bytes, mut held, mut bits) = (Vec::new(), 0_u32, 0);
        for char in secret.chars().filter(|char| !char.is_whitespace()) {
            let five = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".iter().position(|known| char::from(*known) == char).unwrap();
            held = held << 5 | u32::try_from(five).unwrap();
            bits += 5;
            if bits >= 8 {
                bits -= 8;
                secret_bytes.push(u8::try_from(held >> bits & 0xff).unwrap());
            }
        }
        Self { key: hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &secret_bytes), secret: secret_bytes }
    }

    /// What it shows at an instant, moved by whole steps: -1 is the code before.
    pub fn code(&self, now: Timestamp, steps: i64) -> String {
        let step = now.unix_seconds().div_euclid(STEP) + steps;
        let mac = hmac::sign(&self.key, &step.to_be_bytes());
        let mac = mac.as_ref();
        // Dynamic truncation (RFC 4226 §5.3).
        let at = usize::from(mac[mac.len() - 1] & 0xf);
        let number = u32::from_be_bytes(mac[at..at + 4].try_into().unwrap()) & 0x7fff_ffff;
        format!("{:06}", number % 1_000_000)
    }

    /// Six digits that are none of the codes around an instant.
    pub fn wrong_code(&self, now: Timestamp) -> String {
        let near: Vec<_> = (-2..=2).map(|steps| self.code(now, steps)).collect();
        (0..1_000_000).map(|number| format!("{number:06}")).find(|code| !near.contains(code)).unwrap()
    }

    /// The secret's bytes.
    pub fn secret(&self) -> &[u8] {
        &self.secret
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc_6238_appendix_b_the_codes_are_those_of_the_rfc() {
        let app = AuthenticatorApp::typed("GEZD GNBV GY3T QOJQ GEZD GNBV GY3T QOJQ");
        assert_eq!(app.secret(), b"12345678901234567890");
        for (seconds, code) in
            [(59, "287082"), (1_111_111_109, "081804"), (1_111_111_111, "050471"), (1_234_567_890, "005924")]
        {
            assert_eq!(app.code(Timestamp::from_unix_seconds(seconds), 0), code);
            assert_eq!(app.code(Timestamp::from_unix_seconds(seconds + 30), -1), code);
        }
    }
}
