//! Authenticator apps and recovery codes: added, asked for, used once, removed.

use crate::asking::{OTHER, forgot, log_in, reset, said};
use crate::picture::read_qr;
use cloakroom_app::Clock as _;
use cloakroom_testbed::{Answer, AuthenticatorApp, Form, Guest, House, PASSWORD};
use http::StatusCode;
use serde_json::{Value, json};
use std::collections::BTreeSet;

const ANN: &str = "ann@example.com";

/// An account with an app, on the device that added it.
struct Armed {
    house: House,
    ann: Guest,
    app: AuthenticatorApp,
    codes: Vec<String>,
}

impl Armed {
    /// The code that the app shows, moved by steps.
    fn code(&self, steps: i64) -> String {
        self.app.code(self.house.clock.now(), steps)
    }

    /// A browser that was never here gives the right password, and is asked.
    async fn asked(&self) -> (Guest, String) {
        let guest = self.house.guest();
        let id = self.ask(&guest).await;
        (guest, id)
    }

    async fn ask(&self, guest: &Guest) -> String {
        let answer = log_in(guest, ANN, PASSWORD).await;
        assert_eq!(said(&answer), (401, "second-factor-asked".into()), "{}", answer.text());
        answer.json()["second_factor"]["id"].as_str().unwrap().to_owned()
    }

    /// A whole log-in in a new browser.
    async fn log_in_with(&self, kind: &str, code: &str) -> Answer {
        let (guest, id) = self.asked().await;
        answer(&guest, &id, kind, code).await
    }
}

async fn answer(guest: &Guest, id: &str, kind: &str, code: &str) -> Answer {
    guest.fetch("POST", "/auth/login/factor", Some(json!({ "id": id, kind: code }))).await
}

/// Nothing of an app may stand anywhere but in it: not as text, and not as JSON writes bytes.
fn hush(house: &House, app: &AuthenticatorApp, begun: &Value) {
    let plain = begun["secret"].as_str().unwrap();
    house.watch.secret(plain);
    house.watch.secret(&plain.replace(' ', ""));
    let numbers: Vec<_> = app.secret().iter().map(u8::to_string).collect();
    house.watch.secret(&numbers.join(","));
}

fn hush_codes(house: &House, codes: &[String]) {
    for code in codes {
        house.watch.secret(code);
        house.watch.secret(&code.replace('-', ""));
    }
}

fn codes_of(answer: &Answer) -> Vec<String> {
    answer.json()["recovery_codes"].as_array().unwrap().iter().map(|code| code.as_str().unwrap().to_owned()).collect()
}

async fn begin(guest: &Guest) -> Value {
    let approval = guest.approved("add-totp", &json!({ "password": PASSWORD })).await;
    let answer = guest.fetch("POST", "/auth/totp/begin", Some(json!({ "step_up": approval }))).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    answer.json()
}

async fn finish(guest: &Guest, begun: &Value, code: &str) -> Answer {
    guest.fetch("POST", "/auth/totp/finish", Some(json!({ "id": begun["id"], "code": code }))).await
}

/// A house with an account that has an app, 30 seconds after it was added.
async fn armed(more: &str) -> Armed {
    let house = House::with_mail(more).await;
    let ann = house.confirmed(ANN).await;
    let begun = begin(&ann).await;
    let app = AuthenticatorApp::scan(begun["uri"].as_str().unwrap());
    hush(&house, &app, &begun);
    let finished = finish(&ann, &begun, &app.code(house.clock.now(), 0)).await;
    assert_eq!(finished.status, StatusCode::OK, "{}", finished.text());
    let codes = codes_of(&finished);
    hush_codes(&house, &codes);
    house.letters_are_sent().await;
    house.advance(30);
    Armed { house, ann, app, codes }
}

async fn methods(guest: &Guest) -> Value {
    guest.fetch("GET", "/auth/me", None).await.json()["session"]["methods"].clone()
}

