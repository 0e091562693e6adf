//! Proofs of an approval: which are good, how many wrong ones there are, and what happens to an approval whose owner is gone.

use crate::approving::{Approval, Authenticator, BANK, Call, Judged, apart};
use cloakroom_testbed::{House, PASSWORD};
use serde_json::{Value, json};

#[tokio::test]
async fn asvs_6_3_1_five_wrong_proofs_end_an_approval_and_the_account_waits() {
    for set_up in [BANK.to_owned(), apart()] {
        let house = House::with(&set_up).await;
        let ann = house.signed_in("ann@example.com").await;
        let call = Call::transfer();
        let approval = call.ask(&ann).await;
        for left in (1..5).rev() {
            let wrong = approval.prove_by_page(&ann, "password", "not the password of ann").await;
            assert_eq!(wrong.status, 422, "{}", wrong.text());
            assert!(wrong.text().contains(&format!(" {left} tr")), "{}", wrong.text());
        }
        approval.prove(&ann, json!({ "password": "not the password of ann" })).await.refused(410, "step-up-over");
        approval.prove(&ann, json!({ "password": PASSWORD })).await.refused(410, "step-up-over");
        approval.collect(&ann).await.refused(410, "step-up-over");
        assert_eq!(approval.page(&ann).await.status, 410);

        // Another approval begins where this one ended: not with five more.
        let next = call.ask(&ann).await;
        let early = next.prove(&ann, json!({ "password": PASSWORD })).await;
        early.refused(429, "too-many-attempts");
        assert_eq!(early.header("retry-after"), "1");
        let on_page = next.prove_by_page(&ann, "password", PASSWORD).await;
        assert_eq!((on_page.status.as_u16(), on_page.header("retry-after")), (429, "1"));
        assert!(on_page.text().contains("Try again in 1 second."), "{}", on_page.text());
        house.advance(1);
        next.prove(&ann, json!({ "password": PASSWORD })).await.done();
        let grant = next.grant(&house, &ann).await;
        call.with_grant(&ann, &grant).await.done();
        // Her proof emptied the bucket.
        let after = call.ask(&ann).await;
        after.prove(&ann, json!({ "password": "not the password of ann" })).await.refused(422, "proof-wrong");
        house.close().await;
    }
}

#[tokio::test]
async fn who_opens_approvals_to_guess_in_gets_no_more_guesses() {
    let house = House::with(&apart()).await;
    let ann = house.signed_in("ann@example.com").await;
    let call = Call::vault();
    let (mut let_through, mut refused) = (0, 0);
    // An hour of it: thirty guesses every ten seconds, in as many approvals as there may be.
    for round in 0..360 {
        if round % 24 == 0 {
            assert!([200, 409].contains(&ann.refresh().await.status.as_u16()));
        }
        let opened = ann.fetch("POST", "/auth/step-up", Some(call.wish(&[]))).await;
        if opened.status == 201 {
            let approval = Approval::of(&opened);
            let guess = || approval.prove(&ann, json!({ "password": "not the password of ann" }));
            for answer in futures_util::future::join_all((0..6).map(|_| guess())).await {
                match answer.status.as_u16() {
                    422 | 410 => let_through += 1,
                    429 => refused += 1,
                    other => panic!("{other}: {}", answer.text()),
                }
            }
        } else {
            opened.refused(429, "too-many-attempts");
        }
        house.advance(10);
    }
    // Five at once, then 1, 2, 4 … 512, then one in every 900 seconds: within an hour, 5 + 10 + (3600 - 1023) / 900.
    eprintln!("guesses of proofs let through within an hour: {let_through}, refused unread: {refused}");
    assert!((10..=18).contains(&let_through), "{let_through}");
    assert!(refused > 200, "{refused}");
    house.close().await;
}

