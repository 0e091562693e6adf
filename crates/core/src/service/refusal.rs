//! Every way in which the token endpoint and its neighbours say no. `web` maps each to an error code of RFC 6749 §5.2.

/// Why a client does not get what it asks for. None carries anything that it sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// A parameter that is needed is missing, comes twice, or cannot be read.
    Malformed,
    /// Parameters stand in the URL, which ends in logs.
    ParametersInUrl,
    /// The client shows who it is in more than one way (RFC 6749 §2.3).
    AuthenticatedTwice,
    /// The client is unknown, or does not prove that it is who it says.
    ClientUnproven,
    /// The same as [`Self::ClientUnproven`], by an assertion that came before.
    ClientReplayed,
    /// The keys of the client cannot be fetched from its `jwks_uri` now.
    KeysUnavailable,
    /// `grant_type` is none that exists here.
    GrantUnknown,
    /// The client may not get tokens in this way.
    GrantNotAllowed,
    /// The assertion is no good.
    AssertionInvalid,
    /// The assertion's `exp` lies too far ahead, or its `iat` too far back.
    AssertionTooLong,
    /// The assertion is about somebody else than its client.
    AssertionAboutOthers,
    /// The assertion came before.
    AssertionReplayed,
    /// There are several audiences to choose from, and none was named.
    TargetMissing,
    /// The client may not get tokens for this audience.
    TargetNotAllowed,
    /// A token is for one audience, and several were named.
    TargetAmbiguous,
    /// `scope` is none.
    ScopeMalformed,
    /// More than the client, or the presented token, may.
    ScopeNotAllowed,
    /// `subject_token_type` or `requested_token_type` is none that exists here.
    TokenTypeUnknown,
    /// `actor_token` is not taken: the client itself acts.
    ActorTokenUnsupported,
    /// The subject token is not genuine, over, or revoked; or its session is.
    SubjectInvalid,
    /// The subject token is for another audience than the client.
    SubjectNotForClient,
    /// The subject token is of a client, not of a person.
    SubjectNotAPerson,
    /// Too many have acted already.
    TooManyActors,
    /// The refresh token is no good, or not one that a program holds.
    RefreshInvalid,
    /// Another refresh of this token was faster by a moment.
    RefreshRaced,
    /// What came from a browser gets nothing here.
    FromBrowser,
    /// The token was granted to another client (RFC 7009 §2.1).
    RevocationOfOthers,
    /// Tokens of this kind cannot be revoked one by one (RFC 7009 §2.2.1).
    NotRevocable,
}
