//! Guessing at passwords: how many get through, who waits, and who never does.

use crate::asking::{OTHER, forgot, log_in, reset, said, seen, sign_up};
use cloakroom_app::Clock as _;
use cloakroom_testbed::{Answer, Guest, House, PASSWORD};
use http::StatusCode;
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

const ANN: &str = "ann@example.com";
const NOBODY: &str = "nobody@example.com";
const DEVICE: &str = "__Secure-cloakroom-device";

/// So many wrong passwords for one account follow each other without delay.
const FREE: usize = 5;
/// The longest delay, in seconds.
const LONGEST: u64 = 900;

/// Believes the testbed about where a request comes from.
const BEHIND_PROXY: &str = "server.trusted_proxies = [\"127.0.0.1\"]\n";

/// A guess by somebody who was never here, from a network of their own.
async fn guess(house: &House, number: usize, email: &str) -> Answer {
    log_in(&stranger(house, number), email, OTHER).await
}

fn stranger(house: &House, number: usize) -> Guest {
    house.guest().from_address(&format!("10.{}.{}.7", number / 250, number % 250))
}

/// Fails until the account makes strangers wait.
async fn exhaust(house: &House, email: &str) {
    for number in 0..FREE {
        assert_eq!(said(&guess(house, number, email).await), (401, "wrong-credentials".into()));
    }
}

fn wait(answer: &Answer) -> u64 {
    assert_eq!(said(answer), (429, "too-many-attempts".into()));
    answer.header("retry-after").parse().unwrap()
}

#[tokio::test]
async fn asvs_6_3_1_each_failure_doubles_the_delay_and_a_hundred_in_a_row_ask_for_a_reset() {
    let house = House::with_mail(BEHIND_PROXY).await;
    house.watch.secret(OTHER);
    house.confirmed(ANN).await;
    let mut delay = 0;
    for failure in 1..=100 {
        house.advance(delay);
        // Nobody learns from any step whether there is such an account.
        let both = (guess(&house, failure, ANN).await, guess(&house, failure + 500, NOBODY).await);
        assert_eq!(said(&both.0), (401, "wrong-credentials".into()), "guess {failure} after {delay} s");
        assert_eq!(seen(&both.0), seen(&both.1), "guess {failure}");
        if !(FREE..100).contains(&failure) {
            continue;
        }
        // Not even the right one is looked at.
        let right = (
            log_in(&stranger(&house, failure), ANN, PASSWORD).await,
            log_in(&stranger(&house, failure), NOBODY, PASSWORD).await,
        );
        assert_eq!(seen(&right.0), seen(&right.1), "after {failure}");
        delay = wait(&right.0);
        assert_eq!(delay, (1 << (failure - FREE).min(20)).min(LONGEST), "after {failure}");
        if delay > 1 {
            house.advance(delay - 1);
            delay = wait(&log_in(&stranger(&house, failure), ANN, PASSWORD).await);
            assert_eq!(delay, 1);
        }
    }
    house.letters_are_sent().await;
    for days in [0, 29] {
        house.advance(days * 86_400);
        let locked = log_in(&stranger(&house, 1), ANN, PASSWORD).await;
        assert_eq!((said(&locked), locked.header("retry-after")), ((429, "password-locked".into()), ""));
        assert_eq!(seen(&locked), seen(&log_in(&stranger(&house, 1), NOBODY, PASSWORD).await));
    }
    let told = house.last_mail_to(ANN, 2).await;
    assert!(
        told.subject.contains("guessed at your password") && told.text.contains("/auth/forgot"),
        "{}",
        told.subject
    );
    assert_eq!(house.mails_to(NOBODY).await, []);

    forgot(&stranger(&house, 2), ANN).await;
    let token = house.last_mail_to(ANN, 3).await.token();
    assert_eq!(reset(&stranger(&house, 2), &token, OTHER).await.status, StatusCode::NO_CONTENT);
    assert_eq!(log_in(&stranger(&house, 3), ANN, OTHER).await.status, StatusCode::OK);
    assert_eq!(log_in(&stranger(&house, 3), NOBODY, OTHER).await.code(), "password-locked");
    house.close().await;
}

