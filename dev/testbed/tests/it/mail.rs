//! Sign-up by mail: who reads the mail of an address confirms it, and nobody learns whether an account has it.

use crate::asking::{OTHER, confirm, log_in, resend, said, seen, sign_up};
use cloakroom_testbed::{House, Mail, PASSWORD, Watch};
use http::StatusCode;
use serde_json::json;

const VERIFY: &str = "/auth/email/verify";

/// What programs do that look through mail: they open everything, more than once, and press nothing.
pub(crate) async fn scan(house: &House, mail: &Mail) {
    for link in mail.links() {
        let path = link.strip_prefix(&house.origin()).unwrap();
        let path = path.split('#').next().unwrap();
        let path = if path.is_empty() { "/" } else { path };
        for method in ["GET", "HEAD", "GET"] {
            let scanner = house.guest();
            let answer = scanner.send(method, path, &[("user-agent", "MailScanner/1.0")], "").await;
            assert!(
                !answer.status.is_server_error() && answer.status != StatusCode::NOT_FOUND,
                "{path}: {}",
                answer.status
            );
        }
        // Some show a browser's face.
        house.guest().visit_from("cross-site", path).await;
    }
}

#[tokio::test]
async fn asvs_6_6_1_a_link_that_scanners_have_opened_still_confirms_the_address_once() {
    let house = House::with_mail("").await;
    let ann = house.guest();
    ann.sign_up("ann@example.com").await;
    let mail = house.last_mail_to("ann@example.com", 1).await;
    assert_eq!(mail.page(), format!("{}{VERIFY}", house.origin()));
    assert!(mail.subject.contains("Confirm your address"), "{}", mail.subject);
    assert_eq!((mail.to.as_str(), mail.from.as_str()), ("ann@example.com", "door@house.test"));
    for part in [&mail.text, &mail.html] {
        assert!(part.contains(&mail.token()) && part.contains(&mail.typed()), "link and code stand in both parts");
    }
    scan(&house, &mail).await;
    assert_eq!(said(&log_in(&ann, "ann@example.com", PASSWORD).await), (401, "wrong-credentials".into()));

    assert_eq!(confirm(&ann, &mail.token(), PASSWORD).await.status, StatusCode::NO_CONTENT);
    assert!(ann.cookie("__Host-Http-cloakroom").is_none(), "a confirmation logs nobody in");
    assert_eq!(log_in(&ann, "ann@example.com", PASSWORD).await.json()["account"]["email_verified"], true);
    for used in [mail.token(), mail.typed()] {
        assert_eq!(said(&confirm(&house.guest(), &used, PASSWORD).await), (422, "code-invalid".into()));
    }
    assert_eq!(house.slips("code"), 0, "what was used is gone");
    house.close().await;
}

#[tokio::test]
async fn the_pages_confirm_by_a_typed_code_without_any_script() {
    let house = House::with_mail("").await;
    house.watch.secret(PASSWORD);
    let ann = house.guest();
    let page = ann.visit("/auth/signup?return_to=/app/start").await;
    let typed = [("email", "ann@example.com"), ("password", PASSWORD)];
    let after = ann.fill(&page, "/auth/signup", &typed).await;
    assert_eq!(after.status, StatusCode::SEE_OTHER);
    let login = ann.visit(after.header("location")).await;
    assert!(login.text().contains("Look into your mail"), "{}", login.text());
    let early = ann.fill(&login, "/auth/login", &typed).await;
    assert!(early.status == StatusCode::UNAUTHORIZED && early.text().contains("confirm your address first"));

    let mail = house.last_mail_to("ann@example.com", 1).await;
    let page = ann.visit(VERIFY).await;
    assert_eq!(page.form(VERIFY, &["token"]).value("token"), Some(""));
    let none = [("token", "K7QF-2M9X-PWTD-8HJC-K7QF-2M9X"), ("password", PASSWORD)];
    let wrong = ann.fill(&page, VERIFY, &none).await;
    assert!(wrong.status == StatusCode::UNPROCESSABLE_ENTITY && wrong.text().contains("role=\"alert\""));
    let sloppy = format!(" {} ", mail.typed().to_lowercase().replace('-', " "));
    // A slip of the fingers costs nothing: the code stays in the form.
    let wrong = ann.fill(&wrong, VERIFY, &[("token", &sloppy), ("password", OTHER)]).await;
    assert!(wrong.status == StatusCode::UNAUTHORIZED && wrong.text().contains("role=\"alert\""));
    assert_eq!(wrong.form(VERIFY, &["token"]).value("token"), Some(sloppy.as_str()));
    let done = ann.fill(&wrong, VERIFY, &[("password", PASSWORD)]).await;
    assert!(done.status == StatusCode::OK && done.text().contains("Your address is confirmed"), "{}", done.text());
    let entered = ann.fill(&login, "/auth/login", &typed).await;
    assert_eq!((entered.status, entered.header("location")), (StatusCode::SEE_OTHER, "/app/start"));
    assert_eq!(house.slips("code"), 0);
    house.close().await;
}

