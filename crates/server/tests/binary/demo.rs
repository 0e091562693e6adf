//! `cloakroom demo`, as the first thing that a stranger does with it.

use crate::deadline::until;
use crate::house::Port;
use crate::line::Line;
use crate::program::{Program, command};
use crate::visitor::{Answer, PASSWORD, Visitor, get};
use rustix::process::Signal;
use serde_json::json;
use std::path::Path;

async fn start(folder: &Path, port: &Port) -> Program {
    let program = Program::start(command(folder, ["demo", "--port", &port.number().to_string()]));
    program.answered("Ctrl-C stops it").await;
    program
}

/// Where the banner says that mails are shown.
fn mail_port(demo: &Program) -> u16 {
    let banner = demo.answers();
    let line = banner.lines().find(|line| line.trim().starts_with("Mails")).unwrap();
    let rest = line.split_once("http://localhost:").unwrap().1;
    rest.split_whitespace().next().unwrap().parse().unwrap()
}

/// The newest mail to an address, as its page shows it.
async fn mail_to(port: u16, email: &str) -> Answer {
    let path = until(&format!("there is a mail to {email}"), async || {
        let list = get(port, "/").await?.text();
        let item = list.split("<li>").find(|item| item.contains(&format!("to {email} ")))?;
        Some(item.split_once("href=\"")?.1.split_once('"')?.0.to_owned())
    })
    .await;
    get(port, &path).await.unwrap()
}

/// Signs up, confirms the address by the mailed link and the password, and logs in.
async fn join(demo: &Program, visitor: &mut Visitor, email: &str) {
    let fields = json!({ "email": email, "password": PASSWORD });
    let answer = visitor.fetch("POST", "/auth/signup", Some(fields.clone())).await.unwrap();
    assert_eq!(answer.status, 202, "{}", answer.text());
    assert_eq!(visitor.fetch("POST", "/auth/login", Some(fields)).await.unwrap().status, 401, "not confirmed yet");
    let mail = mail_to(mail_port(demo), email).await.text();
    let token = mail.split_once("/auth/email/verify#").unwrap().1;
    let token: String = token.chars().take_while(|c| c.is_ascii_alphanumeric() || "-_".contains(*c)).collect();
    let confirmed = json!({ "token": token, "password": PASSWORD });
    let answer = visitor.fetch("POST", "/auth/email/verify", Some(confirmed)).await.unwrap();
    assert!((200..300).contains(&answer.status), "{}", answer.text());
    visitor.log_in(email).await;
}

#[tokio::test]
async fn mails_of_the_demo_are_shown_on_a_page_that_can_do_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let port = Port::free();
    let demo = start(folder.path(), &port).await;
    let mails = mail_port(&demo);
    let empty = get(mails, "/").await.unwrap();
    assert!(
        empty.status == 200 && empty.text().contains("None yet") && empty.text().contains("http-equiv=\"refresh\"")
    );
    join(&demo, &mut Visitor::at(port.number()), "ann@example.com").await;
    let mail = mail_to(mails, "ann@example.com").await;
    let policy = mail.header("content-security-policy").unwrap();
    assert!(policy.contains("default-src 'none'") && !policy.contains("script-src"), "{policy}");
    assert_eq!(mail.header("cross-origin-resource-policy"), Some("same-origin"));
    let page = mail.text();
    assert!(page.contains("sandbox=\"allow-popups allow-popups-to-escape-sandbox\" "), "{page}");
    assert!(page.contains("srcdoc=\"&lt;!doctype html&gt;") && page.contains("&lt;base target=&quot;_blank&quot;&gt;"));
    assert!(
        page.contains("<pre>")
            && page.matches(&format!("http://localhost:{}/auth/email/verify#", port.number())).count() > 1
    );
    for (host, status) in [("evil.example", 421), (&*format!("evil.example:{mails}"), 421), ("localhost", 200)] {
        let answer = Line::plain(mails).await.get(&format!("http://{host}/"), &[]).await.unwrap();
        assert_eq!(answer.status, status, "{host}");
    }
    for path in ["/mail/..%2F..%2Fcloakroom.db", "/mail/nothing.eml", "/nothing"] {
        assert_eq!(get(mails, path).await.unwrap().status, 404, "{path}");
    }
    demo.stop().await;
}

#[tokio::test]
async fn sending_coins_in_the_demo_needs_an_approval() {
    let folder = tempfile::tempdir().unwrap();
    let port = Port::free();
    let demo = start(folder.path(), &port).await;
    let mut ann = Visitor::at(port.number());
    join(&demo, &mut ann, "ann@example.com").await;
    let coins = ann.fetch("GET", "/api/coins", None).await.unwrap();
    assert_eq!(coins.json(), json!({ "pocket": 100, "savings": 0 }), "{}", coins.text());
    let transfer = json!({ "to": "savings", "amount": 5 });
    let refused = ann.fetch("POST", "/api/coins", Some(transfer)).await.unwrap();
    assert_eq!((refused.status, refused.code().as_str()), (401, "step-up-needed"), "{}", refused.text());
    let coins = ann.fetch("GET", "/api/coins", None).await.unwrap();
    assert_eq!(coins.json(), json!({ "pocket": 100, "savings": 0 }), "nothing has moved");
    demo.stop().await;
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
    join(&demo, &mut ann, "ann@example.com").await;
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