#[tokio::test]
async fn asvs_7_5_1_an_app_is_added_with_an_approval_and_its_first_code_and_its_owner_is_told() {
    let house = House::with_mail("").await;
    let ann = house.confirmed(ANN).await;
    let (other, copied) = (house.guest(), ann.copied());
    other.log_in(ANN).await;
    let mails = house.mails_to(ANN).await.len();
    let refused = ann.fetch("POST", "/auth/totp/begin", None).await;
    assert_eq!(said(&refused), (401, "step-up-needed".into()));
    assert_eq!(refused.json()["step_up"]["act"], "add-totp");

    let begun = begin(&ann).await;
    let (uri, secret) = (begun["uri"].as_str().unwrap(), begun["secret"].as_str().unwrap());
    assert_eq!(read_qr(begun["qr_svg"].as_str().unwrap()), uri);
    let app = AuthenticatorApp::scan(uri);
    hush(&house, &app, &begun);
    assert_eq!(app.secret(), AuthenticatorApp::typed(secret).secret());
    assert_eq!(app.secret().len(), 20);
    assert!(uri.contains("ann%40example.com") && uri.contains("issuer=localhost"), "{uri}");
    // Until its first code was typed it is none.
    house.guest().log_in(ANN).await;
    let now = house.clock.now();
    assert_eq!(said(&finish(&ann, &begun, &app.wrong_code(now)).await), (422, "proof-wrong".into()));
    assert_eq!(said(&finish(&other, &begun, &app.code(now, 0)).await), (410, "challenge-over".into()));
    assert_eq!(ann.fetch("GET", "/auth/factors", None).await.json()["totp"], Value::Null);
    assert_eq!(house.mails_to(ANN).await.len(), mails + 1, "one new device");

    let done = finish(&ann, &begun, &app.code(now, 0)).await;
    let codes = codes_of(&done);
    hush_codes(&house, &codes);
    assert_eq!((codes.len(), codes.iter().collect::<BTreeSet<_>>().len()), (10, 10));
    assert!(codes.iter().all(|code| code.len() == 19));
    assert_eq!(methods(&ann).await, json!(["pwd", "otp", "mfa"]));
    assert_eq!(copied.status_of_app().await, StatusCode::UNAUTHORIZED, "what was copied before is worth nothing");
    assert_eq!(copied.refresh().await.code(), "session-ended");
    assert_eq!(methods(&other).await, json!(["pwd"]));
    let factors = ann.fetch("GET", "/auth/factors", None).await.json();
    assert_eq!(factors["totp"]["added_at"], now.unix_seconds());
    assert_eq!((&factors["recovery_codes_left"], &factors["passkeys"]), (&json!(10), &json!([])));
    let told = house.last_mail_to(ANN, mails + 2).await;
    assert!(told.subject.contains("was added") && told.text.contains("an authenticator app"), "{}", told.text);
    assert_eq!(said(&finish(&ann, &begun, &app.code(now, 0)).await), (410, "challenge-over".into()));
    house.close().await;
}

