//! A provider that behaves as told: honestly, or in one of the ways that providers and whoever stands beside them have been seen
//! to misbehave in. Its keys and signatures are real, and its clock is that of the house.

mod manner;

pub use manner::Manner;

use bytes::Bytes;
use cloakroom_app::{Clock, ManualClock};
use cloakroom_jose::{Algorithm, SigningKey};
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpStream};
use url::form_urlencoded;

/// The provider. It ends with the runtime.
#[derive(Clone)]
pub struct Idp {
    /// Where it listens.
    pub address: SocketAddr,
    inside: Arc<Inside>,
}

struct Inside {
    issuer: String,
    manner: Mutex<Manner>,
    key: SigningKey,
    strangers: SigningKey,
    clock: Arc<ManualClock>,
    codes: Mutex<HashMap<String, Code>>,
    /// Refresh tokens: each is good once, and one that comes twice ends all of its log-in (RFC 9700 §4.14.2).
    refreshes: Mutex<HashMap<String, Refresh>>,
    /// What was said of people since they logged in.
    news: Mutex<Option<Value>>,
    /// Whether whoever refreshes gets an answer yet.
    answers: tokio::sync::watch::Sender<bool>,
    asked: Mutex<Vec<String>>,
    numbers: Mutex<u32>,
}

/// What a code stands for.
struct Code {
    nonce: String,
    challenge: String,
    person: Value,
}

/// What a refresh token stands for.
#[derive(Clone)]
struct Refresh {
    log_in: u32,
    is_used: bool,
    nonce: String,
    person: Value,
}

/// The client that it knows.
const CLIENT: &str = "cloakroom";
/// Its secret.
const SECRET: &str = "between the two of us: 0123456789";

impl Idp {
    /// Starts an honest one.
    pub async fn start(clock: Arc<ManualClock>) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let inside = Arc::new(Inside {
            issuer: format!("http://{address}"),
            manner: Mutex::new(Manner::Honest),
            key: SigningKey::generate(Algorithm::Es256, "one").unwrap(),
            strangers: SigningKey::generate(Algorithm::Es256, "one").unwrap(),
            clock,
            codes: Mutex::default(),
            refreshes: Mutex::default(),
            news: Mutex::default(),
            answers: tokio::sync::watch::Sender::new(true),
            asked: Mutex::default(),
            numbers: Mutex::default(),
        });
        let idp = Self { address, inside };
        let inside = Arc::clone(&idp.inside);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                match inside.manner() {
                    Manner::HangsUp => continue,
                    Manner::Slow => {
                        tokio::spawn(drip(stream));
                        continue;
                    }
                    _ => {}
                }
                let inside = Arc::clone(&inside);
                tokio::spawn(async move {
                    let service = service_fn(move |request| answer(Arc::clone(&inside), request));
                    let server = hyper_util::server::conn::auto::Builder::new(TokioExecutor::new());
                    drop(server.serve_connection(TokioIo::new(stream), service).await);
                });
            }
        });
        idp
    }

    /// Behaves so from now on.
    pub fn behave(&self, manner: Manner) {
        *self.inside.manner.lock().unwrap() = manner;
    }

    /// The configuration of a house that uses it under this name.
    pub fn config(&self, id: &str, more: &str) -> String {
        format!(
            "[[provider]]\nid = {id:?}\nname = \"Example ID\"\nissuer = {:?}\nclient_id = {CLIENT:?}\nclient_secret = {SECRET:?}\n{more}\n",
            self.inside.issuer
        )
    }

    /// Somebody logs in at the address that they were sent to: where the browser is sent back to, query and all. `person` are the
    /// claims that name them.
    pub fn log_in(&self, sent_to: &str, person: Value) -> String {
        let asked: HashMap<_, _> = url::Url::parse(sent_to).unwrap().query_pairs().into_owned().collect();
        assert_eq!(asked["response_type"], "code");
        assert_eq!(asked["code_challenge_method"], "S256");
        assert_eq!(asked["client_id"], CLIENT);
        assert!(asked["scope"].split(' ').any(|scope| scope == "openid"), "{sent_to}");
        let code = format!("code-{}", self.inside.number());
        let stands_for = Code { nonce: asked["nonce"].clone(), challenge: asked["code_challenge"].clone(), person };
        self.inside.codes.lock().unwrap().insert(code.clone(), stands_for);
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.append_pair("code", &code).append_pair("state", &asked["state"]);
        if self.inside.manner() != Manner::NoIss {
            query.append_pair("iss", &self.inside.issuer);
        }
        let back = url::Url::parse(&asked["redirect_uri"]).unwrap();
        format!("{}?{}", back.path(), query.finish())
    }

    /// A back-channel log-out token with these claims beside the usual ones.
    pub fn logout_token(&self, claims: &Value) -> String {
        self.signed("logout+jwt", claims)
    }

    /// A token of this kind with these claims in the place of, or beside, those of a log-out token.
    pub fn signed(&self, typ: &str, claims: &Value) -> String {
        let now = self.inside.now();
        let mut all = json!({
            "iss": self.inside.issuer, "aud": CLIENT, "iat": now, "exp": now + 120,
            "jti": format!("jti-{}", self.inside.number()),
            "events": { "http://schemas.openid.net/event/backchannel-logout": {} },
        });
        for (name, value) in claims.as_object().unwrap() {
            all[name] = value.clone();
        }
        self.inside.key.sign(typ, &all).unwrap()
    }

    /// From now on it says this of people when their tokens are refreshed.
    pub fn says_now(&self, person: Value) {
        *self.inside.news.lock().unwrap() = Some(person);
    }

    /// Keeps whoever refreshes waiting, until [`Self::go_on`].
    pub fn hold(&self) {
        self.inside.answers.send_replace(false);
    }

    /// Answers them.
    pub fn go_on(&self) {
        self.inside.answers.send_replace(true);
    }

    /// Paths that were asked for so far, and forgets them.
    pub fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.inside.asked.lock().unwrap())
    }
}

