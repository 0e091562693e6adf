//! What the things of a run are called, wherever they are shown.

use crate::run::{BrowserRun, Defence, ThirdPartyCookies};

impl BrowserRun {
    /// Name and version number: `Firefox 153.0`, whether the browser says `firefox/153.0` or `153.0`.
    pub fn label(&self) -> String {
        let number = self.version.rsplit('/').next().unwrap_or_default().trim();
        format!("{} {number}", self.name).trim_end().to_owned()
    }
}

impl ThirdPartyCookies {
    /// Such as `third-party cookies blocked`.
    pub fn words(self) -> &'static str {
        match self {
            Self::Allow => "third-party cookies allowed",
            Self::Block => "third-party cookies blocked",
        }
    }
}

impl Defence {
    /// What is said of a defence whose removal brought nothing back; none if it carries a load.
    pub fn idle(&self) -> Option<&'static str> {
        match (self.works_again.is_empty(), self.tried) {
            (false, _) => None,
            (true, 0) => Some("Not tried in this run."),
            (true, _) => Some("Decoration: nothing works again without it, in the browsers of this run."),
        }
    }
}

/// Such as `14 min 3 s`.
pub(crate) fn duration(seconds: u64) -> String {
    match (seconds / 60, seconds % 60) {
        (0, seconds) => format!("{seconds} s"),
        (minutes, 0) => format!("{minutes} min"),
        (minutes, seconds) => format!("{minutes} min {seconds} s"),
    }
}
