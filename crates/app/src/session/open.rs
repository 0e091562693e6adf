//! What a browser gets when a session is opened or refreshed.

use crate::token::Binding;
use crate::{App, Fault};
use cloakroom_core::refresh::RefreshToken;
use cloakroom_core::session::Session;
use cloakroom_core::time::{Lifetime, Timestamp};

/// A live session with the tokens for its cookies. No `Debug`: it holds secrets.
pub struct Opened {
    /// The session as it is now.
    pub session: Session,
    /// For the access cookie.
    pub access_token: String,
    /// When that token ends.
    pub expires_at: Timestamp,
    /// For the refresh cookie.
    pub refresh_token: RefreshToken,
    /// A form token bound to the session.
    pub form_token: String,
    /// How long the cookies may live: until the session's absolute end. `None` when they end with the browser.
    pub cookies_for: Option<Lifetime>,
}

impl App {
    /// Mints everything for a session whose row was just committed.
    pub(crate) fn opened(&self, session: Session, now: Timestamp) -> Result<Opened, Fault> {
        let (access_token, expires_at) = self.mint_access(&session, now)?;
        Ok(Opened {
            access_token,
            expires_at,
            refresh_token: self.derive_refresh(&session)?,
            form_token: self.form_token(Binding::Session(session.id))?,
            cookies_for: session.remember.then(|| session.absolute_until.since(now)),
            session,
        })
    }
}