#[tokio::test]
async fn asvs_7_5_3_a_proof_that_is_not_good_enough_is_not_looked_at() {
    let house = House::with(&apart()).await;
    let ann = house.signed_in("ann@example.com").await;
    let call = Call::transfer();
    let not_good = async |approval: &Approval, proofs: &[Value]| {
        for proof in proofs {
            approval.prove(&ann, proof.clone()).await.refused(403, "proof-not-accepted");
        }
    };
    let approval = call.ask(&ann).await;
    let none_of_hers = [
        json!({ "totp": "123456" }),
        json!({ "recovery": "AAAA-AAAA-AAAA-AAAA" }),
        json!({ "mail": "12345678" }),
        json!({ "passkey": {} }),
        json!({ "send": "on" }),
    ];
    not_good(&approval, &none_of_hers).await;
    for unreadable in [
        json!({}),
        json!({ "password": "" }),
        json!({ "password": PASSWORD, "totp": "123456" }),
        json!({ "password": [PASSWORD] }),
        json!({ "password": true }),
        json!([PASSWORD]),
    ] {
        approval.prove(&ann, unreadable).await.refused(400, "bad-request");
    }
    assert_eq!(approval.collect(&ann).await.status, 202);
    let (app, codes) = Authenticator::enrolled(&house, &ann).await;
    // Enrolling took another session's place: the approval of the one before is over with it.
    approval.prove(&ann, json!({ "totp": app.code(&house) })).await.refused(410, "step-up-over");

    let approval = call.ask(&ann).await;
    not_good(&approval, &[json!({ "password": PASSWORD }), json!({ "mail": "12345678" }), json!({ "send": "on" })])
        .await;
    approval.prove(&ann, json!({ "recovery": codes[0] })).await.done();
    let grant = approval.grant(&house, &ann).await;
    call.with_grant(&ann, &grant).await.done();
    house.close().await;
}

#[tokio::test]
async fn asvs_6_5_1_one_code_approves_one_thing_even_at_the_same_instant() {
    let house = House::with(&apart()).await;
    let ann = house.signed_in("ann@example.com").await;
    let (app, codes) = Authenticator::enrolled(&house, &ann).await;
    let call = Call::vault();
    for proof in [json!({ "totp": app.code(&house) }), json!({ "recovery": codes[0] })] {
        let mut approvals = Vec::new();
        for _ in 0..4 {
            approvals.push(call.ask(&ann).await);
        }
        let tried = futures_util::future::join_all(approvals.iter().map(|one| one.prove(&ann, proof.clone()))).await;
        let approved = tried.iter().filter(|answer| answer.status.is_success()).count();
        assert_eq!(approved, 1, "{:?}", tried.iter().map(|answer| answer.status).collect::<Vec<_>>());
        let mut collected = 0;
        for one in &approvals {
            collected += usize::from(one.collect(&ann).await.status == 200);
        }
        assert_eq!(collected, 1);
        house.advance(60);
    }
    house.close().await;
}

#[tokio::test]
async fn an_approval_ends_with_its_session_and_with_its_account() {
    for set_up in [BANK.to_owned(), apart()] {
        let house = House::with(&set_up).await;
        let phone = house.signed_in("ann@example.com").await;
        let call = Call::transfer();
        let is_over = async |approval: &Approval| {
            approval.prove(&phone, json!({ "password": PASSWORD })).await.refused(410, "step-up-over");
            assert_eq!(approval.page(&phone).await.status, 410);
        };
        // Logged out before the proof, and after it.
        let ann = house.guest();
        ann.log_in("ann@example.com").await;
        let (waiting, approved) = (call.ask(&ann).await, call.ask(&ann).await);
        approved.prove(&ann, json!({ "password": PASSWORD })).await.done();
        let grant = call.granted(&house, &ann).await;
        let copied = ann.copied();
        ann.fetch("POST", "/auth/logout", None).await.done();
        is_over(&waiting).await;
        is_over(&approved).await;
        for guest in [&ann, &copied] {
            approved.collect(guest).await.refused(401, "signed-out");
            call.with_grant(guest, &grant).await.refused(401, "signed-out");
        }
        // The next session of the same account has nothing of it.
        ann.log_in("ann@example.com").await;
        approved.collect(&ann).await.refused(410, "step-up-over");
        call.with_grant(&ann, &grant).await.refused(403, "step-up-refused");

        let (waiting, approved) = (call.ask(&ann).await, call.ask(&ann).await);
        approved.prove(&ann, json!({ "password": PASSWORD })).await.done();
        let grant = call.granted(&house, &ann).await;
        let app = house.running().app();
        let account = app.account_by_email("ann@example.com").await.unwrap().unwrap().id;
        app.disable_account(account, true).await.unwrap();
        is_over(&waiting).await;
        is_over(&approved).await;
        approved.collect(&ann).await.refused(401, "signed-out");
        call.with_grant(&ann, &grant).await.refused(401, "signed-out");
        app.disable_account(account, false).await.unwrap();
        is_over(&waiting).await;
        call.with_grant(&ann, &grant).await.refused(401, "signed-out");
        assert!(house.echo.take().is_empty());
        house.close().await;
    }
}

