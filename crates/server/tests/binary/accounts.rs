//! `cloakroom accounts` beside a running server: what operators do is what people then meet.

use crate::house::House;
use crate::program::{code, command, run, text};
use crate::upstream::Upstream;
use crate::visitor::PASSWORD;
use serde_json::{Value, json};
use std::path::Path;
use std::process::{Output, Stdio};
use tokio::io::AsyncWriteExt as _;

/// [`PASSWORD`] as Django keeps it.
pub(crate) const FOREIGN: &str = "pbkdf2_sha256$1000$saltsaltsalt$xT19co3tW8ELlVU364McOym0hgBcppXhk0OPP4XjDxY=";

async fn done(house: &House, arguments: &[&str]) -> String {
    let output = run(house.folder(), arguments).await;
    assert_eq!(code(&output), 0, "{arguments:?}: {}", text(&output.stderr));
    text(&output.stdout)
}

async fn told(house: &House, arguments: &[&str]) -> Value {
    serde_json::from_str(&done(house, arguments).await).unwrap()
}

/// Runs a command that reads its standard input.
async fn answering(folder: &Path, arguments: &[&str], input: &str) -> Output {
    let mut command = command(folder, arguments);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // It may end without reading all of it.
    drop(stdin.write_all(input.as_bytes()).await);
    drop(stdin);
    crate::deadline::soon("the command ends", child.wait_with_output()).await.unwrap()
}

/// The secret in the fragment of a link.
pub(crate) fn token_of(link: &str) -> String {
    link.trim().rsplit_once('#').unwrap_or_else(|| panic!("no fragment in {link}")).1.to_owned()
}

#[tokio::test]
async fn an_account_is_opened_shown_recovered_given_out_and_deleted() {
    let upstream = Upstream::start("first").await;
    let house = House::before(upstream.address);
    let server = house.serve().await;
    let mut ann = house.visitor();

    // Without mail the link is told, and that it is a secret.
    let created = run(house.folder(), &["accounts", "create", "ann@example.com"]).await;
    assert_eq!(code(&created), 0, "{}", text(&created.stderr));
    assert!(text(&created.stderr).contains("no mail is configured") && text(&created.stderr).contains("secret"));
    let lines = text(&created.stdout);
    let link = lines.lines().last().unwrap();
    assert!(link.starts_with(&format!("http://localhost:{}/auth/reset#", house.port())), "{lines}");
    let fields = json!({ "token": token_of(link), "password": PASSWORD });
    let set = ann.fetch("POST", "/auth/password/reset", Some(fields)).await.unwrap();
    assert!((200..300).contains(&set.status), "{}", set.text());
    ann.log_in("ann@example.com").await;
    assert_eq!(ann.app().await.unwrap().0, 200);

    let listed = told(&house, &["accounts", "list", "--json"]).await;
    assert_eq!(listed.as_array().unwrap().len(), 1);
    assert_eq!((&listed[0]["email"], &listed[0]["has_password"]), (&json!("ann@example.com"), &json!(true)));
    let table = done(&house, &["accounts", "list"]).await;
    assert!(table.contains("ann@example.com") && table.contains(listed[0]["id"].as_str().unwrap()), "{table}");
    let shown = told(&house, &["accounts", "show", "ann@example.com", "--json"]).await;
    assert_eq!((&shown["account"]["id"], &shown["sessions"][0]["strategy"]), (&listed[0]["id"], &json!("cookie")));
    assert!(shown["factors"]["totp_since"].is_null() && shown["devices"].is_array(), "{shown}");
    let page = done(&house, &["accounts", "show", "ann@example.com"]).await;
    assert!(page.contains("sessions: 1") && page.contains("no authenticator app"), "{page}");

    let kept = done(&house, &["accounts", "export", "ann@example.com"]).await;
    let all: Value = serde_json::from_str(&kept).unwrap();
    let events: Vec<_> = all["events"].as_array().unwrap().iter().map(|event| event["event"].clone()).collect();
    assert!(events.contains(&json!("account.created")) && events.contains(&json!("login.succeeded")), "{events:?}");
    assert!(!kept.contains("argon2") && !kept.contains(PASSWORD), "no secret is given out, nor its hash");

    let again = told(&house, &["accounts", "reset", "ann@example.com", "--json"]).await;
    assert_eq!(again["mailed"], json!(false));
    assert!(again["link"].as_str().unwrap().contains("/auth/reset#"), "{again}");

    let taken = run(house.folder(), &["accounts", "create", "Ann@Example.com"]).await;
    assert_eq!(code(&taken), 2);
    assert!(text(&taken.stderr).contains("there is an account with this address already"), "{}", text(&taken.stderr));

    // Without any factor nothing is done, and the session stays.
    let none = done(&house, &["accounts", "remove-factors", "ann@example.com"]).await;
    assert!(none.contains("has no second factor: nothing was done"), "{none}");
    assert_eq!(ann.app().await.unwrap().0, 200);

    for typed in ["", "bob@example.com\n"] {
        let kept = answering(house.folder(), &["accounts", "delete", "ann@example.com"], typed).await;
        assert_eq!(code(&kept), 2);
        assert!(text(&kept.stderr).contains("nothing was deleted"), "{}", text(&kept.stderr));
    }
    assert_eq!(ann.app().await.unwrap().0, 200);
    let deleted = answering(house.folder(), &["accounts", "delete", "ann@example.com"], "ann@example.com\n").await;
    assert_eq!(code(&deleted), 0, "{}", text(&deleted.stderr));
    crate::deadline::until("the server refuses what was deleted", async || {
        (ann.app().await.ok()?.0 == 401).then_some(())
    })
    .await;
    assert_eq!(told(&house, &["accounts", "list", "--json"]).await, json!([]));
    server.stop().await;
}

