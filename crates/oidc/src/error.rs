//! What can go wrong between us and a provider: one variant for each thing, so that a page can say what happened. No
//! variant carries text that a provider or a browser sent.

use cloakroom_jose::{KeyError, Refused};

/// Why a log-in, a refresh or a log-out did not work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The provider cannot be reached, answers 5xx, 408 or 429, or did so a moment ago. Worth another try; says nothing
    /// about the user.
    #[error("the provider cannot be reached")]
    Outage,
    /// The provider answered with a redirect where none is followed.
    #[error("the provider answered with a redirect, which is not followed")]
    Redirected,
    /// An answer beyond its bound.
    #[error("the provider's answer is too large")]
    TooLarge,
    /// The metadata names another issuer than the configured one (OpenID Connect Discovery 1.0 §4.3).
    #[error("the provider's metadata is that of another issuer")]
    MetadataIssuer,
    /// The metadata cannot be used.
    #[error("the provider's metadata {0}")]
    Metadata(&'static str),
    /// The provider's key set cannot be fetched as one.
    #[error("the provider's key set {0}")]
    KeySet(&'static str),
    /// A key of the provider's key set cannot be right, or none of them is of use here.
    #[error("the provider's keys are unusable: {0}")]
    Keys(KeyError),
    /// The attempt was begun with another provider than the one whose redirect URI was called (RFC 9700 §4.4).
    #[error("the log-in was begun with another provider")]
    WrongProvider,
    /// `state` is missing or not that of the attempt (RFC 6749 §10.12).
    #[error("the answer does not belong to this log-in")]
    WrongState,
    /// `iss` is missing although the metadata promise it (RFC 9207 §2.4).
    #[error("the answer does not say which provider it is from")]
    IssuerMissing,
    /// `iss` is another issuer: a mix-up (RFC 9207 §2.4).
    #[error("the answer is from another provider")]
    WrongIssuer,
    /// Neither a code nor an error.
    #[error("the answer has no code")]
    CodeMissing,
    /// The provider said no. Only a registered code is repeated; any other reads `unregistered`.
    #[error("the provider refused: {error}")]
    Denied {
        /// Such as `access_denied` (RFC 6749 §4.1.2.1, §5.2, OpenID Connect Core 1.0 §3.1.2.6).
        error: &'static str,
    },
    /// The code or refresh token is expired, revoked, used, or somebody else's (RFC 6749 §5.2). Final.
    #[error("the provider does not accept the code or refresh token any more")]
    InvalidGrant,
    /// The answer of the token endpoint is not what RFC 6749 §5.1 and OpenID Connect Core 1.0 §3.1.3.3 ask for.
    #[error("the provider's token response {0}")]
    TokenResponse(&'static str),
    /// A token's form, signature, kind, issuer or time is wrong.
    #[error("a token of the provider is refused: {0}")]
    TokenRefused(Refused),
    /// `aud` does not name us, or `azp` names another client (OpenID Connect Core 1.0 §3.1.3.7).
    #[error("the token is for another client")]
    AudienceMismatch,
    /// The ID token's `nonce` is missing or not that of the attempt.
    #[error("the ID token belongs to another log-in")]
    NonceMismatch,
    /// `iat` lies more than a day back.
    #[error("the token was made too long ago")]
    TooOld,
    /// `sub` is missing, empty, or longer than 255 bytes.
    #[error("the token names no usable subject")]
    Subject,
    /// `at_hash` is not the hash of the access token that came along (OpenID Connect Core 1.0 §3.1.3.6).
    #[error("the access token is not the one that the ID token was issued with")]
    AccessTokenMismatch,
    /// `max_age` was asked for, and there is no `auth_time`.
    #[error("the ID token does not say when the user authenticated")]
    AuthTimeMissing,
    /// `max_age` was asked for, and the user authenticated before.
    #[error("the user authenticated too long ago")]
    AuthenticationTooOld,
    /// The refreshed ID token is about somebody else (OpenID Connect Core 1.0 §12.2).
    #[error("the refreshed ID token is about another subject")]
    SubChanged,
    /// What a logout token lacks or has too much (OpenID Connect Back-Channel Logout 1.0 §2.6).
    #[error("the logout token {0}")]
    LogoutToken(&'static str),
    /// The client's own assertion could not be made: no entropy.
    #[error("the client's assertion cannot be signed: {0}")]
    Assertion(KeyError),
}