#[tokio::test]
async fn the_pages_add_an_app_and_log_in_with_it_without_any_script() {
    let house = House::with_mail("").await;
    let ann = house.confirmed(ANN).await;
    let account = ann.visit("/auth/account").await;
    let asked = ann.fill(&account, "/auth/step-up", &[("act", "add-totp")]).await;
    let place = asked.header("location").strip_prefix(&house.origin()).unwrap().to_owned();
    let approval = ann.visit(&place).await;
    let approved = ann.fill(&approval, &place, &[("password", PASSWORD)]).await;
    let act = ann.visit(approved.header("location").strip_prefix(&house.origin()).unwrap()).await;
    let shown = ann.fill(&act, "/auth/totp/begin", &[]).await;
    let page = shown.text();
    let svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" version{}",
        between(&page, "xmlns=\"http://www.w3.org/2000/svg\" version", "</svg>")
    );
    let app = AuthenticatorApp::scan(&read_qr(&svg));
    let typed = between(&page, "<p class=\"key\"><code>", "</code>");
    assert_eq!(AuthenticatorApp::typed(typed).secret(), app.secret());
    hush(&house, &app, &json!({ "secret": typed }));
    let wrong = ann.fill(&shown, "/auth/totp/finish", &[("code", &app.wrong_code(house.clock.now()))]).await;
    assert!(wrong.status == StatusCode::UNPROCESSABLE_ENTITY && wrong.text().contains(typed), "the same secret again");
    let code = app.code(house.clock.now(), 0);
    let done = ann.fill(&wrong, "/auth/totp/finish", &[("code", &format!("{} {}", &code[..3], &code[3..]))]).await;
    assert_eq!(done.status, StatusCode::OK);
    let codes: Vec<_> = done.text().split("<li><code>").skip(1).map(|rest| rest[..19].to_owned()).collect();
    assert_eq!(codes.len(), 10);
    hush_codes(&house, &codes);
    let account = ann.visit("/auth/account").await.text();
    assert!(account.contains("10 left") && !codes.iter().any(|code| account.contains(code)), "shown once");

    house.advance(30);
    let phone = house.guest();
    let login = phone.visit("/auth/login?return_to=/app/start").await;
    let asked = phone.fill(&login, "/auth/login", &[("email", ANN), ("password", PASSWORD)]).await;
    assert!(asked.status == StatusCode::OK && asked.text().contains("One more step"), "{}", asked.text());
    assert!(phone.cookie("__Host-Http-cloakroom").is_none());
    let wrong = phone.fill(&asked, "/auth/login/factor", &[("totp", &app.wrong_code(house.clock.now()))]).await;
    assert!(wrong.status == StatusCode::UNPROCESSABLE_ENTITY && wrong.text().contains("role=\"alert\""));
    let entered = phone.fill(&wrong, "/auth/login/factor", &[("totp", &app.code(house.clock.now(), 0))]).await;
    assert_eq!((entered.status, entered.header("location")), (StatusCode::SEE_OTHER, "/app/start"));
    assert_eq!(phone.status_of_app().await, StatusCode::OK);
    assert!(phone.visit("/auth/account").await.text().contains("with a password and an authenticator app"));

    let tablet = house.guest();
    let login = tablet.visit("/auth/login").await;
    let asked = tablet.fill(&login, "/auth/login", &[("email", ANN), ("password", PASSWORD)]).await;
    let entered = tablet.fill(&asked, "/auth/login/factor", &[("recovery", &codes[3].to_lowercase())]).await;
    assert_eq!(entered.status, StatusCode::OK);
    assert!(entered.text().contains("9 recovery codes are left") && entered.links_to("/"), "{}", entered.text());
    assert!(tablet.visit("/auth/account").await.text().contains("9 left"));
    house.close().await;
}

fn between<'a>(text: &'a str, before: &str, after: &str) -> &'a str {
    text.split_once(before).unwrap().1.split_once(after).unwrap().0
}

#[tokio::test]
async fn asvs_6_5_1_a_code_is_good_once_also_for_two_at_the_same_moment() {
    let it = armed("").await;
    let code = it.code(0);
    let mut waiting = Vec::new();
    for _ in 0..8 {
        waiting.push(it.asked().await);
    }
    let all = waiting.iter().map(|(guest, id)| answer(guest, id, "totp", &code));
    let answers = futures_util::future::join_all(all).await;
    let entered = answers.iter().filter(|answer| answer.status == StatusCode::OK).count();
    assert_eq!(entered, 1, "{:?}", answers.iter().map(said).collect::<Vec<_>>());
    assert!(answers.iter().all(|answer| !answer.status.is_server_error()));
    let in_use = waiting.iter().filter(|(guest, _)| guest.cookie("__Host-Http-cloakroom").is_some()).count();
    assert_eq!(in_use, 1);
    // The question that was answered is answered.
    // Those who came too late count as guesses: they wait a little.
    it.house.advance(300);
    let at = answers.iter().position(|answer| answer.status == StatusCode::OK).unwrap();
    let (guest, id) = &waiting[at];
    assert_eq!(said(&answer(guest, id, "totp", &it.code(0)).await), (410, "challenge-over".into()));
    assert_eq!(it.log_in_with("totp", &code).await.code(), "proof-wrong");
    it.house.advance(300);
    assert_eq!(it.log_in_with("totp", &it.code(0)).await.status, StatusCode::OK);
    it.house.close().await;
}

