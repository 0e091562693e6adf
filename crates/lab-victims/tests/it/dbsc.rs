//! S18: registration, refresh, and what is refused, as Chromium 156 sends it (w3c/webappsec-dbsc).

use bytes::Bytes;
use cloakroom_lab_victims::What;
use http::{Method, Response, StatusCode, header};
use serde_json::{Value, json};

use crate::device::Device;
use crate::visitor::{EMAIL, PASSWORD, Visitor, body, pass};

const BOUND: &str = "__Host-Http-bound";

struct Browser {
    visitor: Visitor,
    device: Device,
    /// The last registration challenge.
    challenge: String,
    id: String,
}

/// What stands in quotes behind `name`.
fn quoted(text: &str, name: &str) -> String {
    text.split_once(name).unwrap().1.split('"').nth(1).unwrap().to_owned()
}

impl Browser {
    async fn inside() -> Self {
        let mut visitor = Visitor::of("S18");
        let answer = visitor.post("/api/login", &json!({ "email": EMAIL, "password": PASSWORD })).await;
        let asked = answer.headers()["secure-session-registration"].to_str().unwrap();
        assert!(asked.starts_with("(ES256);path=\"/dbsc/register\";"));
        let challenge = quoted(asked, "challenge=");
        Self { visitor, device: Device::new(), challenge, id: String::new() }
    }

    async fn bound() -> Self {
        let mut browser = Self::inside().await;
        let answer = browser.register(&browser.registration()).await;
        assert_eq!(answer.status(), StatusCode::OK);
        let said = body(&answer);
        said["session_identifier"].as_str().unwrap().clone_into(&mut browser.id);
        browser.challenge = next(&answer);
        assert_eq!(said["scope"]["origin"], "https://s18.bank.test:8443");
        let attributes = said["credentials"][0]["attributes"].as_str().unwrap();
        let cookie = answer.headers()[header::SET_COOKIE].to_str().unwrap();
        assert!(cookie.starts_with(BOUND) && cookie.ends_with(attributes), "{cookie}");
        browser
    }

    fn registration(&self) -> String {
        let header = json!({ "alg": "ES256", "typ": "dbsc+jwt", "jwk": self.device.jwk() });
        self.device.sign(&header, &json!({ "jti": self.challenge }))
    }

    fn proof(&self) -> String {
        self.device.sign(&json!({ "alg": "ES256", "typ": "dbsc+jwt" }), &json!({ "jti": self.challenge }))
    }

