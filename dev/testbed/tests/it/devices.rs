//! Devices: noticed when they are new, told by mail with a way to end what they opened, named, trusted and forgotten.

use crate::asking::{OTHER, confirm, log_in, reset, said, show};
use crate::mail::scan;
use cloakroom_app::Clock as _;
use cloakroom_testbed::{Answer, AuthenticatorApp, Guest, House, Mail, PASSWORD};
use http::StatusCode;
use serde_json::{Value, json};

const ANN: &str = "ann@example.com";
const DEVICE: &str = "__Secure-cloakroom-device";
const REVOKE: &str = "/auth/devices/revoke";
const BEHIND_PROXY: &str = "server.trusted_proxies = [\"127.0.0.1\"]";

const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0";
const CHROME: &str =
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36";

const UNKNOWN: &str = "This browser has not logged in to your account before.";
const KIND: &str = "None of your devices used this browser and system before.";
const NETWORK: &str = "None of your devices used this network before.";

/// Logs in with a browser, and a minute passes.
async fn enter(house: &House, guest: &Guest, browser: &str) -> Answer {
    house.advance(60);
    let origin = house.origin();
    let headers = [("origin", origin.as_str()), ("content-type", "application/json"), ("user-agent", browser)];
    let body = json!({ "email": ANN, "password": PASSWORD }).to_string();
    let answer = guest.send("POST", "/auth/login", &headers, body).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    answer
}

/// A house with an account whose first device is a Firefox in 203.0.113.0/24.
async fn with_one_device() -> (House, Guest) {
    let house = House::with_mail(BEHIND_PROXY).await;
    let guest = house.guest().from_address("203.0.113.7");
    guest.sign_up(ANN).await;
    let token = house.last_mail_to(ANN, 1).await.token();
    assert_eq!(confirm(&guest, &token, PASSWORD).await.status, StatusCode::NO_CONTENT);
    enter(&house, &guest, FIREFOX).await;
    (house, guest)
}

/// The owner sets the password anew, by the mail that came last.
async fn recover(house: &House) {
    let mail = house.mails_to(ANN).await.pop().unwrap();
    assert_eq!(mail.page(), format!("{}/auth/reset", house.origin()), "{}", mail.subject);
    assert_eq!(reset(&house.guest(), &mail.token(), PASSWORD).await.status, StatusCode::NO_CONTENT);
    house.letters_are_sent().await;
}

/// The reasons that a mail gives.
fn reasons(mail: &Mail) -> Vec<&str> {
    mail.text.lines().filter_map(|line| line.trim().strip_prefix("- ")).collect()
}

async fn devices(guest: &Guest) -> Vec<Value> {
    guest.fetch("GET", "/auth/devices", None).await.json()["devices"].as_array().cloned().unwrap_or_default()
}

#[tokio::test]
async fn asvs_6_3_5_a_log_in_that_is_news_is_told_with_its_reasons_and_any_other_is_not() {
    let (house, ann) = with_one_device().await;
    house.last_mail_to(ANN, 1).await;
    enter(&house, &ann, FIREFOX).await;
    house.last_mail_to(ANN, 1).await;

    let phone = house.guest().from_address("198.51.100.9");
    enter(&house, &phone, CHROME).await;
    let mail = house.last_mail_to(ANN, 2).await;
    assert!(mail.subject.contains("New log-in"), "{}", mail.subject);
    assert_eq!(reasons(&mail), [UNKNOWN, KIND, NETWORK]);
    for line in ["With: Chrome on Windows", "From: 198.51.100.9", "When: 2027-01-15 08:03 UTC"] {
        assert!(mail.text.contains(line), "{line}: {}", mail.text);
    }
    assert_eq!(mail.page(), format!("{}{REVOKE}", house.origin()));

    // The same browser in the same network, but without its cookie; the first device elsewhere, and with another browser.
    enter(&house, &house.guest().from_address("203.0.113.99"), FIREFOX).await;
    assert_eq!(reasons(&house.last_mail_to(ANN, 3).await), [UNKNOWN]);
    let travelling = ann.from_address("192.0.2.1");
    enter(&house, &travelling, FIREFOX).await;
    assert_eq!(reasons(&house.last_mail_to(ANN, 4).await), [NETWORK]);
    enter(&house, &travelling, FIREFOX).await;
    house.last_mail_to(ANN, 4).await;
    enter(&house, &ann, CHROME).await;
    assert_eq!(reasons(&house.last_mail_to(ANN, 5).await), [KIND]);

    // A device that is trusted may travel.
    let id = devices(&ann).await.iter().find(|device| device["current"] == true).unwrap()["id"].clone();
    let trust = json!({ "device": id, "trusted": true });
    assert_eq!(ann.fetch("POST", "/auth/devices/change", Some(trust)).await.status, StatusCode::NO_CONTENT);
    enter(&house, &ann.from_address("192.0.3.1"), CHROME).await;
    house.last_mail_to(ANN, 5).await;
    house.close().await;
}

