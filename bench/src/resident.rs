//! Memory of a process, as Linux counts it.

/// In bytes.
#[derive(Clone, Copy)]
pub(crate) struct Resident {
    /// All that is in memory, the program's own pages among them.
    pub(crate) all: f64,
    /// Without pages of files, which the machine can drop at any time.
    pub(crate) private: f64,
}

/// Of a process; `self` for this one.
pub(crate) fn of(id: &str) -> Resident {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok()).unwrap_or(f64::NAN) * 1024.0
    };
    Resident { all: field("VmRSS:"), private: field("RssAnon:") }
}
