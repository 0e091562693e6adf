//! The revocation feed: catching up, pushed entries, gaps, set-backs, silence, what is not understood.

use cloakroom_verify::{AccessToken, OnStale, Refusal, Refused, Verifier};
use serde_json::json;

use crate::issuer::{FEED_TOKEN, Issuer, Mood, NOW, account, key, kid, refusal, session};
use crate::{secs, settle, until, until_refused};

const STALE: fn(&Refusal) -> bool = |refusal| matches!(refusal, Refusal::RevocationsStale { .. });

async fn following(issuer: &Issuer) -> Verifier {
    let verifier = issuer.following().build().unwrap();
    until("it listens", || verifier.status().is_feed_fresh && issuer.streams() == 1).await;
    verifier
}

/// A heartbeat arrives, at the present instant.
async fn beat(issuer: &Issuer, verifier: &Verifier) {
    issuer.beat();
    until("the heartbeat is heard", || verifier.status().feed_silence.is_zero()).await;
}

fn ended(issuer: &Issuer, number: u8) -> serde_json::Value {
    json!({"kind": "session", "sid": session(number), "until": issuer.until()})
}

#[tokio::test]
async fn what_was_revoked_before_the_start_is_read_page_by_page() {
    let issuer = Issuer::start().await;
    issuer.page(2);
    for number in 10..15 {
        issuer.write(ended(&issuer, number));
    }
    let verifier = following(&issuer).await;
    for number in 10..15 {
        let token = issuer.token_with(&json!({"sid": session(number)}));
        assert_eq!(refusal(verifier.verify(&token).await), Refusal::TokenRevoked);
    }
    assert!(verifier.verify(&issuer.token()).await.is_ok());
    assert_eq!((verifier.status().feed_position, verifier.status().revocations), (5, 5));
    let asked: Vec<u64> =
        issuer.feed_asked().into_iter().filter(|(_, stream)| !stream).map(|(after, _)| after).collect();
    assert_eq!(asked, [0, 2, 4]);
}

#[tokio::test]
async fn a_session_that_ends_is_refused_as_soon_as_it_is_pushed_though_its_token_was_proven() {
    let issuer = Issuer::start().await;
    let verifier = following(&issuer).await;
    let (token, other) = (issuer.token(), issuer.token_with(&json!({"sid": session(2)})));
    let mine = verifier.verify(&token).await.unwrap();
    let theirs = verifier.verify(&other).await.unwrap();
    let stream = tokio::spawn({
        let verifier = verifier.clone();
        async move { verifier.ended(&mine).await }
    });
    issuer.revoke(ended(&issuer, 1));
    assert_eq!(until_refused(&verifier, &token).await, Refusal::TokenRevoked);
    assert_eq!(stream.await.unwrap(), Refusal::TokenRevoked);
    assert!(verifier.verify(&other).await.is_ok());
    let open = verifier.ended(&theirs);
    assert!(futures_util::FutureExt::now_or_never(open).is_none());
}

#[tokio::test]
async fn every_kind_of_entry_refuses_what_it_names_and_nothing_else() {
    let spared = json!({"sid": session(2), "sub": account(2), "iat": NOW + 1, "exp": NOW + 200});
    for (entry, spares) in [
        (json!({"kind": "session", "sid": session(1)}), true),
        (json!({"kind": "issues", "sid": session(1), "gen": 4, "oldest": 1, "from": NOW * 1000}), true),
        (json!({"kind": "account", "sub": account(1), "before": (NOW + 1) * 1000}), true),
        (json!({"kind": "everything", "before": NOW * 1000}), true),
        (json!({"kind": "key", "kid": kid(1)}), false),
    ] {
        let issuer = Issuer::start().await;
        let verifier = following(&issuer).await;
        let (token, other) = (issuer.token(), issuer.token_with(&spared));
        for token in [&token, &other] {
            assert!(verifier.verify(token).await.is_ok(), "{entry}");
        }
        let mut entry = entry;
        entry["until"] = json!(issuer.until());
        issuer.revoke(entry.clone());
        assert_eq!(until_refused(&verifier, &token).await, Refusal::TokenRevoked, "{entry}");
        assert_eq!(verifier.verify(&other).await.is_ok(), spares, "{entry}");
    }
}

#[tokio::test]
async fn an_older_issue_dies_only_when_the_race_window_is_over() {
    let issuer = Issuer::start().await;
    let verifier = following(&issuer).await;
    let (older, newer) = (issuer.token(), issuer.token_with(&json!({"iss_no": 1})));
    let from = (NOW + 10) * 1000;
    issuer.revoke(
        json!({"kind": "issues", "sid": session(1), "gen": 4, "oldest": 1, "from": from, "until": issuer.until()}),
    );
    until("heard", || verifier.status().feed_position == 1).await;
    assert!(verifier.verify(&older).await.is_ok());
    issuer.clock.advance(secs(6));
    beat(&issuer, &verifier).await;
    issuer.clock.advance(secs(4));
    assert_eq!(refusal(verifier.verify(&older).await), Refusal::TokenRevoked);
    assert!(verifier.verify(&newer).await.is_ok());
}