#[tokio::test]
async fn that_was_not_me_ends_the_session_and_forgets_the_device_after_a_press_and_not_before() {
    let (house, ann) = with_one_device().await;
    let thief = house.guest().from_address("198.51.100.9");
    enter(&house, &thief, CHROME).await;
    let mail = house.last_mail_to(ANN, 2).await;
    assert!(mail.text.contains("within 7 days"), "{}", mail.text);
    scan(&house, &mail).await;
    let page = house.guest().visit(REVOKE).await;
    assert!(
        page.text().contains("Was that not you?") && !page.text().contains("Chrome"),
        "it tells a stranger nothing"
    );
    assert_eq!((thief.status_of_app().await, devices(&ann).await.len()), (StatusCode::OK, 2));

    assert_eq!(show(&house.guest(), REVOKE, &mail.token()).await.status, StatusCode::NO_CONTENT);
    assert_eq!(said(&thief.fetch("GET", "/app/x", None).await), (401, "signed-out".into()));
    assert_eq!(thief.refresh().await.code(), "session-ended");
    assert_eq!((ann.status_of_app().await, devices(&ann).await.len()), (StatusCode::OK, 1));
    for used in [mail.token(), mail.typed()] {
        assert_eq!(said(&show(&house.guest(), REVOKE, &used).await), (422, "code-invalid".into()));
    }
    // Whoever it was knows the password: it is good no longer, and its owner sets another.
    assert_eq!(said(&log_in(&thief, ANN, PASSWORD).await), (401, "wrong-credentials".into()));
    assert_eq!(said(&log_in(&ann, ANN, PASSWORD).await), (401, "wrong-credentials".into()));
    house.last_mail_to(ANN, 3).await;
    recover(&house).await;
    assert_eq!(house.slips("code"), 0);
    // Its cookie is one of nobody's.
    enter(&house, &thief, CHROME).await;
    assert_eq!(reasons(&house.last_mail_to(ANN, 5).await), [UNKNOWN, KIND, NETWORK]);
    house.close().await;
}

#[tokio::test]
async fn that_was_not_me_ends_what_the_same_device_has_opened_since() {
    let (house, ann) = with_one_device().await;
    let thief = house.guest().from_address("198.51.100.9");
    enter(&house, &thief, CHROME).await;
    // Known by now, it makes no second mail; and keeps both sessions.
    let second = house.guest().from_address("198.51.100.9");
    second.plant(DEVICE, "/", &thief.cookie(DEVICE).unwrap());
    enter(&house, &second, CHROME).await;
    let mail = house.last_mail_to(ANN, 2).await;
    assert_eq!(show(&house.guest(), REVOKE, &mail.token()).await.status, StatusCode::NO_CONTENT);
    assert_eq!(thief.status_of_app().await, StatusCode::UNAUTHORIZED);
    assert_eq!(second.status_of_app().await, StatusCode::UNAUTHORIZED, "the second session of the stranger lives on");
    assert_eq!(ann.status_of_app().await, StatusCode::OK);
    house.close().await;
}

