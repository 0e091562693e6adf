//! The account page.

use crate::Response;
use crate::call::Call;
use crate::door::Beginning;
use crate::problem::Problem;
use cloakroom_app::device::ListedDevice;
use cloakroom_app::factor::{ListedPasskey, PasskeyScope};
use cloakroom_app::federation::Linked;
use cloakroom_core::id::SessionId;
use cloakroom_core::session::{Method, Session, UNKNOWN_DEVICE, device_name};
use cloakroom_core::time::{Lifetime, Timestamp};
use minijinja::{Value, context};

/// What the page may be told that has happened; anything else is no notice.
const NOTICES: [&str; 9] = [
    "password-changed",
    "session-ended",
    "others-ended",
    "device-changed",
    "device-forgotten",
    "factor-added",
    "factor-removed",
    "provider-added",
    "provider-removed",
];

impl Call {
    /// Who is logged in, where, and the ways to end it; with what went wrong when a form of it was refused.
    pub(crate) async fn account_page(&self, problem: Option<&Problem>) -> Result<Response, Problem> {
        let app = self.web.app();
        let seen = self.seen()?;
        let (me, sessions) = (app.me(seen).await?, app.sessions(seen).await?);
        let now = app.clock().now();
        let rows: Vec<Value> = sessions.iter().map(|session| row(session, me.session.id, now)).collect();
        let factors = app.factors(seen).await?;
        let devices = app.devices(seen, &self.visit()?).await?;
        let second = factors.totp.is_some() || !factors.passkeys.is_empty();
        let passkeys: Vec<Value> = factors.passkeys.iter().map(|passkey| passkey_row(passkey, now)).collect();
        let linked = app.linked(me.account.id).await?;
        let linked: Vec<Value> = linked.iter().map(|linked| linked_row(linked, now)).collect();
        let devices: Vec<Value> = devices.iter().map(|device| device_row(device, now)).collect();
        // A provider's answer comes back to the public host, where a log-in that waits on another is not known.
        let at_home = self.web.beginning(&self.parts) == Beginning::Here;
        let values = context! {
            totp => factors.totp.map(|at| ago(now, at)),
            recovery => factors.recovery,
            passkeys, devices, second, linked,
            providers => if at_home { self.offered_providers() } else { Vec::new() },
            password => me.account.password.is_usable() && app.settings().log_in_by_password,
            can_passkey => app.takes_passkeys(),
            apart => self.web.site().approval_origin.is_some(),
            mail => app.settings().mail,
            verified => me.account.email_verified_at.is_some(),
            notice => self.query("notice").filter(|notice| NOTICES.contains(&notice.as_str())),
            email => me.account.email.as_str(),
            opened => ago(now, me.account.opened_at),
            ends => format!("in {}", roughly(app.settings().lifetimes.expires_at(&me.session).since(now))),
            min_characters => app.settings().passwords.min_characters,
            sessions => rows,
        };
        self.form_page("account.html", problem, values).await
    }
}

fn passkey_row(passkey: &ListedPasskey, now: Timestamp) -> Value {
    context! {
        id => &passkey.id,
        name => &passkey.name,
        approves => passkey.scope == PasskeyScope::Approval,
        added => ago(now, passkey.added_at),
        used => passkey.used_at.map(|at| ago(now, at)),
    }
}

fn linked_row(linked: &Linked, now: Timestamp) -> Value {
    context! { id => &linked.id, name => &linked.name, added => ago(now, linked.added_at) }
}

fn device_row(listed: &ListedDevice, now: Timestamp) -> Value {
    let device = &listed.device;
    context! {
        id => &listed.id,
        here => listed.here,
        name => device.name.as_deref().unwrap_or(""),
        family => &device.family,
        networks => device.prefixes.iter().rev().take(3).cloned().collect::<Vec<_>>().join(", "),
        first => ago(now, Timestamp::from_millis(device.first_seen)),
        last => ago(now, Timestamp::from_millis(device.last_seen)),
        trusted => device.trusted,
    }
}

fn row(session: &Session, here: SessionId, now: Timestamp) -> Value {
    context! {
        id => session.id.to_string(),
        here => session.id == here,
        opened => ago(now, session.opened_at),
        used => ago(now, session.last_used_at),
        device => device_name(&session.user_agent),
        unknown => device_name(&session.user_agent) == UNKNOWN_DEVICE,
        agent => &session.user_agent,
        address => &session.address,
        by => match session.method {
            Method::Password => "a password",
            Method::PasswordAndTotp => "a password and an authenticator app",
            Method::PasswordAndRecovery => "a password and a recovery code",
            Method::PasswordAndPasskey => "a password and a passkey",
            Method::Passkey => "a passkey",
            Method::Provider | Method::ProviderWithFactors => "another site",
        },
        keeps => session.remember,
        bound => session.is_bound(),
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
