//! Changes of how somebody logs in: each takes an approval of its own, for that act, in that session, once.

use crate::approving::{Approval, Authenticator, BANK, Call, Judged, NEW_ADDRESS, apart, words};
use crate::passkey::Passkey;
use cloakroom_testbed::{Answer, Guest, House, PASSWORD};
use serde_json::{Value, json};

const NEXT: &str = "copper lantern orchard violin";

/// Every change that an approval stands before, with what it is asked for besides.
fn changes() -> Vec<(&'static str, &'static str, Value)> {
    vec![
        ("change-email", "/auth/email/change", json!({ "email": NEW_ADDRESS })),
        ("add-totp", "/auth/totp/begin", json!({})),
        ("remove-totp", "/auth/totp/remove", json!({})),
        ("new-recovery-codes", "/auth/recovery-codes", json!({})),
        ("change-password", "/auth/password/change", json!({ "current": PASSWORD, "password": NEXT })),
        ("add-passkey", "/auth/passkeys/begin", json!({})),
    ]
}

async fn change(guest: &Guest, path: &str, body: &Value, approval: Option<&str>) -> Answer {
    let mut body = body.clone();
    if let Some(approval) = approval {
        body["step_up"] = approval.into();
    }
    guest.fetch("POST", path, Some(body)).await
}

/// Approvals can be given for every act by an account with an app.
async fn approved(house: &House, guest: &Guest, app: &Authenticator, act: &str) -> Approval {
    // Its next code.
    house.advance(30);
    if guest.status_of_app().await != 200 {
        guest.refresh().await.done();
    }
    let approval = Approval::of_act(guest, act).await;
    approval.prove(guest, json!({ "totp": app.code(house) })).await.done();
    approval
}

#[tokio::test]
async fn asvs_7_5_1_every_change_takes_its_own_approval_in_its_own_session() {
    for set_up in [BANK.to_owned(), apart()] {
        let house = House::with_mail(&format!("mail.confirm_addresses = false\n{set_up}")).await;
        let ann = house.signed_in("ann@example.com").await;
        let (app, _) = Authenticator::enrolled(&house, &ann).await;
        let bob = house.signed_in("bob@example.com").await;
        let phone = phone_of(&house, &app).await;
        for (act, path, body) in changes() {
            for guest in [&ann, &phone, &bob] {
                guest.refresh().await.done();
            }
            let needed = |answer: Answer| {
                answer.refused(401, "step-up-needed");
                assert_eq!(answer.json()["step_up"], json!({ "open": "/auth/step-up", "act": act }));
            };
            needed(change(&ann, path, &body, None).await);
            for nonsense in ["", "x", "AAAAAAAAAAAAAAAAAAAAAA"] {
                needed(change(&ann, path, &body, Some(nonsense)).await);
            }
            // One that still waits; one that was declined.
            let waiting = Approval::of_act(&ann, act).await;
            needed(change(&ann, path, &body, Some(&waiting.id)).await);
            waiting.prove(&ann, json!({ "decline": "on" })).await.done();
            needed(change(&ann, path, &body, Some(&waiting.id)).await);
            // One for another act, and one for a call.
            let other = if act == "add-totp" { "remove-totp" } else { "add-totp" };
            let other = approved(&house, &ann, &app, other).await;
            needed(change(&ann, path, &body, Some(&other.id)).await);
            house.advance(30);
            let call = Call::vault().ask(&ann).await;
            call.prove(&ann, json!({ "totp": app.code(&house) })).await.done();
            needed(change(&ann, path, &body, Some(&call.id)).await);
            // One of another session of hers, shown in this one, and the other way round; one of somebody else.
            let own = approved(&house, &ann, &app, act).await;
            needed(change(&phone, path, &body, Some(&own.id)).await);
            let elsewhere = approved(&house, &phone, &app, act).await;
            needed(change(&ann, path, &body, Some(&elsewhere.id)).await);
            needed(change(&ann, path, &body, Some(&Approval::approved_act(&bob, act).await)).await);
            // One that is too old.
            house.advance(120);
            needed(change(&ann, path, &body, Some(&own.id)).await);
        }
        house.close().await;
    }
}

async fn phone_of(house: &House, app: &Authenticator) -> Guest {
    let phone = house.guest();
    let body = json!({ "email": "ann@example.com", "password": PASSWORD });
    let asked = phone.fetch("POST", "/auth/login", Some(body)).await;
    asked.refused(401, "second-factor-asked");
    let answer = json!({ "id": asked.json()["second_factor"]["id"], "totp": app.code(house) });
    phone.fetch("POST", "/auth/login/factor", Some(answer)).await.done();
    phone
}