#[tokio::test]
async fn that_was_not_me_forgets_a_device_that_was_known_before() {
    let (house, ann) = with_one_device().await;
    let phone = house.guest().from_address("203.0.113.8");
    enter(&house, &phone, CHROME).await;
    // Somebody has copied the phone's cookies and logs in from elsewhere.
    let thief = phone.copied().from_address("198.51.100.9");
    enter(&house, &thief, CHROME).await;
    let mail = house.last_mail_to(ANN, 3).await;
    assert_eq!(reasons(&mail), [NETWORK]);
    assert_eq!(devices(&ann).await.len(), 2);
    assert_eq!(show(&house.guest(), REVOKE, &mail.token()).await.status, StatusCode::NO_CONTENT);
    assert_eq!(thief.status_of_app().await, StatusCode::UNAUTHORIZED);
    assert_eq!(devices(&ann).await.len(), 1, "the page says that its device is forgotten, and it is not");
    house.close().await;
}

#[tokio::test]
async fn the_page_ends_a_session_by_a_typed_code_without_any_script() {
    let (house, _ann) = with_one_device().await;
    let thief = house.guest().from_address("198.51.100.9");
    enter(&house, &thief, CHROME).await;
    let mail = house.last_mail_to(ANN, 2).await;
    let reader = house.guest();
    let page = reader.visit(REVOKE).await;
    let done = reader.fill(&page, REVOKE, &[("token", &mail.typed().to_lowercase())]).await;
    assert!(done.status == StatusCode::OK && done.text().contains("That session has ended"), "{}", done.text());
    assert_eq!(thief.status_of_app().await, StatusCode::UNAUTHORIZED);
    let again = reader.fill(&page, REVOKE, &[("token", &mail.typed())]).await;
    assert!(again.status == StatusCode::UNPROCESSABLE_ENTITY && again.text().contains("role=\"alert\""));
    house.close().await;
}

#[tokio::test]
async fn the_way_to_end_a_session_is_good_once_for_a_week_and_after_a_log_out() {
    let (house, ann) = with_one_device().await;
    let phone = house.guest().from_address("198.51.100.9");
    enter(&house, &phone, CHROME).await;
    let first = house.last_mail_to(ANN, 2).await;
    let all = (0..8).map(|_| {
        let (guest, token) = (house.guest(), first.token());
        async move { show(&guest, REVOKE, &token).await.status }
    });
    let statuses = futures_util::future::join_all(all).await;
    assert_eq!(statuses.iter().filter(|status| **status == StatusCode::NO_CONTENT).count(), 1, "{statuses:?}");

    recover(&house).await;
    let mails = house.mails_to(ANN).await.len();
    enter(&house, &phone, CHROME).await;
    let second = house.last_mail_to(ANN, mails + 1).await;
    phone.fetch("POST", "/auth/logout", None).await;
    // The session is over; the device is still to be forgotten.
    assert_eq!(show(&house.guest(), REVOKE, &second.token()).await.status, StatusCode::NO_CONTENT);
    recover(&house).await;
    enter(&house, &ann, FIREFOX).await;
    assert_eq!(devices(&ann).await.len(), 1);
    let mails = house.mails_to(ANN).await.len();
    enter(&house, &phone, CHROME).await;
    let third = house.last_mail_to(ANN, mails + 1).await;
    house.advance(7 * 86_400);
    assert_eq!(said(&show(&house.guest(), REVOKE, &third.token()).await), (422, "code-invalid".into()));
    house.close().await;
}

