//! The lab against itself: for every attack a victim that must fall, for Cloakroom's defences victims that must stand, and a
//! preference of the browser that turns exactly the verdicts that it should. A part of the matrix, in real browsers.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says so")]

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use cloakroom_lab_report::{Run, Verdict, read};

/// Runs the shipped program with these arguments and reads what it wrote. The exit code says how Cloakroom compares with the
/// baseline, which is none of these tests' business.
fn lab(arguments: &[&str]) -> Run {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_cloakroom-lab"));
    let output = command.arg("run").args(arguments).arg("--out").arg(folder.path()).output().unwrap();
    let file = folder.path().join("run.json");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(file.exists(), "{said}");
    assert!(folder.path().join("index.html").exists() && folder.path().join("run.md").exists());
    read(&std::fs::read(file).unwrap()).unwrap()
}

/// Verdicts by browser, strategy and attack.
fn verdicts(run: &Run) -> BTreeMap<(String, String, String), Verdict> {
    run.cells
        .iter()
        .map(|cell| ((cell.browser.clone(), cell.strategy.clone(), cell.attack.clone()), cell.verdict))
        .collect()
}

fn assert_all_valid(run: &Run) {
    for browser in &run.browsers {
        assert_eq!(browser.not_run, None, "{}", browser.id);
    }
    for cell in &run.cells {
        assert_ne!(cell.verdict, Verdict::Invalid, "{} {} {}: {}", cell.browser, cell.strategy, cell.attack, cell.why);
    }
}

const PLAIN: [&str; 2] = ["--no-usability", "--no-defences"];

#[test]
fn in_three_browsers_naive_victims_fall_and_cloakroom_stands() {
    let arguments = ["--strategy", "S1,S10,cloakroom-cookie,cloakroom-ticket", "--attack", "A1,A4,C1,C8,L5"];
    let run = lab(&[&arguments[..], &PLAIN].concat());
    assert_all_valid(&run);
    for ((browser, strategy, attack), verdict) in verdicts(&run) {
        let expected = match (strategy.as_str(), attack.as_str()) {
            ("S1", "A1") => Verdict::Leak,
            ("S1" | "S10", "L5") => Verdict::Stale,
            ("S10", "C8") => Verdict::Fixate,
            // What a script does in the page, it does as the page's user, wherever the token is.
            (_, "A4") => Verdict::Ride,
            _ => Verdict::Safe,
        };
        assert_eq!(verdict, expected, "{browser} {strategy} {attack}");
    }
    assert_eq!(run.browsers.len(), 3);
}

#[test]
fn for_every_attack_there_is_a_victim_that_falls_to_it() {
    // C4 waits for two minutes; its victim is looked at in the whole matrix.
    let attacks = "A1,A2,A2b,A3,A3b,A4,A5,A6,M1,R3,C1,C2,C3,C5,C6,C7,C8,C9,C10,U1,U2,N1,L3,R1,R2,M2,M3,L1,L2,L4,L5";
    let run = lab(&[&["--browser", "chromium", "--strategy", "S10", "--attack", attacks][..], &PLAIN].concat());
    for cell in &run.cells {
        assert!(cell.falls.passed, "{}: {}", cell.attack, cell.falls.what);
        assert!(cell.honest.passed, "{}: {}", cell.attack, cell.honest.what);
    }
    assert_all_valid(&run);
}

#[test]
fn third_party_cookies_turn_what_is_embedded_and_nothing_else() {
    let arguments =
        ["--strategy", "S9,S10", "--attack", "C1,C3", "--browser", "chromium", "--third-party-cookies", "both"];
    let run = lab(&[&arguments[..], &PLAIN].concat());
    assert_all_valid(&run);
    let seen = verdicts(&run);
    let of = |state: &str, row: &str, attack: &str| {
        seen[&(format!("chromium-3pc-{state}"), row.to_owned(), attack.to_owned())]
    };
    assert_eq!((of("allowed", "S9", "C3"), of("blocked", "S9", "C3")), (Verdict::Forge, Verdict::Safe));
    // A form takes the whole window to the other site: it is nobody's third party (exhibit E18).
    assert_eq!((of("allowed", "S9", "C1"), of("blocked", "S9", "C1")), (Verdict::Forge, Verdict::Forge));
    for attack in ["C1", "C3"] {
        assert_eq!((of("allowed", "S10", attack), of("blocked", "S10", attack)), (Verdict::Safe, Verdict::Safe));
    }
}

