//! Keys: one fetch for all, renewal, rotation, floods, outages, broken answers, discovery.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use cloakroom_verify::{BuildError, Refusal, Refused, Verifier};
use serde_json::json;

use crate::issuer::{AUDIENCE, Issuer, Mood, key, refusal};
use crate::{secs, settle, until, until_refused};

fn is_unavailable(refusal: &Refusal) -> bool {
    matches!(refusal, Refusal::KeysUnavailable { .. })
}

/// A token of the issuer's, by a key that it does not show.
fn by_key(issuer: &Issuer, number: u8) -> String {
    key(number).sign("at+jwt", &issuer.claims(&json!({}))).unwrap()
}

#[tokio::test]
async fn two_hundred_requests_at_a_cold_start_cause_one_fetch() {
    let issuer = Issuer::start().await;
    issuer.gate(false);
    let verifier = issuer.builder().build().unwrap();
    let token: Arc<str> = issuer.token().into();
    let waiting = Arc::new(AtomicUsize::new(0));
    let requests: Vec<_> = (0..200)
        .map(|_| {
            let (verifier, token, waiting) = (verifier.clone(), Arc::clone(&token), Arc::clone(&waiting));
            tokio::spawn(async move {
                waiting.fetch_add(1, Ordering::SeqCst);
                verifier.verify(&token).await.map(|token| token.subject().to_owned())
            })
        })
        .collect();
    until("all wait", || waiting.load(Ordering::SeqCst) == 200 && issuer.key_hits() == 1).await;
    issuer.gate(true);
    for request in requests {
        assert!(request.await.unwrap().is_ok());
    }
    assert_eq!(issuer.key_hits(), 1);
}

#[tokio::test]
async fn a_provider_that_is_away_at_the_start_is_answered_for_with_503_until_it_is_back() {
    let issuer = Issuer::start().await;
    issuer.key_mood(Mood::Away);
    let verifier = issuer.builder().build().unwrap();
    let Refusal::KeysUnavailable { retry_after } = refusal(verifier.verify(&issuer.token()).await) else { panic!() };
    assert!((secs(0)..=secs(1)).contains(&retry_after), "{retry_after:?}");
    issuer.key_mood(Mood::Good);
    until("fetched again", || {
        issuer.clock.advance(secs(1));
        verifier.status().keys == 1
    })
    .await;
    assert!(verifier.verify(&issuer.token()).await.is_ok());
}

#[tokio::test]
async fn a_request_waits_for_a_provider_that_hangs_no_longer_than_it_may() {
    let issuer = Issuer::start().await;
    issuer.key_mood(Mood::Hangs);
    let verifier = issuer.builder().wait_for(secs(3)).build().unwrap();
    let (asking, token) = (verifier.clone(), issuer.token());
    let request = tokio::spawn(async move { asking.verify(&token).await });
    until("it hangs", || issuer.key_hits() == 1).await;
    settle().await;
    assert!(!request.is_finished());
    until("given up", || {
        issuer.clock.advance(secs(1));
        request.is_finished()
    })
    .await;
    assert!(is_unavailable(&refusal(request.await.unwrap())));
}

#[tokio::test]
async fn a_key_that_is_new_is_fetched_when_the_first_token_names_it() {
    let issuer = Issuer::start().await;
    let verifier = issuer.builder().build().unwrap();
    verifier.verify(&issuer.token()).await.unwrap();
    issuer.set_keys(vec![key(1), key(2)]);
    issuer.clock.advance(secs(10));
    let token = by_key(&issuer, 2);
    let judged = futures_util::future::join_all((0..50).map(|_| verifier.verify(&token))).await;
    assert!(judged.iter().all(Result::is_ok));
    assert_eq!(issuer.key_hits(), 2);
    assert!(verifier.verify(&issuer.token()).await.is_ok(), "the old key is still there");
}

#[tokio::test]
async fn a_key_that_was_withdrawn_proves_nothing_any_more_not_even_what_it_proved() {
    let issuer = Issuer::start().await;
    let verifier = issuer.builder().build().unwrap();
    let token = issuer.token_with(&json!({"exp": 1_700_009_000}));
    verifier.verify(&token).await.unwrap();
    issuer.set_keys(vec![key(2)]);
    until("renewed", || {
        issuer.clock.advance(secs(60));
        issuer.key_hits() >= 2
    })
    .await;
    assert_eq!(until_refused(&verifier, &token).await, Refusal::TokenInvalid(Refused::UnknownKey));
}

