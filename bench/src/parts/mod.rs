//! What is measured, as a table.

mod forward_auth;
mod gateway;
mod guesses;
mod house;
mod kill;
mod lag;
mod login;
mod rest;
mod revocations;
mod rotations;
mod rows;
mod sessions;
mod start;
mod storm;
mod strategies;
mod timing;
mod verification;

use crate::context::Context;
use crate::figure::Figure;
use crate::tools::Tool;
use anyhow::Result;
use clap::builder::PossibleValuesParser;

/// One part of a run.
pub(crate) struct Part {
    pub(crate) name: &'static str,
    pub(crate) title: &'static str,
    /// What was compared with what, for the reader of the report.
    pub(crate) how: &'static str,
    /// The programs that it needs.
    pub(crate) tools: &'static [Tool],
    /// Whether it needs the release server.
    pub(crate) builds: bool,
    /// Whether a short run leaves it out.
    pub(crate) is_long: bool,
    pub(crate) run: fn(&Context) -> Result<Vec<Figure>>,
}

/// All of them: those of the design's table in its order, and what belongs to each.
const PARTS: &[Part] = &[
    gateway::PART,
    forward_auth::PART,
    verification::PART,
    rotations::SQLITE,
    rotations::POSTGRES,
    login::PART,
    storm::PART,
    rest::PART,
    revocations::PART,
    sessions::PART,
    lag::PART,
    strategies::PART,
    timing::SQLITE,
    timing::POSTGRES,
    guesses::PART,
    start::PART,
    kill::PART,
];

/// The names of all parts.
pub(crate) fn names() -> PossibleValuesParser {
    PossibleValuesParser::new(PARTS.iter().map(|part| part.name))
}

/// The parts of those names, or those that fit the run.
pub(crate) fn chosen(names: &[String], quick: bool) -> Vec<&'static Part> {
    let fits = |part: &&Part| match names {
        [] => !(quick && part.is_long),
        names => names.iter().any(|name| name == part.name),
    };
    PARTS.iter().filter(fits).collect()
}
