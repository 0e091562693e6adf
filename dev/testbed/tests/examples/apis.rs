//! What each API refuses, asked past the gateway with tokens that the gateway has made: nobody knows whether a token is good
//! but the API itself.

use crate::deadline::until;
use crate::example::Example;
use cloakroom_testbed::Guest;
use http::StatusCode;
use serde_json::json;

/// The token that an upstream is sent.
async fn token(example: &Example, guest: &Guest, path: &str) -> String {
    assert_eq!(guest.fetch("GET", path, None).await.status, StatusCode::OK);
    let seen = example.echo.one();
    seen.header("authorization").unwrap().strip_prefix("Bearer ").unwrap().to_owned()
}

/// The same with one character of the signature changed; the first, since the last one is not all significant.
fn forged(token: &str) -> String {
    let (rest, signature) = token.rsplit_once('.').unwrap();
    let other = if signature.starts_with('A') { "B" } else { "A" };
    format!("{rest}.{other}{}", &signature[1..])
}

async fn judges(name: &str, follows_feed: bool) {
    let example = Example::start(name).await;
    let guest = example.guest();
    guest.sign_up("ada@example.com").await;
    guest.log_in("ada@example.com").await;
    let thing = json!({ "name": "an umbrella" });
    let left = guest.fetch("POST", "/api/things", Some(thing)).await;
    assert_eq!((left.status, left.json()), (StatusCode::CREATED, json!({ "things": ["an umbrella"] })));
    for bad in [json!({ "name": " " }), json!({ "name": 1 }), json!({})] {
        assert_eq!(guest.fetch("POST", "/api/things", Some(bad)).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    }
    let other = example.guest();
    other.sign_up("bob@example.com").await;
    other.log_in("bob@example.com").await;
    assert_eq!(
        other.fetch("GET", "/api/things", None).await.json(),
        json!({ "things": [] }),
        "everybody sees their own"
    );

    let (good, foreign) = (token(&example, &guest, "/same").await, token(&example, &guest, "/spy").await);
    assert_eq!(example.api(Some(&good)).await, (200, String::new()));
    let refused = |code: &str| (401, code.to_owned());
    assert_eq!(example.api(None).await, refused("token-missing"));
    assert_eq!(example.api(Some(&foreign)).await, refused("token-invalid"), "RFC 9068 section 4: another audience");
    assert_eq!(example.api(Some(&forged(&good))).await, refused("token-invalid"));
    assert_eq!(example.api(Some("none")).await, refused("token-invalid"));

    // The session ends; its token has not expired.
    let late = token(&example, &other, "/same").await;
    assert_eq!(guest.fetch("POST", "/auth/logout", None).await.status, StatusCode::NO_CONTENT);
    assert_eq!(
        guest.fetch("GET", "/api/things", None).await.status,
        StatusCode::UNAUTHORIZED,
        "the gateway knows at once"
    );
    if follows_feed {
        until("the API hears of the end", async || {
            let said = example.api(Some(&good)).await;
            (said == refused("token-revoked")).then_some(())
        })
        .await;
    } else {
        assert_eq!(example.api(Some(&good)).await.0, 200, "as its README says, until it expires");
    }
    assert_eq!(example.api(Some(&late)).await.0, 200);
    example.advance(301);
    assert_eq!(example.api(Some(&late)).await, refused("access-expired"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn axum_with_cloakroom_verify_judges_by_itself_and_hears_of_a_log_out() {
    judges("react-axum", true).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn express_with_jose_judges_by_itself() {
    judges("express", false).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fastapi_with_pyjwt_judges_by_itself() {
    judges("fastapi", false).await;
}