#[tokio::test]
async fn the_right_approval_does_it_once() {
    for set_up in [BANK.to_owned(), apart()] {
        let house = House::with_mail(&format!("mail.confirm_addresses = false\n{set_up}")).await;
        let ann = house.signed_in("ann@example.com").await;
        let (app, _) = Authenticator::enrolled(&house, &ann).await;
        for act in ["change-email", "new-recovery-codes", "add-passkey", "change-password", "remove-totp", "add-totp"] {
            let (_, path, body) = changes().into_iter().find(|(name, ..)| *name == act).unwrap();
            let body = if act == "change-email" { json!({ "email": NEW_ADDRESS }) } else { body };
            let approval = if act == "add-totp" {
                let approval = Approval::of_act(&ann, act).await;
                approval.prove(&ann, json!({ "password": NEXT })).await.done();
                approval
            } else {
                approved(&house, &ann, &app, act).await
            };
            // Its collection says so, as often as it is asked, and gives nothing away.
            for _ in 0..2 {
                let collected = approval.collect(&ann).await;
                assert_eq!((collected.status.as_u16(), collected.json()), (200, json!({ "state": "approved" })));
            }
            let tabs: Vec<_> = (0..3).map(|_| ann.copied()).collect();
            let tried =
                futures_util::future::join_all(tabs.iter().map(|tab| change(tab, path, &body, Some(&approval.id))))
                    .await;
            let mut done = tried.iter().zip(&tabs).filter(|(answer, _)| answer.status.is_success());
            let (_, winner) = done.next().unwrap_or_else(|| panic!("{act}: {}", tried[0].text()));
            assert!(done.next().is_none(), "{act}: once");
            for name in ["__Host-Http-cloakroom", "__Secure-cloakroom-refresh"] {
                let path = if name.ends_with("refresh") { "/auth/refresh" } else { "/" };
                ann.plant(name, path, &winner.cookie(name).unwrap());
            }
            let again = change(&ann, path, &body, Some(&approval.id)).await;
            let expected = if act == "remove-totp" { (404, "unknown-factor") } else { (401, "step-up-needed") };
            again.refused(expected.0, expected.1);
        }
        house.close().await;
    }
}

#[tokio::test]
async fn a_passkey_for_approving_takes_its_own_approval_too_although_no_session_comes_along() {
    let house = House::with(&apart()).await;
    let ann = house.signed_in("ann@example.com").await;
    let ask = async |approval: &Approval, page: &str| {
        let body = json!({ "id": approval.id, "page": page });
        approval.person(&ann).fetch("POST", "/auth/step-up/passkey", Some(body)).await
    };
    let no_page = "A".repeat(43);
    let own = Approval::of_act(&ann, "add-approval-passkey").await;
    ask(&own, &no_page).await.refused(401, "step-up-needed");
    for act in ["add-passkey", "add-totp"] {
        let other = Approval::of_act(&ann, act).await;
        other.prove(&ann, json!({ "password": PASSWORD })).await.done();
        ask(&other, &no_page).await.refused(401, "step-up-needed");
    }
    let call = Call::vault().ask(&ann).await;
    call.prove(&ann, json!({ "password": PASSWORD })).await.done();
    ask(&call, &no_page).await.refused(401, "step-up-needed");
    let proven = own.prove(&ann, json!({ "password": PASSWORD })).await;
    let page = proven.json()["page"].as_str().unwrap().to_owned();
    house.watch.secret(&page);
    // Not by the routes of the public origin, which are for another scope.
    let elsewhere = json!({ "step_up": own.id });
    ann.fetch("POST", "/auth/passkeys/begin", Some(elsewhere)).await.refused(401, "step-up-needed");
    let begun = ask(&own, &page).await;
    begun.done();
    assert_eq!(begun.json()["options"]["publicKey"]["rp"]["id"], "approve.localhost", "{}", begun.text());
    ask(&own, &page).await.refused(410, "step-up-over");

    let late = Approval::of_act(&ann, "add-approval-passkey").await;
    let proven = late.prove(&ann, json!({ "password": PASSWORD })).await;
    let page = proven.json()["page"].as_str().unwrap().to_owned();
    ann.fetch("POST", "/auth/logout", None).await.done();
    ask(&late, &page).await.refused(410, "step-up-over");
    house.close().await;
}

#[tokio::test]
async fn a_change_goes_on_from_page_to_page_without_a_script() {
    for set_up in [BANK.to_owned(), apart()] {
        let house = House::with(&set_up).await;
        let ann = house.signed_in("ann@example.com").await;
        let account = ann.visit("/auth/account").await;
        let opened = ann.fill(&account, "/auth/step-up", &[("act", "add-totp")]).await;
        assert_eq!(opened.status, 303, "{}", opened.text());
        let page: url::Url = opened.header("location").parse().unwrap();
        let approval = Approval {
            id: page.path_segments().unwrap().next_back().unwrap().to_owned(),
            origin: page.origin().ascii_serialization(),
            path: page.path().to_owned(),
        };
        let shown = words(&approval.page(&ann).await.text()).to_lowercase();
        assert!(shown.contains("add an authenticator app"), "{shown}");
        let approved = approval.prove_by_page(&ann, "password", PASSWORD).await;
        assert_eq!(approved.status, 303, "{}", approved.text());
        let on = approved.header("location").strip_prefix(&house.origin()).unwrap().to_owned();
        let act = ann.visit(&on).await;
        let begun = ann.fill(&act, "/auth/totp/begin", &[]).await;
        assert!(begun.status == 200 && begun.text().contains("<svg"), "{}", begun.text());
        house.close().await;
    }
}

