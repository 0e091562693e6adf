//! Approving by a new log-in at a provider: for accounts that a provider opened where there is no mail, which have nothing else to
//! prove themselves with, and for nobody else.

use crate::approving::{BANK, Call, words};
use crate::provider_log_in::{ann, house_with, sent, who};
use cloakroom_testbed::{Answer, Guest, House, Idp, PASSWORD};
use http::StatusCode;
use serde_json::{Value, json};

const BUTTON: &str = "Approve by logging in again at Example ID";

/// A browser in which somebody has logged in by the provider.
async fn logged_in(house: &House, idp: &Idp, person: Value) -> Guest {
    let guest = house.guest();
    let to = sent(&guest, "/auth/provider/example").await;
    let answer = guest.visit_from("cross-site", &idp.log_in(&to, person)).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text());
    guest
}

/// Goes to the provider to prove an approval: where it is sent.
async fn leave(guest: &Guest, approval: &str) -> String {
    let answer = guest.prove(approval, &json!({ "provider": "example" })).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    answer.json()["continue_at"].as_str().unwrap().to_owned()
}

/// Goes there, logs in as this person, and comes back.
async fn prove_as(guest: &Guest, idp: &Idp, approval: &str, person: Value) -> Answer {
    let to = leave(guest, approval).await;
    guest.visit_from("cross-site", &idp.log_in(&to, person)).await
}

async fn page_of(guest: &Guest, approval: &str) -> String {
    words(&guest.visit(&format!("/auth/step-up/{approval}")).await.text())
}

/// What an approval of `add-totp` is good for.
async fn begin_totp(guest: &Guest, approval: &str) -> Answer {
    guest.fetch("POST", "/auth/totp/begin", Some(json!({ "step_up": approval }))).await
}

#[tokio::test]
async fn oidc_3_1_2_1_somebody_who_has_nothing_else_approves_by_logging_in_there_anew() {
    let (house, idp) = house_with("").await;
    let guest = logged_in(&house, &idp, ann()).await;
    let approval = guest.ask_approval("add-totp").await;
    assert!(page_of(&guest, &approval).await.contains(BUTTON));
    assert_eq!(begin_totp(&guest, &approval).await.code(), "step-up-needed", "asked for is not approved");

    let to = leave(&guest, &approval).await;
    assert!(to.contains("prompt=login") && to.contains("max_age=0"), "{to}");
    assert!(!to.contains(&approval), "the provider hears no name of an approval");
    let back = idp.log_in(&to, ann());
    // Who has copied the address alone comes too late or to nothing: it is this browser's.
    let stranger = house.guest().visit_from("cross-site", &back).await;
    assert_eq!(stranger.status, StatusCode::GONE);
    let answer = guest.visit_from("cross-site", &back).await;
    let to = (answer.status, answer.header("location").to_owned());
    assert_eq!(to, (StatusCode::SEE_OTHER, format!("{}/auth/account/{approval}", house.origin())));
    assert_eq!(begin_totp(&guest, &approval).await.status, StatusCode::OK);
    assert_eq!(begin_totp(&guest, &approval).await.code(), "step-up-needed", "once");
    house.close().await;
}

#[tokio::test]
async fn a_person_without_javascript_goes_there_by_a_form() {
    let (house, idp) = house_with("").await;
    let guest = logged_in(&house, &idp, ann()).await;
    let approval = guest.ask_approval("add-passkey").await;
    let path = format!("/auth/step-up/{approval}");
    let page = guest.visit(&path).await;
    let answer = guest.fill(&page, &path, &[("provider", "example")]).await.text();
    let to = answer.split("<a href=\"").nth(1).unwrap().split('"').next().unwrap();
    let to = to.replace("&amp;", "&").replace("&#x2f;", "/");
    let back = guest.visit_from("cross-site", &idp.log_in(&to, ann())).await;
    assert_eq!(back.header("location"), format!("{}/auth/account/{approval}", house.origin()), "{}", back.text());
    house.close().await;
}

#[tokio::test]
async fn a_call_is_approved_by_it_and_passes_once() {
    let mut house = House::start().await;
    let idp = Idp::start(std::sync::Arc::clone(&house.clock)).await;
    house.restart_with(&format!("{BANK}{}", idp.config("example", ""))).await;
    let guest = logged_in(&house, &idp, ann()).await;
    let (call, approval) = (Call::vault(), Call::vault().ask(&guest).await);
    let answer = prove_as(&guest, &idp, &approval.id, ann()).await;
    assert!(answer.text().contains("<h1>Approved</h1>"), "{}", answer.text());
    let grant = approval.grant(&house, &guest).await;
    assert_eq!(call.with_grant(&guest, &grant).await.status, StatusCode::OK);
    assert_eq!(call.with_grant(&guest, &grant).await.code(), "step-up-refused");
    house.close().await;
}

