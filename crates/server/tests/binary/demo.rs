//! `cloakroom demo`, as the first thing that a stranger does with it.

use crate::house::Port;
use crate::program::{Program, command};
use crate::visitor::Visitor;
use rustix::process::Signal;
use serde_json::json;
use std::path::Path;

async fn start(folder: &Path, port: &Port) -> Program {
    let program = Program::start(command(folder, ["demo", "--port", &port.number().to_string()]));
    program.answered("Ctrl-C stops it").await;
    program
}

#[tokio::test]
async fn sessions_and_notes_outlive_a_restart_of_the_demo() {
    let folder = tempfile::tempdir().unwrap();
    let port = Port::free();
    let mut demo = start(folder.path(), &port).await;
    let banner = demo.answers();
    for says in
        [&format!("http://localhost:{}", port.number()), "/.well-known/jwks.json", "/metrics", "demo-data", "Mails"]
    {
        assert!(banner.contains(says), "{says} is missing in {banner}");
    }
    let mut ann = Visitor::at(port.number());
    let page = ann.fetch("GET", "/", None).await.unwrap();
    assert!(page.status == 200 && page.text().contains("<html"), "{}", page.text());
    let stranger = ann.fetch("GET", "/api/notes", None).await.unwrap();
    assert_eq!((stranger.status, stranger.code().as_str()), (401, "signed-out"));
    ann.sign_in("ann@example.com").await;
    let added = ann.fetch("POST", "/api/notes", Some(json!({ "text": "buy milk" }))).await.unwrap();
    assert_eq!(added.status, 201, "{}", added.text());

    demo.signal(Signal::INT);
    assert_eq!(demo.ended().await.code(), Some(0), "{}", demo.errors());
    assert!(demo.answers().contains("Sessions stay alive"), "{}", demo.answers());

    let demo = start(folder.path(), &port).await;
    let notes = ann.fetch("GET", "/api/notes", None).await.unwrap();
    assert_eq!(notes.status, 200, "{}", notes.text());
    assert_eq!(notes.json()["notes"][0]["text"], "buy milk");
    let refreshed = ann.fetch("POST", "/auth/refresh", None).await.unwrap();
    assert_eq!(refreshed.status, 200, "{}", refreshed.text());
    let me = ann.fetch("GET", "/auth/me", None).await.unwrap();
    assert_eq!(me.json()["account"]["email"], "ann@example.com", "{}", me.text());
    demo.stop().await;
}

#[tokio::test]
async fn an_interrupt_in_the_moment_of_the_banner_stops_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let port = Port::free();
    let mut demo = Program::start(command(folder.path(), ["demo", "--port", &port.number().to_string()]));
    demo.answered("Cloakroom demo is running").await;
    demo.signal(Signal::INT);
    assert_eq!(demo.ended().await.code(), Some(0), "{}", demo.errors());
}
