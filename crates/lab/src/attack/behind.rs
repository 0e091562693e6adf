//! What is left behind: in addresses and referrers (L1), in logs (L2), in shared caches (L3), in the window after a log-out
//! (L4); and what another site can find out by watching (U2).

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use cloakroom_browser::Engine;
use cloakroom_lab_report::{Actor, Verdict};
use serde_json::{Value, json};

use super::planted::developer_tools;
use super::script::judge_loot;
use crate::person::does;
use crate::scene::{Outcome, Scene};
use crate::world::Served;

/// L1: what the addresses of the application tell the sites that it links to.
pub(super) async fn referrer(scene: &mut Scene<'_>) -> Result<Outcome> {
    scene.world.evil.put("/linked", Served::page("<!doctype html><title>Elsewhere</title><p>Thank you for the visit."));
    scene.world.evil.put("/pixel", Served::script(""));
    by_form(scene).await?;
    let picture = format!(
        "const image = new Image(); image.src = {}; await new Promise(done => {{ image.onload = image.onerror = done; }});",
        Value::String(scene.evil("/pixel"))
    );
    scene.page.eval(&format!("(async () => {{ {picture} return 1; }})()")).await?;
    let link = format!("(() => {{ location = {}; return 1 }})()", Value::String(scene.evil("/linked")));
    let mark = scene.world.wire.mark();
    drop(scene.page.eval(&link).await);
    scene.world.wire.wait(mark, "the visit of a link", |seen| seen.path == "/linked").await?;
    scene.step(Actor::Victim, "follows a link out of the application", "");
    let told = scene.world.wire.since(scene.mark, |seen| seen.server == "attacker");
    let told: Vec<_> = told.iter().map(|seen| format!("{} {}", seen.header("referer"), seen.path)).collect();
    let (verdict, why) = judge_loot(scene, &told, Verdict::Leak).await?;
    Ok(if verdict == Verdict::Safe {
        (verdict, format!("all that other sites are told is {:?}", crate::world::cut(&told.join(" | "))))
    } else {
        (verdict, why)
    })
}

/// Logs in as the plain form does without scripts: some applications lead on to an address with a token in it.
async fn by_form(scene: &mut Scene<'_>) -> Result<()> {
    if crate::world::own(scene.row).is_some() {
        return Ok(());
    }
    let form = format!(
        "(() => {{ window.leaving = true; const form = Object.assign(document.createElement('form'), {{ method: 'post', action: '/api/login' }}); \
         for (const [name, value] of [['email', {}], ['password', {}]]) form.append(Object.assign(document.createElement('input'), {{ name, value }})); \
         document.body.append(form); form.submit(); return 1; }})()",
        json!(scene.victim.email),
        json!(crate::world::PASSWORD)
    );
    let mark = scene.world.wire.mark();
    drop(scene.page.eval(&form).await);
    let host = scene.host();
    let seen = scene
        .world
        .wire
        .wait(mark, "the log-in by a plain form", |seen| {
            seen.host.starts_with(&host) && seen.path.starts_with("/api/login")
        })
        .await?;
    scene.page.wait_for("!window.leaving && document.readyState === 'complete'").await?;
    scene.step(Actor::Victim, "logs in by the form", format!("{} {}", seen.status, scene.page.url().await?));
    if seen.status != 303 {
        let home = scene.app("/");
        scene.page.goto(&home).await?;
    }
    Ok(())
}

/// L2: what stands in logs afterwards: request lines as every proxy writes them, and what Cloakroom itself has logged.
pub(super) async fn logs(scene: &mut Scene<'_>) -> Result<Outcome> {
    let lines: Vec<_> = scene
        .sent_to_app(|_| true)
        .iter()
        .map(|seen| format!("{} {} {} {}", seen.method, seen.path, seen.status, seen.header("referer")))
        .collect();
    let own = scene.world.logged(scene.row).await?;
    let access = scene.world.bank.access_log(if crate::world::own(scene.row).is_some() { "behind" } else { scene.row });
    scene.step(
        Actor::Attacker,
        "reads the logs",
        format!("{} lines of the proxy, {} of the application, {} of cloakroom", lines.len(), access.len(), own.len()),
    );
    let secrets = developer_tools(scene).await?;
    let all = [lines, own, access].concat();
    let found = secrets
        .cookies
        .iter()
        .map(|(_, value)| value)
        .chain(&secrets.words())
        .any(|secret| secret.len() > 15 && all.iter().any(|line| line.contains(secret.as_str())));
    let (verdict, why) = judge_loot(scene, &all, Verdict::Leak).await?;
    Ok(if verdict == Verdict::Safe && found {
        (Verdict::Part, "a part of what the browser holds stands in the logs; it opens nothing".to_owned())
    } else if verdict == Verdict::Safe {
        (Verdict::Safe, "nothing that the browser holds stands in the logs".to_owned())
    } else {
        (verdict, why)
    })
}

