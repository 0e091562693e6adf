//! The victim's own machine is not the victim's alone: M2, a thief of profiles, and M3, an extension. Both need a browser of
//! their own, because what they are after outlives a context.

use anyhow::{Context as _, Result};
use cloakroom_browser::Engine;
use cloakroom_lab_report::{Actor, Verdict};

use super::payload::DONE;
use super::script::judge_loot;
use crate::beside::{Stolen, lives_in};
use crate::person::READY;
use crate::redeem::{Loot, redeem};
use crate::scene::{Outcome, Scene};

/// M2: a program of the attacker copies the profile's folder after the browser was closed.
pub(super) async fn infostealer(scene: &mut Scene<'_>) -> Result<Outcome> {
    if scene.browser.engine() == Engine::WebKit {
        return Ok((Verdict::NotRun, "WebKitGTK under its driver keeps nothing in a profile".to_owned()));
    }
    let place = scene.place();
    let stolen = if let Some(stolen) = place.beside.stolen(scene.row).await {
        stolen
    } else {
        place.beside.copy_profile(&place, &[scene.row.to_owned()], scene.number).await?;
        place.beside.stolen(scene.row).await.context("there is no copy of this row's profile")?
    };
    let Stolen { browser, words, person } = stolen?;
    scene.victim = person;
    scene.step(Actor::Victim, "uses the application in a browser with a profile, and closes the browser", "");
    let found = format!("{} candidates, of all applications", words.len());
    scene.step(Actor::Attacker, "copies the profile's folder and looks for tokens in it", found);
    let loot = Loot { texts: words.to_vec(), cookies: Vec::new(), tries_all: true };
    if let Some(redeemed) = redeem(scene, &loot).await? {
        return Ok((
            Verdict::Leak,
            format!("a credential lies in the profile's files, and opens the account: {}", redeemed.how),
        ));
    }
    let page = browser.kept_context().await?.page().await?;
    page.goto(&scene.app("/")).await?;
    page.wait_for(READY).await?;
    let opens = scene.victim.sees_own_profile(&page).await?;
    drop(page.close().await);
    scene.step(
        Actor::Attacker,
        "starts a browser on the copy",
        if opens { "it shows the victim's profile" } else { "nobody is logged in there" },
    );
    Ok(if opens {
        (Verdict::Leak, "a browser on a copy of the profile is logged in as the victim".to_owned())
    } else {
        (Verdict::Safe, "neither the files nor a browser on a copy of them open the account".to_owned())
    })
}

/// M3: an extension with the permissions that many ask for.
pub(super) async fn extension(scene: &mut Scene<'_>) -> Result<Outcome> {
    if scene.browser.engine() == Engine::WebKit {
        return Ok((Verdict::NotRun, "WebKitGTK has no extensions of this kind".to_owned()));
    }
    let place = scene.place();
    let reaped = reap(scene).await;
    if reaped.is_err() {
        place.beside.give_up_extended().await;
    }
    judge_loot(scene, &reaped?, Verdict::Leak).await
}

/// The victim uses the application in a browser with the extension; what that has sent.
async fn reap(scene: &mut Scene<'_>) -> Result<Vec<String>> {
    let place = scene.place();
    let browser = place.beside.extended(&place).await?;
    scene.step(Actor::Victim, "uses the application in a browser with an extension that finds coupons", "");
    let page = lives_in(scene.world, scene.row, &scene.victim, &browser.kept_context().await?).await?;
    page.goto(&scene.app(&format!("/?reap={}", scene.loot()))).await?;
    let pieces = scene.world.evil.wait_loot(DONE).await?;
    drop(page.close().await);
    Ok(pieces)
}
