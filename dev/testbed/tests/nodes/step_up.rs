//! Approvals among nodes: opened, proven and collected on whichever, and used once.

use crate::place::{Place, on_both};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use cloakroom_jose::sha256;
use cloakroom_testbed::{Answer, PASSWORD, Roamer};
use serde_json::{Value, json};

const BANK: &str = r#"
    [[upstream]]
    name = "bank"
    path = "/bank"
    to = "http://{echo}"
    access = "signed-in"
    audience = "bank"
    step_up = [{ method = "POST", path = "/bank/transfer", show = ["to", "amount"] }]
"#;

on_both! { BANK;
    an_approval_goes_over_three_nodes_and_its_grant_passes_on_exactly_one
    of_three_nodes_that_collect_at_once_one_has_the_grant_and_the_session_goes_on
    what_ends_a_session_on_one_node_ends_its_approvals_on_all
    five_wrong_proofs_are_counted_over_all_nodes
}

const PATH: &str = "/bank/transfer?from=1";

fn body(round: usize) -> String {
    json!({ "to": "bob", "amount": round }).to_string()
}

async fn call(roamer: &Roamer, body: &str, grant: Option<&str>) -> Answer {
    let mut headers =
        vec![("sec-fetch-site", "same-origin"), ("origin", roamer.origin()), ("content-type", "application/json")];
    headers.extend(grant.map(|grant| ("cloakroom-grant", grant)));
    roamer.send("POST", PATH, &headers, body.to_owned()).await.unwrap()
}

async fn opened(roamer: &Roamer, body: &str) -> String {
    let refused = call(roamer, body, None).await;
    assert_eq!((refused.status.as_u16(), refused.code().as_str()), (401, "step-up-needed"), "{}", refused.text());
    let wish = json!({
        "method": "POST",
        "path": PATH,
        "body_sha256": URL_SAFE_NO_PAD.encode(sha256(body.as_bytes())),
        "body": URL_SAFE_NO_PAD.encode(body),
        "show": ["to", "amount"],
    });
    let opened = roamer.fetch("POST", "/auth/step-up", Some(wish)).await;
    assert_eq!(opened.status, 201, "{}", opened.text());
    opened.json()["id"].as_str().unwrap().to_owned()
}

async fn proven(roamer: &Roamer, id: &str, proof: &str) -> Answer {
    roamer.fetch("POST", &format!("/auth/step-up/{id}"), Some(json!({ "password": proof }))).await
}

async fn collected(roamer: &Roamer, id: &str) -> Answer {
    roamer.fetch("POST", "/auth/step-up/collect", Some(json!({ "id": id }))).await
}

async fn an_approval_goes_over_three_nodes_and_its_grant_passes_on_exactly_one(place: Place) {
    let nodes = &place.nodes;
    let ann = nodes.signed_in("ann@example.com").await;
    for round in 0..20 {
        let body = body(round);
        let id = opened(&ann.on(round), &body).await;
        let page = ann.on(round + 1).fetch("GET", &format!("/auth/step-up/{id}"), None).await;
        assert!(page.text().contains("bob"), "{}", page.text());
        assert_eq!(collected(&ann.on(round + 2), &id).await.status, 202);
        assert_eq!(proven(&ann.on(round + 1), &id, PASSWORD).await.status, 204);
        let answer = collected(&ann.on(round + 2), &id).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let grant = answer.json()["grant"].as_str().unwrap().to_owned();
        nodes.watch.secret(&grant);

        let tabs: Vec<_> = (0..6).map(|tab| ann.on(tab)).collect();
        let calls = tabs.iter().map(|tab| call(tab, &body, Some(&grant)));
        let answers = futures_util::future::join_all(calls).await;
        let passed = answers.iter().filter(|answer| answer.status == 200).count();
        assert_eq!(passed, 1, "round {round}: {:?}", answers.iter().map(Answer::code).collect::<Vec<_>>());
        for answer in answers.iter().filter(|answer| answer.status != 200) {
            assert_eq!((answer.status.as_u16(), answer.code().as_str()), (403, "step-up-refused"), "{}", answer.text());
        }
        let arrived = nodes.echo.take();
        assert_eq!(arrived.len(), 1, "round {round}");
        assert_eq!(arrived[0].body, body.as_bytes());
    }
    place.close().await;
}