#[tokio::test]
async fn a_gap_is_caught_up_before_anything_after_it_is_believed() {
    let issuer = Issuer::start().await;
    let verifier = following(&issuer).await;
    issuer.write(ended(&issuer, 2)); // its push is lost
    issuer.revoke(ended(&issuer, 3));
    until("caught up and listening", || verifier.status().feed_position == 2 && issuer.streams() == 1).await;
    for number in [2, 3] {
        let token = issuer.token_with(&json!({"sid": session(number)}));
        assert_eq!(refusal(verifier.verify(&token).await), Refusal::TokenRevoked);
    }
    let asked: Vec<u64> =
        issuer.feed_asked().into_iter().filter(|(_, stream)| !stream).map(|(after, _)| after).collect();
    assert_eq!(asked, [0, 0], "over JSON, from where it stood");
}

#[tokio::test]
async fn a_feed_that_was_set_back_costs_the_position_but_no_entry() {
    let issuer = Issuer::start().await;
    for number in 2..6 {
        issuer.write(ended(&issuer, number));
    }
    let verifier = following(&issuer).await;
    assert_eq!(verifier.status().feed_position, 4);
    issuer.forget_after(1);
    issuer.beat();
    until("set back", || verifier.status().feed_position == 1).await;
    issuer.revoke(ended(&issuer, 6));
    until("goes on", || verifier.status().feed_position == 2).await;
    for number in 2..7 {
        let token = issuer.token_with(&json!({"sid": session(number)}));
        assert_eq!(refusal(verifier.verify(&token).await), Refusal::TokenRevoked, "{number}");
    }
}

#[tokio::test]
async fn heartbeats_keep_it_fresh_and_silence_makes_it_stale_to_the_millisecond() {
    let issuer = Issuer::start().await;
    let verifier = following(&issuer).await;
    for _ in 0..5 {
        issuer.clock.advance(secs(6));
        beat(&issuer, &verifier).await;
    }
    let token = issuer.token();
    issuer.feed_mood(Mood::Away);
    issuer.clock.advance(secs(10));
    assert!(verifier.verify(&token).await.is_ok());
    issuer.clock.advance(std::time::Duration::from_millis(1));
    let refused = refusal(verifier.verify(&token).await);
    assert!(STALE(&refused) && refused.status() == 503 && refused.code() == "revocations-stale");

    issuer.feed_mood(Mood::Good);
    until("recovered by itself", || {
        issuer.clock.advance(secs(1));
        verifier.status().is_feed_fresh
    })
    .await;
    assert!(verifier.verify(&issuer.token()).await.is_ok());
}

#[tokio::test]
async fn a_stream_without_documents_is_left_before_it_is_stale() {
    let issuer = Issuer::start().await;
    let verifier = following(&issuer).await;
    let asked = issuer.feed_asked().len();
    until("asked anew", || {
        issuer.push_raw(": a comment keeps the line open\n\n");
        issuer.clock.advance(std::time::Duration::from_millis(20));
        issuer.feed_asked().len() > asked
    })
    .await;
    until("heard", || verifier.status().is_feed_fresh).await;
}

#[tokio::test]
async fn heartbeats_that_were_held_back_on_the_way_are_not_taken_for_fresh() {
    let issuer = Issuer::start().await;
    let verifier = following(&issuer).await;
    let held_back = issuer.heartbeat();
    issuer.feed_mood(Mood::Away);
    issuer.clock.advance(secs(6));
    let listening = issuer.feed_asked().len();
    issuer.push_raw(&held_back);
    settle().await;
    assert_eq!(verifier.status().feed_silence, secs(6));
    issuer.clock.advance(std::time::Duration::from_millis(660));
    issuer.push_raw(&held_back);
    until("the stream is left", || {
        issuer.clock.advance(std::time::Duration::from_millis(10));
        issuer.feed_asked().len() > listening
    })
    .await;
    issuer.clock.advance(secs(4));
    assert!(STALE(&refusal(verifier.verify(&issuer.token()).await)));
}

#[tokio::test]
async fn known_revocations_are_told_even_while_the_feed_is_silent() {
    let issuer = Issuer::start().await;
    issuer.write(ended(&issuer, 2));
    let verifier = following(&issuer).await;
    issuer.feed_mood(Mood::Away);
    issuer.clock.advance(secs(11));
    assert!(STALE(&refusal(verifier.verify(&issuer.token()).await)));
    let revoked = issuer.token_with(&json!({"sid": session(2)}));
    assert_eq!(refusal(verifier.verify(&revoked).await), Refusal::TokenRevoked);
}

