//! The run as data: everything that reports are made from.

use std::process::Command;

use cloakroom_browser::Engine;
use cloakroom_lab_report as report;

use super::plan::{Plan, State};
use crate::catalogue::Catalogue;
use crate::world::program;

/// What a state of a browser ended as: its build, or why it did not run.
pub(crate) type Ran = (State, Result<String, String>);

/// What was seen in all lanes.
#[derive(Default)]
pub(crate) struct Seen {
    pub(crate) cells: Vec<report::Cell>,
    pub(crate) usability: Vec<report::UsabilityCell>,
    pub(crate) defences: Vec<report::Defence>,
}

/// Puts a run together. `began_at` is RFC 3339.
pub(crate) fn record(
    catalogue: &Catalogue,
    plan: &Plan,
    ran: Vec<Ran>,
    seen: Seen,
    began_at: String,
    took_seconds: u64,
    command: String,
) -> report::Run {
    let browsers = ran.into_iter().map(|(state, outcome)| browser(state, outcome)).collect();
    let strategies = plan.rows.iter().map(|row| strategy(catalogue, row)).collect();
    let attacks = plan.attacks.iter().filter_map(|attack| catalogue.attack(attack.id)).map(|text| report::Attack {
        id: text.id.clone(),
        title: text.title.clone(),
        group: text.group.clone(),
        story: text.story.clone(),
        mechanism: text.mechanism.clone(),
        stopped_by: text.stopped_by.clone(),
        sources: text.sources.clone(),
    });
    let usabilities = catalogue.usabilities.iter().map(|text| report::UsabilityColumn {
        id: text.id.clone(),
        title: text.title.clone(),
        how: text.how.clone(),
    });
    report::Run {
        schema: report::SCHEMA.to_owned(),
        began_at,
        took_seconds,
        command,
        seed: plan.seed,
        lab: format!("cloakroom-lab {}", env!("CARGO_PKG_VERSION")),
        cloakroom: cloakroom_version(),
        machine: machine(),
        browsers,
        strategies,
        attacks: attacks.collect(),
        usabilities: usabilities.collect(),
        cells: seen.cells,
        usability: seen.usability,
        defences: seen.defences,
        defences_from: None,
    }
}

fn browser(state: State, outcome: Result<String, String>) -> report::BrowserRun {
    let (version, not_run) = match outcome {
        Ok(version) => (version, None),
        Err(why) => (String::new(), Some(why)),
    };
    report::BrowserRun {
        id: state.id(),
        name: title(state.engine).to_owned(),
        version,
        third_party_cookies: match state.third_party {
            cloakroom_browser::ThirdParty::Allow => report::ThirdPartyCookies::Allow,
            cloakroom_browser::ThirdParty::Block => report::ThirdPartyCookies::Block,
        },
        not_run,
    }
}

/// What people call it.
pub(crate) fn title(engine: Engine) -> &'static str {
    match engine {
        Engine::Chromium => "Chromium",
        Engine::Firefox => "Firefox",
        Engine::WebKit => "WebKitGTK",
    }
}

fn strategy(catalogue: &Catalogue, row: &str) -> report::Strategy {
    let text = catalogue.strategy(row);
    report::Strategy {
        id: row.to_owned(),
        title: text.map_or_else(|| row.to_owned(), |text| text.title.clone()),
        summary: text.map(|text| text.summary.clone()).unwrap_or_default(),
        is_cloakroom: crate::world::own(row).is_some(),
        sources: text.map(|text| text.sources.clone()).unwrap_or_default(),
    }
}

fn cloakroom_version() -> String {
    let asked = program().ok().and_then(|path| Command::new(path).arg("--version").output().ok());
    asked.map_or_else(|| "unknown".to_owned(), |output| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// The operating system, the processor, and how many of them.
fn machine() -> String {
    let line = |file: &str, key: &str| {
        let text = std::fs::read_to_string(file).unwrap_or_default();
        let value = text.lines().find_map(|line| line.strip_prefix(key)).unwrap_or_default();
        value.trim_start_matches([':', ' ', '\t', '=']).trim_matches('"').trim().to_owned()
    };
    let processors = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    format!(
        "{}, {} processors, {}",
        line("/etc/os-release", "PRETTY_NAME"),
        processors,
        line("/proc/cpuinfo", "model name")
    )
}
