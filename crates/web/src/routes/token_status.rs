//! What becomes of a token: revocation (RFC 7009) and introspection (RFC 7662).

use super::token::kept_by_nobody;
use crate::Response;
use crate::call::Call;
use crate::problem::{Code, Problem};
use cloakroom_app::service::Introspection;
use cloakroom_core::service::Refusal;
use serde_json::json;

/// `POST /auth/token/revoke`: 200 also for what is no token, or no longer (RFC 7009 §2.2).
pub(crate) async fn revoke(mut call: Call) -> Result<Response, Problem> {
    let token = call.needed("token")?;
    let client = call.client_if_shown().await?;
    // Whoever holds a program's refresh token may end its session: it is a public client (RFC 7009 §2.1).
    if !call.web.app().revoke_refresh(&token).await? {
        match client {
            Some(client) => call.web.app().revoke_token(&client, &token).await?,
            None => return Err(Code::Service(Refusal::ClientUnproven).into()),
        }
    }
    Ok(Response::default())
}

/// `POST /auth/token/introspect`.
pub(crate) async fn introspect(mut call: Call) -> Result<Response, Problem> {
    let client = call.client_of_request().await?;
    let token = call.needed("token")?;
    Ok(kept_by_nobody(&match call.web.app().introspect(&client, &token).await? {
        Introspection::Inactive => json!({ "active": false }),
        Introspection::Active(told) => told,
    }))
}
