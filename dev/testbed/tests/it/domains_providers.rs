//! Log-in at a provider on another host of the site than the public one, to which providers send people back.

use cloakroom_testbed::{Answer, Guest, House, Idp};
use http::StatusCode;
use serde_json::json;

const APP: &str = "server.public_url = \"http://app.cloak.localhost:{port}\"\n";
const DOMAIN: &str = "cookie.domain = \"cloak.localhost\"\n";

/// An application on another host, below the domain or not.
fn upstream(host: &str) -> String {
    format!("[[upstream]]\nname = {host:?}\nhost = {host:?}\nto = \"http://{{echo}}\"\naccess = \"signed-in\"\n")
}

async fn house(more: &str) -> (House, Idp) {
    let mut house = House::start().await;
    let idp = Idp::start(std::sync::Arc::clone(&house.clock)).await;
    let hosts = upstream("api.cloak.localhost") + &upstream("elsewhere.localhost");
    house.restart_with(&format!("{APP}{more}{}{hosts}", idp.config("example", ""))).await;
    (house, idp)
}

fn at(house: &House, host: &str) -> (Guest, String) {
    let origin = format!("http://{host}:{}", house.port());
    (house.guest().at_origin(&origin), origin)
}

fn led(answer: &Answer) -> String {
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text());
    answer.header("location").to_owned()
}

/// Follows an address from host to host, as a browser does.
async fn go(guest: &Guest, to: &str) -> (Guest, String) {
    let url = url::Url::parse(to).unwrap();
    let there = guest.at_origin(&url.origin().ascii_serialization());
    let path = url.query().map_or_else(|| url.path().to_owned(), |query| format!("{}?{query}", url.path()));
    let answer = there.visit_from("same-site", &path).await;
    let led = led(&answer);
    let next = if led.starts_with('/') { format!("{}{led}", there.origin()) } else { led };
    (there, next)
}

#[tokio::test]
async fn a_log_in_that_begins_on_another_host_of_the_domain_comes_back_to_it() {
    let (house, idp) = house(DOMAIN).await;
    let (ann, origin) = at(&house, "api.cloak.localhost");
    let public = format!("http://app.cloak.localhost:{}", house.port());
    let page = ann.visit("/auth/login?return_to=/notes?x=1%26y=2").await.text();
    assert!(page.contains("/auth/provider/example?return_to="), "{page}");

    let over = led(&ann.visit("/auth/provider/example?return_to=/notes?x=1%26y=2&remember=on").await);
    assert!(over.starts_with(&format!("{public}/auth/provider/example?return_to=")), "{over}");
    assert_eq!(ann.cookie("__Host-Http-cloakroom-waiting"), None, "what waits stays with the host of the answer");
    let (there, sent) = go(&ann, &over).await;
    let back = idp.log_in(&sent, json!({ "sub": "1", "email": "ann@example.com" }));
    let onward = led(&there.visit_from("cross-site", &back).await);
    let (_, home) = go(&there, &format!("{public}{onward}")).await;
    assert_eq!(home, format!("{origin}/notes?x=1&y=2"));
    assert_eq!(ann.fetch("GET", "/notes", None).await.status, StatusCode::OK);

    // Who is in already is led back at once, from either host.
    assert_eq!(led(&ann.visit("/auth/provider/example?return_to=/more").await), "/more");
    assert_eq!(go(&ann, &over).await.1, format!("{public}{onward}"));
    house.close().await;
}

#[tokio::test]
async fn asvs_3_7_2_nobody_is_led_to_a_host_that_the_configuration_does_not_name() {
    let (house, idp) = house(DOMAIN).await;
    let (ann, origin) = at(&house, "app.cloak.localhost");
    for host in [
        "evil.example",
        "elsewhere.localhost",
        "evil.cloak.localhost",
        "cloak.localhost",
        "api.cloak.localhost.evil.example",
        "api.cloak.localhost@evil.example",
        "api.cloak.localhost:81",
        "//evil.example",
        "",
    ] {
        let host: String = url::form_urlencoded::byte_serialize(host.as_bytes()).collect();
        let onward = format!("/auth/onward?host={host}&return_to=/x");
        assert_eq!(led(&ann.visit(&onward).await), "/x", "{host}");
        // The same through a whole log-in.
        let guest = house.guest().at_origin(&origin);
        let asked: String = url::form_urlencoded::byte_serialize(onward.as_bytes()).collect();
        let sent = led(&guest.visit(&format!("/auth/provider/example?return_to={asked}")).await);
        let back = idp.log_in(&sent, json!({ "sub": "1", "email": "ann@example.com" }));
        let after = led(&guest.visit_from("cross-site", &back).await);
        assert_eq!(led(&guest.visit(&after).await), "/x", "{host}");
    }
    for path in ["//evil.example", "https://evil.example", "/\\evil.example", "/auth/logout"] {
        let path: String = url::form_urlencoded::byte_serialize(path.as_bytes()).collect();
        let onward = led(&ann.visit(&format!("/auth/onward?host=api.cloak.localhost&return_to={path}")).await);
        assert_eq!(onward, format!("http://api.cloak.localhost:{}/", house.port()));
    }
    house.close().await;
}

#[tokio::test]
async fn where_the_session_would_be_of_no_use_there_is_no_button_and_a_page_that_says_so() {
    let (house, _idp) = house("").await;
    let (ann, _) = at(&house, "api.cloak.localhost");
    let public = format!("http://app.cloak.localhost:{}", house.port());
    let page = ann.visit("/auth/login").await.text().replace("&#x2f;", "/");
    assert!(!page.contains("/auth/provider/example") && page.contains(&format!("{public}/auth/login")), "{page}");
    let refused = ann.visit("/auth/provider/example").await;
    assert_eq!(refused.status, StatusCode::NOT_FOUND);
    assert!(refused.text().contains("That log-in is at another address of this site"), "{}", refused.text());
    assert_eq!(refused.cookies(), Vec::<String>::new());
    let (home, _) = at(&house, "app.cloak.localhost");
    assert!(home.visit("/auth/login").await.text().contains("/auth/provider/example"));
    // Another name of this machine, which nobody has configured: to the public one, and to stay there.
    let (alias, _) = at(&house, "127.0.0.1");
    let over = led(&alias.visit("/auth/provider/example?return_to=/x").await);
    assert_eq!(over, format!("{public}/auth/provider/example?return_to=%2Fx"));
    house.close().await;
}

#[tokio::test]
async fn an_identity_is_added_on_the_public_host_only() {
    let (house, _idp) = house(DOMAIN).await;
    let (home, _) = at(&house, "app.cloak.localhost");
    home.sign_up("ann@example.com").await;
    home.log_in("ann@example.com").await;
    assert!(home.visit("/auth/account").await.text().contains("Add Example ID"));
    let (_, origin) = at(&house, "api.cloak.localhost");
    let api = home.at_origin(&origin);
    assert!(!api.visit("/auth/account").await.text().contains("Add Example ID"));
    house.close().await;
}
