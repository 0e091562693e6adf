//! Step-up with passkeys: what each signs is one approval, one that logs in counts as a second factor, and one for approving is
//! added by the browser that approved that.

use crate::approving::{Approval, BANK, Call, Judged, apart};
use crate::passkey::Passkey;
use cloakroom_testbed::{Guest, House, PASSWORD};
use serde_json::{Value, json};

/// Adds a passkey for log-in, and tells the recovery codes.
async fn enrolled(guest: &Guest) -> (Passkey, Vec<String>) {
    let approval = Approval::approved_act(guest, "add-passkey").await;
    let begun = guest.fetch("POST", "/auth/passkeys/begin", Some(json!({ "step_up": approval }))).await;
    begun.done();
    let (passkey, response) = Passkey::create(guest.origin(), &begun.json()["options"]);
    let finish = json!({ "id": begun.json()["id"], "response": response, "name": "Phone" });
    let finished = guest.fetch("POST", "/auth/passkeys/finish", Some(finish)).await;
    finished.done();
    let codes = finished.json()["recovery_codes"].as_array().unwrap().clone();
    (passkey, codes.iter().map(|code| code.as_str().unwrap().to_owned()).collect())
}

/// Opens an approval to remove the passkey that was added first.
async fn remove_first(guest: &Guest) -> Approval {
    let known = guest.fetch("GET", "/auth/factors", None).await.json();
    Approval::open(guest, json!({ "act": "remove-passkey", "passkey": known["passkeys"][0]["id"] })).await
}

/// What the page of an approval asks an authenticator.
async fn question(approval: &Approval, guest: &Guest) -> Value {
    let page = approval.page(guest).await.text();
    let asked = page.split_once("data-passkey-get=\"").unwrap().1.split('"').next().unwrap();
    let asked = asked.replace("&quot;", "\"").replace("&#x2f;", "/").replace("&amp;", "&");
    serde_json::from_str(&asked).unwrap()
}

#[tokio::test]
async fn a_passkey_signs_one_approval_and_no_other() {
    let house = House::with(BANK).await;
    let ann = house.signed_in("ann@example.com").await;
    let (passkey, _) = enrolled(&ann).await;
    let call = Call::transfer();
    let (approval, another) = (call.ask(&ann).await, Call::vault().ask(&ann).await);
    let (asked, other) = (question(&approval, &ann).await, question(&another, &ann).await);
    assert_ne!(asked["publicKey"]["challenge"], other["publicKey"]["challenge"]);
    let response = passkey.get(ann.origin(), &asked);
    another.prove(&ann, json!({ "passkey": response })).await.refused(422, "proof-wrong");
    let elsewhere = passkey.get("http://evil.localhost", &asked);
    approval.prove(&ann, json!({ "passkey": elsewhere })).await.refused(422, "proof-wrong");
    approval.prove(&ann, json!({ "passkey": response })).await.done();
    let grant = approval.grant(&house, &ann).await;
    call.with_grant(&ann, &grant).await.done();
    another.prove(&ann, json!({ "passkey": passkey.get(ann.origin(), &other) })).await.done();
    house.close().await;
}

#[tokio::test]
async fn asvs_7_5_3_where_a_passkey_logs_in_the_password_alone_approves_nothing() {
    for set_up in [BANK.to_owned(), apart()] {
        let house = House::with_mail(&set_up).await;
        let ann = house.confirmed("ann@example.com").await;
        let (_, codes) = enrolled(&ann).await;
        for code in &codes {
            house.watch.secret(code);
        }
        let call = Call::transfer();
        let approvals = [call.ask(&ann).await, remove_first(&ann).await, Approval::of_act(&ann, "change-email").await];
        for approval in &approvals {
            for weaker in [json!({ "password": PASSWORD }), json!({ "mail": "12345678" }), json!({ "send": "on" })] {
                approval.prove(&ann, weaker).await.refused(403, "proof-not-accepted");
            }
        }
        let next = json!({ "current": PASSWORD, "password": "copper lantern orchard violin" });
        ann.fetch("POST", "/auth/password/change", Some(next)).await.refused(401, "step-up-needed");
        let [approval, ..] = approvals;
        approval.prove(&ann, json!({ "recovery": codes[0] })).await.done();
        let grant = approval.grant(&house, &ann).await;
        call.with_grant(&ann, &grant).await.done();
        house.close().await;
    }
}

