//! Copies of metadata and keys: one fetch for many, no hammering, outages survived.

use std::sync::Arc;

use cloakroom_jose::{Algorithm, Refused, SigningKey};
use cloakroom_oidc::{AuthorizeWish, Error, FetchError};
use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio::sync::Notify;

use super::fake::{Answer, Desk, NOW};

const HOUR: i64 = 3_600;
const DAY: i64 = 24 * HOUR;

fn away() -> Answer {
    Answer::Fails(FetchError::Late)
}

/// A log-in at an instant, signed by this key.
async fn log_in_at(desk: &Desk, key: &SigningKey, now: i64) -> Result<(), Error> {
    let attempt = desk.begin();
    let mut claims = desk.claims(&attempt);
    (claims["iat"], claims["exp"]) = (json!(now), json!(now + 300));
    desk.hand_out(&key.sign("JWT", &claims).unwrap());
    desk.provider.redeem(&attempt, &desk.callback(&attempt), now).await.map(drop)
}

#[tokio::test]
async fn many_who_come_at_once_cause_one_fetch() {
    let desk = Desk::new();
    let all = join_all((0..100).map(|_| desk.asks_at(NOW))).await;
    assert!(all.iter().all(Result::is_ok));
    assert_eq!(desk.fake.count(&desk.discovery()), 1);
    let attempt = desk.begin();
    desk.issue(&desk.claims(&attempt));
    let all = join_all((0..100).map(|_| desk.redeem(&attempt))).await;
    assert!(all.iter().all(Result::is_ok));
    assert_eq!((desk.fake.count(&desk.discovery()), desk.fake.count(&desk.url("keys"))), (1, 1));
}

#[tokio::test]
async fn many_who_come_while_the_provider_is_away_ask_once_and_again_after_a_pause() {
    let desk = Desk::new();
    let Answer::Json(_, metadata) = desk.fake.get(&desk.discovery()) else { panic!("no metadata") };
    desk.fake.set(&desk.discovery(), away());
    let all = join_all((0..100).map(|_| desk.asks_at(NOW))).await;
    assert!(all.iter().all(|one| *one == Err(Error::Outage)));
    assert_eq!(desk.asks_at(NOW + 9).await, Err(Error::Outage));
    assert_eq!(desk.fake.count(&desk.discovery()), 1);
    assert_eq!(desk.asks_at(NOW + 10).await, Err(Error::Outage));
    assert_eq!(desk.fake.count(&desk.discovery()), 2);
    desk.describe(metadata);
    assert_eq!(desk.asks_at(NOW + 20).await, Ok(()));
}

#[tokio::test]
async fn metadata_are_fresh_for_a_day_and_keys_for_an_hour() {
    let desk = Desk::new();
    let counts = || (desk.fake.count(&desk.discovery()), desk.fake.count(&desk.url("keys")));
    for (now, wanted) in
        [(NOW, (1, 1)), (NOW + HOUR - 1, (1, 1)), (NOW + HOUR, (1, 2)), (NOW + DAY - 1, (1, 3)), (NOW + DAY, (2, 3))]
    {
        assert_eq!(log_in_at(&desk, &desk.key, now).await, Ok(()));
        assert_eq!(counts(), wanted, "after {} s", now - NOW);
    }
}

#[tokio::test]
async fn an_outage_is_survived_for_seven_days_with_a_pause_between_questions() {
    let desk = Desk::new();
    assert_eq!(log_in_at(&desk, &desk.key, NOW).await, Ok(()));
    desk.fake.set(&desk.discovery(), away());
    desk.fake.set(&desk.url("keys"), away());
    let count = || desk.fake.count(&desk.discovery());
    assert_eq!(log_in_at(&desk, &desk.key, NOW + DAY).await, Ok(()));
    assert_eq!(count(), 2);
    assert_eq!(desk.asks_at(NOW + DAY + 59).await, Ok(()));
    assert_eq!(count(), 2);
    assert_eq!(desk.asks_at(NOW + DAY + 60).await, Ok(()));
    assert_eq!(count(), 3);
    assert_eq!(log_in_at(&desk, &desk.key, NOW + 7 * DAY - 1).await, Ok(()));
    assert_eq!(log_in_at(&desk, &desk.key, NOW + 7 * DAY).await, Err(Error::Outage));
}

#[tokio::test]
async fn a_document_that_has_become_a_lie_does_not_replace_the_good_one() {
    let desk = Desk::new();
    assert_eq!(desk.asks_at(NOW).await, Ok(()));
    desk.describe_with("issuer", Some(json!("https://other.example")));
    assert_eq!(desk.asks_at(NOW + DAY).await, Ok(()));
    assert_eq!(desk.asks_at(NOW + 7 * DAY).await, Err(Error::MetadataIssuer));
}

