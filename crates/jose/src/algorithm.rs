//! The signature algorithms that exist here. What is not listed is never executed (RFC 8725 §3.1).

use crate::KeyError;

/// A JWS algorithm. There is no `none`, and no way to add one at run time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Algorithm {
    /// Ed25519 (RFC 8037): the default. Deterministic, small.
    EdDsa,
    /// ECDSA on P-256 with SHA-256 (RFC 7518 §3.4); signatures are r and s, 64 bytes.
    Es256,
    /// RSASSA-PKCS1-v1_5 with SHA-256 (RFC 7518 §3.3), for clients that know nothing else. Keys of 2048 bits have less
    /// than the 128 bits of strength that ASVS 11.2.3 asks for, and its appendix C disallows the padding; both are
    /// here because OpenID Connect makes RS256 mandatory.
    Rs256,
    /// HMAC with SHA-256 (RFC 7518 §3.2): whoever can verify can sign.
    Hs256,
}

impl Algorithm {
    /// Every algorithm there is.
    pub const ALL: [Self; 4] = [Self::EdDsa, Self::Es256, Self::Rs256, Self::Hs256];

    /// Its name in a header, as RFC 7518 §3.1 and RFC 8037 §3.1 spell it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::EdDsa => "EdDSA",
            Self::Es256 => "ES256",
            Self::Rs256 => "RS256",
            Self::Hs256 => "HS256",
        }
    }

    /// Reads what [`Self::as_str`] wrote, and no other spelling: names are case-sensitive (RFC 7515 §4.1.1).
    pub fn from_text(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.as_str() == text)
    }
}

/// The fully specified name of Ed25519 (RFC 9864 §2.2). A key answers to it only when its JWK carries it.
pub(crate) const ED25519: &str = "Ed25519";

/// Whether some key could answer to this name; asked before any key is looked up.
pub(crate) fn is_known(name: &str) -> bool {
    name == ED25519 || Algorithm::from_text(name).is_some()
}

impl std::fmt::Display for Algorithm {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::str::FromStr for Algorithm {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        Self::from_text(text).ok_or(KeyError::Unsupported)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn j87_04_only_the_exact_names_are_algorithms() {
        for algorithm in Algorithm::ALL {
            assert_eq!(algorithm.as_str().parse(), Ok(algorithm));
            assert_eq!(Algorithm::from_text(&algorithm.as_str().to_lowercase()), None);
        }
        for other in
            ["", "none", "None", "NONE", "nOnE", "none ", "EdDSA ", "eddsa", "HS384", "ES521", "RS512", "PS256"]
        {
            assert_eq!(other.parse::<Algorithm>(), Err(KeyError::Unsupported), "{other:?}");
            assert!(!is_known(other), "{other:?}");
        }
    }
}
