//! `cloakroom clients` beside a running server: what is registered gets tokens at once, and what is removed no more.

use crate::house::House;
use crate::program::{code, run, text};
use crate::upstream::Upstream;
use crate::visitor::full;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

async fn done(house: &House, arguments: &[&str]) -> String {
    let output = run(house.folder(), arguments).await;
    assert_eq!(code(&output), 0, "{arguments:?}: {}", text(&output.stderr));
    text(&output.stdout)
}

async fn token(house: &House, id: &str, secret: &str) -> (u16, Value) {
    let by = format!("Basic {}", STANDARD.encode(format!("{id}:{secret}")));
    let headers = [("authorization", by.as_str()), ("content-type", "application/x-www-form-urlencoded")];
    let body = full("grant_type=client_credentials");
    let answer = house.visitor().ask("POST", "/auth/token", &headers, body).await.unwrap();
    (answer.status, answer.json())
}

const CREATE: [&str; 8] =
    ["clients", "create", "reports", "--grant", "client_credentials", "--audience", "stock", "--scope=stock.read"];

#[tokio::test]
async fn an_operator_registers_lists_and_removes_a_service() {
    let upstream = Upstream::start("first").await;
    let house = House::before(upstream.address);
    let server = house.serve().await;
    let created = done(&house, &[&CREATE[..], &["--json"]].concat()).await;
    let created: Value = serde_json::from_str(&created).unwrap();
    let secret = created["client_secret"].as_str().unwrap();
    assert!(secret.len() > 40, "256 random bits");
    let (status, said) = token(&house, "reports", secret).await;
    assert_eq!((status, said["scope"].as_str()), (200, Some("stock.read")), "{said}");
    assert_eq!(token(&house, "reports", "wrong").await.0, 401);

    // Shown once: no list has it, and nothing in the database, plain or as text.
    let listed = done(&house, &["clients", "list", "--json"]).await;
    let rows: Value = serde_json::from_str(&listed).unwrap();
    assert_eq!((rows[0]["client_id"].as_str(), rows[0]["proof"].as_str()), (Some("reports"), Some("secret")));
    assert!(!listed.contains(secret) && done(&house, &["clients", "list"]).await.contains("reports"));
    server.stop().await;
    for file in std::fs::read_dir(house.folder()).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap_or_default();
        assert!(!bytes.windows(secret.len()).any(|window| window == secret.as_bytes()));
    }

    let server = house.serve().await;
    assert_eq!(token(&house, "reports", secret).await.0, 200, "after a restart");
    done(&house, &["clients", "remove", "reports"]).await;
    assert_eq!(token(&house, "reports", secret).await.0, 401);
    server.stop().await;
}

#[tokio::test]
async fn what_cannot_be_registered_is_told_and_changes_nothing() {
    let upstream = Upstream::start("first").await;
    let house = House::before(upstream.address);
    house.serve().await.stop().await;
    done(&house, &CREATE).await;
    std::fs::write(house.folder().join("private.json"), "{\"keys\":[{\"kty\":\"oct\",\"k\":\"AAAA\",\"kid\":\"a\"}]}")
        .unwrap();
    let with = |id: &'static str, more: &[&'static str]| [&["clients", "create", id], more].concat();
    let (grant, audience) = (["--grant", "client_credentials"], ["--audience", "stock"]);
    for (arguments, said) in [
        (CREATE.to_vec(), "there is a client reports already"),
        (with("Reports", &[&grant[..], &audience].concat()), "not 1 to 64 lower-case letters"),
        (with("cloakroom", &[&grant[..], &audience].concat()), "taken"),
        (with("a", &[&["--grant", "password"][..], &audience].concat()), "one of client_credentials"),
        (with("a", &[&["--grant", "jwt-bearer"][..], &audience].concat()), "needs keys"),
        (with("a", &[&["--grant", "token-exchange"][..], &audience].concat()), "audience: this is required"),
        (with("a", &[&grant[..], &audience, &["--jwks", "private.json"]].concat()), "no JSON Web Key Set"),
        (vec!["clients", "remove", "nobody"], "there is no client nobody"),
    ] {
        let output = run(house.folder(), &arguments).await;
        assert_eq!(code(&output), 2, "{arguments:?}");
        assert!(text(&output.stderr).contains(said), "{arguments:?}: {}", text(&output.stderr));
        assert!(!text(&output.stderr).contains("AAAA"));
    }
    let rows: Value = serde_json::from_str(&done(&house, &["clients", "list", "--json"]).await).unwrap();
    assert_eq!(rows.as_array().unwrap().len(), 1);
}