#[tokio::test]
async fn keys_are_renewed_before_they_are_as_old_as_cache_control_allows() {
    let issuer = Issuer::start().await;
    issuer.cache_control("public, max-age=200");
    let verifier = issuer.builder().build().unwrap();
    verifier.verify(&issuer.token()).await.unwrap();
    issuer.clock.advance(secs(159));
    settle().await;
    assert_eq!(issuer.key_hits(), 1, "too soon");
    issuer.clock.advance(secs(41));
    until("renewed in the background", || issuer.key_hits() == 2).await;
}

#[tokio::test]
async fn cache_control_is_honoured_within_bounds_only() {
    for (line, too_soon, late_enough) in [("max-age=0", 45, 60), ("no-store", 45, 60), ("max-age=999999", 2870, 3600)] {
        let issuer = Issuer::start().await;
        issuer.cache_control(line);
        let verifier = issuer.builder().build().unwrap();
        verifier.verify(&issuer.token()).await.unwrap();
        issuer.clock.advance(secs(too_soon));
        settle().await;
        assert_eq!(issuer.key_hits(), 1, "{line}");
        issuer.clock.advance(secs(late_enough - too_soon));
        until(line, || issuer.key_hits() == 2).await;
    }
}

#[tokio::test]
async fn a_flood_of_unknown_keys_causes_one_fetch_in_five_seconds() {
    let issuer = Issuer::start().await;
    let verifier = issuer.builder().build().unwrap();
    verifier.verify(&issuer.token()).await.unwrap();
    let forged: Vec<String> = (2..242).map(|number| by_key(&issuer, number)).collect();
    for (round, forged) in forged.chunks(80).enumerate() {
        issuer.clock.advance(secs(5));
        let judged = futures_util::future::join_all(forged.iter().map(|token| verifier.verify(token))).await;
        for judged in judged {
            assert_eq!(refusal(judged), Refusal::TokenInvalid(Refused::UnknownKey));
        }
        // As many again at once find the door closed.
        for token in forged.iter().take(20) {
            refusal(verifier.verify(token).await);
        }
        assert_eq!(issuer.key_hits(), 2 + round);
    }
    assert!(verifier.verify(&issuer.token()).await.is_ok());
}

#[tokio::test]
async fn a_name_that_was_not_there_a_moment_ago_is_not_asked_for_again() {
    let issuer = Issuer::start().await;
    let verifier = issuer.builder().build().unwrap();
    verifier.verify(&issuer.token()).await.unwrap();
    let unknown = by_key(&issuer, 9);
    issuer.clock.advance(secs(6));
    refusal(verifier.verify(&unknown).await);
    assert_eq!(issuer.key_hits(), 2);
    for _ in 0..4 {
        issuer.clock.advance(secs(6));
        refusal(verifier.verify(&unknown).await);
    }
    assert_eq!(issuer.key_hits(), 2);
    issuer.clock.advance(secs(7));
    refusal(verifier.verify(&unknown).await);
    assert_eq!(issuer.key_hits(), 3);
}

#[tokio::test]
async fn an_outage_is_survived_for_as_long_as_was_said_and_no_longer() {
    let issuer = Issuer::start().await;
    let verifier = issuer.builder().keep_keys_for(secs(3600)).build().unwrap();
    verifier.verify(&issuer.token()).await.unwrap();
    issuer.key_mood(Mood::Away);
    for _ in 0..59 {
        issuer.clock.advance(secs(60));
        assert!(verifier.verify(&issuer.token()).await.is_ok());
    }
    until("noticed", || issuer.key_hits() > 1).await;
    issuer.clock.advance(secs(61));
    assert!(is_unavailable(&refusal(verifier.verify(&issuer.token()).await)));
    issuer.key_mood(Mood::Good);
    until("recovered", || {
        issuer.clock.advance(secs(5));
        verifier.status().keys == 1
    })
    .await;
    assert!(verifier.verify(&issuer.token()).await.is_ok());
}

#[tokio::test]
async fn during_an_outage_a_token_with_a_new_key_is_neither_let_in_nor_called_invalid() {
    let issuer = Issuer::start().await;
    let verifier = issuer.builder().build().unwrap();
    verifier.verify(&issuer.token()).await.unwrap();
    issuer.key_mood(Mood::Away);
    issuer.clock.advance(secs(10));
    for _ in 0..20 {
        assert!(is_unavailable(&refusal(verifier.verify(&by_key(&issuer, 2)).await)));
    }
    // Backing off: a flood does not hammer a provider that is in trouble.
    assert_eq!(issuer.key_hits(), 2);
    assert!(verifier.verify(&issuer.token()).await.is_ok());
}

