//! The admin REST API of one server, as the service account that `dev/providers/keycloak/install` has made.

use crate::http_client::{Answer, send};
use anyhow::{Context as _, Result, bail};
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{Method, Request};
use http_body_util::Full;
use serde_json::Value;
use std::sync::Arc;
use url::Url;

/// Known to everybody who can read this, and good for servers of tests on 127.0.0.1 only.
const CREDENTIALS: &str = "grant_type=client_credentials&client_id=cloakroom-tests&client_secret=cloakroom-tests";

/// Who asks for things to be done at one server.
#[derive(Clone)]
pub(super) struct Admin {
    origin: Arc<str>,
}

impl Admin {
    /// At the server of this origin.
    pub(super) fn at(origin: &str) -> Self {
        Self { origin: origin.into() }
    }

    pub(super) fn origin(&self) -> &str {
        &self.origin
    }

    /// Calls what is below `/admin/realms`, a path of these parts, and gives the JSON of the answer (null if there is
    /// none). An answer other than 2xx is an error, which says what the server says.
    pub(super) async fn call(&self, method: Method, path: &[&str], body: Option<&Value>) -> Result<Value> {
        let mut url: Url = self.origin.parse()?;
        if let Ok(mut parts) = url.path_segments_mut() {
            parts.extend(["admin", "realms"]).extend(path);
        }
        self.call_url(method, &url, body).await
    }

    /// The same, with a query.
    pub(super) async fn find(&self, path: &[&str], query: &[(&str, &str)]) -> Result<Value> {
        let mut url: Url = self.origin.parse()?;
        if let Ok(mut parts) = url.path_segments_mut() {
            parts.extend(["admin", "realms"]).extend(path);
        }
        url.query_pairs_mut().extend_pairs(query);
        self.call_url(Method::GET, &url, None).await
    }

    async fn call_url(&self, method: Method, url: &Url, body: Option<&Value>) -> Result<Value> {
        // A new one for each call: one that lives a minute would be too old after an outage.
        let token = self.token().await?;
        let request = Request::builder()
            .method(&method)
            .uri(url.as_str())
            .header(AUTHORIZATION, format!("Bearer {token}"))
            .header(CONTENT_TYPE, "application/json")
            .body(Full::new(Bytes::from(body.map(Value::to_string).unwrap_or_default())))?;
        let answer = send(request).await?;
        Ok(accepted(&format!("{method} {}", url.path()), answer)?.json())
    }

    async fn token(&self) -> Result<String> {
        let url = format!("{}/realms/master/protocol/openid-connect/token", self.origin);
        let request = Request::post(&url)
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Full::new(Bytes::from_static(CREDENTIALS.as_bytes())))?;
        let answer = accepted("the administrator's token", send(request).await?)?;
        let token = answer.json()["access_token"].as_str().map(str::to_owned);
        token.context("no token for the administrator")
    }
}

fn accepted(what: &str, answer: Answer) -> Result<Answer> {
    if !answer.status.is_success() {
        bail!("{what}: Keycloak answers {}: {}", answer.status, answer.text());
    }
    Ok(answer)
}