#[tokio::test]
async fn only_the_latest_mail_confirms_and_of_the_older_nothing_is_left() {
    let house = House::with_mail("").await;
    let ann = house.guest();
    ann.sign_up("ann@example.com").await;
    let first = house.last_mail_to("ann@example.com", 1).await;
    let rows = house.slips("code");
    assert_eq!(resend(&ann, "ann@example.com").await.status, StatusCode::ACCEPTED);
    let second = house.last_mail_to("ann@example.com", 2).await;
    assert_eq!(house.slips("code"), rows, "the rows of the first one are gone");
    for old in [first.token(), first.typed()] {
        assert_eq!(said(&confirm(&ann, &old, PASSWORD).await), (422, "code-invalid".into()));
    }
    assert_eq!(confirm(&ann, &second.typed(), PASSWORD).await.status, StatusCode::NO_CONTENT);
    assert_eq!(house.slips("code"), 0);
    house.close().await;
}

#[tokio::test]
async fn of_many_who_show_one_token_at_once_exactly_one_is_let_through() {
    let house = House::with_mail("").await;
    house.guest().sign_up("ann@example.com").await;
    let mail = house.last_mail_to("ann@example.com", 1).await;
    // Half of them by the link, half by the code: they are one.
    let both = [mail.token(), mail.typed()];
    let all = (0..16).map(|number| {
        let (guest, token) = (house.guest(), both[number % 2].clone());
        async move { confirm(&guest, &token, PASSWORD).await.status }
    });
    let statuses = futures_util::future::join_all(all).await;
    let count = |wanted| statuses.iter().filter(|status| **status == wanted).count();
    // Some come too fast to be looked at.
    let refused = count(StatusCode::UNPROCESSABLE_ENTITY) + count(StatusCode::TOO_MANY_REQUESTS);
    assert_eq!((count(StatusCode::NO_CONTENT), refused), (1, 15), "{statuses:?}");
    house.guest().log_in("ann@example.com").await;
    house.close().await;
}

#[tokio::test]
async fn a_confirmation_is_good_for_a_day_and_then_forgotten() {
    let house = House::with_mail("").await;
    house.guest().sign_up("ann@example.com").await;
    house.guest().sign_up("bob@example.com").await;
    let (ann, bob) = (house.last_mail_to("ann@example.com", 1).await, house.last_mail_to("bob@example.com", 1).await);
    assert!(ann.text.contains("within 24 hours"), "{}", ann.text);
    house.advance(24 * 3600 - 1);
    assert_eq!(confirm(&house.guest(), &bob.token(), PASSWORD).await.status, StatusCode::NO_CONTENT);
    house.advance(1);
    for late in [ann.token(), ann.typed()] {
        assert_eq!(said(&confirm(&house.guest(), &late, PASSWORD).await), (422, "code-invalid".into()));
    }
    house.running().do_chores().await.unwrap();
    assert_eq!(house.slips("code"), 0);
    house.close().await;
}

#[tokio::test]
async fn asvs_6_3_8_a_sign_up_tells_nobody_but_the_owner_that_an_address_is_taken() {
    let house = House::with_mail("").await;
    house.confirmed("ann@example.com").await;
    let (taken, new) = (
        sign_up(&house.guest(), "Ann@Example.com", OTHER).await,
        sign_up(&house.guest(), "new@example.com", OTHER).await,
    );
    assert_eq!(taken.status, StatusCode::ACCEPTED);
    assert_eq!(seen(&taken), seen(&new));
    let mut pages = Vec::new();
    for email in ["ann@example.com", "neu@example.com"] {
        let guest = house.guest();
        let page = guest.visit("/auth/signup").await;
        pages.push(guest.fill(&page, "/auth/signup", &[("email", email), ("password", OTHER)]).await);
    }
    assert_eq!(seen(&pages[0]), seen(&pages[1]));

    let told = house.last_mail_to("ann@example.com", 3).await;
    assert!(told.subject.contains("You have an account"), "{}", told.subject);
    assert_eq!(told.code(), None);
    let places = ["/auth/login", "/auth/forgot"].map(|path| format!("{}{path}", house.origin()));
    assert!(places.iter().all(|place| told.text_links().contains(place)) && !told.text.contains('#'), "{}", told.text);
    assert!(house.last_mail_to("new@example.com", 1).await.subject.contains("Confirm"));
    // The owner's password is what it was.
    house.guest().log_in("ann@example.com").await;
    assert_eq!(said(&log_in(&house.guest(), "ann@example.com", OTHER).await), (401, "wrong-credentials".into()));
    house.close().await;
}

