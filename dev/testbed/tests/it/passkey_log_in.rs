//! Log-in with a passkey alone: its answer is good once, and it says nothing about guesses at the password.

use crate::approving::{Approval, Judged};
use crate::asking::{OTHER, log_in, said};
use crate::passkey::Passkey;
use cloakroom_testbed::{Answer, Guest, House};
use http::StatusCode;
use serde_json::{Value, json};

const ANN: &str = "ann@example.com";

/// An account with a passkey for log-in, on the device that added it.
async fn enrolled() -> (House, Guest, Passkey) {
    let house = House::with_mail("server.trusted_proxies = [\"127.0.0.1\"]").await;
    house.watch.secret(OTHER);
    let ann = house.confirmed(ANN).await;
    let approval = Approval::approved_act(&ann, "add-passkey").await;
    let begun = ann.fetch("POST", "/auth/passkeys/begin", Some(json!({ "step_up": approval }))).await.json();
    let (passkey, response) = Passkey::create(ann.origin(), &begun["options"]);
    let finish = json!({ "id": begun["id"], "response": response });
    ann.fetch("POST", "/auth/passkeys/finish", Some(finish)).await.done();
    (house, ann, passkey)
}

fn stranger(house: &House, number: usize) -> Guest {
    house.guest().from_address(&format!("10.1.{number}.7"))
}

/// What the page sends after an authenticator has answered.
async fn signed(guest: &Guest, passkey: &Passkey) -> Value {
    let asked = guest.fetch("POST", "/auth/login/passkey/begin", None).await.json();
    json!({ "state": asked["state"], "response": passkey.get(guest.origin(), &asked["options"]) })
}

async fn show(guest: &Guest, signed: &Value) -> Answer {
    guest.fetch("POST", "/auth/login/passkey", Some(signed.clone())).await
}

#[tokio::test]
async fn asvs_6_5_1_one_answer_of_a_passkey_opens_one_session_even_at_the_same_instant() {
    let (house, ann, passkey) = enrolled().await;
    let answer = signed(&house.guest(), &passkey).await;
    let tabs: Vec<_> = (0..8).map(|_| house.guest()).collect();
    let answers = futures_util::future::join_all(tabs.iter().map(|tab| show(tab, &answer))).await;
    let all: Vec<_> = answers.iter().map(said).collect();
    assert_eq!(all.iter().filter(|(status, _)| *status == 200).count(), 1, "{all:?}");
    let refused = |one: &&(u16, String)| (one.0, one.1.as_str()) == (422, "passkey-refused");
    assert_eq!(all.iter().filter(refused).count(), 7, "{all:?}");
    show(&house.guest(), &answer).await.refused(422, "passkey-refused");
    show(&house.guest(), &signed(&ann, &passkey).await).await.done();
    house.close().await;
}

#[tokio::test]
async fn a_log_in_with_a_passkey_forgives_no_guess_at_the_password() {
    let (house, ann, passkey) = enrolled().await;
    for number in 0..5 {
        log_in(&stranger(&house, number), ANN, OTHER).await.refused(401, "wrong-credentials");
    }
    for _ in 0..10 {
        log_in(&ann, ANN, OTHER).await.refused(401, "wrong-credentials");
    }
    let phone = stranger(&house, 9);
    for guest in [&phone, &ann] {
        assert_eq!(show(guest, &signed(guest, &passkey).await).await.status, StatusCode::OK);
    }
    log_in(&stranger(&house, 10), ANN, OTHER).await.refused(429, "too-many-attempts");
    log_in(&ann, ANN, OTHER).await.refused(429, "too-many-attempts");
    house.close().await;
}
