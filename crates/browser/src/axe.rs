//! axe-core, the accessibility checker: where it is, how it is asked, what it answers. What it calls "incomplete", which a
//! person has to look at, is deliberately left out.

use std::path::Path;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

/// Installed by `cargo xtask test`, which pins its version.
const PROGRAM: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/tools/axe/node_modules/axe-core/axe.min.js");
const TAGS: [&str; 6] = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

/// One rule that a page breaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Its name, such as `image-alt`.
    pub rule: String,
    /// `minor`, `moderate`, `serious` or `critical`.
    pub impact: String,
    /// What it wants.
    pub help: String,
    /// Where it is broken and how it is mended.
    pub places: Vec<Place>,
}

/// An element that breaks a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// A selector that leads to it.
    pub selector: String,
    /// Its source, shortened.
    pub html: String,
    /// What to do.
    pub advice: String,
}

/// An expression that runs axe and gives JSON for [`read`].
pub(super) fn script() -> Result<String> {
    let source = std::fs::read_to_string(Path::new(PROGRAM)).with_context(|| {
        format!("there is no axe at {PROGRAM}: `cargo xtask test` installs it (`npm install --prefix target/tools/axe axe-core`)")
    })?;
    let options = json!({ "runOnly": TAGS, "resultTypes": ["violations"], "iframes": false });
    Ok(format!(
        "(async () => {{ {source}\n; return JSON.stringify((await window.axe.run(document, {options})).violations); }})()"
    ))
}

/// What [`script`] gave.
pub(super) fn read(found: &Value) -> Result<Vec<Violation>> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let place = |node: &Value| {
        // A selector for each shadow root on the way.
        let way = node["target"].as_array().into_iter().flatten();
        Place {
            selector: way
                .map(|step| step.as_str().map_or_else(|| step.to_string(), str::to_owned))
                .collect::<Vec<_>>()
                .join(" "),
            html: text(&node["html"]),
            advice: text(&node["failureSummary"]),
        }
    };
    let violations = found.as_array().context("axe gave no list")?.iter();
    Ok(violations
        .map(|violation| Violation {
            rule: text(&violation["id"]),
            impact: text(&violation["impact"]),
            help: text(&violation["help"]),
            places: violation["nodes"].as_array().into_iter().flatten().map(place).collect(),
        })
        .collect())
}