impl Inside {
    fn manner(&self) -> Manner {
        *self.manner.lock().unwrap()
    }

    fn now(&self) -> i64 {
        self.clock.now().unix_seconds()
    }

    fn number(&self) -> u32 {
        let mut numbers = self.numbers.lock().unwrap();
        *numbers += 1;
        *numbers
    }

    fn metadata(&self) -> Value {
        let (here, manner) = (&self.issuer, self.manner());
        let issuer = if manner == Manner::LyingDiscovery { "https://accounts.example" } else { here };
        let token = if manner == Manner::PlainEndpoints { "http://collector.example" } else { here };
        json!({
            "issuer": issuer,
            "authorization_endpoint": format!("{here}/authorize"),
            "token_endpoint": format!("{token}/token"),
            "jwks_uri": format!("{here}/keys"),
            "end_session_endpoint": format!("{here}/end"),
            "revocation_endpoint": format!("{here}/revoke"),
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["ES256"],
            "code_challenge_methods_supported": ["S256"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
            "authorization_response_iss_parameter_supported": true,
            "backchannel_logout_supported": true,
            "backchannel_logout_session_supported": true,
        })
    }

    fn redeem(&self, form: &HashMap<String, String>) -> (StatusCode, Value) {
        let refused = (StatusCode::BAD_REQUEST, json!({ "error": "invalid_grant" }));
        let Some(code) = form.get("code").and_then(|code| self.codes.lock().unwrap().remove(code)) else {
            return refused;
        };
        let verifier = form.get("code_verifier").cloned().unwrap_or_default();
        let challenge = base64url(&cloakroom_jose::sha256(verifier.as_bytes()));
        if challenge != code.challenge {
            return refused;
        }
        let log_in =
            Refresh { log_in: self.number(), is_used: false, nonce: code.nonce.clone(), person: code.person.clone() };
        (StatusCode::OK, self.tokens(log_in, &code))
    }

    fn tokens(&self, refresh: Refresh, code: &Code) -> Value {
        let token = format!("refresh-{}", self.number());
        self.refreshes.lock().unwrap().insert(token.clone(), refresh);
        json!({
            "token_type": "Bearer", "access_token": format!("access-{}", self.number()), "expires_in": 300,
            "refresh_token": token, "id_token": self.id_token(code),
        })
    }

    fn refresh(&self, form: &HashMap<String, String>) -> (StatusCode, Value) {
        let refused = (StatusCode::BAD_REQUEST, json!({ "error": "invalid_grant" }));
        let shown = form.get("refresh_token").cloned().unwrap_or_default();
        let mut refresh = {
            let mut all = self.refreshes.lock().unwrap();
            let Some(found) = all.get(&shown).cloned() else { return refused };
            if found.is_used || self.manner() == Manner::Ended {
                all.retain(|_, one| one.log_in != found.log_in);
                return refused;
            }
            all.entry(shown).and_modify(|one| one.is_used = true);
            found
        };
        if let Some(news) = self.news.lock().unwrap().clone() {
            refresh.person = news;
        }
        if self.manner() == Manner::SomebodyElse {
            refresh.person["sub"] = "somebody else".into();
        }
        let (nonce, person) = (refresh.nonce.clone(), refresh.person.clone());
        (StatusCode::OK, self.tokens(refresh, &Code { nonce, challenge: String::new(), person }))
    }

    fn id_token(&self, code: &Code) -> String {
        let (now, manner) = (self.now(), self.manner());
        let expires_at = if manner == Manner::Expired { now - 3600 } else { now + 300 };
        let mut claims = json!({
            "iss": self.issuer, "aud": CLIENT, "iat": now, "exp": expires_at, "nonce": code.nonce,
            "email_verified": manner != Manner::Unconfirmed, "auth_time": now,
        });
        for (name, value) in code.person.as_object().unwrap() {
            claims[name] = value.clone();
        }
        match manner {
            Manner::WrongIssuer => claims["iss"] = "https://accounts.example".into(),
            Manner::WrongAudience => claims["aud"] = "another-client".into(),
            Manner::SwappedNonce => claims["nonce"] = base64url(&[7; 32]).into(),
            _ => {}
        }
        match manner {
            Manner::Unsigned => {
                let head = base64url(br#"{"alg":"none","typ":"JWT","kid":"one"}"#);
                format!("{head}.{}.", base64url(claims.to_string().as_bytes()))
            }
            Manner::SecretOfPublicKey => {
                let public = serde_json::to_vec(&self.key.public_jwk().unwrap()).unwrap();
                let key = SigningKey::from_secret_bytes(Algorithm::Hs256, "one", &public).unwrap();
                key.sign("JWT", &claims).unwrap()
            }
            Manner::StrangersKey => self.strangers.sign("JWT", &claims).unwrap(),
            Manner::AccessToken => self.key.sign("at+jwt", &claims).unwrap(),
            _ => self.key.sign("JWT", &claims).unwrap(),
        }
    }
}

/// A blank every tenth of a second, for as long as somebody reads.
async fn drip(mut stream: TcpStream) {
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 100000\r\n\r\n";
    let mut written = stream.write_all(head.as_bytes()).await;
    let mut turns = tokio::time::interval(Duration::from_millis(100));
    while written.is_ok() {
        turns.tick().await;
        written = stream.write_all(b" ").await;
    }
}

fn base64url(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes)
}

async fn answer(inside: Arc<Inside>, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, std::io::Error> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    inside.asked.lock().unwrap().push(parts.uri.path().to_owned());
    let manner = inside.manner();
    // Over a connection from better days.
    match manner {
        Manner::HangsUp => return Err(std::io::ErrorKind::ConnectionAborted.into()),
        Manner::Slow => std::future::pending().await,
        _ => {}
    }
    if manner == Manner::Redirects {
        let to = format!("{}{}", inside.issuer, parts.uri.path());
        return Ok(Response::builder().status(302).header("location", to).body(Full::default()).unwrap());
    }
    let (status, document) = match parts.uri.path() {
        "/.well-known/openid-configuration" if manner == Manner::Huge => (StatusCode::OK, vec![b' '; 100_000_000]),
        "/.well-known/openid-configuration" if manner == Manner::Garbage => (StatusCode::OK, b"{\"issuer\":".to_vec()),
        "/.well-known/openid-configuration" => (StatusCode::OK, inside.metadata().to_string().into_bytes()),
        "/keys" => {
            let keys = json!({ "keys": [inside.key.public_jwk().unwrap()] });
            (StatusCode::OK, keys.to_string().into_bytes())
        }
        "/token" => {
            let form: HashMap<_, _> = form_urlencoded::parse(&body).into_owned().collect();
            let (status, said) = if form.get("grant_type").is_some_and(|grant| grant == "refresh_token") {
                drop(inside.answers.subscribe().wait_for(|answers| *answers).await);
                inside.refresh(&form)
            } else {
                inside.redeem(&form)
            };
            (status, said.to_string().into_bytes())
        }
        "/revoke" => {
            let form: HashMap<_, _> = form_urlencoded::parse(&body).into_owned().collect();
            inside.refreshes.lock().unwrap().remove(&form["token"]);
            (StatusCode::OK, Vec::new())
        }
        // Where a browser stands until a story logs in for its person, or after a log-out.
        "/authorize" | "/end" => (StatusCode::OK, b"{}".to_vec()),
        _ => (StatusCode::NOT_FOUND, Vec::new()),
    };
    let answer = Response::builder().status(status).header("content-type", "application/json");
    Ok(answer.body(Full::from(document)).unwrap())
}
