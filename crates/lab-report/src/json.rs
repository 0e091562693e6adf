//! The JSON file of a run: written, read back, described by a schema. What stands in it is not judged here, only whether it
//! is a run at all and whether its parts name each other.

use std::collections::HashSet;

use serde::Deserialize;

use crate::run::{Run, SCHEMA};

/// The longest file that is read: a run of everything in three browsers has 200 MiB, most of it evidence, and twice that with
/// both states of third-party cookies.
pub const LONGEST: usize = 1024 * 1024 * 1024;

/// Why a file is no run. Each says where, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// Longer than [`LONGEST`].
    #[error(
        "the file has {length} bytes, and no more than {LONGEST} are read: make a run of fewer strategies, attacks or browsers"
    )]
    TooLong { length: usize },
    /// Not JSON, or no object with a text `schema`.
    #[error("this is no file of `cloakroom-lab run` ({0}): take the .json file that it wrote, whole")]
    NoRun(String),
    /// Another schema.
    #[error(
        "`schema` is {found:?}, and this program reads {SCHEMA:?}: use the cloakroom-lab that wrote the file, or make the run again"
    )]
    OtherSchema { found: String },
    /// A field that does not fit.
    #[error("`{path}` {what}: the file was changed after it was written; make the run again, or mend that field")]
    Field { path: String, what: String },
}

#[derive(Deserialize)]
struct Head {
    schema: String,
}

/// The run as indented JSON, with a line end after it. The same run gives the same bytes.
pub fn json(run: &Run) -> String {
    // Texts, numbers and lists: serde_json has nothing here that it could refuse.
    serde_json::to_string_pretty(run).unwrap_or_default() + "\n"
}

/// The run in a file of at most [`LONGEST`] bytes. Every name in it leads somewhere: a cell of a browser that is not listed is
/// an error, and so are two of one place.
pub fn read(bytes: &[u8]) -> Result<Run, ReadError> {
    if bytes.len() > LONGEST {
        return Err(ReadError::TooLong { length: bytes.len() });
    }
    let head: Head = serde_json::from_slice(bytes).map_err(|error| ReadError::NoRun(error.to_string()))?;
    if head.schema != SCHEMA {
        return Err(ReadError::OtherSchema { found: head.schema.chars().take(80).collect() });
    }
    let mut text = serde_json::Deserializer::from_slice(bytes);
    let run: Run = serde_path_to_error::deserialize(&mut text).map_err(|error| ReadError::Field {
        path: error.path().to_string(),
        what: format!("does not fit ({})", error.inner()),
    })?;
    coherent(&run)?;
    Ok(run)
}

/// JSON Schema (draft 2020-12) of the file, with a line end after it.
pub fn schema() -> String {
    serde_json::to_string_pretty(&schemars::schema_for!(Run)).unwrap_or_default() + "\n"
}

/// Whether every name that a cell, a measure or a defence uses is in its list, and no place is taken twice.
fn coherent(run: &Run) -> Result<(), ReadError> {
    let browsers = names("browsers", run.browsers.iter().map(|browser| &*browser.id))?;
    let strategies = names("strategies", run.strategies.iter().map(|strategy| &*strategy.id))?;
    let attacks = names("attacks", run.attacks.iter().map(|attack| &*attack.id))?;
    let usabilities = names("usabilities", run.usabilities.iter().map(|usability| &*usability.id))?;
    let known = |names: &HashSet<&str>, name: &str, path: String| {
        if names.contains(name) {
            Ok(())
        } else {
            Err(ReadError::Field { path, what: format!("names {name:?}, which is in no list") })
        }
    };
    let mut taken = HashSet::new();
    for (number, cell) in run.cells.iter().enumerate() {
        known(&browsers, &cell.browser, format!("cells[{number}].browser"))?;
        known(&strategies, &cell.strategy, format!("cells[{number}].strategy"))?;
        known(&attacks, &cell.attack, format!("cells[{number}].attack"))?;
        if !taken.insert((&cell.browser, &cell.strategy, &cell.attack)) {
            return Err(ReadError::Field { path: format!("cells[{number}]"), what: "is there twice".to_owned() });
        }
    }
    let mut taken = HashSet::new();
    for (number, cell) in run.usability.iter().enumerate() {
        known(&browsers, &cell.browser, format!("usability[{number}].browser"))?;
        known(&strategies, &cell.strategy, format!("usability[{number}].strategy"))?;
        known(&usabilities, &cell.usability, format!("usability[{number}].usability"))?;
        if !taken.insert((&cell.browser, &cell.strategy, &cell.usability)) {
            return Err(ReadError::Field { path: format!("usability[{number}]"), what: "is there twice".to_owned() });
        }
    }
    names("defences", run.defences.iter().map(|defence| &*defence.id))?;
    for (number, defence) in run.defences.iter().enumerate() {
        for (place, again) in defence.works_again.iter().enumerate() {
            let path = format!("defences[{number}].works_again[{place}]");
            known(&browsers, &again.browser, format!("{path}.browser"))?;
            known(&strategies, &again.strategy, format!("{path}.strategy"))?;
            known(&attacks, &again.attack, format!("{path}.attack"))?;
        }
    }
    Ok(())
}

/// The names of a list, each once.
fn names<'a>(list: &str, all: impl Iterator<Item = &'a str>) -> Result<HashSet<&'a str>, ReadError> {
    let mut names = HashSet::new();
    for (number, name) in all.enumerate() {
        if !names.insert(name) {
            return Err(ReadError::Field { path: format!("{list}[{number}].id"), what: format!("is {name:?} again") });
        }
    }
    Ok(names)
}
