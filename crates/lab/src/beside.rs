//! What goes on beside the cells: a browser with an extension in it, one on a copy of a profile that lay on the disk, each started
//! once for all rows, since starting is what costs; and people whose cookies grow old while other cells are run.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, Result, ensure};
use cloakroom_browser::{Browser, Context, Launch, Page, Profile};
use tempfile::TempDir;
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::person::{Person, READY, open_as_nobody, tries};
use crate::world::{World, own};

/// Files of a profile larger than this hold no credential of an hour ago.
const LARGEST_FILE: u64 = 8 << 20;

/// Where cells happen: a world, a browser in it, and how that was started.
#[derive(Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) world: &'a World,
    pub(crate) browser: &'a Browser,
    pub(crate) launch: &'a Launch,
    /// Browsers that some attacks need beside it.
    pub(crate) beside: &'a Beside,
}

/// What there is by now.
#[derive(Default)]
pub(crate) struct Beside {
    extended: Mutex<Option<(Arc<Browser>, TempDir)>>,
    /// By row. Each is given out once, because sessions age.
    stolen: Mutex<HashMap<String, Result<Stolen>>>,
    /// By row.
    aging: Mutex<HashMap<String, Aging>>,
}

/// Somebody who has logged in a while ago, in a context of their own.
pub(crate) struct Aging {
    pub(crate) context: Context,
    pub(crate) page: Page,
    pub(crate) person: Person,
    /// When they did.
    pub(crate) since: Instant,
}

/// What a copy of the profile's folder gave.
pub(crate) struct Stolen {
    /// Started on the copy.
    pub(crate) browser: Arc<Browser>,
    /// Everything in the files that looks like a token, of other rows as well.
    pub(crate) words: Arc<[String]>,
    /// Who has used the application of this row before the browser was closed.
    pub(crate) person: Person,
}

impl Beside {
    /// The browser with the extension.
    pub(crate) async fn extended(&self, place: &Place<'_>) -> Result<Arc<Browser>> {
        let mut extended = self.extended.lock().await;
        if let Some((browser, _)) = extended.as_ref() {
            return Ok(Arc::clone(browser));
        }
        let folder = tempfile::tempdir()?;
        std::fs::write(folder.path().join("manifest.json"), include_str!("../extension/manifest.json"))?;
        std::fs::write(folder.path().join("background.js"), include_str!("../extension/background.js"))?;
        let launch = Launch { extension: Some(folder.path().to_owned()), ..place.launch.clone() };
        let browser = Arc::new(Browser::launch_with(place.browser.engine(), &launch).await?);
        *extended = Some((Arc::clone(&browser), folder));
        Ok(browser)
    }

    /// Ends the browser with the extension, because it does not do what it should.
    pub(crate) async fn give_up_extended(&self) {
        *self.extended.lock().await = None;
    }

    /// Has somebody use the applications of all these rows in one browser with a profile on the disk, closes it, and copies the
    /// profile. `number` and those that follow it make names.
    pub(crate) async fn copy_profile(&self, place: &Place<'_>, rows: &[String], number: u64) -> Result<()> {
        let engine = place.browser.engine();
        let profile = Profile::new()?;
        let launch = Launch { profile: Some(profile.clone()), ..place.launch.clone() };
        let browser = Browser::launch_with(engine, &launch).await?;
        let context = browser.kept_context().await?;
        let mut people = Vec::new();
        // Applications may share a key: nobody has the same account with two of them.
        for (row, number) in rows.iter().zip(number..) {
            let person = Person::named("owner", number);
            place.world.open_account(row, &person.email, &person.canary).await?;
            let lived = lives_in(place.world, row, &person, &context).await;
            people.push((row.clone(), lived.map(|_| person)));
        }
        drop(context);
        browser.close().await.context("closing the victim's browser")?;
        let stolen = profile.copy()?;
        let words = scan(stolen.path())?.into();
        let launch = Launch { profile: Some(stolen), ..place.launch.clone() };
        let browser = Arc::new(Browser::launch_with(engine, &launch).await?);
        let stolen = people.into_iter().map(|(row, person)| {
            let of = |person| Stolen { browser: Arc::clone(&browser), words: Arc::clone(&words), person };
            (row, person.map(of).context("the honest use in a browser with a profile"))
        });
        self.stolen.lock().await.extend(stolen);
        Ok(())
    }

