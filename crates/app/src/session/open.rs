//! What a browser gets when a session is opened or refreshed.

use crate::token::Binding;
use crate::{App, Fault};
use cloakroom_core::refresh::RefreshToken;
use cloakroom_core::session::{Session, Strategy};
use cloakroom_core::ticket::{Good, Ticket};
use cloakroom_core::time::{Lifetime, Timestamp};

/// A live session with what is handed out for it. No `Debug`: it holds secrets.
pub struct Opened {
    /// The session as it is now.
    pub session: Session,
    /// When what is handed out stops working by itself.
    pub expires_at: Timestamp,
    /// What is handed out, by the session's strategy.
    pub handed: Handed,
    /// A form token bound to the session.
    pub form_token: String,
    /// How long the cookies may live: until the session's absolute end. `None` when they end with the browser.
    pub cookies_for: Option<Lifetime>,
}

/// What is handed out for a session, and where each part belongs. Each is a secret unless it says otherwise.
pub enum Handed {
    /// Two `HttpOnly` cookies.
    Cookie {
        /// For the access cookie.
        access: String,
        /// For the refresh cookie.
        refresh: RefreshToken,
    },
    /// One `HttpOnly` cookie.
    Ticket(Ticket),
    /// Three cookies, one of which the page can read.
    Split {
        /// `header.payload`, for the readable cookie. Worth nothing without the signature.
        claims: String,
        /// For an `HttpOnly` cookie.
        signature: String,
        /// For the refresh cookie.
        refresh: RefreshToken,
    },
    /// `header.payload` for the page, the rest in `HttpOnly` cookies.
    SplitBearer {
        /// `header.payload`, for the body. Worth nothing without the signature.
        claims: String,
        /// For an `HttpOnly` cookie.
        signature: String,
        /// For the access cookie: accompanies a refresh, opens nothing else.
        company: Ticket,
        /// For the refresh cookie.
        refresh: RefreshToken,
    },
    /// A token for the page's memory, the rest in `HttpOnly` cookies.
    Memory {
        /// For the body.
        access: String,
        /// For the access cookie: accompanies a refresh, opens nothing else.
        company: Ticket,
        /// For the refresh cookie.
        refresh: RefreshToken,
    },
    /// Both in the body.
    Native {
        /// For the body.
        access: String,
        /// For the body.
        refresh: RefreshToken,
    },
}

impl App {
    /// Makes everything for a session whose row was just committed.
    pub(crate) fn opened(&self, session: Session, now: Timestamp) -> Result<Opened, Fault> {
        let (handed, expires_at) = match session.strategy {
            Strategy::Ticket => {
                let ticket = self.derive_ticket(&session, Good::ForAccess)?;
                (Handed::Ticket(ticket), self.settings.lifetimes.expires_at(&session))
            }
            strategy => {
                let (access, expires_at) = self.mint_access(&session, now)?;
                let refresh = self.derive_refresh(&session)?;
                (self.hand_out(strategy, access, refresh, &session)?, expires_at)
            }
        };
        Ok(Opened {
            handed,
            expires_at,
            form_token: self.form_token(Binding::Session(session.id))?,
            cookies_for: session.remember.then(|| session.absolute_until.since(now)),
            session,
        })
    }

    fn hand_out(
        &self,
        strategy: Strategy,
        access: String,
        refresh: RefreshToken,
        session: &Session,
    ) -> Result<Handed, Fault> {
        let halves = |token: &str| {
            let (claims, signature) =
                token.rsplit_once('.').ok_or_else(|| Fault::plain("a token without a signature"))?;
            Ok::<_, Fault>((claims.to_owned(), signature.to_owned()))
        };
        let company = || self.derive_ticket(session, Good::ForCompany);
        Ok(match strategy {
            Strategy::Cookie | Strategy::Ticket => Handed::Cookie { access, refresh },
            Strategy::Split => {
                let (claims, signature) = halves(&access)?;
                Handed::Split { claims, signature, refresh }
            }
            Strategy::SplitBearer => {
                let (claims, signature) = halves(&access)?;
                Handed::SplitBearer { claims, signature, company: company()?, refresh }
            }
            Strategy::Memory => Handed::Memory { access, company: company()?, refresh },
            Strategy::Native => Handed::Native { access, refresh },
        })
    }
}