#[tokio::test]
async fn a_broken_answer_changes_nothing() {
    let many: Vec<_> = (0..65).map(|number| json!({"kty": "OKP", "kid": number.to_string()})).collect();
    let moods = [
        Mood::Redirects,
        Mood::Says(b"<html>".to_vec()),
        Mood::Says(br#"{"keys":[]}"#.to_vec()),
        Mood::Says(vec![b' '; 2 * 1024 * 1024]),
        Mood::Says(json!({ "keys": many }).to_string().into_bytes()),
    ];
    for mood in moods {
        let issuer = Issuer::start().await;
        let verifier = issuer.builder().build().unwrap();
        verifier.verify(&issuer.token()).await.unwrap();
        let name = format!("{mood:?}").chars().take(40).collect::<String>();
        issuer.key_mood(mood.clone());
        issuer.clock.advance(secs(300));
        // The second failure is only tried after the first was taken notice of.
        until(&name, || {
            issuer.clock.advance(secs(1));
            issuer.key_hits() >= 3
        })
        .await;
        assert!(verifier.verify(&issuer.token()).await.is_ok(), "{name}");

        let cold = issuer.builder().build().unwrap();
        assert!(is_unavailable(&refusal(cold.verify(&issuer.token()).await)), "{name}");
    }
}

#[tokio::test]
async fn a_port_where_nobody_listens_is_a_provider_that_is_away() {
    let issuer = Issuer::start().await;
    let port = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap().port()
    };
    let verifier = Verifier::builder(&issuer.url, AUDIENCE)
        .jwks_uri(format!("http://127.0.0.1:{port}/jwks"))
        .clock(issuer.clock.clone())
        .build()
        .unwrap();
    assert!(is_unavailable(&refusal(verifier.verify(&issuer.token()).await)));
}

#[tokio::test]
async fn the_keys_are_found_by_the_metadata_of_either_standard() {
    for path in ["/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"] {
        let issuer = Issuer::start().await;
        issuer.metadata(path, json!({"issuer": issuer.url, "jwks_uri": format!("{}/jwks", issuer.url)}));
        let verifier = Verifier::builder(&issuer.url, AUDIENCE).discover().clock(issuer.clock.clone()).build().unwrap();
        assert!(verifier.verify(&issuer.token()).await.is_ok(), "{path}");
    }
}

#[tokio::test]
async fn rfc_8414_3_3_metadata_of_another_issuer_or_with_plain_http_is_refused() {
    for (name, uri) in [("https://other.example", None), ("", Some("http://keys.example/jwks"))] {
        let issuer = Issuer::start().await;
        let name = if name.is_empty() { issuer.url.clone() } else { name.to_owned() };
        let uri = uri.map_or(format!("{}/jwks", issuer.url), str::to_owned);
        issuer.metadata("/.well-known/oauth-authorization-server", json!({"issuer": name, "jwks_uri": uri}));
        let verifier = Verifier::builder(&issuer.url, AUDIENCE).discover().clock(issuer.clock.clone()).build().unwrap();
        assert!(is_unavailable(&refusal(verifier.verify(&issuer.token()).await)), "{name} {uri}");
        assert_eq!(issuer.key_hits(), 0);
    }
}

#[tokio::test]
async fn what_cannot_work_is_not_built() {
    let of = |url: &str| Verifier::builder("https://id.example", AUDIENCE).jwks_uri(url);
    assert!(matches!(of("http://id.example/jwks").build(), Err(BuildError::Address { .. })));
    assert!(matches!(of("https://u:p@id.example/jwks").build(), Err(BuildError::Address { .. })));
    assert!(matches!(Verifier::builder("i", "a").build(), Err(BuildError::Keys)));
    let both = of("http://127.0.0.1:1/").discover();
    assert!(matches!(both.build(), Err(BuildError::Keys)));
    assert!(matches!(Verifier::builder("i", "").jwks_uri("http://127.0.0.1:1/").build(), Err(BuildError::Nameless)));
    let local = || of("http://127.0.0.1:1/");
    assert!(matches!(local().report_sightings("https://x/").build(), Err(BuildError::SightingsWithoutFeed)));
    for token in ["", "a b", "a\r\nb", "ä"] {
        assert!(matches!(local().feed("http://127.0.0.1:1/", token).build(), Err(BuildError::FeedToken)), "{token}");
    }
    let error = local().feed("http://feed.example/", "secret-token").build().unwrap_err().to_string();
    assert!(error.contains("the feed") && error.contains("https") && !error.contains("secret"), "{error}");
}

#[test]
fn without_a_runtime_it_is_not_built() {
    let built = Verifier::builder("i", "a").jwks_uri("http://127.0.0.1:1/").build();
    assert!(matches!(built, Err(BuildError::NoRuntime)));
}