#[tokio::test]
async fn the_page_says_how_long_to_wait_and_where_to_reset() {
    let house = House::with_mail(&format!("{BEHIND_PROXY}limits.account_failures = 10")).await;
    house.confirmed(ANN).await;
    exhaust(&house, ANN).await;
    let ann = stranger(&house, 40);
    let page = ann.visit("/auth/login").await;
    let typed = [("email", ANN), ("password", PASSWORD)];
    let refused = ann.fill(&page, "/auth/login", &typed).await;
    assert_eq!((refused.status, refused.header("retry-after")), (StatusCode::TOO_MANY_REQUESTS, "1"));
    assert!(refused.text().contains("Try again in 1 second.") && refused.text().contains("data-wait=\"1\""));
    house.advance(1);
    guess(&house, 41, ANN).await;
    let refused = ann.fill(&refused, "/auth/login", &typed).await;
    assert!(refused.text().contains("Try again in 2 seconds.") && refused.text().contains("role=\"alert\""));
    assert_eq!(refused.form("/auth/login", &["email"]).value("email"), Some(ANN));
    for number in 0..4 {
        house.advance(60);
        guess(&house, 42 + number, ANN).await;
    }
    let locked = ann.fill(&refused, "/auth/login", &typed).await;
    assert_eq!((locked.status, locked.header("retry-after")), (StatusCode::TOO_MANY_REQUESTS, ""));
    assert!(
        locked.text().contains("Please set a new password") && locked.links_to("/auth/forgot"),
        "{}",
        locked.text()
    );
    house.close().await;
}

#[tokio::test]
async fn who_has_to_wait_is_refused_before_anything_is_hashed() {
    // One thread and one place to wait: whatever needs a hash is answered 503 most of the time.
    let house = House::with(&format!("{BEHIND_PROXY}[password]\nthreads = 1\nqueue = 1\npasses = 8")).await;
    exhaust(&house, NOBODY).await;
    let sent_away = Arc::new(AtomicUsize::new(0));
    let storm: Vec<_> = (0..4)
        .map(|task| {
            let guests: Vec<_> = (0..250).map(|number| stranger(&house, 250 * (task + 1) + number)).collect();
            let sent_away = Arc::clone(&sent_away);
            tokio::spawn(async move {
                for (number, guest) in guests.iter().cycle().enumerate() {
                    let answer = log_in(guest, &format!("p{task}-{number}@example.com"), OTHER).await;
                    sent_away.fetch_add(usize::from(answer.code() == "busy"), Ordering::SeqCst);
                }
            })
        })
        .collect();
    let mut refused = 0;
    while refused < 50 || sent_away.load(Ordering::SeqCst) < 50 {
        // If it had needed a hash, one of them would have found no room.
        assert_eq!(wait(&guess(&house, refused, NOBODY).await), 1);
        refused += 1;
    }
    for task in storm {
        task.abort();
    }
    house.close().await;
}

#[tokio::test]
async fn of_fifty_guesses_at_once_no_more_get_through_than_one_after_another() {
    let house = House::with(BEHIND_PROXY).await;
    house.guest().sign_up(ANN).await;
    // More than once: what goes wrong between two does not do so always.
    for round in 0..8 {
        let email = if round == 0 { ANN.to_owned() } else { format!("p{round}@example.com") };
        let email = email.as_str();
        let all = (0..50).map(|number| {
            let guest = stranger(&house, round * 50 + number);
            async move { log_in(&guest, email, OTHER).await }
        });
        let answers = futures_util::future::join_all(all).await;
        let through = answers.iter().filter(|answer| answer.status == StatusCode::UNAUTHORIZED).count();
        assert!((1..=FREE).contains(&through), "{through} of {email}");
        assert!(
            answers.iter().all(|answer| ["wrong-credentials", "too-many-attempts"].contains(&answer.code().as_str()))
        );
    }
    house.close().await;
}

#[tokio::test]
async fn asvs_6_1_1_no_stranger_keeps_the_owner_from_logging_in_on_a_device_of_theirs() {
    let house = House::with_mail(&format!("{BEHIND_PROXY}limits.account_failures = 10")).await;
    let ann = house.confirmed(ANN).await;
    ann.fetch("POST", "/auth/logout", None).await;
    assert!(ann.cookie(DEVICE).is_some(), "the device stays known after a log-out");
    exhaust(&house, ANN).await;
    ann.log_in(ANN).await;
    // Which opens no door for strangers.
    assert_eq!(wait(&log_in(&stranger(&house, 50), ANN, PASSWORD).await), 1);
    assert_eq!(ann.refresh().await.status, StatusCode::OK);
    assert_eq!(wait(&log_in(&stranger(&house, 50), ANN, PASSWORD).await), 1);
    for number in 0..5 {
        house.advance(60);
        guess(&house, 60 + number, ANN).await;
    }
    assert_eq!(log_in(&stranger(&house, 70), ANN, PASSWORD).await.code(), "password-locked");
    ann.fetch("POST", "/auth/logout", None).await;
    ann.log_in(ANN).await;
    assert_eq!(log_in(&stranger(&house, 70), ANN, PASSWORD).await.code(), "password-locked");

    // A cookie of a device that is another's, or nobody's, or a thief's own, is none.
    let eve = house.confirmed("eve@example.com").await;
    let planted = [eve.cookie(DEVICE).unwrap(), "A".repeat(43), format!("{}x", ann.cookie(DEVICE).unwrap())];
    for value in planted {
        let thief = stranger(&house, 80);
        thief.plant(DEVICE, "/", &value);
        assert_eq!(log_in(&thief, ANN, PASSWORD).await.code(), "password-locked");
    }
    house.close().await;
}