#[tokio::test]
async fn who_comes_while_an_old_copy_is_renewed_does_not_wait() {
    let desk = Desk::new();
    assert_eq!(desk.asks_at(NOW).await, Ok(()));
    let signal = Arc::new(Notify::new());
    let answer = desk.fake.get(&desk.discovery());
    desk.fake.set(&desk.discovery(), Answer::After(Arc::clone(&signal), Box::new(answer)));
    let (first, second) = tokio::join!(desk.asks_at(NOW + DAY), async {
        let second = desk.asks_at(NOW + DAY).await;
        signal.notify_one();
        second
    });
    assert_eq!((first, second), (Ok(()), Ok(())));
    assert_eq!(desk.fake.count(&desk.discovery()), 2);
}

#[tokio::test]
async fn a_new_key_is_found_as_soon_as_something_is_signed_with_it() {
    let desk = Desk::new();
    assert_eq!(log_in_at(&desk, &desk.key, NOW).await, Ok(()));
    let next = SigningKey::generate(Algorithm::Es256, "k2").unwrap();
    desk.publish(&[&next, &desk.key]);
    assert_eq!(log_in_at(&desk, &next, NOW + 1).await, Ok(()));
    assert_eq!(log_in_at(&desk, &desk.key, NOW + 2).await, Ok(()));
    assert_eq!(desk.fake.count(&desk.url("keys")), 2);
}

#[tokio::test]
async fn j87_15_names_of_keys_that_nobody_knows_cause_one_fetch_a_minute() {
    let desk = Desk::new();
    assert_eq!(log_in_at(&desk, &desk.key, NOW).await, Ok(()));
    let strangers: Vec<_> =
        (0..50).map(|number| SigningKey::generate(Algorithm::EdDsa, &format!("'; DROP {number}")).unwrap()).collect();
    let unknown = Err(Error::TokenRefused(Refused::UnknownKey));
    for (number, stranger) in (0..).zip(&strangers) {
        assert_eq!(log_in_at(&desk, stranger, NOW + number).await, unknown);
    }
    assert_eq!(desk.fake.count(&desk.url("keys")), 2);
    // Those that come at once, as logout tokens do.
    let tokens: Vec<String> =
        strangers.iter().map(|key| key.sign("logout+jwt", &logout_claims(&desk)).unwrap()).collect();
    let all = join_all(tokens.iter().map(|token| desk.provider.judge_logout_token(token, NOW + 60))).await;
    assert!(all.into_iter().all(|judged| judged.map(drop) == unknown));
    assert_eq!(desk.fake.count(&desk.url("keys")), 3);
    assert_eq!(log_in_at(&desk, &strangers[0], NOW + 119).await, unknown);
    assert_eq!(desk.fake.count(&desk.url("keys")), 3);
    assert_eq!(log_in_at(&desk, &strangers[0], NOW + 120).await, unknown);
    assert_eq!(desk.fake.count(&desk.url("keys")), 4);
}

#[tokio::test]
async fn a_key_that_cannot_be_looked_up_is_an_outage_and_no_forgery() {
    let desk = Desk::new();
    assert_eq!(log_in_at(&desk, &desk.key, NOW).await, Ok(()));
    desk.fake.set(&desk.url("keys"), away());
    let next = SigningKey::generate(Algorithm::EdDsa, "k2").unwrap();
    for after in 0..60 {
        assert_eq!(log_in_at(&desk, &next, NOW + after).await, Err(Error::Outage));
    }
    assert_eq!(desk.fake.count(&desk.url("keys")), 2);
    assert_eq!(log_in_at(&desk, &desk.key, NOW + 1).await, Ok(()));
}

#[tokio::test]
async fn a_clock_that_is_set_back_makes_copies_old() {
    let desk = Desk::new();
    assert_eq!(desk.asks_at(NOW).await, Ok(()));
    assert_eq!(desk.asks_at(NOW - 300).await, Ok(()));
    assert_eq!(desk.fake.count(&desk.discovery()), 1);
    assert_eq!(desk.provider.authorize(&desk.begin(), &AuthorizeWish::default(), NOW - 301).await.map(drop), Ok(()));
    assert_eq!(desk.fake.count(&desk.discovery()), 2);
}

fn logout_claims(desk: &Desk) -> Value {
    json!({
        "iss": desk.issuer, "aud": "app", "iat": NOW, "exp": NOW + 300, "jti": "j", "sid": "s1",
        "events": {"http://schemas.openid.net/event/backchannel-logout": {}},
    })
}
