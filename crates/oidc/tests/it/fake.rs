//! A provider that answers what a test tells it to, and a desk with a relying party on the other side.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use cloakroom_jose::{Algorithm, JwkSet, SigningKey, random};
use cloakroom_oidc::{
    Attempt, Callback, ClientAuthentication, Error, Fetch, FetchError, FetchRequest, FetchResponse, LoggedIn, Method,
    Provider, Secret, Settings,
};
use serde_json::{Value, json};
use tokio::sync::Notify;

/// Some instant.
pub(crate) const NOW: i64 = 1_800_000_000;
pub(crate) const ISSUER: &str = "https://id.example/realms/main";
pub(crate) const CLIENT: &str = "app";
pub(crate) const REDIRECT: &str = "https://app.example/auth/callback/main";

/// What an address answers.
#[derive(Clone)]
pub(crate) enum Answer {
    Json(u16, Value),
    Raw(u16, Option<&'static str>, Vec<u8>),
    Fails(FetchError),
    /// After the signal, like the other.
    After(Arc<Notify>, Box<Answer>),
}

/// What was asked.
#[derive(Clone)]
pub(crate) struct Asked {
    pub(crate) method: Method,
    pub(crate) url: String,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) form: Vec<(String, String)>,
    pub(crate) limit: usize,
}

impl Asked {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(other, _)| *other == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        let mut values = self.form.iter().filter(|(other, _)| other == name).map(|(_, value)| value.as_str());
        let first = values.next();
        assert_eq!(values.next(), None, "{name} twice");
        first
    }
}

/// The network: addresses with answers, and a list of what was asked. An address without an answer is unreachable.
#[derive(Default)]
pub(crate) struct Fake {
    answers: Mutex<HashMap<String, Answer>>,
    asked: Mutex<Vec<Asked>>,
}

impl Fake {
    pub(crate) fn set(&self, url: &str, answer: Answer) {
        self.answers.lock().unwrap().insert(url.to_owned(), answer);
    }

    pub(crate) fn get(&self, url: &str) -> Answer {
        self.answers.lock().unwrap()[url].clone()
    }

    /// How often an address was asked.
    pub(crate) fn count(&self, url: &str) -> usize {
        self.asked.lock().unwrap().iter().filter(|asked| asked.url == url).count()
    }

    /// The last question to an address.
    pub(crate) fn last(&self, url: &str) -> Asked {
        self.asked.lock().unwrap().iter().rfind(|asked| asked.url == url).unwrap().clone()
    }

    /// Every question, as its address.
    pub(crate) fn urls(&self) -> Vec<String> {
        self.asked.lock().unwrap().iter().map(|asked| asked.url.clone()).collect()
    }
}

#[async_trait]
impl Fetch for Fake {
    async fn fetch(&self, request: FetchRequest) -> Result<FetchResponse, FetchError> {
        let form = url::form_urlencoded::parse(&request.body).into_owned().collect();
        let FetchRequest { method, url, headers, limit, .. } = request;
        self.asked.lock().unwrap().push(Asked { method, url: url.clone(), headers, form, limit });
        // Others come to ask the same meanwhile.
        tokio::task::yield_now().await;
        let mut answer = self.answers.lock().unwrap().get(&url).cloned();
        if let Some(Answer::After(signal, then)) = answer {
            signal.notified().await;
            answer = Some(*then);
        }
        let (status, content_type, body) = match answer {
            None => return Err(FetchError::Exchange("nobody is there".to_owned())),
            Some(Answer::Json(status, value)) => (status, Some("application/json"), value.to_string().into_bytes()),
            Some(Answer::Raw(status, content_type, body)) => (status, content_type, body),
            Some(Answer::Fails(error)) => return Err(error),
            Some(Answer::After(..)) => return Err(FetchError::Late),
        };
        Ok(FetchResponse { status, content_type: content_type.map(str::to_owned), body })
    }
}

/// A provider that behaves, and a relying party that knows it.
pub(crate) struct Desk {
    pub(crate) fake: Arc<Fake>,
    pub(crate) provider: Provider,
    pub(crate) key: SigningKey,
    pub(crate) issuer: String,
}

pub(crate) fn secret_basic() -> ClientAuthentication {
    ClientAuthentication::SecretBasic(Secret::new("client secret".to_owned()))
}

pub(crate) fn settings(id: &str, issuer: &str, authentication: ClientAuthentication) -> Settings {
    Settings {
        id: id.to_owned(),
        issuer: issuer.to_owned(),
        client_id: CLIENT.to_owned(),
        authentication,
        redirect_uri: REDIRECT.to_owned(),
        scopes: vec!["email".to_owned()],
    }
}