#[tokio::test]
async fn a_passkey_for_approving_is_added_by_the_browser_that_approved_that_and_by_no_other() {
    let house = House::with(&apart()).await;
    let ann = house.signed_in("ann@example.com").await;
    let ask = async |who: &Guest, approval: &Approval, page: &str| {
        let body = json!({ "id": approval.id, "page": page });
        approval.person(who).fetch("POST", "/auth/step-up/passkey", Some(body)).await
    };
    let finish = async |who: &Guest, begun: &Value, response: &Value| {
        let body = json!({ "id": begun["id"], "response": response, "name": "Key" });
        who.at_origin(&approving(&house)).fetch("POST", "/auth/step-up/passkey-finish", Some(body)).await
    };
    let approval = Approval::of_act(&ann, "add-approval-passkey").await;
    // What the page that approves is answered is told to nobody else.
    let page = approval.prove_by_page(&ann, "password", PASSWORD).await.text();
    let secret = page.split_once("data-page=\"").unwrap().1.split('"').next().unwrap().to_owned();
    house.watch.secret(&secret);

    // Whoever else knows the name of the approval; one of them has all that a page of the application has.
    let (thief, page_of_app) = (house.guest(), house.guest());
    for name in ["__Host-Http-cloakroom", "__Secure-cloakroom-refresh", "__Secure-cloakroom-device"] {
        page_of_app.plant(name, "/", &ann.cookie(name).unwrap());
    }
    let other = Approval::of_act(&ann, "add-approval-passkey").await;
    let others = other.prove(&ann, json!({ "password": PASSWORD })).await.json()["page"].as_str().unwrap().to_owned();
    for who in [&thief, &page_of_app] {
        for guess in ["", "x", &"A".repeat(43), &secret[..42], &approval.id, &others] {
            ask(who, &approval, guess).await.refused(401, "step-up-needed");
        }
        let page = approval.page(who).await;
        assert!(page.status == 410 && !page.text().contains(&secret), "{}", page.text());
        let collected = approval.collect(who).await;
        assert!(!collected.text().contains(&secret), "{}", collected.text());
    }
    let begun = ask(&ann, &approval, &secret).await;
    begun.done();
    let (passkey, response) = Passkey::create(&approving(&house), &begun.json()["options"]);
    finish(&ann, &begun.json(), &response).await.done();
    assert!(!finish(&ann, &begun.json(), &response).await.status.is_success(), "once");

    let call = Call::transfer();
    let approval = call.ask(&ann).await;
    approval.prove(&ann, json!({ "password": PASSWORD })).await.refused(403, "proof-not-accepted");
    let asked = question(&approval, &ann).await;
    // Not by a page of the public origin, though it is the same browser.
    let elsewhere = passkey.get(ann.origin(), &asked);
    approval.prove(&ann, json!({ "passkey": elsewhere })).await.refused(422, "proof-wrong");
    approval.prove(&ann, json!({ "passkey": passkey.get(&approving(&house), &asked) })).await.done();
    let grant = approval.grant(&house, &ann).await;
    call.with_grant(&ann, &grant).await.done();
    house.close().await;
}

#[tokio::test]
async fn the_first_passkey_for_approving_brings_recovery_codes_for_when_it_is_lost() {
    let house = House::with(&apart()).await;
    let ann = house.signed_in("ann@example.com").await;
    let add = async |proof: Value| {
        let approval = Approval::of_act(&ann, "add-approval-passkey").await;
        let proven = approval.prove(&ann, proof).await;
        let page = proven.json()["page"].as_str().unwrap().to_owned();
        house.watch.secret(&page);
        let there = ann.at_origin(&approving(&house));
        let opens = json!({ "id": approval.id, "page": page });
        let begun = there.fetch("POST", "/auth/step-up/passkey", Some(opens)).await.json();
        let (_, response) = Passkey::create(&approving(&house), &begun["options"]);
        let finish = json!({ "id": begun["id"], "response": response });
        let finished = there.fetch("POST", "/auth/step-up/passkey-finish", Some(finish)).await;
        finished.done();
        finished.json()["recovery_codes"].clone()
    };
    let codes = add(json!({ "password": PASSWORD })).await;
    let codes: Vec<_> = codes.as_array().unwrap().iter().map(|code| code.as_str().unwrap().to_owned()).collect();
    assert_eq!(codes.len(), 10);
    for code in &codes {
        house.watch.secret(code);
    }
    // It is lost: the password alone approves nothing any more, a code does.
    let call = Call::transfer();
    let approval = call.ask(&ann).await;
    approval.prove(&ann, json!({ "password": PASSWORD })).await.refused(403, "proof-not-accepted");
    approval.prove(&ann, json!({ "recovery": codes[0] })).await.done();
    let grant = approval.grant(&house, &ann).await;
    call.with_grant(&ann, &grant).await.done();
    assert!(add(json!({ "recovery": codes[1] })).await.is_null(), "those that there are stay good");
    house.close().await;
}

fn approving(house: &House) -> String {
    format!("http://approve.localhost:{}", house.port())
}
