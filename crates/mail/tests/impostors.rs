//! Mail servers that no package offers: silent ones, ones that are gone, and somebody in the middle. Over real sockets.
//!
//! What an honest server does with our mails is told in `dev/testbed`, with one.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use cloakroom_core::letter::{About, Letter};
use cloakroom_core::secret::Plain;
use cloakroom_mail::{Encryption, Login, Settings, Site, Smtp};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// Long enough for any machine that gets there at all.
const GENEROUS: Duration = Duration::from_mins(1);

fn letter() -> Letter {
    let forgot = "https://notes.example/auth/forgot".into();
    Letter { to: "annsecret@mailhost.example".into(), about: About::PasswordLocked { forgot } }
}

fn smtp(port: u16, encryption: Encryption, timeout: Duration) -> Smtp {
    let site = Site { name: "notes.example".into(), origin: "https://notes.example".into() };
    let login = Some(Login { user: "robot".into(), password: Plain::new(b"hunter2".to_vec()) });
    let from = "Notes <no-reply@notes.example>".parse().unwrap();
    Smtp::new(Settings { host: "127.0.0.1".into(), port, encryption, login, ca_file: None, from, timeout }, site)
        .unwrap()
}

/// Answers each command with what the list says for its first word, until the other side leaves. Returns all that it
/// was sent, bytes that are no text replaced.
async fn impostor(
    greeting: &'static str,
    answers: &'static [(&'static str, &'static str)],
) -> (u16, JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let task = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let (read, mut write) = stream.into_split();
        write.write_all(greeting.as_bytes()).await.unwrap();
        let mut read = BufReader::new(read);
        let (mut heard, mut line) = (String::new(), Vec::new());
        while read.read_until(b'\n', &mut line).await.is_ok_and(|length| length > 0) {
            let text = String::from_utf8_lossy(&line).into_owned();
            let answer = answers.iter().find(|(command, _)| text.starts_with(command)).map_or("", |(_, answer)| answer);
            heard.push_str(&text);
            line.clear();
            if write.write_all(answer.as_bytes()).await.is_err() {
                break;
            }
        }
        heard
    });
    (port, task)
}

#[tokio::test]
async fn a_server_that_is_gone_is_a_reason_to_try_again() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    for encryption in [Encryption::None, Encryption::StartTls, Encryption::Tls] {
        let failed = smtp(port, encryption, GENEROUS).send(&letter(), 7).await.unwrap_err();
        assert!(
            !failed.permanent && failed.reason.contains("refused") && !failed.reason.contains("annsecret"),
            "{failed}"
        );
    }
}

#[tokio::test]
async fn a_silent_server_holds_nobody_up() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    for encryption in [Encryption::None, Encryption::StartTls, Encryption::Tls] {
        let sending = smtp(port, encryption, Duration::from_millis(50));
        let failed = sending.send(&letter(), 7).await.unwrap_err();
        assert!(!failed.permanent && failed.reason.contains("did not answer in time"), "{failed}");
    }
}

#[tokio::test]
async fn without_starttls_a_server_learns_nothing_rfc_3207() {
    let (port, heard) = impostor("220 mx\r\n", &[("EHLO", "250-mx\r\n250 AUTH PLAIN LOGIN\r\n")]).await;
    let failed = smtp(port, Encryption::StartTls, GENEROUS).send(&letter(), 7).await.unwrap_err();
    assert!(!failed.permanent && failed.reason.contains("does not offer STARTTLS"), "{failed}");
    let heard = heard.await.unwrap();
    assert!(
        heard.starts_with("EHLO notes.example\r\n") && !heard.contains("AUTH") && !heard.contains("MAIL"),
        "{heard}"
    );
}

#[tokio::test]
async fn what_stands_behind_the_answer_to_starttls_is_no_answer_rfc_3207() {
    // Whoever is in the middle answers the EHLO and the AUTH that will follow under TLS in advance, in the clear.
    const INJECTED: &str =
        "220 go\r\n250-mx\r\n250 AUTH PLAIN\r\n235 welcome\r\n250 sender\r\n250 recipient\r\n354 data\r\n250 taken\r\n";
    let (port, heard) = impostor("220 mx\r\n", &[("EHLO", "250-mx\r\n250 STARTTLS\r\n"), ("STARTTLS", INJECTED)]).await;
    let failed = smtp(port, Encryption::StartTls, GENEROUS).send(&letter(), 7).await.unwrap_err();
    assert!(!failed.permanent && failed.reason.contains("change to TLS"), "{failed}");
    let heard = heard.await.unwrap();
    assert!(!heard.contains("AUTH") && !heard.contains("MAIL") && !heard.contains("hunter2"), "{heard}");
}

#[tokio::test]
async fn a_server_that_never_ends_its_line_is_cut_off() {
    let endless: &'static str = "2".repeat(4 * 1024 * 1024).leak();
    let (port, heard) = impostor(endless, &[]).await;
    let failed = smtp(port, Encryption::None, GENEROUS).send(&letter(), 7).await.unwrap_err();
    assert!(!failed.permanent && failed.reason.contains("more than any mail needs"), "{failed}");
    heard.abort();
}

#[tokio::test]
async fn a_refused_log_in_loses_no_letter_and_shows_no_password() {
    let answers = &[("EHLO", "250-mx\r\n250 AUTH PLAIN\r\n"), ("AUTH", "535 5.7.8 no: robot hunter2\r\n")];
    let (port, _heard) = impostor("220 mx\r\n", answers).await;
    let failed = smtp(port, Encryption::None, GENEROUS).send(&letter(), 7).await.unwrap_err();
    assert!(!failed.permanent && failed.reason.contains("535"), "{failed}");
    assert!(!failed.reason.contains("robot") && !failed.reason.contains("hunter2"), "{failed}");
}

#[tokio::test]
async fn a_refusal_is_final_and_repeats_nothing_of_the_letter() {
    const REFUSAL: &str = "550-5.1.1 <AnnSecret@mailhost.example>: Recipient address rejected:\r\n550 5.1.1 mailbox annsecret is unknown\r\n";
    let answers =
        &[("EHLO", "250-mx\r\n250 AUTH PLAIN\r\n"), ("AUTH", "235 ok\r\n"), ("MAIL", "250 ok\r\n"), ("RCPT", REFUSAL)];
    let (port, _heard) = impostor("220 mx\r\n", answers).await;
    let failed = smtp(port, Encryption::None, GENEROUS).send(&letter(), 7).await.unwrap_err();
    assert!(failed.permanent && failed.reason.contains("(550): 5.1.1 … Recipient address rejected:"), "{failed}");
    assert!(!failed.reason.to_lowercase().contains("annsecret") && !failed.reason.contains("mailhost"), "{failed}");
}