#[tokio::test]
async fn asvs_6_5_5_of_the_codes_around_now_this_step_and_the_one_before_are_good() {
    let it = armed("").await;
    // That which added the app is used up.
    assert_eq!(it.log_in_with("totp", &it.code(-1)).await.code(), "proof-wrong");
    it.house.advance(120);
    for steps in [-2, 1, -20] {
        assert_eq!(it.log_in_with("totp", &it.code(steps)).await.code(), "proof-wrong", "{steps}");
    }
    assert_eq!(it.log_in_with("totp", &it.code(-1)).await.status, StatusCode::OK);
    assert_eq!(it.log_in_with("totp", &it.code(-1)).await.code(), "proof-wrong", "twice");
    assert_eq!(it.log_in_with("totp", &it.code(0)).await.status, StatusCode::OK);
    it.house.advance(30);
    assert_eq!(it.log_in_with("totp", &it.code(-1)).await.code(), "proof-wrong", "it was used as the current one");
    it.house.close().await;
}

#[tokio::test]
async fn where_no_older_code_is_taken_the_one_before_is_refused() {
    let it = armed("second_factor.totp_steps_back = 0").await;
    it.house.advance(60);
    assert_eq!(it.log_in_with("totp", &it.code(-1)).await.code(), "proof-wrong");
    assert_eq!(it.log_in_with("totp", &it.code(0)).await.status, StatusCode::OK);
    it.house.close().await;
}

#[tokio::test]
async fn asvs_6_5_1_a_recovery_code_is_good_once_and_its_use_is_told() {
    let it = armed("").await;
    let mails = it.house.mails_to(ANN).await.len();
    let mut waiting = Vec::new();
    for _ in 0..6 {
        waiting.push(it.asked().await);
    }
    let sloppy = format!(" {} ", it.codes[0].to_lowercase().replace('-', " "));
    let all = waiting.iter().map(|(guest, id)| answer(guest, id, "recovery", &sloppy));
    let answers = futures_util::future::join_all(all).await;
    let entered: Vec<_> = answers.iter().filter(|answer| answer.status == StatusCode::OK).collect();
    assert_eq!(entered.len(), 1, "{:?}", answers.iter().map(said).collect::<Vec<_>>());
    assert_eq!(entered[0].json()["session"]["methods"], json!(["pwd", "otp", "mfa"]));
    assert_eq!(entered[0].json()["recovery_codes_left"], 9);
    let told = it.house.mails_to(ANN).await;
    let told: Vec<_> = told[mails..].iter().filter(|mail| mail.subject.contains("recovery code was used")).collect();
    assert!(told.len() == 1 && told[0].text.contains("9 codes are left"), "{:?}", told.len());
    // Those who came too late count as guesses.
    it.house.advance(300);
    assert_eq!(it.log_in_with("recovery", &it.codes[0]).await.code(), "proof-wrong");
    it.house.advance(300);
    for code in &it.codes[1..] {
        assert_eq!(it.log_in_with("recovery", code).await.status, StatusCode::OK);
    }
    let last = it.house.mails_to(ANN).await;
    assert!(last.iter().any(|mail| mail.text.contains("It was the last one")));
    let (guest, _) = it.asked().await;
    let question = log_in(&guest, ANN, PASSWORD).await.json()["second_factor"].clone();
    assert_eq!(
        (&question["totp"], &question["recovery"], &question["passkey"]),
        (&json!(true), &json!(false), &Value::Null)
    );
    it.house.close().await;
}

