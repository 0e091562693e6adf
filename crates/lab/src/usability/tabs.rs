//! The same person again: after a reload, in a second tab; and another person in a second tab.

use anyhow::{Result, bail};

use super::served::{Moment, asks, inside};
use super::{Found, found};
use crate::person::READY;
use crate::scene::Scene;

/// `reload`.
pub(super) async fn reload(scene: &Scene<'_>) -> Result<Found> {
    inside(scene).await?;
    let before = Moment::now(scene.world);
    scene.page.reload().await?;
    let served = asks(scene, &scene.page, &scene.victim.email).await?;
    Ok(judge(served, before.renewed(scene), "the page was loaded again"))
}

/// `tabs`.
pub(super) async fn second_tab(scene: &Scene<'_>) -> Result<Found> {
    inside(scene).await?;
    let tab = scene.context.page().await?;
    let before = Moment::now(scene.world);
    tab.goto(&scene.app("/")).await?;
    let served = asks(scene, &tab, &scene.victim.email).await?;
    drop(tab.close().await);
    Ok(judge(served, before.renewed(scene), "the application was opened in a second tab"))
}

/// `per-tab`. Logs somebody else in, so nothing that needs the victim comes after it.
pub(super) async fn per_tab(scene: &mut Scene<'_>) -> Result<Found> {
    inside(scene).await?;
    let tab = scene.context.page().await?;
    tab.goto(&scene.app("/")).await?;
    tab.wait_for(READY).await?;
    scene.thief.log_in(&tab).await?;
    if !asks(scene, &tab, &scene.thief.email).await? {
        bail!("the second person logged in in a second tab and was not served there");
    }
    let first = asks(scene, &scene.page, &scene.victim.email).await?;
    let second = asks(scene, &tab, &scene.thief.email).await?;
    drop(tab.close().await);
    Ok(match (first, second) {
        (true, true) => found("yes", "two tabs asked for the profile, and each got its own account's"),
        (false, true) => found("no", "the log-in in the second tab replaced or ended the first tab's"),
        (true, false) => found("no", "the first tab's next call took the second tab's log-in away"),
        (false, false) => found("no", "with two log-ins, neither tab got its own account's profile"),
    })
}

pub(super) fn judge(served: bool, renewed: bool, what: &str) -> Found {
    match (served, renewed) {
        (true, false) => found("yes", format!("{what}, and the server gave the profile out without another log-in")),
        (true, true) => {
            found("after a refresh", format!("{what}; new tokens were asked for, then the server gave the profile out"))
        }
        (false, _) => found("no", format!("{what}, and the server gave no profile out")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_server_served_counts() {
        assert_eq!(judge(true, false, "").0, "yes");
        assert_eq!(judge(true, true, "").0, "after a refresh");
        assert_eq!(judge(false, true, "").0, "no");
    }
}
