//! The token endpoint (RFC 6749 §3.2): one route, a grant for each way to get a token.

use crate::Response;
use crate::call::Call;
use crate::problem::{Code, Problem};
use crate::routes::answer;
use cloakroom_app::service::{Client, ExchangeWish, Granted, Wish};
use cloakroom_app::session::{Company, Handed};
use cloakroom_app::{Error, Refusal as AppRefusal};
use cloakroom_core::service::{Grant, Refusal};
use http::header::{HeaderValue, PRAGMA};
use serde_json::{Value, json};

/// The one type of token that is exchanged, and that is made (RFC 8693 §3).
const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";

/// `POST /auth/token`.
pub(crate) async fn post(mut call: Call) -> Result<Response, Problem> {
    let grant = Grant::from_text(&call.needed("grant_type")?).ok_or(Code::Service(Refusal::GrantUnknown))?;
    match grant {
        Grant::ClientCredentials => {
            let client = call.client_of_request().await?;
            let wish = call.wish_for_token()?;
            Ok(granted(&call.web.app().grant_client_credentials(&client, &wish)?, None))
        }
        Grant::JwtBearer => {
            let client = call.client_if_shown().await?;
            let (assertion, wish) = (call.needed("assertion")?, call.wish_for_token()?);
            let made = call.web.app().grant_jwt_bearer(client.as_ref(), &assertion, &wish, call.client.address).await?;
            Ok(granted(&made, None))
        }
        Grant::TokenExchange => exchange(call).await,
        Grant::RefreshToken => refresh(call).await,
    }
}

async fn exchange(mut call: Call) -> Result<Response, Problem> {
    let client = call.client_of_request().await?;
    let subject_token = call.needed("subject_token")?;
    let wished_type = call.optional("requested_token_type")?.unwrap_or_else(|| ACCESS_TOKEN.to_owned());
    if call.needed("subject_token_type")? != ACCESS_TOKEN || wished_type != ACCESS_TOKEN {
        return Err(Code::Service(Refusal::TokenTypeUnknown).into());
    }
    if call.fields.has("actor_token") || call.fields.has("actor_token_type") {
        return Err(Code::Service(Refusal::ActorTokenUnsupported).into());
    }
    let wish = call.wish_for_token()?;
    let made = call.web.app().exchange(&client, &ExchangeWish { subject_token, wish }).await?;
    Ok(granted(&made, Some(ACCESS_TOKEN)))
}

/// What `POST /auth/refresh` does for a program, in the words of RFC 6749 §6.
async fn refresh(mut call: Call) -> Result<Response, Problem> {
    if !call.web.is_program(&call.parts) {
        return Err(Code::Service(Refusal::FromBrowser).into());
    }
    // Refresh tokens are of sessions, and of no client: one that authenticates was given none (RFC 6749 §10.4).
    if call.client_if_shown().await?.is_some() {
        return Err(Code::Service(Refusal::GrantNotAllowed).into());
    }
    if call.optional("scope")?.is_some() {
        return Err(Code::Service(Refusal::ScopeNotAllowed).into());
    }
    let token = call.needed("refresh_token")?;
    let opened = call.web.app().refresh(&token, Company { in_body: true, ..Company::default() }).await;
    let opened = opened.map_err(|error| match error {
        Error::Refused(AppRefusal::SessionEnded { .. }) => Code::Service(Refusal::RefreshInvalid).into(),
        Error::Refused(AppRefusal::RefreshRaced) => Code::Service(Refusal::RefreshRaced).into(),
        other => Problem::from(other),
    })?;
    let Handed::Native { access, refresh } = &opened.handed else {
        return Err(Code::Service(Refusal::RefreshInvalid).into());
    };
    let expires_in = opened.expires_at.since(call.web.app().clock().now());
    Ok(kept_by_nobody(&json!({
        "access_token": access,
        "token_type": "Bearer",
        "expires_in": expires_in.as_secs(),
        "refresh_token": refresh.to_wire(),
    })))
}

fn granted(made: &Granted, issued: Option<&str>) -> Response {
    let mut body = json!({
        "access_token": made.access_token,
        "token_type": "Bearer",
        "expires_in": made.expires_in.as_secs(),
    });
    if let Some(body) = body.as_object_mut() {
        if !made.scope.is_empty() {
            body.insert("scope".into(), made.scope.to_string().into());
        }
        if let Some(issued) = issued {
            body.insert("issued_token_type".into(), issued.into());
        }
    }
    kept_by_nobody(&body)
}

/// RFC 6749 §5.1 asks for both headers; `Cache-Control` is that of the row.
pub(super) fn kept_by_nobody(body: &Value) -> Response {
    let mut response = answer(body);
    response.headers_mut().insert(PRAGMA, HeaderValue::from_static("no-cache"));
    response
}

impl Call {
    /// The client that asks; it has to show who it is.
    pub(super) async fn client_of_request(&mut self) -> Result<Client, Problem> {
        self.client_if_shown().await?.ok_or_else(|| Code::Service(Refusal::ClientUnproven).into())
    }

    /// The client that asks, where it shows who it is. What it shows has to be good.
    pub(super) async fn client_if_shown(&mut self) -> Result<Option<Client>, Problem> {
        match self.presented()? {
            Some(presented) => Ok(Some(self.web.app().authenticate_client(&presented, self.client.address).await?)),
            None => Ok(None),
        }
    }

    fn wish_for_token(&mut self) -> Result<Wish, Problem> {
        let mut targets = self.fields.texts("audience");
        targets.extend(self.fields.texts("resource"));
        Ok(Wish { targets, scope: self.optional("scope")? })
    }

    /// A parameter that has to be there.
    pub(super) fn needed(&mut self, name: &str) -> Result<String, Problem> {
        self.optional(name)?.ok_or_else(|| Code::Service(Refusal::Malformed).into())
    }

    /// A parameter that may be missing.
    pub(super) fn optional(&mut self, name: &str) -> Result<Option<String>, Problem> {
        self.fields.optional(name).map_err(|_| Code::Service(Refusal::Malformed).into())
    }
}