#[test]
fn without_lax_by_default_exactly_the_cookie_that_says_nothing_falls() {
    let arguments = ["--strategy", "S10,S10d,S11", "--attack", "C3", "--browser", "chromium"];
    let with = lab(&[&arguments[..], &PLAIN, &["--lax-by-default", "on"]].concat());
    let without = lab(&[&arguments[..], &PLAIN, &["--lax-by-default", "off"]].concat());
    assert_all_valid(&with);
    assert_all_valid(&without);
    let (with, without) = (verdicts(&with), verdicts(&without));
    let changed: Vec<_> = with
        .iter()
        .filter(|(cell, verdict)| without.get(*cell) != Some(*verdict))
        .map(|(cell, _)| cell.1.as_str())
        .collect();
    assert_eq!(changed, ["S10d"]);
    assert_eq!(without[&("chromium".to_owned(), "S10d".to_owned(), "C3".to_owned())], Verdict::Forge);
}

#[test]
fn without_http_only_a_script_carries_the_session_away() {
    let run = lab(&["--browser", "chromium", "--strategy", "cloakroom-cookie", "--attack", "A1", "--no-usability"]);
    let defence = run.defences.iter().find(|defence| defence.id == "http-only").unwrap();
    let again = defence.works_again.iter().find(|again| again.attack == "A1").expect("HttpOnly carries its load");
    assert_eq!((again.with, again.without), (Verdict::Safe, Verdict::Leak));
}

#[test]
fn what_is_worse_than_the_baseline_is_told_and_ends_with_1() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("baseline.json");
    let run = |option: &str| {
        Command::new(env!("CARGO_BIN_EXE_cloakroom-lab"))
            .args(["run", "--browser", "chromium", "--strategy", "cloakroom-cookie", "--attack", "A1,A4"])
            .args(PLAIN)
            .arg("--out")
            .arg(folder.path().join("out"))
            .arg(option)
            .arg(&file)
            .output()
            .unwrap()
    };
    run("--write-baseline");
    let same = run("--baseline");
    assert_eq!(same.status.code(), Some(0), "{}", String::from_utf8_lossy(&same.stdout));

    let known = std::fs::read_to_string(&file).unwrap();
    assert!(known.contains("RIDE"), "{known}");
    std::fs::write(&file, known.replace("RIDE", "SAFE")).unwrap();
    let worse = run("--baseline");
    let said = String::from_utf8_lossy(&worse.stdout);
    assert_eq!(worse.status.code(), Some(1), "{said}");
    assert!(said.contains("WORSE than the baseline: chromium cloakroom-cookie A4: RIDE was SAFE"), "{said}");
    assert_eq!(said.matches("WORSE").count(), 1, "{said}");
}

#[test]
fn who_is_asked_to_stop_writes_what_was_seen() {
    let folder = tempfile::tempdir().unwrap();
    let mut lab = Command::new(env!("CARGO_BIN_EXE_cloakroom-lab"))
        .args(["run", "--browser", "chromium", "--strategy", "naive", "--attack", "A1,A4"])
        .args(PLAIN)
        .arg("--out")
        .arg(folder.path())
        .stderr(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let mut told = BufReader::new(lab.stderr.take().unwrap()).lines();
    let first = told.find(|line| line.as_ref().is_ok_and(|line| line.starts_with("[   1/"))).unwrap().unwrap();
    assert!(Command::new("kill").arg(lab.id().to_string()).status().unwrap().success());
    told.for_each(drop);
    assert!(lab.wait().unwrap().success());

    let run = read(&std::fs::read(folder.path().join("run.json")).unwrap()).unwrap();
    let planned: usize = first.split(['/', ']']).nth(1).unwrap().parse().unwrap();
    assert!((1..planned).contains(&run.cells.len()), "{} of {planned}", run.cells.len());
    assert_all_valid(&run);
}

#[test]
fn what_there_is_not_is_refused_with_what_there_is() {
    for (arguments, part) in [(["run", "--attack", "Z9"], "A2b"), (["run", "--strategy", "S99"], "cloakroom-ticket")] {
        let output = Command::new(env!("CARGO_BIN_EXE_cloakroom-lab")).args(arguments).output().unwrap();
        assert!(!output.status.success());
        assert!(String::from_utf8_lossy(&output.stderr).contains(part));
    }
    assert!(!Path::new("lab-report").exists());
}
