//! The usability columns: what using a strategy costs people, measured like the attacks. A value is what servers received and
//! recorded; what could not be measured is `INVALID`, with the reason. What the columns mean is in `catalogue/usabilities.toml`.
//!
//! Not here: verdicts, and whether a value is good or bad.

mod credential;
mod forms;
mod machine;
mod outside;
mod restart;
mod revoke;
mod served;
mod tabs;

use std::future::Future;
use std::time::Duration;

use anyhow::Result;
use cloakroom_browser::Launch;

pub(crate) use self::restart::restarts;
use crate::beside::Place;
use crate::scene::{Honest, Scene};

/// The columns, as the catalogue names and orders them.
pub(crate) const COLUMNS: [&str; 11] = [
    "reload",
    "restart",
    "tabs",
    "per-tab",
    "sub-domain",
    "cross-site",
    "readable",
    "bytes",
    "no-script",
    "native",
    "revocable",
];

/// No column of one row takes longer.
const WITHIN: Duration = Duration::from_mins(1);

/// What could not be measured.
const INVALID: &str = "INVALID";

/// What the driver has no way to measure.
const NOT_MEASURED: &str = "not measured";

const BY_HAND: &str =
    "the browser asks its user whether to keep the password, and without a window there is nobody to ask";

/// Whether a row keeps its tokens only if somebody presses a button of the browser itself.
fn keeps_by_hand(row: &str, launch: &Launch) -> bool {
    row == "S4" && !launch.headed
}

/// What was measured in one column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Measure {
    /// Its id in [`COLUMNS`].
    pub(crate) usability: &'static str,
    /// Such as `yes`, or a number of bytes; `INVALID` if it could not be measured.
    pub(crate) value: String,
    /// What was seen.
    pub(crate) why: String,
}

/// A value and what was seen.
type Found = (String, String);

/// A value in one word, and what was seen.
fn found(value: &str, why: impl Into<String>) -> Found {
    (value.to_owned(), why.into())
}

/// Measures every column of a row but `restart`, which [`restarts`] measures for all rows in one go. `number` makes names of
/// its own. The world is wiped first. Never fails: what went wrong is the value.
pub(crate) async fn measure(place: &Place<'_>, row: &str, number: u64) -> Vec<Measure> {
    let world = place.world;
    let columns = || COLUMNS.into_iter().filter(|column| *column != "restart");
    let all = |value: &str, why: &str| {
        columns().map(|usability| Measure { usability, value: value.to_owned(), why: why.to_owned() }).collect()
    };
    world.wipe();
    let set = async {
        let mut scene = Scene::set(place, row, number, None).await?;
        let honest = scene.live_honestly().await;
        anyhow::Ok((scene, honest))
    };
    let mut scene = match tokio::time::timeout(WITHIN, set).await {
        Ok(Ok((scene, Ok(Honest::Lives)))) => scene,
        Ok(Ok((scene, Ok(Honest::Unsupported(why))))) => {
            drop(scene.end(false).await);
            return all("unsupported", &format!("the page says so: {why}"));
        }
        Ok(Ok((scene, Ok(Honest::OnlyByHand(why))))) => {
            drop(scene.end(false).await);
            return all(NOT_MEASURED, &why);
        }
        Ok(Ok((scene, Err(error)))) => {
            drop(scene.end(false).await);
            return all(INVALID, &format!("the honest control failed: {error:#}"));
        }
        Ok(Err(error)) => return all(INVALID, &format!("the row could not be set up: {error:#}")),
        Err(_) => return all(INVALID, "the row could not be set up in time"),
    };
    // In this order, since the last ones log out and log others in.
    let mut measured = vec![
        of("bytes", credential::bytes(&scene)).await,
        of("readable", credential::readable(&scene)).await,
        of("reload", tabs::reload(&scene)).await,
        of("tabs", tabs::second_tab(&scene)).await,
        of("sub-domain", outside::sub_domain(&scene)).await,
        of("cross-site", outside::cross_site(&scene)).await,
        of("no-script", forms::no_script(&scene)).await,
        of("native", machine::native(&scene)).await,
        of("revocable", revoke::revocable(&scene)).await,
        of("per-tab", tabs::per_tab(&mut scene)).await,
    ];
    // The picture of the end says nothing here.
    drop(tokio::time::timeout(WITHIN, scene.end(false)).await);
    if keeps_by_hand(row, place.launch) {
        for measure in measured.iter_mut().filter(|measure| matches!(measure.usability, "reload" | "tabs")) {
            (measure.value, measure.why) = found(NOT_MEASURED, BY_HAND);
        }
    }
    measured.sort_by_key(|measure| COLUMNS.iter().position(|column| *column == measure.usability));
    measured
}

/// One column, whatever comes of it.
async fn of(usability: &'static str, work: impl Future<Output = Result<Found>>) -> Measure {
    let (value, why) = match tokio::time::timeout(WITHIN, work).await {
        Ok(Ok(found)) => found,
        Ok(Err(error)) => found(INVALID, format!("{error:#}")),
        Err(_) => found(INVALID, format!("not done within {WITHIN:?}")),
    };
    Measure { usability, value, why }
}

#[cfg(test)]
#[cfg(feature = "browser")]
mod measured;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::Catalogue;

    #[test]
    fn every_column_of_the_catalogue_is_measured_and_no_other() {
        let catalogue = Catalogue::read().unwrap();
        let told: Vec<_> = catalogue.usabilities.iter().map(|text| text.id.as_str()).collect();
        assert_eq!(told, COLUMNS);
    }

    #[tokio::test]
    async fn what_goes_wrong_is_a_value_that_says_so() {
        let measure = of("reload", async { anyhow::bail!("no tab") }).await;
        assert_eq!(measure, Measure { usability: "reload", value: "INVALID".to_owned(), why: "no tab".to_owned() });
    }
}