    /// Logs somebody in, and leaves them alone until an attack wants cookies of some age.
    pub(crate) async fn age(&self, place: &Place<'_>, row: &str, number: u64) -> Result<()> {
        let person = Person::named("patient", number);
        place.world.open_account(row, &person.email, &person.canary).await?;
        let context = place.browser.context().await?;
        let page = context.page().await?;
        page.goto(&format!("{}/", place.world.names.app(row))).await?;
        page.wait_for(READY).await?;
        person.log_in(&page).await?;
        let aging = Aging { context, page, person, since: Instant::now() };
        self.aging.lock().await.insert(row.to_owned(), aging);
        Ok(())
    }

    /// Who has logged in to a row a while ago, once.
    pub(crate) async fn aged(&self, row: &str) -> Option<Aging> {
        self.aging.lock().await.remove(row)
    }

    /// They are gone with their browser.
    pub(crate) async fn give_up_aging(&self) {
        self.aging.lock().await.clear();
    }

    /// What the copy gave for a row, once; nothing if no copy was made of it.
    pub(crate) async fn stolen(&self, row: &str) -> Option<Result<Stolen>> {
        self.stolen.lock().await.remove(row)
    }
}

/// The honest use of a row's application, in the jar that a profile keeps.
pub(crate) async fn lives_in(world: &World, row: &str, person: &Person, context: &Context) -> Result<Page> {
    let page = context.page().await?;
    open_as_nobody(&page, &format!("{}/", world.names.app(row))).await?;
    // Whoever offers to remember people leaves most on the disk when it does.
    if own(row).is_some() && row != "cloakroom-memory" && row != "cloakroom-split-bearer" {
        person.log_in_remembered(&page).await?;
    } else {
        person.log_in(&page).await?;
    }
    ensure!(person.sees_own_profile(&page).await?, "the victim does not see their own profile");
    tries(&page, "refresh", &[]).await?;
    tries(&page, "profile", &[]).await?;
    Ok(page)
}

/// Everything in the files of a folder that looks like a token.
fn scan(folder: &Path) -> Result<Vec<String>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        if kind.is_dir() {
            found.extend(scan(&entry.path())?);
        } else if kind.is_file() && entry.metadata()?.len() <= LARGEST_FILE {
            let bytes = std::fs::read(entry.path())?;
            // UTF-16 is UTF-8 with a zero after every letter, for what tokens are made of.
            let narrow: Vec<u8> = bytes.iter().copied().filter(|byte| *byte != 0).collect();
            for bytes in [&bytes, &narrow] {
                let words = bytes.split(|byte| !(byte.is_ascii_alphanumeric() || b"-_.".contains(byte)));
                let words = words.filter(|word| word.starts_with(b"ey") && word.len() > 60);
                found.extend(words.map(|word| String::from_utf8_lossy(word).into_owned()));
            }
        }
    }
    found.sort();
    found.dedup();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_found_in_files_in_both_widths() {
        let folder = tempfile::tempdir().unwrap();
        let token = format!("ey{}.ey{}.{}", "a".repeat(20), "b".repeat(20), "c".repeat(40));
        std::fs::create_dir(folder.path().join("deep")).unwrap();
        let wide: Vec<u8> = token.bytes().flat_map(|byte| [byte, 0]).collect();
        std::fs::write(folder.path().join("deep/one"), [b"\x01\x02".as_slice(), &wide, b"\xff"].concat()).unwrap();
        assert_eq!(scan(folder.path()).unwrap(), [token]);
    }
}
