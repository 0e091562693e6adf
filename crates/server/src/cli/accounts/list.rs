//! `cloakroom accounts list` and `show`.

use super::{account, refused};
use crate::shown;
use crate::terminal::{Ending, answer};
use cloakroom_app::App;
use cloakroom_app::account::Export;
use cloakroom_core::session::device_name;
use cloakroom_core::time::Timestamp;

/// So many are read at a time.
const PAGE: u32 = 500;

pub(super) async fn list(app: &App, json: bool) -> anyhow::Result<Ending> {
    let now = app.clock().now();
    answer(if json { "[" } else { "ID                      STATE         OPENED        EMAIL" });
    // A line is complete when it is known whether another one follows.
    let mut waiting: Option<String> = None;
    let mut after = None;
    loop {
        let page = app.accounts(after, PAGE).await?;
        let Some(last) = page.last() else { break };
        after = Some(last.id);
        for account in &page {
            if json {
                if let Some(line) = waiting.replace(shown::account(account).to_string()) {
                    answer(&format!("{line},"));
                }
            } else {
                answer(&format!(
                    "{:<24}{:<14}{:<14}{}",
                    account.id.to_string(),
                    shown::state(account),
                    days(account.opened_at, now),
                    account.email
                ));
            }
        }
    }
    if json {
        if let Some(line) = waiting {
            answer(&line);
        }
        answer("]");
    }
    Ok(Ending::Done)
}

pub(super) async fn show(app: &App, email: &str, json: bool) -> anyhow::Result<Ending> {
    let Some(account) = account(app, email).await? else { return Ok(Ending::Misused) };
    let all = match app.look_at_account(account.id).await {
        Ok(all) => all,
        Err(error) => return refused(error, email),
    };
    if json {
        answer(&serde_json::to_string_pretty(&shown::overview(&all))?);
    } else {
        tell(&all, app.clock().now());
    }
    Ok(Ending::Done)
}

fn tell(all: &Export, now: Timestamp) {
    let Export { account, sessions, devices, factors, identities, .. } = all;
    answer(&format!("{}\n  id        {}\n  state     {}", account.email, account.id, shown::state(account)));
    answer(&format!("  opened    {}", days(account.opened_at, now)));
    answer(&format!(
        "  password  {}",
        if account.password.is_usable() { days(account.password_set_at, now) } else { "none".into() }
    ));
    let passkeys = match factors.passkeys.len() {
        1 => "1 passkey".to_owned(),
        many => format!("{many} passkeys"),
    };
    let app = factors.totp.map_or("no authenticator app", |_| "authenticator app");
    let codes =
        factors.recovery.map_or_else(|| "no recovery codes".to_owned(), |left| format!("{left} recovery codes left"));
    answer(&format!("  factors   {app}, {passkeys}, {codes}"));
    for identity in identities {
        let email = identity.email.as_ref().map(|email| format!(", {email}")).unwrap_or_default();
        let (subject, added) = (&identity.subject, days(identity.added_at, now));
        answer(&format!("  provider  {}: {subject:?}{email}, added {added}", identity.name));
    }
    answer(&format!("sessions: {}", sessions.len()));
    for session in sessions {
        answer(&format!(
            "  {:<24}{:<28}{:<22}used {}",
            session.id.to_string(),
            device_name(&session.user_agent),
            session.address,
            days(session.last_used_at, now)
        ));
    }
    answer(&format!("devices: {}", devices.len()));
    for listed in devices {
        let device = &listed.device;
        answer(&format!(
            "  {:<28}{:<22}used {}{}",
            device.name.as_deref().unwrap_or(&device.family),
            device.prefixes.last().map_or("", String::as_str),
            days(Timestamp::from_millis(device.last_seen), now),
            if device.trusted { ", trusted" } else { "" }
        ));
    }
}

/// How long ago, in days: `today`, `3 days ago`.
fn days(at: Timestamp, now: Timestamp) -> String {
    match now.since(at).as_secs() / 86_400 {
        0 => "today".into(),
        1 => "1 day ago".into(),
        days => format!("{days} days ago"),
    }
}
