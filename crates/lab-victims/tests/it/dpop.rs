//! S17: which proofs are taken (RFC 9449 §4.3), and how the provider's codes are redeemed.

use std::collections::BTreeMap;

use bytes::Bytes;
use cloakroom_lab_victims::{Bank, What};
use http::{Method, Request, Response, StatusCode, header};
use serde_json::{Value, json};

use crate::device::{Device, sha256};
use crate::visitor::{CANARY, EMAIL, PASSWORD, Visitor, body, now, pass, text};

const HOME: &str = "https://s17.bank.test:8443";

struct Client {
    bank: Bank,
    device: Device,
    tokens: Value,
}

impl Client {
    fn new() -> Self {
        let bank = Bank::new(now);
        bank.open_account("S17", EMAIL, PASSWORD, CANARY);
        Self { bank, device: Device::new(), tokens: Value::Null }
    }

    async fn inside() -> Self {
        let mut client = Self::new();
        let proof = client.device.dpop(&Device::claims("POST", &format!("{HOME}/api/login"), None));
        let answer = client.post("/api/login", &proof, &json!({ "email": EMAIL, "password": PASSWORD })).await;
        assert_eq!(answer.status(), StatusCode::OK);
        assert_eq!(answer.headers()[header::CACHE_CONTROL], "no-store");
        client.tokens = body(&answer);
        client
    }

    fn access(&self) -> &str {
        self.tokens["access_token"].as_str().unwrap()
    }

    async fn send(&self, request: http::request::Builder, body: String) -> Response<Bytes> {
        let request = request.header(header::HOST, "s17.bank.test:8443").body(Bytes::from(body)).unwrap();
        self.bank.answer("S17", request).await
    }

    async fn post(&self, path: &str, proof: &str, body: &Value) -> Response<Bytes> {
        let request = Request::post(path).header(header::CONTENT_TYPE, "application/json").header("dpop", proof);
        self.send(request, body.to_string()).await
    }

    /// Asks for the profile with these headers.
    async fn profile(&self, authorization: &str, proofs: &[&str]) -> StatusCode {
        let mut request = Request::get("/api/profile").header(header::AUTHORIZATION, authorization);
        for proof in proofs {
            request = request.header("dpop", *proof);
        }
        self.send(request, String::new()).await.status()
    }

    fn good(&self) -> Value {
        Device::claims("GET", &format!("{HOME}/api/profile"), Some(self.access()))
    }
}

#[tokio::test]
async fn a_fresh_proof_is_good_once() {
    let ann = Client::inside().await;
    let proof = ann.device.dpop(&ann.good());
    let token = format!("DPoP {}", ann.access());
    assert_eq!(ann.profile(&token, &[&proof]).await, StatusCode::OK);
    assert_eq!(ann.profile(&token, &[&proof]).await, StatusCode::UNAUTHORIZED);
    pass(60);
    assert_eq!(ann.profile(&token, &[&proof]).await, StatusCode::UNAUTHORIZED);
    assert_eq!(ann.profile(&token, &[&ann.device.dpop(&ann.good())]).await, StatusCode::OK);
}