#[tokio::test]
async fn new_recovery_codes_take_an_approval_and_end_the_old_ones() {
    let it = armed("").await;
    let refused = it.ann.fetch("POST", "/auth/recovery-codes", None).await;
    assert_eq!(
        (said(&refused).1.as_str(), &refused.json()["step_up"]["act"]),
        ("step-up-needed", &json!("new-recovery-codes"))
    );
    let approval = it.ann.approved("new-recovery-codes", &json!({ "totp": it.code(0) })).await;
    let made = it.ann.fetch("POST", "/auth/recovery-codes", Some(json!({ "step_up": approval }))).await;
    let codes = codes_of(&made);
    hush_codes(&it.house, &codes);
    assert!(codes.len() == 10 && codes.iter().all(|code| !it.codes.contains(code)));
    let again = it.ann.fetch("POST", "/auth/recovery-codes", Some(json!({ "step_up": approval }))).await;
    assert_eq!(said(&again), (401, "step-up-needed".into()));
    assert_eq!(it.log_in_with("recovery", &it.codes[0]).await.code(), "proof-wrong");
    assert_eq!(it.log_in_with("recovery", &codes[0]).await.status, StatusCode::OK);
    let mails = it.house.mails_to(ANN).await;
    assert!(mails.iter().any(|mail| mail.text.contains("a new set of recovery codes")));
    it.house.close().await;
}

#[tokio::test]
async fn asvs_7_5_1_an_app_is_removed_with_an_approval_and_its_owner_is_told() {
    let it = armed("").await;
    let refused = it.ann.fetch("POST", "/auth/totp/remove", None).await;
    assert_eq!(
        (said(&refused).1.as_str(), &refused.json()["step_up"]["act"]),
        ("step-up-needed", &json!("remove-totp"))
    );
    // The password is not enough where there is a second factor.
    let approval = it.ann.ask_approval("remove-totp").await;
    assert_eq!(
        said(&it.ann.prove(&approval, &json!({ "password": PASSWORD })).await),
        (403, "proof-not-accepted".into())
    );
    assert_eq!(it.ann.prove(&approval, &json!({ "totp": it.code(0) })).await.status, StatusCode::NO_CONTENT);
    // What approved is used up as any code is.
    assert_eq!(it.log_in_with("totp", &it.code(0)).await.code(), "proof-wrong");
    let removed = it.ann.fetch("POST", "/auth/totp/remove", Some(json!({ "step_up": approval }))).await;
    assert_eq!(removed.status, StatusCode::NO_CONTENT, "{}", removed.text());
    it.house.guest().log_in(ANN).await;
    let factors = it.ann.fetch("GET", "/auth/factors", None).await.json();
    assert_eq!((&factors["totp"], &factors["recovery_codes_left"]), (&Value::Null, &Value::Null));
    assert_eq!((it.house.slips("totp"), it.house.slips("recovery")), (0, 0));
    let mails = it.house.mails_to(ANN).await;
    assert!(
        mails.iter().any(|mail| mail.subject.contains("was removed") && mail.text.contains("the authenticator app"))
    );
    it.house.close().await;
}

