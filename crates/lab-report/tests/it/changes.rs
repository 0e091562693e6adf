//! Two runs against each other.

use cloakroom_lab_report::{Verdict, compare};

use crate::sample;

#[test]
fn a_run_against_itself_has_not_changed() {
    let run = sample::full(3);
    let changes = compare(&run, &run);
    assert!(changes.is_empty());
    assert_eq!(changes.browsers[1].headline(), "Firefox 153.0: none of 832 cells changed");
}

#[test]
fn changed_cells_are_listed_by_browser_with_both_versions() {
    let before = sample::small(3);
    let mut after = before.clone();
    after.began_at = "2026-12-24T18:00:00Z".to_owned();
    after.browsers[1].version = "firefox/154.0".to_owned();
    let of_firefox: Vec<usize> =
        (0..after.cells.len()).filter(|place| after.cells[*place].browser == "firefox").collect();
    after.cells[of_firefox[0]].verdict = Verdict::Leak;
    after.cells[of_firefox[1]].verdict = Verdict::Na;
    after.cells[of_firefox[1]].why = "one\nline\u{1b}[2J".to_owned();
    after.cells[of_firefox[2]].verdict = Verdict::NotRun;
    let changes = compare(&before, &after);
    assert_eq!(changes.browsers.iter().map(|browser| browser.cells.len()).collect::<Vec<_>>(), [0, 2, 0]);
    let firefox = &changes.browsers[1];
    assert_eq!(firefox.headline(), "Firefox 153.0 → Firefox 154.0: 2 of 24 cells changed");
    assert!(firefox.cells[0].is_worse() && !firefox.cells[1].is_worse(), "{firefox:?}");
    assert_eq!(firefox.cells[0].before, before.cells[of_firefox[0]].verdict);

    let text = changes.text();
    assert!(text.contains("Firefox 153.0 → Firefox 154.0: 2 of 24 cells changed\n  worse   cookie"), "{text}");
    assert!(text.contains("one line [2J") && !text.contains('\u{1b}'), "{text}");
}

#[test]
fn what_came_and_what_went_is_told() {
    let before = sample::small(3);
    let mut after = before.clone();
    after.strategies.retain(|row| row.id != "S9");
    after.attacks[0].id = "A0".to_owned();
    after.browsers[2].not_run = Some("not installed: apt install webkit2gtk-driver".to_owned());
    let changes = compare(&before, &after);
    let told: Vec<String> = changes.comings.iter().map(cloakroom_lab_report::Coming::headline).collect();
    assert_eq!(
        told,
        [
            "new: attack A0 A script reads every storage",
            "no longer there: browser webkit WebKitGTK 2.52.1",
            "no longer there: strategy S9 HttpOnly, SameSite=None",
            "no longer there: attack A1 A script reads every storage",
        ]
    );
    assert_eq!(changes.browsers.len(), 2);
    assert!(!changes.is_empty());
}