    async fn send(&mut self, path: &str, headers: &[(&str, &str)]) -> Response<Bytes> {
        let mut request = self.visitor.request(&Method::POST, path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.visitor.send(request.body(Bytes::new()).unwrap()).await
    }

    async fn register(&mut self, proof: &str) -> Response<Bytes> {
        let fetch = [("sec-fetch-mode", "no-cors"), ("sec-fetch-dest", "empty"), ("sec-fetch-site", "same-origin")];
        let headers = [&fetch[..], &[("secure-session-response", proof)]].concat();
        self.send("/dbsc/register", &headers).await
    }

    async fn refresh(&mut self, proof: Option<&str>) -> Response<Bytes> {
        let id = self.id.clone();
        let mut headers = vec![("sec-secure-session-id", id.as_str())];
        headers.extend(proof.map(|proof| ("secure-session-response", proof)));
        self.send("/dbsc/refresh", &headers).await
    }
}

fn next(answer: &Response<Bytes>) -> String {
    quoted(answer.headers()["secure-session-challenge"].to_str().unwrap(), "")
}

#[tokio::test]
async fn a_bound_session_asks_for_both_cookies_and_the_key_renews_one() {
    let mut ann = Browser::bound().await;
    assert_eq!(ann.visitor.profile().await, StatusCode::OK);
    pass(31);
    let mut thief = ann.visitor.clone();
    thief.cookies.remove(BOUND);
    assert_eq!(thief.profile().await, StatusCode::UNAUTHORIZED);
    let mut copy = ann.visitor.clone();
    assert_eq!(copy.profile().await, StatusCode::OK);
    pass(300);
    assert_eq!(copy.profile().await, StatusCode::UNAUTHORIZED);
    assert_eq!(ann.visitor.profile().await, StatusCode::UNAUTHORIZED);

    let proof = ann.proof();
    let answer = ann.refresh(Some(&format!("\"{proof}\""))).await;
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(ann.visitor.profile().await, StatusCode::OK);
    assert_eq!(copy.profile().await, StatusCode::UNAUTHORIZED);
    let deeds = ann.visitor.deeds();
    assert!(deeds.contains(&What::KeyBound) && deeds.contains(&What::Refreshed));
    // The same proof again is asked to sign another challenge, not thrown out.
    let again = ann.refresh(Some(&proof)).await;
    assert_eq!(again.status(), StatusCode::FORBIDDEN);
    ann.challenge = next(&again);
    let proof = ann.proof();
    assert_eq!(ann.refresh(Some(&proof)).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_refresh_without_a_proof_gets_a_challenge() {
    let mut ann = Browser::bound().await;
    let answer = ann.refresh(None).await;
    assert_eq!(answer.status(), StatusCode::FORBIDDEN);
    ann.challenge = next(&answer);
    let proof = ann.proof();
    assert_eq!(ann.refresh(Some(&proof)).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_script_cannot_register_a_key_of_its_own() {
    let mut ann = Browser::inside().await;
    let proof = ann.registration();
    for mode in ["cors", "same-origin", "navigate"] {
        let headers = [
            ("sec-fetch-mode", mode),
            ("sec-fetch-dest", "empty"),
            ("sec-fetch-site", "same-origin"),
            ("secure-session-response", &proof),
        ];
        assert_eq!(ann.send("/dbsc/register", &headers).await.status(), StatusCode::FORBIDDEN, "{mode}");
    }
    assert_eq!(ann.register(&proof).await.status(), StatusCode::OK);
    assert_eq!(ann.register(&ann.registration()).await.status(), StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_wrong_registration_binds_nothing() {
    let ann = Browser::inside().await;
    let jwk = ann.device.jwk();
    let mut private = jwk.clone();
    private["d"] = "AAAA".into();
    let sign = |header: Value, jti: &str| ann.device.sign(&header, &json!({ "jti": jti }));
    let header = |jwk: &Value| json!({ "alg": "ES256", "typ": "dbsc+jwt", "jwk": jwk });
    let wrong = [
        sign(header(&jwk), "made up"),
        sign(header(&Device::new().jwk()), &ann.challenge),
        sign(header(&private), &ann.challenge),
        sign(json!({ "alg": "ES256", "typ": "dbsc+jwt" }), &ann.challenge),
        sign(json!({ "alg": "ES256", "typ": "jwt", "jwk": jwk }), &ann.challenge),
        sign(json!({ "alg": "none", "typ": "dbsc+jwt", "jwk": jwk }), &ann.challenge),
        String::new(),
    ];
    let mut ann = ann;
    for proof in wrong {
        assert_eq!(ann.register(&proof).await.status(), StatusCode::FORBIDDEN, "{proof}");
    }
    let mut other = Browser::inside().await;
    other.visitor.bank = ann.visitor.bank.clone();
    assert_eq!(other.register(&other.registration()).await.status(), StatusCode::FORBIDDEN);
    assert_eq!(ann.visitor.profile().await, StatusCode::OK);
    pass(300);
    assert_eq!(ann.register(&ann.registration()).await.status(), StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_wrong_key_ends_the_session_and_so_does_a_log_out() {
    let mut ann = Browser::bound().await;
    let forged = Device::new().sign(&json!({ "alg": "ES256", "typ": "dbsc+jwt" }), &json!({ "jti": ann.challenge }));
    assert_eq!(ann.refresh(Some(&forged)).await.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(ann.visitor.profile().await, StatusCode::UNAUTHORIZED);

    let mut bob = Browser::bound().await;
    let jar = bob.visitor.cookies.clone();
    assert_eq!(bob.visitor.post("/api/logout", &json!({})).await.status(), StatusCode::OK);
    assert!(bob.visitor.cookies.is_empty());
    bob.visitor.cookies = jar;
    let proof = bob.proof();
    assert_eq!(bob.refresh(Some(&proof)).await.status(), StatusCode::UNAUTHORIZED);

    // The proof of one session with the cookie of another.
    let mut carol = Browser::bound().await;
    let mut dave = Browser::bound().await;
    dave.visitor.bank = carol.visitor.bank.clone();
    dave.visitor.cookies = carol.visitor.cookies.clone();
    let proof = dave.proof();
    assert_eq!(dave.refresh(Some(&proof)).await.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(carol.visitor.profile().await, StatusCode::OK);
}

#[tokio::test]
async fn a_browser_that_cannot_is_asked_now_and_then_and_keeps_its_session() {
    let mut ann = Browser::inside().await;
    let visit = async |ann: &mut Browser| {
        let request = ann.visitor.request(&Method::GET, "/").header("sec-fetch-mode", "navigate");
        let answer = ann.visitor.send(request.body(Bytes::new()).unwrap()).await;
        assert_eq!(answer.headers()["x-bound"], "0");
        answer.headers().contains_key("secure-session-registration")
    };
    assert!(!visit(&mut ann).await);
    pass(60);
    assert!(visit(&mut ann).await);
    assert!(!visit(&mut ann).await);
    pass(3600);
    assert_eq!(ann.visitor.profile().await, StatusCode::OK);
}