#[tokio::test]
async fn devices_are_listed_named_and_forgotten_by_their_owner_alone() {
    let (house, ann) = with_one_device().await;
    let phone = house.guest().from_address("198.51.100.9");
    enter(&house, &phone, CHROME).await;
    let listed = devices(&ann).await;
    let column = |name: &str| listed.iter().map(|device| device[name].clone()).collect::<Vec<_>>();
    assert_eq!(column("device"), ["Chrome on Windows", "Firefox on Linux"], "the one used last comes first");
    assert_eq!(column("current"), [json!(false), json!(true)]);
    assert_eq!(column("networks"), [json!(["198.51.100.0/24"]), json!(["203.0.113.0/24"])]);
    assert_eq!(column("trusted"), [json!(false), json!(false)]);
    // Its name in requests is not its cookie.
    let id = listed[0]["id"].as_str().unwrap().to_owned();
    assert!(![ann.cookie(DEVICE), phone.cookie(DEVICE)].contains(&Some(id.clone())));

    let bob = house.confirmed("bob@example.com").await;
    for path in ["/auth/devices/change", "/auth/devices/forget"] {
        for wrong in [id.as_str(), "x", ""] {
            let who = if wrong == id { &bob } else { &ann };
            let answer = who.fetch("POST", path, Some(json!({ "device": wrong, "name": "mine" }))).await;
            assert_eq!(said(&answer), (404, "unknown-device".into()), "{path} {wrong}");
        }
    }
    let hostile = format!("<b>\u{202e}Phone\"\n\u{7}{}", "x".repeat(200));
    let body = json!({ "device": id, "name": hostile, "trusted": true });
    assert_eq!(ann.fetch("POST", "/auth/devices/change", Some(body)).await.status, StatusCode::NO_CONTENT);
    let named = devices(&ann).await[0].clone();
    let name = named["name"].as_str().unwrap();
    assert!(name.chars().count() <= 60 && !name.contains(char::is_control) && named["trusted"] == true, "{name:?}");
    let page = ann.visit("/auth/account").await.text();
    assert!(!page.contains("<b>") && page.contains("&lt;b&gt;") && page.contains("trusted"));

    assert_eq!(
        ann.fetch("POST", "/auth/devices/forget", Some(json!({ "device": id }))).await.status,
        StatusCode::NO_CONTENT
    );
    assert_eq!(devices(&ann).await.len(), 1);
    assert_eq!(phone.status_of_app().await, StatusCode::OK, "its sessions stay");
    let again = ann.fetch("POST", "/auth/devices/forget", Some(json!({ "device": id }))).await;
    assert_eq!(said(&again), (404, "unknown-device".into()));
    enter(&house, &phone, CHROME).await;
    assert_eq!(reasons(&house.last_mail_to(ANN, 3).await), [UNKNOWN, KIND, NETWORK]);
    house.close().await;
}

#[tokio::test]
async fn the_account_page_names_trusts_and_forgets_without_any_script() {
    let (house, ann) = with_one_device().await;
    let phone = house.guest().from_address("198.51.100.9");
    enter(&house, &phone, CHROME).await;
    let id = devices(&ann).await[0]["id"].as_str().unwrap().to_owned();
    let page = ann.visit("/auth/account").await;
    let typed = [("device", id.as_str()), ("name", "The phone"), ("trusted", "on")];
    let kept = ann.fill(&page, "/auth/devices/change", &typed).await;
    assert_eq!(kept.header("location"), "/auth/account?notice=device-changed");
    let page = ann.visit(kept.header("location")).await;
    assert!(page.text().contains("The device is changed") && page.text().contains("<strong>The phone</strong>"));
    // What is ticked stays ticked, and a box without its tick takes the trust away.
    assert!(devices(&ann).await[0]["trusted"] == true);
    let fields = [(
        "cloakroom_csrf",
        page.form("/auth/devices/forget", &["device"]).value("cloakroom_csrf").unwrap().to_owned(),
    )];
    let fields = fields.each_ref().map(|(name, value)| (*name, value.as_str()));
    let unticked = [&fields[..], &[("device", id.as_str()), ("name", "The phone")]].concat();
    ann.submit("/auth/devices/change", &unticked).await;
    assert!(devices(&ann).await[0]["trusted"] == false && devices(&ann).await[0]["name"] == "The phone");
    let gone = ann.fill(&page, "/auth/devices/forget", &[("device", &id)]).await;
    assert_eq!(gone.header("location"), "/auth/account?notice=device-forgotten");
    let page = ann.visit(gone.header("location")).await;
    assert!(page.text().contains("That device is forgotten") && !page.text().contains("The phone"));
    house.close().await;
}

