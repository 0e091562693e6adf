//! The key ring while the server runs.

use cloakroom_testbed::House;
use http::StatusCode;

async fn kids(house: &House) -> Vec<String> {
    let jwks = house.guest().fetch("GET", "/.well-known/jwks.json", None).await;
    assert!(jwks.header("cache-control").starts_with("public, max-age="));
    jwks.json()["keys"].as_array().unwrap().iter().map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn keys_rotate_by_schedule_with_overlap_and_nobody_notices() {
    let house = House::start().await;
    let ann = house.signed_in("ann@example.com").await;
    let first = kids(&house).await;
    assert_eq!(first.len(), 1);
    // Announced before it signs.
    house.advance(30 * 86_400 - 600);
    house.running().do_chores().await.unwrap();
    let both = kids(&house).await;
    assert_eq!(both.len(), 2);
    let bob = house.signed_in("bob@example.com").await;
    house.advance(700);
    assert_eq!(bob.refresh().await.status, StatusCode::OK, "a token of the old key accompanies it");
    assert_eq!(bob.status_of_app().await, StatusCode::OK);
    // Announced 15 minutes before its use, the old one shown 10 minutes after: by now only the new one is.
    house.advance(1000);
    house.running().do_chores().await.unwrap();
    let last = kids(&house).await;
    assert_eq!(last.len(), 1);
    assert_ne!(first, last);
    assert_eq!(bob.refresh().await.status, StatusCode::OK);
    drop(ann);
    house.close().await;
}

#[tokio::test]
async fn a_withdrawn_key_is_worth_nothing_at_once() {
    let house = House::start().await;
    let ann = house.signed_in("ann@example.com").await;
    let kid = kids(&house).await.remove(0);
    house.running().app().withdraw_key(kid.parse().unwrap()).await.map_err(|_| ()).unwrap();
    assert_eq!(ann.status_of_app().await, StatusCode::UNAUTHORIZED);
    assert!(!kids(&house).await.contains(&kid));
    ann.log_in("ann@example.com").await;
    assert_eq!(ann.status_of_app().await, StatusCode::OK);
    house.close().await;
}
