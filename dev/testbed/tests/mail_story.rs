//! Mails over a real mail server: they arrive, wait while it will not have them, and survive what happens meanwhile.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use cloakroom_testbed::{Answer, Guest, House, Mail, MailServer, Mood, PASSWORD, Watch};
use http::StatusCode;
use serde_json::json;
use std::time::{Duration, Instant};

const DEADLINE: Duration = Duration::from_mins(1);

/// After the first attempt that fails, the next one comes so many seconds later.
const BACK_OFF: u64 = 60;

/// How a house sends.
#[derive(Clone, Copy)]
enum Way {
    StartTls,
    Tls,
}

fn sends_to(server: &MailServer, way: Way, password: &str) -> String {
    let file = server.folder().join("cloakroom-password");
    std::fs::write(&file, format!("{password}\n")).unwrap();
    let address = match way {
        Way::StartTls => format!("smtp+starttls://{}@{}:{}", server.user(), server.host(), server.starttls_port()),
        Way::Tls => format!("smtps://{}@{}:{}", server.user(), server.host(), server.tls_port()),
    };
    format!(
        "[mail]\nsmtp = {address:?}\nfrom = \"The house <door@house.test>\"\npassword_file = '{}'\nca_file = '{}'",
        file.display(),
        server.ca_file().display()
    )
}

async fn house_of(server: &MailServer, way: Way) -> House {
    let house = House::with(&sends_to(server, way, server.password())).await;
    house.watch.secret(server.password());
    house
}

/// Until the queue has tried every letter that waits this many times.
async fn tried(house: &House, times: u32) {
    let begun = Instant::now();
    let fewest = "SELECT min(version) FROM slip WHERE kind = 'letter'";
    while house.look(|database| database.query_one(fewest, [], |row| row.get::<_, Option<u32>>(0))) != Some(times) {
        assert!(begun.elapsed() < DEADLINE, "{}", Watch::logged());
        tokio::task::yield_now().await;
    }
}

async fn confirm(guest: &Guest, mail: &Mail) -> Answer {
    let body = json!({ "token": mail.token(), "password": PASSWORD });
    guest.fetch("POST", "/auth/email/verify", Some(body)).await
}

/// A mail can be used: what it is there for.
async fn is_good(guest: &Guest, mail: &Mail, address: &str) {
    let answer = confirm(guest, mail).await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT, "{}", answer.text());
    guest.log_in(address).await;
}

#[tokio::test]
async fn mails_arrive_over_either_kind_of_tls_and_both_their_parts_are_complete() {
    let server = MailServer::start().await;
    for (way, address) in [(Way::StartTls, "ann@example.com"), (Way::Tls, "bob@example.com")] {
        let house = house_of(&server, way).await;
        let guest = house.guest();
        guest.sign_up(address).await;
        let mail = server.wait_for(address, 1).await;
        assert_eq!((mail.recipient.as_str(), mail.to.as_str()), (address, address));
        assert_eq!((mail.from.as_str(), mail.return_path.as_str()), ("door@house.test", "door@house.test"));
        // RFC 3848: with TLS and a log-in. RFC 3834 §5: nobody's holiday answers.
        assert!(mail.header("received").contains("esmtpsa"), "{}", mail.header("received"));
        assert_eq!(mail.header("auto-submitted"), "auto-generated");
        assert!(mail.header("content-type").starts_with("multipart/alternative"), "{}", mail.header("content-type"));
        assert!(mail.header("message-id").ends_with("@house.test>"), "{}", mail.header("message-id"));
        let link = format!("{}/auth/email/verify#{}", house.origin(), mail.token());
        assert!(mail.text_links().contains(&link) && mail.html_links().contains(&link));
        assert!(mail.text.contains(&mail.typed()) && mail.html.contains(&mail.typed()));
        assert!(mail.raw.split(|byte| *byte == b'\n').all(|line| line.len() <= 998), "RFC 5321 §4.5.3.1.6");
        house.watch.secret(&mail.token());
        house.watch.secret(&mail.typed());
        is_good(&guest, &mail, address).await;
        house.close().await;
    }
    assert_eq!(server.all().len(), 2);
}

#[tokio::test]
async fn a_mail_that_is_not_taken_now_is_tried_again_with_growing_delays() {
    let server = MailServer::start().await;
    let house = house_of(&server, Way::StartTls).await;
    server.set_mood(Mood::TryLater);
    let ann = house.guest();
    // Whoever asks does not wait for the mail server.
    ann.sign_up("ann@example.com").await;
    server.wait_turned_away("ann@example.com", 1).await;
    house.advance(BACK_OFF - 1);
    // Not before its time: another one is tried meanwhile, and this one is not.
    house.guest().sign_up("bob@example.com").await;
    server.wait_turned_away("bob@example.com", 1).await;
    assert_eq!(server.turned_away("ann@example.com"), 1);
    house.advance(1);
    server.wait_turned_away("ann@example.com", 2).await;
    // The second delay is twice the first; bob's first is over in it.
    house.advance(BACK_OFF);
    server.wait_turned_away("bob@example.com", 2).await;
    assert_eq!(server.turned_away("ann@example.com"), 2);
    server.set_mood(Mood::Accept);
    house.advance(BACK_OFF);
    let mail = server.wait_for("ann@example.com", 1).await;
    is_good(&ann, &mail, "ann@example.com").await;
    house.advance(3600);
    server.wait_for("bob@example.com", 1).await;
    house.letters_are_sent().await;
    assert_eq!(server.inbox("ann@example.com").len(), 1, "once");
    house.close().await;
}