pub(crate) fn metadata(issuer: &str) -> Value {
    json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}/authorize"),
        "token_endpoint": format!("{issuer}/token"),
        "jwks_uri": format!("{issuer}/keys"),
        "end_session_endpoint": format!("{issuer}/end"),
        "revocation_endpoint": format!("{issuer}/revoke"),
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": true,
    })
}

pub(crate) fn key_set(keys: &[&SigningKey]) -> Value {
    serde_json::to_value(JwkSet::new(keys.iter().map(|key| key.public_jwk().unwrap()).collect())).unwrap()
}

impl Desk {
    pub(crate) fn new() -> Self {
        Self::of(Algorithm::EdDsa, secret_basic())
    }

    pub(crate) fn of(algorithm: Algorithm, authentication: ClientAuthentication) -> Self {
        Self::at("main", ISSUER, SigningKey::generate(algorithm, "k1").unwrap(), authentication)
    }

    pub(crate) fn at(id: &str, issuer: &str, key: SigningKey, authentication: ClientAuthentication) -> Self {
        let fake = Arc::new(Fake::default());
        let provider =
            Provider::new(settings(id, issuer, authentication), Arc::clone(&fake) as Arc<dyn Fetch>).unwrap();
        let desk = Self { fake, provider, issuer: issuer.to_owned(), key };
        desk.describe(metadata(issuer));
        desk.publish(&[&desk.key]);
        desk
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}/{path}", self.issuer)
    }

    pub(crate) fn discovery(&self) -> String {
        self.url(".well-known/openid-configuration")
    }

    /// Sets the metadata.
    pub(crate) fn describe(&self, metadata: Value) {
        self.fake.set(&self.discovery(), Answer::Json(200, metadata));
    }

    /// The metadata with one member that is different, or not there.
    pub(crate) fn describe_with(&self, name: &str, value: Option<Value>) {
        let mut metadata = metadata(&self.issuer);
        metadata.as_object_mut().unwrap().remove(name);
        if let Some(value) = value {
            metadata[name] = value;
        }
        self.describe(metadata);
    }

    pub(crate) fn publish(&self, keys: &[&SigningKey]) {
        self.fake.set(&self.url("keys"), Answer::Json(200, key_set(keys)));
    }

    pub(crate) fn begin(&self) -> Attempt {
        self.provider.begin(random().unwrap(), None)
    }

    /// What the ID token of an attempt says.
    pub(crate) fn claims(&self, attempt: &Attempt) -> Value {
        json!({
            "iss": self.issuer, "sub": "u1", "aud": CLIENT, "iat": NOW, "exp": NOW + 300, "nonce": attempt.nonce,
            "sid": "s1", "email": "ann@example.com", "email_verified": true, "name": "Ann",
        })
    }

    /// Tells the token endpoint to answer with these claims, signed by the provider.
    pub(crate) fn issue(&self, claims: &Value) {
        self.hand_out(&self.key.sign("JWT", claims).unwrap());
    }

    /// Tells the token endpoint to answer with this ID token.
    pub(crate) fn hand_out(&self, id_token: &str) {
        self.answer(
            200,
            json!({
                "access_token": "access", "token_type": "Bearer", "expires_in": 300, "refresh_token": "refresh",
                "id_token": id_token,
            }),
        );
    }

    pub(crate) fn answer(&self, status: u16, body: Value) {
        self.fake.set(&self.url("token"), Answer::Json(status, body));
    }

    /// What a browser brings back when all is well.
    pub(crate) fn callback(&self, attempt: &Attempt) -> Callback {
        Callback {
            code: Some("code".to_owned()),
            state: Some(attempt.state.clone()),
            iss: Some(self.issuer.clone()),
            ..Callback::default()
        }
    }

    pub(crate) async fn redeem(&self, attempt: &Attempt) -> Result<LoggedIn, Error> {
        self.provider.redeem(attempt, &self.callback(attempt), NOW).await
    }

    /// A whole log-in whose ID token is changed first.
    pub(crate) async fn log_in_with(&self, change: impl FnOnce(&mut Value)) -> Result<LoggedIn, Error> {
        let attempt = self.begin();
        let mut claims = self.claims(&attempt);
        change(&mut claims);
        self.issue(&claims);
        self.redeem(&attempt).await
    }

    /// Whether the provider can be asked at an instant, by the least that needs its metadata.
    pub(crate) async fn asks_at(&self, now: i64) -> Result<(), Error> {
        let wish = cloakroom_oidc::AuthorizeWish::default();
        self.provider.authorize(&self.begin(), &wish, now).await.map(drop)
    }
}