#[tokio::test]
async fn asvs_6_3_8_an_account_that_is_not_confirmed_is_answered_as_a_wrong_password_is() {
    let house = House::with_mail("").await;
    house.guest().sign_up("ann@example.com").await;
    house.confirmed("bob@example.com").await;
    let right = log_in(&house.guest(), "ann@example.com", PASSWORD).await;
    assert_eq!(said(&right), (401, "wrong-credentials".into()));
    for (email, password) in [("ann@example.com", OTHER), ("bob@example.com", OTHER), ("eve@example.com", PASSWORD)] {
        assert_eq!(seen(&log_in(&house.guest(), email, password).await), seen(&right), "{email}");
    }
    house.close().await;
}

#[tokio::test]
async fn signing_up_again_before_confirming_replaces_the_password_and_outdates_the_older_mail() {
    let house = House::with_mail("").await;
    house.watch.secret(OTHER);
    let ann = house.guest();
    ann.sign_up("ann@example.com").await;
    let first = house.last_mail_to("ann@example.com", 1).await;
    assert_eq!(sign_up(&ann, "ann@example.com", OTHER).await.status, StatusCode::ACCEPTED);
    let second = house.last_mail_to("ann@example.com", 2).await;
    assert_eq!(said(&confirm(&ann, &first.token(), PASSWORD).await), (422, "code-invalid".into()));
    assert_eq!(confirm(&ann, &second.token(), OTHER).await.status, StatusCode::NO_CONTENT);
    assert_eq!(said(&log_in(&ann, "ann@example.com", PASSWORD).await), (401, "wrong-credentials".into()));
    assert_eq!(log_in(&ann, "ann@example.com", OTHER).await.status, StatusCode::OK);
    // Once confirmed, a sign-up changes nothing any more.
    assert_eq!(sign_up(&house.guest(), "ann@example.com", PASSWORD).await.status, StatusCode::ACCEPTED);
    assert_eq!(log_in(&house.guest(), "ann@example.com", OTHER).await.status, StatusCode::OK);
    house.close().await;
}

#[tokio::test]
async fn a_stranger_who_signs_up_with_an_address_gets_its_owner_to_confirm_no_password_but_their_own() {
    const STRANGERS: &str = "glacier pepper window saddle";
    let house = House::with_mail("").await;
    for secret in [OTHER, STRANGERS] {
        house.watch.secret(secret);
    }
    let ann = house.guest();
    ann.sign_up("ann@example.com").await;
    house.letters_are_sent().await;
    // The mail that comes last is the one that works, and it is the stranger's.
    sign_up(&house.guest(), "ann@example.com", STRANGERS).await;
    let mail = house.last_mail_to("ann@example.com", 2).await;
    for _ in 0..2 {
        let refused = confirm(&ann, &mail.token(), PASSWORD).await;
        assert_eq!(said(&refused), (401, "wrong-credentials".into()));
    }
    assert_eq!(said(&log_in(&house.guest(), "ann@example.com", STRANGERS).await), (401, "wrong-credentials".into()));
    house.letters_are_sent().await;
    // The owner goes on by a reset, or by signing up again.
    sign_up(&ann, "ann@example.com", OTHER).await;
    let mail = house.last_mail_to("ann@example.com", 3).await;
    assert_eq!(confirm(&ann, &mail.token(), OTHER).await.status, StatusCode::NO_CONTENT);
    assert_eq!(said(&log_in(&house.guest(), "ann@example.com", STRANGERS).await), (401, "wrong-credentials".into()));
    assert_eq!(log_in(&ann, "ann@example.com", OTHER).await.status, StatusCode::OK);
    house.close().await;
}

#[tokio::test]
async fn who_holds_a_mail_guesses_no_password_with_it() {
    let house = House::with_mail("").await;
    house.guest().sign_up("ann@example.com").await;
    let mail = house.last_mail_to("ann@example.com", 1).await;
    let guess = async || said(&confirm(&house.guest(), &mail.token(), OTHER).await);
    for _ in 0..5 {
        assert_eq!(guess().await, (401, "wrong-credentials".into()));
    }
    let waits = confirm(&house.guest(), &mail.token(), PASSWORD).await;
    assert_eq!((said(&waits), waits.header("retry-after")), ((429, "too-many-attempts".into()), "1"));
    house.advance(1);
    assert_eq!(confirm(&house.guest(), &mail.token(), PASSWORD).await.status, StatusCode::NO_CONTENT);
    house.close().await;
}