#[tokio::test]
async fn a_proof_that_lacks_anything_is_refused() {
    let ann = Client::inside().await;
    let token = format!("DPoP {}", ann.access());
    let with = |name: &str, value: Value| {
        let mut claims = ann.good();
        claims[name] = value;
        ann.device.dpop(&claims)
    };
    let without = |name: &str| {
        let mut claims = ann.good();
        claims.as_object_mut().unwrap().remove(name);
        ann.device.dpop(&claims)
    };
    let under = |header: Value| ann.device.sign(&header, &ann.good());
    let jwk = ann.device.jwk();
    let mut private = jwk.clone();
    private["d"] = "AAAA".into();
    let tampered = {
        let mut proof = ann.device.dpop(&ann.good());
        let last = if proof.pop() == Some('A') { 'B' } else { 'A' };
        proof + &last.to_string()
    };
    let refused = [
        ("method", with("htm", "POST".into())),
        ("address", with("htu", format!("{HOME}/api/email").into())),
        ("host", with("htu", "https://evil.test/api/profile".into())),
        ("too old", with("iat", (now() - 61).into())),
        ("from the future", with("iat", (now() + 6).into())),
        ("another token", with("ath", sha256(b"another").into())),
        ("no token", without("ath")),
        ("no name", without("jti")),
        ("empty name", with("jti", "".into())),
        ("no time", without("iat")),
        ("no method", without("htm")),
        ("no address", without("htu")),
        ("another key", Device::new().dpop(&ann.good())),
        ("no key", under(json!({ "typ": "dpop+jwt", "alg": "ES256" }))),
        ("private key", under(json!({ "typ": "dpop+jwt", "alg": "ES256", "jwk": private }))),
        ("typ", under(json!({ "typ": "JWT", "alg": "ES256", "jwk": jwk }))),
        ("alg", under(json!({ "typ": "dpop+jwt", "alg": "none", "jwk": jwk }))),
        ("signature", tampered),
        ("length", with("pad", "x".repeat(4096).into())),
        ("nothing", String::new()),
    ];
    for (what, proof) in refused {
        assert_eq!(ann.profile(&token, &[&proof]).await, StatusCode::UNAUTHORIZED, "{what}");
    }
    let good = ann.device.dpop(&ann.good());
    assert_eq!(ann.profile(&token, &[]).await, StatusCode::UNAUTHORIZED);
    let two = [&*good, &*ann.device.dpop(&ann.good())];
    assert_eq!(ann.profile(&token, &two).await, StatusCode::UNAUTHORIZED);
    assert_eq!(ann.profile(&format!("Bearer {}", ann.access()), &[&good]).await, StatusCode::UNAUTHORIZED);
    assert_eq!(ann.profile(&token, &[&good]).await, StatusCode::OK);
    let query = with("htu", "HTTPS://S17.bank.test:8443/api/./profile?a=b#c".into());
    assert_eq!(ann.profile(&token, &[&query]).await, StatusCode::OK);
}

#[tokio::test]
async fn a_refresh_token_is_good_for_its_key_only() {
    let ann = Client::inside().await;
    let again = json!({ "grant_type": "refresh_token", "refresh_token": ann.tokens["refresh_token"] });
    let claims = || Device::claims("POST", &format!("{HOME}/token"), None);
    let thief = Device::new().dpop(&claims());
    assert_eq!(ann.post("/token", &thief, &again).await.status(), StatusCode::BAD_REQUEST);
    let answer = ann.post("/token", &ann.device.dpop(&claims()), &again).await;
    assert_eq!((answer.status(), &body(&answer)["token_type"]), (StatusCode::OK, &json!("DPoP")));
    assert_eq!(ann.bank.deeds_of(EMAIL).last().unwrap().what, What::Refreshed);
}

/// Asks the provider for a code.
async fn authorize(provider: &mut Visitor, query: &BTreeMap<&str, String>) -> Response<Bytes> {
    let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(query).finish();
    let request = Request::get(format!("/authorize?{query}")).header(header::HOST, "idp.test:8443");
    let cookie = provider.cookies.get("idp_session").map(|value| format!("idp_session={value}"));
    let request = request.header(header::COOKIE, cookie.unwrap_or_default());
    provider.bank.answer("idp", request.body(Bytes::new()).unwrap()).await
}

fn asked() -> BTreeMap<&'static str, String> {
    BTreeMap::from([
        ("response_type", "code".to_owned()),
        ("client_id", "S17".to_owned()),
        ("redirect_uri", format!("{HOME}/callback")),
        ("state", "s t/1".to_owned()),
        ("code_challenge", sha256(b"verifier")),
        ("code_challenge_method", "S256".to_owned()),
    ])
}

fn location(answer: &Response<Bytes>) -> String {
    assert_eq!(answer.status(), StatusCode::SEE_OTHER, "{}", text(answer));
    answer.headers()[header::LOCATION].to_str().unwrap().to_owned()
}

fn query(address: &str) -> BTreeMap<String, String> {
    url::Url::parse(address).unwrap().query_pairs().into_owned().collect()
}

