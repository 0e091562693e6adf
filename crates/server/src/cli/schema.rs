//! `cloakroom schema` and the pages of the reference.

use crate::config::json_schema;
use crate::reference;
use crate::terminal::{Ending, answer};

pub(super) fn run() -> Ending {
    answer(json_schema().trim_end());
    Ending::Done
}

/// A page of the reference.
#[derive(Clone, Copy, clap::ValueEnum)]
pub(super) enum Page {
    /// docs/reference/configuration.md
    Configuration,
    /// docs/reference/routes.md
    Routes,
    /// docs/reference/openapi.json
    Openapi,
}

pub(super) fn page(page: Page) -> Ending {
    let text = match page {
        Page::Configuration => reference::configuration(),
        Page::Routes => reference::routes(),
        Page::Openapi => reference::openapi(),
    };
    answer(text.trim_end());
    Ending::Done
}