#[tokio::test]
async fn asvs_6_1_1_a_sibling_host_that_plants_a_second_cookie_takes_no_device_away() {
    let house = House::with_mail(BEHIND_PROXY).await;
    house.watch.secret(OTHER);
    let own = house.confirmed(ANN).await.cookie(DEVICE).unwrap();
    exhaust(&house, ANN).await;
    let (made_up, body) = ("A".repeat(43), json!({ "email": ANN, "password": PASSWORD }).to_string());
    let origin = house.origin();
    let with = async |number: usize, cookies: &[&str]| {
        let cookies: Vec<_> = cookies.iter().map(|value| format!("{DEVICE}={value}")).collect();
        let headers = [
            ("cookie", &*cookies.join("; ")),
            ("origin", &*origin),
            ("sec-fetch-site", "same-origin"),
            ("content-type", "application/json"),
        ];
        stranger(&house, number).send("POST", "/auth/login", &headers, body.clone()).await
    };
    wait(&with(70, &[&made_up]).await);
    wait(&with(71, &[&made_up, "x"]).await);
    for (number, cookies) in [[&*own, &made_up], [&made_up, &own], ["x", &own]].iter().enumerate() {
        let entered = with(80 + number, cookies).await;
        assert_eq!(entered.status, StatusCode::OK, "{number}: {}", entered.text());
        assert!(!entered.cookies().iter().any(|cookie| cookie.starts_with(DEVICE)), "it is known");
    }
    house.close().await;
}

#[tokio::test]
async fn a_device_has_a_row_of_its_own_which_is_counted_as_well() {
    let house = House::with_mail(&format!("{BEHIND_PROXY}limits.account_failures = 12")).await;
    house.watch.secret(OTHER);
    let ann = house.confirmed(ANN).await;
    ann.fetch("POST", "/auth/logout", None).await;
    for _ in 0..10 {
        assert_eq!(said(&log_in(&ann, ANN, OTHER).await), (401, "wrong-credentials".into()));
    }
    assert_eq!(wait(&log_in(&ann, ANN, PASSWORD).await), 1);
    // What goes wrong there does not count elsewhere.
    assert_eq!(log_in(&stranger(&house, 1), ANN, PASSWORD).await.status, StatusCode::OK);
    for _ in 0..2 {
        house.advance(5);
        assert_eq!(said(&log_in(&ann, ANN, OTHER).await), (401, "wrong-credentials".into()));
    }
    house.advance(86_400);
    assert_eq!(log_in(&ann, ANN, PASSWORD).await.code(), "password-locked");
    // A reset is the way out, on this device as well.
    house.letters_are_sent().await;
    forgot(&ann, ANN).await;
    let mail = house.mails_to(ANN).await.pop().unwrap();
    assert_eq!(reset(&ann, &mail.token(), OTHER).await.status, StatusCode::NO_CONTENT);
    let entered = log_in(&ann, ANN, OTHER).await;
    assert_eq!(entered.status, StatusCode::OK, "a reset does not unlock the device: {}", entered.text());
    house.close().await;
}

#[tokio::test]
async fn the_owner_is_told_once_that_the_password_is_locked() {
    let house = House::with_mail(&format!("{BEHIND_PROXY}limits.account_failures = 10")).await;
    let ann = house.confirmed(ANN).await;
    for number in 0..10 {
        house.advance(60);
        assert_eq!(said(&guess(&house, number, ANN).await), (401, "wrong-credentials".into()));
    }
    house.last_mail_to(ANN, 2).await;
    // Neither by those who go on, nor by a slip of the owner's own fingers.
    for number in 0..3 {
        guess(&house, 20 + number, ANN).await;
        assert_eq!(said(&log_in(&ann, ANN, OTHER).await), (401, "wrong-credentials".into()));
    }
    house.last_mail_to(ANN, 2).await;
    house.close().await;
}

