//! Tokens of services: told apart from those of people, and refused where nobody has reckoned with them (decision 0019).

use cloakroom_jose::Refused;
use cloakroom_verify::{OnStale, Refusal};
use serde_json::{Value, json};

use crate::issuer::{Issuer, account, refusal, session};
use crate::{secs, until, until_refused};

/// What a service holds for itself: RFC 9068 §2.2, without a person.
fn own(more: &Value) -> Value {
    let mut claims = json!({ "sub": "reports", "client_id": "reports", "gen": 0, "iss_no": 0, "sid": session(7) });
    for (name, value) in more.as_object().unwrap() {
        claims[name] = value.clone();
    }
    claims
}

#[tokio::test]
async fn r97_26_a_service_is_refused_unless_the_api_reckons_with_services() {
    let issuer = Issuer::start().await;
    let token = issuer.token_with(&own(&json!({})));
    for careless in [issuer.builder().build().unwrap(), issuer.following().build().unwrap()] {
        assert_eq!(refusal(careless.verify(&token).await), Refusal::TokenInvalid(Refused::NoPerson));
        assert_eq!(careless.verify(&issuer.token()).await.unwrap().person(), Some(account(1).as_str()));
    }
    for careful in [issuer.builder(), issuer.following()] {
        let careful = careful.accept_services().build().unwrap();
        let seen = careful.verify(&token).await.unwrap();
        assert!(seen.is_of_service() && seen.person().is_none());
        assert_eq!((seen.subject(), seen.client_id(), seen.actors().count()), ("reports", Some("reports"), 0));
        let person = careful.verify(&issuer.token()).await.unwrap();
        assert!(!person.is_of_service() && person.person() == Some(&account(1)));
    }
}

#[tokio::test]
async fn whoever_is_neither_an_account_nor_its_own_client_is_nobody() {
    let issuer = Issuer::start().await;
    let careful = issuer.following().accept_services().build().unwrap();
    // A revocation could name no account of it.
    for sub in ["reports", "Reports", "x"] {
        let token = issuer.token_with(&own(&json!({ "sub": sub, "client_id": "other" })));
        assert_eq!(refusal(careful.verify(&token).await), Refusal::TokenInvalid(Refused::BadClaims), "{sub}");
    }
}

#[tokio::test]
async fn rfc7009_a_revoked_token_of_a_service_is_refused_and_no_other() {
    let issuer = Issuer::start().await;
    let careful = issuer.following().accept_services().build().unwrap();
    until("it listens", || careful.status().is_feed_fresh && issuer.streams() == 1).await;
    let (first, second) = (issuer.token_with(&own(&json!({}))), issuer.token_with(&own(&json!({ "sid": session(8) }))));
    assert!(careful.verify(&first).await.is_ok() && careful.verify(&second).await.is_ok());
    issuer.revoke(json!({ "kind": "session", "sid": session(7), "until": issuer.until() }));
    assert_eq!(until_refused(&careful, &first).await, Refusal::TokenRevoked);
    assert!(careful.verify(&second).await.is_ok());
    // The floor of everything is above services, too.
    issuer.revoke(json!({ "kind": "everything", "before": issuer.until() - 300_000, "until": issuer.until() }));
    assert_eq!(until_refused(&careful, &second).await, Refusal::TokenRevoked);
}

#[tokio::test]
async fn rfc8693_4_1_who_acts_is_told_and_a_chain_that_names_nobody_is_refused() {
    let issuer = Issuer::start().await;
    let verifier = issuer.builder().build().unwrap();
    let chain = json!({ "sub": "stock", "act": { "sub": "orders" } });
    let seen = verifier.verify(&issuer.token_with(&json!({ "act": chain, "client_id": "stock" }))).await.unwrap();
    assert_eq!(seen.person(), Some(account(1).as_str()));
    assert_eq!(seen.actors().collect::<Vec<_>>(), ["stock", "orders"]);
    assert_eq!(verifier.verify(&issuer.token()).await.unwrap().actors().count(), 0);
    let mut deep = json!({ "sub": "x" });
    for _ in 0..8 {
        deep = json!({ "sub": "x", "act": deep });
    }
    for act in
        [json!("stock"), json!({}), json!({ "sub": "" }), json!({ "sub": 7 }), json!({ "sub": "a", "act": {} }), deep]
    {
        let token = issuer.token_with(&json!({ "act": act, "client_id": "stock" }));
        assert_eq!(refusal(verifier.verify(&token).await), Refusal::TokenInvalid(Refused::BadClaims), "{act}");
    }
}

#[tokio::test]
async fn what_a_service_does_is_reported_as_no_use_of_a_session() {
    let issuer = Issuer::start().await;
    let builder = issuer.following().on_stale(OnStale::Accept).accept_services();
    let verifier = builder.report_sightings(format!("{}/sightings", issuer.url)).build().unwrap();
    verifier.verify(&issuer.token_with(&own(&json!({})))).await.unwrap();
    let acting = json!({ "act": { "sub": "orders" }, "client_id": "orders", "sid": session(9) });
    verifier.verify(&issuer.token_with(&acting)).await.unwrap();
    assert_eq!(verifier.status().sightings, 0);
    // Of a person it is: the same verifier reports it, and that one alone.
    verifier.verify(&issuer.token()).await.unwrap();
    until("reported", || {
        issuer.clock.advance(secs(1));
        !issuer.reports().is_empty()
    })
    .await;
    assert_eq!(issuer.reports().iter().map(|report| report["seen"].as_array().unwrap().len()).sum::<usize>(), 1);
}
