//! The application's interface from elsewhere: a page on a sibling host, a page on another site. The application allows the
//! page by CORS (the world's door answers for it), so what is measured is the strategy and the browser.

use anyhow::Result;
use cloakroom_browser::Page;
use serde_json::{Value, json};

use super::served::{Moment, call_of_the_page, inside};
use super::{Found, found};
use crate::scene::Scene;
use crate::world::{Served, Site};

/// `sub-domain`.
pub(super) async fn sub_domain(scene: &Scene<'_>) -> Result<Found> {
    ask(scene, &scene.world.sibling, &scene.world.names.sibling(), "a page on a sibling host").await
}

/// `cross-site`.
pub(super) async fn cross_site(scene: &Scene<'_>) -> Result<Found> {
    ask(scene, &scene.world.evil, &scene.world.names.evil(), "a page on another site").await
}

/// First with what the browser adds by itself and the fixed header that the application wants, then with the token that the
/// page has.
async fn ask(scene: &Scene<'_>, site: &Site, origin: &str, who: &str) -> Result<Found> {
    inside(scene).await?;
    let call = call_of_the_page(scene).await?;
    let fixed = call.header("x-csrf");
    let token = call.header("authorization");
    let alone: Vec<(&str, &str)> = [("x-csrf", fixed)].into_iter().filter(|(_, value)| !value.is_empty()).collect();
    let mut with = alone.clone();
    with.push(("authorization", token));
    scene.world.allow_origin(Some(origin.to_owned()));
    let served = try_both(scene, site, origin, &alone, (!token.is_empty()).then_some(with.as_slice())).await;
    scene.world.allow_origin(None);
    Ok(match served? {
        (true, _, told) => {
            found("yes", format!("{who} that the application allows asked with credentials, and was served ({told})"))
        }
        (false, Some(true), told) => found(
            "with the token",
            format!("{who} was served with the token that the page has, and not without ({told})"),
        ),
        (false, Some(false), told) => found(
            "no",
            format!("{who} was not served, neither with credentials nor with the page's Authorization ({told})"),
        ),
        (false, None, told) => found(
            "no",
            format!("{who} that the application allows asked with credentials, and was not served ({told})"),
        ),
    })
}

/// Served with credentials alone; served with the token besides, if there is one; what the page was told last.
async fn try_both(
    scene: &Scene<'_>,
    site: &Site,
    origin: &str,
    alone: &[(&str, &str)],
    with: Option<&[(&str, &str)]>,
) -> Result<(bool, Option<bool>, String)> {
    let tab = scene.context.page().await?;
    let (served, told) = once(scene, &tab, site, origin, alone).await?;
    let both = match with {
        Some(with) if !served => {
            let (served, told) = once(scene, &tab, site, origin, with).await?;
            (false, Some(served), told)
        }
        _ => (served, None, told),
    };
    drop(tab.close().await);
    Ok(both)
}

/// One request from there; whether the server gave the profile out, and what the page got.
async fn once(
    scene: &Scene<'_>,
    tab: &Page,
    site: &Site,
    origin: &str,
    headers: &[(&str, &str)],
) -> Result<(bool, String)> {
    let headers: serde_json::Map<String, Value> =
        headers.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
    let page = format!(
        "<!doctype html><title>Your accounts</title><script>window.told = fetch({}, {{ credentials: 'include', headers: {} }})\
         .then((answer) => `status ${{answer.status}}`, () => 'the browser gave it no answer')</script>",
        json!(scene.app("/api/profile")),
        Value::Object(headers)
    );
    site.put("/accounts", Served::page(page));
    let before = Moment::now(scene.world);
    tab.goto(&format!("{origin}/accounts")).await?;
    let told = tab.wait_for("await window.told").await?;
    Ok((before.served(scene.world, &scene.victim.email), told.as_str().unwrap_or_default().to_owned()))
}
