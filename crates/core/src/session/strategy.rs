//! How a session lives in the browser, or outside of one (design §3.1).

/// Where the halves of a session are kept. Each session has one for its whole life; a token that was given out by one
/// is of no use by another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Strategy {
    /// Access token and refresh token in two `HttpOnly` cookies.
    Cookie,
    /// One opaque ticket in an `HttpOnly` cookie; no token leaves the server.
    Ticket,
    /// `header.payload` of the access token in a cookie that the page can read, the signature in an `HttpOnly` one.
    Split,
    /// `header.payload` in the page's memory, sent as `Authorization: Bearer`; the signature in an `HttpOnly` cookie.
    SplitBearer,
    /// The access token in the page's memory; the refresh token in an `HttpOnly` cookie.
    Memory,
    /// Both tokens in the body of the answer, for a program that is no browser.
    Native,
}

impl Strategy {
    /// Every strategy there is.
    pub const ALL: [Self; 6] = [Self::Cookie, Self::Ticket, Self::Split, Self::SplitBearer, Self::Memory, Self::Native];

    /// As configurations, log-ins and the store write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Cookie => "cookie",
            Self::Ticket => "ticket",
            Self::Split => "split",
            Self::SplitBearer => "split-bearer",
            Self::Memory => "memory",
            Self::Native => "native",
        }
    }

    /// Reads what [`Self::as_str`] wrote.
    pub fn from_text(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|strategy| strategy.as_str() == text)
    }

    /// Whether a script in the page can take something that is good elsewhere: it is offered only to who acknowledges it.
    pub const fn is_weaker(self) -> bool {
        matches!(self, Self::Memory)
    }

    /// Whether its access token, or a part of it, comes in `Authorization`.
    pub const fn uses_authorization(self) -> bool {
        matches!(self, Self::SplitBearer | Self::Memory | Self::Native)
    }

    /// Whether it has refresh tokens.
    pub const fn refreshes(self) -> bool {
        !matches!(self, Self::Ticket)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strategies_read_what_they_write() {
        for strategy in Strategy::ALL {
            assert_eq!(Strategy::from_text(strategy.as_str()), Some(strategy));
        }
        assert_eq!(Strategy::from_text("Cookie"), None);
    }
}
