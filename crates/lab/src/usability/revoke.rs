//! Whether ending a session ends it: the credential of the page's last call is kept, its owner logs out, and it is used again.

use anyhow::{Context as _, Result};
use serde_json::json;

use super::served::{Moment, call_of_the_page, inside};
use super::{Found, INVALID, found};
use crate::person::{does, tries};
use crate::redeem::opens;
use crate::scene::Scene;

/// Keeps the tokens and keys of the row's database in a variable of the page, and puts them back.
const KEEP: &str = "(async () => {
  const request = (asked) => new Promise((yes, no) => { asked.onsuccess = () => yes(asked.result); asked.onerror = () => no(asked.error); });
  const db = await request(indexedDB.open('auth'));
  const store = (mode) => db.transaction('kept', mode).objectStore('kept');
  const keys = await request(store('readonly').getAllKeys());
  const rows = await Promise.all(keys.map(async (key) => [key, await request(store('readonly').get(key))]));
  window.putBack = async () => { for (const [key, row] of rows) await request(store('readwrite').put(row, key)); return rows.length; };
  return rows.length;
})()";

/// `revocable`. The victim is logged out afterwards.
pub(super) async fn revocable(scene: &Scene<'_>) -> Result<Found> {
    inside(scene).await?;
    let call = call_of_the_page(scene).await?;
    let copied: Vec<(&str, &str)> = ["cookie", "authorization"]
        .into_iter()
        .map(|name| (name, call.header(name)))
        .filter(|(_, value)| !value.is_empty())
        .collect();
    if !call.header("dpop").is_empty() {
        return by_putting_back(scene).await;
    }
    if !opens(scene, &copied).await? {
        return Ok(found(INVALID, "a copy of what the page sends opened nothing before the log-out either"));
    }
    does(&scene.page, "logout", &[]).await.context("the log-out")?;
    let after = opens(scene, &copied).await?;
    Ok(judge(after, "a copy of what the page sends"))
}

/// Where each request needs a proof by a key that cannot be copied, the browser itself keeps tokens and key and uses them
/// again.
async fn by_putting_back(scene: &Scene<'_>) -> Result<Found> {
    let kept = scene.page.eval(KEEP).await?;
    if kept == json!(0) {
        return Ok(found(INVALID, "the page keeps neither tokens nor a key in its database"));
    }
    does(&scene.page, "logout", &[]).await.context("the log-out")?;
    scene.page.eval("window.putBack()").await?;
    let before = Moment::now(scene.world);
    tries(&scene.page, "profile", &[]).await?;
    let after = before.served(scene.world, &scene.victim.email);
    // As the log-out had left it.
    does(&scene.page, "logout", &[]).await.ok();
    Ok(judge(after, "what the page had kept, key included,"))
}

fn judge(after: bool, what: &str) -> Found {
    if after {
        found("not before it expires", format!("{what} was served after the log-out as before it"))
    } else {
        found("at once", format!("{what} was refused after the log-out"))
    }
}
