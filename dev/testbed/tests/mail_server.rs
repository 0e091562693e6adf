//! The mail server of the stories against a foreign client, curl. Not proved here: anything about Cloakroom.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use cloakroom_testbed::{MailServer, Mood};
use std::process::{Output, Stdio};
use std::time::Duration;
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

/// How a client comes in.
#[derive(Clone, Copy, PartialEq)]
enum Way {
    StartTls,
    Tls,
    InClear,
}

/// What curl ends with; the numbers are its own.
const NO_TLS: i32 = 64;
const LOGIN_DENIED: i32 = 67;
const CANNOT_CONNECT: i32 = 7;
const UNKNOWN_AUTHORITY: i32 = 60;
const SEND_ERROR: i32 = 55;

/// Hands one mail to curl, which hands it to the server; with more arguments.
async fn send(server: &MailServer, way: Way, to: &str, subject: &str, more: &[&str]) -> Output {
    let url = match way {
        Way::Tls => format!("smtps://{}:{}", server.host(), server.tls_port()),
        Way::StartTls | Way::InClear => format!("smtp://{}:{}", server.host(), server.starttls_port()),
    };
    let ca = server.ca_file().display().to_string();
    let mut command = Command::new("curl");
    command.args(["-sS", "-v", "-4", "--url", &url, "--mail-from", "door@site.test", "--mail-rcpt", to, "-T", "-"]);
    command.args(["--cacert", &ca]).args(if way == Way::StartTls { &["--ssl-reqd"][..] } else { &[] }).args(more);
    let mut client = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mail = format!("From: door@site.test\r\nTo: {to}\r\nSubject: {subject}\r\n\r\nhttps://site.test/#t=1\r\n");
    // A client that gave up early does not read it.
    let _ = client.stdin.take().unwrap().write_all(mail.as_bytes()).await;
    client.wait_with_output().await.unwrap()
}

/// The same with the right user and password, and it is taken.
async fn sent(server: &MailServer, way: Way, to: &str, subject: &str, more: &[&str]) {
    let user = format!("{}:{}", server.user(), server.password());
    let output = send(server, way, to, subject, &[&["--user", &user], more].concat()).await;
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
}