#[tokio::test]
async fn an_old_log_in_there_and_one_of_unknown_age_approve_nothing() {
    let (house, idp) = house_with("").await;
    let guest = logged_in(&house, &idp, ann()).await;
    let approval = guest.ask_approval("add-totp").await;
    let an_hour_ago = cloakroom_app::Clock::now(&*house.clock).unix_seconds() - 3600;
    for auth_time in [json!(an_hour_ago), json!(null)] {
        let mut person = ann();
        person["auth_time"] = auth_time.clone();
        let answer = prove_as(&guest, &idp, &approval, person).await;
        assert_eq!(answer.status, StatusCode::BAD_GATEWAY, "{auth_time}: {}", answer.text());
        assert!(words(&answer.text()).contains("What the other site said cannot be trusted"), "{}", answer.text());
        assert_eq!(begin_totp(&guest, &approval).await.code(), "step-up-needed", "{auth_time}");
    }
    // The same way with a fresh one is good: it was the age.
    prove_as(&guest, &idp, &approval, ann()).await;
    assert_eq!(begin_totp(&guest, &approval).await.status, StatusCode::OK);
    house.close().await;
}

#[tokio::test]
async fn whoever_logs_in_there_as_somebody_else_approves_nothing_and_after_five_times_it_is_over() {
    let (house, idp) = house_with("").await;
    let bob = json!({ "sub": "bob", "email": "bob@example.com" });
    logged_in(&house, &idp, bob.clone()).await;
    let guest = logged_in(&house, &idp, ann()).await;
    let approval = guest.ask_approval("add-totp").await;
    // One who has an account here, and ones who have none.
    for (tries, person) in [(4, bob), (3, json!({ "sub": "eve" })), (2, json!({ "sub": "mallory" }))] {
        let answer = prove_as(&guest, &idp, &approval, person).await;
        let said = words(&answer.text());
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{said}");
        assert!(said.contains("You logged in there as somebody else."), "{said}");
        assert!(said.contains(BUTTON) && said.contains(&format!("{tries} tries are left")), "{said}");
        assert_eq!(begin_totp(&guest, &approval).await.code(), "step-up-needed");
        assert_eq!(who(&guest).await, "ann@example.com", "nobody is logged in by it");
        house.advance(20);
    }
    // Too late for the right one as well, once it is over.
    let late = idp.log_in(&leave(&guest, &approval).await, ann());
    for _ in 0..2 {
        prove_as(&guest, &idp, &approval, json!({ "sub": "eve" })).await;
        house.advance(20);
    }
    let answer = guest.visit_from("cross-site", &late).await;
    assert_eq!((answer.status, answer.header("location")), (StatusCode::GONE, ""), "{}", answer.text());
    assert_eq!(begin_totp(&guest, &approval).await.code(), "step-up-needed");
    house.close().await;
}

#[tokio::test]
async fn it_is_not_offered_where_there_is_something_better_or_an_origin_of_approvals() {
    // Mail; a password; an origin of their own, which the provider's answer would not come to.
    let apart = "server.approval_url = \"http://approve.localhost:{port}\"\n";
    for (has_mail, sets_password, before) in [(true, false, ""), (false, true, ""), (false, false, apart)] {
        let mut house = if has_mail { House::with_mail("").await } else { House::start().await };
        let idp = Idp::start(std::sync::Arc::clone(&house.clock)).await;
        house.restart_with(&format!("{before}{}", idp.config("example", ""))).await;
        let guest = if sets_password { with_both(&house, &idp).await } else { logged_in(&house, &idp, ann()).await };
        let approval = guest.ask_approval("add-totp").await;
        let approver = if before.is_empty() {
            guest.clone()
        } else {
            guest.at_origin(&format!("http://approve.localhost:{}", house.port()))
        };
        let page = page_of(&approver, &approval).await;
        assert!(page.contains("No, do not do this") && !page.contains("again at"), "{page}");
        let refused = approver.prove(&approval, &json!({ "provider": "example" })).await;
        assert_eq!(refused.code(), "proof-not-accepted", "{}", refused.text());
        house.close().await;
    }
}

/// Somebody who has a password, and has added the provider.
async fn with_both(house: &House, idp: &Idp) -> Guest {
    let guest = house.signed_in("ann@example.com").await;
    let change = json!({ "act": "add-provider", "provider": "example" });
    let approval = guest.approved_of(&change, &json!({ "password": PASSWORD })).await;
    let link = json!({ "provider": "example", "step_up": approval });
    let begun = guest.fetch("POST", "/auth/providers/link", Some(link)).await.json();
    let back = idp.log_in(begun["continue_at"].as_str().unwrap(), ann());
    assert_eq!(guest.visit_from("cross-site", &back).await.header("location"), "/auth/account?notice=provider-added");
    guest
}

#[tokio::test]
async fn a_provider_that_is_none_of_theirs_proves_nothing() {
    let mut house = House::start().await;
    let one = Idp::start(std::sync::Arc::clone(&house.clock)).await;
    let other = Idp::start(std::sync::Arc::clone(&house.clock)).await;
    house.restart_with(&format!("{}{}", one.config("example", ""), other.config("other", ""))).await;
    let guest = logged_in(&house, &one, ann()).await;
    let approval = guest.ask_approval("add-totp").await;
    for provider in ["other", "none"] {
        let refused = guest.prove(&approval, &json!({ "provider": provider })).await;
        assert_eq!(refused.code(), "proof-not-accepted", "{provider}: {}", refused.text());
    }
    house.close().await;
}
