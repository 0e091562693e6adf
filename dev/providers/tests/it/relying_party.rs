//! A relying party of a few lines: the code flow with PKCE (RFC 7636), with a secret or a key. It believes what it is told.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use bytes::Bytes;
use cloakroom_providers::{Answer, Authentication, Client, send};
use http::Request;
use http_body_util::Full;
use serde_json::{Value, json};
use url::Url;
use url::form_urlencoded::Serializer;

pub(crate) const CALLBACK: &str = "http://127.0.0.1:9/callback";
const ID: &str = "app";
const SECRET: &str = "a secret of thirty-two characters";

pub(crate) struct RelyingParty {
    pub(crate) discovery: Value,
    /// Signs who it is; without one, the secret says so.
    key: Option<EcdsaKeyPair>,
}

/// A log-in that was begun.
pub(crate) struct Asked {
    pub(crate) url: Url,
    pub(crate) nonce: String,
    pub(crate) state: String,
    pub(crate) verifier: String,
}

/// What the provider is told of an application with a secret.
pub(crate) fn client() -> Client {
    Client {
        id: ID.to_owned(),
        authentication: Authentication::Secret(SECRET.to_owned()),
        redirect_uris: vec![CALLBACK.to_owned()],
        post_logout_redirect_uris: Vec::new(),
        backchannel_logout_url: None,
    }
}

/// What the provider is told of one with this key.
pub(crate) fn client_of(key: &EcdsaKeyPair) -> Client {
    // An uncompressed point: a byte that says so, then two coordinates (SEC 1, 2.3.3).
    let point = key.public_key().as_ref();
    let (x, y) = (BASE64_URL_SAFE_NO_PAD.encode(&point[1..33]), BASE64_URL_SAFE_NO_PAD.encode(&point[33..]));
    let keys =
        json!({"keys": [{"kty": "EC", "crv": "P-256", "kid": "k", "use": "sig", "alg": "ES256", "x": x, "y": y}]});
    Client { authentication: Authentication::PrivateKeyJwt(keys), ..client() }
}

pub(crate) fn new_key() -> EcdsaKeyPair {
    EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap()
}

impl RelyingParty {
    /// Asks a provider who it is.
    pub(crate) async fn of(issuer: &str) -> Self {
        let request = Request::get(format!("{issuer}/.well-known/openid-configuration"));
        let answer = send(request.body(Full::default()).unwrap()).await.unwrap();
        assert_eq!(answer.status, 200);
        Self { discovery: answer.json(), key: None }
    }

    pub(crate) fn with(self, key: EcdsaKeyPair) -> Self {
        Self { key: Some(key), ..self }
    }

    pub(crate) fn ask(&self, scope: &str) -> Asked {
        let (nonce, state, verifier) = (random(), random(), random());
        let challenge = BASE64_URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes()));
        let mut url: Url = self.discovery["authorization_endpoint"].as_str().unwrap().parse().unwrap();
        url.query_pairs_mut().extend_pairs([
            ("client_id", ID),
            ("response_type", "code"),
            ("redirect_uri", CALLBACK),
            ("scope", scope),
            ("nonce", &nonce),
            ("state", &state),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ]);
        Asked { url, nonce, state, verifier }
    }

    /// Changes the code that came back for tokens.
    pub(crate) async fn redeem(&self, asked: &Asked, callback: &Url) -> Answer {
        assert!(callback.as_str().starts_with(CALLBACK), "{callback}");
        assert_eq!(parameter(callback, "state").unwrap(), asked.state);
        let code = parameter(callback, "code").unwrap();
        self.token(&[
            ("grant_type", "authorization_code"),
            ("code", &code),
            ("redirect_uri", CALLBACK),
            ("code_verifier", &asked.verifier),
        ])
        .await
    }

    pub(crate) async fn refresh(&self, token: &str) -> Answer {
        self.token(&[("grant_type", "refresh_token"), ("refresh_token", token)]).await
    }

    async fn token(&self, fields: &[(&str, &str)]) -> Answer {
        let endpoint = self.discovery["token_endpoint"].as_str().unwrap();
        let mut body = Serializer::new(String::new());
        body.extend_pairs(fields);
        let mut request = Request::post(endpoint).header("content-type", "application/x-www-form-urlencoded");
        if let Some(key) = &self.key {
            body.append_pair("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
            body.append_pair("client_assertion", &self.assertion(key));
        } else {
            // Both are form-encoded first (RFC 6749, 2.3.1).
            let secret: String = url::form_urlencoded::byte_serialize(SECRET.as_bytes()).collect();
            request =
                request.header("authorization", format!("Basic {}", BASE64_STANDARD.encode(format!("{ID}:{secret}"))));
        }
        send(request.body(Full::new(Bytes::from(body.finish()))).unwrap()).await.unwrap()
    }

    /// RFC 7523, 3. It is good for a minute by the provider's own clock, which is the machine's.
    fn assertion(&self, key: &EcdsaKeyPair) -> String {
        let now = seconds();
        let audience = &self.discovery["issuer"];
        let claims = json!({"iss": ID, "sub": ID, "aud": audience, "jti": random(), "iat": now, "exp": now + 60});
        let part = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
        let text = format!("{}.{}", part(&json!({"alg": "ES256", "kid": "k"})), part(&claims));
        let signature = key.sign(&SystemRandom::new(), text.as_bytes()).unwrap();
        format!("{text}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature))
    }
}

#[expect(clippy::disallowed_methods, reason = "an assertion is good for a minute by the clock that the provider reads")]
fn seconds() -> u64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs()
}

/// A parameter of a query.
pub(crate) fn parameter(url: &Url, name: &str) -> Option<String> {
    url.query_pairs().find(|(known, _)| known == name).map(|(_, value)| value.into_owned())
}

/// What a token claims; whether that is true is not asked.
pub(crate) fn claims(token: &Value) -> Value {
    part(token, 1)
}

/// Whether an access token lives for `seconds`. A provider counts what is left of them when it answers, on its own clock:
/// a second may have gone by.
pub(crate) fn lives(tokens: &Value, seconds: u64) -> bool {
    (seconds - 15..=seconds).contains(&tokens["expires_in"].as_u64().unwrap())
}

/// The header of a token.
pub(crate) fn header(token: &Value) -> Value {
    part(token, 0)
}

fn part(token: &Value, at: usize) -> Value {
    let part = token.as_str().unwrap().split('.').nth(at).unwrap();
    serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

fn random() -> String {
    let mut bytes = [0; 32];
    aws_lc_rs::rand::fill(&mut bytes).unwrap();
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}
