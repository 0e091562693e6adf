//! Accounts as operators are shown them, in JSON: the same by the command line and by the admin API. Instants are in Unix
//! seconds. No secret is in it, nor a hash of one.

use cloakroom_app::account::Export;
use cloakroom_app::device::ListedDevice;
use cloakroom_app::factor::{Factors, PasskeyScope};
use cloakroom_app::federation::Linked;
use cloakroom_core::account::Account;
use cloakroom_core::event::Event;
use cloakroom_core::session::{Session, device_name};
use cloakroom_core::time::Timestamp;
use serde_json::{Value, json};

/// The row of an account.
pub(crate) fn account(account: &Account) -> Value {
    json!({
        "id": account.id.to_string(),
        "email": account.email.as_str(),
        "opened_at": account.opened_at.unix_seconds(),
        "email_verified_at": account.email_verified_at.map(Timestamp::unix_seconds),
        "has_password": account.password.is_usable(),
        "password_set_at": account.password_set_at.unix_seconds(),
        "disabled_at": account.disabled_at.map(Timestamp::unix_seconds),
    })
}

/// What it is in a word, for a table.
pub(crate) fn state(account: &Account) -> &'static str {
    match (account.disabled_at, account.password.is_usable(), account.email_verified_at) {
        (Some(_), ..) => "disabled",
        (None, false, _) => "no password",
        (None, true, None) => "unconfirmed",
        (None, true, Some(_)) => "confirmed",
    }
}

/// A session.
pub(crate) fn session(session: &Session) -> Value {
    json!({
        "id": session.id.to_string(),
        "strategy": session.strategy.as_str(),
        "method": session.method.as_str(),
        "device": device_name(&session.user_agent),
        "address": session.address,
        "opened_at": session.opened_at.unix_seconds(),
        "last_used_at": session.last_used_at.unix_seconds(),
        "ends_at": session.absolute_until.unix_seconds(),
    })
}

fn device(listed: &ListedDevice) -> Value {
    let device = &listed.device;
    json!({
        "id": listed.id,
        "name": device.name,
        "family": device.family,
        "networks": device.prefixes,
        "first_seen_at": device.first_seen.div_euclid(1000),
        "last_seen_at": device.last_seen.div_euclid(1000),
        "trusted": device.trusted,
    })
}

fn factors(factors: &Factors) -> Value {
    let passkeys: Vec<_> = factors
        .passkeys
        .iter()
        .map(|passkey| {
            json!({
                "id": passkey.id,
                "name": passkey.name,
                "good_for": match passkey.scope {
                    PasskeyScope::LogIn => "log-in",
                    PasskeyScope::Approval => "approval",
                },
                "added_at": passkey.added_at.unix_seconds(),
                "used_at": passkey.used_at.map(Timestamp::unix_seconds),
            })
        })
        .collect();
    json!({
        "totp_since": factors.totp.map(Timestamp::unix_seconds),
        "recovery_codes_left": factors.recovery,
        "passkeys": passkeys,
    })
}

fn identity(linked: &Linked) -> Value {
    json!({
        "id": linked.id,
        "provider": linked.provider,
        "name": linked.name,
        "issuer": linked.issuer,
        "subject": linked.subject,
        "email": linked.email,
        "added_at": linked.added_at.unix_seconds(),
    })
}

fn event(event: &Event) -> Value {
    json!({
        "id": event.id.to_string(),
        "at": event.at.unix_seconds(),
        "event": event.kind.as_str(),
        "session": event.session.map(|id| id.to_string()),
        "key": event.key.map(|id| id.to_string()),
    })
}

/// An account with what it has, without its trail.
pub(crate) fn overview(export: &Export) -> Value {
    json!({
        "account": account(&export.account),
        "sessions": export.sessions.iter().map(session).collect::<Vec<_>>(),
        "devices": export.devices.iter().map(device).collect::<Vec<_>>(),
        "factors": factors(&export.factors),
        "identities": export.identities.iter().map(identity).collect::<Vec<_>>(),
    })
}

/// All that is kept of an account.
pub(crate) fn export(export: &Export) -> Value {
    let mut all = overview(export);
    if let Some(fields) = all.as_object_mut() {
        fields.insert("events".into(), export.events.iter().map(event).collect());
    }
    all
}