#[tokio::test]
async fn a_confirmation_is_mailed_again_to_who_waits_for_one_and_to_nobody_else() {
    let house = House::with_mail("").await;
    house.guest().sign_up("ann@example.com").await;
    house.confirmed("bob@example.com").await;
    let mut answers = Vec::new();
    for email in ["ann@example.com", "bob@example.com", "eve@example.com"] {
        answers.push(seen(&resend(&house.guest(), email).await));
    }
    assert_eq!(answers[0].0, 202);
    assert!(answers.iter().all(|answer| *answer == answers[0]));
    let mut pages = Vec::new();
    for email in ["ann@example.com", "bob@example.com", "eve@example.com"] {
        let guest = house.guest();
        let page = guest.visit("/auth/email/resend").await;
        let answer = guest.fill(&page, "/auth/email/resend", &[("email", email)]).await;
        assert!(answer.text().contains("Look into your mail") && answer.links_to(VERIFY), "{}", answer.text());
        pages.push(answer.text().replace(email, "EMAIL"));
    }
    assert!(pages.iter().all(|page| *page == pages[0]));
    assert_eq!(house.mails_to("ann@example.com").await.len(), 3);
    assert_eq!(house.mails_to("bob@example.com").await.len(), 1);
    assert_eq!(house.mails_to("eve@example.com").await, []);
    house.close().await;
}

#[tokio::test]
async fn where_addresses_need_not_be_confirmed_a_mail_still_asks() {
    let house = House::with_mail("mail.confirm_addresses = false").await;
    let ann = house.signed_in("ann@example.com").await;
    let me = async || ann.fetch("GET", "/auth/me", None).await.json()["account"]["email_verified"].clone();
    assert_eq!(me().await, false);
    assert!(ann.visit("/auth/account").await.text().contains("not confirmed"));
    let mail = house.last_mail_to("ann@example.com", 1).await;
    assert_eq!(confirm(&ann, &mail.token(), PASSWORD).await.status, StatusCode::NO_CONTENT);
    assert_eq!(me().await, true);
    assert!(!ann.visit("/auth/account").await.text().contains("not confirmed"));
    // An address that is not confirmed is somebody's all the same: signing up again takes no password away.
    house.guest().sign_up("bob@example.com").await;
    sign_up(&house.guest(), "bob@example.com", OTHER).await;
    assert_eq!(log_in(&house.guest(), "bob@example.com", OTHER).await.code(), "wrong-credentials");
    house.guest().log_in("bob@example.com").await;
    house.close().await;
}

#[tokio::test]
async fn without_mail_nothing_is_promised() {
    let house = House::start().await;
    let ann = house.signed_in("ann@example.com").await;
    for (path, body) in [
        ("/auth/password/forgot", json!({ "email": "ann@example.com" })),
        ("/auth/email/resend", json!({ "email": "ann@example.com" })),
    ] {
        assert_eq!(said(&ann.fetch("POST", path, Some(body)).await), (404, "mail-off".into()));
    }
    let change = json!({ "email": "new@example.com", "step_up": "" });
    assert_eq!(said(&ann.fetch("POST", "/auth/email/change", Some(change)).await), (404, "mail-off".into()));
    let login = house.guest().visit("/auth/login").await;
    assert!(login.links_to("/auth/signup?return_to=/") && !login.links_to("/auth/forgot"), "{:?}", login.links());
    assert!(!ann.visit("/auth/account").await.text().contains("change-email"));
    assert_eq!(house.slips("letter"), 0);
    house.close().await;
}

#[tokio::test]
async fn what_somebody_typed_as_an_address_cannot_add_to_a_mail() {
    let house = House::with_mail("").await;
    for address in [
        "ann@example.com\r\nBcc: eve@example.com",
        "ann@example.com, eve@example.com",
        "ann@example.com>",
        "\"ann\" <ann@example.com>",
        "ann@example.com\0",
    ] {
        let answer = sign_up(&house.guest(), address, OTHER).await;
        assert_eq!(said(&answer), (422, "bad-email".into()), "{address:?}");
    }
    house.letters_are_sent().await;
    assert_eq!(house.mails().await, []);
    house.close().await;
}

#[tokio::test]
async fn what_was_mailed_is_found_where_it_should_not_stand() {
    // That the search of every other story here would find something.
    let house = House::with_mail("").await;
    let (stored, logged) = (Watch::start(), Watch::start());
    house.guest().sign_up("somebody.with.a.long.name@example.com").await;
    stored.secret("somebody.with.a.long.name@example.com");
    logged.secret("path=\"/auth/signup\"");
    for watch in [stored, logged] {
        let folder = house.folder().to_owned();
        let search = std::panic::catch_unwind(move || watch.assert_nothing_leaked(&folder));
        assert!(search.is_err());
    }
    house.close().await;
}
