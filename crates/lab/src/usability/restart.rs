//! `restart`: one browser on a profile on disk for all rows, closed in an orderly way and started again. Windows are not
//! restored: browsers that do so keep session cookies as well.

use anyhow::{Context as _, Result, bail};
use cloakroom_browser::{Browser, Context, Engine, Launch, Profile};
use cloakroom_lab_victims::What;

use super::tabs::judge;
use super::{BY_HAND, Found, INVALID, Measure, NOT_MEASURED, found, keeps_by_hand};
use crate::person::{Person, READY, tries};
use crate::world::{World, own};

/// What became of a row before the restart.
enum Before {
    Inside(Person),
    Not(Found),
}

/// Measures the column for every row: one extra browser for all of them. `launch` is how this lane's browsers are started;
/// its profile is replaced. `number` makes names of its own. The measures are in the order of the rows.
pub(crate) async fn restarts(
    world: &World,
    engine: Engine,
    launch: &Launch,
    rows: &[String],
    number: u64,
) -> Vec<Measure> {
    let of = |(value, why): Found| Measure { usability: "restart", value, why };
    if engine == Engine::WebKit {
        let nothing = found(NOT_MEASURED, "the driver of WebKitGTK keeps no profile");
        return rows.iter().map(|_| of(nothing.clone())).collect();
    }
    let all: Vec<_> = rows.iter().map(String::as_str).collect();
    let mut measured = match round(world, engine, launch, &all, number, false).await {
        Ok(found) => found,
        Err(error) => {
            return rows.iter().map(|_| of(found(INVALID, format!("the browser on a profile: {error:#}")))).collect();
        }
    };
    // Who offers to remember people is asked again with it.
    let lost: Vec<_> = all
        .iter()
        .zip(&measured)
        .filter(|(row, (value, _))| own(row).is_some() && value == "no")
        .map(|(row, _)| *row)
        .collect();
    if !lost.is_empty() {
        match round(world, engine, launch, &lost, number, true).await {
            Ok(again) => {
                for (row, (value, why)) in lost.iter().zip(again) {
                    let place = all.iter().position(|known| known == row).and_then(|at| measured.get_mut(at));
                    if let (Some(place), "yes" | "after a refresh") = (place, value.as_str()) {
                        *place = found(
                            "with remember me",
                            format!("with \"remember me\": {why}; without it the server gave none out"),
                        );
                    }
                }
            }
            Err(error) => tracing::warn!("the restart with \"remember me\": {error:#}"),
        }
    }
    measured.into_iter().map(of).collect()
}

/// Everybody logs in, the browser is closed and started again, everybody looks.
async fn round(
    world: &World,
    engine: Engine,
    launch: &Launch,
    rows: &[&str],
    number: u64,
    remember: bool,
) -> Result<Vec<Found>> {
    let launch = Launch { profile: Some(Profile::new()?), ..launch.clone() };
    let browser = Browser::launch_with(engine, &launch).await?;
    let context = browser.kept_context().await?;
    let mut before = Vec::with_capacity(rows.len());
    for row in rows {
        let outcome = tokio::time::timeout(super::WITHIN, enter(world, &context, &launch, row, number, remember)).await;
        before.push(match outcome {
            Ok(Ok(before)) => before,
            Ok(Err(error)) => Before::Not(found(INVALID, format!("before the restart: {error:#}"))),
            Err(_) => Before::Not(found(INVALID, "not done in time before the restart")),
        });
    }
    drop(context);
    browser.close().await.context("closing it")?;
    let browser = Browser::launch_with(engine, &launch).await.context("starting it again")?;
    let context = browser.kept_context().await?;
    let mut found_here = Vec::with_capacity(rows.len());
    for (row, before) in rows.iter().zip(before) {
        found_here.push(match before {
            Before::Not(found) => found,
            Before::Inside(person) => {
                match tokio::time::timeout(super::WITHIN, looks(world, &context, row, &person)).await {
                    Ok(Ok(found)) => found,
                    Ok(Err(error)) => found(INVALID, format!("after the restart: {error:#}")),
                    Err(_) => found(INVALID, "not done in time after the restart"),
                }
            }
        });
    }
    drop(context);
    // What is left is killed on drop.
    drop(browser.close().await);
    Ok(found_here)
}

async fn enter(
    world: &World,
    context: &Context,
    launch: &Launch,
    row: &str,
    number: u64,
    remember: bool,
) -> Result<Before> {
    let who = if remember { "remembered" } else { "returns" };
    let person = Person::named(who, number);
    world.open_account(row, &person.email, &person.canary).await?;
    let page = context.page().await?;
    page.goto(&home(world, row)).await?;
    page.wait_for(READY).await?;
    if let Some(why) = page.eval("window.unsupported ?? null").await?.as_str() {
        return Ok(Before::Not(found("unsupported", format!("the page says so: {why}"))));
    }
    if keeps_by_hand(row, launch) {
        return Ok(Before::Not(found(NOT_MEASURED, BY_HAND)));
    }
    if remember {
        person.log_in_remembered(&page).await?;
        page.reload().await?;
        page.wait_for(READY).await?;
    } else {
        person.log_in(&page).await?;
    }
    if !person.sees_own_profile(&page).await? {
        bail!("the profile is not there after the log-in");
    }
    drop(page.close().await);
    Ok(Before::Inside(person))
}

async fn looks(world: &World, context: &Context, row: &str, person: &Person) -> Result<Found> {
    let (deeds, mark) = (*world.bank.watch().borrow(), world.wire.mark());
    let page = context.page().await?;
    page.goto(&home(world, row)).await?;
    page.wait_for(READY).await?;
    tries(&page, "profile", &[]).await?;
    drop(page.close().await);
    // One email stands in every row's bank, and rows come one after another: what was done since then is this row's.
    let served =
        world.bank.deeds_of(&person.email).iter().any(|deed| deed.seq > deeds && deed.what == What::ProfileRead);
    let renewed = world.wire.since(mark, |seen| {
        let path = seen.path.split('?').next().unwrap_or_default();
        matches!(path, "/refresh" | "/api/refresh" | "/auth/refresh" | "/token") && seen.status < 300
    });
    Ok(judge(served, !renewed.is_empty(), "the browser was closed and started again"))
}

fn home(world: &World, row: &str) -> String {
    format!("{}/", world.names.app(row))
}