#[tokio::test]
async fn an_app_is_not_replaced_by_a_second_enrolment_and_of_two_at_once_one_is_added() {
    let house = House::with_mail("").await;
    let ann = house.confirmed(ANN).await;
    let phone = house.guest();
    phone.log_in(ANN).await;
    let (mine, theirs) = (begin(&ann).await, begin(&phone).await);
    let apps = [&mine, &theirs].map(|begun| AuthenticatorApp::scan(begun["uri"].as_str().unwrap()));
    let now = house.clock.now();
    let (code, other) = (apps[0].code(now, 0), apps[1].code(now, 0));
    let (one, two) = tokio::join!(finish(&ann, &mine, &code), finish(&phone, &theirs, &other));
    let added = [&one, &two].iter().filter(|answer| answer.status == StatusCode::OK).count();
    assert_eq!(added, 1, "{:?} {:?}", said(&one), said(&two));
    let winner = if one.status == StatusCode::OK { &apps[0] } else { &apps[1] };
    // The other one comes too late from now on as well.
    house.advance(30);
    let now = house.clock.now();
    let late = if one.status == StatusCode::OK {
        finish(&phone, &theirs, &apps[1].code(now, 0)).await
    } else {
        finish(&ann, &mine, &apps[0].code(now, 0)).await
    };
    assert_eq!(said(&late), (410, "challenge-over".into()));
    let guest = house.guest();
    let id = log_in(&guest, ANN, PASSWORD).await.json()["second_factor"]["id"].as_str().unwrap().to_owned();
    assert_eq!(answer(&guest, &id, "totp", &winner.code(now, 0)).await.status, StatusCode::OK);
    house.close().await;
}

#[tokio::test]
async fn an_enrolment_waits_for_a_quarter_of_an_hour() {
    let house = House::with_mail("").await;
    let ann = house.confirmed(ANN).await;
    let begun = begin(&ann).await;
    let app = AuthenticatorApp::scan(begun["uri"].as_str().unwrap());
    house.advance(15 * 60);
    assert_eq!(ann.refresh().await.status, StatusCode::OK);
    let late = finish(&ann, &begun, &app.code(house.clock.now(), 0)).await;
    assert_eq!(said(&late), (410, "challenge-over".into()));
    house.running().do_chores().await.unwrap();
    assert_eq!(house.slips("challenge"), 0, "nothing of it is left");
    house.close().await;
}

#[tokio::test]
async fn a_log_in_that_waits_for_its_second_factor_ends_with_the_password_and_after_ten_minutes() {
    let it = armed("").await;
    it.house.watch.secret(OTHER);
    let (late, late_id) = it.asked().await;
    it.house.advance(10 * 60);
    assert_eq!(said(&answer(&late, &late_id, "totp", &it.code(0)).await), (410, "challenge-over".into()));

    let (thief, id) = it.asked().await;
    assert_eq!(it.ann.refresh().await.status, StatusCode::OK);
    // With a second factor, a change of the password takes an approval as well.
    let body = |step_up: &str| json!({ "current": PASSWORD, "password": OTHER, "step_up": step_up });
    let mut plain = body("");
    plain.as_object_mut().unwrap().remove("step_up");
    for refused in [plain, body(""), body("AAAAAAAAAAAAAAAAAAAAAA")] {
        let answer = it.ann.fetch("POST", "/auth/password/change", Some(refused)).await;
        assert_eq!(
            (said(&answer), &answer.json()["step_up"]["act"]),
            ((401, "step-up-needed".into()), &json!("change-password"))
        );
    }
    let page = it.ann.visit("/auth/account").await;
    assert!(!Form::all(&page.text()).iter().any(|form| form.action == "/auth/password/change"));
    let approval = it.ann.approved("change-password", &json!({ "totp": it.code(0) })).await;
    let changed = it.ann.fetch("POST", "/auth/password/change", Some(body(&approval))).await;
    assert_eq!(changed.status, StatusCode::OK, "{}", changed.text());
    assert!(it.house.mails_to(ANN).await.last().unwrap().subject.contains("was changed"));
    it.house.advance(30);
    assert_eq!(said(&answer(&thief, &id, "totp", &it.code(0)).await), (410, "challenge-over".into()));

    // And with a reset.
    let guest = it.house.guest();
    let id = log_in(&guest, ANN, OTHER).await.json()["second_factor"]["id"].as_str().unwrap().to_owned();
    it.house.letters_are_sent().await;
    forgot(&it.house.guest(), ANN).await;
    let token = it.house.mails_to(ANN).await.last().unwrap().token();
    assert_eq!(reset(&it.house.guest(), &token, PASSWORD).await.status, StatusCode::NO_CONTENT);
    assert_eq!(said(&answer(&guest, &id, "totp", &it.code(0)).await), (410, "challenge-over".into()));
    assert_eq!(it.log_in_with("totp", &it.code(0)).await.status, StatusCode::OK, "the code itself was good");
    it.house.close().await;
}

