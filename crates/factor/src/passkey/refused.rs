//! Why an answer is refused: short, for the log, without anything that the browser sent.

use webauthn_rs::prelude::WebauthnError;

/// Why a ceremony did not end well.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Too long, or not what the browser's interface hands out.
    #[error("not a response of WebAuthn")]
    Malformed,
    /// The credential is none of those that may answer.
    #[error("the passkey is none of those that may answer")]
    Unknown,
    /// Its counter did not move forward: two authenticators may hold one key (`WebAuthn` §6.1.1).
    #[error("the passkey's counter did not move forward; it may have been copied")]
    Copied,
    /// A check of the standard failed.
    #[error("the response is wrong: {0}")]
    Wrong(Check),
    /// The state is of another ceremony, or it or the stored passkey cannot be read. A fault of ours.
    #[error("the ceremony's state or the stored passkey cannot be read")]
    Kept,
}

/// The check that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Check {
    /// An enrolment where a log-in was asked for, or the other way round.
    #[error("it is of the other ceremony")]
    Ceremony,
    /// Not the challenge of this ceremony.
    #[error("challenge")]
    Challenge,
    /// From a page of another origin.
    #[error("origin")]
    Origin,
    /// From a page in a frame of another site.
    #[error("it came out of a frame of another site")]
    Frame,
    /// For another relying party.
    #[error("relying party id")]
    Party,
    /// Nobody touched the authenticator.
    #[error("user not present")]
    Presence,
    /// The authenticator did not verify its user.
    #[error("user not verified")]
    Verification,
    /// The signature is not of this passkey over this response.
    #[error("signature")]
    Signature,
    /// A key of another kind than asked for, or of an authenticator that the account has already.
    #[error("a kind of key that was not asked for, or a passkey that is enrolled already")]
    Credential,
    /// What it says about its backup contradicts itself or what it said before.
    #[error("state of backup")]
    Backup,
    /// Its attestation, for which nobody asked, is wrong.
    #[error("attestation, or a check that has no name here")]
    Other,
}

impl From<WebauthnError> for Refused {
    fn from(error: WebauthnError) -> Self {
        Self::Wrong(match error {
            WebauthnError::ParseBase64Failure(_)
            | WebauthnError::ParseCBORFailure(_)
            | WebauthnError::ParseJSONFailure(_)
            | WebauthnError::ParseNOMFailure
            | WebauthnError::ParseInsufficientBytesAvailable
            | WebauthnError::MissingAttestationCredentialData => return Self::Malformed,
            WebauthnError::CredentialNotFound => return Self::Unknown,
            WebauthnError::CredentialPossibleCompromise => return Self::Copied,
            WebauthnError::InvalidClientDataType => Check::Ceremony,
            WebauthnError::MismatchedChallenge => Check::Challenge,
            WebauthnError::InvalidRPOrigin => Check::Origin,
            WebauthnError::CredentialCrossOrigin => Check::Frame,
            WebauthnError::InvalidRPIDHash => Check::Party,
            WebauthnError::UserNotPresent => Check::Presence,
            WebauthnError::UserNotVerified => Check::Verification,
            WebauthnError::AuthenticationFailure | WebauthnError::SignatureInvalid => Check::Signature,
            WebauthnError::CredentialAlteredAlgFromRequest | WebauthnError::CredentialExcludedFromRequest => {
                Check::Credential
            }
            WebauthnError::CredentialBackupEligibilityInconsistent | WebauthnError::CredentialMayNotBeHardwareBound => {
                Check::Backup
            }
            _ => Check::Other,
        })
    }
}