async fn of_three_nodes_that_collect_at_once_one_has_the_grant_and_the_session_goes_on(place: Place) {
    let nodes = &place.nodes;
    let ann = nodes.signed_in("ann@example.com").await;
    for round in 0..8 {
        let body = body(round);
        let id = opened(&ann.on(round), &body).await;
        assert_eq!(proven(&ann.on(round + 1), &id, PASSWORD).await.status, 204);
        // The tabs of one browser share its jar: whoever is told no sets nothing.
        let tabs: Vec<_> = (0..3).map(|tab| ann.on(tab)).collect();
        let answers = futures_util::future::join_all(tabs.iter().map(|tab| collected(tab, &id))).await;
        let granted: Vec<Value> =
            answers.iter().filter(|answer| answer.status == 200).map(|answer| answer.json()["grant"].clone()).collect();
        assert_eq!(granted.len(), 1, "round {round}: {:?}", answers.iter().map(Answer::code).collect::<Vec<_>>());
        for answer in answers.iter().filter(|answer| answer.status != 200) {
            assert!(["step-up-over", "access-expired"].contains(&&*answer.code()), "{}", answer.text());
            assert!(answer.cookies().is_empty());
        }
        assert_eq!(call(&ann.on(round), &body, granted[0].as_str()).await.status, 200);
        assert_eq!(ann.on(round + 1).refresh().await.status, 200, "the session goes on");
    }
    place.close().await;
}

async fn what_ends_a_session_on_one_node_ends_its_approvals_on_all(place: Place) {
    let nodes = &place.nodes;
    let ann = nodes.signed_in("ann@example.com").await;
    let body = body(1);
    let (waiting, approved) = (opened(&ann.on(0), &body).await, opened(&ann.on(1), &body).await);
    assert_eq!(proven(&ann.on(2), &approved, PASSWORD).await.status, 204);
    let thief = ann.copied();
    assert_eq!(ann.on(0).fetch("POST", "/auth/logout", None).await.status, 204);
    for node in 0..nodes.count() {
        assert_eq!(proven(&thief.on(node), &waiting, PASSWORD).await.code(), "step-up-over", "node {node}");
    }
    // A node that has not heard of it yet hands out nothing that is good.
    for node in 0..nodes.count() {
        let answer = collected(&thief.on(node), &approved).await;
        assert!(["signed-out", "step-up-over"].contains(&&*answer.code()), "node {node}: {}", answer.text());
    }
    assert!(nodes.echo.take().is_empty());
    place.close().await;
}

async fn five_wrong_proofs_are_counted_over_all_nodes(place: Place) {
    let nodes = &place.nodes;
    let ann = nodes.signed_in("ann@example.com").await;
    let id = opened(&ann, &body(1)).await;
    for node in 0..4 {
        assert_eq!(proven(&ann.on(node), &id, "not the password of ann").await.code(), "proof-wrong");
    }
    assert_eq!(proven(&ann.on(4), &id, "not the password of ann").await.code(), "step-up-over");
    for node in 0..3 {
        assert_eq!(proven(&ann.on(node), &id, PASSWORD).await.code(), "step-up-over");
    }
    let next = opened(&ann.on(1), &body(2)).await;
    for node in 0..3 {
        let early = proven(&ann.on(node), &next, PASSWORD).await;
        assert_eq!((early.code().as_str(), early.header("retry-after")), ("too-many-attempts", "1"));
    }
    // Of very many at once no more are let through than one after the other.
    nodes.advance(1);
    let tabs: Vec<_> = (0..24).map(|tab| ann.on(tab)).collect();
    let guesses = tabs.iter().map(|tab| proven(tab, &next, "not the password of ann"));
    let answers = futures_util::future::join_all(guesses).await;
    let let_through = answers.iter().filter(|answer| answer.code() != "too-many-attempts").count();
    assert_eq!(let_through, 1, "{:?}", answers.iter().map(Answer::code).collect::<Vec<_>>());
    place.close().await;
}