#[tokio::test]
async fn a_right_password_begins_the_row_anew_and_a_restart_does_not() {
    let mut house = House::with(BEHIND_PROXY).await;
    house.guest().sign_up(ANN).await;
    for number in 0..FREE - 1 {
        guess(&house, number, ANN).await;
    }
    assert_eq!(log_in(&stranger(&house, 10), ANN, PASSWORD).await.status, StatusCode::OK);
    exhaust(&house, ANN).await;
    house.restart().await;
    assert_eq!(wait(&log_in(&stranger(&house, 11), ANN, PASSWORD).await), 1);
    house.advance(1);
    assert_eq!(log_in(&stranger(&house, 11), ANN, PASSWORD).await.status, StatusCode::OK);
    assert_eq!(said(&guess(&house, 12, ANN).await), (401, "wrong-credentials".into()));
    house.close().await;
}

#[tokio::test]
async fn one_network_has_fifty_failures_for_whatever_accounts() {
    for (attacker, neighbour, elsewhere) in
        [("203.0.113.", "203.0.113.250", "203.0.114.1"), ("2001:db8:1:2::", "2001:db8:1:2:ffff::1", "2001:db8:1:3::1")]
    {
        let house = House::with(BEHIND_PROXY).await;
        let ann = house.guest().from_address(neighbour);
        ann.sign_up(ANN).await;
        ann.log_in(ANN).await;
        for number in 1..=50 {
            let guest = house.guest().from_address(&format!("{attacker}{number}"));
            let answer = log_in(&guest, &format!("p{number}@example.com"), OTHER).await;
            assert_eq!(said(&answer), (401, "wrong-credentials".into()), "guess {number}");
        }
        let from = |address: &str| house.guest().from_address(address);
        assert_eq!(wait(&log_in(&from(&format!("{attacker}99")), "new@example.com", OTHER).await), 1);
        assert_eq!(wait(&log_in(&from(neighbour), ANN, PASSWORD).await), 1);
        assert_eq!(said(&log_in(&from(elsewhere), "new@example.com", OTHER).await), (401, "wrong-credentials".into()));
        // A device that is known is asked for nothing but its own row.
        ann.log_in(ANN).await;
        house.advance(3600);
        assert_eq!(
            log_in(&from(neighbour), ANN, PASSWORD).await.status,
            StatusCode::OK,
            "an hour later it is forgotten"
        );
        house.close().await;
    }
}

#[tokio::test]
async fn who_has_very_many_networks_is_counted_by_the_one_around_them() {
    let house = House::with_mail(BEHIND_PROXY).await;
    for (own, beside, elsewhere) in
        [("2001:db8:7::1", "2001:db8:7:ffff::1", "2001:db8:8::1"), ("198.18.1.1", "198.18.200.1", "198.19.1.1")]
    {
        let ask = async |address: &str| forgot(&house.guest().from_address(address), NOBODY).await;
        assert_eq!(ask(own).await.status, StatusCode::ACCEPTED);
        // As it is after five thousand from as many networks.
        let database = rusqlite::Connection::open(house.database()).unwrap();
        database.busy_timeout(std::time::Duration::from_secs(10)).unwrap();
        let full = json!({ "failures": 5000, "last_at": house.clock.now().millis() }).to_string();
        let wide = "UPDATE slip SET data = ?1 WHERE kind = 'bucket' AND substr(key, 1, 1) = x'52'";
        assert_eq!(database.execute(wide, [full.as_bytes()]).unwrap(), 1);
        assert_eq!(wait(&ask(beside).await), 1);
        assert_eq!(ask(elsewhere).await.status, StatusCode::ACCEPTED);
        house.advance(1);
        assert_eq!(ask(beside).await.status, StatusCode::ACCEPTED);
        database.execute("DELETE FROM slip WHERE kind = 'bucket'", []).unwrap();
    }
    house.close().await;
}

#[tokio::test]
async fn many_who_log_in_rightly_from_one_network_are_not_slowed_down() {
    let house = House::with(BEHIND_PROXY).await;
    house.guest().sign_up(ANN).await;
    for number in 0..60 {
        let guest = house.guest().from_address("203.0.113.7");
        assert_eq!(log_in(&guest, ANN, PASSWORD).await.status, StatusCode::OK, "log-in {number}");
    }
    house.close().await;
}

