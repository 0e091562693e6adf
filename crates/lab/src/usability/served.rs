//! Whom the application served: the oracle of every column. A page is asked for the profile in its own way, and the audit log
//! says whether the server gave it out, and for whom.

use anyhow::{Result, bail};
use cloakroom_browser::Page;
use cloakroom_lab_victims::What;

use crate::person::{READY, tries};
use crate::scene::Scene;
use crate::world::{Seen, World};

/// A moment: what was done and what arrived after it can be told apart from what was before.
#[derive(Clone, Copy)]
pub(super) struct Moment {
    deeds: u64,
    wire: usize,
}

impl Moment {
    /// Now.
    pub(super) fn now(world: &World) -> Self {
        Self { deeds: *world.bank.watch().borrow(), wire: world.wire.mark() }
    }

    /// Whether somebody's profile left the server since then, for them.
    pub(super) fn served(self, world: &World, email: &str) -> bool {
        self.did(world, email, |what| matches!(what, What::ProfileRead))
    }

    /// Whether something was done since then in somebody's name.
    pub(super) fn did(self, world: &World, email: &str, wanted: impl Fn(&What) -> bool) -> bool {
        world.bank.deeds_of(email).iter().any(|deed| deed.seq > self.deeds && wanted(&deed.what))
    }

    /// What browsers sent to the scene's application since then.
    pub(super) fn sent(self, scene: &Scene<'_>, wanted: impl Fn(&Seen) -> bool) -> Vec<Seen> {
        let host = scene.host();
        scene.world.wire.since(self.wire, |seen| !seen.from_elsewhere && of_host(seen, &host) && wanted(seen))
    }

    /// Whether new tokens were asked for and given since then.
    pub(super) fn renewed(self, scene: &Scene<'_>) -> bool {
        let is_renewal = |seen: &Seen| {
            let path = seen.path.split('?').next().unwrap_or_default();
            matches!(path, "/refresh" | "/api/refresh" | "/auth/refresh" | "/token") && seen.status < 300
        };
        !self.sent(scene, |seen| seen.method == http::Method::POST && is_renewal(seen)).is_empty()
    }
}

fn of_host(seen: &Seen, host: &str) -> bool {
    seen.host.rsplit_once(':').map_or(seen.host.as_str(), |(name, _)| name) == host
}

/// Asks for the profile in a page's own way, once the page has started; whether it went out for this person.
pub(super) async fn asks(scene: &Scene<'_>, page: &Page, email: &str) -> Result<bool> {
    page.wait_for(READY).await?;
    let before = Moment::now(scene.world);
    tries(page, "profile", &[]).await?;
    Ok(before.served(scene.world, email))
}

/// The victim is logged in in their tab, again if need be.
pub(super) async fn inside(scene: &Scene<'_>) -> Result<()> {
    if asks(scene, &scene.page, &scene.victim.email).await? {
        return Ok(());
    }
    scene.victim.log_in(&scene.page).await?;
    if !asks(scene, &scene.page, &scene.victim.email).await? {
        bail!("the victim logged in again and was not served");
    }
    Ok(())
}

/// The request by which the victim's page asks for the profile.
pub(super) async fn call_of_the_page(scene: &Scene<'_>) -> Result<Seen> {
    let before = Moment::now(scene.world);
    tries(&scene.page, "profile", &[]).await?;
    let sent = before.sent(scene, |seen| seen.path == "/api/profile" && seen.status == 200);
    match sent.into_iter().next_back() {
        Some(seen) => Ok(seen),
        None => bail!("the page's call of the profile was not served"),
    }
}