#[tokio::test]
async fn asvs_6_3_1_guessing_at_codes_waits_longer_with_each_and_no_password_helps() {
    let it = armed("").await;
    let (guest, id) = it.asked().await;
    for _ in 0..5 {
        let wrong = it.app.wrong_code(it.house.clock.now());
        assert_eq!(said(&answer(&guest, &id, "totp", &wrong).await), (422, "proof-wrong".into()));
    }
    // Neither a new question nor the other kind of code.
    let mut seconds = 1;
    for _ in 0..4 {
        for (kind, code) in [("totp", it.code(0)), ("recovery", it.codes[0].clone())] {
            let waits = it.log_in_with(kind, &code).await;
            assert_eq!(said(&waits), (429, "too-many-attempts".into()));
            assert_eq!(waits.header("retry-after"), seconds.to_string());
        }
        it.house.advance(seconds);
        let wrong = it.app.wrong_code(it.house.clock.now());
        assert_eq!(it.log_in_with("totp", &wrong).await.code(), "proof-wrong");
        seconds *= 2;
    }
    let page = it.house.guest();
    let login = page.visit("/auth/login").await;
    let asked = page.fill(&login, "/auth/login", &[("email", ANN), ("password", PASSWORD)]).await;
    let waits = page.fill(&asked, "/auth/login/factor", &[("totp", &it.code(0))]).await;
    assert_eq!((waits.status, waits.header("retry-after")), (StatusCode::TOO_MANY_REQUESTS, "16"));
    assert!(waits.text().contains("Try again in 16 seconds."), "{}", waits.text());
    it.house.advance(16);
    assert_eq!(it.log_in_with("totp", &it.code(0)).await.status, StatusCode::OK);
    it.house.close().await;
}

#[tokio::test]
async fn asvs_6_3_1_a_hundred_wrong_codes_in_a_row_ask_for_a_reset_and_the_factor_is_still_asked_for() {
    let it = armed("").await;
    it.house.watch.secret(OTHER);
    let mut seconds = 0;
    for failure in 1..=100_u32 {
        it.house.advance(seconds);
        let wrong = it.app.wrong_code(it.house.clock.now());
        let refused = it.log_in_with("totp", &wrong).await;
        assert_eq!(said(&refused), (422, "proof-wrong".into()), "{failure}");
        seconds = failure.checked_sub(5).map_or(0, |doublings| (1_u64 << doublings.min(20)).min(900));
    }
    it.house.advance(86_400);
    assert_eq!(it.log_in_with("totp", &it.code(0)).await.code(), "password-locked");
    assert_eq!(it.log_in_with("recovery", &it.codes[0]).await.code(), "password-locked");
    it.house.letters_are_sent().await;
    forgot(&it.house.guest(), ANN).await;
    let token = it.house.mails_to(ANN).await.last().unwrap().token();
    assert_eq!(reset(&it.house.guest(), &token, OTHER).await.status, StatusCode::NO_CONTENT);
    let guest = it.house.guest();
    let asked = log_in(&guest, ANN, OTHER).await;
    assert_eq!(said(&asked), (401, "second-factor-asked".into()));
    let id = asked.json()["second_factor"]["id"].as_str().unwrap().to_owned();
    assert_eq!(answer(&guest, &id, "totp", &it.code(0)).await.status, StatusCode::OK);
    it.house.close().await;
}

