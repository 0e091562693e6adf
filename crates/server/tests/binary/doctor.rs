//! `cloakroom doctor` as a script meets it: what it says, and by its exit code whether anything is wrong.

use crate::house::{House, Port};
use crate::program::{code, run, text};
use crate::tls::{Certificate, encrypted_house};
use crate::upstream::Upstream;
use serde_json::{Value, json};
use std::path::Path;

/// Asks the doctor, in JSON: the exit code, the report, and what was said beside it.
async fn ask(folder: &Path, arguments: &[&str]) -> (i32, Value, String) {
    let output = run(folder, &[&["doctor", "--json", "--timeout", "60"], arguments].concat()).await;
    let report = serde_json::from_slice(&output.stdout).unwrap_or(Value::Null);
    (code(&output), report, text(&output.stderr))
}

/// Ids of checks that found something.
fn found(report: &Value) -> Vec<&str> {
    let checks = report["checks"].as_array().map(Vec::as_slice).unwrap_or_default();
    let ill = checks.iter().filter(|check| check["findings"].as_array().is_some_and(|found| !found.is_empty()));
    ill.map(|check| check["id"].as_str().unwrap_or_default()).collect()
}

#[tokio::test]
async fn it_ends_with_0_where_nothing_is_wrong_and_with_1_where_something_is() {
    let upstream = Upstream::start("first").await;
    let house = House::before(upstream.address);
    let server = house.serve().await;
    let (url, port) = (format!("http://localhost:{}", house.port()), house.admin_port().to_string());
    // Nothing here speaks TLS, so any list of authorities will do: that of the machine is not asked.
    Certificate::for_localhost().write_only("certificate.pem", house.folder());
    let (status, report, said) = ask(house.folder(), &[&url, "--admin-port", &port, "--ca", "certificate.pem"]).await;
    assert_eq!((status, found(&report)), (0, Vec::new()), "{report:#} {said}");
    assert_eq!(said, "");

    // By another name than people type, it is another site.
    let other = format!("http://127.0.0.1:{}", house.port());
    let (status, report, said) = ask(house.folder(), &[&other, "--admin-port", &port, "--ca", "certificate.pem"]).await;
    assert_eq!(status, 1, "{report:#} {said}");
    assert!(found(&report).contains(&"public-url"), "{report:#}");
    assert!(said.contains("finding"), "{said}");
    server.stop().await;
}

#[tokio::test]
async fn a_certificate_that_nobody_vouches_for_is_a_finding_and_no_failure() {
    let upstream = Upstream::start("first").await;
    let (house, _) = encrypted_house(upstream.address);
    let server = house.serve().await;
    Certificate::for_localhost().write_only("certificate.pem", house.folder());
    std::fs::rename(house.folder().join("certificate.pem"), house.folder().join("strangers.pem")).unwrap();
    let url = format!("https://localhost:{}", house.port());
    let (status, report, said) = ask(house.folder(), &[&url, "--ca", "strangers.pem"]).await;
    assert_eq!((status, found(&report)), (1, vec!["tls"]), "{report:#} {said}");
    server.stop().await;
}

#[tokio::test]
async fn it_ends_with_2_where_there_was_nothing_to_examine_and_says_why_in_one_line() {
    let upstream = Upstream::start("first").await;
    let folder = tempfile::tempdir().unwrap();
    Certificate::for_localhost().write_only("certificate.pem", folder.path());
    let nobody = Port::free();
    let nowhere = format!("http://localhost:{}", nobody.number());
    let stranger = format!("http://localhost:{}", upstream.address.port());
    let cases: [(&[&str], &str); 6] = [
        (&[&nowhere, "--ca", "certificate.pem"], "nobody answers at"),
        (&[&stranger, "--ca", "certificate.pem"], "that is not Cloakroom"),
        (&["not an address"], ""),
        (&[&nowhere, "--ca", "missing.pem"], "cannot read missing.pem"),
        (&[&nowhere, "--ca", "certificate.pem", "--skip", "colours"], "there is no check \"colours\""),
        (&[], "Usage: cloakroom doctor"),
    ];
    for (arguments, why) in cases {
        let (status, report, said) = ask(folder.path(), arguments).await;
        assert_eq!((status, report), (2, json!(null)), "{arguments:?}: {said}");
        assert!(said.contains(why) && !said.is_empty(), "{arguments:?}: {said}");
    }
}
