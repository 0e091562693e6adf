//! A credential on another machine: R1, R2, R3 and L5. How it got there is no question here: a borrowed laptop with developer
//! tools open for thirty seconds will do.

use anyhow::{Context as _, Result};
use cloakroom_lab_report::{Actor, Verdict};
use serde_json::json;

use super::planted::developer_tools;
use crate::person::{does, tries};
use crate::redeem::{Loot, redeem, refresh};
use crate::scene::{Outcome, Scene};

/// R1: everything that developer tools show, used on another machine; then the owner goes on, and so does the thief.
pub(super) async fn other_machine(scene: &mut Scene<'_>) -> Result<Outcome> {
    let loot = developer_tools(scene).await?;
    scene.step(Actor::Attacker, "copies cookies, storages and headers by developer tools", counted(&loot));
    let Some(redeemed) = redeem(scene, &loot).await? else {
        return Ok((Verdict::Safe, "nothing that was copied opens the account on another machine".to_owned()));
    };
    scene.step(Actor::Attacker, "opens the victim's profile on another machine", redeemed.how.clone());
    // Both renew what they have, the thief first: only one of them can hold the next refresh token.
    let jar = jar_of(&loot);
    let renewed = match refresh(scene, &jar, "").await? {
        Some(fresh) => Some(fresh),
        None => refresh_by_word(scene, &loot).await?,
    };
    let Some(renewed) = renewed else {
        return Ok((
            Verdict::Replay,
            format!("it works on another machine as long as the session lives: {}", redeemed.how),
        ));
    };
    let used = redeem(scene, &renewed).await?.is_some();
    scene.step(
        Actor::Attacker,
        "renews the session on his machine, and uses it",
        if used { "it works" } else { "it opens nothing" },
    );
    if !used {
        return Ok((
            Verdict::Replay,
            format!("it works on another machine as long as it lives, and cannot be renewed there: {}", redeemed.how),
        ));
    }
    past_races(scene).await?;
    let owner = tries(&scene.page, "refresh", &[]).await?;
    scene.step(Actor::Victim, "renews the session in the browser", crate::world::cut(&owner.to_string()));
    past_races(scene).await?;
    let again = redeem(scene, &renewed).await?;
    Ok(match again {
        Some(_) => (Verdict::Replay, "thief and owner both go on, and nobody notices".to_owned()),
        None => (
            Verdict::Detect,
            "it works until the owner renews the session after the window for races, which is a second here and ten by default; \
             then it is over for both"
                .to_owned(),
        ),
    })
}

/// R2: a refresh token that has been used up is used again.
pub(super) async fn used_up(scene: &mut Scene<'_>) -> Result<Outcome> {
    let loot = developer_tools(scene).await?;
    let before = scene.mark;
    for _ in 0..2 {
        let renewed = tries(&scene.page, "refresh", &[]).await?;
        if renewed.get("refused").is_some() {
            return Ok((Verdict::Na, "the application has nothing that is renewed".to_owned()));
        }
        past_races(scene).await?;
    }
    scene.step(Actor::Victim, "renews the session twice", "");
    debug_assert!(before <= scene.world.wire.mark());
    let jar = jar_of(&loot);
    let renewed = match refresh(scene, &jar, "").await? {
        Some(fresh) => Some(fresh),
        None => refresh_by_word(scene, &loot).await?,
    };
    let Some(renewed) = renewed else {
        let lives = does(&scene.page, "profile", &[]).await.is_ok();
        let after = if lives { "the owner's session lives on" } else { "and the whole session is over" };
        let verdict = if lives { Verdict::Safe } else { Verdict::Detect };
        return Ok((verdict, format!("a used-up refresh token is refused; {after}")));
    };
    Ok(match redeem(scene, &renewed).await? {
        Some(redeemed) => {
            (Verdict::Replay, format!("a refresh token that was used up gives new ones: {}", redeemed.how))
        }
        None => (Verdict::Safe, "a used-up refresh token gave an answer that opens nothing".to_owned()),
    })
}

/// Cloakroom takes a repetition within `session.race_window` (here a second) for a race between two tabs, on purpose; an
/// attack that waits a little longer is what it must be judged by.
async fn past_races(scene: &Scene<'_>) -> Result<()> {
    if crate::world::own(scene.row).is_none() {
        return Ok(());
    }
    scene.page.eval("new Promise(done => setTimeout(() => done(1), 1100))").await.map(drop)
}

/// R3: TRACE, which sends back what was sent, `HttpOnly` cookies included.
pub(super) async fn trace(scene: &mut Scene<'_>) -> Result<Outcome> {
    let cookie = [("cookie", "probe=trace-canary-7")];
    let answer = scene.world.machine.send(&scene.host(), "TRACE", "/api/profile", &cookie, "").await?;
    let echoes = answer.body().contains("trace-canary-7");
    scene.step(
        Actor::Attacker,
        "sends TRACE from his own machine",
        format!("{}{}", answer.status(), if echoes { ", with the cookie in it" } else { "" }),
    );
    let payload = super::payload::script(
        scene,
        &[],
        "try { const answer = await home('/api/profile', { method: 'TRACE' }); await send('traced', await answer.text()); } catch (error) { await send('refused', String(error)); }",
    );
    let pieces = super::payload::deliver_and_collect(scene, payload).await?;
    let by_script = pieces.iter().any(|piece| piece.starts_with("traced:"));
    let refused = pieces.iter().find_map(|piece| piece.strip_prefix("refused:")).unwrap_or("no answer").to_owned();
    Ok(match (echoes, by_script) {
        (true, true) => (Verdict::Leak, "a script reads its own cookies out of the echo".to_owned()),
        (true, false) => (Verdict::Part, format!("the server echoes cookies, but no script can ask it to: {refused}")),
        (false, _) => (Verdict::Safe, format!("the server echoes nothing, and no script can ask: {refused}")),
    })
}

/// L5: what was copied before the log-out, used after it.
pub(super) async fn after_log_out(scene: &mut Scene<'_>) -> Result<Outcome> {
    let loot = developer_tools(scene).await?;
    scene.step(Actor::Attacker, "copies cookies, storages and headers by developer tools", counted(&loot));
    let before = redeem(scene, &loot).await?;
    does(&scene.page, "logout", &[]).await.context("an honest log-out")?;
    scene.step(Actor::Victim, "logs out", "");
    let after = redeem(scene, &loot).await?;
    Ok(match (before, after) {
        (_, Some(redeemed)) => (Verdict::Stale, format!("it still opens the account: {}", redeemed.how)),
        (Some(_), None) => (Verdict::Safe, "what opened the account before opens nothing after the log-out".to_owned()),
        (None, None) => (
            Verdict::Safe,
            "what was copied opened nothing on another machine, before the log-out and after it".to_owned(),
        ),
    })
}

fn counted(loot: &Loot) -> String {
    format!("{} cookies, {} other pieces", loot.cookies.len(), loot.texts.len())
}

fn jar_of(loot: &Loot) -> String {
    let pairs: Vec<_> = loot.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
    pairs.join("; ")
}

/// The refresh token as a word in the body, which is where pages without cookies send it.
async fn refresh_by_word(scene: &Scene<'_>, loot: &Loot) -> Result<Option<Loot>> {
    for word in loot.words() {
        let body = json!({ "refresh_token": word, "grant_type": "refresh_token" }).to_string();
        if let Some(fresh) = refresh(scene, "", &body).await? {
            return Ok(Some(fresh));
        }
    }
    Ok(None)
}
