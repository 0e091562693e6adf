//! The identity provider, `idp`: a bank of its own whose log-in other banks rely on, by authorization code with PKCE.
//!
//! Its session cookie has `SameSite=None`, as those of providers have to for `prompt=none` in a frame. The clients are
//! the banks beside it, known by name, each with one redirect address; nobody is asked for consent, as between
//! applications of one house. Tokens are given out by the banks' own token endpoints.

use http::{Method, StatusCode, header};
use serde_json::json;
use url::form_urlencoded::Serializer;

use super::{Caller, Entered, Keeping, Opaque, Scene};
use crate::accounts::{Account, AccountId};
use crate::catalogue::WITH_PROVIDER;
use crate::codes::Code;
use crate::deeds::What;
use crate::reply::{self, Refusal, Reply};

const NOT_A_CLIENT: Refusal = Refusal::of(StatusCode::BAD_REQUEST, "unknown-client-or-redirect-uri");

pub(crate) struct Provider(Opaque);

impl Provider {
    pub(crate) fn new() -> Self {
        Self(Opaque::new("idp_session", "Path=/; Secure; HttpOnly; SameSite=None", &[]))
    }

    /// The authorization endpoint (RFC 6749 §4.1.1).
    fn authorize(&self, scene: &Scene<'_>) -> Result<Reply, Refusal> {
        let query = &scene.ask.query;
        let asked = |name: &str| query.get(name).map_or("", String::as_str);
        let client = WITH_PROVIDER.iter().copied().find(|id| *id == asked("client_id")).ok_or(NOT_A_CLIENT)?;
        let redirect_uri = home(scene, client).ok_or(NOT_A_CLIENT)? + "/callback";
        // Before this, an answer would go to whoever asked (RFC 9700 §4.1.3).
        if asked("redirect_uri") != redirect_uri {
            return Err(NOT_A_CLIENT);
        }
        if asked("response_type") != "code" || asked("code_challenge_method") != "S256" {
            return Ok(back(scene, &redirect_uri, ("error", "invalid_request")));
        }
        let Ok(caller) = self.0.caller(scene) else {
            if asked("prompt") == "none" {
                return Ok(back(scene, &redirect_uri, ("error", "login_required")));
            }
            let next = Serializer::new(String::new()).append_pair("next", &scene.ask.target).finish();
            return Ok(reply::redirect(&format!("/?{next}")));
        };
        let account = scene.world.accounts.get(caller.account).ok_or(Refusal::NOBODY)?;
        let code = Code {
            client,
            email: account.opened_as.clone(),
            redirect_uri: redirect_uri.clone(),
            challenge: asked("code_challenge").to_owned(),
        };
        let code = scene.world.codes.give(code, scene.now);
        scene.did(Some(&account), What::CodeIssued { client: client.to_owned() }, Some(&caller.credential));
        Ok(back(scene, &redirect_uri, ("code", &code)))
    }
}

/// Where the bank of `client` is: beside `https://idp.test` that is `https://s17.bank.test`.
fn home(scene: &Scene<'_>, client: &str) -> Option<String> {
    let rest = scene.ask.origin.strip_prefix("https://idp.")?;
    Some(format!("https://{}.bank.{rest}", client.to_lowercase()))
}

/// The answer to the client: in the address, or as a message to the page that holds this one in a frame
/// (`response_mode=web_message`).
fn back(scene: &Scene<'_>, redirect_uri: &str, (name, value): (&str, &str)) -> Reply {
    let query = &scene.ask.query;
    let state = query.get("state").map_or("", String::as_str);
    if query.get("response_mode").map(String::as_str) == Some("web_message") {
        let said = json!({ "type": "authorization_response", "response": { name: value, "state": state } });
        let origin = redirect_uri.trim_end_matches("/callback");
        // `<` could end the script element.
        let said = said.to_string().replace('<', "\\u003c");
        return reply::page(format!(
            "<!doctype html><meta charset=\"utf-8\"><title>Provider</title>\
             <script>(window.opener || parent).postMessage({said}, \"{origin}\");</script>\n"
        ));
    }
    let answer = Serializer::new(String::new()).append_pair(name, value).append_pair("state", state).finish();
    reply::redirect(&format!("{redirect_uri}?{answer}"))
}

impl Keeping for Provider {
    fn caller(&self, scene: &Scene<'_>) -> Result<Caller, Refusal> {
        self.0.caller(scene)
    }

    fn enter(&self, scene: &Scene<'_>, id: AccountId, account: &Account) -> Result<Entered, Refusal> {
        self.0.enter(scene, id, account)
    }

    fn leave(&self, scene: &Scene<'_>) -> Reply {
        self.0.leave(scene)
    }

    fn own_route(&self, scene: &Scene<'_>) -> Option<Result<Reply, Refusal>> {
        if scene.ask.method != Method::GET {
            return None;
        }
        match scene.ask.path.as_str() {
            "/authorize" => Some(self.authorize(scene)),
            "/.well-known/openid-configuration" => {
                let origin = &scene.ask.origin;
                let about = json!({
                    "issuer": origin,
                    "authorization_endpoint": format!("{origin}/authorize"),
                    "response_types_supported": ["code"],
                    "response_modes_supported": ["query", "web_message"],
                    "code_challenge_methods_supported": ["S256"],
                });
                Some(Ok(reply::json(StatusCode::OK, &about)))
            }
            _ => None,
        }
    }

    /// Anybody's page may read what the provider says about itself; it holds no secret.
    fn dress(&self, scene: &Scene<'_>, reply: &mut Reply) {
        if scene.ask.path.starts_with("/.well-known/") {
            reply::set(reply, header::ACCESS_CONTROL_ALLOW_ORIGIN, "*");
        }
    }
}