#[tokio::test]
async fn whoever_asked_for_it_goes_on_without_the_feed() {
    let issuer = Issuer::start().await;
    issuer.feed_mood(Mood::Away);
    let verifier = issuer.following().on_stale(OnStale::Accept).build().unwrap();
    assert!(verifier.verify(&issuer.token()).await.is_ok());
    assert!(!verifier.status().is_feed_fresh);
}

#[tokio::test]
async fn before_the_feed_was_ever_heard_nobody_comes_in() {
    for mood in [Mood::Away, Mood::Redirects, Mood::Says(b"{}".to_vec()), Mood::Says(vec![b' '; 2 * 1024 * 1024])] {
        let issuer = Issuer::start().await;
        issuer.feed_mood(mood);
        let verifier = issuer.following().build().unwrap();
        assert!(STALE(&refusal(verifier.verify(&issuer.token()).await)));
    }
    let issuer = Issuer::start().await;
    let wrong = issuer.builder().feed(format!("{}/revocations", issuer.url), format!("{FEED_TOKEN}x"));
    assert!(STALE(&refusal(wrong.build().unwrap().verify(&issuer.token()).await)));
}

#[tokio::test]
async fn a_catch_up_that_was_not_finished_is_none() {
    let issuer = Issuer::start().await;
    issuer.feed_mood(Mood::Says(
        json!({"after": 0, "next": 0, "more": true, "stale_after_ms": 10_000, "now": 1, "entries": []})
            .to_string()
            .into_bytes(),
    ));
    let verifier = issuer.following().build().unwrap();
    assert!(STALE(&refusal(verifier.verify(&issuer.token()).await)));
}

#[tokio::test]
async fn a_first_request_waits_for_a_feed_that_hangs_no_longer_than_it_may() {
    let issuer = Issuer::start().await;
    issuer.feed_mood(Mood::Hangs);
    let verifier = issuer.following().build().unwrap();
    let (asking, token) = (verifier.clone(), issuer.token());
    let request = tokio::spawn(async move { asking.verify(&token).await });
    until("proven, and waiting", || verifier.status().tokens == 1).await;
    // Another one with the same token waits as well.
    let (asking, token) = (verifier.clone(), issuer.token());
    let another = tokio::spawn(async move { asking.verify(&token).await });
    settle().await;
    assert!(!request.is_finished() && !another.is_finished());
    until("given up", || {
        issuer.clock.advance(secs(1));
        request.is_finished() && another.is_finished()
    })
    .await;
    assert!(STALE(&refusal(request.await.unwrap())) && STALE(&refusal(another.await.unwrap())));
}

#[tokio::test]
async fn an_entry_that_is_not_understood_refuses_everybody_until_it_matters_no_more() {
    let issuer = Issuer::start().await;
    let verifier = following(&issuer).await;
    let token = issuer.token();
    verifier.verify(&token).await.unwrap();
    issuer.revoke(json!({"kind": "device", "device": "x", "until": (NOW + 20) * 1000}));
    assert!(STALE(&until_refused(&verifier, &token).await));
    // What comes after it is followed all the same.
    issuer.revoke(ended(&issuer, 2));
    until("goes on", || verifier.status().feed_position == 2).await;
    for _ in 0..4 {
        assert!(STALE(&refusal(verifier.verify(&token).await)));
        issuer.clock.advance(secs(5));
        beat(&issuer, &verifier).await;
    }
    assert!(verifier.verify(&token).await.is_ok());
}

#[tokio::test]
async fn a_server_that_pushes_nothing_is_asked_again_and_again() {
    let issuer = Issuer::start().await;
    issuer.offer_no_pushes();
    let verifier = issuer.following().build().unwrap();
    let token = issuer.token();
    verifier.verify(&token).await.unwrap();
    issuer.write(ended(&issuer, 1));
    until("read", || {
        issuer.clock.advance(std::time::Duration::from_millis(100));
        verifier.status().feed_position == 1
    })
    .await;
    assert_eq!(refusal(verifier.verify(&token).await), Refusal::TokenRevoked);
    for _ in 0..10 {
        let mut silence = secs(0);
        until("asked again by itself", || {
            issuer.clock.advance(std::time::Duration::from_millis(100));
            let before = std::mem::replace(&mut silence, verifier.status().feed_silence);
            silence < before
        })
        .await;
    }
}