#[tokio::test]
async fn nobody_guesses_the_name_of_an_approval() {
    let house = House::with(&apart()).await;
    let ann = house.signed_in("ann@example.com").await;
    let approval = Call::transfer().ask(&ann).await;
    assert_eq!(approval.id.len(), 22, "128 random bits");
    for id in [
        "AAAAAAAAAAAAAAAAAAAAAA",
        "x",
        "collect",
        "passkey",
        "%00",
        &"A".repeat(5000),
        &format!("{}A", approval.id),
        &approval.id[..21],
    ] {
        let guessed = Approval { id: id.into(), path: format!("/auth/step-up/{id}"), ..approval.clone() };
        if !["passkey", "collect"].contains(&id) {
            assert!([404, 410].contains(&guessed.page(&ann).await.status.as_u16()), "{id}");
        }
        if !["passkey", "collect"].contains(&id) {
            guessed.prove(&ann, json!({ "password": PASSWORD })).await.refused(410, "step-up-over");
        }
        guessed.collect(&ann).await.refused(410, "step-up-over");
    }
    for body in [json!({}), json!({ "id": 7 }), json!({ "id": [approval.id] })] {
        ann.fetch("POST", "/auth/step-up/collect", Some(body)).await.refused(400, "bad-request");
    }
    assert_eq!(approval.collect(&ann).await.status, 202);
    house.close().await;
}

#[tokio::test]
async fn an_account_has_sixteen_open_approvals_at_most() {
    let house = House::with(&apart()).await;
    let ann = house.signed_in("ann@example.com").await;
    let bob = house.signed_in("bob@example.com").await;
    let phone = house.guest();
    phone.log_in("ann@example.com").await;
    let call = Call::vault();
    let mut approvals = Vec::new();
    for _ in 0..16 {
        approvals.push(call.ask(&ann).await);
    }
    for guest in [&ann, &phone] {
        let refused = guest.fetch("POST", "/auth/step-up", Some(call.wish(&[]))).await;
        refused.refused(429, "too-many-attempts");
        assert!(!refused.header("retry-after").is_empty());
    }
    call.ask(&bob).await;
    // One that is used up makes room, and so does time.
    approvals[3].prove(&ann, json!({ "password": PASSWORD })).await.done();
    let grant = approvals[3].grant(&house, &ann).await;
    call.with_grant(&ann, &grant).await.done();
    call.ask(&ann).await;
    ann.fetch("POST", "/auth/step-up", Some(call.wish(&[]))).await.refused(429, "too-many-attempts");
    house.advance(600);
    ann.refresh().await.done();
    call.ask(&ann).await;
    // However many are asked for at once.
    let at_once =
        futures_util::future::join_all((0..60).map(|_| ann.fetch("POST", "/auth/step-up", Some(call.wish(&[]))))).await;
    let opened = at_once.iter().filter(|answer| answer.status == 201).count();
    eprintln!("approvals opened of 60 asked for at once: {opened}");
    assert!(opened <= 15, "{opened} were opened beside one");
    house.close().await;
}