#[tokio::test]
async fn a_mail_server_that_is_down_costs_time_and_no_mail() {
    let mut server = MailServer::start().await;
    let house = house_of(&server, Way::Tls).await;
    server.stop().await;
    let ann = house.guest();
    ann.sign_up("ann@example.com").await;
    tried(&house, 1).await;
    server.start_again().await;
    house.advance(BACK_OFF);
    let mail = server.wait_for("ann@example.com", 1).await;
    is_good(&ann, &mail, "ann@example.com").await;
    house.letters_are_sent().await;
    house.close().await;
}

#[tokio::test]
async fn letters_that_wait_are_sent_after_a_restart_once() {
    let server = MailServer::start().await;
    let mut house = house_of(&server, Way::StartTls).await;
    server.set_mood(Mood::TryLater);
    for number in 0..5 {
        house.guest().sign_up(&format!("p{number}@example.com")).await;
    }
    for number in 0..5 {
        server.wait_turned_away(&format!("p{number}@example.com"), 1).await;
    }
    house.restart().await;
    assert_eq!(house.slips("letter"), 5);
    server.set_mood(Mood::Accept);
    house.advance(BACK_OFF);
    house.letters_are_sent().await;
    for number in 0..5 {
        let address = format!("p{number}@example.com");
        let mail = server.wait_for(&address, 1).await;
        assert_eq!(server.inbox(&address).len(), 1);
        is_good(&house.guest(), &mail, &address).await;
    }
    house.close().await;
}

#[tokio::test]
async fn an_address_that_is_refused_for_good_is_given_up_and_stands_in_no_log() {
    let server = MailServer::start().await;
    let house = house_of(&server, Way::StartTls).await;
    server.set_mood(Mood::Refuse);
    house.guest().sign_up("nowhere.to.be.found@example.com").await;
    server.wait_turned_away("nowhere.to.be.found@example.com", 1).await;
    house.letters_are_sent().await;
    server.set_mood(Mood::Accept);
    house.advance(86_400);
    house.guest().sign_up("ann@example.com").await;
    server.wait_for("ann@example.com", 1).await;
    assert!(server.inbox("nowhere.to.be.found@example.com").is_empty());
    let log = Watch::logged();
    assert!(log.contains("permanent=true") && log.contains("a mail was not sent"), "it is told");
    assert!(!log.contains("nowhere.to.be.found"), "and not of whom");
    house.close().await;
}

#[tokio::test]
async fn no_letter_is_lost_for_a_wrong_password_of_ours() {
    let server = MailServer::start().await;
    let mut house = House::with(&sends_to(&server, Way::Tls, "not the password of the door")).await;
    house.watch.secret("not the password of the door");
    let ann = house.guest();
    ann.sign_up("ann@example.com").await;
    tried(&house, 1).await;
    house.restart_with(&sends_to(&server, Way::Tls, server.password())).await;
    assert!(server.all().is_empty());
    house.advance(BACK_OFF);
    let mail = server.wait_for("ann@example.com", 1).await;
    is_good(&ann, &mail, "ann@example.com").await;
    house.close().await;
}

#[tokio::test]
async fn nothing_is_sent_in_clear_when_somebody_in_between_takes_starttls_away() {
    let server = MailServer::start().await;
    let house = house_of(&server, Way::StartTls).await;
    server.offer_starttls(false);
    house.guest().sign_up("ann@example.com").await;
    tried(&house, 1).await;
    house.advance(BACK_OFF);
    tried(&house, 2).await;
    assert!(server.all().is_empty());
    assert_eq!(server.turned_away("ann@example.com"), 0, "it was told of nobody");
    server.offer_starttls(true);
    house.advance(2 * BACK_OFF);
    server.wait_for("ann@example.com", 1).await;
    house.close().await;
}

#[tokio::test]
async fn a_mail_server_that_nobody_vouches_for_gets_no_mail() {
    let (server, other) = (MailServer::start().await, MailServer::start().await);
    let wrong = sends_to(&server, Way::Tls, server.password())
        .replace(&*server.ca_file().to_string_lossy(), &other.ca_file().to_string_lossy());
    let house = House::with(&wrong).await;
    house.guest().sign_up("ann@example.com").await;
    tried(&house, 1).await;
    house.advance(BACK_OFF);
    tried(&house, 2).await;
    assert!(server.all().is_empty());
    house.close().await;
}

#[tokio::test]
async fn many_letters_at_once_arrive_each_once() {
    let server = MailServer::start().await;
    let house = house_of(&server, Way::Tls).await;
    let all = (0..40).map(|number| {
        let guest = house.guest();
        async move { guest.sign_up(&format!("p{number}@example.com")).await }
    });
    futures_util::future::join_all(all).await;
    house.letters_are_sent().await;
    for number in 0..40 {
        server.wait_for(&format!("p{number}@example.com"), 1).await;
    }
    assert_eq!(server.all().len(), 40);
    house.close().await;
}
