//! The document for `docs/lab`.

use cloakroom_lab_report::{Verdict, markdown};

use crate::sample;
use crate::sample::hostile::hostile;

#[test]
fn the_same_run_gives_the_same_bytes() {
    assert_eq!(markdown(&sample::full(11)), markdown(&sample::full(11)));
}

#[test]
fn it_states_how_the_results_were_made() {
    let run = sample::full(11);
    let text = markdown(&run);
    for stated in [
        "| Made | 2026-11-22T18:04:11Z, in 17 min 3 s |",
        "| Command | `cloakroom-lab run --third-party-cookies block --seed 11` |",
        "| Firefox | firefox/153.0, third-party cookies blocked |",
        "| Machine | Debian 13, AMD EPYC 7763, 2 processors |",
        "## WebKitGTK 2.52.1, third-party cookies blocked",
        "## Everyday use in Chromium 150.0.7871.46, third-party cookies blocked",
        "## Without this, that works again",
        "*Decoration: nothing works again without it, in the browsers of this run.*",
        "*Not tried in this run.*",
        "→ **LEAK**",
    ] {
        assert!(text.contains(stated), "{stated}");
    }
    let unstable = run.cells.iter().filter(|cell| !cell.unstable.is_empty()).count();
    let invalid = run.cells.iter().filter(|cell| cell.verdict == Verdict::Invalid).count();
    assert!(unstable > 0 && invalid > 0);
    assert_eq!(text.matches("discarded the tab").count(), unstable);
    assert_eq!(text.matches("The attack control failed: Nothing arrived").count(), invalid);
}

#[test]
fn a_browser_that_did_not_run_says_so_instead_of_a_table() {
    let mut run = sample::small(11);
    run.browsers[1].not_run = Some("not installed: `apt install firefox-esr`".to_owned());
    run.browsers[1].version = String::new();
    run.cells.retain(|cell| cell.browser != "firefox");
    let text = markdown(&run);
    assert!(text.contains("| Firefox | not run: not installed: \\`apt install firefox-esr\\` |"), "{text}");
    assert!(text.contains("## Firefox, third-party cookies blocked\n\nNot run: not installed"), "{text}");
}

#[test]
fn a_cell_that_nobody_asked_for_is_a_dash_and_a_wavering_one_has_an_asterisk() {
    let mut run = sample::small(11);
    run.cells.retain(|cell| cell.attack != "C5");
    run.cells[0].verdict = Verdict::Safe;
    run.cells[0].unstable = vec![Verdict::Leak];
    let text = markdown(&run);
    let line = text.lines().find(|line| line.starts_with("| **cookie ")).unwrap();
    let cells: Vec<&str> = line.split('|').map(str::trim).collect();
    assert_eq!((cells[2], cells[5]), ("SAFE\\*", "–"), "{line}");
}

#[test]
fn what_an_attack_left_behind_is_only_text() {
    let text = markdown(&hostile(&sample::small(11)));
    // The command is code, from one grave accent to the next, where markup means nothing (CommonMark 0.31.2, 6.1).
    let (command, others): (Vec<&str>, Vec<&str>) = text.lines().partition(|line| line.starts_with("| Command | `"));
    assert!(command.len() == 1 && command[0].matches('`').count() == 2, "{command:?}");
    let text = others.join("\n");
    for markup in ["<script", "<img", "<svg", "<iframe", "](", "\u{2028}", "\u{1b}"] {
        assert!(!text.contains(markup), "{markup}");
    }
    // Every row of a table has as many columns as its head.
    let columns = |line: &str| line.replace("\\|", "").matches('|').count();
    let mut head = None;
    for line in text.lines() {
        match head {
            Some(width) if line.starts_with('|') => assert_eq!(columns(line), width, "{line}"),
            _ => head = line.starts_with('|').then(|| columns(line)),
        }
    }
}