#[tokio::test]
async fn what_nothing_alive_needs_is_forgotten() {
    let issuer = Issuer::start().await;
    let verifier = following(&issuer).await;
    for number in 10..60 {
        issuer.revoke(ended(&issuer, number));
        let position = u64::from(number) - 9;
        until("heard", || verifier.status().feed_position == position).await;
    }
    assert_eq!(verifier.status().revocations, 50);
    for _ in 0..70 {
        issuer.clock.advance(secs(6));
        beat(&issuer, &verifier).await;
    }
    assert_eq!(verifier.status().revocations, 0);
}

#[tokio::test]
async fn a_withdrawn_key_is_refused_for_as_long_as_a_copy_of_the_keys_may_have_it() {
    let issuer = Issuer::start().await;
    let verifier = following(&issuer).await;
    issuer.revoke(json!({"kind": "key", "kid": kid(1), "until": issuer.until()}));
    until("heard", || verifier.status().feed_position == 1).await;
    // The route with the keys still shows it; a thief signs with it all the time.
    for _ in 0..100 {
        issuer.clock.advance(secs(6));
        beat(&issuer, &verifier).await;
        assert_eq!(refusal(verifier.verify(&issuer.token()).await), Refusal::TokenRevoked);
    }
}

#[tokio::test]
async fn a_token_that_no_revocation_could_name_is_refused_where_a_feed_is_followed() {
    let issuer = Issuer::start().await;
    let verifier = following(&issuer).await;
    for changes in [
        json!({"sid": null}),
        json!({"gen": null}),
        json!({"iss_no": null}),
        json!({"gen": -1}),
        json!({"gen": "4"}),
        json!({"sid": "8f14e45f-ceea"}),
        json!({"sub": "somebody"}),
    ] {
        let judged = verifier.verify(&issuer.token_with(&changes)).await;
        assert_eq!(refusal(judged), Refusal::TokenInvalid(Refused::BadClaims), "{changes}");
    }
}

#[tokio::test]
async fn expiry_is_exact_where_a_feed_is_followed() {
    let issuer = Issuer::start().await;
    let verifier = following(&issuer).await;
    let token = issuer.token_with(&json!({"exp": NOW + 5}));
    issuer.clock.advance(std::time::Duration::from_millis(4999));
    assert!(verifier.verify(&token).await.is_ok());
    issuer.clock.advance(std::time::Duration::from_millis(1));
    assert_eq!(refusal(verifier.verify(&token).await), Refusal::TokenExpired);
}

#[tokio::test]
async fn no_token_outlives_what_the_feed_says_or_the_builder() {
    let issuer = Issuer::start().await;
    issuer.access_for_ms(4000);
    let verifier = following(&issuer).await;
    let foreign = issuer.builder().tokens_live_at_most(secs(4)).leeway(secs(0)).build().unwrap();
    let token = issuer.token();
    for verifier in [&verifier, &foreign] {
        assert!(verifier.verify(&token).await.is_ok());
    }
    issuer.clock.advance(secs(4));
    for verifier in [&verifier, &foreign] {
        assert_eq!(refusal(verifier.verify(&token).await), Refusal::TokenExpired);
    }
}

#[tokio::test]
async fn a_stream_ends_with_its_key_and_its_time_but_not_because_another_key_came() {
    let issuer = Issuer::start().await;
    let verifier = issuer.builder().build().unwrap();
    let open = |token: AccessToken| {
        let verifier = verifier.clone();
        tokio::spawn(async move { verifier.ended(&token).await })
    };
    let long = verifier.verify(&issuer.token_with(&json!({"exp": NOW + 9000}))).await.unwrap();
    let (long, short) =
        (open(long), open(verifier.verify(&issuer.token_with(&json!({"exp": NOW + 5}))).await.unwrap()));
    until("expired", || {
        issuer.clock.advance(secs(1));
        short.is_finished()
    })
    .await;
    assert_eq!(short.await.unwrap(), Refusal::TokenExpired);
    issuer.set_keys(vec![key(1), key(2)]);
    until("a key came", || {
        issuer.clock.advance(secs(10));
        verifier.status().keys == 2
    })
    .await;
    for _ in 0..3 {
        issuer.clock.advance(secs(1));
        settle().await;
        assert!(!long.is_finished());
    }
    issuer.set_keys(vec![key(2)]);
    until("its key went", || {
        issuer.clock.advance(secs(10));
        long.is_finished()
    })
    .await;
    assert_eq!(long.await.unwrap(), Refusal::TokenRevoked);
}

#[tokio::test]
async fn with_the_last_verifier_its_stream_is_closed() {
    let issuer = Issuer::start().await;
    let verifier = following(&issuer).await;
    drop(verifier.clone());
    settle().await;
    assert_eq!(issuer.streams(), 1);
    drop(verifier);
    until("closed", || {
        // A server notices a closed stream when it writes.
        if issuer.streams() > 0 {
            issuer.push_raw(": still there?\n\n");
        }
        issuer.streams() == 0
    })
    .await;
}
