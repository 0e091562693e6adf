//! What can go wrong with a key, and why a token is refused. No variant carries text of a token or of a key.

/// A key could not be made, read or used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// A kind of key, curve, algorithm or use that is not for verifying here. In a set, such keys are skipped
    /// (RFC 7517 §5).
    #[error("the key is of a kind, an algorithm or a use that is not supported")]
    Unsupported,
    /// Bytes that are not such a key: not DER, not base64url, a point off its curve, a modulus that is even.
    #[error("the key is malformed")]
    Malformed,
    /// An HMAC key below 32 bytes (RFC 7518 §3.2) or an RSA modulus below 2048 bits (RFC 7518 §3.3).
    #[error("the key is too short for its algorithm")]
    TooShort,
    /// A key that others can break: an RSA modulus with the mark of CVE-2017-15361, a point of low order.
    #[error("the key is known to be weak")]
    Weak,
    /// The name of the key is missing, longer than 256 bytes, or not printable ASCII.
    #[error("the key's id is missing or not 1 to 256 printable ASCII characters")]
    BadKid,
    /// Two keys of a set have one name.
    #[error("two keys have the same id")]
    DuplicateKid,
    /// A set over 64 KiB or of more than 64 keys, a key over 16 KiB, or a token over [`crate::MAX_TOKEN`].
    #[error("too large")]
    TooLarge,
    /// The claims are not a JSON object.
    #[error("the claims do not serialise to a JSON object")]
    BadClaims,
    /// What was sealed was changed, or sealed under another key or for another purpose.
    #[error("the sealed bytes do not open with this key")]
    NotOpened,
    /// The cryptographic library refused: no entropy, no memory.
    #[error("the cryptographic library failed")]
    Library,
}

impl From<aws_lc_rs::error::Unspecified> for KeyError {
    fn from(_: aws_lc_rs::error::Unspecified) -> Self {
        Self::Library
    }
}

impl From<aws_lc_rs::error::KeyRejected> for KeyError {
    fn from(_: aws_lc_rs::error::KeyRejected) -> Self {
        Self::Malformed
    }
}

/// Why a token is not accepted. For logs and metrics; a client learns only that its token is not valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Refused {
    /// Not three parts of canonical base64url, or a header that is not a JSON object with unique members.
    #[error("the token is malformed")]
    Malformed,
    /// Over [`crate::MAX_TOKEN`], or its header over [`crate::MAX_HEADER`].
    #[error("the token is too large")]
    TooLarge,
    /// The header names an algorithm that does not exist here, or another one than its key is bound to.
    #[error("the token's algorithm is not allowed")]
    AlgorithmNotAllowed,
    /// The header names an extension that must be understood (RFC 7515 §4.1.11); none is.
    #[error("the token has a critical header")]
    CriticalHeader,
    /// The header brings a key or says where to fetch one: `jwk`, `jku`, `x5c`, `x5u`. Ignoring it would be safe too,
    /// but no issuer that we trust sends one, so it is worth seeing in the metrics.
    #[error("the token brings a key of its own")]
    KeyInHeader,
    /// The header asks for what is not done here: compression (`zip`), encryption (`enc`), unencoded content (`b64`).
    #[error("the token's header asks for an unsupported feature")]
    UnsupportedHeader,
    /// No key has the `kid` of the header, or there is none in it.
    #[error("the token's key is unknown")]
    UnknownKey,
    /// The signature does not match.
    #[error("the token's signature is wrong")]
    BadSignature,
    /// `typ` is missing or of another kind of token (RFC 8725 §3.11).
    #[error("the token is of another type")]
    WrongType,
    /// `iss` is not the expected issuer.
    #[error("the token is of another issuer")]
    WrongIssuer,
    /// `sub` is not the client that the assertion is from.
    #[error("the assertion is about another subject than its client")]
    WrongSubject,
    /// `exp` lies further ahead than is accepted of an assertion, or `iat` further back.
    #[error("the assertion lives for too long")]
    LivesTooLong,
    /// Nobody but a service stands behind it, where a person is asked for. This crate never says so; its callers do.
    #[error("the token is of a service, and a person is asked for")]
    NoPerson,
    /// `aud` does not contain the expected audience.
    #[error("the token is for another audience")]
    WrongAudience,
    /// `exp` has passed.
    #[error("the token has expired")]
    Expired,
    /// `nbf` or `iat` lies in the future.
    #[error("the token is not valid yet")]
    NotYetValid,
    /// A required claim is missing, of a wrong type or out of range, a member appears twice, or it nests too deeply.
    #[error("the token's claims are missing or malformed")]
    BadClaims,
}
