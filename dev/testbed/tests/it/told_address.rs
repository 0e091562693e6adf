//! The address of a person, in the tokens of applications that are to know it and in no other.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use cloakroom_testbed::{Guest, House};
use http::StatusCode;
use serde_json::{Value, json};

/// Two applications of one audience, one of which is told; an open one, and a public one.
const HOUSE: &str = r#"
mail.confirm_addresses = false
server.trusted_proxies = ["127.0.0.1"]
forward_auth.listen = ["127.0.0.1:0"]
[[upstream]]
name = "told"
path = "/told"
to = "http://{echo}"
access = "signed-in"
audience = "both"
claims = ["email"]
[[upstream]]
name = "untold"
path = "/untold"
to = "http://{echo}"
access = "signed-in"
audience = "both"
[[upstream]]
name = "open"
path = "/open"
to = "http://{echo}"
access = "optional"
[[upstream]]
name = "public"
to = "http://{echo}"
access = "public"
"#;

/// The claims that an application gets.
async fn claims(house: &House, guest: &Guest, path: &str) -> Value {
    assert_eq!(guest.fetch("GET", path, None).await.status, StatusCode::OK);
    let token = house.echo.one().header("authorization").unwrap().to_owned();
    let payload = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}

#[tokio::test]
async fn an_application_that_is_to_know_it_is_told_the_address_once_it_is_confirmed() {
    let house = House::with_mail(HOUSE).await;
    let ann = house.signed_in("ann@example.com").await;
    let told = claims(&house, &ann, "/told/x").await;
    // Anybody can sign up with the address of somebody else.
    assert!(told.get("email").is_none() && told.get("email_verified").is_none(), "{told}");
    // Of the same audience, in either order.
    for path in ["/untold/x", "/open/x"] {
        let untold = claims(&house, &ann, path).await;
        assert!(untold.get("email").is_none() && untold.get("email_verified").is_none(), "{path}: {untold}");
        assert_eq!(untold["sub"], told["sub"]);
    }
    let token = house.last_mail_to("ann@example.com", 1).await.token();
    let confirm = json!({ "token": token, "password": cloakroom_testbed::PASSWORD });
    assert_eq!(ann.fetch("POST", "/auth/email/verify", Some(confirm)).await.status, StatusCode::NO_CONTENT);
    house.advance(301);
    assert_eq!(ann.refresh().await.status, StatusCode::OK);
    let told = claims(&house, &ann, "/told/x").await;
    assert_eq!((&told["email"], &told["email_verified"]), (&json!("ann@example.com"), &json!(true)));
    // Of the same audience, in either order.
    let untold = claims(&house, &ann, "/untold/x").await;
    assert!(untold.get("email").is_none() && untold.get("email_verified").is_none(), "{untold}");
    assert_eq!(claims(&house, &ann, "/told/x").await["email"], "ann@example.com");
    house.close().await;
}

#[tokio::test]
async fn asvs_4_1_3_no_client_says_its_own_address() {
    let house = House::with_mail(HOUSE).await;
    let ann = house.signed_in("ann@example.com").await;
    let mine = [("sec-fetch-site", "same-origin"), ("cloakroom-email", "boss@example.com")];
    for path in ["/told/x", "/open/x", "/x"] {
        assert_eq!(ann.send("GET", path, &mine, "").await.status, StatusCode::OK, "{path}");
        assert!(house.echo.one().header("cloakroom-email").is_none(), "{path}");
    }
    // Where another proxy carries the request, the field is there in every answer, to replace the client's.
    let cookie = format!("__Host-Http-cloakroom={}", ann.cookie("__Host-Http-cloakroom").unwrap());
    let proxy = house.guest_by(house.running().forward_auth[0].port());
    let public = house.origin();
    for path in ["/told/x", "/untold/x", "/x"] {
        let question = [
            ("x-forwarded-method", "GET"),
            ("x-forwarded-uri", path),
            ("x-forwarded-host", public.trim_start_matches("http://")),
            ("x-forwarded-for", "203.0.113.7"),
            ("cookie", cookie.as_str()),
            ("cloakroom-email", "boss@example.com"),
        ];
        let answer = proxy.send("GET", "/auth/verify", &question, "").await;
        assert_eq!(answer.status, StatusCode::NO_CONTENT, "{path}: {}", answer.text());
        house.watch.secret(answer.header("authorization").trim_start_matches("Bearer "));
        assert!(
            answer.headers.contains_key("cloakroom-email") && answer.header("cloakroom-email").is_empty(),
            "{path}"
        );
    }
    house.close().await;
}