async fn ends_with(server: &MailServer, way: Way, more: &[&str]) -> (i32, String) {
    let output = send(server, way, "zoe@example.org", "refused", more).await;
    (output.status.code().unwrap(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[tokio::test]
async fn mail_comes_in_by_either_kind_of_tls_and_either_kind_of_login() {
    let server = MailServer::start().await;
    for (number, way, login) in [
        (1, Way::StartTls, "AUTH=PLAIN"),
        (2, Way::StartTls, "AUTH=LOGIN"),
        (3, Way::Tls, "AUTH=PLAIN"),
        (4, Way::Tls, "AUTH=LOGIN"),
    ] {
        sent(&server, way, "zoe@example.org", &format!("mail {number}"), &["--login-options", login]).await;
        let mail = server.wait_for("Zoe@example.org", number).await;
        assert_eq!(mail.subject, format!("mail {number}"));
        assert_eq!((mail.recipient.as_str(), mail.from.as_str()), ("zoe@example.org", "door@site.test"));
        assert_eq!(mail.return_path, "door@site.test");
        assert_eq!(mail.links(), ["https://site.test/#t=1"]);
        // RFC 3848: extended SMTP with TLS and a log-in.
        assert!(mail.header("received").contains("esmtpsa"), "{}", mail.header("received"));
    }
    assert_eq!(server.inbox("zoe@example.org").len(), 4);
    assert!(server.inbox("bob@example.org").is_empty());
}

#[tokio::test]
async fn each_recipient_gets_a_mail_of_his_own() {
    let server = MailServer::start().await;
    sent(&server, Way::Tls, "zoe@example.org", "both", &["--mail-rcpt", "bob+tag@example.org"]).await;
    for address in ["zoe@example.org", "bob+tag@example.org"] {
        let mail = server.wait_for_one(address, |mail| mail.subject == "both").await;
        assert_eq!((mail.recipient.as_str(), mail.to.as_str()), (address, "zoe@example.org"));
    }
    assert_eq!(server.all().len(), 2);
}

#[tokio::test]
async fn nobody_sends_without_tls_or_without_the_password() {
    let server = MailServer::start().await;
    let (right, wrong) =
        (format!("{}:{}", server.user(), server.password()), format!("{}:{}x", server.user(), server.password()));
    let (code, said) = ends_with(&server, Way::StartTls, &["--user", &wrong]).await;
    assert!(code == LOGIN_DENIED && said.contains("535"), "{said}");
    for way in [Way::StartTls, Way::InClear] {
        let (code, said) = ends_with(&server, way, &[]).await;
        assert!(code == SEND_ERROR && said.contains("530"), "{said}");
    }
    // RFC 4954, 4: a mechanism that is not offered is not tried.
    let (_, said) = ends_with(&server, Way::InClear, &["--user", &right]).await;
    assert!(!said.contains("AUTH"), "{said}");
    assert!(said.contains("530"), "{said}");

    let (code, said) =
        ends_with(&server, Way::Tls, &["--user", &right, "--cacert", "/etc/ssl/certs/ca-certificates.crt"]).await;
    assert_eq!(code, UNKNOWN_AUTHORITY, "{said}");
    server.offer_starttls(false);
    let (code, said) = ends_with(&server, Way::StartTls, &["--user", &right]).await;
    assert_eq!(code, NO_TLS, "{said}");
    server.offer_starttls(true);
    sent(&server, Way::StartTls, "zoe@example.org", "honest", &[]).await;
    server.wait_for("zoe@example.org", 1).await;
    assert_eq!(server.all().len(), 1);
}

#[tokio::test]
async fn a_mood_turns_mail_away_and_passes() {
    let server = MailServer::start().await;
    let user = format!("{}:{}", server.user(), server.password());
    for (number, mood, code) in [(1, Mood::TryLater, "451 4.3.2"), (2, Mood::Refuse, "550 5.1.1")] {
        server.set_mood(mood);
        let (ended, said) = ends_with(&server, Way::StartTls, &["--user", &user]).await;
        assert!(ended == SEND_ERROR && said.contains(code), "{said}");
        server.wait_turned_away("zoe@example.org", number).await;
        assert_eq!(server.turned_away("zoe@example.org"), number);
    }
    assert_eq!(server.turned_away("bob@example.org"), 0);
    server.set_mood(Mood::Accept);
    sent(&server, Way::StartTls, "zoe@example.org", "at last", &[]).await;
    assert_eq!(server.wait_for("zoe@example.org", 1).await.subject, "at last");
}

#[tokio::test]
async fn it_is_down_and_comes_back_on_the_same_ports() {
    let mut server = MailServer::start().await;
    let ports = (server.starttls_port(), server.tls_port());
    sent(&server, Way::Tls, "zoe@example.org", "before", &[]).await;
    server.stop().await;
    for way in [Way::StartTls, Way::Tls] {
        let (code, said) = ends_with(&server, way, &[]).await;
        assert_eq!(code, CANNOT_CONNECT, "{said}");
    }
    server.start_again().await;
    assert_eq!((server.starttls_port(), server.tls_port()), ports);
    sent(&server, Way::Tls, "zoe@example.org", "after", &[]).await;
    server.wait_for("zoe@example.org", 2).await;
    let subjects: Vec<_> = server.inbox("zoe@example.org").into_iter().map(|mail| mail.subject).collect();
    assert_eq!(subjects, ["before", "after"]);
}

#[tokio::test]
async fn many_clients_at_once_are_served() {
    let server = MailServer::start().await;
    let clients = (0..12).map(|number| {
        let server = &server;
        async move { sent(server, Way::Tls, &format!("p{number}@example.org"), "crowd", &[]).await }
    });
    futures_util::future::join_all(clients).await;
    for number in 0..12 {
        server.wait_for(&format!("p{number}@example.org"), 1).await;
    }
}

#[tokio::test]
async fn two_servers_know_nothing_of_each_other_and_leave_nothing_behind() {
    let (one, two) = (MailServer::start().await, MailServer::start().await);
    assert_ne!(one.password(), two.password());
    sent(&one, Way::Tls, "zoe@example.org", "to one", &[]).await;
    one.wait_for("zoe@example.org", 1).await;
    assert!(two.all().is_empty());
    let (group, folder) = (one.process_group().unwrap(), one.folder().to_owned());
    assert!(!members(group).is_empty());
    drop(one);
    assert!(!folder.exists());
    // What is killed may take a moment to be gone; nothing else can make this loop end.
    tokio::time::timeout(Duration::from_secs(20), async {
        while !members(group).is_empty() {
            tokio::task::yield_now().await;
        }
    })
    .await
    .unwrap();
    sent(&two, Way::Tls, "zoe@example.org", "to two", &[]).await;
    two.wait_for("zoe@example.org", 1).await;
}

/// The living processes of a process group, from /proc (`proc_pid_stat(5)`: state and pgrp follow the name).
fn members(group: i32) -> Vec<String> {
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    let stats = processes.filter_map(|process| std::fs::read_to_string(process.path().join("stat")).ok());
    stats
        .filter(|stat| {
            let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
            fields[2] == group.to_string() && fields[0] != "Z"
        })
        .collect()
}