#[tokio::test]
async fn the_provider_gives_a_code_that_is_redeemed_once_and_by_who_knows_the_verifier() {
    let client = Client::new();
    let mut ann = Visitor { bank: client.bank.clone(), strategy: "idp", ..Visitor::of("S17") };
    let mut silent = asked();
    silent.insert("prompt", "none".to_owned());
    assert_eq!(query(&location(&authorize(&mut ann, &silent).await))["error"], "login_required");
    assert!(location(&authorize(&mut ann, &asked()).await).starts_with("/?next=%2Fauthorize%3F"));
    assert_eq!(ann.log_in(PASSWORD).await, StatusCode::OK);

    for (verifier, status) in [("verifier", StatusCode::OK), ("guess", StatusCode::BAD_REQUEST)] {
        let back = location(&authorize(&mut ann, &silent).await);
        assert!(back.starts_with(&format!("{HOME}/callback?")));
        assert_eq!(query(&back)["state"], "s t/1");
        let grant = json!({
            "grant_type": "authorization_code", "code": query(&back)["code"],
            "code_verifier": verifier, "redirect_uri": format!("{HOME}/callback"),
        });
        for status in [status, StatusCode::BAD_REQUEST] {
            let proof = client.device.dpop(&Device::claims("POST", &format!("{HOME}/token"), None));
            assert_eq!(client.post("/token", &proof, &grant).await.status(), status, "{verifier}");
        }
    }
    let issued = What::CodeIssued { client: "S17".into() };
    assert!(client.bank.deeds_of(EMAIL).iter().any(|deed| deed.what == issued && deed.strategy == "idp"));

    let mut message = silent.clone();
    message.insert("response_mode", "web_message".to_owned());
    message.insert("state", "</script><script>alert(1)".to_owned());
    let page = authorize(&mut ann, &message).await;
    assert!(text(&page).contains(&format!("\"{HOME}\")")) && text(&page).matches("<script>").count() == 1);

    let late = query(&location(&authorize(&mut ann, &silent).await))["code"].clone();
    pass(60);
    let grant = json!({
        "grant_type": "authorization_code", "code": late,
        "code_verifier": "verifier", "redirect_uri": format!("{HOME}/callback"),
    });
    let proof = client.device.dpop(&Device::claims("POST", &format!("{HOME}/token"), None));
    assert_eq!(client.post("/token", &proof, &grant).await.status(), StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn the_provider_answers_to_its_clients_only_and_at_their_address() {
    let mut ann = Visitor::of("idp");
    for (name, value) in [
        ("client_id", "S1".to_owned()),
        ("client_id", String::new()),
        ("redirect_uri", "https://evil.test/callback".to_owned()),
        ("redirect_uri", format!("{HOME}/callback/../go")),
    ] {
        let mut query = asked();
        query.insert(name, value.clone());
        let answer = authorize(&mut ann, &query).await;
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{name} {value}");
    }
    let mut plain = asked();
    plain.insert("code_challenge_method", "plain".to_owned());
    assert_eq!(query(&location(&authorize(&mut ann, &plain).await))["error"], "invalid_request");
    let about = ann.get("/.well-known/openid-configuration").await;
    assert_eq!(about.headers()[header::ACCESS_CONTROL_ALLOW_ORIGIN], "*");
}

#[tokio::test]
async fn the_control_signs_in_with_the_provider_too() {
    let mut ann = Visitor::of("control-bearer");
    let mut there = Visitor { strategy: "idp", ..ann.clone() };
    assert_eq!(there.log_in(PASSWORD).await, StatusCode::OK);
    let mut wanted = asked();
    let redirect_uri = "https://control-bearer.bank.test:8443/callback".to_owned();
    wanted.insert("client_id", "control-bearer".to_owned());
    wanted.insert("redirect_uri", redirect_uri.clone());
    let code = query(&location(&authorize(&mut there, &wanted).await))["code"].clone();
    let grant = json!({ "code": code, "code_verifier": "verifier", "redirect_uri": redirect_uri });
    ann.tokens = body(&ann.post("/token", &grant).await);
    assert_eq!(ann.profile().await, StatusCode::OK);
    let request = ann.request(&Method::POST, "/token").body(Bytes::new()).unwrap();
    assert_eq!(ann.send(request).await.status(), StatusCode::BAD_REQUEST);
}