#[tokio::test]
async fn accounts_of_another_system_are_taken_over_and_bad_lines_are_told() {
    let upstream = Upstream::start("first").await;
    let house = House::before(upstream.address);
    let server = house.serve().await;
    let line = |email: &str, hash: &str| json!({ "email": email, "hash": hash, "verified": true }).to_string() + "\n";
    let mut list = line("ann@example.com", FOREIGN);
    list += "\n";
    list += "not json hunter2\n";
    list += &line("not an address", FOREIGN);
    list += "{\"email\":\"erin@example.com\",\"verified\":true}\n";
    list += &line("bob@example.com", "md5:hunter2");
    list += &line("ANN@example.com", FOREIGN);
    list += &line("carol@example.com", FOREIGN);
    std::fs::write(house.folder().join("list.jsonl"), &list).unwrap();
    let output = run(house.folder(), &["accounts", "import", "list.jsonl"]).await;
    let errors = text(&output.stderr);
    assert_eq!((code(&output), text(&output.stdout).trim()), (1, "imported 2"), "{errors}");
    for said in [
        "line 3: this is not a JSON object",
        "line 4: this is not an email address",
        "line 5: \"hash\" is missing",
        "line 6: the hash is of no kind that is known",
        "line 7: there is an account with this address already",
        "cloakroom: 5 line(s) were not imported",
    ] {
        assert!(errors.contains(said), "{said} is missing in {errors}");
    }
    assert!(!errors.contains("hunter2") && !errors.contains("line 2:") && !errors.contains("line 8:"), "{errors}");
    house.visitor().log_in("carol@example.com").await;

    // Once more, from standard input, as an import that goes on.
    list = line("ann@example.com", FOREIGN) + &line("dave@example.com", FOREIGN);
    let output = answering(house.folder(), &["accounts", "import", "-", "--skip-existing", "--json"], &list).await;
    assert_eq!(code(&output), 0, "{}", text(&output.stderr));
    let tally: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(tally, json!({ "imported": 1, "skipped": 1, "failed": [] }));
    house.visitor().log_in("dave@example.com").await;
    server.stop().await;
}

#[tokio::test]
async fn a_reset_of_a_disabled_account_says_that_it_stays_so() {
    let upstream = Upstream::start("first").await;
    let house = House::before(upstream.address);
    house.serve().await.stop().await;
    done(&house, &["accounts", "create", "ann@example.com"]).await;
    for (action, said) in [("enable", false), ("disable", true)] {
        done(&house, &["accounts", action, "ann@example.com"]).await;
        let reset = run(house.folder(), &["accounts", "reset", "ann@example.com"]).await;
        assert_eq!(code(&reset), 0);
        assert_eq!(text(&reset.stderr).contains("the account stays disabled"), said, "{}", text(&reset.stderr));
    }
}

#[tokio::test]
async fn a_long_import_says_how_far_it_is() {
    let upstream = Upstream::start("first").await;
    let house = House::before(upstream.address);
    house.serve().await.stop().await;
    let mut list = String::new();
    for number in 0..1500 {
        list += &json!({ "email": format!("u{number}@example.com"), "hash": FOREIGN }).to_string();
        list += "\n";
    }
    let output = answering(house.folder(), &["accounts", "import", "-"], &list).await;
    assert_eq!((code(&output), text(&output.stdout).trim()), (0, "imported 1500"), "{}", text(&output.stderr));
    assert!(text(&output.stderr).contains("1000 lines read"), "{}", text(&output.stderr));
    let all = told(&house, &["accounts", "list", "--json"]).await;
    assert_eq!(all.as_array().unwrap().len(), 1500, "more than one page");
}

#[tokio::test]
async fn where_mail_is_on_a_link_goes_to_its_owner_and_to_nobody_else() {
    let upstream = Upstream::start("first").await;
    let mut house = House::before(upstream.address);
    let mails = house.folder().join("mails");
    house.config["mail"] = json!({ "from": "Notes <no-reply@localhost>", "folder": mails });
    let server = house.serve().await;
    let created = run(house.folder(), &["accounts", "create", "ann@example.com"]).await;
    assert_eq!(code(&created), 0, "{}", text(&created.stderr));
    assert!(!text(&created.stdout).contains('#') && !text(&created.stderr).contains('#'), "no link is told");
    let created = told(&house, &["accounts", "create", "bob@example.com", "--json"]).await;
    assert_eq!((&created["mailed"], &created["link"]), (&json!(true), &Value::Null));
    // The running server sends what the command wrote.
    crate::deadline::until("both mails are there", async || {
        let there = std::fs::read_dir(&mails).unwrap().map(|entry| entry.unwrap().path());
        let written = there.filter(|path| path.extension().is_some_and(|kind| kind == "eml"));
        (written.count() == 2).then_some(())
    })
    .await;
    let log = server.stop().await;
    assert!(!log.contains("ann@example.com") && !log.contains("/auth/reset#"), "{log}");
}
