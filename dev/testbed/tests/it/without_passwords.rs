//! Where nobody logs in with a password: people come by a provider.

use cloakroom_testbed::{House, Idp, PASSWORD};
use http::StatusCode;
use serde_json::json;

const ANN: &str = "ann@example.com";

/// There is mail, which could bring a password.
const MAIL: &str = "mail.confirm_addresses = false\n";
const OFF: &str = "mail.confirm_addresses = false\npassword.log_in = false\n";

#[tokio::test]
async fn without_passwords_there_is_the_provider_alone_and_nothing_else_opens_or_makes_an_account() {
    let mut house = House::with_mail(MAIL).await;
    let before = house.signed_in("bob@example.com").await;
    let idp = Idp::start(std::sync::Arc::clone(&house.clock)).await;
    house.restart_with(&format!("{OFF}{}", idp.config("example", ""))).await;

    let guest = house.guest();
    let page = guest.visit("/auth/login").await.text();
    assert!(page.contains("/auth/provider/example"), "{page}");
    for gone in ["type=\"password\"", "/auth/forgot", "/auth/signup", ">or<"] {
        assert!(!page.contains(gone), "{gone}: {page}");
    }
    for page in ["/auth/signup", "/auth/forgot", "/auth/reset"] {
        let answer = guest.visit(page).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{page}");
        assert!(answer.text().contains("There are no passwords here"), "{page}: {}", answer.text());
    }
    let who = json!({ "email": "bob@example.com", "password": PASSWORD });
    for (path, body) in [
        ("/auth/login", who.clone()),
        ("/auth/signup", json!({ "email": ANN, "password": PASSWORD })),
        ("/auth/password/forgot", json!({ "email": "bob@example.com" })),
        ("/auth/password/reset", json!({ "token": "none", "password": PASSWORD })),
    ] {
        let answer = guest.fetch("POST", path, Some(body)).await;
        assert_eq!((answer.status, answer.code().as_str()), (StatusCode::FORBIDDEN, "passwords-off"), "{path}");
    }
    // Whoever is in stays so, and has no password to change.
    assert_eq!(before.fetch("GET", "/auth/me", None).await.status, StatusCode::OK);
    assert!(!before.visit("/auth/account").await.text().contains("/auth/password/change"));
    let body = json!({ "current": PASSWORD, "password": "walnut harbour violet cedar" });
    assert_eq!(before.fetch("POST", "/auth/password/change", Some(body)).await.code(), "passwords-off");

    let sent = guest.visit("/auth/provider/example?return_to=/app/notes").await;
    let back = idp.log_in(sent.header("location"), json!({ "sub": "1", "email": ANN }));
    assert_eq!(guest.visit_from("cross-site", &back).await.header("location"), "/app/notes");
    assert_eq!(guest.fetch("GET", "/auth/me", None).await.json()["account"]["email"], ANN);
    house.close().await;
}

#[tokio::test]
async fn the_last_identity_stays_where_a_password_opens_nothing() {
    let mut house = House::with_mail(MAIL).await;
    let idp = Idp::start(std::sync::Arc::clone(&house.clock)).await;
    house.restart_with(&format!("{MAIL}{}", idp.config("example", ""))).await;
    let ann = house.signed_in(ANN).await;
    let password = json!({ "password": PASSWORD });
    let approval = ann.approved_of(&json!({ "act": "add-provider", "provider": "example" }), &password).await;
    let link = json!({ "provider": "example", "step_up": approval });
    let begun = ann.fetch("POST", "/auth/providers/link", Some(link)).await.json();
    let back = idp.log_in(begun["continue_at"].as_str().unwrap(), json!({ "sub": "1", "email": ANN }));
    assert_eq!(ann.visit_from("cross-site", &back).await.header("location"), "/auth/account?notice=provider-added");

    let page = ann.visit("/auth/account").await.text();
    let identity = page.split("name=\"identity\" value=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap();
    let change = json!({ "act": "remove-provider", "identity": identity });
    let approval = ann.approved_of(&change, &password).await;
    let remove = async || {
        let body = json!({ "identity": identity, "step_up": approval });
        ann.fetch("POST", "/auth/providers/unlink", Some(body)).await
    };
    house.restart_with(&format!("{OFF}{}", idp.config("example", ""))).await;
    assert_eq!(remove().await.code(), "last-way-in");
    // A password that may have leaked, and that nobody can change any more, approves nothing either.
    let opened = ann.fetch("POST", "/auth/step-up", Some(change.clone())).await.json();
    let page = format!("/auth/step-up/{}", opened["id"].as_str().unwrap());
    assert_eq!(ann.fetch("POST", &page, Some(password.clone())).await.code(), "proof-not-accepted");
    let address = json!({ "email": "ann.new@example.com", "step_up": approval });
    assert_eq!(ann.fetch("POST", "/auth/email/change", Some(address)).await.code(), "passwords-off");
    house.restart_with(&format!("{MAIL}{}", idp.config("example", ""))).await;
    assert_eq!(remove().await.status, StatusCode::NO_CONTENT);
    house.close().await;
}
