//! The running server against its own description: schemathesis reads `/auth/openapi.json`, sends what it allows and what it
//! forbids to every route, and holds every answer against it. As a stranger, as somebody who is logged in, as a service.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use cloakroom_testbed::House;
use std::path::{Path, PathBuf};
use tokio::process::Command;

const FEED: &str = "0123456789abcdef0123456789abcdef";

/// These end, rotate or replace the session that the others need (schemathesis knows ids that it has seen, and signs up and logs
/// in by itself before it begins, where it finds the routes). A stranger's run has tried them.
const ENDS_THE_SESSION: &str = "^/auth/(logout|logout/all|refresh|sessions/.*|login|signup)$";

async fn house() -> House {
    let more = format!("[mail]\nconfirm_addresses = false\n[revocation]\nfeed_token = \"{FEED}\"");
    House::with_mail(&more).await
}

fn here() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("schemathesis")
}

async fn program() -> PathBuf {
    let asked = Command::new(here().join("install")).arg("--where").output().await.unwrap();
    let folder = String::from_utf8(asked.stdout).unwrap();
    let program = Path::new(folder.trim()).join("bin/schemathesis");
    assert!(program.is_file(), "there is no {}: run dev/testbed/schemathesis/install", program.display());
    program
}

/// Runs it; every failure that it finds is one of this test. The seed is fixed, so that a failure comes again.
async fn holds(house: &House, more: &[&str]) {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("http://localhost:{}/auth/openapi.json", house.port());
    let origin = format!("Origin: {}", house.origin());
    let run = Command::new(program().await)
        .arg("--config-file")
        .arg(here().join("schemathesis.toml"))
        .args(["run", &url, "--checks", "all", "--phases", "examples,coverage,fuzzing"])
        .args([
            "--max-examples",
            "8",
            "--seed",
            "6",
            "--generation-database",
            "none",
            "--continue-on-failure",
            "--no-color",
        ])
        .args(["--header", &origin])
        .args(more)
        .current_dir(folder.path())
        .kill_on_drop(true)
        .output()
        .await
        .unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&run.stdout), String::from_utf8_lossy(&run.stderr));
    assert!(run.status.success(), "{said}");
    let tested = said.lines().find_map(|line| line.trim().strip_prefix("Tested: ")).unwrap_or_default();
    assert!(tested.parse::<u32>().is_ok_and(|tested| tested > 1), "it tried something: {said}");
}

#[tokio::test]
async fn for_a_stranger_every_answer_is_as_described() {
    let house = house().await;
    holds(&house, &[]).await;
    house.close().await;
}

#[tokio::test]
async fn for_somebody_who_is_logged_in_every_answer_is_as_described() {
    let house = house().await;
    let ann = house.signed_in("ann@example.com").await;
    let name = "__Host-Http-cloakroom";
    let cookie = format!("Cookie: {name}={}", ann.cookie(name).unwrap());
    holds(&house, &["--header", &cookie, "--exclude-path-regex", ENDS_THE_SESSION]).await;
    let me = ann.fetch("GET", "/auth/me", None).await;
    assert_eq!(me.status, 200, "the session lives, so what was tried was tried with it: {}", me.text());
    house.close().await;
}

#[tokio::test]
async fn for_a_service_every_answer_is_as_described() {
    let house = house().await;
    let token = format!("Authorization: Bearer {FEED}");
    holds(&house, &["--header", &token, "--include-path-regex", "^/auth/(revocations|sightings)$"]).await;
    house.close().await;
}
