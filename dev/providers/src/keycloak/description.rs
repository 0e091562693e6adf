//! What a test wants to have in a realm. Plain values: nothing here talks to anybody.

use crate::client::Client;
use std::time::Duration;

/// A realm: users and clients that know nothing of those of other realms.
#[derive(Clone, Default)]
pub struct Realm {
    /// The beginning of its name, lower-case letters and dashes; a number is added, so that no two are called the same.
    pub name: String,
    /// The applications that log people in by it.
    pub clients: Vec<Client>,
    /// Its people. The groups and roles that they have come into being with them.
    pub users: Vec<User>,
    /// The claim of ID tokens, access tokens and userinfo that lists a user's groups by name, without a path. None: in none.
    pub groups_claim: Option<String>,
    /// The claim of the same three that lists a user's roles of the realm. None: in none.
    pub roles_claim: Option<String>,
    /// How long things live.
    pub lifespans: Lifespans,
}

/// How long what a realm gives out lives. Whole seconds; what is below is cut off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifespans {
    /// An access token and an ID token, at most as long as the session.
    pub access_token: Duration,
    /// A session, and the refresh tokens of it, that nobody uses.
    pub session_idle: Duration,
    /// A session that is used all the time.
    pub session: Duration,
    /// Whether a refresh token is good once: one that comes twice is refused.
    pub refresh_once: bool,
}

impl Default for Lifespans {
    /// Those of a new realm: 5 minutes, 30 minutes, 10 hours, refresh tokens as often as one likes.
    fn default() -> Self {
        Self {
            access_token: Duration::from_mins(5),
            session_idle: Duration::from_mins(30),
            session: Duration::from_hours(10),
            refresh_once: false,
        }
    }
}

/// Somebody who can log in.
#[derive(Clone)]
pub struct User {
    /// What is typed into the log-in form, lower case: the form takes the e-mail address as well.
    pub name: String,
    /// `email`.
    pub email: Option<String>,
    /// `email_verified`.
    pub email_verified: bool,
    /// The password.
    pub password: String,
    /// Roles of the realm.
    pub roles: Vec<String>,
    /// Groups, by name; all of them at the top.
    pub groups: Vec<String>,
}