#[tokio::test]
async fn a_device_that_is_forgotten_has_no_row_of_its_own_in_the_count_of_guesses() {
    let (house, ann) = with_one_device().await;
    let id = devices(&ann).await[0]["id"].clone();
    assert_eq!(
        ann.fetch("POST", "/auth/devices/forget", Some(json!({ "device": id }))).await.status,
        StatusCode::NO_CONTENT
    );
    for number in 0..5 {
        let stranger = house.guest().from_address(&format!("10.0.{number}.1"));
        log_in(&stranger, ANN, "not the password of anybody").await;
    }
    assert_eq!(log_in(&ann, ANN, PASSWORD).await.code(), "too-many-attempts");
    house.close().await;
}

#[tokio::test]
async fn a_cookie_that_somebody_planted_becomes_nobodys_device() {
    let (house, _ann) = with_one_device().await;
    let phone = house.guest().from_address("198.51.100.9");
    let planted = "P".repeat(43);
    phone.plant(DEVICE, "/", &planted);
    enter(&house, &phone, CHROME).await;
    assert_ne!(phone.cookie(DEVICE), Some(planted.clone()), "the device gets a cookie that nobody else knows");
    let thief = house.guest().from_address("198.51.100.9");
    thief.plant(DEVICE, "/", &planted);
    enter(&house, &thief, CHROME).await;
    assert_eq!(reasons(&house.last_mail_to(ANN, 3).await), [UNKNOWN]);
    house.close().await;
}

#[tokio::test]
async fn that_was_not_me_undoes_what_a_thief_has_done_with_the_account_since() {
    for does in ["adds an app", "changes the password"] {
        let (house, ann) = with_one_device().await;
        house.watch.secret(OTHER);
        let thief = house.guest().from_address("198.51.100.9");
        enter(&house, &thief, CHROME).await;
        let mail = house.last_mail_to(ANN, 2).await;
        house.advance(60);
        if does == "adds an app" {
            let approval = thief.approved("add-totp", &json!({ "password": PASSWORD })).await;
            let begun = thief.fetch("POST", "/auth/totp/begin", Some(json!({ "step_up": approval }))).await.json();
            let app = AuthenticatorApp::scan(begun["uri"].as_str().unwrap());
            let code = app.code(house.clock.now(), 0);
            let body = json!({ "id": begun["id"], "code": code });
            assert_eq!(thief.fetch("POST", "/auth/totp/finish", Some(body)).await.status, StatusCode::OK);
        } else {
            let body = json!({ "current": PASSWORD, "password": OTHER });
            assert_eq!(thief.fetch("POST", "/auth/password/change", Some(body)).await.status, StatusCode::OK);
        }
        // The thief goes on in a session of another name.
        assert_eq!(thief.status_of_app().await, StatusCode::OK);
        house.letters_are_sent().await;
        house.advance(60);
        assert_eq!(show(&house.guest(), REVOKE, &mail.token()).await.status, StatusCode::NO_CONTENT);
        assert_eq!(said(&thief.fetch("GET", "/app/x", None).await), (401, "signed-out".into()), "{does}");
        assert_eq!(thief.refresh().await.code(), "session-ended", "{does}");
        for password in [PASSWORD, OTHER] {
            assert_eq!(said(&log_in(&thief, ANN, password).await), (401, "wrong-credentials".into()), "{does}");
        }
        recover(&house).await;
        assert_eq!(log_in(&ann, ANN, PASSWORD).await.status, StatusCode::OK, "after somebody {does}");
        assert_eq!((house.slips("totp"), house.slips("recovery")), (0, 0));
        house.close().await;
    }
}
