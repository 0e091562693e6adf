//! The JSON file: there and back, and what is refused.

use cloakroom_lab_report::{LONGEST, ReadError, embed, json, read, schema};
use serde_json::{Value, json as value};

use crate::sample;

#[test]
fn a_run_comes_back_as_it_went() {
    let run = sample::full(7);
    let file = json(&run);
    assert_eq!(read(file.as_bytes()).unwrap(), run);
    assert_eq!(file, json(&sample::full(7)), "the same run, other bytes");
}

/// What `read` says of the small run with one field changed.
fn refusal(pointer: &str, to: Value) -> String {
    let mut run = serde_json::to_value(sample::small(7)).unwrap();
    *run.pointer_mut(pointer).unwrap() = to;
    read(run.to_string().as_bytes()).unwrap_err().to_string()
}

#[test]
fn what_does_not_fit_is_named_by_its_path() {
    for (pointer, to, named) in [
        ("/cells/3/verdict", value!("FINE"), "`cells[3].verdict`"),
        ("/cells/3/verdict", value!("FINE"), "unknown variant `FINE`"),
        ("/cells/0/evidence/requests/1/status", value!(70_000), "`cells[0].evidence.requests[1].status`"),
        ("/cells/5/strategy", value!("S99"), "`cells[5].strategy` names \"S99\""),
        ("/usability/2/browser", value!("lynx"), "`usability[2].browser` names \"lynx\""),
        ("/defences/0/works_again/0/attack", value!("Z9"), "`defences[0].works_again[0].attack` names \"Z9\""),
        ("/attacks/1/id", value!("A1"), "`attacks[1].id` is \"A1\" again"),
        ("/browsers/0/third_party_cookies", value!(null), "`browsers[0].third_party_cookies`"),
    ] {
        let said = refusal(pointer, to);
        assert!(said.contains(named), "{said}");
    }
    let mut twice = sample::small(7);
    twice.cells.push(twice.cells[0].clone());
    let said = read(json(&twice).as_bytes()).unwrap_err().to_string();
    assert!(said.contains(&format!("`cells[{}]` is there twice", twice.cells.len() - 1)), "{said}");
}

#[test]
fn other_files_are_refused_with_what_to_do() {
    let said = refusal("/schema", value!("cloakroom-lab-run/2"));
    assert!(
        said.contains("\"cloakroom-lab-run/2\"") && said.contains("use the cloakroom-lab that wrote the file"),
        "{said}"
    );
    for text in ["", "[]", "{}", "{\"schema\": 1}", "not json", "{\"schema\": \"cloakroom-lab-run/1\""] {
        assert!(matches!(read(text.as_bytes()), Err(ReadError::NoRun(_))), "{text}");
    }
    assert!(matches!(read(&vec![b' '; LONGEST + 1]), Err(ReadError::TooLong { .. })));
    // As deep as no run is: an error, not an overflow of the stack.
    let deep = format!("{{\"schema\":\"cloakroom-lab-run/1\",\"cells\":{}", "[".repeat(200_000));
    assert!(read(deep.as_bytes()).is_err());
}

#[test]
fn the_schema_names_every_field_of_a_run() {
    let schema: Value = serde_json::from_str(&schema()).unwrap();
    let run = serde_json::to_value(sample::small(7)).unwrap();
    let described: Vec<&String> = schema["properties"].as_object().unwrap().keys().collect();
    let mut written: Vec<&String> = run.as_object().unwrap().keys().collect();
    written.sort();
    let mut sorted = described.clone();
    sorted.sort();
    assert_eq!(sorted, written);
    assert!(schema["$defs"]["Verdict"].to_string().contains("LEAK"));
}

#[test]
fn pictures_beside_the_file_are_taken_in_and_nothing_else_is() {
    let folder = tempfile::tempdir().unwrap();
    let outside = folder.path().parent().unwrap().join("never-read.png");
    std::fs::create_dir(folder.path().join("pictures")).unwrap();
    std::fs::write(folder.path().join("pictures/a.png"), b"\x89PNG\r\n\x1a\nrest").unwrap();
    std::fs::write(folder.path().join("script.png"), b"<script>").unwrap();
    std::fs::write(folder.path().join("large.png"), [b"\x89PNG\r\n\x1a\n".as_slice(), &vec![0; 600 * 1024]].concat())
        .unwrap();
    let names = [
        "pictures/a.png",
        "script.png",
        "large.png",
        "../never-read.png",
        "/etc/hostname",
        ".hidden",
        outside.to_str().unwrap(),
    ];
    let mut run = sample::small(7);
    run.cells.truncate(names.len());
    for (cell, name) in run.cells.iter_mut().zip(names) {
        cell.evidence.screenshot = Some(name.to_owned());
    }
    embed(&mut run, folder.path()).unwrap();
    let pictures: Vec<&str> = run.cells.iter().map(|cell| cell.evidence.screenshot.as_deref().unwrap()).collect();
    assert_eq!(pictures[0], "data:image/png;base64,iVBORw0KGgpyZXN0");
    assert_eq!(pictures[1..], names[1..]);

    run.cells[0].evidence.screenshot = Some("gone.png".to_owned());
    assert!(embed(&mut run, folder.path()).is_err());
}
