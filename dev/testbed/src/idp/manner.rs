//! The ways in which a provider behaves.

/// How it behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// As it should.
    Honest,
    /// ID tokens name another issuer.
    WrongIssuer,
    /// ID tokens are for another client.
    WrongAudience,
    /// ID tokens carry the nonce of another log-in.
    SwappedNonce,
    /// ID tokens are not signed (`alg: none`).
    Unsigned,
    /// ID tokens are signed with a secret that everybody knows: the public key (RFC 8725 §2.1).
    SecretOfPublicKey,
    /// ID tokens are signed by a key that it does not publish, under the name of one that it does.
    StrangersKey,
    /// ID tokens expired an hour ago.
    Expired,
    /// In the place of an ID token stands an access token.
    AccessToken,
    /// Its metadata names another issuer.
    LyingDiscovery,
    /// Its metadata sends the client's secret to an address without TLS on another host.
    PlainEndpoints,
    /// A hundred megabytes of metadata.
    Huge,
    /// Every document is elsewhere, and elsewhere is here.
    Redirects,
    /// Metadata that is no JSON.
    Garbage,
    /// Promises `iss` in its answers (RFC 9207), and leaves it out.
    NoIss,
    /// Connections break off.
    HangsUp,
    /// It answers everything, a blank at a time, and never comes to an end.
    Slow,
    /// It says that its users' addresses are not confirmed.
    Unconfirmed,
    /// A refreshed ID token is about somebody else.
    SomebodyElse,
    /// It has ended every session: no refresh token is good any longer.
    Ended,
}