#[tokio::test]
async fn an_application_that_requires_a_second_factor_gets_nobody_without_one() {
    let upstreams = r#"
        [[upstream]]
        name = "app"
        path = "/app"
        to = "http://{echo}"
        access = "signed-in"
        audience = "app"
        second_factor_for = ["/app/admin"]
        [[upstream]]
        name = "vault"
        path = "/vault"
        to = "http://{echo}"
        access = "signed-in"
        audience = "vault"
        second_factor = "required"
    "#;
    let house = House::with_mail(upstreams).await;
    let ann = house.confirmed(ANN).await;
    assert_eq!(ann.fetch("GET", "/app/x", None).await.status, StatusCode::OK);
    for path in ["/vault/x", "/app/admin", "/app/admin/users"] {
        let refused = ann.fetch("GET", path, None).await;
        assert_eq!(said(&refused), (403, "second-factor-needed".into()), "{path}");
        assert_eq!(refused.json()["account"], format!("{}/auth/account", house.origin()));
        let page = ann.visit(path).await;
        assert_eq!(page.status, StatusCode::FORBIDDEN, "{path}");
        assert!(page.header("content-type").starts_with("text/html") && page.text().contains("second factor"));
    }
    // Reached by other spellings, it is the same or nothing.
    for path in
        ["/app/%61dmin", "/app//admin", "/app/./admin", "/app/x/../admin", "/app/admin%2Fusers", "/app/ADMIN/../admin"]
    {
        let answer = ann.fetch("GET", path, None).await;
        assert_ne!(answer.status, StatusCode::OK, "{path}");
    }
    house.echo.take();
    let copied = ann.copied();
    let begun = begin(&ann).await;
    let app = AuthenticatorApp::scan(begun["uri"].as_str().unwrap());
    let done = finish(&ann, &begun, &app.code(house.clock.now(), 0)).await;
    assert_eq!(done.status, StatusCode::OK, "{}", done.text());
    for path in ["/vault/x", "/app/admin", "/app/admin/users"] {
        assert_eq!(ann.fetch("GET", path, None).await.status, StatusCode::OK, "{path}");
        assert_eq!(said(&copied.fetch("GET", path, None).await), (401, "signed-out".into()), "{path}");
    }
    assert_eq!(house.echo.take().len(), 3, "nothing reached it before");
    house.close().await;
}

#[tokio::test]
async fn without_mail_an_app_protects_all_the_same() {
    let house = House::start().await;
    let ann = house.signed_in(ANN).await;
    let begun = begin(&ann).await;
    let app = AuthenticatorApp::scan(begun["uri"].as_str().unwrap());
    assert_eq!(finish(&ann, &begun, &app.code(house.clock.now(), 0)).await.status, StatusCode::OK);
    house.advance(30);
    // On a device that is trusted as well.
    let devices = ann.fetch("GET", "/auth/devices", None).await.json()["devices"].clone();
    let trust = json!({ "device": devices[0]["id"], "trusted": true });
    assert_eq!(ann.fetch("POST", "/auth/devices/change", Some(trust)).await.status, StatusCode::NO_CONTENT);
    ann.fetch("POST", "/auth/logout", None).await;
    let asked = log_in(&ann, ANN, PASSWORD).await;
    assert_eq!(said(&asked), (401, "second-factor-asked".into()));
    let id = asked.json()["second_factor"]["id"].as_str().unwrap().to_owned();
    for (name, value) in [("totp", ""), ("recovery", ""), ("passkey", "")] {
        assert_eq!(answer(&ann, &id, name, value).await.code(), "bad-request");
    }
    let both = json!({ "id": id, "totp": app.code(house.clock.now(), 0), "recovery": "1" });
    assert_eq!(ann.fetch("POST", "/auth/login/factor", Some(both)).await.code(), "bad-request");
    assert_eq!(answer(&ann, &id, "totp", &app.code(house.clock.now(), 0)).await.status, StatusCode::OK);
    assert_eq!(ann.status_of_app().await, StatusCode::OK);
    assert_eq!(house.slips("letter"), 0);
    house.close().await;
}