/// L3: a cache that everybody shares, in front of the application, as content delivery networks are: it keeps what may be
/// kept, and everything that looks like a style sheet.
pub(super) async fn shared_cache(scene: &mut Scene<'_>) -> Result<Outcome> {
    let cache = scene.world.cache();
    cache.turn_on();
    let mut found = None;
    for path in ["/profile/nice.css", "/profile", "/api/profile/nice.css", "/api/profile", "/"] {
        let address = scene.app(path);
        drop(scene.page.goto(&address).await);
        let answer = scene.world.machine.send(&scene.host(), "GET", path, &[], "").await?;
        let hit = answer.body().contains(&scene.victim.canary);
        let outcome = format!(
            "another machine asks for the same address: {}{}",
            answer.status(),
            if hit { ", with the victim's profile in it" } else { "" }
        );
        scene.step(Actor::Attacker, format!("leads the victim to {address}"), outcome);
        if hit {
            let cookies = answer.headers().get_all("set-cookie").iter().filter_map(|value| value.to_str().ok());
            found = Some((
                path,
                format!("cookies:{}", cookies.filter_map(|line| line.split(';').next()).collect::<Vec<_>>().join("; ")),
            ));
            break;
        }
    }
    cache.turn_off();
    let Some((path, jar)) = found else {
        return Ok((Verdict::Safe, "the shared cache has nothing of the victim's".to_owned()));
    };
    let (verdict, why) = judge_loot(scene, &[jar], Verdict::Leak).await?;
    Ok(if verdict == Verdict::Leak {
        (verdict, why)
    } else {
        (
            Verdict::Part,
            format!("the victim's profile at {path} is answered to everybody from the cache; no credential with it"),
        )
    })
}

/// A page with it is taken apart from those that it came from, in a process of its own.
const APART: &str = "cross-origin-opener-policy";

/// Longer than a page takes that does something about being shown again.
const SHOWN_AGAIN: Duration = Duration::from_millis(300);

/// L4: the victim logs out and walks away; somebody goes back.
pub(super) async fn back_after_log_out(scene: &mut Scene<'_>) -> Result<Outcome> {
    let canary = scene.victim.canary.clone();
    let profile = scene.app("/profile");
    let apart = !scene.sent_to_app(|seen| seen.answer.contains_key(APART)).is_empty();
    if apart && scene.browser.engine() == Engine::WebKit {
        let why = "the driver of WebKitGTK hears nothing more of a window that went back to a page with Cross-Origin-Opener-Policy";
        return Ok((Verdict::NotRun, why.to_owned()));
    }
    let (mut stale, mut tried) = (Vec::new(), 0);
    for (what, address) in [("the application", scene.app("/")), ("the profile page", profile)] {
        scene.page.goto(&address).await?;
        if scene.forgets() && what == "the application" {
            scene.page.wait_for(crate::person::READY).await?;
            scene.victim.log_in(&scene.page).await?;
        }
        if !scene.page.text("body").await.unwrap_or_default().contains(&canary) && what == "the application" {
            let shown = scene.page.eval("window.bank?.show?.() ?? null").await;
            scene.step(Actor::Victim, "looks at the profile", crate::world::cut(&format!("{shown:?}")));
        }
        let there = scene.page.text("body").await.unwrap_or_default().contains(&canary);
        if !there {
            continue;
        }
        tried += 1;
        if scene.forgets() || scene.row == "S2" {
            // No other tab is logged in.
            does(&scene.page, "logout", &[]).await.context("an honest log-out")?;
            scene.page.goto(&scene.evil("/")).await.ok();
            scene.step(Actor::Victim, "logs out, and goes elsewhere", "");
        } else {
            // The log-out happens in another tab, or the page would be busy with it.
            let other = scene.context.page().await?;
            other.goto(&scene.app("/")).await?;
            other.wait_for(crate::person::READY).await?;
            scene.page.goto(&scene.evil("/")).await.ok();
            does(&other, "logout", &[]).await.context("an honest log-out")?;
            scene.step(Actor::Victim, "goes elsewhere, and logs out", "");
            drop(other.close().await);
        }
        scene.page.back().await?;
        // What the page does about it by itself, it does when it is shown again.
        tokio::time::sleep(SHOWN_AGAIN).await;
        let text = scene.page.eval("document.body?.innerText ?? ''").await?;
        let shown = text.to_string().contains(&canary);
        scene.step(
            Actor::Attacker,
            format!("goes back to {what}"),
            if shown { "it shows the victim's profile" } else { "it shows nothing of the victim's" },
        );
        if shown {
            stale.push(what);
        }
        if scene.page.goto(&scene.app("/")).await.is_ok() {
            scene.page.wait_for(crate::person::READY).await?;
            scene.victim.log_in(&scene.page).await?;
        }
    }
    ensure!(tried > 0, "the profile was on no page before the log-out");
    Ok(if stale.is_empty() {
        (Verdict::Safe, "after the log-out, going back shows nothing of the victim's".to_owned())
    } else {
        (Verdict::Stale, format!("after the log-out, going back to {} shows the victim's profile", stale.join(" and ")))
    })
}