#[tokio::test]
async fn a_script_cannot_put_another_address_in_the_place_of_the_one_that_was_approved() {
    for set_up in [BANK.to_owned(), apart()] {
        let house = House::with_mail(&format!("mail.confirm_addresses = false\n{set_up}")).await;
        let ann = house.signed_in("ann@example.com").await;
        let ask = async |who: &Guest, email: &str, approval: &Approval| {
            let body = json!({ "email": email, "step_up": approval.id });
            who.fetch("POST", "/auth/email/change", Some(body)).await
        };
        let approval = Approval::of_act(&ann, "change-email").await;
        let shown = words(&approval.page(&ann).await.text());
        assert!(shown.contains(&format!("New address {NEW_ADDRESS}")), "{shown}");
        approval.prove(&ann, json!({ "password": PASSWORD })).await.done();

        // The script has all that the page has, and waited for exactly this.
        let script = ann.copied();
        let names: Vec<_> = (0..6).map(|n| format!("thief{n}@example.net")).collect();
        let tried = futures_util::future::join_all(names.iter().map(|name| ask(&script, name, &approval))).await;
        for answer in tried {
            answer.refused(403, "step-up-refused");
        }
        for twisted in ["NEW@example.com", "new@example.com.example.net", "new+x@example.com"] {
            ask(&script, twisted, &approval).await.refused(403, "step-up-refused");
        }
        ask(&script, "nobody", &approval).await.refused(422, "bad-email");
        // None of that has used anything up.
        ask(&ann, &format!(" {NEW_ADDRESS} "), &approval).await.done();
        let to: Vec<_> = house.mails().await.into_iter().map(|mail| mail.recipient).collect();
        assert!(to.contains(&NEW_ADDRESS.to_owned()) && !to.iter().any(|name| name.contains("thief")), "{to:?}");
        house.close().await;
    }
}

#[tokio::test]
async fn one_passkey_is_removed_by_the_approval_to_remove_that_one() {
    let house = House::with(BANK).await;
    let ann = house.signed_in("ann@example.com").await;
    let mut codes = Vec::new();
    for name in ["Phone", "<b>Key</b>\u{202e}"] {
        let proof = match codes.pop() {
            Some(code) => json!({ "recovery": code }),
            None => json!({ "password": PASSWORD }),
        };
        let approval = Approval::of_act(&ann, "add-passkey").await;
        approval.prove(&ann, proof).await.done();
        let begun = change(&ann, "/auth/passkeys/begin", &json!({}), Some(&approval.id)).await.json();
        let (_, response) = Passkey::create(ann.origin(), &begun["options"]);
        let body = json!({ "id": begun["id"], "response": response, "name": name });
        let finished = ann.fetch("POST", "/auth/passkeys/finish", Some(body)).await;
        finished.done();
        codes.extend(finished.json()["recovery_codes"].as_array().into_iter().flatten().cloned());
    }
    let known = async || {
        let factors = ann.fetch("GET", "/auth/factors", None).await.json();
        let of = |one: &Value| ["name", "id"].map(|part| one[part].as_str().unwrap().to_owned());
        factors["passkeys"].as_array().unwrap().iter().map(of).collect::<Vec<_>>()
    };
    let all = known().await;
    let id_of = |name: &str| all.iter().find(|[known, _]| known.starts_with(name)).unwrap()[1].clone();
    let (phone, key) = (id_of("Phone"), id_of("<b>"));
    let wish = |passkey: &str| json!({ "act": "remove-passkey", "passkey": passkey });
    for (wish, status, code) in [
        (json!({ "act": "remove-passkey" }), 400, "bad-request"),
        (wish(""), 404, "unknown-factor"),
        (wish(&"A".repeat(43)), 404, "unknown-factor"),
        (json!({ "act": "change-email" }), 400, "bad-request"),
        (json!({ "act": "change-email", "email": "nobody" }), 422, "bad-email"),
    ] {
        ann.fetch("POST", "/auth/step-up", Some(wish)).await.refused(status, code);
    }

    let approval = Approval::open(&ann, wish(&key)).await;
    let page = approval.page(&ann).await.text();
    let shown = words(&page);
    assert!(shown.contains("Passkey <b>Key</b>\u{fffd} Used for logging in Added 2027-01-15"), "{shown}");
    assert!(!page.contains("<b>Key"), "{page}");
    approval.prove(&ann, json!({ "recovery": codes.pop().unwrap() })).await.done();
    let remove = async |passkey: &str| {
        change(&ann, "/auth/passkeys/remove", &json!({ "passkey": passkey }), Some(&approval.id)).await
    };
    remove(&phone).await.refused(403, "step-up-refused");
    assert_eq!(known().await.len(), 2);
    remove(&key).await.done();
    assert_eq!(known().await.iter().map(|[name, _]| name.as_str()).collect::<Vec<_>>(), ["Phone"]);
    house.close().await;
}
