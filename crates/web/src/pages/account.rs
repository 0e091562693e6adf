//! The account page.

use crate::Response;
use crate::call::Call;
use crate::problem::Problem;
use cloakroom_app::session::Me;
use cloakroom_core::session::Session;
use cloakroom_core::time::{Lifetime, Timestamp};
use minijinja::{Value, context};

impl Call {
    /// Who is logged in, where, and the ways to end it.
    pub(crate) fn account_page(&self, me: &Me, sessions: &[Session]) -> Result<Response, Problem> {
        let now = self.web.app().clock().now();
        let row = |session: &Session| {
            context! {
                here => session.id == me.session.id,
                opened => ago(now, session.opened_at),
                used => ago(now, session.last_used_at),
                device => &session.user_agent,
                address => &session.address,
            }
        };
        let rows: Vec<Value> = sessions.iter().map(row).collect();
        let (csrf, _) = self.form_token()?;
        self.web.page(
            "account.html",
            context! {
                csrf,
                email => me.account.email.as_str(),
                opened => ago(now, me.account.opened_at),
                ends => format!("in {}", roughly(me.session.absolute_until.since(now))),
                sessions => rows,
            },
        )
    }
}

fn ago(now: Timestamp, then: Timestamp) -> String {
    let length = now.since(then);
    if length < Lifetime::from_secs(60) { "just now".into() } else { format!("{} ago", roughly(length)) }
}

fn roughly(length: Lifetime) -> String {
    let minutes = length.as_secs() / 60;
    let (count, unit) = match minutes {
        0..60 => (minutes.max(1), "minute"),
        60..1440 => (minutes / 60, "hour"),
        _ => (minutes / 1440, "day"),
    };
    format!("{count} {unit}{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_time_read_as_people_say_them() {
        let now = Timestamp::from_unix_seconds(1_700_000_000);
        let say = |seconds| ago(now, now.minus(Lifetime::from_secs(seconds)));
        assert_eq!(
            [say(0), say(59), say(60), say(7200), say(86_400), say(30 * 86_400)],
            ["just now", "just now", "1 minute ago", "2 hours ago", "1 day ago", "30 days ago"]
        );
    }
}
