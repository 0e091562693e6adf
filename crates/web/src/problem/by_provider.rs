//! What can go wrong with a log-in by another site.

use http::StatusCode;

/// What went wrong. The text of a code never changes its meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ByProvider {
    /// There is no such provider.
    Unknown,
    /// Not on this host.
    OtherHost,
    /// The provider does not answer.
    Unreachable,
    /// The provider did not log somebody in.
    Denied,
    /// What came from the provider is no good.
    Refused,
    /// This browser does not wait for that answer, or no longer.
    AttemptOver,
    /// The provider confirms no address.
    AddressUnconfirmed,
    /// An account has that address already.
    LinkNeeded,
    /// The identity logs in to another account.
    IdentityTaken,
    /// Who logged in there to approve something is not who has to.
    OtherIdentity,
    /// Nothing else would open the account.
    LastWayIn,
    /// A log-out token is no good.
    LogoutTokenRefused,
    /// An application wants a token of the provider, and this session has none.
    TokenNeeded,
}

impl ByProvider {
    /// Status, code text, title.
    pub(super) const fn parts(self) -> (StatusCode, &'static str, &'static str) {
        match self {
            Self::Unknown => (StatusCode::NOT_FOUND, "unknown-provider", "There is no such provider"),
            Self::OtherHost => {
                (StatusCode::NOT_FOUND, "provider-elsewhere", "That log-in is at another address of this site")
            }
            Self::Unreachable => (StatusCode::BAD_GATEWAY, "provider-unreachable", "The other site does not answer"),
            Self::Denied => (StatusCode::FORBIDDEN, "provider-denied", "The other site did not log you in"),
            Self::Refused => {
                (StatusCode::BAD_GATEWAY, "provider-refused", "What the other site said cannot be trusted")
            }
            Self::AttemptOver => (StatusCode::GONE, "attempt-over", "This log-in is over"),
            Self::AddressUnconfirmed => {
                (StatusCode::FORBIDDEN, "address-unconfirmed", "The other site has not confirmed your address")
            }
            Self::LinkNeeded => (StatusCode::CONFLICT, "link-needed", "You have an account here already"),
            Self::IdentityTaken => (StatusCode::CONFLICT, "identity-taken", "That log-in belongs to another account"),
            Self::OtherIdentity => (StatusCode::FORBIDDEN, "other-identity", "You logged in there as somebody else"),
            Self::LastWayIn => (StatusCode::CONFLICT, "last-way-in", "Nothing else opens your account"),
            Self::TokenNeeded => {
                (StatusCode::FORBIDDEN, "provider-token-needed", "This needs a log-in with the other site")
            }
            Self::LogoutTokenRefused => {
                (StatusCode::BAD_REQUEST, "logout-token-refused", "The log-out token is not good")
            }
        }
    }

    /// What to do.
    pub(super) const fn advice(self) -> &'static str {
        match self {
            Self::Unknown => "Choose one on the log-in page.",
            Self::OtherHost => "Go to the site's main address. A log-in there is of no use here.",
            Self::Unreachable => "Nothing has happened. Try again in a moment, or log in another way.",
            Self::Denied => "Either you said no there, or it did. Try again, or log in another way.",
            Self::Refused => {
                "Nothing was opened. Begin again; if it stays so, tell whoever runs this site: its log says why."
            }
            Self::AttemptOver => {
                "It took more than 15 minutes, was used already, began in another browser, or many others were begun since. Begin again."
            }
            Self::AddressUnconfirmed => "Confirm your email address there, then log in again.",
            Self::LinkNeeded => "Log in as you did before. Under your account you can then add this way to log in.",
            Self::IdentityTaken => "Log out, and log in with it: that is the account which it opens.",
            Self::OtherIdentity => "Nothing was approved. Log in there as who you are here.",
            Self::LastWayIn => "Add another way to log in first.",
            Self::TokenNeeded => {
                "What you asked for works with your log-in there. Log out under your account, then log in with the other site."
            }
            Self::LogoutTokenRefused => "The log says what is wrong with it. Every token is good once.",
        }
    }
}