#[tokio::test]
async fn people_of_one_network_who_come_at_the_same_moment_are_all_let_in() {
    let house = House::with(BEHIND_PROXY).await;
    let people = || (0..30).map(|number| (house.guest().from_address("203.0.113.7"), format!("p{number}@example.com")));
    let signed_up = people().map(|(guest, email)| async move { sign_up(&guest, &email, PASSWORD).await });
    let signed_up = futures_util::future::join_all(signed_up).await;
    let refused = signed_up.iter().filter(|answer| answer.status != StatusCode::ACCEPTED).count();
    assert_eq!(refused, 0, "of 30 sign-ups");
    let logged_in = people().map(|(guest, email)| async move { log_in(&guest, &email, PASSWORD).await });
    let logged_in = futures_util::future::join_all(logged_in).await;
    let refused = logged_in.iter().filter(|answer| answer.status != StatusCode::OK).count();
    assert_eq!(refused, 0, "of 30 log-ins");
    house.close().await;
}

#[tokio::test]
async fn asvs_4_1_3_what_a_request_says_of_its_address_counts_from_a_listed_proxy_alone() {
    // Listed is another one.
    let house = House::with("server.trusted_proxies = [\"192.0.2.1\"]").await;
    for number in 0..50 {
        let answer = guess(&house, number, &format!("p{number}@example.com")).await;
        assert_eq!(said(&answer), (401, "wrong-credentials".into()));
    }
    assert_eq!(wait(&guess(&house, 51, "new@example.com").await), 1, "they all come from one network");
    house.close().await;

    // From a listed one, what stands left of its own client was written by that client.
    let house = House::with(BEHIND_PROXY).await;
    let body = json!({ "email": "new@example.com", "password": OTHER }).to_string();
    for number in 0..52 {
        let forged = format!("198.51.100.{number}, 203.0.113.7");
        let headers = [
            ("x-forwarded-for", forged.as_str()),
            ("sec-fetch-site", "same-origin"),
            ("content-type", "application/json"),
        ];
        let email = format!("p{number}@example.com");
        let answer = house.guest().send("POST", "/auth/login", &headers, body.replace("new@example.com", &email)).await;
        assert_eq!(answer.status.as_u16(), if number < 50 { 401 } else { 429 }, "guess {number}");
        if number == 51 {
            assert_eq!(wait(&answer), 1);
        }
    }
    house.close().await;
}

/// A program logs in from a network of its own, with what it has kept of an earlier log-in.
async fn program(house: &House, number: usize, password: &str, device: Option<&str>) -> Answer {
    let mut body = json!({ "email": ANN, "password": password, "strategy": "native" });
    if let Some(device) = device {
        body["device"] = device.into();
    }
    let headers = [("content-type", "application/json")];
    stranger(house, number).send("POST", "/auth/login", &headers, body.to_string()).await
}

#[tokio::test]
async fn asvs_6_1_1_a_program_that_keeps_its_device_is_not_kept_waiting_by_strangers() {
    let house = House::with_mail(&format!("{BEHIND_PROXY}session.offered = [\"native\"]")).await;
    house.watch.secret(OTHER);
    house.confirmed(ANN).await;
    let first = program(&house, 900, PASSWORD, None).await;
    assert_eq!((first.status, first.cookies().len()), (StatusCode::OK, 0), "{}", first.text());
    let device = first.json()["device"].as_str().unwrap().to_owned();
    house.watch.secret(&device);
    let mails = house.mails_to(ANN).await.len();

    exhaust(&house, ANN).await;
    wait(&program(&house, 901, PASSWORD, None).await);
    // What somebody makes up, and what another program was given.
    wait(&program(&house, 901, PASSWORD, Some(&"A".repeat(43))).await);
    wait(&program(&house, 901, PASSWORD, Some("short")).await);
    // A script that has got hold of it does not become the device of its browser.
    let in_page = json!({ "email": ANN, "password": PASSWORD, "device": device });
    wait(&stranger(&house, 902).fetch("POST", "/auth/login", Some(in_page)).await);

    let again = program(&house, 900, PASSWORD, Some(&device)).await;
    assert_eq!(again.status, StatusCode::OK, "{}", again.text());
    assert!(again.json()["device"].is_null(), "the one that it has stays good");
    assert_eq!(house.mails_to(ANN).await.len(), mails, "a device that is known is no news");
    // It has a row of its own, which is counted like any other's.
    for _ in 0..10 {
        assert_eq!(said(&program(&house, 900, OTHER, Some(&device)).await).1, "wrong-credentials");
    }
    wait(&program(&house, 900, PASSWORD, Some(&device)).await);

    house.advance(LONGEST);
    let unknown = program(&house, 903, PASSWORD, None).await;
    assert_eq!(unknown.status, StatusCode::OK, "{}", unknown.text());
    house.watch.secret(unknown.json()["device"].as_str().unwrap());
    assert_eq!(house.mails_to(ANN).await.len(), mails + 1, "one that shows none is a new one each time");
    house.close().await;
}