/// What differs by chance, such as Firefox telling sometimes of a frame that it refused, differs in one way now and in another
/// the next time.
const WATCHES: usize = 4;

/// U2: another site asks in ways that every site may, while the victim is logged in and while nobody is, by turns, and
/// compares. What counts is an answer that says the same each time about who is there.
pub(super) async fn watched(scene: &mut Scene<'_>) -> Result<Outcome> {
    let mut different = watch(scene).await?;
    for _ in 1..WATCHES {
        if different.is_empty() {
            return Ok((Verdict::Safe, "the same answers whether somebody is logged in or not".to_owned()));
        }
        scene.page.goto(&scene.app("/")).await?;
        scene.page.wait_for(crate::person::READY).await?;
        scene.victim.log_in(&scene.page).await?;
        let again = watch(scene).await?;
        different.retain(|answer| again.contains(answer));
    }
    let names: Vec<_> = different.into_iter().map(|(name, ..)| name).collect();
    Ok(if names.is_empty() {
        (Verdict::Safe, format!("in {WATCHES} turns, no answer tells each time whether somebody is logged in"))
    } else {
        (Verdict::Oracle, format!("another site sees whether somebody is logged in, by: {}", names.join(", ")))
    })
}

/// Looks while the victim is logged in and again after the log-out; what differed, with both answers.
async fn watch(scene: &mut Scene<'_>) -> Result<Vec<(String, Value, Value)>> {
    let inside = observe(scene).await?;
    scene.step(Actor::Attacker, "watches from another site while the victim is logged in", inside.clone());
    let back = scene.app("/");
    scene.page.goto(&back).await?;
    scene.page.wait_for(crate::person::READY).await?;
    if does(&scene.page, "logout", &[]).await.is_err() {
        scene.victim.log_in(&scene.page).await?;
        does(&scene.page, "logout", &[]).await?;
    }
    let outside = observe(scene).await?;
    scene.step(Actor::Attacker, "watches again after the log-out", outside.clone());
    Ok(differences(&inside, &outside))
}

async fn observe(scene: &Scene<'_>) -> Result<String> {
    let probes = include_str!("../../payloads/probes.js").replace("APP", &scene.app(""));
    scene.world.evil.put(
        "/watch",
        Served::page(format!(
            "<!doctype html><title>x</title><body><script>window.probed = (async () => {{ {probes} }})()</script>"
        )),
    );
    let tab = scene.context.page().await?;
    // Firefox calls the whole load rejected where a frame in it was; whether the page is there is seen from what it did.
    drop(tab.goto(&scene.evil("/watch")).await);
    let seen = tab.wait_for("await window.probed").await?;
    drop(tab.close().await);
    Ok(seen.to_string())
}

fn differences(inside: &str, outside: &str) -> Vec<(String, Value, Value)> {
    let read = |text: &str| serde_json::from_str::<serde_json::Map<String, Value>>(text).unwrap_or_default();
    let (inside, outside) = (read(inside), read(outside));
    let pairs = inside.into_iter().map(|(name, value)| {
        let other = outside.get(&name).cloned().unwrap_or_default();
        (name, value, other)
    });
    pairs.filter(|(_, inside, outside)| inside != outside).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_in_any_probe_counts() {
        assert!(differences("{\"a\":1}", "{\"a\":1}").is_empty());
        let found = differences("{\"a\":1,\"b\":2}", "{\"a\":1,\"b\":3}");
        assert_eq!(found, [("b".to_owned(), 2.into(), 3.into())]);
    }
}
